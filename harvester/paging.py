"""A walk through the pages of one slice of a search, and what becomes of the slice then; decides, does nothing.

A slice is a search between two dates. Its total decides first: more than the window of results that the API opens, and
the slice is cut. A slice whose total moved while it was read, or whose records are not as many, is listed once more.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from archive.findings import Finding, finding
from harvester import datestamps, frontier
from harvester.frontier import Decision, Span, Traits
from harvester.search import CURSOR, FIRST, OFFSET, DecodedHits, Style

LISTED = "all pages"
TOO_LARGE = "more than the window"
OVERFLOW = "the window's end"
REPEATED = "page repeated"
IGNORED = "bounds ignored"
SAMPLED = "sample taken"
PAGE_LOST = "page lost"
PAGE_REFUSED = "page refused"

GRANULE = timedelta(seconds=1)
# slices are cut to hold some two thirds of the window: what is added meanwhile should still fit
FILLED = 0.7
PARTS_MOST = 16
# a list by cursor has no end of its window; smaller slices are what a killed run can go on with
CURSOR_RECORDS = 50_000
ATTEMPTS_MOST = 2


@dataclass(slots=True)
class Paging:
    """Where a walk stands. `place` is that of the next page; `limit` the most results that are opened, None any.

    `size` is what is asked for, and after the first page what is really served.
    """

    style: Style
    size: int
    limit: int | None
    splits: bool
    sample: int | None = None
    place: str = ""
    pages: int = 0
    listed: int = 0
    first_total: int | None = None
    last_total: int | None = None
    moved: bool = False
    outside: int = 0
    size_cut: bool = False
    reached: str = ""
    _digests: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.place = FIRST[self.style.paging]

    def take(self, page: DecodedHits, outside: int = 0) -> str | None:
        """Take a page in its order; `outside` of its records lie beyond the slice. Returns how the list ended, or None.

        After None, `place` is that of the page to ask for.
        """
        self.pages, self.listed, self.outside = self.pages + 1, self.listed + page.hits, self.outside + outside
        self._count(page.total)
        self.reached = page.rows[-1][1] if page.rows else self.reached
        if self.pages == 1 and 2 * outside > page.hits:
            return IGNORED
        if page.hits and page.digest in self._digests:
            return REPEATED
        self._digests.add(page.digest)
        if self.pages == 1 and self._too_large():
            return TOO_LARGE
        if self.sample is not None and self.listed >= self.sample:
            return SAMPLED
        return LISTED if not page.hits else self._next(page)

    def _count(self, total: int | None) -> None:
        self.first_total = total if self.pages == 1 else self.first_total
        self.moved = self.moved or total != self.first_total
        self.last_total = total

    def _too_large(self) -> bool:
        most = CURSOR_RECORDS if self.style.paging == CURSOR else self.limit
        total = self.last_total or 0
        return self.splits and self.sample is None and most is not None and total > most

    def _next(self, page: DecodedHits) -> str | None:
        if self.style.paging == CURSOR:
            if page.cursor is None:
                return LISTED
            if page.cursor == self.place:
                return REPEATED
            self.place = page.cursor
            return None
        more = self.last_total is None or self.last_total > self.listed
        if self.pages == 1 and page.hits < self.size and more and self.last_total is not None:
            self.size, self.size_cut = page.hits, True
        if self.style.paging == OFFSET:
            self.place = str(int(self.place) + page.hits)
            return None if more else LISTED
        return self._next_page()

    def _next_page(self) -> str | None:
        """By the size that is served, up to the window's end: (page - 1) * size must lie inside."""
        number = int(self.place)
        if self.last_total is not None and number >= math.ceil(self.last_total / self.size):
            return LISTED
        if self.limit is not None and number * self.size >= self.limit:
            return OVERFLOW
        self.place = str(number + 1)
        return None


def decide(
    end: str, span: Span, paging: Paging, distinct: int, attempts: int, traits: Traits, tail: bool = False
) -> Decision:
    """What becomes of a slice after one attempt; `attempts` counts this one, `distinct` are its different records."""
    window = frontier.describe(span)
    if end == SAMPLED:
        return frontier.Done((finding("sample", found=distinct),))
    if end == TOO_LARGE:
        return frontier.Split(frontier.cut(span, _parts(paging), traits))
    if end == OVERFLOW:
        return _overflown(span, paging, distinct)
    if end == IGNORED:
        note = finding("ranges-ignored", datestamp=window)
        # what follows a list that ignores dates would only be the same list
        return frontier.Done((note,)) if tail else frontier.Lost((note, _lost(window, end)))
    if end in (PAGE_LOST, PAGE_REFUSED):
        return frontier.Lost((_lost(window, end),))
    if _proven(span, paging, distinct):
        return frontier.Done(_repeated(end, window, distinct))
    if attempts < ATTEMPTS_MOST:
        return frontier.Again()
    if paging.last_total is None:
        return frontier.Done((finding("window-unproven", window=window, reason=end, found=distinct),))
    expected = paging.last_total if distinct != paging.last_total else paging.first_total
    return frontier.Done((finding("list-size-differs", window=window, expected=expected, found=distinct),))


def _proven(span: Span, paging: Paging, distinct: int) -> bool:
    """Whether the records are those that were stated.

    In a slice that is over, records can only leave, and each that does moves another to a page that was read. In one
    that is open, what is added in between is for the next harvest.
    """
    if paging.last_total is None:
        return True  # its end was an empty page
    if span.until is None:
        return distinct >= (paging.first_total or 0)
    return distinct == paging.last_total and not paging.moved


def _overflown(span: Span, paging: Paging, distinct: int) -> Decision:
    """The window of results is used up. A list in the order of its dates goes on from the last one."""
    last = datestamps.parse(paging.reached) if paging.style.since else None
    if last is not None and (span.from_ is None or _midnight(last) > span.from_):
        return frontier.Split((Span(_midnight(last), span.until),))
    stated = paging.last_total if paging.last_total is not None else paging.listed
    return frontier.Lost(
        (finding("search-window-overflow", window=frontier.describe(span), expected=stated, found=distinct),)
    )


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _repeated(end: str, window: str, distinct: int) -> tuple[Finding, ...]:
    return (finding("page-repeated", window=window, found=distinct),) if end == REPEATED else ()


def _lost(window: str, end: str) -> Finding:
    return finding("window-lost", window=window, reason=end)


def _parts(paging: Paging) -> int:
    most = CURSOR_RECORDS if paging.style.paging == CURSOR else paging.limit or CURSOR_RECORDS
    return max(2, min(PARTS_MOST, math.ceil((paging.last_total or 0) / (FILLED * most))))


def count_outside(page: DecodedHits, span: Span) -> int:
    """How many records of a page lie beyond the slice that was asked for; a date that cannot be read does not count."""
    if span.from_ is None and span.until is None:
        return 0
    moments = [moment for _, stamp in page.rows if (moment := datestamps.parse(stamp)) is not None]
    return sum(not _inside(moment, span) for moment in moments)


def _inside(moment: datetime, span: Span) -> bool:
    return (span.from_ is None or moment >= span.from_) and (span.until is None or moment <= span.until)
