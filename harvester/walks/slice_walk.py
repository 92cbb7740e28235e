"""What follows each page and failure of a search, slice by slice; no network, clock or ledger."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from archive.findings import Finding, finding
from archive.store import NOT_MODIFIED, Answer, Outcome, RefusedBody, WindowRow
from harvester.crawl import Batch, WindowEnd
from harvester.crawl.arguments import SearchArguments
from harvester.oaipmh import Again, Decision, Lost, Span, Split, StoredVersions, Traits, cutting
from harvester.rest import (
    CURSOR,
    PAGE_LOST,
    PAGE_REFUSED,
    SIZE_OF_GUESTS,
    Asking,
    Count,
    DecodedHits,
    Paging,
    Style,
    Walked,
    paging,
    search,
    searchends,
)
from harvester.walks.replies import Reply, Unusable

# a slice that no single listing brings whole is counted over all of its listings
VERB, GATHERED = "search", "gathered"
# how deep pages are refused: asked once more they are refused again
TOO_DEEP = frozenset({400, 404, 410, 416, 422})


@dataclass(slots=True)
class SliceWalk:
    """One attempt at a slice; `earlier` is the number of attempts that other processes made.

    `base` is how it is asked, `asking` the same with the size of page that is served.
    """

    window: WindowRow
    span: Span
    attempt: int
    earlier: int
    paging: Paging
    base: Asking
    asking: Asking
    answers: int = 0
    tries: int = 0

    @property
    def gathered(self) -> bool:
        return self.window.verb == GATHERED

    def over(self, end: str) -> WindowEnd:
        """End the walk; its window is decided on when all of its answers are counted."""
        return WindowEnd(
            window=self.window,
            attempt=self.attempt,
            answers=self.answers,
            end=end,
            stated=self.paging.last_total,
            pages=self.paging.pages,
        )


@dataclass(frozen=True, slots=True)
class AskAgain:
    """Ask for the page once more, after a wait."""


@dataclass(frozen=True, slots=True)
class Over:
    """End the walk under this name."""

    end: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Keep the failure and end the walk under this name; `ask_first`: unless the provider does not answer at all."""

    end: str
    ask_first: bool


@dataclass(slots=True)
class SliceRules:
    """The rules that the slices of one run follow, and what these have learned of the search.

    `stated` is the total that a slice stated first, by window. `longest` is the number of records of the longest
    listing, `depth` that after which listings break off, `cap` the total at which the search stops counting. `lost`
    says whether a slice was given up.
    """

    arguments: SearchArguments
    style: Style
    asking: Asking
    traits: Traits
    tries: int = 5
    versions: StoredVersions = field(default_factory=StoredVersions)
    stated: dict[int, int | None] = field(default_factory=dict)
    longest: int = 0
    depth: int | None = None
    cap: int | None = None
    lost: bool = False
    _openings: dict[int, set[tuple[str, ...]]] = field(default_factory=dict)
    _torn: set[int] = field(default_factory=set)

    # --- what is asked

    def begin(self, row: WindowRow, attempt: int, expected: int | None) -> SliceWalk:
        """Begin an attempt at a slice; `expected` is the total of the whole search."""
        span, arguments = Span.parse(row.from_, row.until), self.arguments
        limits = [limit for limit in (arguments.limit, self.depth) if limit is not None]
        base = self.asking
        if row.verb == GATHERED:
            total = self.stated.get(row.window, expected)
            base = searchends.other_asking(base, self.style, attempt - row.attempts, total)
        pages = Paging(
            self.style,
            base.size,
            min(limits, default=None),
            self.style.sliced and cutting.can_split(span, self.traits),
            arguments.sample,
            cap=self.cap,
            fit=row.window in self._torn,
            wary=arguments.mode == "incremental" or arguments.shard is not None,
        )
        return SliceWalk(
            window=row, span=span, attempt=attempt, earlier=row.attempts, paging=pages, base=base, asking=base
        )

    def next_url(self, walk: SliceWalk) -> str:
        """Build the URL of the next page of a walk."""
        walk.asking = replace(walk.base, moments=self.asking.moments, size=walk.paging.size)
        return search.page_url(walk.asking, walk.span, walk.paging.place)

    def smaller(self, body: bytes) -> bool:
        """Ask for smaller pages, or in no order, as a 400 may be about that. Returns whether there is a change."""
        if self.asking.size > SIZE_OF_GUESTS:
            self.asking = replace(self.asking, size=SIZE_OF_GUESTS)
        elif self.asking.sort and b"sort" in body.lower():
            self.asking = replace(self.asking, sort="")
        else:
            return False
        return True

    def begin_smaller(self, walk: SliceWalk, reply: Reply) -> bool:
        """Begin a walk whose first page is refused in smaller pages. Returns whether that is to be tried."""
        first = walk.paging.pages == 0 and not walk.gathered
        if reply.status != 400 or not first or not self.smaller(reply.body):
            return False
        walk.base = self.asking
        walk.paging.size = walk.paging.asked = self.asking.size
        return True

    # --- pages and failures

    def unusable(self, walk: SliceWalk, unusable: Unusable) -> AskAgain | Over | GiveUp:
        """Ask for a page again, in smaller pieces where deep ones end in errors, or give it up."""
        walk.tries += 1
        if walk.paging.probing:  # nothing is said to be there, and so a refusal agrees
            return Over(paging.LISTED)
        deep = walk.paging.pages > 0 and unusable.end == PAGE_REFUSED
        refused = unusable.status in TOO_DEEP and (deep or walk.gathered)
        failed = unusable.status is None or unusable.status >= 500
        if failed and self.style.paging == CURSOR and walk.tries > 1 and walk.paging.size > 10:
            walk.paging.size //= 2
        if walk.tries < self.tries and not refused:
            return AskAgain()
        beyond = deep and (unusable.status or 0) >= 400
        ask_first = unusable.end == PAGE_LOST and walk.paging.pages == 0
        return GiveUp(paging.BEYOND if beyond else unusable.end, ask_first)

    def page(self, walk: SliceWalk, page: DecodedHits) -> str | None:
        """Take a page whose answers were handed on. Returns the name of the end, None when the walk continues."""
        walk.answers, walk.tries = walk.answers + 1 + len(page.refused), 0
        if self.arguments.mode != "census":
            self.versions.take(walk.window, page.stored)
        return walk.paging.take(page, paging.count_outside(page, walk.span, self.style))

    def remarks(self, walk: SliceWalk, url: str, page: DecodedHits, end: str | None) -> list[Finding]:
        """Report what is odd about this provider's pages, and ask for pages of the size that is served."""
        found = []
        if walk.paging.size_cut and not walk.gathered and walk.paging.size < self.asking.size:
            found.append(finding("search-size-cut", expected=self.asking.size, found=walk.paging.size))
            self.asking = replace(self.asking, size=walk.paging.size)
        linked = self.style.next is not None and self.style.paging != CURSOR and page.next is not None
        if end is None and linked and not self._leads_on(walk, page):
            found.append(finding("next-link-lies", url=url, expected=page.total))
        return found

    def _leads_on(self, walk: SliceWalk, page: DecodedHits) -> bool:
        """Return whether the link to the next page is what was reckoned."""
        found = search.next_page(page.next) if page.next else None
        return found == (urlsplit(self.asking.url).netloc.lower(), walk.paging.place)

    # --- what is kept

    def answers(self, walk: SliceWalk, reply: Reply, page: DecodedHits, at: str) -> Batch:
        """Build the answers of a page: its records, and each hit that is none."""
        common: dict[str, Any] = {
            "channel": walk.window.channel,
            "window": walk.window.window,
            "attempt": walk.attempt,
            "url": reply.url,
            "state": "read",
            "http_status": reply.status,
            "attempts": walk.tries + 1,
            "at": at,
        }
        census = self.arguments.mode == "census"
        outcomes = [
            Outcome(name, stamp, "read", NOT_MODIFIED if place in page.left_out else None)
            for place, (name, stamp) in enumerate(page.rows)
        ]
        records = Answer(
            **common,
            reason=None,
            listed=len(page.rows),
            notes=_notes(page),
            bare=census,
            outcomes=outcomes,
            payload=() if census else page.payload,
        )
        refused = [
            Answer(
                **common,
                reason=hit.reason,
                listed=1,
                outcomes=[Outcome(hit.name, None, "refused", hit.reason)],
                refused=RefusedBody(
                    url=reply.url, http_status=reply.status, headers=(), body=hit.body, retrieved=at, reason=hit.reason
                ),
                refused_identifier=hit.name,
                bare=True,
            )
            for hit in page.refused
        ]
        return Batch([records, *refused])

    def failure(self, walk: SliceWalk, url: str, unusable: Unusable, at: str) -> Answer:
        """Build the answer for a page that no try brought."""
        return Answer(
            channel=walk.window.channel,
            window=walk.window.window,
            attempt=walk.attempt,
            url=url,
            state="lost" if unusable.end == PAGE_LOST else "refused",
            http_status=unusable.status,
            reason=unusable.reason,
            attempts=walk.tries,
            at=at,
            bare=True,
            refused=unusable.refused_body(url, at),
        )

    # --- what becomes of a slice, and of the whole

    def decide(self, walk: SliceWalk, end: str, distinct: int, *, tail: bool) -> Decision:
        """Decide on a slice, with the number of different records that the ledger counted."""
        window = walk.window.window
        before = self.stated.setdefault(window, walk.paging.last_total)
        openings = self._openings.setdefault(window, set())
        openings.add(walk.paging.opening)
        walked = Walked(
            end,
            walk.span,
            walk.paging,
            distinct,
            walk.attempt - walk.earlier,
            tail=tail,
            gathered=walk.gathered,
            follows=walk.window.parent is not None,
            longest=self.longest,
            orders=len(openings),
            steady=before == walk.paging.last_total,
        )
        return searchends.decide(walked, self.traits)

    def settle(self, walk: SliceWalk, end: str, decision: Decision, children: Sequence[WindowRow]) -> None:
        """Take what a slice that was decided on shows for those that follow."""
        again = isinstance(decision, Again)
        self.versions.end_attempt(walk.window, children, again=again)
        if not again:
            self._openings.pop(walk.window.window, None)
        self.longest = max(self.longest, walk.paging.distinct)
        torn = end in (paging.BEYOND, paging.EMPTY) and not walk.paging.in_one_page
        if torn and walk.paging.splits and walk.paging.listed:
            self.depth = min(self.depth or walk.paging.listed, walk.paging.listed)
        if isinstance(decision, Split) and decision.fit_page:
            self._torn.update(child.window for child in children)
        self.stated.update((child.window, walk.paging.last_total) for child in children)
        self.lost = self.lost or isinstance(decision, Lost)

    def is_whole(self) -> bool:
        """Return whether the run listed everything; a custom query finds less than an earlier run may have held."""
        given = self.arguments
        bounded = given.from_ is not None or given.until is not None or given.shard is not None
        own = given.query != given.endpoint.query
        return given.mode == "full" and not (bounded or own) and given.sample is None and not self.lost

    def compare(self, stated: Count | None, found: int, *, cut: bool, ignored: bool) -> Finding:
        """Report how the total of the whole differs from its slices; `ignored`: a slice was not honoured."""
        name = "all slices together"
        if stated is None or stated.value == found:
            why = (
                "no record came, and no total is stated" if stated is None else f"it may count no further than {found}"
            )
            return finding("window-unproven", window=name, found=found, reason=f"{why}; {searchends.SETTLE}")
        counts_no_further = not stated.exact or stated.value in (self.cap, self.arguments.limit)
        if cut and not ignored and counts_no_further and found >= stated.value:
            return finding("search-total-capped", expected=stated.value, found=found)
        return finding("list-size-differs", window=name, expected=stated.value, found=found)


def _notes(page: DecodedHits) -> list[Finding]:
    """Make one finding a page and kind of problem, naming the first record."""
    notes = []
    if page.problem is not None and page.rows:
        code, reason = page.problem
        notes.append(finding(code, identifier=page.rows[0][0], found=len(page.rows), reason=reason))
    if page.refused:
        first = page.refused[0]
        notes.append(finding("ids-refused", identifier=first.name, found=len(page.refused), reason=first.reason))
    twice = [name for name, count in Counter(name for name, _ in page.rows).items() if count > 1]
    if twice:
        notes.append(finding("hit-twice", identifier=twice[0], found=len(twice)))
    return notes
