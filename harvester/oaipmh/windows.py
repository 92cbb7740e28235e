"""Which windows are open, and what becomes of one that ended; decides, does nothing.

A window is a list request between two datestamps. It is believed when its list was walked to its end and
nothing speaks against it; otherwise it is listed again, cut into smaller windows, or, at one granule (a
second, or a day where the provider has no finer), asked for record by record.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from archive.findings import Finding, finding
from harvester.oaipmh import tokens
from harvester.oaipmh.cutting import PARTS_MOST, Span, Traits, can_split, cut, cut_in_two, cut_to_pages, describe

LIST_RECORDS, LIST_IDENTIFIERS, GET_RECORD = "ListRecords", "ListIdentifiers", "GetRecord"

# attempts at one window that cannot be cut, before it is asked record by record
ATTEMPTS_MOST = 3
# records of a window that failed, few enough to be asked for one by one rather than in ever smaller windows
SINGLY_MOST = 8
# windows in a row that brought nothing but failure: the provider is not answering, cutting further is abuse
BARREN_MOST = 200
# before the first record came; the first record of 50 years may be the one that breaks its page, which takes 31 halves
BARREN_FIRST = 80


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
    """Decide what becomes of a window after one attempt."""
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
    """Return whether records of a window that failed, and cannot be cut, can be sought in the repository's sets."""
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
    """Judge a list that nothing proves: unfinished when the provider states more records than came."""
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
    """Decide on a window of one granule whose tokens cannot be trusted."""
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
    """Cut a window in two with as many records each, where that is known, or of the same length."""
    border = ended.stamps[len(ended.stamps) // 2] if len(ended.stamps) > 1 else ended.reached
    return cut(ended.span, 2, traits) if border is None else cut_in_two(ended.span, border, traits)


def _cut_to_size(ended: Ended, traits: Traits) -> tuple[Span, ...]:
    if traits.fit_page:
        return _cut_to_pages(ended, traits)
    size = ended.stated_last
    parts = math.ceil(size / traits.target) if size else 8
    return cut(ended.span, min(parts, PARTS_MOST), traits)


def _cut_to_pages(ended: Ended, traits: Traits) -> tuple[Span, ...]:
    """Cut windows that should fit a page each: a response that is whole by itself needs no token."""
    stated = ended.stated_first if ended.end == tokens.TOKEN_FORGETS else ended.stated_last
    return cut_to_pages(ended.span, max(ended.distinct, stated or 0), traits, ended.page_size)


def _size_finding(ended: Ended) -> tuple[Finding, ...]:
    return (
        finding("list-size-differs", window=describe(ended.span), expected=ended.stated_last, found=ended.distinct),
    )


def _unproven(ended: Ended) -> Finding:
    short = ended.stated_last is not None and ended.stated_last > ended.distinct
    reason = f"{ended.end}; the provider says {ended.stated_last}" if short else ended.end
    return finding("window-unproven", window=describe(ended.span), reason=reason, found=ended.distinct)


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
        """Take the next window, None when none waits."""
        return self.waiting.pop()[1] if self.waiting else None
