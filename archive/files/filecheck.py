"""The files of records, read back: each content against the ledger, and what else is among them."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from archive.files.filestore import FOLDER, path_of, stored_files
from archive.fixity import is_sha256
from archive.hashing import Hashed, ToHash, hash_all
from archive.resuming import Checked

# contents are checked so many at a time: an archive may have millions
_AT_ONCE = 50_000
_ABOVE = re.compile(r"[0-9a-f]{2}(/[0-9a-f]{2})?")


@dataclass(frozen=True, slots=True)
class FileFault:
    """A content that is not as it was written; `path` is relative to the archive."""

    path: str
    message: str
    missing: bool = False


def count_files(ledger: sqlite3.Connection) -> tuple[int, int]:
    """How many contents there should be, and their bytes."""
    files = size = 0
    for stored in stored_files(ledger):
        files, size = files + 1, size + stored.bytes
    return files, size


def check_files(
    ledger: sqlite3.Connection, root: Path, progress: Callable[[int], None], *, quick: bool, checked: Checked | None
) -> Iterator[FileFault]:
    """What is wrong with the contents that the ledger has; with `quick` only missing ones and wrong sizes."""
    batch: list[tuple[str, ToHash, dict[str, str]]] = []
    for stored in stored_files(ledger):
        path = root / stored.path
        if not path.exists():
            yield FileFault(stored.path, "it is missing; take it from a copy of the archive", missing=True)
        elif (size := path.stat().st_size) != stored.bytes:
            yield FileFault(
                stored.path, f"it is {size} bytes long, the ledger says {stored.bytes}; take it from a copy"
            )
        elif not quick and (checked is None or checked.known(stored.path, path) is None):
            digests = {"sha256": stored.sha256} | ({"sha512": stored.sha512} if stored.sha512 else {})
            batch.append((stored.path, ToHash(str(path), stored.bytes, tuple(digests)), digests))
        else:
            progress(stored.bytes)
        if len(batch) >= _AT_ONCE:
            yield from _read(batch, progress, checked)
            batch = []
    yield from _read(batch, progress, checked)


def _read(
    batch: list[tuple[str, ToHash, dict[str, str]]], progress: Callable[[int], None], checked: Checked | None
) -> Iterator[FileFault]:
    for place, hashed in hash_all([task for _, task, _ in batch], progress):
        name, task, digests = batch[place]
        if hashed.digests != digests:
            yield FileFault(name, _why(hashed))
        elif checked is not None:
            checked.add(name, task.path, {})


def _why(hashed: Hashed) -> str:
    if hashed.problem is not None:
        return f"it cannot be read: {hashed.problem}; check the disk, or take it from a copy"
    return f"it is not what was written (its SHA-256 is {hashed.digests['sha256']}); take it from a copy"


def other_files(ledger: sqlite3.Connection, root: Path) -> Iterator[tuple[str, bool]]:
    """What is among the contents and is none that the ledger has; whether its name is one of ours."""
    known = {bytes.fromhex(stored.sha256) for stored in stored_files(ledger)}
    for path in sorted((root / FOLDER).rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_dir() and _ABOVE.fullmatch(name.removeprefix(f"{FOLDER}/")):
            continue
        ours = is_sha256(path.name) and name == path_of(path.name)
        if not (ours and bytes.fromhex(path.name) in known):
            yield name, ours
