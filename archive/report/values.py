"""The values of a report, independent of its form. Every list is bounded, whatever the archive's size."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from archive.audits import Total
from archive.report.breakdown import Cut
from archive.store import Account


@dataclass(frozen=True, slots=True)
class Tally:
    """Ids of an audit by their mark; `untold` could not be compared, `extra` are here and not there."""

    same: int = 0
    missing: int = 0
    extra: int = 0
    differs: int = 0
    untold: int = 0

    @property
    def expected(self) -> int:
        return self.same + self.differs + self.missing

    @property
    def held(self) -> int:
        """Count the expected ids that are held in any version."""
        return self.same + self.differs

    @property
    def total(self) -> int:
        return self.expected + self.extra + self.untold

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.same + other.same,
            self.missing + other.missing,
            self.extra + other.extra,
            self.differs + other.differs,
            self.untold + other.untold,
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """The ids whose numbers are from `first` to `last`, both included."""

    first: int
    last: int
    tally: Tally


@dataclass(frozen=True, slots=True)
class GapRun:
    """A run of `ids` consecutive expected ids that are all missing, between two numbers, included."""

    channel: str
    first: int
    last: int
    ids: int


@dataclass(frozen=True, slots=True)
class GapMap:
    """Ids of one `prefix` by their number, in cells of equal width from the first number to the last.

    It has `share` of all ids of the audit, from 0 to 1; `runs` are the longest of `runs_in_all`.
    """

    prefix: str
    cells: tuple[Cell, ...]
    runs: tuple[GapRun, ...]
    runs_in_all: int
    share: float

    @property
    def tally(self) -> Tally:
        return sum((cell.tally for cell in self.cells), Tally())


@dataclass(frozen=True, slots=True)
class Period:
    """The ids whose datestamp is in a month ("2024-05") or a year; None: those without a datestamp."""

    label: str | None
    tally: Tally


@dataclass(frozen=True, slots=True)
class Group:
    """The ids of one set, year, type or window."""

    label: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Example:
    """One id that differs between the sides; `there` and `here` describe it, None if it is not there."""

    mark: str
    channel: str
    identifier: str
    reason: str | None
    there: str | None
    here: str | None


@dataclass(frozen=True, slots=True)
class Compared:
    """An archive compared with its target. `words` are the counts by the keys of `audit --json`.

    `reasons` say why ids are missing, `differences` how the stale ones differ; `totals` are declared ones; `groups` are
    the same numbers by set, year, type or window, if requested.
    """

    target: str
    words: dict[str, int]
    completeness: float
    complete: bool
    balanced: bool
    finished: bool
    lost_windows: int
    reasons: dict[str, int]
    differences: dict[str, int]
    totals: tuple[Total, ...]
    groups: dict[str, tuple[Group, ...]]
    channels: dict[str, Tally]
    periods: tuple[Period, ...]
    maps: tuple[GapMap, ...]
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """One interval of a run: tries, requests that returned what was requested, outcomes, and seconds of waits."""

    requests: int
    read: int
    ids: int
    waited_seconds: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """What a run did, in intervals of `slot_seconds` from `start`. `answers`: (state, HTTP status, requests)."""

    run: int
    start: datetime
    slot_seconds: int
    slots: tuple[Slot, ...]
    answers: tuple[tuple[str, int | None, int], ...]


@dataclass(frozen=True, slots=True)
class RunLine:
    """A run with its account and its work."""

    run: int
    spider: str
    mode: str
    state: str
    started: str
    finished: str | None
    requests: int
    records: int
    content_bytes: int
    account: Account


class FindingExample(NamedTuple):
    """A finding of a run; `identifier` is None if it is not about one record."""

    run: int
    identifier: str | None
    message: str


@dataclass(frozen=True, slots=True)
class FindingLine:
    """Findings of one code: their number, and the first of them."""

    code: str
    severity: str
    count: int
    examples: tuple[FindingExample, ...]


@dataclass(frozen=True, slots=True)
class ReportValues:
    """Everything that a report shows. `sets` is None if there is no current index; `made` is in UTC.

    `compared` is None if nothing was compared. `runs` are the newest of `runs_in_all`, `sets` the largest of
    `sets_in_all`; `cuts` are those that do not balance, of `cuts_off`, by window.
    """

    name: str
    source: str
    state: str
    made: datetime
    account: Account
    compared: Compared | None
    months: tuple[Cut, ...]
    years: tuple[Cut, ...]
    sets: tuple[Cut, ...] | None
    sets_in_all: int
    runs: tuple[RunLine, ...]
    runs_in_all: int
    timelines: tuple[Timeline, ...]
    windows: dict[str, int]
    windows_left: tuple[Cut, ...]
    findings: tuple[FindingLine, ...]
    shards: dict[str, int]
    damaged: tuple[str, ...]
    software: dict[str, Any]
