"""A conversion killed at every named point, or on a full disk: the archive is whole, and the same call ends it."""

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from support.archive_builder import check, rows, stored
from support.conversion_archives import dublin_core, filled, text

from archive.conversions.convert import convert_archive
from archive.disk import durable
from archive.errors import DiskFull
from archive.integrity.verify import verify

OLD = {"title": ["as an older converter had it"]}
POINTS = (
    *(f"shard-{step}" for step in ("opening", "opened", "writing", "written", "syncing", "synced")),
    "shard-renaming",
    "shard-renamed",
    "ledger-committing",
    "ledger-committed",
    "conversion-removing",
    "conversion-removed",
    "ledger-digest-written",
    "ledger-digest-renamed",
)
WANTED = {f"oai:x:{n}": {"title": [f"T{n}"]} for n in range(12)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two shards of two frames; a converter changes one frame of the first, and all of the second."""
    made = tmp_path / "archive"
    old = dict.fromkeys((3, 6, 7, 8, 9, 10, 11), OLD)
    records = [text(f"oai:x:{n}", dublin_core(f"T{n}"), old.get(n, "made")) for n in range(12)]
    filled(made, [[records[:3], records[3:6]], [records[6:9], records[9:]]])
    return made


def run(folder: Path, watch: Callable[[str], None] | None) -> int:
    """Convert in a process of its own; returns its exit code, or minus the signal that killed it."""
    child = os.fork()
    if child == 0:
        try:
            durable.watch = watch
            convert_archive(folder)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killing(point: str, time: int) -> Callable[[str], None]:
    seen = 0

    def watch(reached: str) -> None:
        nonlocal seen
        seen += reached == point
        if reached == point and seen == time:
            os.kill(os.getpid(), signal.SIGKILL)

    return watch


def same_records(folder: Path) -> bool:
    """Every record once, in order, with the metadata it had or has now."""
    found = [record for _, _, record in stored(folder)]
    return [record.identifier for record in found] == list(WANTED) and all(
        record.metadata in (OLD, WANTED[record.identifier]) for record in found
    )


def ended(folder: Path) -> None:
    check(folder)
    assert verify(folder).whole
    assert {record.identifier: record.metadata for _, _, record in stored(folder)} == WANTED


def test_an_undisturbed_conversion_reaches_every_point(folder: Path, tmp_path: Path):
    log = tmp_path / "points"
    assert run(folder, lambda point: log.open("a").write(point + "\n") and None) == 0
    assert set(POINTS) <= set(log.read_text().split())
    ended(folder)


@pytest.mark.parametrize("time", [1, 2])
@pytest.mark.parametrize("point", POINTS)
def test_killed_anywhere_the_archive_is_whole_and_the_same_call_ends_it(folder: Path, point: str, time: int):
    outcomes = rows(folder, "SELECT * FROM outcomes")
    killed = run(folder, killing(point, time)) == -signal.SIGKILL
    assert killed or (time == 2 and point.startswith("ledger-digest"))
    assert {problem.kind for problem in verify(folder).problems} <= {"left-over", "unproven"}
    assert same_records(folder)
    assert run(folder, None) == 0
    ended(folder)
    assert rows(folder, "SELECT * FROM outcomes") == outcomes


@pytest.mark.parametrize("point", ["shard-opening", "shard-writing", "shard-syncing"])
def test_a_full_disk_changes_nothing_and_the_same_call_goes_on(
    folder: Path, point: str, monkeypatch: pytest.MonkeyPatch
):
    def full(reached: str) -> None:
        if reached == point:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable, "watch", full)
    with pytest.raises(DiskFull):
        convert_archive(folder)
    monkeypatch.setattr(durable, "watch", None)
    assert {problem.kind for problem in verify(folder).problems} <= {"left-over", "unproven"}
    assert same_records(folder)
    convert_archive(folder)
    ended(folder)
