"""Digests of files, and of bytes while they are written.

Many files are hashed on all cores: large ones in threads (hashlib releases the GIL), small ones in worker processes.
Only regular files are opened: reading a pipe or a device that was put into a bag would never end.
"""

import hashlib
import os
import re
import stat
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from archive.disk.durable import translated
from archive.disk.parallel import forked

BLOCK_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_sha256(text: str) -> bool:
    """Return whether a text is a SHA-256 in lower-case hex."""
    return _SHA256.fullmatch(text) is not None


class Digests:
    """Running SHA-256 and SHA-512 of the same bytes, both in lower-case hex."""

    def __init__(self, sha256: "hashlib._Hash | None" = None, sha512: "hashlib._Hash | None" = None) -> None:
        """Start empty, or continue from hashes that were started elsewhere."""
        self._sha256, self._sha512 = sha256 or hashlib.sha256(), sha512 or hashlib.sha512()

    def update(self, data: bytes | memoryview) -> None:
        self._sha256.update(data)
        self._sha512.update(data)

    def sha256_so_far(self) -> bytes:
        """Return the SHA-256 (32 bytes) of what was hashed so far."""
        return self._sha256.digest()

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def sha512(self) -> str:
        return self._sha512.hexdigest()


def digests_of(path: Path) -> Digests:
    """Compute both digests of a file in one read."""
    digests = Digests()
    with translated(path, "reading"), path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES):
            digests.update(block)
    return digests


def sha256_of(path: Path, length: int | None = None) -> str:
    """Compute the SHA-256 of a file, or of its first `length` bytes, in lower-case hex."""
    digest = hashlib.sha256()
    left = length
    with translated(path, "reading"), path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES if left is None else min(BLOCK_BYTES, left)):
            digest.update(block)
            left = None if left is None else left - len(block)
    return digest.hexdigest()


# smaller files are read in batches
LARGE_BYTES = 1 << 20
BATCH_FILES = 512
# one process reads this many files before others have started
FEW_FILES = 2000
_OPENING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class ToHash:
    """A file to hash: its path, its size if known, and the algorithms, by hashlib's names."""

    path: str
    bytes: int
    algorithms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hashed:
    """The result of hashing a file: its size and its digests in lower-case hex by algorithm, or why it failed."""

    bytes: int
    digests: dict[str, str]
    problem: str | None = None


class NotRegular(OSError):
    """The path is a pipe, device, folder or link instead of a file."""


def hash_file(
    path: str | Path, algorithms: Iterable[str], wait: Callable[[int], None] | None = None, *, cached: bool = True
) -> Hashed:
    """Hash one file; `wait` is called with the length of each block before the next is read.

    With `cached` False the file is first dropped from the page cache, so that the disk is read. Raises OSError, and
    NotRegular unless the path is a regular file.
    """
    fd = os.open(path, _OPENING)
    try:
        size = _size(fd, path)
        if not cached:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        running = [(name, hashlib.new(name, usedforsecurity=False)) for name in algorithms]
        buffer, read = _buffer(), 0
        while count := os.readv(fd, [buffer]):
            for _, digest in running:
                digest.update(buffer[:count])
            read += count
            if wait is not None:
                wait(count)
            if count < BLOCK_BYTES and read == size:
                break
        return Hashed(read, {name: digest.hexdigest() for name, digest in running})
    finally:
        os.close(fd)


def hash_all(tasks: Sequence[ToHash], progress: Callable[[int], None] | None = None) -> Iterator[tuple[int, Hashed]]:
    """Yield (position in `tasks`, result) for each task, in any order; a file that cannot be read says why.

    `progress` is called with numbers of bytes as they are read, by one thread at a time.
    """
    large = [place for place, task in enumerate(tasks) if task.bytes >= LARGE_BYTES]
    yield from _in_threads(tasks, large, progress)
    small = [place for place, task in enumerate(tasks) if task.bytes < LARGE_BYTES]
    batches = [small[first : first + BATCH_FILES] for first in range(0, len(small), BATCH_FILES)]
    work = [[tasks[place] for place in batch] for batch in batches]
    results = forked(_hash_batch, work) if len(small) > FEW_FILES else map(_hash_batch, work)
    for batch, rows in zip(batches, results, strict=True):
        found = [Hashed(*row) for row in rows]
        yield from zip(batch, found, strict=True)
        if progress is not None:
            progress(sum(hashed.bytes for hashed in found))


def _in_threads(
    tasks: Sequence[ToHash], places: Sequence[int], progress: Callable[[int], None] | None
) -> Iterator[tuple[int, Hashed]]:
    workers = min(os.cpu_count() or 1, len(places))
    if not workers:
        return
    stopping, lock = threading.Event(), threading.Lock()

    def step(count: int) -> None:
        if stopping.is_set():
            raise InterruptedError("stopped")
        if progress is not None:
            with lock:
                progress(count)

    pool = ThreadPoolExecutor(workers, thread_name_prefix="hashing")
    try:
        pending = deque((place, pool.submit(_hash, tasks[place], step)) for place in places)
        while pending:
            place, future = pending.popleft()
            yield place, future.result()
    finally:
        stopping.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _hash_batch(batch: Sequence[ToHash]) -> list[tuple[int, dict[str, str], str | None]]:
    """Hash small files, and return plain rows, which pass between processes in a third of the time."""
    return [(hashed.bytes, hashed.digests, hashed.problem) for hashed in map(_hash_small, batch)]


def _hash_small(task: ToHash) -> Hashed:
    """Hash a small file in one read, or in blocks if it has grown meanwhile."""
    try:
        fd = os.open(task.path, _OPENING)
        try:
            size = _size(fd, task.path)
            content = os.read(fd, size + 1) if size < LARGE_BYTES else b""
        finally:
            os.close(fd)
    except OSError as cause:
        return _unread(cause)
    if len(content) != size:
        return _hash(task)
    new = hashlib.new
    return Hashed(size, {name: new(name, content, usedforsecurity=False).hexdigest() for name in task.algorithms})


def _hash(task: ToHash, wait: Callable[[int], None] | None = None) -> Hashed:
    try:
        return hash_file(task.path, task.algorithms, wait)
    except OSError as cause:
        return _unread(cause)


def _unread(cause: OSError) -> Hashed:
    return Hashed(0, {}, cause.strerror or str(cause))


def _size(fd: int, path: str | Path) -> int:
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        raise NotRegular(f"{path} is no regular file")
    return status.st_size


_local = threading.local()


def _buffer() -> memoryview:
    """Return the buffer of this thread: new ones would take a good part of the time of hashing."""
    found: memoryview | None = getattr(_local, "buffer", None)
    if found is None:
        found = _local.buffer = memoryview(bytearray(BLOCK_BYTES))
    return found
