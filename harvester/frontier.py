"""Which windows are open, and what becomes of one that ended; decides, does nothing.

A window is a list request between two datestamps. It is believed when its list was walked to its end and
nothing speaks against it; otherwise it is listed again, cut into smaller windows, or, at one granule (a
second, or a day where the provider has no finer), asked for record by record.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from archive.findings import Finding, finding
from harvester.oaipmh import datestamps, tokens

LIST_RECORDS, LIST_IDENTIFIERS, GET_RECORD = "ListRecords", "ListIdentifiers", "GetRecord"

# Windows of some 5,000 records: half the depth at which the deepest known limits strike (Zenodo: 10,000),
# and a hundred pages lost at most when one has to start again.
TARGET_RECORDS = 5_000
PARTS_MOST = 64
# attempts at one window that cannot be cut, before it is asked record by record
ATTEMPTS_MOST = 3
# records of a window that failed, few enough to be asked for one by one rather than in ever smaller windows
SINGLY_MOST = 8
# windows in a row that brought nothing but failure: the provider is not answering, cutting further is abuse
BARREN_MOST = 200
# before the first record came; the first record of 50 years may be the one that breaks its page, which takes 31 halves
BARREN_FIRST = 80
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """Datestamps from `from_` to `until`, both included; None is no bound."""

    from_: datetime | None
    until: datetime | None


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
        """A list broke off after so many records; when another one does at the same place, that is a depth limit."""
        if listed and listed == self._failed_at and (self.depth is None or listed < self.depth):
            self.depth, self.target = listed, max(1, min(self.target, listed // 2))
        self._failed_at = listed

    def seen(self, stamp: datetime) -> None:
        """Widen the bounds to a datestamp that a record has."""
        self.earliest = min(self.earliest, stamp)
        self.newest = max(self.newest, stamp)


@dataclass(frozen=True, slots=True)
class Ended:
    """One attempt at a window. `attempts` counts this one; `distinct` are identifiers among `listed` headers.

    Of a window that failed, `stamps` are the datestamps of its `named` records, ascending and each once, where
    ListIdentifiers could name them all in one page; `reached` is the datestamp up to which an ascending list was
    read. `in_set` is whether it lists a set; `unaccounted` describes what its pages hold that may stand for records
    and could not be read.
    """

    span: Span
    verb: str
    end: str
    attempts: int
    listed: int
    distinct: int
    pages: int
    page_size: int = 0
    stated_first: int | None = None
    stated_last: int | None = None
    reissued: bool = False
    stamps: tuple[datetime, ...] = ()
    named: int = 0
    reached: datetime | None = None
    outside: int = 0
    in_set: bool = False
    unaccounted: tuple[str, ...] = ()

    @property
    def nameless(self) -> int:
        """The number of headers without an identifier."""
        counts = (text.partition(" ") for text in self.unaccounted if text.endswith("<header> without <identifier>"))
        return sum(int(number) if number.isdigit() else 1 for number, _, _ in counts)

    @property
    def proven(self) -> bool:
        """Whether the provider stated a size that did not move and is exactly what came."""
        return self.stated_first is not None and self.stated_first == self.stated_last == self.distinct


@dataclass(frozen=True, slots=True)
class Done:
    """The window is believed."""

    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Again:
    """The same window once more, from its first page."""


@dataclass(frozen=True, slots=True)
class Split:
    """These windows take its place; together they cover it."""

    spans: tuple[Span, ...]
    findings: tuple[Finding, ...] = ()
    fit_page: bool = False


@dataclass(frozen=True, slots=True)
class Singly:
    """ListIdentifiers for its names, GetRecord for each of them."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Nothing more can be done in this run; the next one asks again."""

    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class BySet:
    """The same window in each of these sets, because nothing else proves its list; records may be in no set."""

    sets: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


Decision = Done | Again | Split | Singly | Lost | BySet


def decide(ended: Ended, traits: Traits) -> Decision:
    """What becomes of a window after one attempt."""
    all_stated = ended.stated_first == ended.stated_last == ended.distinct + ended.nameless
    if ended.nameless and all_stated and ended.end in tokens.COMPLETE_ENDS:
        # some of what was stated came without an identifier: no smaller window would name it
        return _with_unaccounted(Done(), ended, traits)
    return _with_unaccounted(_sought_by_set(_decide(ended, traits), ended, traits), ended, traits)


def _sought_by_set(decision: Decision, ended: Ended, traits: Traits) -> Decision:
    """Seek the records of a window that is given up, or that nothing proves, in the sets of the repository."""
    if not isinstance(decision, Done | Lost) or not wants_sets(ended, traits):
        return decision
    if isinstance(decision, Done) and all(found.code != "window-unproven" for found in decision.findings):
        return decision
    if not traits.sets:
        return decision
    # a stated size is compared with what the sets bring; without one, nothing shows that all records are in a set
    return BySet(traits.sets, () if ended.stated_last is not None else (_unproven(ended),))


def distrust_empty(decision: Decision, ended: Ended, traits: Traits) -> Decision:
    """Do not take noRecordsMatch for an empty window where the provider was seen not to honour from and until."""
    bounded = ended.span != Span(None, None)
    if ended.end != tokens.NO_RECORDS or not bounded or traits.ranges is not False or not isinstance(decision, Done):
        return decision
    if ended.attempts < 2:
        return Again()
    reason = "noRecordsMatch, though the provider does not honour from and until"
    return Done((finding("window-unproven", window=describe(ended.span), reason=reason, found=0),))


def wants_sets(ended: Ended, traits: Traits) -> bool:
    """Whether the records of a window that failed, and that cannot be cut, can be sought in the repository's sets."""
    answered = ended.end not in tokens.COMPLETE_ENDS and ended.end not in (tokens.SAMPLE_TAKEN, tokens.PAGE_LOST)
    return answered and not ended.in_set and not can_split(ended.span, traits)


def _decide(ended: Ended, traits: Traits) -> Decision:
    if ended.verb == GET_RECORD:
        return _decide_singly(ended, traits)
    if ended.end == tokens.SAMPLE_TAKEN:
        return Done((finding("sample", found=ended.distinct),))
    if ended.end in tokens.COMPLETE_ENDS:
        return _with_outside(_decide_complete(ended, traits), ended)
    if ended.end == tokens.TOKEN_NO_RECORDS and ended.proven:
        return Done((finding(ended.end, window=describe(ended.span), found=ended.distinct),))
    if ended.end == tokens.TOO_LARGE:
        return Split(_cut_to_size(ended, traits))
    if ended.end == tokens.TOKEN_FORGETS:
        if can_split(ended.span, traits):
            jump = finding("list-size-jumps", expected=ended.stated_first, found=ended.stated_last)
            return Split(_cut_to_pages(ended, traits), (jump,), fit_page=True)
        return _decide_stuck(ended)
    if ended.end in tokens.CIRCULAR_ENDS:
        return _decide_circular(ended, traits)
    return _decide_failed(ended, traits)


def _decide_singly(ended: Ended, traits: Traits) -> Decision:
    if ended.end in tokens.COMPLETE_ENDS:
        return Done()
    too_deep = traits.depth is not None and ended.listed >= traits.depth
    if ended.attempts < ATTEMPTS_MOST and not too_deep:
        return Again()
    if ended.end in tokens.CIRCULAR_ENDS or ended.end == tokens.TOKEN_FORGETS:
        return _without_proof(ended)
    return Lost((finding("window-lost", window=describe(ended.span), reason=ended.end),))


def _without_proof(ended: Ended) -> Done | Lost:
    """A list that nothing proves: unfinished when the provider states more records than came."""
    stated = ended.stated_first if ended.end == tokens.TOKEN_FORGETS else ended.stated_last
    short = stated is not None and stated > ended.distinct
    return Lost((_unproven(ended),)) if short else Done((_unproven(ended),))


def _with_unaccounted(decision: Decision, ended: Ended, traits: Traits) -> Decision:
    """Report what the pages of a window hold that could not be read: what came does not prove that it is all."""
    if not ended.unaccounted or not isinstance(decision, BySet | Done | Lost | Split):
        return decision
    contradicts = any("<resumptionToken> that contradicts" in what for what in ended.unaccounted)
    if contradicts and isinstance(decision, Done) and ended.verb != GET_RECORD and can_split(ended.span, traits):
        return Split(_cut_to_pages(ended, traits), decision.findings)  # a list on one page needs no token
    what = "; ".join(ended.unaccounted)
    named = finding("page-unaccounted", window=describe(ended.span), reason=what, found=ended.distinct)
    return replace(decision, findings=(*decision.findings, named))


def _with_outside(decision: Decision, ended: Ended) -> Decision:
    """Say so when a list that is believed gave records it was not asked for."""
    if not isinstance(decision, Done) or not ended.outside:
        return decision
    outside = finding("records-outside-window", window=describe(ended.span), found=ended.outside)
    return Done((*decision.findings, outside))


def _decide_complete(ended: Ended, traits: Traits) -> Decision:
    if ended.proven:
        return Done()
    differs = ended.stated_last is not None and ended.stated_last != ended.distinct
    if ended.pages <= 1:  # one response is one moment: it cannot be torn by what changes between pages
        return Done(_size_finding(ended) if differs else ())
    if ended.reissued:
        # a token sent twice gives the next page on search-engine scrolls: a page may be missing
        if ended.attempts < ATTEMPTS_MOST:
            return Again()
        if can_split(ended.span, traits):
            return Split(_cut_to_pages(ended, traits))
        return _decide_stuck(ended)
    if ended.stated_first is None:
        return Done()
    if ended.stated_first != ended.stated_last and can_split(ended.span, traits):
        return Split(_cut_to_pages(ended, traits))
    if ended.attempts < 2:
        return Again()
    short = (ended.stated_last or 0) - ended.distinct
    if short >= max(1, min(ended.page_size, ended.distinct // 100)) and can_split(ended.span, traits):
        return Split(_cut_to_pages(ended, traits))
    return Done(_size_finding(ended))


def _decide_circular(ended: Ended, traits: Traits) -> Decision:
    if ended.proven:
        return Done((finding(ended.end, window=describe(ended.span), found=ended.distinct),))
    if can_split(ended.span, traits):
        return Split(_cut_to_pages(ended, traits))
    return _decide_stuck(ended)


def _decide_stuck(ended: Ended) -> Decision:
    """A window of one granule whose tokens cannot be trusted."""
    if ended.attempts < ATTEMPTS_MOST:
        return Again()
    if ended.verb == LIST_RECORDS:
        return Singly()
    return _without_proof(ended)


def _decide_failed(ended: Ended, traits: Traits) -> Decision:
    if traits.barren > (BARREN_MOST if traits.fruitful else BARREN_FIRST):
        return Lost((finding("window-lost", window=describe(ended.span), reason=ended.end),))
    if ended.end in (tokens.TOKEN_EXPIRED, tokens.TOKEN_NO_RECORDS) and ended.attempts < 2:
        return Again()
    if ended.stamps and ended.verb == LIST_RECORDS and (len(ended.stamps) == 1 or ended.named <= SINGLY_MOST):
        return Singly()
    if can_split(ended.span, traits):
        deep = ended.end == tokens.DEPTH_LIMIT or ended.listed >= (traits.depth or traits.target)
        blind = deep and ended.reached is None
        return Split(_cut_to_size(ended, traits) if blind else _halves(ended, traits))
    if ended.attempts < 2:
        return Again()
    if ended.verb == LIST_RECORDS:
        return Singly()
    return Lost((finding("window-lost", window=describe(ended.span), reason=ended.end),))


def _halves(ended: Ended, traits: Traits) -> tuple[Span, ...]:
    """Two windows: with as many records each, where that is known, or of the same length."""
    low, high = _bounds(ended.span, traits)
    border = ended.stamps[len(ended.stamps) // 2] if len(ended.stamps) > 1 else ended.reached
    border = _floor(border, traits) if border is not None else None
    if border == low:  # all that was read has one datestamp: the rest of the window is for itself
        border = low + traits.granule
    if border is None or not low < border <= high:
        return cut(ended.span, 2, traits)
    return (Span(ended.span.from_, border - traits.granule), Span(border, ended.span.until))


def _size_finding(ended: Ended) -> tuple[Finding, ...]:
    return (
        finding("list-size-differs", window=describe(ended.span), expected=ended.stated_last, found=ended.distinct),
    )


def _unproven(ended: Ended) -> Finding:
    short = ended.stated_last is not None and ended.stated_last > ended.distinct
    reason = f"{ended.end}; the provider says {ended.stated_last}" if short else ended.end
    return finding("window-unproven", window=describe(ended.span), reason=reason, found=ended.distinct)


def record_limit(span: Span, traits: Traits) -> int | None:
    """How many records a list may have before its window is cut instead; None: it is read whatever its size."""
    if not can_split(span, traits):
        return None
    return 0 if traits.fit_page else traits.depth or 2 * traits.target


def can_split(span: Span, traits: Traits) -> bool:
    """Whether a window can be cut: the provider honours from and until, and there are two granules or more."""
    return traits.ranges is not False and _granules(span, traits) >= 2


def cut(span: Span, parts: int, traits: Traits) -> tuple[Span, ...]:
    """Cut a window into so many of about equal length (fewer when there are fewer granules).

    Together they cover it without overlap; where it has no bound the first or the last has none either.
    """
    return _cut_evenly(span, max(2, min(parts, 4 * PARTS_MOST)), traits)


def _cut_evenly(span: Span, parts: int, traits: Traits) -> tuple[Span, ...]:
    low, _ = _bounds(span, traits)
    granules = _granules(span, traits)
    parts = max(1, min(parts, granules))
    return _cut_at(span, [low + traits.granule * (granules * n // parts) for n in range(1, parts)], traits)


def _cut_at(span: Span, borders: Sequence[datetime], traits: Traits) -> tuple[Span, ...]:
    """Cut a window before each border; the borders ascend, lie on granules and inside the window."""
    ends = [border - traits.granule for border in borders]
    return tuple(map(Span, [span.from_, *borders], [*ends, span.until]))


def calendar(span: Span, unit: str, traits: Traits) -> tuple[Span, ...]:
    """Cut a window at the borders of calendar days, months or years (`unit`); before 1970 only where it has a bound."""
    low, high = _bounds(span, traits)
    if span.from_ is None:  # a provider whose earliestDatestamp is 0001-01-01 is not asked for 24,000 months
        low = max(low, min(OLDEST, high))
    return _cut_at(span, list(_borders(low, high, unit)), traits)


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


def later(moment: datetime, by: timedelta) -> datetime | None:
    """A moment moved by some time; None outside of the years 1 to 9999, which providers do state."""
    try:
        return moment + by
    except OverflowError:
        return None


def _cut_to_size(ended: Ended, traits: Traits) -> tuple[Span, ...]:
    if traits.fit_page:
        return _cut_to_pages(ended, traits)
    size = ended.stated_last
    parts = math.ceil(size / traits.target) if size else 8
    return cut(ended.span, min(parts, PARTS_MOST), traits)


def _cut_to_pages(ended: Ended, traits: Traits) -> tuple[Span, ...]:
    """Windows that should fit a page each: a response that is whole by itself needs no token."""
    stated = ended.stated_first if ended.end == tokens.TOKEN_FORGETS else ended.stated_last
    return cut_to_pages(ended.span, max(ended.distinct, stated or 0), traits, ended.page_size)


def cut_to_pages(span: Span, records: int, traits: Traits, page_size: int = 0) -> tuple[Span, ...]:
    """Cut a window of so many records into some that should fit a page each."""
    page = max(1, page_size, traits.page_size)
    return cut(span, min(math.ceil(1.5 * records / page), 4 * PARTS_MOST), traits)


def _bounds(span: Span, traits: Traits) -> tuple[datetime, datetime]:
    """Finite bounds of a window, on granules."""
    high = span.until if span.until is not None else traits.newest
    low = span.from_ if span.from_ is not None else min(traits.earliest, high)
    if span.from_ is None and high - low < traits.granule:
        low = min(OLDEST, high)
    return _floor(low, traits), _floor(max(low, high), traits)


def _granules(span: Span, traits: Traits) -> int:
    low, high = _bounds(span, traits)
    return int((high - low) / traits.granule) + 1


def part_of(span: Span, number: int, parts: int, traits: Traits) -> tuple[Span, ...]:
    """The windows of part `number` (from 1) of so many: what `shard=i/n` harvests.

    Parts take turns at the months of the calendar: several machines that start at different times, and so know
    different newest datestamps, still leave nothing between them.
    """
    if parts == 1:
        return (span,)
    pieces = calendar(span, "month", traits)
    starts = [_bounds(piece, traits)[0] for piece in pieces]
    mine = [(start.year * 12 + start.month) % parts == number - 1 for start in starts]
    return tuple(itertools.compress(pieces, mine))


def on_granule(moment: datetime, traits: Traits) -> datetime:
    """The granule that holds a moment."""
    return _floor(moment, traits)


def count_outside(
    rows: Sequence[tuple[str, str, bool, tuple[str, ...]]], span: Span, set_spec: str | None, traits: Traits
) -> int:
    """How many headers a request for this window should not have given, by datestamp or set.

    Datestamps that cannot be read do not count, nor do records whose header names no set at all: some
    providers leave setSpec out.
    """
    low = later(_floor(span.from_, traits), -traits.granule) if span.from_ is not None else None
    high = later(span.until, 2 * traits.granule) if span.until is not None else None
    count = 0
    for _, stamp, _, sets in rows:
        moment = datestamps.parse(stamp) if low is not None or high is not None else None
        early = moment is not None and low is not None and moment < low
        late = moment is not None and high is not None and moment >= high
        inside = set_spec is None or not sets or any(s == set_spec or s.startswith(set_spec + ":") for s in sets)
        count += early or late or not inside
    return count


def _floor(moment: datetime, traits: Traits) -> datetime:
    moment = moment.replace(microsecond=0)
    return moment.replace(hour=0, minute=0, second=0) if traits.granule >= timedelta(days=1) else moment


def describe(span: Span) -> str:
    """A window for people: `2020-01-01T00:00:00Z to 2020-01-31T23:59:59Z`."""
    words = [datestamps.as_argument(bound) if bound else "" for bound in (span.from_, span.until)]
    if not any(words):
        return "the whole list"
    return f"{words[0] or 'the beginning'} to {words[1] or 'the end'}"


@dataclass(slots=True)
class Beginnings:
    """First records of lists, to detect a provider that ignores from and until.

    A record has one datestamp, so it is in one of several disjoint windows. A list that ignores its bounds is never cut
    small enough, and where its datestamps cannot be parsed nothing else shows it.
    """

    seen: dict[tuple[int, str], list[Span]] = field(default_factory=dict)

    def repeats(self, channel: int, identifiers: Sequence[str], span: Span) -> bool:
        """Add the first page of a window. Returns True if half of its first records began enough disjoint windows.

        A part replaces its parent.
        """
        first, again = identifiers[:_FIRST_MOST], 0
        for identifier in first:
            apart = [other for other in self.seen.pop((channel, identifier), ()) if not _overlap(other, span)]
            self.seen[(channel, identifier)] = [*apart, span]
            again += len(apart) + 1 >= _SAME_MOST
        while len(self.seen) > _BEGINNINGS_MOST:
            del self.seen[next(iter(self.seen))]
        return 0 < len(first) <= 2 * again


# A changed record is in two windows at most. Records examined per page, and remembered in total.
_SAME_MOST, _FIRST_MOST, _BEGINNINGS_MOST = 4, 10, 1000


def _overlap(one: Span, other: Span) -> bool:
    before = one.until is not None and other.from_ is not None and one.until < other.from_
    after = one.from_ is not None and other.until is not None and one.from_ > other.until
    return not (before or after)


@dataclass(slots=True)
class Queue:
    """Windows in the order they are to be asked: by channel, then by time; the tail of a channel comes last.

    A record that changes while it is listed moves to a later datestamp, and so to a window not yet asked.
    """

    waiting: list[tuple[tuple[int, int, datetime], int]] = field(default_factory=list)

    def add(self, window: int, channel: int, span: Span, *, tail: bool) -> None:
        """Put a window in its place."""
        self.waiting.append(((channel, int(tail), span.from_ or datetime.min.replace(tzinfo=UTC)), window))
        self.waiting.sort(reverse=True)

    def take(self) -> int | None:
        """The next window, None when none waits."""
        return self.waiting.pop()[1] if self.waiting else None
