"""The index as Parquet: all of it, as another engine reads it."""

import itertools
import json
from pathlib import Path

import duckdb
import pytest
from support import archive_builder

from archive.errors import CannotDump, Damaged, StaleIndex
from archive.index import build as index
from archive.index import parquet
from archive.index.parquet import write_parquet
from archive.store.layout import Layout
from harvester.demo.samples import build_archive

# columns that are tables of their own
INSIDE = {"all_identifiers", "all_creators", "all_subjects", "all_relations", "all_files"}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    build_archive(tmp_path / "a", 60)
    index.index(tmp_path / "a")
    return tmp_path / "a"


def test_every_table_is_read_back_as_it_is_in_the_index(archive: Path, tmp_path: Path):
    written = write_parquet(archive, tmp_path / "pq")
    described = json.loads((tmp_path / "pq" / "tables.json").read_text())
    assert [one["table"] for one in described["tables"]] == [one.table for one in written]
    with duckdb.connect(Layout(archive).index, read_only=True) as db:
        for one in written:
            names = ", ".join(f'"{name}"' for name in one.columns if name != "month")
            files = f"read_parquet('{tmp_path}/pq/{one.table}/**/*.parquet', hive_partitioning = true)"
            source = "versions WHERE latest" if one.table == "records" else one.table
            ours = db.execute(f"SELECT {names} FROM {source} ORDER BY ALL").fetchall()
            assert db.execute(f"SELECT {names} FROM {files} ORDER BY ALL").fetchall() == ours, one.table
            assert len(ours) == one.rows
            assert {row[0] for row in db.execute(f"DESCRIBE {one.table}").fetchall()} - set(one.columns) <= INSIDE


def test_records_are_cut_by_format_and_month(archive: Path, tmp_path: Path):
    write_parquet(archive, tmp_path / "pq")
    folders = {str(path.parent.relative_to(tmp_path / "pq")) for path in (tmp_path / "pq").rglob("*.parquet")}
    assert {name for name in folders if name.startswith("records")} == {
        "records/format=oai_datacite/month=2026-01",
        "records/format=oai_dc/month=2026-01",
    }
    with duckdb.connect() as db:
        meta = f"SELECT DISTINCT compression FROM parquet_metadata('{tmp_path}/pq/records/*/*/*.parquet')"
        assert db.execute(meta).fetchall() == [("ZSTD",)]


def test_a_format_with_any_name_can_be_read_back(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["oai:x:1"]])
    made = archive_builder.writer(tmp_path / "a")
    made.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = made.ledger.channel("x", "a/b=c é%", None)
    [(body, records)] = archive_builder.payload(["oai:x:2"])
    held = ((body.replace(b'"oai_dc"', '"a/b=c é%"'.encode()), records),)
    made.put(archive_builder.answer(channel, None, ["oai:x:2"], payload=held))
    made.finish("complete")
    made.close()
    index.index(tmp_path / "a")
    rows = {one.table: one.rows for one in write_parquet(tmp_path / "a", tmp_path / "pq")}
    assert rows["records"] == 2


def test_an_archive_with_nothing_in_it_has_empty_tables(tmp_path: Path):
    archive_builder.writer(tmp_path / "a").close()
    index.index(tmp_path / "a")
    assert {one.rows for one in write_parquet(tmp_path / "a", tmp_path / "pq") if one.table != "account"} == {0}
    with duckdb.connect() as db:
        assert db.execute(f"SELECT count(*) FROM '{tmp_path}/pq/records/*.parquet'").fetchall() == [(0,)]


def test_what_cannot_be_read_back_is_not_left_there(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    sums = itertools.count()
    monkeypatch.setattr(parquet, "_summed", lambda *_: (1, next(sums)))
    with pytest.raises(Damaged):
        write_parquet(archive, tmp_path / "pq")
    assert not (tmp_path / "pq").exists()


def test_there_must_be_an_index_and_a_free_name(archive: Path, tmp_path: Path):
    (tmp_path / "pq").mkdir()
    with pytest.raises(CannotDump):
        write_parquet(archive, tmp_path / "pq")
    Layout(archive).index.unlink()
    with pytest.raises(StaleIndex):
        write_parquet(archive, tmp_path / "other")
