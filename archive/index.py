"""The index: everything an archive knows, in one DuckDB file that is derived from its shards and its ledger.

Deleting it loses nothing. It carries a stamp of what it was made of, and is refused when that has changed. It is
made under another name and renamed when it is whole.
"""

import fcntl
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from archive import durable
from archive.account import Account, read_accounts
from archive.errors import ArchiveError, Busy, Damaged, DiskFailed, DiskFull, NotAnArchive, StaleIndex
from archive.fixity import sha256_of
from archive.folder import Layout, read_description
from archive.parallel import spread
from archive.questions import question
from archive.reading import snapshot
from archive.spill import (
    FramesToSpill,
    OutcomesToSpill,
    ShardToRead,
    Spill,
    frames_to_spill,
    outcomes_to_spill,
    shard_path,
    spill,
    spill_table,
)

INDEX_VERSION = 2
# of 24 GiB: a sort or a join that needs more goes to the disk
MEMORY_LIMIT = "4GB"
LEDGER_TABLES = ("runs", "windows", "requests", "shards", "frames", "quarantine", "findings", "waits")
# DuckDB's own value; it reads lines in buffers of this size
_LINE_BYTES = 16 << 20

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What an index holds: `harvested` counts every copy in the shards, `versions` and `records` each one once."""

    path: Path
    records: int
    versions: int
    harvested: int
    outcomes: int
    shards: int
    size_bytes: int
    seconds: float


def index(folder: Path, progress: Progress | None = None) -> IndexReport:
    """Make the index of an archive, also while a harvest writes: it holds what was counted when it began.

    `progress` is called with the records read so far and their number. Raises NotAnArchive; Damaged when a shard
    is not what was written or does not match the ledger; Busy when another process makes this index.
    """
    began = time.monotonic()
    layout, description = Layout(folder), read_description(folder)
    with _alone(layout) as work, snapshot(layout) as ledger:
        stamp = _stamp(ledger, description["id"])
        shards = _shards(ledger)
        made = work / "index.duckdb"
        with _translated(made), closing(_connect(made, work)) as db:
            harvested = _fill(db, ledger, layout, shards, work, progress)
            _finish(db, ledger, stamp)
            counts = _counts(db)
        _put_in_place(made, layout)
    size = layout.index.stat().st_size
    return IndexReport(layout.index, *counts[:2], harvested, counts[2], len(shards), size, time.monotonic() - began)


def open_index(folder: Path) -> duckdb.DuckDBPyConnection:
    """Open the index for reading only, and so that a query reaches nothing but the index.

    Raises NotAnArchive, StaleIndex when there is no index or it was made of other shards or another ledger.
    """
    layout, description = Layout(folder), read_description(folder)
    if not layout.index.exists():
        raise StaleIndex(f"{folder} has no index; make it: harvester index {folder}")
    with snapshot(layout) as ledger:
        expected, shards = _stamp(ledger, description["id"]), _shards(ledger)
    for shard in shards:
        _check_size(layout, shard)
    db = _open(layout.index)
    try:
        _compare(db, expected, folder)
    except BaseException:
        db.close()
        raise
    return db


def index_digest(layout: Layout) -> Path:
    """Where the SHA-256 of the index is."""
    return layout.index.with_name(f"{layout.index.name}.sha256")


def check_index_digest(layout: Layout) -> bool:
    """Whether the index has a digest. Raises Damaged when it has, and is not the file that was made."""
    path = index_digest(layout)
    if not path.exists():
        return False
    if path.read_bytes() != f"{sha256_of(layout.index)}  {layout.index.name}\n".encode():
        raise Damaged(
            f"{layout.index} does not match {path.name}: bytes were changed since it was made; nothing is lost, make "
            f"it again: harvester index {layout.root}"
        )
    return True


# --- the stamp


def _stamp(ledger: sqlite3.Connection, archive: str) -> dict[str, str]:
    """What an index of this archive is made of, by name."""
    rows = {str(name): str(value) for name, value in ledger.execute(question("ledger_stamp"))}
    return {"index_version": str(INDEX_VERSION), "archive": archive, **rows}


def _compare(db: duckdb.DuckDBPyConnection, expected: dict[str, str], folder: Path) -> None:
    try:
        found = dict(db.execute("SELECT name, value FROM stamp").fetchall())
    except duckdb.Error as cause:
        raise StaleIndex(f"{folder}: index.duckdb cannot be read ({cause}); run `harvester index {folder}`") from cause
    names = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if names:
        raise StaleIndex(
            f"{folder}: the archive has changed since its index was made ({', '.join(names)}); "
            f"run `harvester index {folder}`"
        )


def _check_size(layout: Layout, shard: ShardToRead) -> None:
    """A shard must still be there, as long as the ledger says; one that is still written may be longer."""
    path = shard_path(layout, shard)
    size = path.stat().st_size if path.exists() else None
    if size is None or size < shard.believed or (shard.sealed and size != shard.believed):
        raise StaleIndex(
            f"{path} is {'missing' if size is None else f'{size} bytes long'}, the index was made of {shard.believed} "
            f"bytes; run `harvester verify {layout.root}`, then `harvester index {layout.root}`"
        )


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": False, "autoinstall_known_extensions": False,
        "autoload_known_extensions": False, "memory_limit": MEMORY_LIMIT, "lock_configuration": True,
    }  # fmt: skip
    try:
        return duckdb.connect(path, read_only=True, config=config)
    except duckdb.Error as cause:
        raise StaleIndex(f"{path} cannot be opened ({cause}); run `harvester index {path.parent}`") from cause


# --- making it


@contextmanager
def _alone(layout: Layout) -> Iterator[Path]:
    """A folder to work in, which no other process uses; what a killed one left there is removed."""
    if not layout.shards.is_dir():
        raise NotAnArchive(f"{layout.shards} is missing; nothing was harvested into this archive yet")
    work = layout.root / ".index"
    fd = os.open(layout.shards, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy(f"another process makes the index of {layout.root}; wait for it to end") from None
        shutil.rmtree(work, ignore_errors=True)
        durable.make_folder(work)
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(fd)


def _shards(ledger: sqlite3.Connection) -> list[ShardToRead]:
    """Shards with records that count."""
    return [ShardToRead(number, name, state == "sealed", *rest)
            for number, name, state, *rest in ledger.execute(question("shards_to_read"))]  # fmt: skip


def _connect(path: Path, work: Path) -> duckdb.DuckDBPyConnection:
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT, "temp_directory": str(work / "temp"), "preserve_insertion_order": False,
    }  # fmt: skip
    db = duckdb.connect(path, config=config)
    db.execute(question("index_tables"))
    return db


def _fill(
    db: duckdb.DuckDBPyConnection, ledger: sqlite3.Connection, layout: Layout, shards: list[ShardToRead], work: Path,
    progress: Progress | None,
) -> int:  # fmt: skip
    """Load everything in one transaction, so that row groups fill up; returns the number of records read."""
    db.execute("BEGIN")
    done, total = 0, sum(shard.records for shard in shards)
    tasks: list[FramesToSpill | OutcomesToSpill] = [
        *frames_to_spill(ledger, layout, shards, work), *outcomes_to_spill(ledger, layout, work),
    ]  # fmt: skip
    for rows in spread(spill, tasks, sum(shard.believed for shard in shards)):
        _load(db, rows)
        if rows.table == "versions":
            done += rows.rows
            if progress is not None:
                progress(done, total)
    if done != total:
        raise Damaged(
            f"the frames of {layout.shards} hold {done} records, the ledger counted {total} in its shards; "
            f"see harvester status {layout.root}"
        )
    for table in LEDGER_TABLES:
        _load(db, spill_table(ledger, table, work))
    db.execute("COMMIT")
    return done


def _load(db: duckdb.DuckDBPyConnection, rows: Spill) -> None:
    longest = max(_LINE_BYTES, rows.longest + 1)
    db.execute(question(f"load_{rows.table}"), {"path": str(rows.path), "longest": longest})
    rows.path.unlink()


def _finish(db: duckdb.DuckDBPyConnection, ledger: sqlite3.Connection, stamp: dict[str, str]) -> None:
    db.execute(question("settle_versions"))
    db.execute(question("index_lookups"))
    for account in read_accounts(ledger):
        for row in _account_rows(account):
            db.execute("INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    db.executemany("INSERT INTO stamp VALUES (?, ?)", [[name, value] for name, value in stamp.items()])
    db.execute("CHECKPOINT")


def _put_in_place(made: Path, layout: Layout) -> None:
    """Give the index its name, then its digest: without one it counts, and its bytes cannot be proven."""
    line = f"{sha256_of(made)}  {layout.index.name}\n"
    durable.remove(index_digest(layout))
    durable.rename(made, layout.index, "index")
    durable.write_new(index_digest(layout), line.encode(), "index-digest")


def _account_rows(account: Account) -> Iterator[list[Any]]:
    """A row a channel, and one without for all of them together."""
    for channel in account.channels:
        yield [account.run, channel.channel, channel.listed, *channel.states.values(), channel.balanced]
    yield [account.run, None, account.listed, *account.states.values(), account.balanced]


def _counts(db: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    rows: Any = db.execute(
        "SELECT count(*) FILTER (latest), count(*), (SELECT count(*) FROM outcomes) FROM versions"
    ).fetchone()
    return int(rows[0]), int(rows[1]), int(rows[2])


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """DuckDB's errors as ours."""
    try:
        yield
    except ArchiveError:
        raise
    except duckdb.Error as cause:
        text = str(cause).splitlines()[0]
        if "No space left" in text or isinstance(cause, duckdb.OutOfMemoryException):
            raise DiskFull(f"{path}: {text}; free some room and run `harvester index` again") from cause
        raise DiskFailed(f"{path}: {text}; run `harvester index` again") from cause
