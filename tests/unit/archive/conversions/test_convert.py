"""An archive converted in place: what changes, what stays, and that it is an archive as before."""

import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from support.archive_builder import check, rows, stored
from support.conversion_archives import dublin_core, filled, text

from archive.conversions import convert
from archive.conversions.convert import IN_SHARDS, convert_archive
from archive.errors import Busy, Damaged, DiskFailed, NotAnArchive
from archive.integrity.verify import verify
from archive.store.layout import Layout, WriteLock

OLD = {"title": ["as an older converter had it"]}


def frame(first: int, count: int, metadata: object = "made") -> list[bytes]:
    return [text(f"oai:x:{n}", dublin_core(f"T{n}"), metadata) for n in range(first, first + count)]


def metadata(folder: Path) -> dict[str, object]:
    return {record.identifier: record.metadata for _, _, record in stored(folder)}


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Layout(folder).shards.iterdir()}


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file but those that SQLite makes to read."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(("-wal", "-shm"))]
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}


def whole(folder: Path) -> None:
    check(folder)
    assert verify(folder).problems == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Shard 1 has an older record in its second frame of three, shard 2 none, shard 3 only such."""
    made = tmp_path / "archive"
    filled(
        made,
        [
            [frame(0, 3), [*frame(3, 2), text("oai:x:5", dublin_core("T5"), OLD)], frame(6, 3)],
            [frame(10, 3)],
            [frame(20, 2, OLD), frame(22, 2, OLD)],
        ],
    )
    whole(made)
    return made


def test_the_records_that_an_older_converter_made_are_made_anew(folder: Path):
    before, outcomes = files(folder), rows(folder, "SELECT * FROM outcomes")
    ids, places = list(metadata(folder)), rows(folder, "SELECT shard, frame, records, first_outcome FROM frames")
    report = convert_archive(folder)
    assert (report.shards, report.changed, report.current, report.records) == (3, 2, 0, 16)
    assert report.kinds == {"same": 11, "otherwise": 5}
    assert [(one.kind, one.identifier, one.reason) for one in report.examples[:2]] == [
        ("otherwise", "oai:x:5", "title"),
        ("otherwise", "oai:x:20", "title"),
    ]
    assert metadata(folder) == {i: {"title": [f"T{i.split(':')[2]}"]} for i in ids}
    whole(folder)
    assert list(files(folder)) != list(before)
    assert files(folder)["00002.json-seq.zst"] == before["00002.json-seq.zst"]
    assert {"00001.1.json-seq.zst", "00003.1.json-seq.zst"} < set(files(folder))
    assert rows(folder, "SELECT * FROM outcomes") == outcomes
    assert rows(folder, "SELECT shard, frame, records, first_outcome FROM frames") == places


def test_an_archive_that_is_current_is_not_read_again(folder: Path):
    convert_archive(folder)
    before = state(folder)
    report = convert_archive(folder)
    assert (report.shards, report.current, report.records) == (0, 3, 0)
    assert state(folder) == before
    assert convert_archive(folder, everything=True).kinds == {"same": 16}


def test_what_the_software_of_a_run_had_says_whether_its_shards_are_current(folder: Path):
    with closing(sqlite3.connect(Layout(folder).ledger)) as db, db:
        software = orjson.dumps({"crosswalks": {**IN_SHARDS, "index-json": 99}}).decode()
        db.execute("UPDATE runs SET software = ? WHERE run = (SELECT run FROM shards WHERE shard = 3)", (software,))
    Layout(folder).ledger_digest.unlink()
    runs = len(rows(folder, "SELECT DISTINCT run FROM shards"))
    assert convert_archive(folder).current == (1 if runs == 3 else 3)


def test_a_newer_converter_goes_over_all_of_it_again(folder: Path, monkeypatch: pytest.MonkeyPatch):
    convert_archive(folder)
    monkeypatch.setattr(convert, "IN_SHARDS", {**IN_SHARDS, "dc-json": 99})
    monkeypatch.setattr("archive.conversions.convert.convert", lambda element: {"title": ["newer"]})
    report = convert_archive(folder)
    assert (report.changed, report.before, dict(report.kinds)) == (3, IN_SHARDS, {"otherwise": 16})
    assert set(files(folder)) == {"00001.2.json-seq.zst", "00002.1.json-seq.zst", "00003.2.json-seq.zst"}
    whole(folder)


def test_a_record_that_no_longer_converts_keeps_its_json_and_is_named(tmp_path: Path):
    folder = tmp_path / "archive"
    filled(folder, [[[text("a", "<novelty/>", OLD), text("b", dublin_core("B"), None), text("c", None, OLD)]]])
    report = convert_archive(folder)
    assert dict(report.kinds) == {"no_longer": 1, "new": 1, "other": 1}
    assert [(one.kind, one.identifier) for one in report.examples] == [("no_longer", "a"), ("new", "b")]
    assert metadata(folder) == {"a": OLD, "b": {"title": ["B"]}, "c": OLD}


def test_what_a_killed_conversion_left_is_taken_away_and_nothing_else(folder: Path):
    convert_archive(folder)
    shards = Layout(folder).shards
    for name in ("00001.json-seq.zst", "00001.2.json-seq.zst.open", "00003.7.json-seq.zst", "00009.json-seq.zst"):
        (shards / name).write_bytes(b"x")
    kinds = {problem.file: problem.kind for problem in verify(folder).problems}
    assert kinds == {
        "shards/00001.json-seq.zst": "left-over",
        "shards/00001.2.json-seq.zst.open": "left-over",
        "shards/00003.7.json-seq.zst": "left-over",
        "shards/00009.json-seq.zst": "extra",
    }
    assert convert_archive(folder).current == 3
    assert [problem.file for problem in verify(folder).problems] == ["shards/00009.json-seq.zst"]


def test_a_damaged_shard_is_left_as_it_is(folder: Path):
    path = Layout(folder).shards / "00003.json-seq.zst"
    body = bytearray(path.read_bytes())
    body[40] ^= 1
    path.write_bytes(body)
    with pytest.raises(Damaged):
        convert_archive(folder)
    assert path.read_bytes() == body
    assert rows(folder, "SELECT name FROM shards ORDER BY shard")[0] == ("00001.1.json-seq.zst",)
    path.unlink()
    with pytest.raises((Damaged, DiskFailed)):
        convert_archive(folder)


def test_only_one_process_writes(folder: Path, tmp_path: Path):
    lock = WriteLock(folder)
    with pytest.raises(Busy):
        convert_archive(folder)
    lock.release()
    with pytest.raises(NotAnArchive):
        convert_archive(tmp_path / "none")


def test_many_frames_in_several_tasks_stay_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(convert, "TASK_BYTES", 400)
    folder = tmp_path / "archive"
    filled(folder, [[frame(n, 2, OLD if n % 4 else "made") for n in range(0, 60, 2)]])
    ids = list(metadata(folder))
    assert convert_archive(folder).kinds == {"same": 30, "otherwise": 30}
    assert list(metadata(folder)) == ids
    whole(folder)
