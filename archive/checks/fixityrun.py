"""One run of the rolling checks of a folder: read what is due, at a bounded rate, and log how it was found."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archive.checks.checking import ARCHIVE, recognise
from archive.checks.fixitylog import (
    DAMAGED,
    GOOD,
    MISSING,
    SEEN,
    UNREADABLE,
    Entry,
    FixityLog,
    History,
    log_path,
    opened_log,
    read_history,
)
from archive.checks.inventory import Item, inventory
from archive.checks.rolling import Pace, Watched, due_now, oldest, overdue
from archive.hashing import hash_file

_SYNC_SECONDS = 5.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything once in `days`, a run after every `every`."""

    days: float = 14
    every: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Failing:
    """A file that was not good when it was read last; `result` as in the log."""

    name: str
    result: str
    good: datetime | None
    digest: str | None


@dataclass(slots=True)
class FixityReport:
    """Where a folder stands after a run, or without one. Sizes in bytes, `share` in a run.

    `never` have not been read yet, `late` are overdue. `due` is how many files this run was to read, or, without one,
    the next is; `read` how many it did read.
    """

    path: Path
    log: Path
    files: int = 0
    bytes: int = 0
    due: int = 0
    due_bytes: int = 0
    share: int = 0
    read: int = 0
    read_bytes: int = 0
    never: int = 0
    oldest: Watched | None = None
    late: list[Watched] = field(default_factory=list)
    failing: list[Failing] = field(default_factory=list)
    damaged_lines: list[int] = field(default_factory=list)


def report_fixity(path: Path, schedule: Schedule, now: datetime) -> FixityReport:
    """Where a folder stands by its log; nothing is read but what lists its files."""
    log = log_path(path, archive=recognise(path) == ARCHIVE)
    return _report(path, log, inventory(path), read_history(log), schedule, now)


def run_fixity(
    path: Path, schedule: Schedule, pace: Pace | None, *,
    everything: bool = False, progress: Progress | None = None,
    clock: Callable[[], datetime] | None = None, sleep: Callable[[float], None] = time.sleep,
) -> FixityReport:  # fmt: skip
    """Read what is due, or `everything`, and log each file as it was found.

    Without a `clock` time is that of the system when the run began, and what has passed since: a clock that is put
    right meanwhile makes none of the files that were just read overdue.

    Raises as `inventory`, and Busy when another run is at work here. What was read before an interruption is logged.
    """
    clock = clock or _steady_clock()
    items, now = inventory(path), clock()
    with opened_log(log_path(path, archive=recognise(path) == ARCHIVE)) as log:
        _note_seen(log, items, now)
        watched = _watched(items, log.history, now)
        due = due_now(watched, now, schedule.days, schedule.every)
        chosen = watched if everything else due.files
        by_name = {item.name: item for item in items}
        work = [by_name[file.name] for file in chosen]
        done = _read_all(log, work, pace, progress, clock, sleep)
        # what was taken away, or rightly changed meanwhile, is not there any more
        report = _report(path, log.path, inventory(path), log.history, schedule, clock())
        report.due, report.due_bytes = len(work), sum(item.bytes for item in work)
        report.share, (report.read, report.read_bytes) = due.share, done
    return report


def _steady_clock() -> Callable[[], datetime]:
    began, counted = datetime.now(UTC), time.monotonic()
    return lambda: began + timedelta(seconds=time.monotonic() - counted)


def _note_seen(log: FixityLog, items: Iterable[Item], now: datetime) -> None:
    """From now on the days of files count that the log does not know, or knows as others."""
    new = []
    for item in items:
        last = log.history.files.get(item.name)
        if last is None or last.expected != item.digest:
            new.append(Entry(now.isoformat(), item.name, item.bytes, SEEN, item.algorithm, item.digest))
    log.add(*new)
    log.sync()


def _read_all(
    log: FixityLog, work: Sequence[Item], pace: Pace | None, progress: Progress | None,
    clock: Callable[[], datetime], sleep: Callable[[float], None],
) -> tuple[int, int]:  # fmt: skip
    """Read these files; how many were, and their bytes."""
    total, read, synced = sum(item.bytes for item in work), 0, time.monotonic()

    def wait(count: int) -> None:
        nonlocal read
        read += count
        if progress is not None:
            progress(read, total)
        if pace is not None and (delay := pace.delay(count, time.monotonic())) > 0:
            sleep(delay)

    for item in work:
        last = log.history.files.get(item.name)
        entry = _check(item, last.digest if last is not None else None, clock, wait)
        if entry is not None:
            log.add(entry)
        if time.monotonic() - synced > _SYNC_SECONDS:
            log.sync()
            synced = time.monotonic()
    return len(work), read


def _check(item: Item, before: str | None, clock: Callable[[], datetime], wait: Callable[[int], None]) -> Entry | None:
    """Read one file, from the disk and not from memory; None where it was rightly changed meanwhile."""
    expected = item.digest if item.digest is not None else before
    try:
        hashed = hash_file(item.path, (item.algorithm,), wait, cached=False)
        size, digest = hashed.bytes, hashed.digests[item.algorithm]
        result = GOOD if expected in (None, digest) else DAMAGED
    except FileNotFoundError:
        size, digest, result = 0, None, MISSING
    except OSError:
        size, digest, result = 0, None, UNREADABLE
    if result != GOOD and item.name == "ledger.sqlite" and not item.path.with_name("ledger.sqlite.sha256").exists():
        return None  # a harvest has begun
    return Entry(clock().isoformat(), item.name, size, result, item.algorithm, item.digest, digest)


def _watched(items: Iterable[Item], history: History, now: datetime) -> list[Watched]:
    found = []
    for item in items:
        last = history.files.get(item.name)
        if last is None or last.expected != item.digest:
            found.append(Watched(item.name, item.bytes, now))
        else:
            failed = last.result not in (SEEN, GOOD)
            found.append(Watched(item.name, item.bytes, last.seen, last.good, failed))
    return found


def _report(
    path: Path, log: Path, items: list[Item], history: History, schedule: Schedule, now: datetime
) -> FixityReport:
    watched = _watched(items, history, now)
    due = due_now(watched, now, schedule.days, schedule.every)
    failing = [
        Failing(file.name, history.files[file.name].result, file.good, item.digest)
        for file, item in zip(watched, items, strict=True)
        if file.failed
    ]
    return FixityReport(
        path, log, len(items), sum(item.bytes for item in items), len(due.files),
        sum(file.bytes for file in due.files), due.share, never=sum(file.good is None for file in watched),
        oldest=oldest(watched), late=overdue(watched, now, schedule.days), failing=failing,
        damaged_lines=history.damaged_lines,
    )  # fmt: skip
