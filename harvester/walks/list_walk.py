"""What follows each page, failure and record of a harvest by OAI-PMH: events in, actions out.

Decisions are generators. They yield one action after the other and are sent the answer to those that are questions;
whoever runs them does the asking, waiting and keeping. There is no network, clock or ledger here.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from archive.findings import Finding, finding
from archive.store import IDS, WindowCount, WindowRow
from harvester.crawl import WindowEnd
from harvester.errors import HarvestError, ProviderError, Unreachable, UsageError
from harvester.oaipmh import (
    GET_RECORD,
    LIST_IDENTIFIERS,
    LIST_RECORDS,
    OLDEST,
    Asked,
    Beginnings,
    Decision,
    DecodedPage,
    Done,
    Row,
    Span,
    StoredVersions,
    Traits,
    cutting,
    datestamps,
    increments,
    protocol,
    protocolerrors,
    tokens,
    windows,
)
from harvester.walks.attempt import Channel, Walk, record_state, scanned
from harvester.walks.outcomes import (
    Keep,
    KeepFailure,
    KeepHinted,
    KeepNamed,
    KeepNoRecord,
    KeepPage,
    KeepRecord,
    KeepStray,
)
from harvester.walks.replies import Reply, Unusable, refused_by_status

# so many records deep in a list a gateway error is taken for the provider's depth limit
DEEP = 2_000
# pages asked for while earlier ones of the same list are still being decoded
AHEAD = 3
URI_TOO_LONG = 414
# records asked for one by one, so many that it is said what that costs
SINGLY_MANY = 20
# characters of a datestamp in each granularity
STAMP_LENGTH = {"day": 10, "second": 20}


# --- actions


@dataclass(frozen=True, slots=True)
class AskPage:
    """Ask for a page of a walk: the list itself, or its resumption token."""

    walk: Walk
    number: int
    token: str | None


@dataclass(frozen=True, slots=True)
class AskRecord:
    """Ask for a record by its identifier, after so many tries."""

    walk: Walk
    name: str
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait as long as is due after so many tries."""

    tries: int


@dataclass(frozen=True, slots=True)
class Report:
    """Record a finding."""

    finding: Finding


@dataclass(frozen=True, slots=True)
class EndWindow:
    """Hand the walk on: its window is decided on when all of its answers are counted."""

    walk: Walk


@dataclass(frozen=True, slots=True)
class EndRun:
    """End the run because of an error."""

    error: HarvestError


# --- questions beside the list; the answer is sent to the decision


@dataclass(frozen=True, slots=True)
class WhetherForeign:
    """Whether a page is of another list than its walk."""

    walk: Walk
    number: int
    page: DecodedPage


@dataclass(frozen=True, slots=True)
class WhetherRefused:
    """Whether the provider refuses the question itself; then `verdicts` has what becomes of the window."""

    walk: Walk
    unusable: Unusable


@dataclass(frozen=True, slots=True)
class WhetherThere:
    """Whether the provider answers at all."""


@dataclass(frozen=True, slots=True)
class TryRanges:
    """Learn, into the traits, whether from and until are honoured, by the datestamp of a record."""

    channel: Channel
    stamp: str


@dataclass(frozen=True, slots=True)
class TryApart:
    """Learn, into the traits, whether from and until are ignored, by two moments long ago."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class KnownStamp:
    """A datestamp that a record of the channel has, None without an answer."""

    channel: Channel


@dataclass(frozen=True, slots=True)
class LookInside:
    """Headers of a window whose records cannot be listed; what they show is left in the walk."""

    walk: Walk


@dataclass(frozen=True, slots=True)
class ListSets:
    """The sets of the repository, none where they cannot be asked one by one."""


Question = WhetherForeign | WhetherRefused | WhetherThere | TryRanges | TryApart | KnownStamp | LookInside | ListSets
Action = AskPage | AskRecord | Wait | Report | EndWindow | EndRun | Keep | Question
Steps = Generator[Action, Any, None]


@dataclass(slots=True)
class WalkRules:
    """The rules that the walks of one run follow, and what these have learned of the provider.

    `base` is the URL of the endpoint; `earliest` and `claimed` are the earliest datestamp and the granularity that
    Identify states, `granularity` the one that is asked in. `named_only`: the run asks for ids that are known.
    `verdicts` are decisions on windows whose question the provider refuses as such. `stated` has, by window, the set
    and the size that the first page of each first list stated. `lenient`: records without an identifier are left out.
    """

    base: str
    traits: Traits
    granularity: str
    claimed: str
    earliest: str | None = None
    tries: int = 5
    sample: int | None = None
    named_only: bool = False
    verdicts: dict[int, Decision] = field(default_factory=dict)
    versions: StoredVersions = field(default_factory=StoredVersions)
    stated: dict[int, tuple[str | None, int | None]] = field(default_factory=dict)
    lenient: bool = False
    _beside: protocolerrors.BesideToken = field(default_factory=protocolerrors.BesideToken)
    _beginnings: Beginnings = field(default_factory=Beginnings)
    _answered: bool = False
    _tried: set[int] = field(default_factory=set)
    _deviations: set[str] = field(default_factory=set)

    # --- what is sent

    def use_form(self, form: str) -> None:
        """Ask for lists in another granularity than Identify claims."""
        self.granularity, self.traits.granule = form, increments.GRANULES[form]

    def text(self, moment: datetime | None) -> str | None:
        """Write a moment as it is sent."""
        return None if moment is None else datestamps.as_argument(moment, self.granularity)

    def texts(self, span: Span) -> tuple[str | None, str | None]:
        """Write a window's bounds as the ledger has them."""
        return self.text(span.from_), self.text(span.until)

    def sent_bounds(self, span: Span) -> tuple[str | None, str | None]:
        """Write a window's bounds as they are sent: one granule later for a provider that leaves `until` out."""
        late = self.traits.granule if self.traits.until_excluded else timedelta(0)
        return self.text(span.from_), self.text(span.until + late if span.until else None)

    def page_url(self, walk: Walk, token: str | None) -> str:
        """Build the URL of a page: that of the list, or of its resumption token."""
        if token is not None:
            return protocol.resume_url(self.base, walk.verb, token, **self._beside_token(walk))
        make = protocol.list_records_url if walk.verb == LIST_RECORDS else protocol.list_identifiers_url
        return make(self.base, walk.channel.prefix, *self.sent_bounds(walk.span), walk.channel.sent_set)

    def record_url(self, walk: Walk, name: str) -> str:
        """Build the URL of GetRecord."""
        return protocol.get_record_url(self.base, name, walk.channel.prefix)

    def _beside_token(self, walk: Walk) -> dict[str, str | None]:
        """Choose the arguments that this provider wants beside a resumption token, against section 3.5."""
        from_, until = self.sent_bounds(walk.span)
        values = {"metadataPrefix": walk.channel.prefix, "set": walk.channel.set_spec, "from": from_, "until": until}
        return {name: values[name] for name in self._beside.names}

    # --- a walk and its pages

    def is_named(self, row: WindowRow) -> bool:
        """Return whether a window is ids that are known, rather than a list."""
        return self.named_only or row.verb == IDS

    def begin(self, row: WindowRow, channel: Channel, attempt: int, *, tail: bool) -> Walk:
        """Begin an attempt at a window; ids and samples are not given up as too large."""
        span = Span.parse(row.from_, row.until)
        whole = row.verb in (GET_RECORD, IDS) or self.sample is not None
        limit = None if whole else cutting.record_limit(span, self.traits)
        return Walk(
            window=row,
            channel=channel,
            span=span,
            attempt=attempt,
            earlier=row.attempts,
            chain=tokens.TokenChain(limit),
            tail=tail,
        )

    def ahead(self, walk: Walk, number: int, reply: Reply) -> Iterator[AskPage]:
        """Ask for the next page before this one is decoded, where its token can be seen."""
        if not 1 < number <= walk.judged + AHEAD or reply.status != 200 or walk.end is not None:
            return
        token = protocol.peek_token(reply.body)
        if token is not None and number + 1 not in walk.asked_ahead and not self._sampling(walk):
            walk.asked_ahead[number + 1] = token
            yield AskPage(walk, number + 1, token)

    def page(self, walk: Walk, number: int, reply: Reply, page: DecodedPage) -> Steps:
        """Take a page into its walk, and go on to the next one or end the walk."""
        self._answered = True
        if number == 1 and page.rows:
            walk.begin_with(page.rows)
        foreign: bool = yield WhetherForeign(walk, number, page)
        facts = self._facts(walk, page, foreign=foreign)
        end = walk.chain.take(facts)
        if end == tokens.TOKEN_FORGETS:
            yield KeepStray(walk, reply, page)
        else:
            if walk.window.verb == GET_RECORD:
                walk.names.update((row.identifier, None) for row in page.rows)
            yield KeepPage(walk, reply, page)
        walk.answers, walk.tries, walk.judged = walk.answers + 1, 0, number
        if number > 1:
            self._beside.answered()
        if page.rows:
            self.traits.barren, self.traits.fruitful = 0, True
        if number == 1 and page.rows and self.traits.ranges is not False:
            yield from self._compare_beginning(walk, page)
        if end != tokens.TOKEN_FORGETS:
            self.versions.take(walk.window, page.stored)
            walk.outside += facts.outside
            walk.unaccounted.extend(page.unaccounted)
            yield from self._learn(walk, page)
        if end in (None, tokens.TOO_LARGE) and self.traits.ranges is None and page.rows:
            # a list of several pages: before it may be cut, see whether cutting works here
            yield from self._try_ranges(walk.channel, page.rows[0].datestamp)
            if not cutting.can_split(walk.span, self.traits):
                walk.chain.limit = end = None
        if end is None and self._sampling(walk) and walk.chain.listed >= (self.sample or 0):
            end = tokens.SAMPLE_TAKEN
        if end is not None:
            yield from self.finish(walk, end)
            return
        assert walk.chain.token is not None
        if walk.asked_ahead.get(number + 1) != walk.chain.token:
            walk.asked_ahead[number + 1] = walk.chain.token
            yield AskPage(walk, number + 1, walk.chain.token)

    def unusable(self, walk: Walk, number: int, unusable: Unusable) -> Steps:
        """Ask for a page again, or give it up."""
        token = walk.chain.token if number > 1 else None
        if unusable.status == URI_TOO_LONG and not walk.posts:
            walk.posts = True  # section 3.1.1: POST is there for arguments that a URL cannot hold
            yield AskPage(walk, number, token)
            return
        if number > 1 and unusable.code is not None and self._beside.refused(unusable.reason):
            yield AskPage(walk, number, token)
            return
        if number == 1 and (yield WhetherRefused(walk, unusable)):
            yield from self._give_up(walk, number, unusable)
            return
        walk.tries += 1
        walk.reissued = walk.reissued or number > 1
        if not walk.hopeless(number, unusable) and walk.tries < self._tries(walk, unusable):
            yield Wait(walk.tries)
            yield AskPage(walk, number, token)
            return
        yield from self._give_up(walk, number, unusable)

    def finish(self, walk: Walk, end: str) -> Steps:
        """End the list: hand the walk on, or go on to the records it named."""
        walk.end = end
        last = walk.verb == LIST_IDENTIFIERS  # names are the last resort: what they do not bring, only sets may
        if last and self.traits.sets is None and self._wants_sets(walk):
            self.traits.sets = yield ListSets()
        if len(walk.names) > SINGLY_MANY and not self.is_named(walk.window):
            yield Report(finding("asked-singly", window=cutting.describe(walk.span), found=len(walk.names)))
        for name in walk.names:
            self.versions.ask(walk.window.channel, name)
            yield AskRecord(walk, name)
        if not walk.names:
            yield EndWindow(walk)

    def _tries(self, walk: Walk, unusable: Unusable) -> int:
        """Count the tries for a page; deep in a list a gateway error will not go away, and the window can be cut."""
        deep = walk.chain.listed >= (self.traits.depth or DEEP) and cutting.can_split(walk.span, self.traits)
        return min(2, self.tries) if deep and unusable.end in (tokens.PAGE_LOST, tokens.PAGE_REFUSED) else self.tries

    def _give_up(self, walk: Walk, number: int, unusable: Unusable) -> Steps:
        """Give a page up that no try brought: learn what can be learned for the windows that take its place."""
        reply = None if self._answered else unusable.reply
        if reply is not None and reply.not_followed is not None:
            yield EndRun(UsageError(f"{reply.url} {reply.not_followed}"))
            return
        if unusable.end == tokens.PAGE_LOST and number == 1 and not (yield WhetherThere()):
            reason = f"{self.base} does not answer ({unusable.reason}); run the same command again later"
            yield EndRun(Unreachable(reason))
            return
        self.traits.barren += 1
        if number > 1 and unusable.end in (tokens.PAGE_LOST, tokens.PAGE_REFUSED):
            self.traits.failed_at(walk.chain.listed)
        if number == 1 and walk.verb == LIST_RECORDS and walk.window.window not in self.verdicts:
            if unusable.end != tokens.PAGE_LOST and cutting.can_split(walk.span, self.traits):
                yield from self._try_cutting(walk.channel)
            headers: Sequence[Row] = yield LookInside(walk)
            if headers and self.sample is None:
                yield self._named(walk, headers)
        walk.answers += 1
        if walk.window.verb == GET_RECORD and (names := scanned(unusable)):
            walk.names.update((name, None) for name, _ in names)
            yield KeepHinted(walk, unusable, names)
            end = tokens.LIST_COMPLETE
        else:
            url = self.page_url(walk, walk.chain.token if number > 1 else None)
            if walk.posts:
                url = urlsplit(url)._replace(query="").geturl()
            smaller = cutting.can_split(walk.span, self.traits)
            yield KeepFailure(walk, url, self.base, unusable, quarantine=not smaller)
            end = tokens.QUESTION_REFUSED if walk.window.window in self.verdicts else unusable.end
        yield from self.finish(walk, end)

    def _named(self, walk: Walk, headers: Sequence[Row]) -> KeepNamed:
        """Keep those ids of a window that a request for it may give."""
        inside = [
            row for row in headers if not cutting.count_outside([row], walk.span, walk.channel.set_spec, self.traits)
        ]
        url = protocol.list_identifiers_url(
            self.base, walk.channel.prefix, *self.sent_bounds(walk.span), walk.channel.sent_set
        )
        return KeepNamed(walk, url, inside)

    def _wants_sets(self, walk: Walk) -> bool:
        ended = walk.over().ended
        return ended is not None and self.sample is None and windows.wants_sets(ended, self.traits)

    def _sampling(self, walk: Walk) -> bool:
        return self.sample is not None and walk.window.verb != GET_RECORD

    # --- one record

    def record(self, walk: Walk, name: str, tries: int, reply: Reply | None, result: DecodedPage | Unusable) -> Steps:
        """Settle one id, or ask for it again; `tries` counts the one that brought this result."""
        if isinstance(result, Unusable) and tries < self.tries:
            said_no = record_state(result) in ("absent", "forbidden", "deleted")
            if not said_no and not walk.hopeless(name, result):
                yield Wait(tries)
                yield AskRecord(walk, name, tries)
                return
        walk.answers += 1
        url = self.record_url(walk, name)
        if isinstance(result, Unusable):
            yield KeepNoRecord(walk, url, name, tries, result, listed=not self.named_only)
        else:
            assert reply is not None
            yield KeepRecord(walk=walk, url=url, name=name, tries=tries, status=reply.status, page=result)
        walk.settled += 1
        if walk.settled == len(walk.names):
            yield EndWindow(walk)

    # --- what replies mean

    def may_hold_nothing(self, error: ProviderError, walk: Walk, asked: Asked) -> bool:
        """Return whether an error may only say that no record of a window has the format, if that is offered at all.

        LearningRegistry says cannotDisseminateFormat of any empty range (LearningRegistry/LearningRegistry#49).
        """
        empty = error.code == "cannotDisseminateFormat" and not walk.chain.pages and walk.span != Span(None, None)
        return asked.identifier is None and empty

    def empty_range(self, error: ProviderError, walk: Walk) -> list[Finding]:
        """Report the first range of the run that is said to be empty by an error."""
        if not self._is_first("cannotDisseminateFormat"):
            return []
        return [finding("empty-range-refused", window=cutting.describe(walk.span), reason=str(error))]

    def judge(self, reply: Reply, read: DecodedPage | HarvestError, asked: Asked) -> DecodedPage | Unusable:
        """Judge what was read of a reply to a page's request, or to GetRecord; the body counts whatever the status."""
        status, name = reply.status, asked.identifier
        if isinstance(read, ProviderError):
            end = tokens.TOKEN_EXPIRED if read.code == "badResumptionToken" else tokens.PAGE_REFUSED
            return Unusable(end, str(read), status, reply, read.code)
        if isinstance(read, HarvestError):
            by_status = refused_by_status(reply, lost=tokens.PAGE_LOST, refused=tokens.PAGE_REFUSED)
            return by_status or Unusable(tokens.PAGE_UNREADABLE, str(read), status, reply)
        # noRecordsMatch comes with any status (InvenioRDM: 422)
        if status >= 400 and (read.rows or read.token is not None):
            return Unusable(tokens.PAGE_REFUSED, f"a list with HTTP status {status}", status, reply)
        if name is not None and [row.identifier for row in read.rows] != [name]:
            return Unusable(tokens.PAGE_UNREADABLE, f"GetRecord answers for {read.rows[0].identifier!r}", status, reply)
        if asked.token is not None and not read.rows and read.token is None:
            return _as_answer_to_token(reply, read)
        return read

    def deviations(self, page: DecodedPage, noise: bytes) -> list[Finding]:
        """Report each way in which pages are unusual, once a run; `noise` is the text around documents."""
        found = [finding("page-deviates", reason=what) for what in page.deviations if self._is_first(what)]
        if noise and self._is_first(""):
            found.append(finding("text-around-pages", reason=repr(noise[:100])))
        return found

    def _is_first(self, what: str) -> bool:
        new = what not in self._deviations
        self._deviations.add(what)
        return new

    # --- what becomes of a window

    def decide(self, end: WindowEnd, count: WindowCount, *, tail: bool) -> Decision:
        """Decide on a list that ended, with what the ledger counted; ids that are asked again are no list."""
        assert end.ended is not None
        if self.is_named(end.window):
            return Done()
        if (verdict := self.verdicts.pop(end.window.window, None)) is not None:
            return verdict
        ended = replace(end.ended, listed=count.listed, distinct=count.distinct)
        decision = windows.decide(ended, self.traits)
        if tail:  # a tail only shows what changed since the run began
            return decision
        return windows.distrust_empty(decision, ended, self.traits)

    # --- what pages teach

    def _facts(self, walk: Walk, page: DecodedPage, *, foreign: bool) -> tokens.PageFacts:
        return tokens.PageFacts(
            listed=len(page.rows),
            token=page.token,
            has_token_element=page.has_token_element,
            digest=page.digest,
            stated=page.complete_list_size,
            outside=cutting.count_outside(page.rows, walk.span, walk.channel.set_spec, self.traits),
            foreign=foreign,
        )

    def _learn(self, walk: Walk, page: DecodedPage) -> Steps:
        """Follow the datestamps that really occur, and the size of a page."""
        if page.token is not None:
            self.traits.page_size = max(self.traits.page_size, len(page.rows))
        walk.follow([row.datestamp for row in page.rows])
        # as text in one form: parsing each of them would cost more than all else that is done with a page here
        stamps = [
            (row.datestamp, row.identifier) for row in page.rows if len(row.datestamp) == STAMP_LENGTH[self.claimed]
        ]
        if stamps:
            yield from self._widen(*min(stamps), max(stamps)[0])
        if walk.window.parent is None and not walk.tail and walk.chain.pages == 1:
            self.stated[walk.window.window] = (walk.channel.set_spec, page.complete_list_size)

    def _widen(self, oldest: str, identifier: str, newest: str) -> Steps:
        """Widen the bounds of what is cut; say so when a record is older than the provider's earliest datestamp."""
        moments = [moment for text in (oldest, newest) if (moment := datestamps.parse(text)) is not None]
        claimed = datestamps.parse(self.earliest or "")
        if moments and claimed is not None and moments[0] < claimed <= self.traits.earliest:
            yield Report(finding("earliest-datestamp-late", datestamp=self.earliest, identifier=identifier))
        for moment in moments:
            self.traits.seen(moment)

    def _compare_beginning(self, walk: Walk, page: DecodedPage) -> Steps:
        """Learn from lists that begin alike that the provider does not honour from and until."""
        if self._beginnings.repeats(walk.channel.number, [row.identifier for row in page.rows], walk.span):
            self.traits.ranges = False
            yield Report(finding("ranges-ignored", datestamp=cutting.describe(walk.span)))

    def try_before(self, rows: Sequence[WindowRow], channels: dict[int, Channel]) -> Steps:
        """Learn whether until is included before a window with an end (sliced, or cut by an earlier process) is asked.

        A provider that leaves it out would lose the last second of each, and a list of one page never shows it.
        """
        first = next((row for row in rows if row.until is not None), None)
        if first is None or self.traits.ranges is not None:
            return
        channel = channels[first.channel]
        stamp: str | None = yield KnownStamp(channel)
        if stamp is not None:
            yield from self._try_ranges(channel, stamp)

    def _try_cutting(self, channel: Channel) -> Steps:
        """Learn, once, whether windows can be cut where no datestamp at hand shows it, before one is cut blindly."""
        if self.traits.ranges is not None or channel.number in self._tried:
            return
        self._tried.add(channel.number)
        yield TryApart(channel)
        if self.traits.ranges is False:
            first, second = self.text(OLDEST), self.text(OLDEST + self.traits.granule)
            yield Report(finding("ranges-ignored", datestamp=f"{first} and {second}"))
            return
        stamp: str | None = yield KnownStamp(channel)
        if stamp is not None:
            yield from self._try_ranges(channel, stamp)

    def _try_ranges(self, channel: Channel, stamp: str) -> Steps:
        moment = datestamps.parse(stamp)
        if moment is None:
            yield from self._try_cutting(channel)
            return
        yield TryRanges(channel, stamp)
        if self.traits.ranges is False:
            sent = self.text(cutting.on_granule(moment, self.traits))
            yield Report(finding("ranges-ignored", datestamp=sent))


def _as_answer_to_token(reply: Reply, page: DecodedPage) -> DecodedPage | Unusable:
    """Judge noRecordsMatch in response to a token: a list that has begun has records, so the token is dead."""
    if not protocolerrors.says_no_records(reply.plain_body()):
        return page
    reason = "noRecordsMatch in response to a resumption token"
    return Unusable(tokens.TOKEN_NO_RECORDS, reason, reply.status, reply, protocolerrors.NO_RECORDS_MATCH)
