"""Spans of datestamps, what is known of the provider that they are asked of, and how they are cut."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from harvester.oaipmh import datestamps

# Windows of some 5,000 records: half the depth at which the deepest known limits strike (Zenodo: 10,000),
# and a hundred pages lost at most when one has to start again.
TARGET_RECORDS = 5_000
PARTS_MOST = 64
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """Datestamps from `from_` to `until`, both included; None is no bound."""

    from_: datetime | None
    until: datetime | None

    @classmethod
    def parse(cls, from_: str | None, until: str | None) -> Self:
        """Read the bounds of a window as the ledger has them."""
        return cls(*(datestamps.parse(text) if text is not None else None for text in (from_, until)))


@dataclass(slots=True)
class Traits:
    """What this process has learned of the provider.

    `earliest` and `newest` bound the cutting of windows without a bound of their own; they follow what was
    seen, since earliestDatestamp may be later than the oldest record. `ranges` is None until it was tried.
    `fruitful` is whether any list brought a record. `depth` is the number of records after which its lists break
    off, None where none did so twice. `sets` are the repository's sets, None while they were not asked for.
    """

    granule: timedelta
    earliest: datetime
    newest: datetime
    ranges: bool | None = None
    until_excluded: bool = False
    fit_page: bool = False
    page_size: int = 0
    target: int = TARGET_RECORDS
    barren: int = 0
    fruitful: bool = False
    depth: int | None = None
    sets: tuple[str, ...] | None = None
    _failed_at: int = 0

    def failed_at(self, listed: int) -> None:
        """Remember where a list broke off; where another one does at the same place, that is a depth limit."""
        if listed and listed == self._failed_at and (self.depth is None or listed < self.depth):
            self.depth, self.target = listed, max(1, min(self.target, listed // 2))
        self._failed_at = listed

    def seen(self, stamp: datetime) -> None:
        """Widen the bounds to a datestamp that a record has."""
        self.earliest = min(self.earliest, stamp)
        self.newest = max(self.newest, stamp)


def record_limit(span: Span, traits: Traits) -> int | None:
    """Return how many records a list may have before its window is cut instead, None for any number."""
    if not can_split(span, traits):
        return None
    return 0 if traits.fit_page else traits.depth or 2 * traits.target


def can_split(span: Span, traits: Traits) -> bool:
    """Return whether a window can be cut: bounds are honoured, and there are two granules or more."""
    return traits.ranges is not False and _granules(span, traits) >= 2


def cut(span: Span, parts: int, traits: Traits) -> tuple[Span, ...]:
    """Cut a window into so many of about equal length (fewer when there are fewer granules).

    Together they cover it without overlap; where it has no bound the first or the last has none either.
    """
    return _cut_evenly(span, max(2, min(parts, 4 * PARTS_MOST)), traits)


def cut_to_pages(span: Span, records: int, traits: Traits, page_size: int = 0) -> tuple[Span, ...]:
    """Cut a window of so many records into some that should fit a page each."""
    page = max(1, page_size, traits.page_size)
    return cut(span, min(math.ceil(1.5 * records / page), 4 * PARTS_MOST), traits)


def cut_in_two(span: Span, border: datetime, traits: Traits) -> tuple[Span, ...]:
    """Cut a window before a datestamp; in two of equal length where that would not make two."""
    low, high = bounds(span, traits)
    border = on_granule(border, traits)
    if border == low:  # all that was read has one datestamp: the rest of the window is for itself
        border = low + traits.granule
    if not low < border <= high:
        return cut(span, 2, traits)
    return (Span(span.from_, border - traits.granule), Span(border, span.until))


def calendar(span: Span, unit: str, traits: Traits) -> tuple[Span, ...]:
    """Cut a window at the borders of calendar days, months or years (`unit`); before 1970 only where it has a bound."""
    low, high = bounds(span, traits)
    if span.from_ is None:  # a provider whose earliestDatestamp is 0001-01-01 is not asked for 24,000 months
        low = max(low, min(OLDEST, high))
    return _cut_at(span, list(_borders(low, high, unit)), traits)


def part_of(span: Span, number: int, parts: int, traits: Traits) -> tuple[Span, ...]:
    """Return the windows of part `number` (from 1) of so many: what `shard=i/n` harvests.

    Parts take turns at the months of the calendar: several machines that start at different times, and so know
    different newest datestamps, still leave nothing between them.
    """
    if parts == 1:
        return (span,)
    pieces = calendar(span, "month", traits)
    starts = [bounds(piece, traits)[0] for piece in pieces]
    mine = [(start.year * 12 + start.month) % parts == number - 1 for start in starts]
    return tuple(itertools.compress(pieces, mine))


def on_granule(moment: datetime, traits: Traits) -> datetime:
    """Return the granule that holds a moment."""
    moment = moment.replace(microsecond=0)
    return moment.replace(hour=0, minute=0, second=0) if traits.granule >= timedelta(days=1) else moment


def later(moment: datetime, by: timedelta) -> datetime | None:
    """Move a moment by some time; None outside of the years 1 to 9999, which providers do state."""
    try:
        return moment + by
    except OverflowError:
        return None


def bounds(span: Span, traits: Traits) -> tuple[datetime, datetime]:
    """Return finite bounds of a window, on granules."""
    high = span.until if span.until is not None else traits.newest
    low = span.from_ if span.from_ is not None else min(traits.earliest, high)
    if span.from_ is None and high - low < traits.granule:
        low = min(OLDEST, high)
    return on_granule(low, traits), on_granule(max(low, high), traits)


def count_outside(
    rows: Sequence[tuple[str, str, bool, tuple[str, ...]]], span: Span, set_spec: str | None, traits: Traits
) -> int:
    """Count the headers that a request for this window should not have given, by datestamp or set.

    Datestamps that cannot be read do not count, nor do records whose header names no set at all: some
    providers leave setSpec out.
    """
    low = later(on_granule(span.from_, traits), -traits.granule) if span.from_ is not None else None
    high = later(span.until, 2 * traits.granule) if span.until is not None else None
    count = 0
    for _, stamp, _, sets in rows:
        moment = datestamps.parse(stamp) if low is not None or high is not None else None
        early = moment is not None and low is not None and moment < low
        late = moment is not None and high is not None and moment >= high
        inside = set_spec is None or not sets or any(s == set_spec or s.startswith(set_spec + ":") for s in sets)
        count += early or late or not inside
    return count


def describe(span: Span) -> str:
    """Describe a window for people: `2020-01-01T00:00:00Z to 2020-01-31T23:59:59Z`."""
    words = [datestamps.as_argument(bound) if bound else "" for bound in (span.from_, span.until)]
    if not any(words):
        return "the whole list"
    return f"{words[0] or 'the beginning'} to {words[1] or 'the end'}"


def _cut_evenly(span: Span, parts: int, traits: Traits) -> tuple[Span, ...]:
    low, _ = bounds(span, traits)
    granules = _granules(span, traits)
    parts = max(1, min(parts, granules))
    return _cut_at(span, [low + traits.granule * (granules * n // parts) for n in range(1, parts)], traits)


def _cut_at(span: Span, borders: Sequence[datetime], traits: Traits) -> tuple[Span, ...]:
    """Cut a window before each border; the borders ascend, lie on granules and inside the window."""
    ends = [border - traits.granule for border in borders]
    return tuple(map(Span, [span.from_, *borders], [*ends, span.until]))


def _borders(low: datetime, high: datetime, unit: str) -> Iterator[datetime]:
    moment = low.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit != "day":
        moment = moment.replace(day=1)
    if unit == "year":
        moment = moment.replace(month=1)
    while (following := later(moment, timedelta(days=_LONGEST_DAYS[unit]))) is not None:
        moment = _FIRST[unit](following)
        if moment > high:
            return
        yield moment


# no unit is longer than this, and this far from its first day is still in the next one
_LONGEST_DAYS = {"day": 1, "month": 32, "year": 367}
_FIRST: dict[str, Callable[[datetime], datetime]] = {
    "day": lambda moment: moment,
    "month": lambda moment: moment.replace(day=1),
    "year": lambda moment: moment.replace(month=1, day=1),
}


def _granules(span: Span, traits: Traits) -> int:
    low, high = bounds(span, traits)
    return int((high - low) / traits.granule) + 1
