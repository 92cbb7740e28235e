"""The tables of a ledger, those that later versions added, and the names that a ledger may hold.

An archive comes from anybody, and a name in its ledger is a place that is read from and written to. So each ledger is
checked as it is opened, whoever opens it and for whatever. The files of records are named by their SHA-256, which
`files.filestore.path_of` checks.
"""

import sqlite3
from pathlib import Path

from archive.errors import Damaged, OtherArchive
from archive.queries import Queries
from archive.store.layout import FORMAT_VERSION

_SQL = Queries(__package__)

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE runs (
    run INTEGER PRIMARY KEY, spider TEXT NOT NULL, mode TEXT NOT NULL, arguments TEXT NOT NULL,
    software TEXT NOT NULL, started TEXT NOT NULL, provider_started TEXT, finished TEXT,
    state TEXT NOT NULL CHECK (state IN ('open', 'complete', 'findings', 'unfinished'))) STRICT;
CREATE TABLE channels (
    channel INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, format TEXT NOT NULL, set_spec TEXT) STRICT;
CREATE TABLE windows (
    window INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs, channel INTEGER NOT NULL REFERENCES channels,
    parent INTEGER REFERENCES windows, verb TEXT NOT NULL, from_ TEXT, until TEXT,
    state TEXT NOT NULL CHECK (state IN ('open', 'done', 'split', 'lost')), end TEXT,
    listed INTEGER, distinct_ids INTEGER, stated INTEGER, pages INTEGER, attempts INTEGER NOT NULL DEFAULT 0,
    opened TEXT NOT NULL, closed TEXT) STRICT;
CREATE INDEX windows_by_run ON windows (run, state);
CREATE TABLE requests (
    request INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs, channel INTEGER REFERENCES channels,
    window INTEGER REFERENCES windows, attempt INTEGER NOT NULL, url TEXT NOT NULL, state TEXT NOT NULL,
    http_status INTEGER, reason TEXT, attempts INTEGER NOT NULL, at TEXT NOT NULL, listed INTEGER NOT NULL,
    first_outcome INTEGER, last_outcome INTEGER) STRICT;
CREATE INDEX requests_by_window ON requests (window, attempt);
CREATE TABLE outcomes (
    outcome INTEGER PRIMARY KEY, request INTEGER NOT NULL REFERENCES requests, identifier TEXT NOT NULL,
    datestamp TEXT, state TEXT NOT NULL CHECK (state IN
        ('read', 'deleted', 'absent', 'moved', 'forbidden', 'refused', 'lost', 'open')),
    reason TEXT) STRICT;
CREATE TABLE shards (
    shard INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, run INTEGER NOT NULL REFERENCES runs,
    state TEXT NOT NULL CHECK (state IN ('open', 'sealed')), records INTEGER NOT NULL, frames INTEGER NOT NULL,
    bytes INTEGER NOT NULL, content_bytes INTEGER NOT NULL, sha256 TEXT, sha512 TEXT) STRICT;
CREATE TABLE frames (
    shard INTEGER NOT NULL REFERENCES shards, frame INTEGER NOT NULL, offset INTEGER NOT NULL,
    bytes INTEGER NOT NULL, content_bytes INTEGER NOT NULL, records INTEGER NOT NULL,
    first_outcome INTEGER NOT NULL, last_outcome INTEGER NOT NULL,
    PRIMARY KEY (shard, frame)) STRICT, WITHOUT ROWID;
CREATE TABLE quarantine (
    quarantine INTEGER PRIMARY KEY, request INTEGER NOT NULL REFERENCES requests, identifier TEXT,
    name TEXT NOT NULL, bytes INTEGER NOT NULL, sha256 TEXT NOT NULL) STRICT;
CREATE TABLE findings (
    finding INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs, code TEXT NOT NULL,
    severity TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'error')), channel INTEGER REFERENCES channels,
    window INTEGER REFERENCES windows, identifier TEXT, message TEXT NOT NULL, expected INTEGER, found INTEGER,
    at TEXT NOT NULL) STRICT;
CREATE VIEW census AS
    SELECT r.run, o.identifier, o.datestamp, o.state = 'deleted' AS deleted
    FROM outcomes AS o JOIN requests AS r USING (request) JOIN runs USING (run)
    WHERE runs.mode = 'census' AND o.state IN ('read', 'deleted');
"""

# Archives begun before there were waits have no such table: it is made when they are written to again.
_WAITS = """
CREATE {kind} IF NOT EXISTS waits (
    wait INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs, host TEXT NOT NULL, began TEXT NOT NULL,
    seconds REAL NOT NULL, reason TEXT NOT NULL) STRICT
"""

# What the last answer for an id said to tell changes by: the ETag or Last-Modified of its channel.
_VALIDATORS = """
CREATE TABLE IF NOT EXISTS validators (
    channel INTEGER NOT NULL REFERENCES channels, identifier TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (channel, identifier)) STRICT, WITHOUT ROWID
"""

# The files of records: each content once; which files a record of a run has (`listed`), and how each of them ended.
# Archives begun before there were files have no such tables: they are made when they are written to again.
_FILE_ROWS = """
CREATE {kind} IF NOT EXISTS files (
    file INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs, identifier TEXT NOT NULL, key TEXT NOT NULL,
    url TEXT NOT NULL, size INTEGER, checksum TEXT, media_type TEXT, version TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('read', 'absent', 'forbidden', 'refused', 'lost', 'open')), reason TEXT,
    sha256 TEXT REFERENCES contents, bytes INTEGER, etag TEXT, at TEXT NOT NULL,
    CHECK ((state = 'read') = (sha256 IS NOT NULL AND bytes IS NOT NULL))) STRICT;
"""
_FILES = """
CREATE TABLE IF NOT EXISTS contents (
    sha256 TEXT PRIMARY KEY, sha512 TEXT NOT NULL, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS filelists (
    run INTEGER NOT NULL REFERENCES runs, identifier TEXT NOT NULL, outcome INTEGER NOT NULL REFERENCES outcomes,
    listed INTEGER NOT NULL, left_out INTEGER NOT NULL, at TEXT NOT NULL,
    PRIMARY KEY (run, identifier)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_by_record ON files (identifier, key);
CREATE INDEX IF NOT EXISTS files_by_checksum ON files (checksum) WHERE state = 'read'
"""

# Windows of a channel that list one set each, because the list of all could not be had.
# Archives begun before there were any have no such table: it is made when they are written to again.
_WINDOW_SETS = """
CREATE TABLE IF NOT EXISTS windowsets (
    window INTEGER PRIMARY KEY REFERENCES windows, set_spec TEXT NOT NULL) STRICT
"""

# Shards sealed before there was a SHA-512 have none. Who only reads finds the column all the same.
_HAS_SHA512 = _SQL["has_sha512"]
_SHA512 = _SQL["add_sha512"]
_NO_SHA512 = _SQL["view_without_sha512"]


def create(db: sqlite3.Connection) -> None:
    """Create the tables of a new ledger. Must run inside a transaction."""
    _run_each(db, _TABLES)
    db.execute(_SQL["set_format_version"], (str(FORMAT_VERSION),))


def upgrade(db: sqlite3.Connection) -> None:
    """Create what a ledger of an earlier version does not have."""
    db.execute(_WAITS.format(kind="TABLE"))
    db.execute(_VALIDATORS)
    db.execute(_WINDOW_SETS)
    db.execute(_FILE_ROWS.format(kind="TABLE"))
    _run_each(db, _FILES)
    if not db.execute(_HAS_SHA512).fetchone():
        db.execute(_SHA512)


def stand_in(db: sqlite3.Connection) -> None:
    """Create temporary stand-ins, for a reader, for what a ledger of an earlier version does not have."""
    if not has_table(db, "waits"):
        db.execute(_WAITS.format(kind="TEMP TABLE"))
    if not has_table(db, "files"):
        db.execute(_FILE_ROWS.format(kind="TEMP TABLE"))
    if not db.execute(_HAS_SHA512).fetchone():
        db.execute(_NO_SHA512)


def has_table(db: sqlite3.Connection, name: str) -> bool:
    """Return whether a ledger has a table; those of files are missing from one begun before there were any."""
    return db.execute(_SQL["has_table"], (name,)).fetchone() is not None


def check_version(db: sqlite3.Connection, path: Path) -> None:
    """Raise OtherArchive for a ledger of a later version, Damaged for one that names no version."""
    row = db.execute(_SQL["format_version"]).fetchone()
    if row is None or not str(row[0]).isdigit():
        raise Damaged(f"{path} says nothing of its format; take it from a copy of the archive")
    if int(row[0]) > FORMAT_VERSION:
        raise OtherArchive(f"{path}: format version {row[0]}, this software reads up to {FORMAT_VERSION}")


def check_names(db: sqlite3.Connection, path: Path) -> None:
    """Raise Damaged, with the name, when a shard or a refused body has one that no harvest gives.

    Also when the ledger has triggers or views of its own: what these answer may be another thing each time.
    """
    for kind, name in db.execute(_SQL["ledger_foreign"]):
        raise Damaged(f"{path} has a {kind} {name!a}, which no harvest makes; take it from a copy of the archive")
    for folder, name in db.execute(_SQL["ledger_names"]):
        raise Damaged(f"{path} names {name!a} in {folder}/, as no harvest does; take it from a copy of the archive")


def _run_each(db: sqlite3.Connection, script: str) -> None:
    """Run the statements of a script one by one: `executescript` would commit the transaction."""
    for statement in script.split(";"):
        if statement.strip():
            db.execute(statement)
