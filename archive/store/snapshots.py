"""Read-only ledger snapshots, safe during a harvest; the digest of a ledger at rest; SQLite's errors as ours."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from archive.disk import durable, sha256_of
from archive.errors import Busy, Damaged, DiskFailed, DiskFull, NotAnArchive
from archive.queries import Queries
from archive.store import schema
from archive.store.layout import Layout

_SQL = Queries(__package__)


@contextmanager
def snapshot(layout: Layout) -> Iterator[sqlite3.Connection]:
    """Yield a connection that sees one state of the ledger, whatever is written meanwhile.

    Raises NotAnArchive when there is no ledger, and SQLite's errors as ours, also those of the block: Damaged,
    Busy, DiskFailed, or DiskFull when there is no room for a sort that does not fit into memory.
    """
    with closing(read_only(layout.ledger)) as ledger:
        try:
            ledger.execute("BEGIN")
            yield ledger
        except (sqlite3.DatabaseError, UnicodeDecodeError) as cause:  # SQLite's messages hold bytes of the file
            raise as_archive_error(layout.ledger, cause) from cause


def read_only(path: Path) -> sqlite3.Connection:
    """Connect to a ledger for reading, also while a harvest writes. Raises NotAnArchive when there is none.

    Where the ledger is from before there were waits, an empty table stands for them; likewise for SHA-512.
    """
    if not path.exists():
        raise NotAnArchive(f"{path} is missing; is {path.parent} an archive?")
    with translated(path):
        db = sqlite3.connect(f"{path.absolute().as_uri()}?{_reading(path)}", uri=True, timeout=10)
        db.execute(_SQL["read_meta"]).fetchone()
        schema.check_names(db, path)
        schema.stand_in(db)
    return db


def _reading(path: Path) -> str:
    """Choose the URI parameter that opens a ledger for reading.

    In a bag nobody writes to it, and SQLite's own files beside it would be payload that no manifest lists; nor through
    a link, and they would be beside what it leads to.
    """
    wal = path.with_name(f"{path.name}-wal")
    resting = path.is_symlink() or (path.absolute().parent.parent / "bagit.txt").exists()
    return "immutable=1" if resting and not (wal.exists() and wal.stat().st_size) else "mode=ro"


def write_digest(layout: Layout) -> None:
    """Leave the SHA-256 of a ledger at rest beside it: SQLite itself does not see a flipped byte in a row."""
    line = f"{sha256_of(layout.ledger)}  ledger.sqlite\n"
    durable.write_new(layout.ledger_digest, line.encode(), "ledger-digest")


def check_digest(layout: Layout) -> None:
    """Raise Damaged when the ledger is not what its digest says; no digest means it was not closed in order."""
    if not layout.ledger_digest.exists():
        return
    if not layout.ledger.exists():
        raise Damaged(f"{layout.ledger} is missing; take it from a copy of the archive")
    wal = layout.ledger.with_name(layout.ledger.name + "-wal")
    if wal.exists() and wal.stat().st_size:
        return
    line = f"{sha256_of(layout.ledger)}  ledger.sqlite\n"
    if layout.ledger_digest.read_bytes() != line.encode():
        raise Damaged(
            f"{layout.ledger} does not match {layout.ledger_digest.name}: bytes were changed since it was closed; "
            "take both from a copy of the archive"
        )


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Translate sqlite3 errors into ArchiveError."""
    try:
        yield
    except (sqlite3.DatabaseError, UnicodeDecodeError) as cause:  # SQLite's messages hold bytes of the file
        raise as_archive_error(path, cause) from cause


def as_archive_error(
    path: Path, cause: sqlite3.DatabaseError | UnicodeDecodeError
) -> Busy | Damaged | DiskFailed | DiskFull:
    """Choose the error of ours for what SQLite says of a ledger.

    Without room it also calls a file one that it cannot open, or may not write to: then the folder is asked.
    """
    text = str(cause)
    of_the_disk = any(words in text for words in ("I/O", "unable to open", "readonly"))
    if "full" in text or (of_the_disk and not durable.has_room(path.parent)):
        return DiskFull(f"{path}: {text}; free some room and run the same command again")
    if "locked" in text:
        return Busy(f"{path}: {text}; another process holds it, wait for it to end or stop it")
    if of_the_disk:
        return DiskFailed(f"{path}: {text}; check the disk, and who may write there")
    return Damaged(f"{path} is damaged ({text}); take it from a copy of the archive")
