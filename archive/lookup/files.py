"""The files of one record: how each of them ended, and where what is held of it lies."""

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

    `size` and `checksum` ("md5:…") are as stated, `bytes`, `sha256` and `path` (relative to the archive) of the newest
    content that is held, which the run `held_in` has read; each None where there is none. The key "" stands for a list
    of files that could not be had. `problem` says what is wrong with the content on the disk, by its size alone.
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
    """The newest list of files of an id: how many of them were asked for, and how many were not."""

    identifier: str
    run: int
    listed: int
    left_out: int
    at: str


@dataclass(frozen=True, slots=True)
class FilesOf:
    """The files of a record; of several ids when it is known by several."""

    lists: tuple[ListOf, ...]
    files: tuple[FileOf, ...]

    @property
    def states(self) -> dict[str, int]:
        """How many are in which state."""
        return {state: sum(file.state == state for file in self.files) for state in STATES}

    @property
    def unsettled(self) -> int:
        """How many another process of the same words would ask for."""
        return sum(file.state in ("lost", "open") for file in self.files)

    @property
    def runs(self) -> frozenset[int]:
        """The runs that the states come from."""
        return frozenset(file.run for file in self.files) | {one.run for one in self.lists}


def read_files_of(ledger: sqlite3.Connection, root: Path, identifiers: Iterable[str]) -> FilesOf | None:
    """The files of some ids, None when no run has asked for any of theirs."""
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
        identifier=identifier,
        key=key,
        run=run,
        state=state,
        reason=reason,
        size=size,
        checksum=checksum,
        media_type=media_type,
        url=url,
        at=at,
        bytes=length,
        sha256=sha256,
        held_in=held_in,
        path=path,
        problem=None if path is None or length is None else _problem(root, path, length),
    )


def _problem(root: Path, path: str, size: int) -> str | None:
    try:
        found = (root / path).stat().st_size
    except OSError:
        return f"{path} is missing; take it from a copy of the archive"
    return None if found == size else f"{path} is {found} bytes long, the ledger says {size}; take it from a copy"
