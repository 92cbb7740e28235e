"""Rolling fixity checks: read each file at least once in a given number of days, with the same load every day.

A file must be read before its deadline, some days before it would be overdue, because runs may be missed. The share of
a run is the smallest that, read in every run from now on, keeps all deadlines; the files with the nearest deadlines
come first. These decisions are pure: no file, clock or log. A run then reads the files that are due, at a limited
rate, and logs the result of each.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import floor
from pathlib import Path

from archive.disk import hash_file
from archive.integrity.detect import ARCHIVE, recognise
from archive.integrity.fixity_log import (
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
from archive.integrity.inventory import Item, inventory

# the share of the days between two reads that is planned with; the others allow for missed runs
_PLANNED = 6 / 7
# opening a file costs about as much as reading this many bytes
FILE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Watched:
    """A file and its state in the log.

    `seen` is when its present version first existed, `good` when it was last read and intact (None: never), `failed`
    whether it was damaged at the last read.
    """

    name: str
    bytes: int
    seen: datetime
    good: datetime | None = None
    failed: bool = False

    @property
    def since(self) -> datetime:
        """Return the time from which its days are counted."""
        return self.good or self.seen

    @property
    def weight(self) -> int:
        return self.bytes + FILE_BYTES


@dataclass(frozen=True, slots=True)
class Due:
    """Files to read in this run, in order; `share` is how many bytes each run must read to keep every deadline."""

    files: tuple[Watched, ...]
    share: int


def due_now(files: Iterable[Watched], now: datetime, days: float, every: timedelta = timedelta(days=1)) -> Due:
    """Choose what to read now, if the next run comes after `every`.

    What was read within half of that time counts as read by this run, which may have been interrupted. Failed files are
    read again each time.
    """
    planned, files = timedelta(days=days * _PLANNED), list(files)
    lately = [file for file in files if file.good is not None and timedelta(0) <= now - file.good < every / 2]
    began = min((file.good for file in lately if file.good is not None), default=now)
    waiting = sorted((_deadline(file, planned, began, now), file.name, file) for file in files)
    share = total = 0.0
    for deadline, _, file in waiting:
        total += file.weight
        share = max(share, total / _runs_left(deadline, began, every))
    left = share - sum(file.weight for file in lately)
    done = {file.name for file in lately if not file.failed}
    chosen = []
    for deadline, _, file in waiting:
        if file.name not in done and (left > 0 or _runs_left(deadline, began, every) == 1):
            chosen.append(file)
            left -= file.weight
    return Due(tuple(chosen), round(share))


def _deadline(file: Watched, planned: timedelta, began: datetime, now: datetime) -> datetime:
    # a clock that was ahead logged a time in the future: when the file was read is unknown
    return began if file.failed or file.since > now else file.since + planned


def _runs_left(deadline: datetime, now: datetime, every: timedelta) -> int:
    """Count the runs until a deadline, including this one."""
    return max(1, floor((deadline - now) / every) + 1)


def overdue(files: Iterable[Watched], now: datetime, days: float) -> list[Watched]:
    """List files that have not been intact for more than `days`, the longest first."""
    late = [file for file in files if now - file.since > timedelta(days=days)]
    return sorted(late, key=lambda file: (file.since, file.name))


def oldest(files: Sequence[Watched]) -> Watched | None:
    """Return the file whose last good read is longest ago; None without files."""
    return min(files, key=lambda file: (file.since, file.name), default=None)


class Pace:
    """Limits reading to a number of bytes a second, with a burst of a quarter of a second."""

    BURST_SECONDS = 0.25

    def __init__(self, bytes_per_second: float) -> None:
        self._rate = bytes_per_second
        self._free = float("-inf")

    def delay(self, count: int, now: float) -> float:
        """Return the seconds to wait after `count` bytes were read; `now` in seconds of a monotonic clock."""
        self._free = max(self._free, now - self.BURST_SECONDS) + count / self._rate
        return max(0.0, self._free - now)


_SYNC_SECONDS = 5.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The plan to read everything once in `days`, with a run after every `every`."""

    days: float = 14
    every: timedelta = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Failing:
    """A file that was not intact at the last read; `result` as in the log."""

    name: str
    result: str
    good: datetime | None
    digest: str | None


@dataclass(slots=True)
class FixityReport:
    """The state of a folder after a run, or without one. Sizes in bytes, `share` in a run.

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
    """Report the state of a folder by its log; only the lists of its files are read."""
    log = log_path(path, archive=recognise(path) == ARCHIVE)
    return _report(path=path, log=log, items=inventory(path), history=read_history(log), schedule=schedule, now=now)


def run_fixity(
    path: Path,
    schedule: Schedule,
    pace: Pace | None,
    *,
    everything: bool = False,
    progress: Progress | None = None,
    clock: Callable[[], datetime] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> FixityReport:
    """Read what is due, or `everything`, and log the result for each file.

    Without a `clock`, time is that of the system when the run started plus a monotonic clock: if the system clock is
    set meanwhile, none of the files just read becomes overdue.

    Raises as `inventory`, and Busy if another run is at work here. What was read before an interruption is logged.
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
        done = _read_all(log=log, work=work, pace=pace, progress=progress, clock=clock, sleep=sleep)
        # what was taken away, or rightly changed meanwhile, is not there any more
        report = _report(
            path=path, log=log.path, items=inventory(path), history=log.history, schedule=schedule, now=clock()
        )
        report.due, report.due_bytes = len(work), sum(item.bytes for item in work)
        report.share, (report.read, report.read_bytes) = due.share, done
    return report


def _steady_clock() -> Callable[[], datetime]:
    began, counted = datetime.now(UTC), time.monotonic()
    return lambda: began + timedelta(seconds=time.monotonic() - counted)


def _note_seen(log: FixityLog, items: Iterable[Item], now: datetime) -> None:
    """Start counting the days of files that the log does not know, or knows as others."""
    new = []
    for item in items:
        last = log.history.files.get(item.name)
        if last is None or last.expected != item.digest:
            new.append(
                Entry(
                    at=now.isoformat(),
                    name=item.name,
                    bytes=item.bytes,
                    result=SEEN,
                    algorithm=item.algorithm,
                    expected=item.digest,
                )
            )
    log.add(*new)
    log.sync()


def _read_all(
    log: FixityLog,
    work: Sequence[Item],
    pace: Pace | None,
    progress: Progress | None,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
) -> tuple[int, int]:
    """Read these files; returns their number and bytes."""
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
    """Read one file from the disk, not from the page cache; None if it was legitimately changed meanwhile."""
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
    return Entry(
        at=clock().isoformat(),
        name=item.name,
        bytes=size,
        result=result,
        algorithm=item.algorithm,
        expected=item.digest,
        digest=digest,
    )


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
        path=path,
        log=log,
        files=len(items),
        bytes=sum(item.bytes for item in items),
        due=len(due.files),
        due_bytes=sum(file.bytes for file in due.files),
        share=due.share,
        never=sum(file.good is None for file in watched),
        oldest=oldest(watched),
        late=overdue(watched, now, schedule.days),
        failing=failing,
        damaged_lines=history.damaged_lines,
    )
