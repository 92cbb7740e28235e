"""What a derived file was made of: it counts for as long as the ledger says the same."""

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

from archive.errors import StaleIndex
from archive.queries import Queries

_SQL = Queries(__package__)

# raised when what is derived changes
INDEX_VERSION = 5


def read_stamp(ledger: sqlite3.Connection, archive: str) -> dict[str, str]:
    """What an index of this archive (its id) is made of, by name."""
    rows = {str(name): str(value) for name, value in ledger.execute(_SQL["ledger_stamp"])}
    return {"index_version": str(INDEX_VERSION), "archive": archive, **rows}


def stamp_digest(stamp: dict[str, str]) -> str:
    """The same in a few characters: SHA-256 in hexadecimal digits."""
    return hashlib.sha256(json.dumps(stamp, sort_keys=True).encode()).hexdigest()


def check_current(about: dict[str, Any], stamp: dict[str, str], folder: Path) -> None:
    """Raises StaleIndex when a lookup (what its header says) is not of the state that has this stamp."""
    if about.get("stamp") != stamp_digest(stamp):
        raise StaleIndex(
            f"{folder}: the archive has changed since its index.lookup was made; run `harvester index {folder}`"
        )
