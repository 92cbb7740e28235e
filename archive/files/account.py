"""The account of files (law 1): each file that a record lists ends in one state, and both counts of it agree.

`check_files` reads the stored files back: each content against the ledger, and files that the ledger does not know.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from archive.disk import Checked, Hashed, ToHash, hash_all, is_sha256
from archive.files.store import FOLDER, path_of, stored_files
from archive.queries import Queries
from archive.store import Layout, has_table, snapshot

_SQL = Queries(__package__)

STATES = ("read", "absent", "forbidden", "refused", "lost", "open")
# how many records whose files do not add up are named
NAMED = 20


@dataclass(frozen=True, slots=True)
class FileAccount:
    """Final states of a run's files. `listed` counts the files that records list; `left_out` more were not requested.

    `bytes` is the size of the files read, where a file that several records have counts each time; `off` names records
    whose number of files differs from their list.
    """

    run: int
    listed: int
    left_out: int
    states: dict[str, int]
    bytes: int
    off: tuple[str, ...]

    @property
    def balanced(self) -> bool:
        return not self.off and self.listed == sum(self.states.values())

    @property
    def complete(self) -> bool:
        """Return whether the counts agree and no file is refused, lost or open."""
        return self.balanced and not any(self.states[state] for state in ("refused", "lost", "open"))


@dataclass(frozen=True, slots=True)
class FilesStanding:
    """The files of an archive: the account of each run that requested files, and the stored contents, each once."""

    runs: tuple[FileAccount, ...]
    contents: int
    bytes: int


def read_files(folder: Path) -> FilesStanding | None:
    """Read the state of the files of an archive; None if none were ever requested. Raises as `snapshot`."""
    with snapshot(Layout(folder)) as ledger:
        return files_standing(ledger)


def files_standing(ledger: sqlite3.Connection) -> FilesStanding | None:
    """Read the same from an open ledger."""
    if not has_table(ledger, "filelists"):
        return None
    accounts = file_accounts(ledger)
    return FilesStanding(tuple(accounts), *ledger.execute(_SQL["files_contents"]).fetchone()) if accounts else None


def file_accounts(ledger: sqlite3.Connection) -> list[FileAccount]:
    """Read the account of each run that harvested files, in order."""
    off: dict[int, list[str]] = {}
    for run, identifier, listed, found in ledger.execute(_SQL["files_off"], {"limit": NAMED}):
        off.setdefault(run, []).append(f"{identifier} lists {listed} files in run {run}, {found} are counted")
    return [
        FileAccount(
            run=run,
            listed=listed,
            left_out=left_out,
            states=dict(zip(STATES, counts, strict=True)),
            bytes=size,
            off=tuple(off.get(run, ())),
        )
        for run, listed, left_out, *counts, size in ledger.execute(_SQL["files_account"])
    ]


# contents checked at a time: an archive may have millions
_AT_ONCE = 50_000
_ABOVE = re.compile(r"[0-9a-f]{2}(/[0-9a-f]{2})?")


@dataclass(frozen=True, slots=True)
class FileFault:
    """A stored content that differs from what was written; `path` is relative to the archive."""

    path: str
    message: str
    missing: bool = False


def count_files(ledger: sqlite3.Connection) -> tuple[int, int]:
    """Count the contents that the ledger has, and their bytes."""
    files = size = 0
    for stored in stored_files(ledger):
        files, size = files + 1, size + stored.bytes
    return files, size


def check_files(
    ledger: sqlite3.Connection, root: Path, progress: Callable[[int], None], *, quick: bool, checked: Checked | None
) -> Iterator[FileFault]:
    """Yield what is wrong with the contents in the ledger; with `quick`, check only presence and sizes."""
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
    """Yield files that the ledger does not know, and whether their name is that of a content."""
    known = {bytes.fromhex(stored.sha256) for stored in stored_files(ledger)}
    for path in sorted((root / FOLDER).rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_dir() and _ABOVE.fullmatch(name.removeprefix(f"{FOLDER}/")):
            continue
        ours = is_sha256(path.name) and name == path_of(path.name)
        if not (ours and bytes.fromhex(path.name) in known):
            yield name, ours
