"""Rolling checks over simulated days: every file in time, no day much unlike another, whatever comes, goes or fails."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.integrity.rolling import FILE_BYTES, Pace, Watched, due_now, oldest, overdue

START = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
DAY = timedelta(days=1)


class Simulation:
    """Files that come, go and are read, day by day."""

    def __init__(self, days: float = 14) -> None:
        self.days = days
        self.files: dict[str, Watched] = {}
        self.read: list[int] = []
        self.largest_total = self.largest_file = 0
        self.longest = timedelta()

    def run(self, now: datetime) -> None:
        due = due_now(self.files.values(), now, self.days)
        for file in due.files:
            self.longest = max(self.longest, now - file.since)
            self.files[file.name] = replace(file, good=now, failed=False)
        self.read.append(sum(file.weight for file in due.files))

    def add(self, now: datetime, sizes: Iterable[int]) -> None:
        for size in sizes:
            name = f"{len(self.files):05d}-{now:%m%d}"
            self.files[name] = Watched(name, size, now)
        self.largest_total = max(self.largest_total, sum(file.weight for file in self.files.values()))
        self.largest_file = max([self.largest_file, *(file.weight for file in self.files.values())])

    def ages(self, now: datetime) -> timedelta:
        return max((now - file.since for file in self.files.values()), default=timedelta())

    @property
    def bound(self) -> float:
        """All of it in the days that are planned with, and a file that is read to its end."""
        return self.largest_total / (self.days * 6 / 7) + self.largest_file + 1


def test_a_large_archive_is_spread_over_the_days():
    simulation = Simulation()
    simulation.add(START, [1 << 30] * 140)
    for day in range(30):
        simulation.run(START + day * DAY)
    assert max(simulation.read) <= 13 * ((1 << 30) + FILE_BYTES)
    assert min(simulation.read) >= 9 * (1 << 30)
    assert simulation.longest <= 14 * DAY


def test_a_file_that_was_read_by_a_clock_that_was_ahead_is_read_now():
    year = timedelta(days=365)
    files = [Watched("ahead", 1, START, good=START + year), Watched("new", 1, START + year), Watched("good", 1, START)]
    assert [file.name for file in due_now(files, START + DAY, 14).files] == ["ahead", "new"]
    read = [replace(file, seen=START, good=START + DAY) for file in files]
    assert due_now(read, START + DAY, 14).files == ()


def test_nothing_is_read_twice_on_one_day():
    simulation = Simulation()
    simulation.add(START, [1000] * 100)
    simulation.run(START)
    assert simulation.read[0] > 0
    assert due_now(simulation.files.values(), START + timedelta(hours=1), 14).files == ()


def test_an_interrupted_run_goes_on_with_the_rest():
    simulation = Simulation()
    simulation.add(START, [1000] * 120)
    due = due_now(simulation.files.values(), START, 14).files
    for file in due[:4]:
        simulation.files[file.name] = replace(file, good=START)
    rest = due_now(simulation.files.values(), START + timedelta(minutes=5), 14).files
    assert [file.name for file in rest] == [file.name for file in due[4:]]


def test_what_failed_is_read_in_every_run():
    files = [Watched("a", 10, START, START, failed=True), Watched("b", 10, START, START)]
    assert [file.name for file in due_now(files, START + timedelta(minutes=1), 14).files] == ["a"]


def test_overdue_is_what_was_not_good_in_time():
    now = START + 20 * DAY
    files = [
        Watched("never", 1, START),
        Watched("new", 1, now),
        Watched("late", 1, START, START + 5 * DAY),
        Watched("good", 1, START, START + 7 * DAY),
        Watched("failed", 1, START, now - 15 * DAY, failed=True),
    ]
    assert [file.name for file in overdue(files, now, 14)] == ["never", "failed", "late"]
    first = oldest(files)
    assert first is not None
    assert first.name == "never"
    assert oldest([]) is None


def test_without_files_nothing_is_due():
    assert due_now([], START, 14).files == ()


@pytest.mark.parametrize("hours", [1, 24, 24 * 7])
def test_runs_may_come_more_or_less_often_than_daily(hours: int):
    every, files = timedelta(hours=hours), {f"{n:03d}": Watched(f"{n:03d}", 5000, START) for n in range(200)}
    now = START
    while now < START + 60 * DAY:
        for file in due_now(files.values(), now, 14, every).files:
            assert now - file.since <= 14 * DAY
            files[file.name] = replace(file, good=now)
        assert not overdue(files.values(), now, 14)
        now += every


SIZES = st.lists(st.integers(0, 1 << 30), max_size=15)


@given(st.lists(st.tuples(SIZES, st.floats(0, 1)), min_size=30, max_size=40), st.sampled_from([7, 14, 28]))
def test_each_file_is_read_in_time_and_no_day_is_too_long(plan: list[tuple[list[int], float]], days: int):
    simulation = Simulation(days)
    for number, (sizes, lost) in enumerate(plan):
        now = START + number * DAY
        names = sorted(simulation.files)
        for name in names[: int(len(names) * lost / 4)]:
            del simulation.files[name]
        simulation.add(now, sizes)
        simulation.run(now)
        assert simulation.ages(now) <= days * DAY
        assert simulation.read[-1] <= simulation.bound
    assert simulation.longest <= days * DAY


@given(st.lists(st.tuples(SIZES, st.booleans()), min_size=30, max_size=40))
def test_two_runs_in_a_row_may_be_missed(plan: list[tuple[list[int], bool]]):
    simulation, missed = Simulation(14), 0
    for number, (sizes, misses) in enumerate(plan):
        now = START + number * DAY
        simulation.add(now, sizes)
        if misses and missed < 2:
            missed += 1
            continue
        missed = 0
        simulation.run(now)
        assert simulation.ages(now) <= 14 * DAY
        assert simulation.read[-1] <= 3 * simulation.bound
    assert simulation.longest <= 14 * DAY


@given(st.lists(st.tuples(st.integers(1, 1 << 20), st.floats(0, 0.5)), min_size=1, max_size=200))
def test_the_rate_is_kept(blocks: list[tuple[int, float]]):
    rate, now, read = 1e6, 100.0, 0
    pace = Pace(rate)
    for count, took in blocks:
        now += took
        read += count
        now += pace.delay(count, now)
        assert read <= (now - 100.0 + Pace.BURST_SECONDS) * rate * 1.000001


def test_a_pace_that_is_not_reached_waits_for_nothing():
    pace, now = Pace(1e6), 0.0
    for _ in range(100):
        now += 1.0
        assert pace.delay(200_000, now) == 0
