"""The files of the records: each content once at files/ab/cd/SHA-256, and in the ledger which file of a record has it.

A file of a record is named by (identifier, key). Its rows are appended; in a run the last one counts. A content has its
name, and is synced, before a row speaks of it: durable before counted.
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
    """One content that is kept; `path` is relative to the archive, files/ab/cd/SHA-256."""

    path: str
    bytes: int
    sha256: str
    sha512: str | None


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file of a record as the ledger has it, without its run.

    `size` and `checksum` ("md5:…") are as stated, None where they are not; `sha256` and `bytes` of what is held, None
    unless it was read. `version` is the record's datestamp, "" where it has none; `etag` that of an answer whose body
    is not all here yet.
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
    """Where the content of a SHA-256 is, relative to the archive. Raises Damaged when it is none."""
    if not is_sha256(sha256):
        raise Damaged(f"the ledger has a file's content {sha256!a}, which is no SHA-256; take it from a copy")
    return f"{FOLDER}/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def stored_files(ledger: sqlite3.Connection) -> Iterator[StoredFile]:
    """Every content that some file in state read has, once each; nothing where no files were ever asked for."""
    if not has_table(ledger, "contents"):
        return
    for sha256, sha512, size in ledger.execute(_SQL["files_stored"]):
        yield StoredFile(path_of(sha256), size, sha256, sha512)


def check_file(root: Path, stored: StoredFile) -> None:
    """Read a content back. Raises Damaged when it is not what was written, FileNotFoundError when it is missing."""
    path = root / stored.path
    size = path.stat().st_size
    if size != stored.bytes:
        raise Damaged(f"{path} is {size} bytes long, the ledger says {stored.bytes}; take it from a copy")
    found = digests_of(path)
    if found.sha256 != stored.sha256 or stored.sha512 not in (None, found.sha512):
        raise Damaged(f"{path} is not what was written (its SHA-256 is {found.sha256}); take it from a copy")


class FileStore:
    """The files of one run, to be written by the one thread that has the ledger."""

    def __init__(self, ledger: Ledger, root: Path, run: int) -> None:
        self._ledger, self._root, self._run = ledger, root, run

    # --- what is there

    def listing(self, identifier: str) -> tuple[int, list[FileRow]] | None:
        """A record whose files this run has listed: its outcome, and those files that no answer has settled yet.

        None when they were not listed yet.
        """
        row = self._ledger.db.execute(_SQL["files_listing"], (self._run, identifier)).fetchone()
        if row is None:
            return None
        rows = self._ledger.db.execute(_SQL["files_unsettled"], {"run": self._run, "identifier": identifier})
        return int(row[0]), [FileRow(*one) for one in rows]

    def listed(self) -> int:
        """How many files this run has listed."""
        return int(self._ledger.db.execute(_SQL["files_listed"], (self._run,)).fetchone()[0])

    def unnamed(self) -> dict[str, int]:
        """How many live records of which form the run has read, when not one of them says which files it has."""
        return dict(self._ledger.db.execute(_SQL["files_unnamed"], {"run": self._run}).fetchall())

    def held_of(self, rows: Sequence[FileRow]) -> list[FileRow]:
        """The same rows, those as read whose content is here."""
        return [row if row.state != "open" else self.held(row) or row for row in rows]

    def held(self, row: FileRow) -> FileRow | None:
        """The file as read, where its content is here: by its checksum, or by key, URL, size and version without one.

        What the ledger believes is looked for on the disk: a content that is not there is asked for again.
        """
        values = {
            "checksum": row.checksum,
            "size": row.size,
            "identifier": row.identifier,
            "key": row.key,
            "url": row.url,
            "version": row.version,
        }
        # a value that cannot be checked tells no content from another
        name = "files_held_checksum" if parse_checksum(row.checksum) is not None else "files_held_version"
        found = self._ledger.db.execute(_SQL[name], values).fetchone()
        if found is None or not self._is_there(*found):
            return None
        return replace(row, state="read", reason="held already", sha256=found[0], bytes=found[1])

    def _is_there(self, sha256: str, size: int) -> bool:
        path = self._root / path_of(sha256)
        return path.is_file() and path.stat().st_size == size

    # --- writing

    def list_record(self, identifier: str, outcome: int, rows: Sequence[FileRow], left_out: int, at: str) -> None:
        """Say which files a record has, each with a row; `left_out` more were not asked for."""
        with self._ledger.transaction():
            self._ledger.db.execute(
                _SQL["add_filelist"],
                (self._run, identifier, outcome, len(rows), left_out, at),
            )
            self._add(rows, at)

    def settle(self, rows: Sequence[FileRow], contents: Iterable[StoredFile], at: str) -> None:
        """Say how files ended; the contents they have are durable already."""
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
    """Give a file that came whole, and is synced, its name by its content. Any thread may do this."""
    stored = StoredFile(path_of(digests.sha256), digests.length, digests.sha256, digests.sha512)
    target = root / stored.path
    file = durable.AppendFile(part, "file")
    try:
        file.sync()  # an earlier process may have written its last bytes, and been killed before they were synced
    finally:
        file.close()
    for folder in (root / FOLDER, target.parent.parent, target.parent):
        if not folder.is_dir() or folder.is_symlink():  # which it refuses
            durable.make_folder(folder)
    durable.move(part, target, "file")
    return stored
