"""A release and a delta since it, put together: the next release, byte for byte as it was digested."""

import hashlib
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from archive import durable
from archive.errors import CannotDump, Damaged, OtherArchive
from archive.releases.assembling import RECORDS, TOMBSTONES, assemble
from archive.releases.changes import applied
from archive.releases.contents import Contents, open_contents
from archive.releases.deltas import DELTA, PREFIX, is_gone
from archive.releases.dumps import FULL, Progress
from archive.releases.entries import Entry
from archive.releases.release import LOOKUP, MANIFEST, Content, Manifest, read_manifest, write_manifest
from archive.releases.selecting import describe
from archive.staging import WORK, staged


def apply_delta(old: Path, delta: Path, out: Path, progress: Progress | None = None) -> Manifest:
    """Make the new release of the old one and a delta; `out` is there only when each file is what the delta says.

    `progress` is called with the entries written so far and their number. Raises NotAnArchive; OtherArchive when
    `delta` is none, or is since another release; Damaged when either is not what was written; CannotDump when `out`
    is there, or the records are right and packed otherwise here.
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
    """The manifest of the new release, which is one of the delta's files."""
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
    """A small file, whole. Raises Damaged unless it is the one that was digested."""
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
