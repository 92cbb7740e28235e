"""Fill an index: rows of shards and ledger, which copies are versions, and the proof that all are there."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from archive.disk import spread
from archive.duck import MEMORY_LIMIT
from archive.errors import Damaged
from archive.index import rows
from archive.index.renewal import NotRenewable, Renewal
from archive.index.rows import OutcomesToSpill, outcomes_to_spill, spill, spill_table
from archive.queries import Queries
from archive.store import (
    Account,
    FramesToSpill,
    Layout,
    Spill,
    frames_to_spill,
    newest,
    read_accounts,
    read_copies,
    read_looks,
)

_SQL = Queries(__package__)

LEDGER_TABLES = (
    "runs",
    "windows",
    "requests",
    "shards",
    "frames",
    "quarantine",
    "findings",
    "waits",
    "download_rows",
)
# DuckDB reads lines in buffers of twice this size, or of the longest line; its default fits into no cache
_LINE_BYTES = 1 << 20
# the first that compresses long texts, which are most of an index
_STORAGE = "v1.2.0"
# rows that are compressed together, and kept in memory until then: at ten kilobytes each some hundred megabytes
_GROUP_ROWS = 32_768
# sums of hashes are taken modulo this
HASHES = 1 << 64

Progress = Callable[[int, int], None]
Meanwhile = Callable[[duckdb.DuckDBPyConnection], None]


class Proof(NamedTuple):
    """Proof of a shard in an index: its number of records, and the sum of their hashes."""

    name: str
    records: int = 0
    hash_sum: int = 0

    def with_rows(self, loaded: Spill) -> "Proof":
        """Add the rows of a spill file."""
        return Proof(self.name, self.records + loaded.rows, (self.hash_sum + loaded.hash_sum) % HASHES)


Proofs = dict[int, Proof]


@dataclass(frozen=True, slots=True)
class Indexing:
    """The input of an index and its working folder `work`."""

    layout: Layout
    ledger: sqlite3.Connection
    stamp: dict[str, str]
    renewal: Renewal
    work: Path
    progress: Progress | None = None


def connect(path: Path, work: Path) -> duckdb.DuckDBPyConnection:
    """Open an index for writing; `work` is a folder for what does not fit into memory."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": str(work / "temp"),
        "preserve_insertion_order": False,
        # by default five are kept in memory: all that many archives have, compressed by one thread at the end
        "write_buffer_row_group_count": 1,
    }
    db = duckdb.connect(config=config)
    try:
        db.execute(f"ATTACH {quoted(path)} AS made (STORAGE_VERSION '{_STORAGE}', ROW_GROUP_SIZE {_GROUP_ROWS})")
        db.execute("USE made")
    except BaseException:
        db.close()
        raise
    return db


def quoted(path: Path) -> str:
    """Quote a path as an SQL string, for statements in which DuckDB accepts no parameter."""
    text = str(path).replace("'", "''")
    return f"'{text}'"


def make_tables(db: duckdb.DuckDBPyConnection) -> None:
    """Create the tables, views and macros, empty."""
    for name in ("index_tables", "account_cuts_tables", "index_views", "shard_records"):
        db.execute(_SQL[name])


def fill(db: duckdb.DuckDBPyConnection, task: Indexing, meanwhile: Meanwhile | None = None) -> int:
    """Read what has to be read, and settle it; returns the number of records read.

    `meanwhile` is called in a thread of its own as soon as the ledger was read and all versions are settled.

    Raises Damaged if a shard is not what was written, does not match the ledger, or is not what the index then holds;
    NotRenewable if an old index cannot become the new one.
    """
    if task.renewal.afresh:
        make_tables(db)
    else:
        db.execute(_SQL["index_drop"])
    db.execute("BEGIN")
    _drop(db, task.renewal)
    with while_loading(db):
        read = _load_shards(db, task)
    running = [run for (run,) in db.execute(_SQL["open_runs"]).fetchall()]
    behind = {"requests": task.renewal.request, "download_rows": task.renewal.file}
    for table in LEDGER_TABLES:
        if table not in behind:
            db.execute(f"DELETE FROM {table}")
        load(db, spill_table(task.ledger, table, task.work, behind.get(table)))
    db.execute("COMMIT")
    _settle(db, task, running)
    for account in read_accounts(task.ledger):
        for row in _account_rows(account):
            db.execute(_SQL["add_account"], row)
    with _beside(db, meanwhile):
        _cut_account(db, task.layout.root)
        db.executemany(_SQL["add_stamp"], [[name, value] for name, value in task.stamp.items()])
        check_proofs(db, task.layout.root)
        add_lookups(db)
    db.execute("CHECKPOINT")
    return read


@contextmanager
def _beside(db: duckdb.DuckDBPyConnection, work: Meanwhile | None) -> Iterator[None]:
    """Do some work on an index in another thread while the block runs; raises what it raises."""
    if work is None:
        yield
        return
    with closing(db.cursor()) as cursor, ThreadPoolExecutor(1, thread_name_prefix="index") as pool:
        cursor.execute("USE made")
        done = pool.submit(work, cursor)
        yield
        done.result()


def check_proofs(db: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Raise Damaged unless the index holds as many records of each shard as were read, with the same hashes."""
    for shard, name, records, hash_sum, found, found_sum, counted in db.execute(_SQL["proofs_off"]).fetchall():
        raise Damaged(
            f"{folder}: the index holds {found or 0} records of {name or shard}, their hashes add up to {found_sum}; "
            f"{records or 0} were read, with {hash_sum}, and {counted or 0} counted; nothing is lost, make it again: "
            f"harvester index {folder} --full"
        )


def _drop(db: duckdb.DuckDBPyConnection, renewal: Renewal) -> None:
    for table in ("versions", "repeats", "proofs"):
        db.execute(f"DELETE FROM {table} WHERE list_contains($shards, shard)", {"shards": list(renewal.dropped)})


def _load_shards(db: duckdb.DuckDBPyConnection, task: Indexing) -> int:
    renewal, layout = task.renewal, task.layout
    done, total = 0, sum(shard.records for shard in renewal.read) - renewal.held
    proofs = _old_proofs(db, renewal)
    # slow ones first, so that no core waits for one at the end
    tasks: list[FramesToSpill | OutcomesToSpill] = [
        *outcomes_to_spill(task.ledger, layout, task.work, renewal.outcome),
        *frames_to_spill(
            ledger=task.ledger,
            layout=layout,
            shards=renewal.read,
            folder=task.work,
            piece_bytes=rows.PIECE_BYTES,
            since=renewal.since,
        ),
    ]
    for loaded in spread(spill, tasks, sum(shard.believed for shard in renewal.read)):
        load(db, loaded)
        if loaded.table == "versions":
            proofs[loaded.shard] = proofs[loaded.shard].with_rows(loaded)
            done += loaded.rows
            if task.progress is not None:
                task.progress(done, total)
    if done != total:
        raise Damaged(
            f"the frames of {layout.shards} hold {done} records, the ledger counted {total} in its shards; "
            f"see harvester status {layout.root}"
        )
    for shard, proof in proofs.items():
        db.execute(_SQL["drop_proof"], [shard])
        db.execute(_SQL["add_proof"], [shard, *proof])
    return done


def _old_proofs(db: duckdb.DuckDBPyConnection, renewal: Renewal) -> Proofs:
    """Return the proofs of the shards that are continued; those of the others are empty."""
    proofs: Proofs = {shard.shard: Proof(shard.name) for shard in renewal.read}
    for shard, name, records, hash_sum in db.execute(_SQL["proofs"]).fetchall():
        if shard in renewal.since:
            proofs[shard] = Proof(name, records, hash_sum)
    return proofs


@contextmanager
def while_loading(db: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Leave half of the cores to the processes that make the rows: two threads on one core only wait for each other."""
    db.execute(f"SET threads = {max(1, (os.cpu_count() or 1) // 2)}")
    yield
    db.execute("RESET threads")  # after an error DuckDB would only say that the transaction has failed


def load(db: duckdb.DuckDBPyConnection, spilled: Spill) -> None:
    """Load a spill file into its table, and delete it."""
    longest = max(_LINE_BYTES, spilled.longest + 1)
    db.execute(_SQL[f"load_{spilled.table}"], {"path": str(spilled.path), "longest": longest})
    spilled.path.unlink()


def _settle(db: duckdb.DuckDBPyConnection, task: Indexing, running: list[int]) -> None:
    """Number the versions of each record; `running` are the runs that had not ended when the old index was built."""
    renewal = task.renewal
    parameters = {"after": renewal.outcome, "shards": renewal.fresh, "runs": running}
    db.execute(_SQL["settle_repeated"], parameters)
    db.execute(_SQL["create_chosen"])
    db.execute(_SQL["choose_outcomes"], {"outcomes": list(_choose(db, task.ledger))})
    db.execute(_SQL["settle_versions"])
    if db.execute(_SQL["part_stays"]).fetchone():
        raise NotRenewable("a copy that was left out is a version now")
    db.execute(_SQL["drop_settled"])


def _choose(db: duckdb.DuckDBPyConnection, ledger: sqlite3.Connection) -> Iterator[int]:
    """Yield the outcomes that are latest states although others came after them."""
    looks = read_looks(ledger)
    doubtful = db.execute(_SQL["settle_doubtful"], {"in_turn": looks.in_turn}).fetchall()
    for outcomes, contents in doubtful:
        known = dict(zip(outcomes, contents, strict=True))
        copies = read_copies(ledger, outcomes).values()
        found = newest([replace(copy, content=known[copy.outcome]) for copy in copies], looks).outcome
        if found != outcomes[-1]:
            yield found


def add_lookups(db: duckdb.DuckDBPyConnection) -> bool:
    """Create the indexes that find one record among millions at once; False if they do not fit into memory.

    DuckDB builds them in memory only. Without them every query gives the same result, after a scan of all identifiers.
    """
    try:
        db.execute(_SQL["index_lookups"])
    except duckdb.OutOfMemoryException:
        return False
    return True


def _cut_account(db: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Break down the account by window, year and set.

    Raises Damaged if law 1, a constraint of the table, is violated.
    """
    try:
        db.execute(_SQL["account_cuts_fill"])
    except duckdb.ConstraintException as cause:
        raise Damaged(f"{folder}: the account by window, year or set does not balance: {cause}") from cause
    for cut, run, channel, value, listed, counted in db.execute(_SQL["account_cuts_off"]).fetchall():
        raise Damaged(
            f"{folder}: the account by {cut} does not add up: {channel}, run {run}, {value}: {listed} listed, "
            f"{counted} counted; see harvester verify {folder}"
        )


def _account_rows(account: Account) -> Iterator[list[Any]]:
    """Yield a row for each channel, and one without a channel for all of them together."""
    for channel in account.channels:
        yield [account.run, channel.channel, channel.listed, *channel.states.values(), channel.balanced]
    yield [account.run, None, account.listed, *account.states.values(), account.balanced]
