"""Verify: whole archives pass, and whatever byte is changed, cut off, missing or added is named."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support import archive_builder

from archive.disk import parallel
from archive.errors import DiskFull, NotAnArchive, OtherArchive
from archive.findings import Problem, VerifyReport
from archive.index import build as index
from archive.integrity import verify
from archive.store.layout import Layout
from archive.store.quarantine import RefusedBody

PAGES = [["oai:x:1", "oai:x:2"], ["oai:x:3"], ["oai:x:4", "oai:x:5"]]
SHARD = "shards/00001.json-seq.zst"
FILES = [
    "archive.json",
    "ledger.sqlite",
    "ledger.sqlite.sha256",
    SHARD,
    "quarantine/000001.body",
    "quarantine/000001.json",
]


def make(folder: Path) -> Path:
    made, channel, (window,) = archive_builder.begun(folder)
    for identifiers in PAGES:
        made.put(archive_builder.answer(channel, window.window, identifiers))
        made.commit()
    body = RefusedBody(
        archive_builder.URL, 200, (("Content-Type", "text/xml"),), b"<cut", "2026-03-04T05:06:07Z", "cut short"
    )
    outcome = [("oai:x:6", None, "refused", "cut short")]
    made.put(
        archive_builder.answer(
            channel,
            window.window,
            [],
            url=archive_builder.URL,
            state="refused",
            listed=0,
            outcomes=outcome,
            payload=(),
            refused=body,
            refused_identifier="oai:x:6",
        )
    )
    made.finish("findings")
    made.close()
    return folder


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return make(tmp_path / "archive")


def kinds(report: VerifyReport) -> set[str]:
    return {problem.kind for problem in report.problems}


def named(report: VerifyReport) -> set[str]:
    """Files in which something is damaged or missing."""
    return {problem.file for problem in report.problems if problem.kind in ("damaged", "missing")}


def flip(path: Path, place: int, bit: int = 0) -> None:
    body = bytearray(path.read_bytes())
    body[place] ^= 1 << bit
    path.write_bytes(body)


def test_an_archive_as_it_was_written_passes(archive: Path):
    report = verify.verify(archive)
    assert report == VerifyReport(archive, 1, 3, 5, (archive / SHARD).stat().st_size, 1, [])
    assert (report.whole, report.damaged) == (True, False)
    index.index(archive)
    assert verify.verify(archive).problems == []


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_in_any_file_is_found(archive: Path, name: str):
    body = (archive / name).read_bytes()
    for place in range(0, len(body), max(1, len(body) // 40)):
        flip(archive / name, place, place % 8)
        report = verify.verify(archive)
        assert report.damaged, f"{name}, byte {place}"
        expected = {"ledger.sqlite.sha256": "ledger.sqlite"}.get(name, name.removesuffix(".body").removesuffix(".json"))
        assert {file.removesuffix(".json") for file in named(report)} >= {expected}
        (archive / name).write_bytes(body)
    assert verify.verify(archive).whole


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("part", [0, 0.5, 0.99])
def test_a_file_cut_short_is_found(archive: Path, name: str, part: float):
    body = (archive / name).read_bytes()
    (archive / name).write_bytes(body[: int(len(body) * part)])
    assert verify.verify(archive).damaged


@pytest.mark.parametrize("name", [n for n in FILES if n not in ("archive.json", "ledger.sqlite.sha256")])
def test_a_missing_file_is_found(archive: Path, name: str):
    (archive / name).unlink()
    report = verify.verify(archive)
    assert report.damaged
    assert "missing" in kinds(report)


def test_a_folder_without_its_description_is_no_archive(archive: Path):
    (archive / "archive.json").unlink()
    with pytest.raises(NotAnArchive):
        verify.verify(archive)


def test_a_ledger_without_its_digest_is_unproven(archive: Path):
    (archive / "ledger.sqlite.sha256").unlink()
    report = verify.verify(archive)
    assert [(problem.kind, problem.file) for problem in report.problems] == [("unproven", "ledger.sqlite")]
    assert report.whole


def test_all_damage_is_named_and_the_rest_is_read(archive: Path):
    first, second, _ = archive_builder.rows(archive, "SELECT offset FROM frames ORDER BY frame")
    for (offset,) in (first, second):
        flip(archive / SHARD, offset + 12)
    flip(archive / "quarantine/000001.body", 1)
    report = verify.verify(archive)
    places = {(problem.kind, problem.file, problem.frame) for problem in report.problems}
    assert places == {("damaged", SHARD, 0), ("damaged", SHARD, 1), ("damaged", "quarantine/000001", None)}
    assert (report.frames, report.records) == (1, 2)
    lost = next(problem.message for problem in report.problems if problem.frame == 0)
    assert "oai:x:1 to oai:x:2" in lost


def planted(statement: str) -> Callable[[Path], None]:
    def plant(folder: Path) -> None:
        with closing(sqlite3.connect(Layout(folder).ledger)) as db, db:
            db.execute(statement)
        (folder / "ledger.sqlite.sha256").unlink()

    return plant


@pytest.mark.parametrize(
    ("statement", "file", "frame", "record"),
    [
        ("UPDATE outcomes SET identifier = 'oai:x:9' WHERE outcome = 2", SHARD, 0, 1),
        ("UPDATE outcomes SET state = 'deleted' WHERE outcome = 3", SHARD, 1, 0),
        ("UPDATE frames SET offset = offset + 1 WHERE frame = 1", SHARD, 1, None),
        ("UPDATE shards SET sha256 = 'x'", SHARD, None, None),
        ("UPDATE shards SET records = 6", SHARD, None, None),
        ("UPDATE shards SET bytes = bytes + 1", SHARD, None, None),
        ("UPDATE requests SET listed = 9 WHERE request = 1", "ledger.sqlite", None, None),
        ("UPDATE quarantine SET sha256 = 'x'", "quarantine/000001", None, None),
        ("UPDATE requests SET run = 7 WHERE request = 4", "ledger.sqlite", None, None),
    ],
)
def test_a_ledger_that_says_otherwise_is_found(
    archive: Path, statement: str, file: str, frame: int | None, record: int | None
):
    planted(statement)(archive)
    report = verify.verify(archive)
    assert (file, frame, record) in {(p.file, p.frame, p.record) for p in report.problems if p.kind == "damaged"}


def test_files_that_nobody_knows_of_are_named(archive: Path):
    for name in ("notes.txt", "shards/00009.json-seq.zst", "quarantine/readme"):
        (archive / name).write_bytes(b"x")
    report = verify.verify(archive)
    assert {(p.kind, p.file) for p in report.problems} == {
        ("extra", "notes.txt"),
        ("extra", "shards/00009.json-seq.zst"),
        ("extra", "quarantine/readme"),
    }
    assert (report.damaged, report.whole) == (False, False)


def test_what_a_killed_process_leaves_behind_is_no_fault(archive: Path):
    (archive / ".index").mkdir()
    for name in (".index/runs-0", ".ledger.sqlite.sha256.123", "quarantine/000002.body", "quarantine/.000002.json.9"):
        (archive / name).write_bytes(b"x")
    report = verify.verify(archive)
    assert (report.damaged, report.whole, kinds(report)) == (False, True, {"left-over"})


def test_a_harvest_at_work_can_be_verified(tmp_path: Path):
    made, channel, (window,) = archive_builder.begun(tmp_path)
    made.put(archive_builder.answer(channel, window.window, ["oai:x:1"]))
    made.commit()
    made.put(
        archive_builder.answer(channel, window.window, ["oai:x:2"] * 3000)
    )  # a frame that is written and not yet counted
    report = verify.verify(tmp_path)
    assert (report.records, report.damaged) == (1, False)
    assert kinds(report) == {"unproven"}
    made.close()
    assert verify.verify(tmp_path).problems == []


def test_a_shard_at_work_that_lost_its_end_is_found(tmp_path: Path):
    made, channel, (window,) = archive_builder.begun(tmp_path)
    made.put(archive_builder.answer(channel, window.window, ["oai:x:1"]))
    made.commit()
    opened = tmp_path / f"{SHARD}.open"
    opened.write_bytes(opened.read_bytes()[:-1])
    [problem] = [p for p in verify.verify(tmp_path).problems if p.kind != "unproven"]
    assert (problem.kind, problem.frame) == ("damaged", 0)
    made.abandon()


def test_without_a_ledger_shards_are_checked_by_themselves(archive: Path):
    (archive / "ledger.sqlite").unlink()
    flip(archive / SHARD, 20)
    report = verify.verify(archive)
    assert named(report) == {"ledger.sqlite", SHARD}
    assert (report.frames, report.records) == (2, 3)


# --- the index


def test_an_index_of_another_state_is_stale_and_no_damage(archive: Path):
    index.index(archive)
    made = archive_builder.writer(archive)
    made.begin("oaipmh", "incremental", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    made.finish("complete")
    made.close()
    report = verify.verify(archive)
    assert [(p.kind, p.file) for p in report.problems] == [("stale", "index.duckdb")]
    assert (report.damaged, report.whole) == (False, False)


@pytest.mark.parametrize("name", ["index.duckdb", "index.duckdb.sha256"])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.99])
def test_a_changed_index_is_damage(archive: Path, name: str, part: float):
    index.index(archive)
    flip(archive / name, int((archive / name).stat().st_size * part))
    report = verify.verify(archive)
    assert report.damaged
    assert named(report) == {"index.duckdb"}


def test_an_index_without_a_digest_is_unproven(archive: Path):
    index.index(archive)
    (archive / "index.duckdb.sha256").unlink()
    assert [(p.kind, p.file) for p in verify.verify(archive).problems] == [("unproven", "index.duckdb")]


# --- one shard


def test_a_shard_is_checked_by_what_it_says_of_itself(archive: Path):
    path = archive / SHARD
    assert verify.verify(path) == VerifyReport(path, 1, 3, 5, path.stat().st_size, 0, [])
    body = path.read_bytes()
    for place in range(len(body)):
        flip(path, place, place % 8)
        assert verify.verify(path).damaged, place
        path.write_bytes(body[:place])
        assert verify.verify(path).damaged, place
        path.write_bytes(body)


def test_a_damaged_frame_of_a_shard_is_named(archive: Path):
    flip(archive / SHARD, 20)
    [problem] = verify.verify(archive / SHARD).problems
    assert (problem.file, problem.frame) == ("00001.json-seq.zst", 0)


@pytest.mark.parametrize("name", ["nothing", "archive/archive.json", "archive/nothing.json-seq.zst"])
def test_what_is_neither_archive_nor_shard_is_said(archive: Path, name: str):
    with pytest.raises(NotAnArchive):
        verify.verify(archive.parent / name)


def test_an_archive_of_a_newer_format_is_not_guessed_at(archive: Path):
    path = archive / "archive.json"
    description = json.loads(path.read_bytes()) | {"format_version": 99}
    del description["sha256"]
    canonical = json.dumps(description, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    description["sha256"] = hashlib.sha256(canonical.encode()).hexdigest()
    path.write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n")
    with pytest.raises(OtherArchive):
        verify.verify(archive)


def test_several_shards_are_read_on_several_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    archive_builder.ended(tmp_path, PAGES, shard_bytes=1)
    shards = sorted((tmp_path / "shards").iterdir())
    assert len(shards) == 3
    monkeypatch.setattr(parallel, "SMALL_BYTES", 0)
    seen: list[tuple[int, int]] = []
    report = verify.verify(tmp_path, lambda done, total: seen.append((done, total)))
    assert (report.shards, report.records, report.problems) == (3, 5, [])
    total = sum(path.stat().st_size for path in shards)
    assert (len(seen), seen[-1]) == (3, (total, total))
    flip(shards[1], 20)
    assert named(verify.verify(tmp_path)) == {f"shards/{shards[1].name}"}


def test_a_problem_says_where(archive: Path):
    flip(archive / SHARD, 20)
    assert all(isinstance(problem, Problem) and problem.message for problem in verify.verify(archive).problems)


def test_a_ledger_that_cannot_be_read_for_want_of_room_is_not_called_damaged(
    archive: Path, monkeypatch: pytest.MonkeyPatch
):
    def no_room(layout: Layout) -> None:
        raise DiskFull(f"{layout.ledger}: unable to open database file")

    monkeypatch.setattr(verify, "snapshot", no_room)
    with pytest.raises(DiskFull):
        verify.verify(archive)
