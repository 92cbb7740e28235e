"""Runs of the rolling checks over real folders with a clock of their own."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support import archive_builder
from support.handmade_bags import write_bag
from support.release_builder import make_release

from archive.disk.digests import hash_file
from archive.errors import Damaged, NotAnArchive
from archive.integrity.inventory import inventory
from archive.integrity.rolling import FixityReport, Pace, Schedule, report_fixity, run_fixity
from archive.integrity.verify import verify
from archive.store.layout import Layout
from archive.store.quarantine import RefusedBody

START = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
SCHEDULE = Schedule()


def archive(folder: Path) -> Path:
    made, channel, (window,) = archive_builder.begun(folder, shard_bytes=1)
    for number in range(3):
        made.put(archive_builder.answer(channel, window.window, [f"oai:x:{number}"]))
        made.commit()
    body = RefusedBody(archive_builder.URL, 200, (), b"<cut", "2026-03-04T05:06:07Z", "cut short")
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


MAKERS: dict[str, Callable[[Path], Path]] = {"archive": archive, "bag": write_bag, "release": make_release}


@pytest.fixture(params=MAKERS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return MAKERS[request.param](tmp_path / "folder")


def run(folder: Path, day: float = 0, *, everything: bool = False) -> FixityReport:
    now = START + timedelta(days=day)
    return run_fixity(folder, SCHEDULE, None, everything=everything, clock=lambda: now, sleep=lambda _: None)


def test_all_files_are_named_with_the_digest_they_have(folder: Path):
    items = inventory(folder)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {item.name for item in items} == there - {f"ledger.sqlite{more}" for more in (".sha256", "-wal", "-shm")}
    for item in items:
        assert item.bytes == item.path.stat().st_size
        assert item.digest in (None, hash_file(item.path, (item.algorithm,)).digests[item.algorithm])


def test_everything_is_read_within_the_days(folder: Path):
    for day in range(15):
        report = run(folder, day)
        assert (report.late, report.failing) == ([], [])
    assert report.never == 0
    assert report.oldest is not None
    assert START + timedelta(days=14) - report.oldest.since <= timedelta(days=14)
    assert report_fixity(folder, SCHEDULE, START + timedelta(days=30)).late


def test_every_changed_file_is_found_and_stays_found(folder: Path):
    run(folder, everything=True)
    for item in inventory(folder):
        body = item.path.read_bytes()
        if not body or item.name in ("archive.json", "manifest.json"):
            continue  # these are found by their own digest: see below
        item.path.write_bytes(bytes([body[0] ^ 1]) + body[1:])
        try:
            report = run(folder, 1, everything=True)
        except Damaged:
            assert item.name == "ledger.sqlite"
        else:
            assert item.name in {failing.name for failing in report.failing}
            assert item.name in {f.name for f in report_fixity(folder, SCHEDULE, START + timedelta(days=2)).failing}
        item.path.write_bytes(body)
        report = run(folder, 1)
        assert report.failing == []


@pytest.mark.parametrize("name", ["archive", "release"])
def test_what_lists_the_files_must_be_whole(tmp_path: Path, name: str):
    folder = MAKERS[name](tmp_path / "folder")
    path = folder / {"archive": "archive.json", "release": "manifest.json"}[name]
    path.write_bytes(path.read_bytes().replace(b'"sha256": "', b'"sha256": "0', 1))
    with pytest.raises(Damaged):
        run(folder)


def test_a_missing_file_is_found(folder: Path):
    run(folder, everything=True)
    name = {"archive": "shards/00001.json-seq.zst", "bag": "data/one.txt"}.get(folder_kind(folder), "README.md")
    (folder / name).unlink()
    assert [(f.name, f.result) for f in run(folder, 1, everything=True).failing if f.name == name] == [
        (name, "missing")
    ]


def folder_kind(folder: Path) -> str:
    return next(
        kind
        for kind, name in (("archive", "archive.json"), ("bag", "bagit.txt"), ("", "manifest.json"))
        if (folder / name).exists()
    )


def test_files_that_come_are_read_and_those_that_go_are_forgotten(tmp_path: Path):
    folder = archive(tmp_path / "archive")
    run(folder, everything=True)
    made = archive_builder.writer(folder)
    made.begin("oaipmh", "incremental", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    # a harvest is at work: its ledger is left alone
    assert {item.name for item in inventory(folder)}.isdisjoint({"ledger.sqlite"})
    assert run(folder, 1).failing == []
    made.finish("complete")
    made.close()
    report = run(folder, 2)
    assert (report.failing, report.never) == ([], 1)


def test_the_log_of_an_archive_is_known_to_verify(tmp_path: Path):
    folder = archive(tmp_path / "archive")
    run(folder)
    assert verify(folder).problems == []
    log = folder / "fixity.log"
    body = log.read_bytes()
    log.write_bytes(b"x" + body[1:])
    assert [(p.kind, p.file) for p in verify(folder).problems] == [("damaged", "fixity.log")]
    assert run(folder, 1).damaged_lines == [1]
    log.write_bytes(body[:-1])
    assert [(p.kind, p.file) for p in verify(folder).problems] == [("left-over", "fixity.log")]


def test_it_keeps_to_its_pace(tmp_path: Path):
    folder = archive(tmp_path / "archive")
    waited: list[float] = []
    run_fixity(folder, SCHEDULE, Pace(1000), everything=True, clock=lambda: START, sleep=waited.append)
    size = sum(item.bytes for item in inventory(folder))
    # the pace counts on the sleeps, which here take no time: each waits for all before it
    assert max(waited) >= size / 1000 - 2


def test_an_interrupted_run_keeps_what_it_read(tmp_path: Path):
    folder = archive(tmp_path / "archive")

    def stop(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_fixity(folder, SCHEDULE, Pace(50_000), everything=True, clock=lambda: START, sleep=stop)
    assert 0 < report_fixity(folder, SCHEDULE, START).never < len(inventory(folder))


def test_only_folders_are_watched(tmp_path: Path):
    folder = archive(tmp_path / "archive")
    with pytest.raises(NotAnArchive):
        inventory(Layout(folder).shards / "00001.json-seq.zst")
    shutil.rmtree(folder)
    with pytest.raises(NotAnArchive):
        inventory(folder)
