"""One list request and its resumption tokens as a state machine: pages in, "go on" or a named end out.

Section 3.5 of OAI-PMH 2.0 ends a list with a response without a token or with an empty one. Providers end
theirs in other ways as well; each way has a name here, and the name reaches the ledger.
"""

from dataclasses import dataclass, field

# ends of a list that was walked to where the provider says it ends
NO_RECORDS = "no-records"  # noRecordsMatch: the protocol's way to send an empty list
LIST_COMPLETE = "list-complete"  # no token element: a list in one response, or a provider that leaves it out
EMPTY_TOKEN = "empty-token"  # noqa: S105 - the end the protocol asks for after a token
LAST_PAGE_EMPTY = "last-page-empty"  # a token although nothing followed

SAMPLE_TAKEN = "sample-taken"  # as many records came as the sample was to have

# ends of a walk in circles: whether the list is whole, only its stated size can tell
TOKEN_REPEATED = "token-repeated"  # noqa: S105 - the token that came is the token that was sent
TOKEN_LOOP = "token-loop"  # noqa: S105 - a token that was sent before
PAGE_REPEATED = "page-repeated"  # the records of an earlier page under a new token
EMPTY_PAGES = "empty-pages"  # one page without records after the other, each with a token
ENDLESS = "endless"  # far more than the list was said to hold, and still a token

# ends that are failures
TOKEN_EXPIRED = "token-expired"  # noqa: S105 - badResumptionToken
TOKEN_NO_RECORDS = "token-no-records"  # noqa: S105 - noRecordsMatch in response to a token: not an end of a list
TOKEN_FORGETS = "token-forgets"  # noqa: S105 - the token's pages are of a larger list: from, until or set are lost
PAGE_LOST = "page-lost"  # no answer after all tries
PAGE_REFUSED = "page-refused"  # answers came, none was usable: an error status
PAGE_UNREADABLE = "page-unreadable"  # answers came, none was one whole response
DEPTH_LIMIT = "depth-limit"  # 5xx, deep in the list: many providers cannot page past some 10,000 records
TOO_LARGE = "too-large"  # more records than one window should hold

# the provider refuses the question itself: what becomes of it is decided by whoever asked, and no list was cut short
QUESTION_REFUSED = "question-refused"

COMPLETE_ENDS = frozenset({NO_RECORDS, LIST_COMPLETE, EMPTY_TOKEN, LAST_PAGE_EMPTY})
CIRCULAR_ENDS = frozenset({TOKEN_REPEATED, TOKEN_LOOP, PAGE_REPEATED, EMPTY_PAGES, ENDLESS})
FAILED_ENDS = frozenset({TOKEN_EXPIRED, TOKEN_NO_RECORDS, PAGE_LOST, PAGE_REFUSED, PAGE_UNREADABLE, DEPTH_LIMIT})

# 50 empty pages in a row: LIBRIS sends dozens before its records come (libris/librisxl#1812)
EMPTY_PAGES_MOST = 200
# a list may grow while it is read, but not to twice its size and a good many pages more
ENDLESS_FACTOR, ENDLESS_PAGES = 2, 50
# without a stated size, or with one that grows as fast, only this ends a list whose tokens and pages never repeat
PAGES_MOST = 2_000_000


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What the state machine needs of a page. `listed` counts its headers; `digest` is over identifiers and
    datestamps; `outside` counts headers that the request should not have given (datestamp or set); `foreign`
    is set when a question of its own showed that the page is of another list."""

    listed: int
    token: str | None
    has_token_element: bool
    digest: bytes
    stated: int | None = None
    outside: int = 0
    foreign: bool = False


@dataclass(slots=True)
class TokenChain:
    """The pages of one attempt at a list, in order.

    `limit` is the number of records after which a longer list is given up as too large, None for no limit.
    """

    limit: int | None = None
    pages: int = 0
    listed: int = 0
    page_size: int = 0
    stated_first: int | None = None
    stated_last: int | None = None
    token: str | None = None
    _sent: set[int] = field(default_factory=set)
    _digests: set[bytes] = field(default_factory=set)
    _empty: int = 0
    _outside_before: bool = False

    def take(self, page: PageFacts) -> str | None:
        """Take the next page. Returns the name of the end, or None when `token` is to be sent next."""
        sent, self.token = self.token, page.token
        self.pages += 1
        forgets = self._forgets(page)
        repeated = page.listed > 0 and page.digest in self._digests
        self._remember(page)
        if forgets:
            return TOKEN_FORGETS
        if page.token is None:
            return self._end_of_list(page)
        if page.token == sent:
            return TOKEN_REPEATED
        if hash(page.token) in self._sent:
            return TOKEN_LOOP
        self._sent.add(hash(page.token))
        if repeated:
            return PAGE_REPEATED
        return self._too_much(page)

    def _remember(self, page: PageFacts) -> None:
        self.listed += page.listed
        self.page_size = max(self.page_size, page.listed)
        self._digests.add(page.digest)
        self._outside_before = self._outside_before or page.outside > 0
        if page.stated is not None:
            if self.stated_first is None:
                self.stated_first = page.stated
            self.stated_last = page.stated

    def _forgets(self, page: PageFacts) -> bool:
        """Whether this page is of a larger list than the first one was: its token lost from, until or set."""
        if self.pages == 1:
            return False
        if page.foreign or (page.outside and not self._outside_before):
            return True
        before, now = self.stated_last, page.stated
        return before is not None and now is not None and 2 * now > 3 * before + 4 * self.page_size

    def _end_of_list(self, page: PageFacts) -> str:
        if self.pages == 1:
            return LIST_COMPLETE if page.listed else NO_RECORDS
        if not page.listed:
            return LAST_PAGE_EMPTY
        return EMPTY_TOKEN if page.has_token_element else LIST_COMPLETE

    def _too_much(self, page: PageFacts) -> str | None:
        self._empty = 0 if page.listed else self._empty + 1
        if self._empty > EMPTY_PAGES_MOST:
            return EMPTY_PAGES
        most = ENDLESS_FACTOR * (self.stated_last or 0) + ENDLESS_PAGES * max(1, self.page_size)
        if self.pages >= PAGES_MOST or (self.stated_last is not None and self.listed > most):
            return ENDLESS
        size = max(self.listed + 1, self.stated_last or 0)
        return TOO_LARGE if self.limit is not None and size > self.limit else None
