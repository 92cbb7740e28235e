"""Reading the ledger beside a harvest that writes it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from archive.store.layout import Layout
from archive.store.ledger import as_ours, read_only


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
            raise as_ours(layout.ledger, cause) from cause
