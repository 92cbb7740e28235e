"""Walk the pages of one slice of a search; decide only which page comes next and how the list ended.

A slice is a search between two dates. Its stated total says where the list should end, and is not believed further
than that: a full page at the stated end is followed by another question, pages without anything new in the middle are
passed over, and a list without a total ends with a page that brings nothing. What an end proves is decided in
`harvester.rest.searchends`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from harvester.frontier import Span
from harvester.oaipmh import datestamps
from harvester.rest.search import CURSOR, FIRST, OFFSET, DecodedHits, Style

LISTED = "all pages"
TOO_LARGE = "more than the window"
OVERFLOW = "the window's end"
REPEATED = "page repeated"
EMPTY = "pages without records"
BEYOND = "deeper pages refused"
CAPPED = "the end of what is counted"
IGNORED = "bounds ignored"
SAMPLED = "sample taken"
PAGE_LOST = "page lost"
PAGE_REFUSED = "page refused"

GRANULE = timedelta(seconds=1)
# a list by cursor has no end of its window; smaller slices are what a killed run can go on with
CURSOR_RECORDS = 50_000
# pages in a row without anything new, though the total says that there is more; a slice that can be cut needs fewer
STALE_MOST, STALE_MOST_OF_SLICES = 10, 2
# where a search stops counting is a round number
ROUND = 1000
# records by which the order of a list is known
OPENING = 3


@dataclass(slots=True)
class Paging:
    """State of one walk. `place` is that of the next page.

    `size` is what is asked for, and after the first page what is really served. `limit` is the most results that are
    opened (None: any), `cap` the total at which the search was seen to stop counting. `fit` slices are cut until each
    is one page, `wary` ones when their total is a round number. `probing`: the next page lies behind the stated end.
    """

    style: Style
    size: int
    limit: int | None
    splits: bool
    sample: int | None = None
    cap: int | None = None
    fit: bool = False
    wary: bool = False
    place: str = ""
    asked: int = 0
    pages: int = 0
    listed: int = 0
    first_hits: int = 0
    first_total: int | None = None
    last_total: int | None = None
    exact: bool = True
    moved: bool = False
    shrunk: bool = False
    doubled: int = 0
    repeats: int = 0
    outside: int = 0
    size_cut: bool = False
    probing: bool = False
    opening: tuple[str, ...] = ()
    ascending: bool = True
    reached: datetime | None = None
    stamps: list[datetime] = field(default_factory=list)
    _stale: int = 0
    _names: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.place, self.asked = FIRST[self.style.paging], self.size

    @property
    def distinct(self) -> int:
        """Different records of this walk."""
        return len(self._names)

    @property
    def in_one_page(self) -> bool:
        """Whether the first page, which had room for more, had all that came: one response is one moment.

        One that came again says nothing of its room, unless the total would fit in it as well.
        """
        fits = not self.repeats or (self.last_total is not None and self.last_total <= self.asked)
        return fits and self.distinct == self.first_hits < self.asked

    def take(self, page: DecodedHits, outside: int = 0) -> str | None:
        """Take a page in its order; `outside` of its records lie beyond the slice. Returns how the list ended, or None.

        After None, `place` is that of the page to ask for.
        """
        self.pages, self.listed, self.outside = self.pages + 1, self.listed + page.hits, self.outside + outside
        self.probing = False
        self._count(page)
        self._follow_dates(page)
        new = self._add_names(page)
        fresh = new > 0
        self.doubled += page.hits - new if fresh else 0
        self._stale = 0 if fresh else self._stale + 1
        self.repeats += page.hits > 0 and not fresh
        if self.pages == 1:
            self.first_hits = page.hits
            if 2 * outside > page.hits:
                return IGNORED
            self.opening = tuple(name for name, _ in page.rows[:OPENING])
            if self._too_large(page):
                return CAPPED if self._capped else TOO_LARGE
        if self.sample is not None and self.listed >= self.sample:
            return SAMPLED
        if self.style.paging == CURSOR:
            return self._next_cursor(page, fresh)
        return self._next_place(page, fresh)

    def _count(self, page: DecodedHits) -> None:
        """Take the total of a page; pages that state none leave it as it was."""
        self.exact = self.exact and page.exact
        if page.total is None:
            return
        if self.first_total is None:
            self.first_total = page.total
        self.moved = self.moved or page.total != self.first_total
        self.shrunk = self.shrunk or page.total < (self.last_total or 0)
        self.last_total = page.total

    def _follow_dates(self, page: DecodedHits) -> None:
        texts = page.dates if self.style.since else [stamp for _, stamp in page.rows] if self.splits else ()
        for moment in map(datestamps.parse, texts):
            if moment is None:
                continue
            if self.splits:
                self.stamps.append(moment)
            # only days can be asked for where lists go on from the last date
            self.ascending = self.ascending and (self.reached is None or moment.date() >= self.reached.date())
            self.reached = moment if self.reached is None else max(self.reached, moment)

    def _add_names(self, page: DecodedHits) -> int:
        """How many records of a page no page before had."""
        known = len(self._names)
        self._names.update(hash(name) for name, _ in page.rows)
        self._names.update(hash((hit.name, hit.body)) if hit.named else hash(hit.body) for hit in page.refused)
        return len(self._names) - known

    def _too_large(self, page: DecodedHits) -> bool:
        if not self.splits or self.sample is not None or self.last_total is None:
            return False
        if page.hits < self.size and page.hits >= self.last_total:
            return False  # all of it, in a page that had room for more
        fit = self.fit and page.hits >= self.size and self.last_total > page.hits
        total, cursor = self.last_total, self.style.paging == CURSOR
        most = CURSOR_RECORDS + 1 if cursor else self.limit
        if self.doubtful or (most is not None and total >= most) or (self.wary and is_round(total)):
            return True
        return fit

    @property
    def doubtful(self) -> bool:
        """Whether the total may be where the search stops counting."""
        if self.last_total is None or (self.in_one_page and self.distinct >= self.last_total):
            return False
        at_window = self.style.paging != CURSOR and self.limit is not None and self.last_total == self.limit
        return not self.exact or at_window or self._capped

    @property
    def suspect(self) -> bool:
        """Whether the total is doubtful, or nothing but another order of the list could show that it is."""
        round_total = self.last_total is not None and is_round(self.last_total)
        return self.doubtful or (not self.style.sliced and round_total)

    @property
    def _capped(self) -> bool:
        return self.cap is not None and (self.last_total or 0) >= self.cap

    def _next_cursor(self, page: DecodedHits, fresh: bool) -> str | None:
        if page.cursor is None:
            return LISTED
        if page.cursor == self.place or (page.hits and not fresh):
            return REPEATED
        if not page.hits and (self._ended(self.distinct) or self._stale > self._stale_most):
            return LISTED if self._ended(self.distinct) else EMPTY
        self.place = page.cursor
        return None

    def _next_place(self, page: DecodedHits, fresh: bool) -> str | None:
        """By the size that is served, up to the window's end: (page - 1) * size must lie inside."""
        if self.pages == 1 and 0 < page.hits < self.size and self.last_total != page.hits:
            # fewer are served than were asked for, or the list is over: the next page is right either way
            self.size = page.hits
        elif self.pages == 2 and fresh and self.size < self.asked:
            self.size_cut = True
        passed = self._passed(page)
        if self._ended(passed):
            if not fresh or page.hits < self.size:
                return LISTED
            self.probing = self.last_total is not None
        elif not fresh and (self.last_total is None or self._stale > self._stale_most):
            return LISTED if self.last_total is None and not page.hits else REPEATED if page.hits else EMPTY
        if self.limit is not None and passed >= self.limit:
            return LISTED if self._ended(passed) else OVERFLOW
        self.place = str(passed if self.style.paging == OFFSET else int(self.place) + 1)
        return None

    def _passed(self, page: DecodedHits) -> int:
        """How many results lie before the next page."""
        if self.style.paging == OFFSET:
            return int(self.place) + (page.hits or self.size)
        return int(self.place) * self.size

    def _ended(self, passed: int) -> bool:
        """Whether the stated total was reached."""
        return self.last_total is not None and passed >= self.last_total

    @property
    def _stale_most(self) -> int:
        return STALE_MOST_OF_SLICES if self.splits else STALE_MOST


def is_round(total: int) -> bool:
    """Whether a total looks like the number at which a search stops counting."""
    return total >= ROUND and total % ROUND == 0


def count_outside(page: DecodedHits, span: Span, style: Style | None = None) -> int:
    """How many records of a page lie beyond the slice that was asked for; a date that cannot be read does not count."""
    if span.from_ is None and span.until is None:
        return 0
    by_day = style is not None and style.since
    texts = page.dates if by_day else [stamp for _, stamp in page.rows]
    moments = [moment for text in texts if (moment := datestamps.parse(text)) is not None]
    if by_day:
        return sum(span.from_ is not None and moment.date() < span.from_.date() for moment in moments)
    return sum(not _inside(moment, span) for moment in moments)


def _inside(moment: datetime, span: Span) -> bool:
    return (span.from_ is None or moment >= span.from_) and (span.until is None or moment <= span.until)
