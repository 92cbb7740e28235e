"""One attempt at a window: where it stands, what was asked for it, and what a reply without records means."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from archive.store import WindowRow
from harvester.crawl import WindowEnd
from harvester.oaipmh import (
    GET_RECORD,
    LIST_IDENTIFIERS,
    LIST_RECORDS,
    NO_RECORD,
    AsSent,
    Ended,
    Row,
    Span,
    add_up,
    datestamps,
    hints,
    protocolerrors,
    tokens,
)
from harvester.walks.replies import Unusable

STATE_BY_STATUS = {401: "forbidden", 403: "forbidden", 404: "absent", 410: "deleted"}


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


@dataclass(slots=True)
class Walk:
    """The pages of one attempt, in order.

    `attempt` is its number in the ledger, `earlier` the number of those that other processes made. `tail` says whether
    its window is the tail of its channel, or a part of it. `first` is the (identifier, datestamp) of its first record.
    """

    window: WindowRow
    channel: Channel
    span: Span
    attempt: int
    earlier: int
    chain: tokens.TokenChain
    tail: bool = False
    answers: int = 0
    tries: int = 0
    judged: int = 0
    posts: bool = False
    end: str | None = None
    reissued: bool = False
    outside: int = 0
    unaccounted: list[str] = field(default_factory=list)
    asked_ahead: dict[int, str] = field(default_factory=dict)
    names: dict[str, None] = field(default_factory=dict)
    settled: int = 0
    unreadable: set[tuple[int | str, str]] = field(default_factory=set)
    ascending: bool = True
    last_stamp: str = ""
    stamps: tuple[datetime, ...] = ()
    named: int = 0
    first: Row | None = None
    first_page: frozenset[str] = frozenset()

    @property
    def verb(self) -> str:
        """The verb of its list: names come first where records are asked for one by one."""
        return LIST_IDENTIFIERS if self.window.verb == GET_RECORD else self.window.verb

    @property
    def bare(self) -> bool:
        """Whether its pages carry no records: a census, or the names for GetRecord."""
        return self.verb != LIST_RECORDS

    @property
    def reached(self) -> datetime | None:
        """The datestamp up to which an ascending list was read, None when nothing can be said."""
        return datestamps.parse(self.last_stamp) if self.ascending and self.last_stamp else None

    def is_due(self, number: int, token: str | None) -> bool:
        """Return whether a page, all those before it being judged, belongs to this walk as it went."""
        return self.end is None and (number == 1 or token == self.chain.token)

    def begin_with(self, rows: Sequence[Row]) -> None:
        """Remember the first page, to tell it from those of other lists."""
        self.first = rows[0]
        self.first_page = frozenset(row.identifier for row in rows)

    def follow(self, stamps: Sequence[str]) -> None:
        """Watch whether the list comes in the order of its datestamps."""
        ordered = all(a <= b and len(a) == len(b) for a, b in itertools.pairwise(stamps))
        if stamps:
            self.ascending = self.ascending and ordered and self.last_stamp <= stamps[0]
            self.last_stamp = stamps[-1]

    def hopeless(self, asked: int | str, unusable: Unusable) -> bool:
        """Return whether another try would bring the same.

        A token that is gone would, and so would a reply that came whole and twice and is unreadable or blames the
        request itself. `asked` is the number of the page, or the identifier of the record.
        """
        if unusable.end in (tokens.TOKEN_EXPIRED, tokens.TOKEN_NO_RECORDS):
            return True
        if unusable.reply is None:
            return False
        if unusable.end == tokens.PAGE_UNREADABLE:
            whole = hints.ends_whole(unusable.reply.body)
        else:
            whole = unusable.code in protocolerrors.DETERMINISTIC
        again = whole and (asked, unusable.reason) in self.unreadable
        self.unreadable.add((asked, unusable.reason))
        return again

    def over(self) -> WindowEnd:
        """Sum the walk up for `windows.decide`; what it listed is counted by the ledger."""
        chain = self.chain
        ended = Ended(
            span=self.span,
            verb=self.window.verb,
            end=self.end or "",
            attempts=self.attempt - self.earlier,
            listed=chain.listed,
            distinct=0,
            pages=chain.pages,
            page_size=chain.page_size,
            stated_first=chain.stated_first,
            stated_last=chain.stated_last,
            reissued=self.reissued,
            stamps=self.stamps,
            named=self.named,
            reached=self.reached,
            outside=self.outside,
            in_set=self.channel.set_spec is not None,
            unaccounted=add_up(self.unaccounted),
        )
        # the size that a foreign page states is that of another list
        stated = chain.stated_first if ended.end == tokens.TOKEN_FORGETS else ended.stated_last
        return WindowEnd(
            window=self.window,
            attempt=self.attempt,
            answers=self.answers,
            end=ended.end,
            stated=stated,
            pages=ended.pages,
            ended=ended,
        )


def record_state(unusable: Unusable) -> str:
    """Return the end state of an id whose GetRecord brought no record."""
    if unusable.reason.startswith(NO_RECORD):
        return "absent"
    if unusable.status in STATE_BY_STATUS and unusable.end == tokens.PAGE_REFUSED:
        return STATE_BY_STATUS[unusable.status]
    return "lost" if unusable.end == tokens.PAGE_LOST else "refused"


def scanned(unusable: Unusable) -> list[tuple[str, str]]:
    """Scan an unreadable list of names for (identifier, datestamp); none when it cannot be taken for whole."""
    if unusable.reply is None or unusable.end != tokens.PAGE_UNREADABLE:
        return []
    sent = dict(parse_qsl(urlsplit(unusable.reply.url).query)).get("resumptionToken")
    return hints.scan_headers(unusable.reply.plain_body(), sent) or []
