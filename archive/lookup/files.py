"""The files of one record: how each of them ended, and where its stored content is."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from archive.files import STATES, path_of
from archive.lookup.held import array
from archive.queries import Queries
from archive.store import has_table

_SQL = Queries(__package__)


@dataclass(frozen=True, slots=True)
class FileOf:
    """A file of a record, as the newest run that listed it left it.

    `size` and `checksum` ("md5:…") are as declared; `bytes`, `sha256` and `path` (relative to the archive) are those of
    the newest stored content, which the run `held_in` has read; None if there is none. The key "" stands for a list of
    files that could not be read. `problem` says what is wrong with the content on the disk, judged by its size alone.
    """

    identifier: str
    key: str
    run: int
    state: str
    reason: str | None
    size: int | None
    checksum: str | None
    media_type: str | None
    url: str
    at: str
    bytes: int | None
    sha256: str | None
    held_in: int | None
    path: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class ListOf:
    """The newest list of files of an id: how many of them were requested, and how many were not."""

    identifier: str
    run: int
    listed: int
    left_out: int
    at: str


@dataclass(frozen=True, slots=True)
class FilesOf:
    """The files of a record; of several ids if it has several."""

    lists: tuple[ListOf, ...]
    files: tuple[FileOf, ...]

    @property
    def states(self) -> dict[str, int]:
        """Count the files in each state."""
        return {state: sum(file.state == state for file in self.files) for state in STATES}

    @property
    def unsettled(self) -> int:
        """Count the files that another run of the same command would request."""
        return sum(file.state in ("lost", "open") for file in self.files)

    @property
    def runs(self) -> frozenset[int]:
        """Return the runs that the states come from."""
        return frozenset(file.run for file in self.files) | {one.run for one in self.lists}


def read_files_of(ledger: sqlite3.Connection, root: Path, identifiers: Iterable[str]) -> FilesOf | None:
    """Read the files of some ids; None if no run has requested any."""
    if not has_table(ledger, "filelists"):
        return None
    names = {"identifiers": array(identifiers)}
    lists = tuple(ListOf(*row) for row in ledger.execute(_SQL["story_filelists"], names))
    files = tuple(_file(root, *row) for row in ledger.execute(_SQL["story_files"], names))
    return FilesOf(lists, files) if lists or files else None


def _file(
    root: Path,
    identifier: str,
    key: str,
    run: int,
    state: str,
    reason: str | None,
    size: int | None,
    checksum: str | None,
    media_type: str | None,
    url: str,
    at: str,
    length: int | None,
    sha256: str | None,
    held_in: int | None,
) -> FileOf:
    path = None if sha256 is None else path_of(sha256)
    return FileOf(
        identifier,
        key,
        run,
        state,
        reason,
        size,
        checksum,
        media_type,
        url,
        at,
        length,
        sha256,
        held_in,
        path,
        None if path is None or length is None else _problem(root, path, length),
    )


def _problem(root: Path, path: str, size: int) -> str | None:
    try:
        found = (root / path).stat().st_size
    except OSError:
        return f"{path} is missing; take it from a copy of the archive"
    return None if found == size else f"{path} is {found} bytes long, the ledger says {size}; take it from a copy"
