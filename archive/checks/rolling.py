"""Rolling checks: which files to read now, so that each is read at least once in so many days and every day is alike.

A file has to be read before its deadline, which is set some days before it would be overdue: runs may be missed. The
share of a run is the smallest one that, were it read in every run from now on, would keep all deadlines; files whose
deadline is nearest come first. No file, clock or log here: values and `now` in, decisions out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor

# of the days between two reads so many are planned with, the others are for runs that are missed
_PLANNED = 6 / 7
# opening a file costs about as much as reading this
FILE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Watched:
    """A file and what the log says of it.

    `seen` is when it was there first as it is now, `good` when it was last read and good (None: never so), `failed`
    whether it was not when it was read last.
    """

    name: str
    bytes: int
    seen: datetime
    good: datetime | None = None
    failed: bool = False

    @property
    def since(self) -> datetime:
        """From when its days are counted."""
        return self.good or self.seen

    @property
    def weight(self) -> int:
        return self.bytes + FILE_BYTES


@dataclass(frozen=True, slots=True)
class Due:
    """What to read in this run, in this order; `share` is how many bytes a run keep every deadline."""

    files: tuple[Watched, ...]
    share: int


def due_now(files: Iterable[Watched], now: datetime, days: float, every: timedelta = timedelta(days=1)) -> Due:
    """Choose what to read now, when the next run comes after `every`.

    What was read within half of that time counts as read by this run, which may have been interrupted. What failed is
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
    # a clock that was ahead has said of a file that it will have been good: nobody knows when it was
    return began if file.failed or file.since > now else file.since + planned


def _runs_left(deadline: datetime, now: datetime, every: timedelta) -> int:
    """How many runs there are until a deadline, this one included."""
    return max(1, floor((deadline - now) / every) + 1)


def overdue(files: Iterable[Watched], now: datetime, days: float) -> list[Watched]:
    """Files that have not been good for more than `days`, the longest first."""
    late = [file for file in files if now - file.since > timedelta(days=days)]
    return sorted(late, key=lambda file: (file.since, file.name))


def oldest(files: Sequence[Watched]) -> Watched | None:
    """The file whose last good read is longest ago; None without files."""
    return min(files, key=lambda file: (file.since, file.name), default=None)


class Pace:
    """Keeps reading to a number of bytes a second, with a burst of a quarter of a second."""

    BURST_SECONDS = 0.25

    def __init__(self, bytes_per_second: float) -> None:
        self._rate = bytes_per_second
        self._free = float("-inf")

    def delay(self, count: int, now: float) -> float:
        """Seconds to wait after `count` bytes were read; `now` in seconds of a clock that never goes back."""
        self._free = max(self._free, now - self.BURST_SECONDS) + count / self._rate
        return max(0.0, self._free - now)
