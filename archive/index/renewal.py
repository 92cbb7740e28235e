"""Find the parts of an index that can be reused, and what has to be read again.

Outcomes and requests are only ever added, and so are the frames of an open shard. A shard whose file was replaced (by a
conversion) is read again.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import duckdb

from archive.queries import Queries
from archive.store import ShardToRead

_SQL = Queries(__package__)
_STORE_SQL = Queries("archive.store")

# parts of a fingerprint that must be equal for an index to be of this archive and this software
_SAME = ("index_version", "archive")


class _Indexed(NamedTuple):
    """A shard as the index has it; `frame` is the last one, the values after it are those of this frame."""

    name: str
    state: str
    records: int
    sha256: str | None
    frame: int
    offset: int
    bytes: int
    content_bytes: int


class NotRenewable(Exception):
    """The old index cannot become the new one; all of it must be rebuilt."""


@dataclass(frozen=True, slots=True)
class Renewal:
    """The plan of an index: which shards to read, some only from a frame on (`since`), and what to drop.

    `outcome`, `request` and `file` (a row about a file of a record) are the last ones that the old index has.
    """

    read: tuple[ShardToRead, ...]
    since: dict[int, int] = field(default_factory=dict)
    dropped: tuple[int, ...] = ()
    held: int = 0
    outcome: int = 0
    request: int = 0
    file: int = 0

    @property
    def afresh(self) -> bool:
        """Return whether there is no old index to start from."""
        return not self.outcome and not self.held

    @property
    def fresh(self) -> list[int]:
        """List the shards of which the index holds no frame."""
        return [shard.shard for shard in self.read if shard.shard not in self.since]


def plan_renewal(
    old: Path, ledger: sqlite3.Connection, shards: Iterable[ShardToRead], stamp: dict[str, str]
) -> Renewal:
    """Plan what has to be read to bring the index `old` up to this ledger. Raises NotRenewable."""
    try:
        with closing(duckdb.connect(old, read_only=True)) as db:
            return _plan(db, ledger, shards, stamp)
    except duckdb.Error as cause:
        raise NotRenewable(str(cause)) from cause


def _plan(
    db: duckdb.DuckDBPyConnection, ledger: sqlite3.Connection, shards: Iterable[ShardToRead], stamp: dict[str, str]
) -> Renewal:
    found = dict(db.execute(_SQL["stamp"]).fetchall())
    if any(found.get(name) != stamp[name] for name in _SAME) or db.execute(_SQL["proofs_off"]).fetchall():
        raise NotRenewable("made of another archive or by other software, or not what it was made of")
    outcome, request, file = (int(found[name]) for name in ("outcome", "request", "file"))
    _check_beginning(db, ledger, outcome, file)
    held = {shard: _Indexed(*row) for shard, *row in db.execute(_SQL["index_shards"]).fetchall()}
    read: list[ShardToRead] = []
    since: dict[int, int] = {}
    dropped: list[int] = []
    records = 0
    for shard in shards:
        was = held.pop(shard.shard, None)
        if was is not None and _is_same(shard, was):
            continue
        read.append(shard)
        if was is not None and _has_grown(ledger, shard, was):
            since[shard.shard] = was.frame + 1
            records += was.records
        elif was is not None:
            dropped.append(shard.shard)
    if held:
        raise NotRenewable(f"shards {sorted(held)} are no longer there")
    return Renewal(
        read=tuple(read), since=since, dropped=tuple(dropped), held=records, outcome=outcome, request=request, file=file
    )


def _check_beginning(db: duckdb.DuckDBPyConnection, ledger: sqlite3.Connection, outcome: int, file: int) -> None:
    """Check that the last rows of the index are of this ledger: it could be another copy with another history."""
    if not outcome:
        raise NotRenewable("it is empty")
    query = _SQL["outcome_as_indexed"]
    if db.execute(query, [outcome]).fetchone() != ledger.execute(query, (outcome,)).fetchone():
        raise NotRenewable("made of another ledger")
    query = "SELECT identifier, key, run, state, sha256 FROM {} WHERE file = ?"
    if (
        db.execute(query.format("download_rows"), [file]).fetchone()
        != ledger.execute(query.format("files"), (file,)).fetchone()
    ):
        raise NotRenewable("made of another ledger")


def _is_same(shard: ShardToRead, was: _Indexed) -> bool:
    return shard.sealed == (was.state == "sealed") and (shard.name, shard.records, shard.sha256) == (
        was.name,
        was.records,
        was.sha256,
    )


def _has_grown(ledger: sqlite3.Connection, shard: ShardToRead, was: _Indexed) -> bool:
    """Return whether an open shard only got more frames after those that the index has, or was only sealed."""
    place = {"shard": shard.shard, "first": was.frame, "last": was.frame}
    frames = ledger.execute(_STORE_SQL["frames_of_shard"], place).fetchall()
    last = was.frame, was.offset, was.bytes, was.content_bytes
    return was.state == "open" and shard.name == was.name and shard.records >= was.records and frames == [last]
