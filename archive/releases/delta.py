"""Deltas: what turns a release into the next one, without the records that both have.

A delta is a folder like a release, with a manifest of the kind `delta`, an index and a lookup. Its parts are `added-`,
`changed-` and `deleted-`: JSON text sequences of the texts that the new release has; a deletion that leaves no
tombstone is a text with `"gone":true`. `new-NAME` is the file NAME of the new release, unless that is made from its
records. Applied to the release that it was made against, a delta gives the new release byte for byte.
"""

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import orjson

from archive.disk import WORK, durable, staged
from archive.errors import CannotDump, Damaged, OtherArchive
from archive.formats import canonical
from archive.releases.assembly import RECORDS, TOMBSTONES, Assembly, assemble, file_entry
from archive.releases.build import FULL, Options, Progress, assemble_archive, read_stated
from archive.releases.changes import ADDED, DELETED, KINDS, Row, applied, watched
from archive.releases.contents import Contents, Spool, open_contents
from archive.releases.documents import write_papers
from archive.releases.entries import Entry
from archive.releases.manifest import (
    LOOKUP,
    MANIFEST,
    Content,
    FileEntry,
    Making,
    Manifest,
    Selection,
    manifest_bytes,
    read_manifest,
    write_manifest,
)
from archive.releases.selection import describe
from archive.store import in_bulk

DELTA = "delta"
# prefix of the names of the new release's files
PREFIX = "new-"
README = "README.md"
# zstd level of a delta to a release with another compression: the default of `harvester dump`
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
    """Build the delta between the release `old` and the one that `write_release` would build of an archive now.

    Of `old` only the manifest and the index are read. Raises as `write_release`; OtherArchive if `old` is not a full
    release, CannotDump if it has texts of another form, or if its records are gone in bulk and the loss is not
    accepted, Damaged if its index is not what was written.
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
    """Return whether a deletion leaves no tombstone."""
    return orjson.loads(entry.text).get("gone") is True


def _gone(row: Row) -> Entry:
    text = canonical.encode(
        {
            "identifier": row.identifier,
            "format": row.format,
            "datestamp": row.datestamp,
            "deleted": True,
            "gone": True,
            "metadata": None,
        }
    )
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
    """Refuse a delta that deletes in bulk: everyone who applies it would lose these records unasked."""
    held = old.content.records
    lost = held + added - new.content.records
    if in_bulk(held, lost):
        raise CannotDump(
            f"{lost} of the {held} live records of {old.name} are deleted or gone here: such a delta would take them "
            "from everyone who applies it. Check the archive (harvester status, harvester audit); --accept-loss "
            "writes the delta"
        )


class _Changes:
    """The changes, spooled by kind until all of them are known."""

    def __init__(self, old: Contents, work: Path) -> None:
        self._old, self._work, self._stack = old, work, ExitStack()
        self._kinds = {kind: self._stack.enter_context(closing(Spool(work / kind))) for kind in KINDS}

    def __enter__(self) -> "_Changes":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def added(self) -> int:
        """Count the records that are live, and were not live before."""
        return len(self._kinds[ADDED])

    def watch(self, entries: Iterator[Entry]) -> Iterator[Entry]:
        """Pass on the entries of the new release, and spool the changes."""
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
    """Choose how a delta is written: always a text sequence in zstd frames, with the form and limits of the release."""
    level = target.level if target.compression == "zstd" else _LEVEL
    return replace(target, layout="jsonseq", compression="zstd", level=level)


def _digested(archive: Path, folder: Path, options: Options, changes: _Changes, progress: Progress | None) -> Manifest:
    """Make the manifest that the new release would have, without documentation files; nothing else of it is kept."""
    (folder / WORK).mkdir(parents=True)
    stated = read_stated(archive, folder / WORK, options)
    return stated.manifest(options, assemble_archive(stated.plan, folder, options, progress, changes.watch))


def _write_papers(folder: Path, target: Manifest) -> Manifest:
    """Write the files of the new release that are not made from its records, and return its complete manifest."""
    durable.make_folder(folder)
    target = replace(target, files=write_papers(folder, target))
    write_manifest(folder, target)
    return target


def _moved(papers: Path, folder: Path) -> Iterator[FileEntry]:
    """Move documentation files of the new release into the delta, under their prefix."""
    for path in sorted(papers.iterdir()):
        place = folder / f"{PREFIX}{path.name}"
        with durable.translated(place, "renaming"):
            path.rename(place)
        yield file_entry(place)


def _manifest(target: Manifest, old: Manifest, content: Content) -> Manifest:
    since = {"name": old.name, "root": old.content.root, "sha256": hashlib.sha256(manifest_bytes(old)).hexdigest()}
    return replace(
        target,
        kind=DELTA,
        name=f"{target.name}-since-{old.name}",
        title=f"{target.title}: changes since {old.name}",
        content=content,
        files=(),
        since=since,
    )


def _readme(delta: Manifest, target: Manifest, old: Manifest) -> str:
    rows = [f"| `{part.name}` | {part.records:,} | {_WORDS[part.kind]} |" for part in delta.content.parts]
    return _README.format(
        title=_plain(delta.title),
        old=_plain(old.name),
        new=_plain(target.name),
        old_root=old.content.root,
        new_root=target.content.root,
        rows="\n".join(rows) or "| none | 0 | both releases hold the same |",
    )


def _plain(name: str) -> str:
    """Remove from a name what would be markup or a line break."""
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


def apply_delta(old: Path, delta: Path, out: Path, progress: Progress | None = None) -> Manifest:
    """Build the new release from the old one and a delta; `out` appears only if each file is what the delta says.

    `progress` is called with the entries written so far and their number. Raises NotAnArchive; OtherArchive if `delta`
    is not a delta, or is for another release; Damaged if either is not what was written; CannotDump if `out` exists, or
    the records are right but this compressor gives other bytes.
    """
    changes, before = open_contents(delta), open_contents(old)
    _check_fits(before, changes)
    target = _read_target(changes)
    if (chosen := target.content.selection) != before.manifest.content.selection:
        raise CannotDump(
            f"{delta} leads to a release of {describe(chosen)}, {old} is one of "
            f"{describe(before.manifest.content.selection)}: records that are only there would be lost; "
            "take the full release"
        )
    total = target.content.records + target.content.tombstones

    def written(done: int) -> None:
        if progress is not None:
            progress(done, total)

    with staged(out) as folder:
        making, selection = target.content.making, target.content.selection
        others = [one.layout for one in target.content.others]
        entries = _entries(before, changes)
        content = assemble(entries, folder, folder / WORK, making, selection, written, others=others)
        _check_content(content, target.content, delta)
        for entry in target.files:
            durable.write_new(folder / entry.name, _read_paper(delta / f"{PREFIX}{entry.name}", entry.sha256), "paper")
        write_manifest(folder, target)
    return target


def _check_fits(old: Contents, delta: Contents) -> None:
    since = delta.manifest.since
    if delta.manifest.kind != DELTA or since is None:
        raise OtherArchive(f"{delta.folder} is a {delta.manifest.kind} release, no delta")
    if old.manifest.kind != FULL:
        raise OtherArchive(f"{old.folder} is a {old.manifest.kind}; a delta is applied to a full release")
    root = old.manifest.content.root
    if root != since["root"]:
        raise OtherArchive(
            f"{delta.folder} is since {since['name']} (root {since['root']}), {old.folder} is {old.manifest.name} "
            f"(root {root}): name the release that it is since"
        )


def _read_target(delta: Contents) -> Manifest:
    """Read the manifest of the new release, which is one of the delta's files."""
    path = delta.folder / f"{PREFIX}{MANIFEST}"
    digests = {entry.name: entry.sha256 for entry in delta.manifest.files}
    _read_paper(path, digests.get(path.name))
    target = read_manifest(path)
    names = [entry.name for entry in target.entries()]
    if len({*names, MANIFEST}) != len(names) + 1 or any(
        Path(name).name != name or name in ("", "..") for name in names
    ):
        raise Damaged(f"{path} names files twice, or beyond the folder of the release; take it from a copy")
    return target


def _read_paper(path: Path, sha256: str | None) -> bytes:
    """Read a small file whole. Raises Damaged unless its digest matches."""
    with durable.translated(path, "reading"):
        body = path.read_bytes() if path.exists() else None
    if body is None or hashlib.sha256(body).hexdigest() != sha256:
        raise Damaged(f"{path} is {'missing' if body is None else 'not what was written'}; take it from a copy")
    return body


def _entries(old: Contents, delta: Contents) -> Iterator[Entry]:
    return applied(lambda deleted: old.entries(TOMBSTONES if deleted else RECORDS), delta.entries, delta.rows, is_gone)


def _check_content(found: Content, target: Content, delta: Path) -> None:
    if found == target:
        return
    if found.root != target.root:
        raise Damaged(f"{delta}: what came out has the root {found.root}, not {target.root}; take both from a copy")
    names = [
        part.name
        for part, other in zip_longest(found.all_parts, target.all_parts)
        if part != other and part is not None
    ]
    name = next(iter(names), found.index.name if found.index != target.index else LOOKUP)
    raise CannotDump(
        f"{delta}: the records are those of the new release (root {found.root}), and {name} has other bytes here: it "
        "was packed by another version of zstd, xz, zlib or DuckDB (software in the manifest); take the full release"
    )
