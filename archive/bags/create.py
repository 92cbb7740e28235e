"""Create bags (BagIt 1.0, RFC 8493): nothing is moved and no byte is read twice.

Recorded digests are used; files without one are hashed while they are copied, or read once. All bags of a payload are
built in a folder beside their destination, `.OUT.staging`, and get their names when they are complete and synced: a
killed process leaves no incomplete bag. The same command then renames what was complete, or starts again.
"""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from archive.bags.payload import Item, Payload
from archive.bags.plan import Options, Remark, Share, fingerprint, group_identifier, names, remarks, shares
from archive.bags.tags import Placed, tag_files, write_tags
from archive.disk import BLOCK_BYTES, Digests, durable
from archive.errors import Damaged, NotAtRest, NotBaggable
from archive.store import only_one

# files that are read and written at once: hashing releases the GIL
THREADS = min(4, os.cpu_count() or 1)
_WHOLE = "whole.json"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Bag:
    """A bag that was created: the files and bytes of its payload.

    `linked`, `copied` and `fetched` count how its files were placed; fetched ones are in fetch.txt instead.
    """

    path: str
    files: int
    bytes: int
    linked: int
    copied: int
    fetched: int


@dataclass(frozen=True, slots=True)
class Made:
    """The bags that were created, and remarks on them."""

    bags: tuple[Bag, ...]
    remarks: tuple[Remark, ...]


def write_bags(payload: Payload, out: Path, options: Options, progress: Progress | None = None) -> Made:
    """Put a payload into a bag at `out`, or into `out`-1-of-N and so on.

    `progress` is called with the bytes that are in place and their total. Raises NotBaggable if a bag cannot be made
    there or of this payload, NotAtRest if a file changed meanwhile, Damaged if one differs from what was recorded, Busy
    if another process makes the same bag.
    """
    if not out.name:
        raise NotBaggable(f"{out} has no name of its own; name the bag that is to be made")
    said = tuple(remarks(payload))
    planned = shares(payload, options)
    root = payload.root.resolve()
    if out.resolve().is_relative_to(root) or root.is_relative_to(out.resolve()):
        raise NotBaggable(f"{out} and {payload.root} are one inside the other; name a place beside it")
    with _staged(out) as staging:
        mark = fingerprint(payload, options)
        if (whole := _whole(staging, mark)) is None:
            for name in names(out, len(planned)):
                if os.path.lexists(out.with_name(name)):
                    raise NotBaggable(f"{out.with_name(name)} is there already; name another place, or remove it")
            _clear(staging)
            whole = _make(payload, planned, staging, out, options, _Counter(progress, payload))
            text = orjson.dumps({"fingerprint": mark, "bags": [asdict(bag) for bag in whole]})
            durable.write_new(staging / _WHOLE, text, "bag-whole")
        _name(staging, out, whole)
    return Made(tuple(whole), said)


# --- the staging folder


@contextmanager
def _staged(out: Path) -> Iterator[Path]:
    """Lock and yield the folder beside `out`. The next process removes what a failure leaves there."""
    staging = out.with_name(f".{out.name}.staging")
    with durable.translated(out, "making the folder"):
        out.parent.mkdir(parents=True, exist_ok=True)
        staging.mkdir(exist_ok=True)
    with only_one(staging, f"another process is making {out}; wait for it to end, or stop it"):
        try:
            yield staging
        finally:
            if not any(staging.iterdir()):
                staging.rmdir()


def _clear(staging: Path) -> None:
    with durable.translated(staging, "removing what was left there"):
        for path in staging.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _whole(staging: Path, mark: str) -> list[Bag] | None:
    """Return the bags that a killed process of the same command had completed, perhaps renamed in part; else None."""
    try:
        said = orjson.loads((staging / _WHOLE).read_bytes())
    except FileNotFoundError:
        return None
    return [Bag(**bag) for bag in said["bags"]] if said["fingerprint"] == mark else None


def _name(staging: Path, out: Path, bags: list[Bag]) -> None:
    """Give complete bags their names, then remove the note that they are complete."""
    for bag in bags:
        name = Path(bag.path).name
        if (staging / name).exists():
            durable.move(staging / name, out.with_name(name), "bag")
    durable.sync_folder(staging)
    durable.remove(staging / _WHOLE)


# --- building


def _make(
    payload: Payload, planned: list[Share], staging: Path, out: Path, options: Options, counter: "_Counter"
) -> list[Bag]:
    """Build all bags, complete and synced, in the staging folder."""
    folders = [staging / name for name in names(out, len(planned))]
    placed = [
        _place_all(share, folder, options, payload.kind, counter)
        for share, folder in zip(planned, folders, strict=True)
    ]
    durable.reached("bag-payload-placed")
    group = group_identifier((f.item.path, f.sha256) for files in placed for f in files)
    bags = []
    for number, (share, folder, files) in enumerate(zip(planned, folders, placed, strict=True), 1):
        grouped = (("Bag-Group-Identifier", group), ("Bag-Count", f"{number} of {len(planned)}"))
        write_tags(folder, tag_files(files, share, options, payload, grouped if len(planned) > 1 else ()))
        durable.reached("bag-tags-written")
        _sync(folder, files)
        ways = [file.how for file in files]
        counts = (ways.count("linked"), ways.count("copied"), ways.count("fetched"))
        bags.append(Bag(str(out.with_name(folder.name)), len(files), share.bytes, *counts))
    durable.sync_folder(staging)
    return bags


def _place_all(share: Share, folder: Path, options: Options, kind: str, counter: "_Counter") -> list[Placed]:
    """Put the payload of one bag into place, several files at once."""
    held = [item.path for item in share.items if item.path not in share.fetched]
    with durable.translated(folder, "making the folders"):
        (folder / "data").mkdir(parents=True)
        for inside in sorted({Path(path).parent for path in held}):
            (folder / "data" / inside).mkdir(parents=True, exist_ok=True)

    def place(item: Item) -> Placed:
        if item.path in share.fetched:
            return Placed(item, *_digests(item, kind, counter), "fetched")
        target = folder / "data" / item.path
        if (options.link or item.settled) and not options.copy and _link(item, target):
            return Placed(item, *_digests(item, kind, counter), "linked")
        return Placed(item, *_read(item, kind, counter, target), "copied")

    pool = ThreadPoolExecutor(THREADS)
    try:
        return list(pool.map(place, share.items))
    finally:
        pool.shutdown(cancel_futures=True)


def _link(item: Item, target: Path) -> bool:
    """Hard-link a file. Returns False if the file system does not support or permit it."""
    try:
        os.link(item.source, target, follow_symlinks=False)
    except OSError:
        return False
    if target.stat().st_size != item.bytes:
        raise _changed(item)
    return True


def _digests(item: Item, kind: str, counter: "_Counter") -> tuple[str, str]:
    """Return the recorded digests, or else read the file."""
    if item.sha256 is not None and item.sha512 is not None:
        counter.add(item.bytes)
        return item.sha256, item.sha512
    return _read(item, kind, counter)


def _read(item: Item, kind: str, counter: "_Counter", target: Path | None = None) -> tuple[str, str]:
    """Read a file once, to hash it and, with a target, to copy it there. Raises Damaged, NotAtRest."""
    digests, size = Digests(), 0
    file = durable.AppendFile(target, "bag-file", truncate=True) if target is not None else None
    try:
        with durable.translated(item.source, "reading"):
            fd = os.open(item.source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(fd, "rb", buffering=0) as source:  # noqa: PTH123 - it is open
            while block := source.read(BLOCK_BYTES):
                digests.update(block)
                if file is not None:
                    file.write(block)
                size += len(block)
                counter.add(len(block))
            found = os.fstat(fd)
        if file is not None:
            file.sync()
    finally:
        if file is not None:
            file.close()
    if size != item.bytes or found.st_mtime_ns != item.stamp:
        raise _changed(item)
    for recorded, read in ((item.sha256, digests.sha256), (item.sha512, digests.sha512)):
        if recorded not in (None, read):
            raise Damaged(f"{item.source} is not what was written; take it from a copy of the {kind}")
    if target is not None:
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))
    return digests.sha256, digests.sha512


def _changed(item: Item) -> NotAtRest:
    return NotAtRest(f"{item.source} changed while it was packed; run the same command again when nothing writes there")


class _Counter:
    """Adds up the bytes that are in place, in any thread."""

    def __init__(self, progress: Progress | None, payload: Payload) -> None:
        self._progress, self._lock = progress, threading.Lock()
        self._done, self._total = 0, sum(item.bytes for item in payload.items)

    def add(self, size: int) -> None:
        with self._lock:
            self._done += size
            if self._progress is not None:
                self._progress(self._done, self._total)


def _sync(folder: Path, files: list[Placed]) -> None:
    """Sync all folders of a bag, the innermost first."""
    inside = {parent for file in files if file.how != "fetched" for parent in Path("data", file.item.path).parents}
    for path in sorted({*inside, Path("data"), Path()}, key=lambda path: len(path.parts), reverse=True):
        durable.sync_folder(folder / path)
