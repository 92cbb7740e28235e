"""What a ledger may name: files that lie in its own archive, under the names that a harvest gives.

An archive comes from anybody, and a name in its ledger is a place that is read from and written to. So each ledger is
asked as it is opened, whoever opens it and for whatever; the files of records are named by their SHA-256, which
`files.filestore.path_of` looks at.
"""

import sqlite3
from pathlib import Path

from archive.errors import Damaged
from archive.queries import question


def check_names(db: sqlite3.Connection, path: Path) -> None:
    """Raises Damaged, with the name, when a shard or a refused body has one that no harvest gives.

    Also when the ledger has triggers or views of its own: what these answer may be another thing each time.
    """
    for kind, name in db.execute(question("ledger_foreign")):
        raise Damaged(f"{path} has a {kind} {name!a}, which no harvest makes; take it from a copy of the archive")
    for folder, name in db.execute(question("ledger_names")):
        raise Damaged(f"{path} names {name!a} in {folder}/, as no harvest does; take it from a copy of the archive")
