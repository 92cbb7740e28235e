"""Compare two releases, record by record if both have their index, otherwise by their manifests.

Two records are equal if text, datestamp and state (live or tombstone) are. An archive is compared as the release that
would be made from it now: its root and its index are computed, its parts are not written.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from archive.disk import WORK
from archive.duck import translated_duckdb, working_database
from archive.errors import Damaged, NotAnArchive, OtherArchive
from archive.queries import Queries
from archive.releases.build import FRAME_BYTES, Options, Progress, assemble_archive, read_stated
from archive.releases.contents import check_index
from archive.releases.entries import ENVELOPE
from archive.releases.manifest import INDEX, Content, Edge, Making, Manifest, Part, Selection, read_manifest

_SQL = Queries(__package__)

SAME, ADDED, CHANGED, REVIVED, DELETED = "same", "added", "changed", "revived", "deleted"
TOMBSTONE_ADDED, TOMBSTONE_CHANGED, GONE = "tombstone_added", "tombstone_changed", "gone"
KINDS = (SAME, ADDED, CHANGED, REVIVED, DELETED, TOMBSTONE_ADDED, TOMBSTONE_CHANGED, GONE)
# what `--lines` prints before an id
MARKS = {
    SAME: "=",
    ADDED: "+",
    REVIVED: "+",
    CHANGED: "*",
    TOMBSTONE_CHANGED: "*",
    DELETED: "-",
    TOMBSTONE_ADDED: "-",
    GONE: "-",
}


@dataclass(frozen=True, slots=True)
class Side:
    """A release to compare; `index` is None if there is only its manifest."""

    path: Path
    manifest: Manifest
    index: Path | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every record of both releases with its kind; open until its block ends.

    `counts` has every kind, `by_format` those that occur. Without `texts` the two releases have texts of different
    forms, and a live record counts as the same if its datestamp is.
    """

    texts: bool
    counts: dict[str, int]
    by_format: dict[str, dict[str, int]]
    db: duckdb.DuckDBPyConnection

    @property
    def same(self) -> bool:
        return not any(count for kind, count in self.counts.items() if kind != SAME)

    def lines(self) -> Iterator[tuple[str, str, str]]:
        """Yield (identifier, format, kind) of every record, in the order of identifiers."""
        rows = self.db.execute(_SQL["compare_lines"])
        while batch := rows.fetchmany(10_000):
            yield from batch

    def first(self, kind: str, limit: int) -> list[tuple[str, str]]:
        """Return (identifier, format) of some records of one kind."""
        return self.db.execute(_SQL["compare_first"], {"kind": kind, "limit": limit}).fetchall()


@dataclass(frozen=True, slots=True)
class Stretch:
    """A range of identifiers, both ends included, in which the records of one kind of part may differ."""

    kind: str
    first: Edge
    last: Edge


@dataclass(frozen=True, slots=True)
class ManifestComparison:
    """What two manifests alone say about the difference of their releases.

    `same`: True and False are certain, None is unknown. `parts_same` parts are in both with equal digests, and hold
    `records_same` records and tombstones; every text that differs lies in one of the `stretches`. A format's `at_least`
    is the least number of its records and tombstones that were added or, if negative, are gone.
    """

    same: bool | None
    texts: bool
    parts_same: int
    records_same: int
    stretches: tuple[Stretch, ...]
    at_least: dict[str, int]


def read_side(path: Path) -> Side:
    """Open a release, from its folder or its manifest alone. Raises as `read_manifest`; OtherArchive for a delta."""
    manifest = read_manifest(path)
    if manifest.kind != "full":
        raise OtherArchive(f"{path} is a {manifest.kind}, no release; make one of it: harvester apply OLD {path} OUT")
    index = path / INDEX
    return Side(path, manifest, index if path.is_dir() and index.exists() else None)


@contextmanager
def compared(old: Side, new: Side) -> Iterator[Comparison]:
    """Compare two releases that have their index, in a temporary folder.

    Raises Damaged if an index is not the one its manifest names, or the result does not add up to its counts.
    """
    paths = {"old": _index_of(old), "new": _index_of(new)}
    texts = _form(old.manifest) == _form(new.manifest)
    work = Path(tempfile.mkdtemp(prefix="harvester-diff-"))
    try:
        with translated_duckdb(work), closing(working_database(work / "diff.duckdb")) as db:
            db.execute(_SQL["compare_releases"], {**paths, "texts": texts})
            comparison = _counted(db, texts)
            _check_sums(comparison.counts, old, new)
            yield comparison
    finally:
        shutil.rmtree(work, ignore_errors=True)


def compare_manifests(old: Manifest, new: Manifest) -> ManifestComparison:
    """Compare what can be compared without the indexes."""
    texts = _form(old) == _form(new)
    shared = _digests(old) & _digests(new) if texts else set()
    parts = [part for part in new.content.parts if (part.kind, part.sha256) in shared]
    stretches = _stretches(
        [part for side in (old, new) for part in side.content.parts if (part.kind, part.sha256) not in shared]
    )
    same = _same(old, new, texts)
    formats = sorted(old.content.by_format.keys() | new.content.by_format.keys())
    least = {name: _total(new, name) - _total(old, name) for name in formats}
    return ManifestComparison(
        same,
        texts,
        len(parts),
        sum(part.records for part in parts),
        () if same else tuple(stretches),
        {name: number for name, number in least.items() if number},
    )


def _index_of(side: Side) -> str:
    if side.index is None:
        raise NotAnArchive(f"{side.path} has no {INDEX}, and nothing else names its records; take it from the release")
    check_index(side.index, side.manifest)
    return str(side.index)


def _form(manifest: Manifest) -> str:
    return manifest.content.making.form


def _same(old: Manifest, new: Manifest, texts: bool) -> bool | None:
    """Compare roots, which are over texts: those of bare records lack identifier and datestamp, which the index has."""
    if old.content.index.sha256 == new.content.index.sha256:
        return True
    numbers = [(side.content.records, side.content.tombstones, side.content.by_format) for side in (old, new)]
    if numbers[0] != numbers[1] or (texts and old.content.root != new.content.root):
        return False
    return True if texts and _form(old) == "envelope" else None


def _digests(manifest: Manifest) -> set[tuple[str, str]]:
    return {(part.kind, part.sha256) for part in manifest.content.parts}


def _total(manifest: Manifest, name: str) -> int:
    counts = manifest.content.by_format.get(name, {})
    return counts.get("records", 0) + counts.get("tombstones", 0)


def _stretches(parts: list[Part]) -> Iterator[Stretch]:
    """Merge the ranges that some parts cover."""
    pending: Stretch | None = None
    for part in sorted(parts, key=lambda part: (part.kind, _place(part.first))):
        if pending is not None and pending.kind == part.kind and _place(part.first) <= _place(pending.last):
            pending = Stretch(part.kind, pending.first, max(pending.last, part.last, key=_place))
            continue
        if pending is not None:
            yield pending
        pending = Stretch(part.kind, part.first, part.last)
    if pending is not None:
        yield pending


def _place(edge: Edge) -> tuple[bytes, bytes]:
    return edge.identifier.encode(), edge.format.encode()


def _counted(db: duckdb.DuckDBPyConnection, texts: bool) -> Comparison:
    counts = dict.fromkeys(KINDS, 0)
    by_format: dict[str, dict[str, int]] = {}
    for name, kind, records in db.execute(_SQL["compare_counts"]).fetchall():
        counts[kind] += records
        by_format.setdefault(name, {})[kind] = records
    return Comparison(texts, counts, by_format, db)


def _check_sums(counts: dict[str, int], old: Side, new: Side) -> None:
    """Check that the kinds add up to the records and tombstones of each release."""
    both = counts[SAME] + counts[CHANGED] + counts[REVIVED] + counts[DELETED] + counts[TOMBSTONE_CHANGED]
    for side, only in ((old, counts[GONE]), (new, counts[ADDED] + counts[TOMBSTONE_ADDED])):
        content = side.manifest.content
        if both + only != content.records + content.tombstones:
            raise Damaged(
                f"{side.path}: its index has {both + only} records and tombstones, its manifest "
                f"{content.records} and {content.tombstones}; take both from a copy of the release"
            )


# the output is discarded: compress as fast as possible
_LEVEL = 1


@contextmanager
def digested(archive: Path, like: Content | None, progress: Progress | None = None) -> Iterator[Side]:
    """Build the side of an archive, with the form and selection of the release that it is compared with.

    Temporary files are in a folder inside the archive, which has room for them. Raises as `write_release`.
    """
    form, selection = (like.making.form, like.selection) if like is not None else (ENVELOPE, Selection())
    options = Options(
        Making(form, "jsonseq", "zstd", _LEVEL, FRAME_BYTES, 0, 0), selection, archive.name, "", "", {}, {}
    )
    folder = Path(tempfile.mkdtemp(prefix=".audit-", dir=archive))
    try:
        (folder / WORK).mkdir()
        stated = read_stated(archive, folder / WORK, options)
        content = assemble_archive(stated.plan, folder, options, progress, watch=lambda entries: entries)
        yield Side(archive, stated.manifest(options, content), folder / INDEX)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
