"""Compare two indexes table by table: whether they hold the same rows, in any order."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from archive.duck import MEMORY_LIMIT
from archive.index.fill import LEDGER_TABLES, quoted
from archive.queries import Queries

_SQL = Queries(__package__)

# tables of records, which are compared shard by shard
_BY_SHARD = ("versions", "repeats")
_WHOLE = (*LEDGER_TABLES, "outcomes", "proofs", "account", "stamp")


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows of a table that differ from the expected ones; `shard` if they are of one.

    `found` and `expected` count rows; they may be equal if only values differ. `first` names one that differs.
    """

    table: str
    shard: int | None
    found: int
    expected: int
    first: str | None


def differences(held: Path, made: Path, work: Path) -> list[Difference]:
    """List how the index `held` differs from `made`; `work` is a folder to sort in."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": str(work / "temp"),
    }
    with closing(duckdb.connect(config=config)) as db:
        db.execute(f"ATTACH {quoted(held)} AS held (READ_ONLY)")
        db.execute(f"ATTACH {quoted(made)} AS made (READ_ONLY)")
        return [*_of_shards(db), *_of_tables(db)]


def _of_shards(db: duckdb.DuckDBPyConnection) -> Iterator[Difference]:
    for table in _BY_SHARD:
        rows = db.execute(_SQL["check_shards"].format(table=table)).fetchall()
        for shard, found, expected in rows:
            first = db.execute(_SQL["check_first"].format(table=table), {"shard": shard}).fetchone()
            yield Difference(table, shard, found, expected, first[0] if first else None)


def _of_tables(db: duckdb.DuckDBPyConnection) -> Iterator[Difference]:
    for table in _WHOLE:
        [(found, found_hash, expected, expected_hash)] = db.execute(_SQL["check_table"].format(table=table)).fetchall()
        if (found, found_hash) != (expected, expected_hash):
            yield Difference(table, None, found, expected, None)
