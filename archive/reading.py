"""Reading the ledger beside a harvest that writes it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from archive import durable
from archive.errors import Busy, Damaged, DiskFailed, DiskFull
from archive.folder import Layout
from archive.ledger import read_only


@contextmanager
def snapshot(layout: Layout) -> Iterator[sqlite3.Connection]:
    """One state of the ledger, whatever is written meanwhile.

    Raises NotAnArchive when there is no ledger, and SQLite's errors as ours, also those of the block: Damaged,
    Busy, DiskFailed, or DiskFull when there is no room for a sort that does not fit into memory.
    """
    with closing(read_only(layout.ledger)) as ledger:
        try:
            ledger.execute("BEGIN")
            yield ledger
        except (sqlite3.DatabaseError, UnicodeDecodeError) as cause:  # SQLite's messages hold bytes of the file
            raise _ours(layout, cause) from cause


def _ours(layout: Layout, cause: sqlite3.DatabaseError | UnicodeDecodeError) -> Busy | Damaged | DiskFailed | DiskFull:
    text = f"{layout.ledger}: {cause}"
    if "full" in str(cause) or ("I/O" in str(cause) and not durable.has_room(layout.root)):
        return DiskFull(f"{text}; free some room and run the same command again")
    if "locked" in str(cause):
        return Busy(f"{text}; another process holds it, wait for it to end or stop it")
    if "I/O" in str(cause):
        return DiskFailed(f"{text}; check the disk")
    return Damaged(f"{text}; the ledger is damaged, take it from a copy of the archive")
