"""One attempt at a window: where it stands, what was asked for it, and what an answer without records means."""

import asyncio
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from scrapy.exceptions import DownloadCancelledError, DownloadTimeoutError, IgnoreRequest
from scrapy.http import Response
from twisted.python.failure import Failure

from archive.findings import Finding, finding
from archive.formats import jsonseq
from archive.store import RefusedBody, WindowRow, contradictions
from harvester.crawl import WindowEnd
from harvester.errors import MalformedPage
from harvester.frontier import GET_RECORD, LIST_IDENTIFIERS, LIST_RECORDS, Ended, Span
from harvester.http import as_declared
from harvester.oaipmh import NO_RECORD, AsSent, add_up, datestamps, hints, protocolerrors, tokens
from harvester.rest import answers as bodies
from spiders.base import now_text

STATE_BY_STATUS = {401: "forbidden", 403: "forbidden", 404: "absent", 410: "deleted"}
SECRET_HEADERS = (b"set-cookie", b"authorization")


@dataclass(frozen=True, slots=True)
class Channel:
    """One list of the repository that is stored and counted apart; `sent_set` is the set as it is asked for."""

    number: int
    prefix: str
    set_spec: str | None
    sent_as: str | None = None

    @property
    def sent_set(self) -> str | None:
        return self.set_spec if self.sent_as is None else AsSent(self.sent_as)


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why an answer does not count: `end` is the name the window gets when no try brings a better one.

    `code` is the protocol's error code, None when the answer is not such an error.
    """

    end: str
    reason: str
    status: int | None = None
    response: Response | None = None
    code: str | None = None


@dataclass(slots=True)
class Walk:
    """The pages of one attempt, in order; `turn` lets pages that were decoded early wait for those before them.

    `attempt` is its number in the ledger, `earlier` the number of those that other processes made. `first` is the
    (identifier, datestamp) of its first record.
    """

    window: WindowRow
    channel: Channel
    span: Span
    attempt: int
    earlier: int
    chain: tokens.TokenChain
    answers: int = 0
    tries: int = 0
    judged: int = 0
    posts: bool = False
    end: str | None = None
    reissued: bool = False
    outside: int = 0
    unaccounted: list[str] = field(default_factory=list)
    asked_ahead: dict[int, str] = field(default_factory=dict)
    turn: asyncio.Condition = field(default_factory=asyncio.Condition)
    names: dict[str, None] = field(default_factory=dict)
    settled: int = 0
    unreadable: set[tuple[int | str, str]] = field(default_factory=set)
    ascending: bool = True
    last_stamp: str = ""
    stamps: tuple[datetime, ...] = ()
    named: int = 0
    first: tuple[str, str] | None = None
    first_page: frozenset[str] = frozenset()

    @property
    def verb(self) -> str:
        """The verb of its list: names come first where records are asked for one by one."""
        return LIST_IDENTIFIERS if self.window.verb == GET_RECORD else self.window.verb

    @property
    def bare(self) -> bool:
        """Whether its pages carry no records: a census, or the names for GetRecord."""
        return self.verb != LIST_RECORDS

    def follow(self, stamps: Sequence[str]) -> None:
        """Watch whether the list comes in the order of its datestamps."""
        ordered = all(a <= b and len(a) == len(b) for a, b in itertools.pairwise(stamps))
        if stamps:
            self.ascending = self.ascending and ordered and self.last_stamp <= stamps[0]
            self.last_stamp = stamps[-1]

    @property
    def reached(self) -> datetime | None:
        """The datestamp up to which an ascending list was read, None when nothing can be said."""
        return datestamps.parse(self.last_stamp) if self.ascending and self.last_stamp else None

    def hopeless(self, asked: int | str, unusable: Unusable) -> bool:
        """Whether another try would bring the same: a token that is gone, or one whole answer twice that is unreadable
        or blames the request itself.

        `asked` is the number of the page, or the identifier of the record.
        """
        if unusable.end in (tokens.TOKEN_EXPIRED, tokens.TOKEN_NO_RECORDS):
            return True
        if unusable.response is None:
            return False
        if unusable.end == tokens.PAGE_UNREADABLE:
            whole = hints.ends_whole(bytes(unusable.response.body))
        else:
            whole = unusable.code in protocolerrors.DETERMINISTIC
        again = whole and (asked, unusable.reason) in self.unreadable
        self.unreadable.add((asked, unusable.reason))
        return again

    def over(self) -> WindowEnd:
        """The walk as the frontier decides on it; what it listed is counted by the ledger."""
        chain = self.chain
        ended = Ended(
            self.span,
            self.window.verb,
            self.end or "",
            self.attempt - self.earlier,
            chain.listed,
            0,
            chain.pages,
            chain.page_size,
            chain.stated_first,
            chain.stated_last,
            self.reissued,
            self.stamps,
            self.named,
            self.reached,
            self.outside,
            self.channel.set_spec is not None,
            add_up(self.unaccounted),
        )
        # the size that a foreign page states is that of another list
        stated = chain.stated_first if ended.end == tokens.TOKEN_FORGETS else ended.stated_last
        return WindowEnd(self.window, self.attempt, self.answers, ended.end, stated, ended.pages, ended)


def no_answer(failure: Failure) -> Unusable:
    """What the downloader raised."""
    if isinstance(failure.value, DownloadTimeoutError):
        return Unusable(tokens.PAGE_LOST, "timed out")
    # the second: a body of more than DOWNLOAD_MAXSIZE bytes, as sent
    if isinstance(failure.value, IgnoreRequest | DownloadCancelledError):
        return Unusable(tokens.PAGE_REFUSED, str(failure.value))
    return Unusable(tokens.PAGE_LOST, f"{type(failure.value).__name__}: {failure.getErrorMessage()}"[:300])


def record_state(unusable: Unusable) -> str:
    """The end state of an id whose GetRecord brought no record."""
    if unusable.reason.startswith(NO_RECORD):
        return "absent"
    if unusable.status in STATE_BY_STATUS and unusable.end == tokens.PAGE_REFUSED:
        return STATE_BY_STATUS[unusable.status]
    return "lost" if unusable.end == tokens.PAGE_LOST else "refused"


def gone_record(name: str, format_: str, url: str, unusable: Unusable) -> tuple[tuple[bytes, int], ...]:
    """The tombstone of a record that GetRecord answers with 410, framed: what was said of it is kept."""
    assert unusable.response is not None
    media_type = (unusable.response.headers.get("Content-Type") or b"").decode("latin-1")
    try:
        body = plain_body(unusable.response)
    except MalformedPage:  # what is kept of a tombstone need not be readable
        body = bytes(unusable.response.body)
    _, text = bodies.tombstone(bodies.Received(name, url, 410, media_type, "", "", body), format_, now_text())
    return ((jsonseq.encode(text), 1),)


def refused_body(unusable: Unusable, url: str) -> RefusedBody | None:
    """What goes into quarantine; None when there was no body."""
    response = unusable.response
    if response is None:
        return None
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in values
        if name.lower() not in SECRET_HEADERS
    )
    return RefusedBody(url, response.status, headers, bytes(response.body), now_text(), unusable.reason)


def scanned(unusable: Unusable) -> list[tuple[str, str]]:
    """(identifier, datestamp) in an unreadable list of names; none when it cannot be taken for whole."""
    if unusable.response is None or unusable.end != tokens.PAGE_UNREADABLE:
        return []
    sent = dict(parse_qsl(urlsplit(unusable.response.url).query)).get("resumptionToken")
    return hints.scan_headers(plain_body(unusable.response), sent) or []


def plain_body(response: Response) -> bytes:
    """The body, unpacked where a provider sends gzip without saying so, in a charset that its document shows.

    Raises MalformedPage when it is cut short.
    """
    coding, media_type = (
        (response.headers.get(name) or b"").decode("latin-1") for name in ("Content-Encoding", "Content-Type")
    )
    try:
        body = bodies.unpacked(bytes(response.body), coding, undeclared=True)
    except bodies.Unusable as cause:
        raise MalformedPage(str(cause)) from cause
    return as_declared(body, media_type)


def notes_of(problems: Iterable[tuple[str, str, str]]) -> list[Finding]:
    """One finding for each kind of problem that came together, naming the first record; each outcome names its own.

    Impossible datestamps are counted at the end of the run: a record may come on several pages.
    """
    first: dict[str, tuple[str, str, int]] = {}
    for identifier, code, reason in problems:
        if code == contradictions.IMPOSSIBLE:
            continue
        name, why, count = first.get(code, (identifier, reason, 0))
        first[code] = (name, why, count + 1)
    return [finding(code, identifier=name, found=count, reason=why) for code, (name, why, count) in first.items()]
