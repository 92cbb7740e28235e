"""The payload of a bag: the files of an archive, of a release, or of any folder, with their recorded digests."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from archive.bags.tagfiles import Info
from archive.disk import translated
from archive.errors import Damaged, NotAtRest, NotBaggable
from archive.files import stored_files
from archive.index import open_index
from archive.queries import Queries
from archive.releases import INDEX, LOOKUP, MANIFEST, Manifest, is_release, read_manifest
from archive.store import Layout, WriteLock, read_description, snapshot

_SQL = Queries(__package__)
_STORE_SQL = Queries("archive.store")

# files that an archive may have besides its contents: derived, unfinished, hidden, or SQLite's own
_PASSING = re.compile(
    r"ledger\.sqlite-(wal|shm)|index\..*|fixity\.log.*|downloads(/.*)?|(.*/)?\.[^/]*(/.*)?|.*\.(part|open|tmp)"
)
_DIGEST = re.compile(rb"([0-9a-f]{64})  ledger\.sqlite\n")


@dataclass(frozen=True, slots=True)
class Item:
    """A file of the payload: its path below data/, and its present place. Digests are None if none was recorded.

    `settled`: it will never be written again, so that a hard link to it is safe. `stamp` shows whether it was changed,
    by its stat values. `was` is its original name, if it has another one in the bag.
    """

    path: str
    source: Path
    bytes: int
    sha256: str | None = None
    sha512: str | None = None
    settled: bool = False
    stamp: int = 0
    was: str | None = None


@dataclass(frozen=True, slots=True)
class Payload:
    """All files of a payload, in the order of the paths. `info` are automatic entries of bag-info.txt.

    `left_out` are files that belong to nothing, `empty` folders that a bag cannot express.
    """

    kind: str
    root: Path
    items: tuple[Item, ...]
    info: Info
    left_out: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


@contextmanager
def payload_of(path: Path, *, with_index: bool = False) -> Iterator[Payload]:
    """Read the payload of an archive, a release or a folder; an archive stays locked for writing meanwhile.

    Raises Busy or NotAtRest if an archive is being written to or was left open, Damaged if a file is missing or its
    length differs from the recorded one, NotBaggable for what a bag cannot hold.
    """
    if not path.is_dir():
        raise NotBaggable(f"{path} is no folder; name an archive, a release or any folder")
    if (path / "bagit.txt").exists():
        raise NotBaggable(f"{path} is a bag already; name {path / 'data'} to put its payload into another one")
    if is_release(path):
        yield _of_release(path)
    elif Layout(path).description.exists():
        lock = WriteLock(path)
        try:
            yield _of_archive(Layout(path), with_index)
        finally:
            lock.release()
    else:
        yield _of_folder(path)


# --- archives


def _of_archive(layout: Layout, with_index: bool) -> Payload:
    described = read_description(layout.root)
    items = [_item(layout, "archive.json"), *_ledger(layout), *(_index(layout) if with_index else ())]
    with snapshot(layout) as ledger:
        for name, state, size, sha256, sha512 in ledger.execute(_SQL["bag_shards"]):
            if state != "sealed":
                raise _left_open(layout, f"shard {name} is not sealed")
            items.append(_recorded(layout, f"shards/{name}", size, sha256, sha512))
        for stored in stored_files(ledger):
            items.append(_recorded(layout, stored.path, stored.bytes, stored.sha256, stored.sha512))
        for name, sha256 in ledger.execute(_STORE_SQL["refused_bodies"]):
            items += _refused(layout, name, sha256)
        records, shards, last = ledger.execute(_SQL["bag_summary"]).fetchone()
    source = described["source"]
    whose = source.get("name") or ", ".join(source.get("hosts", ())) or "a repository"
    said = f"Harvest of {whose}, until {last}: {records} records in {shards} shards, and the ledger of all requests"
    info = (
        ("External-Description", said),
        ("External-Identifier", f"urn:uuid:{described['id']}"),
        ("Internal-Sender-Identifier", layout.root.resolve().name),
    )
    known = {item.path for item in items}
    others = (name for name, _ in _walk(layout.root, [], strict=False) if name not in known)
    left_out = tuple(name for name in others if not _PASSING.fullmatch(name))
    return Payload("archive", layout.root, _sorted(items), info, left_out)


def _ledger(layout: Layout) -> Iterator[Item]:
    """Yield the ledger at rest, and the digest file beside it."""
    wal = layout.ledger.with_name(layout.ledger.name + "-wal")
    if not layout.ledger.exists():
        raise Damaged(f"{layout.ledger} is missing; take it from a copy of the archive")
    if not layout.ledger_digest.exists() or (wal.exists() and wal.stat().st_size):
        raise _left_open(layout, "the ledger was not closed")
    if (found := _DIGEST.fullmatch(layout.ledger_digest.read_bytes())) is None:
        raise Damaged(f"{layout.ledger_digest} is not what was written; take it from a copy of the archive")
    yield _item(layout, layout.ledger.name, sha256=found[1].decode())
    yield _item(layout, layout.ledger_digest.name)


def _left_open(layout: Layout, what: str) -> NotAtRest:
    return NotAtRest(
        f"{layout.root}: {what}, a harvest was killed; run the same harvest again, or harvester retry {layout.root}"
    )


def _index(layout: Layout) -> Iterator[Item]:
    """Yield the files of the index, if it matches this state. Raises StaleIndex."""
    if not layout.index.exists():
        raise NotBaggable(f"{layout.root} has no index to put into the bag; make it: harvester index {layout.root}")
    open_index(layout.root).close()
    for path in sorted(layout.root.glob("index.*")):
        if path.suffix != ".tmp" and path.is_file():
            yield _item(layout, path.name)


def _recorded(layout: Layout, name: str, size: int, sha256: str, sha512: str | None) -> Item:
    """Make the item of a file that is never written again and whose digests were recorded when it was."""
    return _checked(layout.root, name, size, sha256, sha512, settled=True)


def _refused(layout: Layout, name: str, sha256: str) -> Iterator[Item]:
    """Yield a refused body and its description, which is read here because it has the body's digest."""
    description = layout.quarantine / f"{name}.json"
    if not description.exists():
        raise Damaged(f"{description} is missing; take it from a copy of the archive")
    with translated(description, "reading"):
        text = description.read_bytes()
    if hashlib.sha256(text).hexdigest() != sha256:
        raise Damaged(f"{description} is not what was written; take it from a copy of the archive")
    said = orjson.loads(text)
    sha512 = hashlib.sha512(text).hexdigest()
    yield _recorded(layout, f"quarantine/{name}.json", len(text), sha256, sha512)
    yield _recorded(layout, f"quarantine/{name}.body", said["bytes"], said["sha256"], None)


def _item(layout: Layout, name: str, sha256: str | None = None) -> Item:
    """Make the item of a file that may be written again."""
    found = _stat(layout.root / name)
    return Item(name, layout.root / name, found.st_size, sha256, stamp=found.st_mtime_ns)


# --- releases


def _of_release(folder: Path) -> Payload:
    manifest = read_manifest(folder)
    settled = {part.name for part in manifest.content.all_parts} | {INDEX, LOOKUP}
    items = [
        _checked(folder, entry.name, entry.bytes, entry.sha256, entry.sha512, settled=entry.name in settled)
        for entry in manifest.entries()
    ]
    found = _stat(folder / MANIFEST)
    items.append(Item(MANIFEST, folder / MANIFEST, found.st_size, stamp=found.st_mtime_ns))
    known = {item.path for item in items}
    left_out = tuple(name for name, _ in _walk(folder, [], strict=False) if name not in known)
    return Payload("release", folder, _sorted(items), _release_info(folder, manifest), left_out)


def _release_info(folder: Path, manifest: Manifest) -> Info:
    content = manifest.content
    said = f"{manifest.title}: {content.records} records and {content.tombstones} tombstones of {manifest.published}"
    identifier = ("External-Identifier", manifest.name)
    return ("External-Description", said), identifier, ("Internal-Sender-Identifier", folder.resolve().name)


# --- other folders


def _of_folder(folder: Path) -> Payload:
    empty: list[str] = []
    items = [
        Item(name, folder / name, found.st_size, stamp=found.st_mtime_ns)
        for name, found in _walk(folder, empty, strict=True)
    ]
    count, name = len(items), folder.resolve().name
    info = (
        ("External-Description", f"The {count} files of the folder {name}" if count != 1 else f"The file in {name}"),
        ("Internal-Sender-Identifier", name),
    )
    return Payload(kind="folder", root=folder, items=_sorted(items), info=info, left_out=(), empty=tuple(sorted(empty)))


def _walk(root: Path, empty: list[str], *, strict: bool) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the files below a folder as (path with /, stat); paths of empty folders go to `empty`.

    `strict` raises NotBaggable for other than regular files and for names that are not UTF-8; else they are left out.
    """
    waiting = [""]
    while waiting:
        inside = waiting.pop()
        with translated(root / inside, "listing"):
            found = sorted(os.scandir(root / inside), key=lambda entry: entry.name)
        if not found and inside:
            empty.append(inside)
        for entry in found:
            name = f"{inside}/{entry.name}" if inside else entry.name
            if entry.is_dir(follow_symlinks=False):
                waiting.append(name)
            elif (reason := _fault(name, entry)) is None:
                yield name, entry.stat(follow_symlinks=False)
            elif strict:
                raise NotBaggable(f"{root / inside}: {os.fsencode(entry.name)!r} {reason}")


def _fault(name: str, entry: os.DirEntry[str]) -> str | None:
    """Say why a bag cannot hold a file, None if it can."""
    if entry.is_symlink():
        return "is a symbolic link, which no bag can hold; put the file itself there"
    if not stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
        return "is neither a file nor a folder"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "is no name in UTF-8, which manifests are written in; give it another one"
    return None


# --- helpers


def _checked(root: Path, name: str, size: int, sha256: str, sha512: str | None, *, settled: bool) -> Item:
    """Make the item of a file with a recorded length. Raises Damaged if it is missing, differs, or is not below `root`.

    Releases and archives are untrusted: a name that leads elsewhere would make us read, and write, there.
    """
    if not name or any(part in ("", ".", "..") for part in name.split("/")):
        raise Damaged(f"{root} names {name!a}, which is no file below it; take it from a copy")
    found = _stat(root / name)
    if found.st_size != size:
        raise Damaged(f"{root / name} is {found.st_size} bytes long, {size} were written; take it from a copy")
    return Item(
        path=name,
        source=root / name,
        bytes=size,
        sha256=sha256,
        sha512=sha512,
        settled=settled,
        stamp=found.st_mtime_ns,
    )


def _stat(path: Path) -> os.stat_result:
    if not path.is_file() or path.is_symlink():
        raise Damaged(f"{path} is missing, or is no file; take it from a copy")
    with translated(path, "reading"):
        return path.stat()


def _sorted(items: list[Item]) -> tuple[Item, ...]:
    """Sort items by path, without duplicates: several rows may name one file."""
    by_path = {item.path: item for item in items}
    return tuple(by_path[path] for path in sorted(by_path, key=lambda path: path.encode()))
