"""index.duckdb: the column `at` has a synonym that needs no quotes, in each table and in the Parquet export."""

from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from support import migration_builder

from archive.index.build import index
from archive.index.parquet import write_parquet

TABLES = ("outcomes", "requests", "findings", "download_rows", "downloads")


@pytest.fixture
def indexed(tmp_path: Path) -> Path:
    return migration_builder.archived(tmp_path / "a", [migration_builder.eprint(1), migration_builder.eprint(2)])


@pytest.mark.parametrize("table", TABLES)
def test_answered_at_is_at(indexed: Path, table: str):
    with closing(duckdb.connect(str(indexed / "index.duckdb"), read_only=True)) as db:
        columns = [row[0] for row in db.execute(f"DESCRIBE {table}").fetchall()]
        assert {"at", "answered_at"} <= set(columns)
        rows = db.execute(f'SELECT answered_at, "at" FROM {table} ORDER BY answered_at DESC').fetchall()
    assert all(one == other for one, other in rows)
    assert rows or table not in ("outcomes", "requests")


def test_every_table_with_at_has_the_synonym(indexed: Path):
    with closing(duckdb.connect(str(indexed / "index.duckdb"), read_only=True)) as db:
        query = "SELECT table_name FROM duckdb_columns() WHERE column_name = '{}' AND NOT internal"
        at, synonym = (set(db.execute(query.format(name)).fetchall()) for name in ("at", "answered_at"))
    assert at == synonym


def test_it_survives_renewal_and_is_in_parquet(indexed: Path, tmp_path: Path):
    index(indexed)
    write_parquet(indexed, tmp_path / "p")
    found = duckdb.sql(f"SELECT count(*) FROM '{tmp_path}/p/outcomes/*.parquet' WHERE answered_at = \"at\"").fetchall()
    assert found == [(2,)]
