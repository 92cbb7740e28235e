"""A delta: what turns a release into the next one, without the records that both have.

It is a folder like a release, with a manifest of the kind `delta`, an index and a lookup. Its parts are `added-`,
`changed-` and `deleted-`: JSON text sequences of the texts that the new release has; a deletion that leaves no
tombstone is a text with `"gone":true`. `new-NAME` is NAME of the new release, where that is not made of its records.
"""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import orjson

from archive import canonical, durable
from archive.accounts.losses import in_bulk
from archive.errors import CannotDump, OtherArchive
from archive.releases.assembling import RECORDS, TOMBSTONES, Assembly, file_entry
from archive.releases.changes import ADDED, DELETED, KINDS, Row, watched
from archive.releases.contents import Contents, open_contents
from archive.releases.dumps import FULL, Options, Progress, assemble_archive, read_stated
from archive.releases.entries import Entry
from archive.releases.leaflets import write_papers
from archive.releases.release import Content, FileEntry, Making, Manifest, Selection, manifest_bytes, write_manifest
from archive.releases.selecting import describe
from archive.releases.spool import Spool
from archive.staging import WORK, staged

DELTA = "delta"
# before the names of the new release's files
PREFIX = "new-"
README = "README.md"
# of a delta to a release that is compressed with something else: as `harvester dump` does
_LEVEL = 10


def write_delta(
    archive: Path,
    old: Path,
    out: Path,
    options: Options,
    progress: Progress | None = None,
    *,
    accept_loss: bool = False,
) -> Manifest:
    """Make the delta between the release `old` and the one that `write_release` would make of an archive now.

    Of `old` only the manifest and the index are read. Raises as `write_release`; OtherArchive when `old` is no full
    release, CannotDump when it holds texts of another form, or when its records are gone in bulk and the loss is not
    accepted, Damaged when its index is not what was written.
    """
    before = open_contents(old)
    _check_old(before, options)
    with staged(out) as folder:
        with _Changes(before, folder / WORK) as changes:
            target = _digested(archive, folder / WORK / "new", options, changes, progress)
            if not accept_loss:
                _check_loss(before.manifest, changes.added, target)
            content = changes.assemble(folder, _making(options.making), target.content.selection)
        target = _write_papers(folder / WORK / "papers", target)
        manifest = _manifest(target, before.manifest, content)
        durable.write_new(folder / README, _readme(manifest, target, before.manifest).encode(), "paper")
        manifest = replace(manifest, files=(file_entry(folder / README), *_moved(folder / WORK / "papers", folder)))
        write_manifest(folder, manifest)
    return manifest


def is_gone(entry: Entry) -> bool:
    """Whether a deletion leaves no tombstone."""
    return orjson.loads(entry.text).get("gone") is True


def _gone(row: Row) -> Entry:
    text = canonical.encode({
        "identifier": row.identifier, "format": row.format, "datestamp": row.datestamp, "deleted": True, "gone": True,
        "metadata": None,
    })  # fmt: skip
    digest = hashlib.sha256(text).hexdigest()
    return Entry(row.identifier, row.format, row.datestamp, True, None, digest, text)


def _check_old(old: Contents, options: Options) -> None:
    form, selection = options.making.form, options.selection
    if old.manifest.kind != FULL:
        raise OtherArchive(f"{old.folder} is a {old.manifest.kind}; a delta is made since a full release")
    if (found := old.manifest.content.making.form) != form:
        raise CannotDump(
            f"{old.folder} holds {found} records, this would be {form}: every one of them would have changed; "
            "ask for the form of the old one, or make a full release"
        )
    if (chosen := old.manifest.content.selection) != selection:
        raise CannotDump(
            f"{old.folder} was made with {describe(chosen)}, this would be with {describe(selection)}: whoever applies "
            "the delta would lose what only the first one takes; select the same, or make a full release"
        )


def _check_loss(old: Manifest, added: int, new: Manifest) -> None:
    """Refuse a delta that deletes in bulk: whoever applies it would lose these records without having been asked."""
    held = old.content.records
    lost = held + added - new.content.records
    if in_bulk(held, lost):
        raise CannotDump(
            f"{lost} of the {held} live records of {old.name} are deleted or gone here: such a delta would take them "
            "from everyone who applies it. Check the archive (harvester status, harvester audit); --accept-loss "
            "writes the delta"
        )


class _Changes:
    """What changes, put away by kind until all of it is known."""

    def __init__(self, old: Contents, work: Path) -> None:
        self._old, self._work, self._stack = old, work, ExitStack()
        self._kinds = {kind: self._stack.enter_context(closing(Spool(work / kind))) for kind in KINDS}

    def __enter__(self) -> "_Changes":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def added(self) -> int:
        """How many records are live, and were not live before."""
        return len(self._kinds[ADDED])

    def watch(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        """Hand on the entries of the new release."""
        with closing(Spool(self._work / "aside")) as aside:
            yield from watched(entries, self._rows, self._change, self._gone, aside)

    def assemble(self, folder: Path, making: Making, selection: Selection) -> Content:
        """Write the parts, the index and the lookup of the delta."""
        with closing(Assembly(folder, self._work, making)) as assembly:
            for kind, spool in self._kinds.items():
                assembly.add_all(kind, spool.entries(), None)
            return assembly.finish(selection)

    def _rows(self, deleted: bool) -> Iterator[Row]:
        return self._old.rows(TOMBSTONES if deleted else RECORDS)

    def _change(self, kind: str, entry: Entry) -> None:
        self._kinds[kind].append(entry)

    def _gone(self, row: Row) -> None:
        self._kinds[DELETED].append(_gone(row))


def _making(target: Making) -> Making:
    """A delta is always a text sequence in zstd frames; its form and its limits are those of the release."""
    level = target.level if target.compression == "zstd" else _LEVEL
    return replace(target, layout="jsonseq", compression="zstd", level=level)


def _digested(archive: Path, folder: Path, options: Options, changes: _Changes, progress: Progress | None) -> Manifest:
    """The manifest that the new release would have, but for its papers; what is written for it is not kept."""
    (folder / WORK).mkdir(parents=True)
    stated = read_stated(archive, folder / WORK, options)
    return stated.manifest(options, assemble_archive(stated.plan, folder, options, progress, changes.watch))


def _write_papers(folder: Path, target: Manifest) -> Manifest:
    """Write the files of the new release that are not made of its records, and return its whole manifest."""
    durable.make_folder(folder)
    target = replace(target, files=write_papers(folder, target))
    write_manifest(folder, target)
    return target


def _moved(papers: Path, folder: Path) -> Iterator[FileEntry]:
    """They, as files of the delta."""
    for path in sorted(papers.iterdir()):
        place = folder / f"{PREFIX}{path.name}"
        with durable.translated(place, "renaming"):
            path.rename(place)
        yield file_entry(place)


def _manifest(target: Manifest, old: Manifest, content: Content) -> Manifest:
    since = {"name": old.name, "root": old.content.root, "sha256": hashlib.sha256(manifest_bytes(old)).hexdigest()}
    return replace(
        target, kind=DELTA, name=f"{target.name}-since-{old.name}", title=f"{target.title}: changes since {old.name}",
        content=content, files=(), since=since,
    )  # fmt: skip


def _readme(delta: Manifest, target: Manifest, old: Manifest) -> str:
    rows = [f"| `{part.name}` | {part.records:,} | {_WORDS[part.kind]} |" for part in delta.content.parts]
    return _README.format(
        title=_plain(delta.title), old=_plain(old.name), new=_plain(target.name),
        old_root=old.content.root, new_root=target.content.root,
        rows="\n".join(rows) or "| none | 0 | both releases hold the same |",
    )  # fmt: skip


def _plain(name: str) -> str:
    """A name without what would be markup, or a line of its own."""
    return "".join(character if character.isprintable() and character not in "`<[" else " " for character in name)


_WORDS = {
    "added": "live, and not live in the old release",
    "changed": "live, as in the old release, with another text or datestamp",
    "deleted": 'tombstones that the old release has not; `"gone":true` where none is left',
}
_README = """# {title}

This folder is a delta: it holds what turns the release `{old}` into the release `{new}`, and not what both have.

    harvester apply OLD-RELEASE THIS-FOLDER NEW-RELEASE

writes the new release, byte for byte, and checks each of its files.

| file | records | what they are |
| --- | --: | --- |
{rows}

The records are JSON text sequences (RFC 7464) in zstd: `zstd -dc added-*.json-seq.zst | jq --seq .` prints those that
were added. `index.parquet` names identifier, format, datestamp and SHA-256 of each. The files of the new release that
are not made of its records are here as `new-README.md`, `new-manifest.json` and so on.

Without our software: take from the old release every identifier and format that `index.parquet` names here, then add
the records of `added`, `changed` and `deleted`, but for those with `"gone":true`.

A Merkle root (RFC 6962) over the SHA-256 of each record, records first, then tombstones, tells what a release holds.
Of `{old}` it is `{old_root}`, of `{new}` it is `{new_root}`.
"""
