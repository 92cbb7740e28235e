"""An archive damaged by hand in any file: named, mended as far as the data allows, and then complete once more."""

import contextlib
import errno
import os
import random
import shutil
import signal
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from support import archive_builder, harvest_server
from support.example_counts import amount, tried

from archive.disk import durable
from archive.errors import ArchiveError, Busy, Damaged, DiskFull, NotAnArchive
from archive.index.build import index
from archive.integrity import mend_archive
from archive.integrity.mend_archive import MendReport, mend
from archive.integrity.verify import verify
from archive.store.accounting import read_account
from archive.store.ids import unsettled
from archive.store.layout import WriteLock
from archive.store.ledger import NewWindow

MEMORY = Path("/dev/shm")
HELD = {identifier for identifier, state in harvest_server.TRUTH.items() if state != "refused"}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: thousands of fsyncs wear a disk and prove nothing more."""
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as made:
        yield Path(made)


@pytest.fixture(scope="module")
def sound(folder: Path) -> Path:
    harvest_server.harvest(folder / "sound")
    return folder / "sound"


@pytest.fixture
def archive(folder: Path, sound: Path) -> Path:
    return copied(sound, folder / "archive")


def copied(sound: Path, archive: Path) -> Path:
    shutil.rmtree(archive, ignore_errors=True)
    shutil.copytree(sound, archive)
    return archive


def damage(path: Path, place: int, length: int = 1, how: str = "flip", dice: random.Random | None = None) -> None:
    """Change bytes of a file, cut it off there, let it grow, or take it away."""
    body = bytearray(path.read_bytes())
    here = slice(place, min(place + length, len(body)))
    if how == "gone":
        path.unlink()
        return
    if how == "flip":
        body[here] = bytes(byte ^ 0x55 for byte in body[here])
    elif how == "zero":
        body[here] = bytes(len(body[here]))
    elif how == "noise":
        body[here] = (dice or random).randbytes(len(body[here]))
    elif how == "cut":
        del body[place:]
    elif how == "grow":
        body += bytes(length)
    path.write_bytes(body)


def states(archive: Path) -> dict[str, str]:
    """The last state of each identifier, as the ledger has it."""
    return dict(archive_builder.rows(archive, "SELECT identifier, state FROM outcomes ORDER BY outcome"))


def held(archive: Path) -> set[str]:
    return {record.identifier for _, _, record in archive_builder.stored(archive)}


def files_of(archive: Path) -> dict[str, bytes]:
    # SQLite's own files come and go with every reader
    return {
        str(path.relative_to(archive)): path.read_bytes()
        for path in archive.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def is_sound(archive: Path, report: MendReport) -> None:
    """After mending nothing is damaged, the account balances, and whatever is not proven is open to be asked again."""
    assert report.left == []
    archive_builder.check(archive)
    assert verify(archive).whole
    assert read_account(archive).balanced
    found = states(archive)
    in_doubt = archive_builder.rows(archive, "SELECT 1 FROM runs WHERE state IN ('open', 'unfinished')")
    if not report.unknown:
        assert found.keys() == harvest_server.TRUTH.keys()
    assert in_doubt or report.unknown or found.keys() >= HELD
    assert {i for i, state in found.items() if state in ("read", "deleted")} <= held(archive)
    assert read_account(archive).states["lost"] >= min(report.lost, 1)


def ask_again(archive: Path) -> None:
    """What `retry` does: an unfinished harvest goes on, and ids that are lost are asked for one by one."""
    if archive_builder.rows(archive, "SELECT 1 FROM runs WHERE state IN ('open', 'unfinished')"):
        harvest_server.harvest(archive)
        return
    writer = archive_builder.writer(archive)
    writer.begin("oaipmh", "retry", harvest_server.ARGUMENTS, archive_builder.SOFTWARE)
    channel = writer.ledger.channel(*archive_builder.CHANNEL)
    (window,) = writer.open_windows([NewWindow(channel, "GetRecord", None, None)])
    for identifier in unsettled(writer.ledger, channel):
        if identifier == harvest_server.POISON:
            continue
        deleted = identifier == harvest_server.DELETED
        outcomes = [(identifier, "2020-01-01T00:00:00Z", harvest_server.TRUTH[identifier], None)]
        payload = archive_builder.payload([identifier], deleted=deleted)
        writer.put(archive_builder.answer(channel, window.window, [identifier], outcomes=outcomes, payload=payload))
    writer.finish("findings")
    writer.close()


# --- one place at a time

SHARD, OTHER = "shards/00001.json-seq.zst", "shards/00002.json-seq.zst"
PLACES = {
    "a frame's header": (SHARD, 2, 1, "flip"),
    "a frame's content": (SHARD, 60, 1, "flip"),
    "a frame's checksum": (SHARD, 279, 1, "flip"),
    "the digest frame": (SHARD, 570, 1, "flip"),
    "the seek table": (SHARD, -20, 1, "flip"),
    "the last byte of a shard": (SHARD, -1, 1, "flip"),
    "a torn frame": (SHARD, 100, 1, "cut"),
    "a shard that is empty": (SHARD, 0, 1, "cut"),
    "a shard that is gone": (SHARD, 0, 1, "gone"),
    "bytes behind a shard": (SHARD, 0, 100, "grow"),
    "the ledger's header": ("ledger.sqlite", 3, 1, "flip"),
    "the ledger's schema": ("ledger.sqlite", 100, 60, "zero"),
    "the ledger's first page": ("ledger.sqlite", 0, 4096, "noise"),
    "a torn last page": ("ledger.sqlite", -1000, 1, "cut"),
    "half a ledger": ("ledger.sqlite", 40_000, 1, "cut"),
    "an empty ledger": ("ledger.sqlite", 0, 1, "cut"),
    "no ledger": ("ledger.sqlite", 0, 1, "gone"),
    "the ledger's digest": ("ledger.sqlite.sha256", 5, 1, "flip"),
    "archive.json": ("archive.json", 50, 1, "flip"),
    "no archive.json": ("archive.json", 0, 1, "gone"),
    "half an archive.json": ("archive.json", 100, 1, "cut"),
    "a refused body": ("quarantine/000001.body", 3, 1, "flip"),
    "a refused body that is gone": ("quarantine/000001.body", 0, 1, "gone"),
    "a refused body's description": ("quarantine/000001.json", 30, 1, "flip"),
}


@pytest.mark.parametrize("where", PLACES)
def test_damage_is_found_and_named_then_mended_and_what_is_lost_can_be_had_again(archive: Path, where: str):
    assert mend(archive).steps == []
    name, place, length, how = PLACES[where]
    path = archive / name
    damage(path, place % path.stat().st_size, length, how)
    before = files_of(archive)
    if where != "no archive.json":
        found = verify(archive)
        assert found.damaged
        assert name.split(".json")[0].split(".body")[0].removesuffix(".sha256") in {
            problem.file.split(".json")[0] for problem in found.problems
        }
    told = mend(archive, dry_run=True)
    assert (told.done, files_of(archive)) == (False, before)
    report = mend(archive, now=archive_builder.NOW)
    assert (report.done, [step.file for step in report.steps]) == (True, [step.file for step in told.steps])
    is_sound(archive, report)
    kept = report.kept
    assert kept is not None
    assert (kept / "note.txt").read_text().count("\n") == len(report.steps) + 2
    if how != "gone" and name != "ledger.sqlite.sha256":
        assert (kept / name).read_bytes() == before[name]
    ask_again(archive)
    archive_builder.check(archive)
    assert states(archive).items() >= {i: harvest_server.TRUTH[i] for i in HELD}.items()
    assert held(archive) == HELD
    assert mend(archive).steps == []


def test_every_table_of_the_ledger_can_be_read_as_something_else_and_is_made_anew(archive: Path, sound: Path):
    db = sqlite3.connect(sound / "ledger.sqlite")
    roots = dict(db.execute("SELECT name, rootpage FROM sqlite_schema WHERE type IN ('table', 'index')").fetchall())
    db.close()
    assert len(roots) > 15
    for root in roots.values():
        for how in ("zero", "noise", "flip"):
            copied(sound, archive)
            damage(archive / "ledger.sqlite", (root - 1) * 4096, 4096, how, random.Random(root))
            report = mend(archive)
            assert report.done
            is_sound(archive, report)


# found by earlier nights
KEPT_SEEDS = (1819, 1913, 2344)


@pytest.mark.parametrize("seed", sorted({*range(amount(60, 3000)), *KEPT_SEEDS}))
def test_damage_at_random_places_never_stops_the_mending(archive: Path, seed: int):
    dice = random.Random(seed)
    files = [path for path in sorted(archive.rglob("*")) if path.is_file()]
    for path in dice.sample(files, dice.choice([1, 1, 2, 3])):
        how = dice.choice(["flip", "zero", "noise", "cut", "grow", "gone"])
        damage(path, dice.randrange(path.stat().st_size), dice.choice([1, 4, 100, 4096]), how, dice)
    report = mend(archive)
    if report.steps:
        is_sound(archive, report)
    else:
        assert states(archive) == harvest_server.TRUTH
    tried("archives damaged at random")


# --- the ledger of a process that was killed


def killed(archive: Path, commits: int) -> None:
    """An archive whose writer was killed after some commits: its last transactions are in the write-ahead log."""
    shutil.rmtree(archive, ignore_errors=True)
    if os.fork() == 0:
        durable.watch = harvest_server.killed_at("ledger-committed", commits)
        harvest_server.harvest(archive)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.wait()[1]) == -signal.SIGKILL


def test_a_torn_or_damaged_write_ahead_log_costs_no_record_that_is_on_the_disk(folder: Path):
    for commits in (8, 12, 16):
        killed(folder / "killed", commits)
        size = (folder / "killed" / "ledger.sqlite-wal").stat().st_size
        for place in range(0, size, size // amount(8, 60)):
            for how in ("flip", "cut"):
                archive = copied(folder / "killed", folder / "archive")
                before = {path.name for path in (archive / "shards").iterdir()}
                damage(archive / "ledger.sqlite-wal", place, 1, how)
                with contextlib.suppress(NotAnArchive):
                    report = mend(archive)
                    assert report.left == []
                if (archive / "ledger.sqlite").stat().st_size:
                    harvest_server.harvest(archive)
                    assert mend(archive).left == []
                    assert states(archive) == harvest_server.TRUTH
                    assert held(archive) == HELD
                    assert len({path.name for path in (archive / "shards").iterdir()}) >= len(before) - 1


def test_a_shared_memory_file_that_is_damaged_changes_nothing(folder: Path):
    killed(folder / "killed", 12)
    for place in (0, 50, 100, 200, 20_000):
        archive = copied(folder / "killed", folder / "archive")
        damage(archive / "ledger.sqlite-shm", place, 500, "noise", random.Random(place))
        assert not verify(archive).damaged
        harvest_server.harvest(archive)
        archive_builder.check(archive)
        assert states(archive) == harvest_server.TRUTH


def test_shards_that_an_older_ledger_does_not_know_are_not_written_over(archive: Path, sound: Path):
    old = archive_builder.rows(archive, "SELECT max(shard) FROM shards")[0][0]
    body = (archive / OTHER).read_bytes()
    newest = archive / "shards" / f"{old + 1:05d}.json-seq.zst"
    newest.write_bytes(body)
    writer = archive_builder.writer(archive)
    writer.begin("oaipmh", "full", {"url": "x"}, archive_builder.SOFTWARE)
    channel = writer.ledger.channel(*archive_builder.CHANNEL)
    (window,) = writer.open_windows([NewWindow(channel, "ListRecords", None, None)])
    writer.put(archive_builder.answer(channel, window.window, ["oai:x:new"]))
    writer.close()
    assert newest.read_bytes() == body
    assert "oai:x:new" in held(archive)
    report = mend(archive)
    assert [step.file for step in report.steps] == ["ledger.sqlite"]
    archive_builder.check(archive)
    assert newest.read_bytes() == body


# --- whoever mends


def test_nobody_mends_what_is_written_to_or_is_no_archive(archive: Path, tmp_path: Path):
    lock = WriteLock(archive)
    with pytest.raises(Busy):
        mend(archive)
    lock.release()
    with pytest.raises(NotAnArchive):
        mend(tmp_path)


def test_an_index_that_is_damaged_or_of_what_was_there_before_is_taken_away(archive: Path):
    index(archive)
    damage(archive / "index.duckdb", 9000, 100)
    assert [step.file for step in mend(archive).steps] == ["index.duckdb"]
    assert verify(archive).whole
    index(archive)
    damage(archive / SHARD, 60)
    assert {step.file for step in mend(archive).steps} == {SHARD, "index.duckdb", "index.lookup"}
    assert verify(archive).whole


def worst(archive: Path) -> Path:
    """A shard, the ledger, a refused body and archive.json damaged at once."""
    damage(archive / OTHER, 60)
    damage(archive / "ledger.sqlite", 5)
    damage(archive / "quarantine/000001.body", 3)
    damage(archive / "archive.json", 50)
    return archive


def with_watch(watch: Callable[[str], None], archive: Path) -> None:
    durable.watch = watch
    try:
        mend(archive)
    finally:
        durable.watch = None


def test_killed_or_without_room_at_any_point_the_same_mending_goes_on(archive: Path, sound: Path):
    points: list[str] = []
    with_watch(points.append, worst(archive))
    counted = Counter(points)
    assert {"mending-renamed", "mending-ledger-renaming", "description-renamed", "shard-renamed"} <= counted.keys()
    for point, most in counted.items():
        for occurrence in {1, most}:
            worst(copied(sound, archive))
            if os.fork() == 0:
                with_watch(harvest_server.killed_at(point, occurrence), archive)
                os._exit(1)
            assert os.waitstatus_to_exitcode(os.wait()[1]) == -signal.SIGKILL
            again(archive)
            assert len(held(archive)) == len(HELD) - 4

            worst(copied(sound, archive))
            countdown = harvest_server.Countdown(occurrence)
            with pytest.raises(ArchiveError) as raised:
                with_watch(lambda name, at=point, left=countdown: full(name, at, left), archive)
            assert isinstance(raised.value, DiskFull | Damaged)
            again(archive)


def again(archive: Path) -> None:
    """The same call, and what the next harvest does: a ledger that was left open gets its digest."""
    report = mend(archive)
    archive_builder.writer(archive).close()
    is_sound(archive, report)


def full(name: str, point: str, left: harvest_server.Countdown) -> None:
    if name == point and left.over():
        raise DiskFull(os.strerror(errno.ENOSPC))


def test_no_room_to_read_back_what_was_mended_is_said_as_such(archive: Path, monkeypatch: pytest.MonkeyPatch):
    damage(archive / SHARD, 60)

    def no_room(path: Path) -> None:
        raise DiskFull("no room")

    monkeypatch.setattr(mend_archive, "verify", no_room)
    with pytest.raises(DiskFull, match="damaged/"):
        mend(archive)
    monkeypatch.undo()
    is_sound(archive, mend(archive))


@pytest.mark.parametrize(
    "told", [{}, {"bytes": None}, {"http_status": "x"}, {"reason": 5}, {"url": None}, {"http_status": None}]
)
def test_a_description_that_is_not_one_and_a_file_of_another_name_are_put_away(archive: Path, told: dict[str, Any]):
    """Without a ledger nobody can say what a description should be; it is taken only when it says all that one says."""
    description = archive / "quarantine/000001.json"
    whole = orjson.loads(description.read_bytes())
    if told:
        description.write_bytes(orjson.dumps({**whole, **told}))
    else:
        description.write_bytes(orjson.dumps({"sha256": whole["sha256"]}))
    for ending in (".json", ".body"):
        shutil.copy((archive / "quarantine/000001").with_suffix(ending), archive / f"quarantine/other{ending}")
    (archive / "ledger.sqlite").unlink()
    report = mend(archive)
    assert report.left == []
    assert not (archive / "quarantine/other.json").exists()
    assert archive_builder.rows(archive, "SELECT name FROM quarantine") == (
        [("000001",)] if told == {"http_status": None} else []
    )
