"""Killed at every named point, on a full disk, with a torn tail: the same harvest again has everything, once."""

import collections
import functools
import os
import random
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import archive_builder, harvest_server, task_server
from support.example_counts import amount, tried

from archive.integrity.verify import verify
from archive.store import envelope
from archive.store.accounting import read_account

Harvest = Callable[..., dict[str, Any]]
STEPS = ("opening", "opened", "writing", "written", "syncing", "synced")
NEW_FILES = ("description", "quarantine-body", "quarantine-description", "ledger-digest")
POINTS = sorted(
    {f"{label}-{step}" for label in NEW_FILES for step in (*STEPS, "renaming", "renamed")}
    | {f"shard-{step}" for step in (*STEPS, "renaming", "renamed")}
    | {"ledger-committing", "ledger-committed"}
)


MEMORY = Path("/dev/shm")


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: some ten thousand fsyncs wear a disk and prove nothing more."""
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def harvest() -> Iterator[Harvest]:
    """`harvest(folder, kill=["shard-written", 2])` harvests in a process of its own, and says how it ended."""
    with task_server.server(harvest_server.__file__) as ask:
        yield lambda folder, **how: ask({"folder": str(folder), **how})


@pytest.fixture(scope="module")
def unbroken(harvest: Harvest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, collections.Counter[str]]:
    """A harvest that nothing interrupts: its archive, and how often it reaches each named point."""
    folder = tmp_path_factory.mktemp("unbroken") / "archive"
    answer = harvest(folder)
    assert (answer["signal"], answer["code"]) == (0, 0)
    return folder, collections.Counter(answer["points"])


def latest(folder: Path) -> dict[str, envelope.Record]:
    """The last version of each record, as the shards have it."""
    return {record.identifier: record for _, _, record in archive_builder.stored(folder)}


def states(folder: Path) -> dict[str, str]:
    """The last state of each identifier, as the ledger has it."""
    return dict(archive_builder.rows(folder, "SELECT identifier, state FROM outcomes ORDER BY outcome"))


@functools.cache
def what_an_unbroken_one_has(folder: Path) -> tuple[Any, ...]:
    return latest(folder), windows(folder), notes(folder)


def notes(folder: Path) -> list[tuple[Any, ...]]:
    """The findings of a harvest, and in how many windows they were made; a window may be ended twice."""
    return archive_builder.rows(
        folder,
        "SELECT code, count(DISTINCT coalesce(window, 0)) FROM findings WHERE code <> 'torn-tail' GROUP BY code",
    )


def windows(folder: Path) -> list[tuple[Any, ...]]:
    """Each window with what it brought: identifiers, each counted once."""
    return archive_builder.rows(
        folder,
        "SELECT from_, until, state, end, distinct_ids, (SELECT count(DISTINCT o.identifier) FROM outcomes AS o "
        "JOIN requests AS r USING (request) WHERE r.window = windows.window AND r.attempt = windows.attempts) "
        "FROM windows ORDER BY from_, until",
    )


def same(folder: Path, unbroken: Path) -> None:
    """The archive is at rest, whole, and equal to that of an unbroken harvest."""
    archive_builder.check(folder)
    assert verify(folder).whole
    assert read_account(folder).balanced
    assert states(folder) == harvest_server.TRUTH
    assert (latest(folder), windows(folder), notes(folder)) == what_an_unbroken_one_has(unbroken)
    assert archive_builder.rows(folder, "SELECT state FROM runs") == [("findings",)]


def resumed(harvest: Harvest, folder: Path, unbroken: Path) -> dict[str, Any]:
    answer = harvest(folder)
    assert (answer["signal"], answer["code"]) == (0, 0), answer
    same(folder, unbroken)
    return answer


def test_an_unbroken_harvest_has_the_truth_and_stores_nothing_twice(unbroken: tuple[Path, Any]):
    folder, _ = unbroken
    same(folder, folder)
    held = [record.identifier for _, _, record in archive_builder.stored(folder)]
    assert sorted(held) == sorted(i for i, state in harvest_server.TRUTH.items() if state != "refused")
    assert len(archive_builder.rows(folder, "SELECT * FROM shards")) > 1
    assert [row[4] for row in windows(folder)] == [6, 4, 0, 2, 0]


def test_every_named_point_is_reached_and_known_here(unbroken: tuple[Path, collections.Counter[str]]):
    assert sorted(unbroken[1]) == POINTS


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_then_resumed_nothing_is_missing(
    harvest: Harvest, unbroken: tuple[Path, collections.Counter[str]], tmp_path: Path, point: str
):
    for occurrence in range(1, unbroken[1][point] + 1):
        folder = tmp_path / str(occurrence)
        assert harvest(folder, kill=[point, occurrence])["signal"] == signal.SIGKILL
        resumed(harvest, folder, unbroken[0])
        tried("kill points")


@pytest.mark.parametrize(
    "first", [("shard-written", 2), ("shard-synced", 2), ("shard-renamed", 1), ("ledger-committing", 7)]
)
def test_killed_again_at_any_point_of_the_recovery(
    harvest: Harvest, unbroken: tuple[Path, Any], tmp_path: Path, first: tuple[str, int]
):
    harvest(tmp_path / "once", kill=first)
    points = harvest(tmp_path / "once")["points"]
    assert first[0] == "shard-renamed" or "shard-truncated" in points
    for point, most in collections.Counter(points).items():
        for occurrence in {1, most}:
            folder = tmp_path / f"{point}-{occurrence}"
            harvest(folder, kill=first)
            assert harvest(folder, kill=[point, occurrence])["signal"] == signal.SIGKILL
            resumed(harvest, folder, unbroken[0])
            tried("kill points")


def test_a_harvest_that_is_killed_after_every_few_commits_ends_all_the_same(
    harvest: Harvest, unbroken: tuple[Path, Any], tmp_path: Path
):
    folder = tmp_path / "archive"
    killed = 0
    while harvest(folder, kill=["ledger-committed", 9])["signal"]:
        killed += 1
        assert killed < 50
    assert killed > 1
    same(folder, unbroken[0])


def test_ended_at_random_moments_nothing_is_missing(harvest: Harvest, unbroken: tuple[Path, Any], tmp_path: Path):
    seed = random.randrange(1 << 32)
    chance = random.Random(seed)
    ended = 0
    for number in range(amount(50, 500)):
        folder = tmp_path / str(number)
        ended += harvest(folder, alarm=chance.uniform(0.0005, 0.06))["signal"] == signal.SIGALRM
        resumed(harvest, folder, unbroken[0])
    tried("random kills", ended)
    assert ended, f"seed {seed}"


@pytest.mark.parametrize("point", ["ledger-committed", "shard-renamed", "ledger-digest-renamed"])
def test_after_a_power_loss_what_was_counted_is_there(
    harvest: Harvest, unbroken: tuple[Path, collections.Counter[str]], tmp_path: Path, point: str
):
    for occurrence in range(1, unbroken[1][point] + 1):
        assert harvest(tmp_path / str(occurrence), power=[point, occurrence])["signal"] == signal.SIGKILL
        resumed(harvest, tmp_path / f"{occurrence}-after", unbroken[0])
        tried("kill points")


@pytest.mark.parametrize(
    ("how", "step"),
    [("fail", step) for step in ("write", "fsync", "rename", "commit", "all")]
    + [("watch", step) for step in harvest_server.BEFORE],
)
def test_a_full_disk_loses_nothing_and_says_so(
    harvest: Harvest, unbroken: tuple[Path, Any], tmp_path: Path, how: str, step: str
):
    for occurrence in range(1, 200):
        folder = tmp_path / str(occurrence)
        if step == "truncate":
            harvest(folder, kill=["shard-written", 2])
        answer = harvest(folder, **{how: [step, occurrence]})
        if answer["code"] == 0:
            break
        assert answer["code"] == 3
        assert answer["points"][-1].startswith("DiskFull: ")
        resumed(harvest, folder, unbroken[0])
    assert 1 < occurrence < 199


def torn(harvest: Harvest, folder: Path) -> tuple[Path, int, str]:
    """An archive whose writer was killed while frames were written: its open shard, and the bytes believed."""
    harvest(folder, kill=["shard-written", 2])
    name, believed = archive_builder.rows(folder, "SELECT name, bytes FROM shards WHERE state = 'open'")[0]
    path = folder / "shards" / f"{name}.open"
    assert path.stat().st_size > believed > 0
    return path, believed, name


def test_whatever_follows_the_believed_bytes_is_cut_off(harvest: Harvest, unbroken: tuple[Path, Any], tmp_path: Path):
    chance = random.Random(7)
    for number in range(40):
        folder = tmp_path / str(number)
        path, believed, name = torn(harvest, folder)
        whole = path.read_bytes()
        kept = whole[: chance.randint(believed, len(whole))] if number else whole
        path.write_bytes(kept + chance.randbytes(chance.choice([0, 1, 9, 500]) if number else 0))
        extra = path.stat().st_size - believed
        resumed(harvest, folder, unbroken[0])
        notes = archive_builder.rows(folder, "SELECT message FROM findings WHERE code = 'torn-tail'")
        assert len(notes) == (extra > 0)
        assert all(name in message and f" {extra} bytes" in message for (message,) in notes)


def test_a_shard_shorter_than_what_was_counted_is_damage(harvest: Harvest, tmp_path: Path):
    path, believed, name = torn(harvest, tmp_path / "archive")
    whole = path.read_bytes()
    for length in (0, 1, believed // 2, believed - 1, None):
        if length is None:
            path.unlink()
        else:
            path.write_bytes(whole[:length])
        answer = harvest(tmp_path / "archive")
        assert answer["code"] == 4
        assert answer["points"][-1].startswith("Damaged: ")
        assert name in answer["points"][-1]
    path.write_bytes(whole)
    assert harvest(tmp_path / "archive")["code"] == 0


def test_a_changed_byte_in_what_was_counted_is_damage_and_changes_nothing(harvest: Harvest, tmp_path: Path):
    path, believed, name = torn(harvest, tmp_path / "archive")
    whole = path.read_bytes()
    path.write_bytes(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])
    damaged = path.read_bytes()
    answer = harvest(tmp_path / "archive")
    assert (answer["code"], path.read_bytes()) == (4, damaged)
    assert f"shard {name}.open, frame 0" in answer["points"][-1]
    assert believed > 61
