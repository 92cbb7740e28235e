"""Decide what becomes of a slice of a search after a walk; does nothing.

A slice is done when as many different records came as its total states, and the total is not one at which the search
may have stopped counting. Otherwise it is listed again, cut where it can be (into slices of one page each: no order of
pages can tear these), gathered over several listings in different pages and orders where it cannot, and reported with
both numbers when all of that does not bring the stated records.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from archive.findings import Finding, finding
from harvester.oaipmh import Again, Decision, Done, Lost, Span, Split, Traits, cutting, datestamps
from harvester.rest.paging import (
    BEYOND,
    CAPPED,
    CURSOR_RECORDS,
    EMPTY,
    GRANULE,
    IGNORED,
    OVERFLOW,
    PAGE_LOST,
    PAGE_REFUSED,
    REPEATED,
    SAMPLED,
    TOO_LARGE,
    Paging,
)
from harvester.rest.search import CURSOR, Asking, Style

# slices are cut to hold some two thirds of the window: what is added meanwhile should still fit
FILLED = 0.7
PARTS_MOST = 16
# slices of one page each are cut out of one that holds some hundred pages at most
PAGES_MOST = 256
ATTEMPTS_MOST = 2
# listings that are gathered where one listing does not bring all
GATHERED_MOST = 4
# a page as large as this is worth asking for, when one page would hold all
PAGE_MOST = 1000
# more pages than these are not read over and over
GATHERED_PAGES_MOST = 200
SETTLE = "harvester audit ARCHIVE --against another list of this repository, such as its OAI-PMH endpoint, settles it"


@dataclass(frozen=True, slots=True)
class Walked:
    """One ended walk through a slice.

    `distinct` are the different records that the ledger counted, those of all listings where they are `gathered`.
    `attempts` counts this one. `tail`: the slice overlaps one that was read before. `follows`: it goes on from the last
    date of another one. `longest` is the number of records of the longest listing so far, `orders` that of the orders
    in which this slice was listed, `steady` whether each listing stated the same total.
    """

    end: str
    span: Span
    paging: Paging
    distinct: int
    attempts: int
    tail: bool = False
    gathered: bool = False
    follows: bool = False
    longest: int = 0
    orders: int = 1
    steady: bool = True

    @property
    def window(self) -> str:
        return cutting.describe(self.span)


def decide(walked: Walked, traits: Traits) -> Decision:
    """Decide what becomes of a slice after one attempt."""
    paging, window, end = walked.paging, walked.window, walked.end
    if end == SAMPLED:
        return Done((finding("sample", found=walked.distinct),))
    if end in (TOO_LARGE, CAPPED):
        return _cut_too_large(walked, traits)
    if end == IGNORED:
        return _decide_ignored(walked)
    if end == PAGE_REFUSED and walked.gathered:
        return _decide_gathered(walked)
    if end in (PAGE_LOST, PAGE_REFUSED):
        return Lost((_lost(window, end),))
    if paging.style.since:
        return _decide_listing(walked)
    if end == OVERFLOW or (end == BEYOND and not paging.in_one_page):
        return _decide_overflown(walked, traits)
    if paging.last_total is None:
        return _decide_without_total(walked, traits)
    if walked.gathered:
        return _decide_gathered(walked)
    if not proven(walked):
        return _decide_short(walked, traits)
    if not paging.suspect:
        repeated = (finding("page-repeated", window=window, found=walked.distinct),) if end == REPEATED else ()
        return Done(repeated)
    if paging.style.turned and paging.pages <= GATHERED_PAGES_MOST:
        return Split((walked.span,))  # in another order, what is hidden at the end comes first
    return Done((_doubt(walked),))


def proven(walked: Walked) -> bool:
    """Whether the records are those that were stated.

    In a slice that is over, records can only leave, and each that does moves another to a page that was read. In one
    that is open, what is added in between is for the next harvest, once it was seen twice that it only grows.
    """
    paging, found = walked.paging, walked.distinct
    if not paging.moved:
        return found == paging.last_total
    first, last = paging.first_total or 0, paging.last_total or 0
    growing = walked.span.until is None and not paging.shrunk and walked.attempts >= ATTEMPTS_MOST
    return growing and found >= first and abs(last - found) <= max(1, last // 100)


def _decide_ignored(walked: Walked) -> Decision:
    note = finding("ranges-ignored", datestamp=walked.window)
    if walked.follows and walked.paging.style.since:
        return Done((note, _unproven(walked, "the list cannot be asked for from its last date on")))
    # what follows a list that ignores dates would only be the same list
    return Done((note,)) if walked.tail else Lost((note, _lost(walked.window, walked.end)))


def _decide_short(walked: Walked, traits: Traits) -> Decision:
    """Other records came than were stated."""
    paging = walked.paging
    cuts = paging.splits and not paging.in_one_page
    torn = walked.end in (EMPTY, REPEATED) or paging.fit
    if cuts and (torn or walked.attempts >= ATTEMPTS_MOST):
        return _cut_torn(walked, traits)
    if walked.attempts < ATTEMPTS_MOST:
        return Again()
    if not paging.in_one_page and paging.pages <= GATHERED_PAGES_MOST:
        return Split((walked.span,))  # the same slice once more, to be gathered
    return Done((_differs(walked),))


def _decide_gathered(walked: Walked) -> Decision:
    paging = walked.paging
    agrees = walked.distinct == paging.last_total and not paging.moved and walked.steady
    if agrees and (not paging.suspect or walked.orders > 1):
        return Done()
    if walked.attempts < GATHERED_MOST:
        return Again()
    if agrees:
        return Done((_doubt(walked),))
    if walked.distinct == paging.last_total:
        return Done((_unproven(walked, "the total is another with each page or listing"),))
    return Done((_differs(walked),))


def _decide_overflown(walked: Walked, traits: Traits) -> Decision:
    """The window of results is used up: what it opens is known now, and slices of less can be asked for."""
    paging = walked.paging
    if paging.splits and paging.listed:
        return _cut_in_parts(walked, traits, 2)
    if paging.last_total is None and paging.listed:
        return Done((_unproven(walked, f"{walked.end}, and no total is stated"),))
    stated = paging.last_total if paging.last_total is not None else paging.listed
    return Lost((finding("search-window-overflow", window=walked.window, expected=stated, found=walked.distinct),))


def _decide_without_total(walked: Walked, traits: Traits) -> Decision:
    """A list that states no total ended with a page that brought nothing."""
    paging = walked.paging
    if paging.splits and (paging.in_one_page or not paging.listed):
        return Done()  # one page that had room for more
    if paging.splits:
        return Split(cut_to_pages(walked, traits), fit_page=True)
    return Done((_unproven(walked, f"no total is stated, and the end was: {walked.end}"),))


def _decide_listing(walked: Walked) -> Decision:
    """A listing without a total, in the order of a date that it can be asked from: its end is where nothing follows."""
    paging, span = walked.paging, walked.span
    if not paging.listed:
        # nothing since a date that is named is an answer; nothing at all may be silence
        return Done(() if span.from_ is not None else (_unproven(walked, "an empty list without a total"),))
    if paging.reached is None or not paging.ascending:
        return Done((_unproven(walked, "no total is stated, and the list is not in the order of its dates"),))
    torn: tuple[Finding, ...] = ()
    if paging.doubled:  # what comes twice has pushed something else out
        if walked.attempts < ATTEMPTS_MOST:
            return Again()
        torn = (_unproven(walked, f"no total is stated, and {paging.doubled} records came on two pages"),)
    last = _midnight(paging.reached)
    if span.from_ is None or last > _midnight(span.from_):
        return Split((Span(last, span.until),), torn)
    # all of it is of one day; a listing that was longer shows that this one was not cut short
    if walked.end in (OVERFLOW, BEYOND):
        return Lost(
            (finding("search-window-overflow", window=walked.window, expected=paging.listed, found=walked.distinct),)
        )
    page_end = walked.distinct % max(paging.size, 1) == 0 or walked.distinct % 100 == 0
    if walked.distinct >= walked.longest and page_end and not paging.in_one_page:
        return Done((_unproven(walked, "no total is stated, and all that came is of one day"), *torn))
    return Done(torn)


# --- cutting


def _cut_too_large(walked: Walked, traits: Traits) -> Decision:
    paging = walked.paging
    most = CURSOR_RECORDS if paging.style.paging == CURSOR else paging.limit or CURSOR_RECORDS
    total = paging.last_total or 0
    if paging.fit and total <= most and not paging.doubtful:
        return Split(cut_to_pages(walked, traits), fit_page=True)
    parts = max(2, min(PARTS_MOST, math.ceil(total / (FILLED * most))))
    return Split(cutting.cut(walked.span, parts, traits))


def _cut_torn(walked: Walked, traits: Traits) -> Decision:
    """Cut a slice that did not bring what it stated: to pages, or in some parts where little is missing in much."""
    paging = walked.paging
    little = abs((paging.last_total or 0) - walked.distinct) <= walked.distinct // 100
    if little and paging.pages > PARTS_MOST and not paging.fit:
        return _cut_in_parts(walked, traits, PARTS_MOST)
    return Split(cut_to_pages(walked, traits), fit_page=True)


def cut_to_pages(walked: Walked, traits: Traits) -> tuple[Span, ...]:
    """Cut a slice between the dates that were seen, so that each part should fit a page."""
    paging = walked.paging
    seen = max(1, len(paging.stamps))
    all_of_seen = max(paging.last_total or 0, walked.distinct, 1) / seen
    each = max(1, math.floor(FILLED * paging.size / max(1.0, all_of_seen)), math.ceil(seen / PAGES_MOST))
    return cut_between(walked.span, paging.stamps, each, traits)


def _cut_in_parts(walked: Walked, traits: Traits, parts: int) -> Decision:
    stamps = walked.paging.stamps
    each = max(1, math.ceil(len(stamps) / parts))
    return Split(cut_between(walked.span, stamps, each, traits), fit_page=walked.paging.fit)


def cut_between(span: Span, stamps: Iterable[datetime], each: int, traits: Traits) -> tuple[Span, ...]:
    """Cut a slice into parts of about `each` of the dates; a second with more of them becomes a part by itself.

    Where the dates say nothing it is cut in two of equal length. Always gives two parts or more, each shorter.
    """
    low, high = span.from_, span.until
    seen = [moment for moment in stamps if (low is None or moment >= low) and (high is None or moment <= high)]
    borders: list[datetime] = []
    filled = 0
    for moment, count in sorted(Counter(seen).items()):
        if (filled and filled + count > each) or count > each:
            if (low is None or moment > low) and (not borders or borders[-1] < moment):
                borders.append(moment)
            filled = 0
        filled += count
        if count > each:
            if high is None or moment < high:
                borders.append(moment + GRANULE)
            filled = 0
    if not borders:
        return cutting.cut(span, 2, traits)
    ends = [border - GRANULE for border in borders]
    return tuple(map(Span, [span.from_, *borders], [*ends, span.until]))


# --- the whole


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a search that leaves out its oldest or newest records, and how many `records` of it are known."""

    span: Span
    records: int
    left_out: int


def part_to_compare(stamps: Sequence[str], whole: Span) -> Part | None:
    """The part of a search to ask the total of, when all of it was read as one list; None where dates do not tell.

    A search that stops counting states the same total for the whole and for the whole but its first records. `stamps`
    are the dates of what was read, in that order: what such a search hides is at its end.
    """
    moments = [moment for moment in map(datestamps.parse, stamps) if moment is not None]
    different = sorted(set(moments))
    if len(different) < 2 or len(moments) < len(stamps):
        return None
    if moments[0] <= moments[-1]:
        span = Span(different[1], whole.until)
        known = sum(moment >= different[1] for moment in moments)
    else:
        span = Span(whole.from_, different[-1] - GRANULE)
        known = sum(moment < different[-1] for moment in moments)
    return Part(span, known, len(moments) - known)


# --- listings that are gathered


def other_asking(asking: Asking, style: Style, attempt: int, total: int | None) -> Asking:
    """Choose how a slice is asked for the n-th time (from 1) when listings are gathered: by other pages and orders."""
    if attempt % GATHERED_MOST == 1:
        return replace(asking, size=max(asking.size, min(total or PAGE_MOST, PAGE_MOST)))
    if attempt % GATHERED_MOST == 2 and style.turned:
        return replace(asking, sort=style.turned)
    if attempt % GATHERED_MOST == 3:
        return replace(asking, size=max(1, asking.size * 2 // 3))
    return asking


# --- findings


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _differs(walked: Walked) -> Finding:
    paging = walked.paging
    expected = paging.last_total if walked.distinct != paging.last_total else paging.first_total
    return finding("list-size-differs", window=walked.window, expected=expected, found=walked.distinct)


def _doubt(walked: Walked) -> Finding:
    return _unproven(walked, f"the search may count no further than {walked.paging.last_total:,}")


def _unproven(walked: Walked, reason: str) -> Finding:
    return finding("window-unproven", window=walked.window, reason=f"{reason}; {SETTLE}", found=walked.distinct)


def _lost(window: str, end: str) -> Finding:
    return finding("window-lost", window=window, reason=end)
