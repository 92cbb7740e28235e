"""The index: it equals the shards and the ledger, is refused when they have changed, and reads what is whole."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import archive_builder

from archive.disk import durable, parallel
from archive.errors import Busy, Damaged, DiskFull, NotAnArchive, StaleIndex
from archive.index import build as index
from archive.index import rows as spilling
from archive.index.file import open_index
from archive.store.layout import Layout

PAGES = [["oai:x:1", "oai:x:2"], ["oai:x:3"], ["oai:x:4", "oai:x:5"]]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    archive_builder.ended(tmp_path / "archive", PAGES)
    return tmp_path / "archive"


def asked(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(open_index(folder)) as db:
        rows: list[tuple[Any, ...]] = db.execute(query).fetchall()
        return rows


def harvested(folder: Path, mode: str, *records: tuple[str, str, bool], channel: str = "oaipmh:oai_dc") -> None:
    """Another run over (identifier, datestamp, deleted)."""
    made = archive_builder.writer(folder)
    made.begin("oaipmh", mode, {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    number = made.ledger.channel(channel, "oai_dc", None)
    for identifier, datestamp, deleted in records:
        state = "deleted" if deleted else "read"
        payload = (
            () if mode == "census" else archive_builder.payload([identifier], datestamp=datestamp, deleted=deleted)
        )
        outcomes = [(identifier, datestamp, state, None)]
        made.put(
            archive_builder.answer(
                number, None, [identifier], outcomes=outcomes, payload=payload, bare=mode == "census"
            )
        )
    made.finish("complete")
    made.close()


def test_the_index_equals_the_shards(archive: Path):
    report = index.index(archive)
    assert (report.records, report.versions, report.harvested, report.outcomes, report.shards) == (5, 5, 5, 5, 1)
    columns = "shard, frame, identifier, stamp, deleted, sets, format, url, sha256, metadata, position"
    found = asked(archive, f"SELECT {columns} FROM records ORDER BY shard, frame, position")
    positions = {"oai:x:2": 1, "oai:x:5": 1}
    assert found == [
        (
            shard,
            frame,
            r.identifier,
            r.datestamp,
            r.deleted,
            list(r.sets),
            r.format,
            r.url,
            r.sha256,
            f'{{"title":["Title of {r.identifier}"]}}',
            positions.get(r.identifier, 0),
        )
        for shard, frame, r in archive_builder.stored(archive)
    ]
    assert [path.name for path in archive.iterdir() if path.name.startswith(".")] == []


def test_the_ledger_is_in_the_index(archive: Path):
    index.index(archive)
    for table in ("runs", "windows", "requests", "outcomes", "shards", "frames", "quarantine", "findings", "waits"):
        [(count,)] = archive_builder.rows(archive, f"SELECT count(*) FROM {table}")
        assert asked(archive, f"SELECT count(*) FROM {table}") == [(count,)], table
    row = asked(archive, 'SELECT run, channel, identifier, local_id, state, http_status, attempts, "at" FROM outcomes')[
        0
    ]
    assert row == (1, "oaipmh:oai_dc", "oai:x:1", "1", "read", 200, 1, datetime(2026, 3, 4, 5, 6, 7))
    assert asked(archive, "SELECT arguments ->> 'url' FROM runs") == [(archive_builder.URL,)]
    account = asked(archive, "SELECT run, channel, listed, read, balanced FROM account ORDER BY ALL")
    assert account == [
        (1, "oaipmh:oai_dc", 5, 5, True),
        (1, None, 5, 5, True),
        (None, "oaipmh:oai_dc", 5, 5, True),
        (None, None, 5, 5, True),
    ]


def test_waits_are_in_the_index_and_new_ones_make_it_stale(archive: Path):
    made = archive_builder.begun(archive)[0]
    made.wait(("repository.example", "2026-03-04T05:06:07Z", 2.5, "429, as ordered"))
    made.close()
    index.index(archive)
    waits = asked(archive, "SELECT wait, run, host, began, seconds, reason FROM waits")
    assert waits == [(1, 2, "repository.example", datetime(2026, 3, 4, 5, 6, 7), 2.5, "429, as ordered")]
    with closing(sqlite3.connect(Layout(archive).ledger)) as db, db:
        db.execute("INSERT INTO waits VALUES (2, 2, 'h', '2026-01-01T00:00:00Z', 1.0, 'r')")
    with pytest.raises(StaleIndex):
        open_index(archive)


def test_an_archive_from_before_there_were_waits_has_an_index(archive: Path):
    with closing(sqlite3.connect(Layout(archive).ledger)) as db:
        db.execute("DROP TABLE waits")
    index.index(archive)
    assert asked(archive, "SELECT count(*) FROM waits") == [(0,)]


def test_names_that_users_rely_on(archive: Path):
    index.index(archive)
    with closing(open_index(archive)) as db:
        described = db.execute("DESCRIBE records").fetchall()
    kinds = {name: kind for name, kind, *_ in described}
    assert list(kinds)[:18] == [
        "identifier",
        "format",
        "datestamp",
        "deleted",
        "sets",
        "local_id",
        "doi",
        "title",
        "resource_type",
        "publication_year",
        "creators",
        "license",
        "url",
        "retrieved",
        "sha256",
        "metadata",
        "shard",
        "frame",
    ]
    assert (kinds["datestamp"], kinds["deleted"], kinds["sets"], kinds["metadata"]) == (
        "TIMESTAMP",
        "BOOLEAN",
        "VARCHAR[]",
        "JSON",
    )


def test_a_record_is_there_once_and_each_version_of_it_too(archive: Path):
    harvested(archive, "full", ("oai:x:1", "2020-01-01T00:00:00Z", False), ("oai:x:2", "2021-01-01T00:00:00Z", False))
    harvested(archive, "incremental", ("oai:x:2", "2022-01-01T00:00:00Z", True), ("oai:x:9", "2020", False))
    report = index.index(archive)
    assert (report.records, report.versions, report.harvested) == (6, 8, 9)
    versions = asked(
        archive, "SELECT version, latest, stamp, deleted, run FROM versions WHERE identifier = 'oai:x:2' ORDER BY ALL"
    )
    assert versions == [
        (1, False, "2020-01-01T00:00:00Z", False, 1),
        (2, False, "2021-01-01T00:00:00Z", False, 2),
        (3, True, "2022-01-01T00:00:00Z", True, 3),
    ]
    assert asked(archive, "SELECT version, run FROM versions WHERE identifier = 'oai:x:1'") == [(1, 2)]
    assert asked(archive, "SELECT identifier, datestamp, stamp FROM records WHERE datestamp IS NULL") == [
        ("oai:x:9", None, "2020")
    ]


def test_a_version_that_a_whole_list_brings_back_is_another_version(archive: Path):
    harvested(archive, "full", ("oai:x:1", "2021-01-01T00:00:00Z", True))
    harvested(archive, "full", ("oai:x:1", "2020-01-01T00:00:00Z", False))
    index.index(archive)
    found = asked(
        archive, "SELECT version, deleted, latest FROM versions WHERE identifier = 'oai:x:1' ORDER BY version"
    )
    assert found == [(1, False, False), (2, True, False), (3, False, True)]


def test_an_older_datestamp_in_a_list_with_bounds_is_not_the_latest_state(archive: Path):
    harvested(archive, "full", ("oai:x:1", "2021-01-01T00:00:00Z", True))
    harvested(archive, "incremental", ("oai:x:1", "2020-01-01T00:00:00Z", False))
    index.index(archive)
    found = asked(archive, "SELECT version, deleted, latest, run FROM versions WHERE identifier = 'oai:x:1'")
    assert sorted(found) == [(1, False, False, 3), (2, True, True, 2)]


def test_a_record_of_several_sets_is_one_record(archive: Path):
    harvested(archive, "full", ("oai:x:1", "2020-01-01T00:00:00Z", False), channel="oaipmh:oai_dc:a")
    index.index(archive)
    assert asked(archive, "SELECT count(*) FROM records WHERE identifier = 'oai:x:1'") == [(1,)]


def test_a_census_is_told_from_what_is_held(archive: Path):
    harvested(
        archive,
        "census",
        ("oai:x:1", "2020-01-01T00:00:00Z", False),
        ("oai:x:7", "2020-01-01", True),
        channel="census:oai_dc",
    )
    index.index(archive)
    day = datetime(2020, 1, 1)
    assert asked(archive, "SELECT target, identifier, datestamp, deleted FROM census ORDER BY identifier") == [
        (archive_builder.URL, "oai:x:1", day, False),
        (archive_builder.URL, "oai:x:7", day, True),
    ]
    assert asked(archive, "SELECT count(*) FROM records") == [(5,)]
    harvested(archive, "census", ("oai:x:8", "2020-01-01", False), channel="census:oai_dc")
    index.index(archive)
    assert asked(archive, "SELECT identifier FROM census") == [("oai:x:8",)]


def test_text_of_any_kind_arrives_as_it_was(tmp_path: Path):
    names = ["oai:x:\\N", "oai:x:", "oai:x:\"quoted\", 'single'", "oai:x:\t\u2028\u0085.", "oai:x:😀\u0000."]
    made, channel, _ = archive_builder.begun(tmp_path)
    made.put(archive_builder.answer(channel, None, names))
    made.finish("complete")
    made.close()
    index.index(tmp_path)
    assert asked(tmp_path, "SELECT identifier, metadata ->> '$.title[0]' FROM versions ORDER BY outcome") == [
        (name, f"Title of {name}") for name in names
    ]
    assert asked(tmp_path, "SELECT identifier FROM outcomes ORDER BY outcome") == [(name,) for name in names]


def test_many_files_and_processes_give_the_same_index(archive: Path, monkeypatch: pytest.MonkeyPatch):
    index.index(archive)
    query = "SELECT * FROM versions ORDER BY outcome"
    once = asked(archive, query)
    monkeypatch.setattr(spilling, "PIECE_BYTES", 1)
    monkeypatch.setattr(parallel, "SMALL_BYTES", 0)
    seen: list[tuple[int, int]] = []
    assert index.index(archive, lambda done, total: seen.append((done, total)), full=True).records == 5
    assert asked(archive, query) == once
    assert seen == [(2, 5), (3, 5), (5, 5)]


def test_the_index_of_a_harvest_at_work_holds_what_was_counted(tmp_path: Path):
    made, channel, (window,) = archive_builder.begun(tmp_path)
    made.put(archive_builder.answer(channel, window.window, ["oai:x:1"]))
    made.commit()
    assert index.index(tmp_path).records == 1
    assert asked(tmp_path, "SELECT identifier FROM records") == [("oai:x:1",)]
    made.put(archive_builder.answer(channel, window.window, ["oai:x:2"]))
    made.commit()
    with pytest.raises(StaleIndex):
        open_index(tmp_path)
    made.close()


def test_an_archive_with_nothing_in_it_has_an_index(tmp_path: Path):
    archive_builder.writer(tmp_path).close()
    assert index.index(tmp_path).records == 0
    assert asked(tmp_path, "SELECT count(*) FROM records") == [(0,)]


# --- stale


def test_without_an_index_it_says_how_to_make_one(archive: Path):
    with pytest.raises(StaleIndex, match=f"harvester index {archive}"):
        open_index(archive)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO findings VALUES (9, 1, 'c', 'info', NULL, NULL, NULL, 'm', NULL, NULL, '2026-01-01T00:00:00Z')",
        "UPDATE runs SET state = 'findings'",
        "UPDATE windows SET state = 'lost'",
        "INSERT INTO outcomes VALUES (9, 1, 'oai:x:9', NULL, 'absent', NULL)",
        "UPDATE shards SET sha256 = 'x'",
        "INSERT INTO quarantine VALUES (1, 1, NULL, '000001', 1, 'x')",
    ],
)
def test_an_index_of_another_ledger_is_stale(archive: Path, statement: str):
    index.index(archive)
    open_index(archive).close()
    with closing(sqlite3.connect(Layout(archive).ledger)) as db, db:
        db.execute(statement)
    with pytest.raises(StaleIndex, match=f"harvester index {archive}"):
        open_index(archive)


def test_an_index_of_another_archive_is_stale(archive: Path, tmp_path: Path):
    other = tmp_path / "other"
    archive_builder.ended(other, PAGES)
    index.index(other)
    Layout(other).index.rename(Layout(archive).index)
    with pytest.raises(StaleIndex, match="archive"):
        open_index(archive)


@pytest.mark.parametrize("harm", ["gone", "short", "long"])
def test_an_index_of_shards_that_are_not_there_is_stale(archive: Path, harm: str):
    index.index(archive)
    [path] = Layout(archive).shards.iterdir()
    body = path.read_bytes()
    path.unlink()
    if harm != "gone":
        path.write_bytes(body[:-1] if harm == "short" else body + b"\n")
    with pytest.raises(StaleIndex):
        open_index(archive)


@pytest.mark.parametrize("body", [b"", b"not a database" * 1000])
def test_an_index_that_cannot_be_read_is_stale(archive: Path, body: bytes):
    Layout(archive).index.write_bytes(body)
    with pytest.raises(StaleIndex):
        open_index(archive)
    index.index(archive)
    open_index(archive).close()


def test_deleting_the_index_loses_nothing(archive: Path):
    index.index(archive)
    before = asked(archive, "SELECT * FROM versions ORDER BY outcome")
    Layout(archive).index.unlink()
    index.index(archive)
    assert asked(archive, "SELECT * FROM versions ORDER BY outcome") == before


# --- damage


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.999])
def test_no_index_is_made_of_a_damaged_shard(archive: Path, part: float):
    index.index(archive)
    [path] = Layout(archive).shards.iterdir()
    body = bytearray(path.read_bytes())
    body[int(len(body) * part)] ^= 1
    path.write_bytes(body)
    before = Layout(archive).index.stat()
    with pytest.raises(Damaged):
        index.index(archive, full=True)
    assert Layout(archive).index.stat().st_mtime_ns == before.st_mtime_ns
    assert not (archive / ".index").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE outcomes SET identifier = 'oai:x:other' WHERE outcome = 1",
        "UPDATE outcomes SET state = 'deleted' WHERE outcome = 1",
        "UPDATE outcomes SET state = 'absent' WHERE outcome = 1",
        "UPDATE outcomes SET datestamp = '1999-01-01' WHERE outcome = 1",
        "UPDATE frames SET records = 1 WHERE frame = 0",
        "DELETE FROM frames WHERE frame = 2",
    ],
)
def test_no_index_is_made_of_records_that_are_not_their_outcomes(archive: Path, statement: str):
    with closing(sqlite3.connect(Layout(archive).ledger)) as db, db:
        db.execute(statement)
        if "frames SET" in statement:
            db.execute("DELETE FROM outcomes WHERE outcome = 2")
    with pytest.raises(Damaged):
        index.index(archive)


def test_one_index_is_made_at_a_time(archive: Path):
    with index._alone(Layout(archive)), pytest.raises(Busy):
        index.index(archive)
    index.index(archive)


def test_who_is_told_to_wait_takes_nothing_away_from_the_one_at_work(archive: Path):
    with index._alone(Layout(archive)) as work:
        (work / "runs-0").write_text("half a line")
        with pytest.raises(Busy):
            index.index(archive)
        assert (work / "runs-0").exists()


def test_what_a_killed_one_left_behind_is_removed(archive: Path):
    (archive / ".index").mkdir()
    (archive / ".index" / "runs-0").write_text("half a line")
    assert index.index(archive).records == 5
    assert not (archive / ".index").exists()


def test_a_full_disk_leaves_the_old_index(archive: Path, monkeypatch: pytest.MonkeyPatch):
    index.index(archive)

    def full(point: str) -> None:
        if point == "index-renaming":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(durable, "watch", full)
    with pytest.raises(DiskFull):
        index.index(archive, full=True)
    monkeypatch.setattr(durable, "watch", None)
    assert asked(archive, "SELECT count(*) FROM records") == [(5,)]


def test_what_is_no_archive_has_no_index(tmp_path: Path):
    for call in (index.index, open_index):
        with pytest.raises(NotAnArchive):
            call(tmp_path)


# --- reading only


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM versions",
        "CREATE TABLE t (a INTEGER)",
        "COPY records TO '{folder}/out.csv'",
        "SELECT * FROM read_text('{folder}/archive.json')",
        "SELECT * FROM '{folder}/archive.json'",
        "ATTACH '{folder}/other.duckdb'",
        "EXPORT DATABASE '{folder}/out'",
        "SET enable_external_access = true",
        "SET memory_limit = '1GB'",
        "INSTALL httpfs",
    ],
)
def test_a_query_reaches_nothing_but_the_index(archive: Path, statement: str):
    index.index(archive)
    before = sorted(path.name for path in archive.iterdir())
    with pytest.raises(duckdb.Error):
        asked(archive, statement.format(folder=archive))
    assert sorted(path.name for path in archive.iterdir()) == before


def test_several_read_at_once_and_while_another_index_is_made(archive: Path):
    index.index(archive)
    with closing(open_index(archive)) as one, closing(open_index(archive)) as two:
        index.index(archive)
        for db in (one, two):
            assert db.execute("SELECT count(*) FROM records").fetchone() == (5,)
