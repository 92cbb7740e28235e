"""An index made again: what is read, what is kept, and when nothing of the old one counts."""

import errno
import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import archive_builder
from support.conversion_archives import dublin_core, filled, text

from archive.conversions.convert import convert_archive
from archive.disk import durable
from archive.errors import Damaged, DiskFull, StaleIndex
from archive.index import build as index
from archive.index.file import open_index
from archive.store.layout import Layout

PAGES = [["oai:x:1", "oai:x:2"], ["oai:x:3"], ["oai:x:4", "oai:x:5"]]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    archive_builder.ended(tmp_path / "archive", PAGES)
    return tmp_path / "archive"


def asked(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(open_index(folder)) as db:
        return db.execute(query).fetchall()


def harvested(folder: Path, *identifiers: str, datestamp: str = "2020-01-01T00:00:00Z") -> None:
    made = archive_builder.writer(folder)
    made.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = made.ledger.channel(*archive_builder.CHANNEL)
    outcomes = [(name, datestamp, "read", None) for name in identifiers]
    held = archive_builder.payload(identifiers, datestamp=datestamp)
    made.put(archive_builder.answer(channel, None, identifiers, outcomes=outcomes, payload=held))
    made.finish("complete")
    made.close()


def changed(folder: Path, statement: str) -> None:
    """Change the index, as no software of ours does, and forget its digest."""
    index.index_digest(Layout(folder)).unlink()
    with duckdb.connect(Layout(folder).index) as db:
        db.execute(statement)


# --- only what is new


def test_only_new_records_are_read(archive: Path):
    assert index.index(archive).read == 5
    assert index.index(archive).read == 0
    harvested(archive, "oai:x:6", "oai:x:7")
    report = index.index(archive)
    assert (report.read, report.records, report.harvested, report.outcomes, report.shards) == (2, 7, 7, 7, 2)
    assert index.check_index(archive) == []


def test_of_a_shard_that_has_grown_only_the_new_frames_are_read(tmp_path: Path):
    made, channel, (window,) = archive_builder.begun(tmp_path)
    for number, identifiers in enumerate(PAGES):
        made.put(archive_builder.answer(channel, window.window, identifiers))
        made.commit()
        assert index.index(tmp_path).read == len(identifiers), number
        assert index.check_index(tmp_path) == []
    made.finish("complete")
    made.close()
    report = index.index(tmp_path)
    assert (report.read, report.records, report.harvested) == (0, 5, 5)
    assert asked(tmp_path, "SELECT state, sha256 IS NOT NULL FROM shards") == [("sealed", True)]
    assert index.check_index(tmp_path) == []


def test_a_shard_that_was_only_sealed_is_checked_all_the_same(tmp_path: Path):
    made, channel, (window,) = archive_builder.begun(tmp_path)
    made.put(archive_builder.answer(channel, window.window, ["oai:x:1"]))
    made.commit()
    index.index(tmp_path)
    made.finish("complete")
    made.close()
    [path] = Layout(tmp_path).shards.iterdir()
    body = bytearray(path.read_bytes())
    body[-12] ^= 1  # of the seek table
    path.write_bytes(body)
    with pytest.raises(Damaged):
        index.index(tmp_path)


def test_a_copy_with_the_same_bytes_becomes_a_repeat_and_a_new_one_a_version(archive: Path):
    index.index(archive)
    harvested(archive, "oai:x:1", "oai:x:2")
    index.index(archive)
    harvested(archive, "oai:x:2", datestamp="2021-01-01T00:00:00Z")
    report = index.index(archive)
    assert (report.records, report.versions, report.harvested) == (5, 6, 8)
    versions = asked(
        archive, "SELECT version, latest, run, since FROM versions WHERE identifier = 'oai:x:2' ORDER BY 1"
    )
    assert [row[:3] for row in versions] == [(1, False, 2), (2, True, 3)]
    assert asked(archive, "SELECT identifier, run FROM repeats ORDER BY ALL") == [("oai:x:1", 1), ("oai:x:2", 1)]
    assert index.check_index(archive) == []


def test_a_converted_shard_is_read_again_and_the_others_are_not(tmp_path: Path):
    old = {"title": ["as an older converter had it"]}
    records = [text(f"oai:x:{n}", dublin_core(f"T{n}"), old if n == 1 else "made") for n in range(4)]
    filled(tmp_path, [[records[:2]], [records[2:]]])
    assert index.index(tmp_path).read == 4
    convert_archive(tmp_path)
    with pytest.raises(StaleIndex):
        open_index(tmp_path)
    assert index.index(tmp_path).read == 2
    titles = asked(tmp_path, "SELECT title FROM records ORDER BY identifier")
    assert titles == [("T0",), ("T1",), ("T2",), ("T3",)]
    assert index.check_index(tmp_path) == []


def test_a_ledger_without_new_records_is_taken_over(archive: Path):
    index.index(archive)
    with closing(sqlite3.connect(Layout(archive).ledger)) as db, db:
        db.execute("UPDATE runs SET state = 'findings'")
        db.execute(
            "INSERT INTO findings VALUES (1, 1, 'c', 'info', NULL, NULL, NULL, 'm', 1, 2, '2026-01-01T00:00:00Z')"
        )
    assert index.index(archive).read == 0
    assert asked(archive, "SELECT state, (SELECT count(*) FROM findings) FROM runs") == [("findings", 1)]


# --- when all is read again


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM versions WHERE identifier = 'oai:x:1'",
        "UPDATE versions SET hash = hash + 1 WHERE identifier = 'oai:x:1'",
        "UPDATE stamp SET value = '0' WHERE name = 'index_version'",
        "DROP TABLE proofs",
    ],
)
def test_an_index_that_is_not_what_was_made_is_made_again(archive: Path, statement: str):
    index.index(archive)
    changed(archive, statement)
    harvested(archive, "oai:x:6")
    assert index.index(archive).read == 6
    assert index.check_index(archive) == []


def test_an_index_with_other_bytes_is_made_again(archive: Path):
    index.index(archive)
    path = Layout(archive).index
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)
    assert index.index(archive).read == 5


def test_another_ledger_of_the_same_archive_is_another_history(archive: Path, tmp_path: Path):
    """A copy of the archive that went on by itself, put in the place of the first."""
    index.index(archive)
    before = Layout(archive).ledger.read_bytes()
    harvested(archive, "oai:x:6")
    index.index(archive)
    ours = Layout(archive).index.read_bytes()
    digest = index.index_digest(Layout(archive)).read_bytes()
    Layout(archive).ledger.write_bytes(before)
    for path in [*Layout(archive).shards.glob("00002*"), *archive.glob("ledger.sqlite[-.]*")]:
        path.unlink()
    harvested(archive, "oai:x:7")
    Layout(archive).index.write_bytes(ours)
    index.index_digest(Layout(archive)).write_bytes(digest)
    assert index.index(archive).read == 6
    assert asked(archive, "SELECT identifier FROM records WHERE identifier > 'oai:x:5'") == [("oai:x:7",)]


def test_a_copy_that_counts_again_makes_all_be_read(archive: Path):
    """No software of ours takes a shard back; if one is lost, what stood behind it counts again."""
    harvested(archive, "oai:x:1")
    index.index(archive)
    with closing(sqlite3.connect(Layout(archive).ledger)) as db, db:
        db.execute("UPDATE shards SET records = 0 WHERE shard = 2")
    assert index.index(archive).harvested == 5
    assert index.check_index(archive) == []


# --- what is not equal is refused


def test_an_index_that_lost_a_row_is_refused(archive: Path):
    index.index(archive)
    open_index(archive).close()
    changed(archive, "DELETE FROM versions WHERE identifier = 'oai:x:3'")
    with pytest.raises(Damaged, match="--full"):
        open_index(archive)


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("UPDATE versions SET title = 'another' WHERE identifier = 'oai:x:3'", "versions"),
        ("UPDATE versions SET all_creators = [{'name': 'x'}] WHERE identifier = 'oai:x:3'", "versions"),
        ("DELETE FROM outcomes WHERE identifier = 'oai:x:3'", "outcomes"),
        ("UPDATE outcomes SET state = 'deleted' WHERE identifier = 'oai:x:3'", "outcomes"),
        ("UPDATE account SET listed = listed + 1", "account"),
    ],
)
def test_a_check_names_what_differs(archive: Path, statement: str, table: str):
    index.index(archive)
    assert index.check_index(archive) == []
    changed(archive, statement)
    [found] = index.check_index(archive)
    assert found.table == table
    if table == "versions":
        assert (found.shard, found.found, found.expected, found.first) == (1, 5, 5, "oai:x:3")
    index.index(archive, full=True)
    assert index.check_index(archive) == []


# --- killed, or no room


POINTS = (
    "index-renaming",
    "index-renamed",
    "index-digest-written",
    "index-digest-renamed",
    "index-lookup-renaming",
    "index-lookup-renamed",
)


def run(folder: Path, watch: Callable[[str], None]) -> int:
    """Index in a process of its own; returns its exit code, or minus the signal that killed it."""
    child = os.fork()
    if child == 0:
        try:
            durable.watch = watch
            index.index(folder)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_there_is_the_old_index_or_the_new_one(archive: Path, point: str):
    index.index(archive)
    harvested(archive, "oai:x:6")

    def kill(reached: str) -> None:
        if reached == point:
            os.kill(os.getpid(), signal.SIGKILL)

    assert run(archive, kill) == -signal.SIGKILL
    if point == "index-renaming":
        with duckdb.connect(Layout(archive).index, read_only=True) as db:
            assert db.execute("SELECT count(*) FROM records").fetchall() == [(5,)]
        with pytest.raises(StaleIndex):
            open_index(archive)
    else:
        assert asked(archive, "SELECT count(*) FROM records") == [(6,)]
    assert index.index(archive).records == 6
    assert index.check_index(archive) == []


def test_a_full_disk_leaves_the_old_index(archive: Path, monkeypatch: pytest.MonkeyPatch):
    index.index(archive)
    harvested(archive, "oai:x:6")
    before = Layout(archive).index.read_bytes()

    def full(point: str) -> None:
        if point == "index-renaming":
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable, "watch", full)
    with pytest.raises(DiskFull):
        index.index(archive)
    monkeypatch.setattr(durable, "watch", None)
    assert Layout(archive).index.read_bytes() == before
    assert index.index(archive).records == 6
