"""Filling an index: what it does where memory is short."""

from pathlib import Path

import duckdb

from archive.index.fill import add_lookups, connect


def test_without_room_for_it_an_index_is_only_slower(tmp_path: Path):
    for limit, made in (("4GB", True), ("8MB", False)):
        with connect(tmp_path / f"{limit}.duckdb", tmp_path) as db:
            db.execute("CREATE TABLE versions AS SELECT 'oai:x:' || id AS identifier FROM range(300_000) AS t(id)")
            db.execute(f"SET memory_limit = '{limit}'")
            assert add_lookups(db) == made
            assert db.execute("SELECT count(*) FROM versions WHERE identifier = 'oai:x:7'").fetchall() == [(1,)]


def test_long_texts_are_compressed(tmp_path: Path):
    with connect(tmp_path / "i.duckdb", tmp_path) as db:
        db.execute("CREATE TABLE t (metadata JSON USING COMPRESSION zstd)")
        db.execute("INSERT INTO t SELECT '{\"a\":\"' || repeat('long ', 2000) || id || '\"}' FROM range(5000) AS t(id)")
        db.execute("CHECKPOINT")
    assert (tmp_path / "i.duckdb").stat().st_size < 10_000_000
    with duckdb.connect(tmp_path / "i.duckdb", read_only=True) as db:
        assert db.execute("SELECT count(*), sum(length(metadata)) FROM t").fetchall()[0][0] == 5000
