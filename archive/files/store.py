"""Stored files of records: each content once at files/ab/cd/SHA-256, and rows in the ledger that map files to contents.

A file of a record is identified by (identifier, key). Its rows are only appended; within a run the last one counts. A
content has its name, and is synced, before a row refers to it: durable before counted.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from archive.disk import digests_of, durable, is_sha256
from archive.errors import Damaged
from archive.files.checksums import FileDigests, parse_checksum
from archive.queries import Queries
from archive.store import Ledger, has_table

_SQL = Queries(__package__)

FOLDER, DOWNLOADS = "files", "downloads"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One stored content; `path` is relative to the archive, files/ab/cd/SHA-256."""

    path: str
    bytes: int
    sha256: str
    sha512: str | None


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of a record as the ledger has it, without its run.

    `size` and `checksum` ("md5:…") are as declared, None if they are not; `sha256` and `bytes` are those of the stored
    content, None unless the file was read. `version` is the record's datestamp, "" without one; `etag` is that of a
    response whose body is not complete yet.
    """

    identifier: str
    key: str
    url: str
    size: int | None
    checksum: str | None
    media_type: str | None
    version: str
    state: str = "open"
    reason: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    etag: str | None = None


def path_of(sha256: str) -> str:
    """Return the path of a stored file relative to the archive. Raises Damaged if `sha256` is not a valid SHA-256."""
    if not is_sha256(sha256):
        raise Damaged(f"the ledger has a file's content {sha256!a}, which is no SHA-256; take it from a copy")
    return f"{FOLDER}/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def stored_files(ledger: sqlite3.Connection) -> Iterator[StoredFile]:
    """Iterate over every content that a file in state read has, once each; empty if no files were ever requested."""
    if not has_table(ledger, "contents"):
        return
    for sha256, sha512, size in ledger.execute(_SQL["files_stored"]):
        yield StoredFile(path_of(sha256), size, sha256, sha512)


def check_file(root: Path, stored: StoredFile) -> None:
    """Verify a stored content. Raises Damaged if it is not what was written, FileNotFoundError if it is missing."""
    path = root / stored.path
    size = path.stat().st_size
    if size != stored.bytes:
        raise Damaged(f"{path} is {size} bytes long, the ledger says {stored.bytes}; take it from a copy")
    found = digests_of(path)
    if found.sha256 != stored.sha256 or stored.sha512 not in (None, found.sha512):
        raise Damaged(f"{path} is not what was written (its SHA-256 is {found.sha256}); take it from a copy")


class FileStore:
    """The files of one run, written by the one thread that has the ledger."""

    def __init__(self, ledger: Ledger, root: Path, run: int) -> None:
        self._ledger, self._root, self._run = ledger, root, run

    # --- reading

    def listing(self, identifier: str) -> tuple[int, list[FileRow]] | None:
        """Return the outcome of a record whose files this run has listed, and the files that are not settled yet.

        None if they were not listed yet.
        """
        row = self._ledger.db.execute(_SQL["files_listing"], (self._run, identifier)).fetchone()
        if row is None:
            return None
        rows = self._ledger.db.execute(_SQL["files_unsettled"], {"run": self._run, "identifier": identifier})
        return int(row[0]), [FileRow(*one) for one in rows]

    def listed(self) -> int:
        """Count the files that this run has listed."""
        return int(self._ledger.db.execute(_SQL["files_listed"], (self._run,)).fetchone()[0])

    def unnamed(self) -> dict[str, int]:
        """Count the live records of each format that the run has read, if none of them says which files it has."""
        return dict(self._ledger.db.execute(_SQL["files_unnamed"], {"run": self._run}).fetchall())

    def held_of(self, rows: Sequence[FileRow]) -> list[FileRow]:
        """Return the rows, as read if their content is stored."""
        return [row if row.state != "open" else self.held(row) or row for row in rows]

    def held(self, row: FileRow) -> FileRow | None:
        """Return the row as read if its content is stored: by checksum, or without one by key, URL, size and version.

        The content must be on the disk, whatever the ledger says: a missing one is requested again.
        """
        values = {
            "checksum": row.checksum,
            "size": row.size,
            "identifier": row.identifier,
            "key": row.key,
            "url": row.url,
            "version": row.version,
        }
        # a value that cannot be checked does not distinguish contents
        name = "files_held_checksum" if parse_checksum(row.checksum) is not None else "files_held_version"
        found = self._ledger.db.execute(_SQL[name], values).fetchone()
        if found is None:
            return None
        sha256, size = found
        if not self._is_there(sha256, size):
            return None
        return replace(row, state="read", reason="held already", sha256=sha256, bytes=size)

    def _is_there(self, sha256: str, size: int) -> bool:
        path = self._root / path_of(sha256)
        return path.is_file() and path.stat().st_size == size

    # --- writing

    def list_record(self, identifier: str, outcome: int, rows: Sequence[FileRow], left_out: int, at: str) -> None:
        """Store which files a record has, a row for each; `left_out` more were not requested."""
        with self._ledger.transaction():
            self._ledger.db.execute(
                _SQL["add_filelist"],
                (self._run, identifier, outcome, len(rows), left_out, at),
            )
            self._add(rows, at)

    def settle(self, rows: Sequence[FileRow], contents: Iterable[StoredFile], at: str) -> None:
        """Store how files ended; their contents must be durable already."""
        with self._ledger.transaction():
            self._ledger.db.executemany(
                _SQL["add_content"],
                [(content.sha256, content.sha512, content.bytes) for content in contents],
            )
            self._add(rows, at)

    def _add(self, rows: Iterable[FileRow], at: str) -> None:
        self._ledger.db.executemany(
            _SQL["add_file"],
            [
                (
                    self._run,
                    row.identifier,
                    row.key,
                    row.url,
                    row.size,
                    row.checksum,
                    row.media_type,
                    row.version,
                    row.state,
                    row.reason,
                    row.sha256,
                    row.bytes,
                    row.etag,
                    at,
                )
                for row in rows
            ],
        )


def keep(root: Path, part: Path, digests: FileDigests) -> StoredFile:
    """Move a complete file to its name by content, after syncing it. Any thread may do this."""
    stored = StoredFile(path_of(digests.sha256), digests.length, digests.sha256, digests.sha512)
    target = root / stored.path
    file = durable.AppendFile(part, "file")
    try:
        file.sync()  # an earlier process may have written its last bytes, and been killed before they were synced
    finally:
        file.close()
    for folder in (root / FOLDER, target.parent.parent, target.parent):
        if not folder.is_dir() or folder.is_symlink():  # make_folder refuses a link
            durable.make_folder(folder)
    durable.move(part, target, "file")
    return stored
