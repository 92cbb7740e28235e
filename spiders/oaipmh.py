"""OAI-PMH: walk ListRecords window by window; a record that breaks its page is asked for alone."""

import asyncio
import itertools
import logging
import random
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from scrapy import Request
from scrapy.exceptions import DownloadTimeoutError, IgnoreRequest
from scrapy.http import Response
from twisted.python.failure import Failure

from archive.findings import Finding, finding
from archive.ledger import NewWindow, WindowRow
from archive.quarantine import RefusedBody
from archive.writer import Note
from harvester import datestamps, decoding, frontier, gate, hints, oaipmh, tokens
from harvester.errors import HarvestError, MalformedPage, ProviderError, Unreachable, UsageError
from harvester.frontier import GET_RECORD, LIST_IDENTIFIERS, LIST_RECORDS, Ended, Span
from harvester.middlewares import WaitTooLong
from harvester.records import Answer, WindowEnd
from spiders.base import HarvestSpider, now_text

logger = logging.getLogger(__name__)

# answers that say "nobody is behind me", rather than "this is my answer"
GATEWAY = frozenset({502, 503, 504})
# so many records deep in a list a gateway error is taken for the provider's depth limit
DEEP = 2_000
# pages asked for while earlier ones of the same list are still being decoded
AHEAD = 3


@dataclass(frozen=True, slots=True)
class Channel:
    """One list of the repository that is stored and counted apart."""

    number: int
    prefix: str
    set_spec: str | None


@dataclass(slots=True)
class Walk:
    """One attempt at a window: where it stands, and what was asked for it."""

    window: WindowRow
    channel: Channel
    span: Span
    attempt: int
    chain: tokens.TokenChain
    verb: str
    answers: int = 0
    tries: int = 0
    judged: int = 0
    asked_ahead: dict[int, str] = field(default_factory=dict)
    turn: asyncio.Condition = field(default_factory=asyncio.Condition)
    end: str | None = None
    reissued: bool = False
    names: list[str] = field(default_factory=list)
    settled: int = 0
    unreadable: set[tuple[int | str, str]] = field(default_factory=set)
    ascending: bool = True
    last_stamp: str = ""
    stamps: tuple[datetime, ...] = ()
    named: int = 0

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


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why an answer does not count: `end` is the name the window gets when no try brings a better one."""

    end: str
    reason: str
    status: int | None = None
    response: Response | None = None


class OaipmhSpider(HarvestSpider):
    """Ask; hand on; every request ends as one Answer, with its records or its reason."""

    name = "oaipmh"

    traits: frontier.Traits
    identity: oaipmh.Identify
    channels: dict[int, Channel]

    # --- the plan

    async def start(self) -> AsyncIterator[Any]:
        """Yield the first request of each window, as many at once as the source allows."""
        self._queue = frontier.Queue()
        self._windows: dict[int, tuple[WindowRow, bool]] = {}
        self._attempts: dict[int, int] = {}
        self._walking = 0
        self._settled = asyncio.Event()
        self._sample_left = self.arguments.sample
        try:
            await self._prepare()
        except Exception as error:
            self.fail(error)
            return
        while not self.stopping:
            window = self._queue.take() if self._walking < self.arguments.windows else None
            if window is not None:
                self._walking += 1
                yield self._first_request(window)
            elif self._walking:
                self._settled.clear()
                await self._settled.wait()
            elif not await self._look_again():
                return

    async def _prepare(self) -> None:
        """Identify, then the open windows of a resumed run or the first ones of a new run."""
        await self.decoders.start()
        self.identity = await self._ask_identify()
        granule = timedelta(days=1) if self.identity.granularity == "day" else timedelta(seconds=1)
        answered = datestamps.parse(self.identity.response_date or "") or datetime.now(UTC)
        earliest = datestamps.parse(self.identity.earliest or "") or frontier.OLDEST
        target = self.settings.get("HARVEST_WINDOW_RECORDS")
        self.traits = frontier.Traits(granule, earliest, answered)
        if target:
            self.traits.target = int(target)
        await self._open_channels()
        writer = self.keeper.writer
        run = writer.run
        assert run is not None
        rows = writer.ledger.windows(run.run)
        if not rows:
            await self._check_words()
            await self.keeper.do(writer.ledger.set_provider_started, run.run, datestamps.as_argument(answered))
            rows = await self.keeper.do(writer.open_windows, self._first_windows(answered))
        self._enlist(rows)

    async def _open_channels(self) -> None:
        kind = "census" if self.arguments.mode == "census" else "oaipmh"
        self.channels = {}
        for prefix, spec in self.arguments.channels:
            name = f"{kind}:{prefix}" + (f":{spec}" if spec is not None else "")
            number = await self.keeper.do(self.keeper.writer.ledger.channel, name, prefix, spec)
            self.channels[number] = Channel(number, prefix, spec)

    def _first_windows(self, answered: datetime) -> list[NewWindow]:
        """For each channel the body, cut at calendar borders if so wished, and the tail from the run's start."""
        words = self.arguments
        body = Span(words.from_, words.until)
        if words.mode == "incremental":
            body = Span(self._since(), None)
        overlap = max(timedelta(seconds=words.source.overlap_seconds), self.traits.granule)
        tail = Span(frontier.on_granule(answered - overlap, self.traits), None)
        spans = [body] if words.slices == "auto" else list(frontier.calendar(body, words.slices, self.traits))
        if words.shard is not None:
            spans = [frontier.part_of(span, *words.shard, self.traits) for span in spans]
        last = words.shard is None or words.shard[0] == words.shard[1]
        assert tail.from_ is not None
        if last and words.until is None and words.sample is None and (body.from_ is None or body.from_ < tail.from_):
            spans.append(tail)
        verb = LIST_IDENTIFIERS if words.mode == "census" else LIST_RECORDS
        return [NewWindow(number, verb, *self._texts(span)) for number in self.channels for span in spans]

    def _since(self) -> datetime | None:
        """Where an incremental run begins: the start of the last complete one, minus an overlap."""
        last = self.keeper.writer.ledger.last_run(self.name, self.arguments.identity, ("full", "incremental"))
        started = datestamps.parse(last.provider_started or "") if last is not None else None
        if started is None:
            logger.info("no complete run of the same words yet: the incremental run takes the whole list")
            return None
        overlap = max(timedelta(seconds=self.arguments.source.overlap_seconds), self.traits.granule)
        return frontier.on_granule(started - overlap, self.traits)

    def new_windows(self, parent: WindowRow, spans: Sequence[Span], verb: str) -> list[NewWindow]:
        """The windows that take a parent's place, as the ledger wants them."""
        return [NewWindow(parent.channel, verb, *self._texts(span)) for span in spans]

    def _enlist(self, rows: Sequence[WindowRow], tail_of: bool | None = None) -> None:
        """Queue open windows; those that descend from a tail are asked after all others of their channel."""
        run = self.keeper.writer.run
        assert run is not None
        for row in rows:
            tail = tail_of if tail_of is not None else self._is_tail(row)
            self._windows[row.window] = (row, tail)
            if row.state == "open":
                self._attempts.setdefault(row.window, row.attempts)
                self._queue.add(row.window, row.channel, self._span(row), tail=tail)

    def _is_tail(self, row: WindowRow) -> bool:
        if row.parent is not None and row.parent in self._windows:
            return self._windows[row.parent][1]
        run = self.keeper.writer.run
        started = datestamps.parse(run.provider_started or "") if run is not None else None
        overlap = max(timedelta(seconds=self.arguments.source.overlap_seconds), self.traits.granule)
        start = frontier.on_granule(started - overlap, self.traits) if started else None
        return row.until is None and row.from_ is not None and datestamps.parse(row.from_) == start

    async def _look_again(self) -> bool:
        """When all windows are done: those that may have been torn by a change meanwhile are listed once more."""
        return False

    # --- questions beside the lists

    async def _ask(self, url: str) -> Response:
        """One request outside the windows. Raises WaitTooLong and the downloader's errors."""
        assert self.crawler.engine is not None
        return await self.crawler.engine.download_async(Request(url, dont_filter=True))

    async def _answer(self, url: str, parse: Callable[[bytes], Any]) -> Any:
        """Ask until an answer parses. Raises ProviderError at once, Unreachable or MalformedPage after all tries."""
        error: HarvestError = Unreachable(f"{url}: not asked")
        for attempt in range(1, self.settings.getint("HARVEST_TRIES") + 1):
            try:
                response = await self._ask(url)
                if response.status < 400 or b"<OAI-PMH" in response.body[:4096]:
                    return parse(plain_body(response))
                error = Unreachable(f"{url} answers with HTTP status {response.status}")
            except ProviderError:
                raise
            except WaitTooLong:
                raise
            except MalformedPage as cause:
                error = MalformedPage(f"{url}: {cause}; the answer begins {response.body[:60]!r}")
            except Exception as cause:
                error = Unreachable(f"{url}: no answer ({type(cause).__name__}: {cause})")
            if self.stopping:
                break
            await asyncio.sleep(gate.backoff_seconds(attempt, random.random()))
        raise error

    async def _ask_identify(self) -> oaipmh.Identify:
        url = self.arguments.source.url
        try:
            identity = await self._answer(oaipmh.identify_url(url), oaipmh.parse_identify)
        except (MalformedPage, ProviderError) as error:
            raise UsageError(f"{url} is no OAI-PMH endpoint: {error}") from error
        assert isinstance(identity, oaipmh.Identify)
        return identity

    async def _check_words(self) -> None:
        """Raise UsageError for a prefix or a set that the provider does not have, listing those it has."""
        url = self.arguments.source.url
        try:
            offered = [
                f.prefix for f in await self._answer(oaipmh.list_formats_url(url), oaipmh.parse_list_metadata_formats)
            ]
        except (ProviderError, MalformedPage) as error:
            logger.warning("ListMetadataFormats cannot be read (%s): prefixes are not checked", error)
            offered = list(self.arguments.prefixes)
        if unknown := [prefix for prefix in self.arguments.prefixes if prefix not in offered]:
            raise UsageError(f"{url} has no metadata prefix {unknown[0]!r}; it offers {', '.join(offered)}")
        for spec in self.arguments.sets:
            await self._check_set(spec)

    async def _check_set(self, spec: str) -> None:
        """A set that answers is there; only one that does not is looked up, as some lists of sets have 42,000."""
        base = self.arguments.source.url
        try:
            url = oaipmh.list_identifiers_url(base, self.arguments.prefixes[0], None, None, spec)
            page = await self._answer(url, oaipmh.parse_list_identifiers)
            if page.records:
                return
        except ProviderError as error:
            if error.code == "noSetHierarchy":
                raise UsageError(f"{base} has no sets; leave out set={spec}") from None
        except MalformedPage:
            return
        offered: list[str] = []
        url = oaipmh.list_sets_url(base)
        for _ in range(20):
            try:
                sets = await self._answer(url, oaipmh.parse_list_sets)
            except (ProviderError, MalformedPage) as error:
                raise UsageError(f"{base} has no set {spec!r} ({error})") from None
            offered.extend(item.spec for item in sets.sets)
            if spec in offered:
                return
            if not sets.token:
                raise UsageError(f"{base} has no set {spec!r}; it offers {_some(offered)}")
            url = oaipmh.resume_url(base, "ListSets", sets.token)
        raise UsageError(f"{base} lists nothing in set {spec!r}, which is not among its first {len(offered)} sets")

    async def _try_ranges(self, channel: Channel, stamp: str) -> None:
        """Learn whether from and until are honoured and until is included: one datestamp that is known to exist.

        A provider that ignores them, or leaves the last second out, would lose records at each border of a window.
        """
        moment = datestamps.parse(stamp)
        if moment is None:
            return
        moment = frontier.on_granule(moment, self.traits)
        for until in (moment, moment + self.traits.granule):
            url = oaipmh.list_identifiers_url(
                self.arguments.source.url,
                channel.prefix,
                self._text(moment),
                self._text(until),
                channel.set_spec,
            )
            try:
                page = await self._answer(url, oaipmh.parse_list_identifiers)
            except ProviderError:
                continue
            except (Unreachable, MalformedPage):
                return
            stamps = [datestamps.parse(record.datestamp) for record in page.records]
            inside = [s for s in stamps if s is not None and moment <= s < until + self.traits.granule]
            if inside and 2 * len(inside) > len(stamps):
                self.traits.ranges, self.traits.until_excluded = True, until != moment
                return
        self.traits.ranges = False
        await self._note(finding("ranges-ignored", datestamp=stamp))

    # --- one window

    def _first_request(self, window: int) -> Request:
        row, _ = self._windows[window]
        self._attempts[window] = self._attempts.get(window, 0) + 1
        span = self._span(row)
        verb = LIST_IDENTIFIERS if row.verb == GET_RECORD else row.verb
        chain = tokens.TokenChain(None if row.verb == GET_RECORD else frontier.record_limit(span, self.traits))
        walk = Walk(row, self.channels[row.channel], span, self._attempts[window], chain, verb)
        return self._page_request(walk, 1, None)

    def _page_request(self, walk: Walk, number: int, token: str | None) -> Request:
        """The request for a page of a walk: the list itself, or its resumption token."""
        base = self.arguments.source.url
        if token is not None:
            url = oaipmh.resume_url(base, walk.verb, token)
        else:
            bounds = self._sent_bounds(walk.span)
            make = oaipmh.list_records_url if walk.verb == LIST_RECORDS else oaipmh.list_identifiers_url
            url = make(base, walk.channel.prefix, *bounds, walk.channel.set_spec)
        return Request(
            url,
            callback=self.page,
            errback=self.no_page,
            cb_kwargs={"walk": walk, "number": number, "token": token},
            dont_filter=True,
        )

    async def page(self, response: Response, walk: Walk, number: int, token: str | None) -> AsyncIterator[Any]:
        """An answer for page `number` of a walk, 1 for the first."""
        ahead = None
        if 1 < number <= walk.judged + AHEAD and response.status == 200 and walk.end is None:
            ahead = oaipmh.peek_token(response.body)
            if ahead is not None and number + 1 not in walk.asked_ahead:
                walk.asked_ahead[number + 1] = ahead
                yield self._page_request(walk, number + 1, ahead)
        decoded = await self._decode(response, walk)
        async with walk.turn:
            await walk.turn.wait_for(lambda: walk.judged == number - 1 or walk.end is not None)
            if walk.end is not None or (number > 1 and token != walk.chain.token):
                return
            async for out in self._judge(walk, number, response, decoded):
                yield out
            walk.turn.notify_all()

    async def no_page(self, failure: Failure) -> AsyncIterator[Any]:
        """No answer for a page of a walk."""
        kwargs = failure.request.cb_kwargs  # type: ignore[attr-defined]
        walk, number, token = kwargs["walk"], kwargs["number"], kwargs["token"]
        if isinstance(failure.value, WaitTooLong):
            self.fail(Unreachable(f"{failure.value}; run the same command again after that"))
            return
        if self.stopping:
            return
        async with walk.turn:
            await walk.turn.wait_for(lambda: walk.judged == number - 1 or walk.end is not None)
            if walk.end is not None or (number > 1 and token != walk.chain.token):
                return
            async for out in self._judge(walk, number, None, _no_answer(failure)):
                yield out
            walk.turn.notify_all()

    async def _judge(
        self, walk: Walk, number: int, response: Response | None, decoded: "decoding.DecodedPage | Unusable"
    ) -> AsyncIterator[Any]:
        """Take a page into its walk, try it again, or end the walk."""
        if isinstance(decoded, Unusable):
            walk.tries += 1
            if number > 1:
                walk.reissued = True
            again = self._hopeless(walk, number, decoded)
            if not again and walk.tries < self._tries(walk, decoded):
                await asyncio.sleep(gate.backoff_seconds(walk.tries, random.random()))
                yield self._page_request(walk, number, walk.chain.token if number > 1 else None)
                return
            async for out in self._give_up(walk, number, decoded):
                yield out
            return
        assert response is not None
        yield self._page_answer(walk, response, decoded)
        walk.answers, walk.tries, walk.judged = walk.answers + 1, 0, number
        self.traits.barren = 0
        end = walk.chain.take(self._facts(walk, decoded))
        self._learn(decoded)
        walk.follow([row[1] for row in decoded.rows])
        if number == 1 and end is None and self.traits.ranges is None and decoded.rows:
            # a list of several pages: before it may be cut, see whether cutting works here
            await self._try_ranges(walk.channel, decoded.rows[0][1])
            if not frontier.can_split(walk.span, self.traits):
                walk.chain.limit = None
        elif end == tokens.TOO_LARGE and self.traits.ranges is None and decoded.rows:
            await self._try_ranges(walk.channel, decoded.rows[0][1])
            if not frontier.can_split(walk.span, self.traits):
                walk.chain.limit, end = None, None
        if self._sample_taken(len(decoded.rows)):
            end = tokens.LIST_COMPLETE
        if end is None:
            assert walk.chain.token is not None
            if walk.asked_ahead.get(number + 1) != walk.chain.token:
                walk.asked_ahead[number + 1] = walk.chain.token
                yield self._page_request(walk, number + 1, walk.chain.token)
            return
        async for out in self._finish(walk, end):
            yield out

    async def _finish(self, walk: Walk, end: str) -> AsyncIterator[Any]:
        """The list is over: hand the walk on, or go on to the records it named."""
        walk.end = end
        if walk.window.verb == GET_RECORD and walk.names:
            for name in dict.fromkeys(walk.names):
                yield self._record_request(walk, name)
            return
        yield self._window_end(walk)

    async def _give_up(self, walk: Walk, number: int, unusable: Unusable) -> AsyncIterator[Any]:
        """No try brought a usable page."""
        if unusable.end == tokens.PAGE_LOST and number == 1 and not await self._host_answers():
            self.fail(
                Unreachable(
                    f"{self.arguments.source.url} does not answer ({unusable.reason}); run the same command again later"
                )
            )
            return
        self.traits.barren += 1
        if number == 1 and walk.verb == LIST_RECORDS:
            await self._look_inside(walk)
        if walk.window.verb == GET_RECORD and (scanned := _scanned(unusable)):
            async for out in self._by_hints(walk, unusable, scanned):
                yield out
            return
        walk.answers += 1
        yield Answer(
            channel=walk.channel.number, window=walk.window.window, attempt=walk.attempt,
            url=self._page_request(walk, number, walk.chain.token if number > 1 else None).url,
            state="lost" if unusable.end == tokens.PAGE_LOST else "refused", http_status=unusable.status,
            reason=unusable.reason, attempts=max(1, walk.tries), at=now_text(), bare=self._bare(walk),
        )  # fmt: skip
        async for out in self._finish(walk, unusable.end):
            yield out

    async def _by_hints(self, walk: Walk, unusable: Unusable, headers: list[tuple[str, str]]) -> AsyncIterator[Any]:
        """Ask for each record that an unreadable list of names still shows."""
        response = unusable.response
        assert response is not None
        walk.names.extend(name for name, _ in headers)
        walk.answers += 1
        found = finding(
            "names-from-broken-list", window=frontier.describe(walk.span), reason=unusable.reason, found=len(headers)
        )
        yield Answer(
            channel=walk.channel.number, window=walk.window.window, attempt=walk.attempt, url=response.url,
            state="read", http_status=response.status, reason=unusable.reason, attempts=walk.tries, at=now_text(),
            listed=len(headers), outcomes=[(name, stamp, "open", None) for name, stamp in headers], bare=True,
            notes=[_note(found)],
        )  # fmt: skip
        async for out in self._finish(walk, tokens.LIST_COMPLETE):
            yield out

    async def _look_inside(self, walk: Walk) -> None:
        """Have ListIdentifiers say which records a window holds whose records cannot be listed."""
        url = oaipmh.list_identifiers_url(
            self.arguments.source.url, walk.channel.prefix, *self._sent_bounds(walk.span), walk.channel.set_spec
        )
        try:
            body = plain_body(await self._ask(url))
            names = _names_in(body)
        except Exception as error:  # ours, or whatever the downloader raises: the window is cut without this
            logger.info("ListIdentifiers does not help with %s: %r", frontier.describe(walk.span), error)
            return
        walk.follow([stamp for _, stamp in names.headers])
        stamps = {datestamps.parse(stamp) for _, stamp in names.headers}
        if names.all and None not in stamps:
            walk.stamps, walk.named = tuple(sorted(s for s in stamps if s is not None)), len(names.headers)

    async def _host_answers(self) -> bool:
        """Whether the provider is there at all, when a list brought no answer."""
        try:
            await self._answer(oaipmh.identify_url(self.arguments.source.url), oaipmh.parse_identify)
        except (HarvestError, WaitTooLong):
            return False
        return True

    def _page_answer(self, walk: Walk, response: Response, page: "decoding.DecodedPage") -> Answer:
        problems = {identifier: code for identifier, code, _ in page.problems}
        names_only = walk.window.verb == GET_RECORD
        outcomes = [
            (name, stamp, "open" if names_only else "deleted" if gone else "read", problems.get(name))
            for name, stamp, gone, _ in page.rows
        ]
        if names_only:
            walk.names.extend(row[0] for row in page.rows)
        return Answer(
            channel=walk.channel.number, window=walk.window.window, attempt=walk.attempt, url=response.url,
            state="read", http_status=response.status, reason=None, attempts=walk.tries + 1, at=now_text(),
            listed=len(page.rows), outcomes=outcomes, payload=page.payload, bare=self._bare(walk),
            notes=[_note(found) for found in _problem_findings(page.problems)],
        )  # fmt: skip

    def _bare(self, walk: Walk) -> bool:
        """Whether the answers of a walk carry no records: a census, or the names for GetRecord."""
        return walk.verb == LIST_IDENTIFIERS

    def _window_end(self, walk: Walk) -> WindowEnd:
        chain = walk.chain
        ended = Ended(
            walk.span, walk.window.verb, walk.end or "", walk.attempt, chain.listed, 0, chain.pages, chain.page_size,
            chain.stated_first, chain.stated_last, walk.reissued, walk.stamps, walk.named, walk.reached,
        )  # fmt: skip
        return WindowEnd(walk.window, walk.attempt, walk.answers, ended)

    def window_settled(self, end: WindowEnd, decision: frontier.Decision, children: Sequence[WindowRow]) -> None:
        """Called when the ledger has taken the end of a window, with the windows that take its place."""
        row, tail = self._windows[end.window.window]
        if isinstance(decision, frontier.Again):
            self._queue.add(row.window, row.channel, end.ended.span, tail=tail)
        else:
            self.traits.fit_page |= isinstance(decision, frontier.Split) and decision.fit_page
            self._enlist(children, tail_of=tail)
        self._walking -= 1
        self._settled.set()

    # --- one record

    def _record_request(self, walk: Walk, name: str, tries: int = 0) -> Request:
        return Request(
            oaipmh.get_record_url(self.arguments.source.url, name, walk.channel.prefix),
            callback=self.record,
            errback=self.no_record,
            cb_kwargs={"walk": walk, "name": name, "tries": tries},
            dont_filter=True,
        )

    async def record(self, response: Response, walk: Walk, name: str, tries: int) -> AsyncIterator[Any]:
        """An answer to GetRecord."""
        result = await self._decode(response, walk, name)
        more = tries + 1 < self.settings.getint("HARVEST_TRIES")
        if isinstance(result, Unusable) and more and not self._settles(walk, name, result):
            await asyncio.sleep(gate.backoff_seconds(tries + 1, random.random()))
            yield self._record_request(walk, name, tries + 1)
            return
        yield self._record_answer(walk, name, tries + 1, response, result)
        async for out in self._record_settled(walk):
            yield out

    async def no_record(self, failure: Failure) -> AsyncIterator[Any]:
        """No answer to GetRecord."""
        kwargs = failure.request.cb_kwargs  # type: ignore[attr-defined]
        walk, name, tries = kwargs["walk"], kwargs["name"], kwargs["tries"]
        if isinstance(failure.value, WaitTooLong):
            self.fail(Unreachable(f"{failure.value}; run the same command again after that"))
            return
        if self.stopping:
            return
        if tries + 1 < self.settings.getint("HARVEST_TRIES"):
            await asyncio.sleep(gate.backoff_seconds(tries + 1, random.random()))
            yield self._record_request(walk, name, tries + 1)
            return
        yield self._record_answer(walk, name, tries + 1, None, _no_answer(failure))
        async for out in self._record_settled(walk):
            yield out

    async def _record_settled(self, walk: Walk) -> AsyncIterator[Any]:
        walk.settled += 1
        if walk.settled == len(dict.fromkeys(walk.names)):
            yield self._window_end(walk)

    def _record_answer(
        self,
        walk: Walk,
        name: str,
        tries: int,
        response: Response | None,
        result: "decoding.DecodedPage | Unusable",
    ) -> Answer:
        walk.answers += 1
        url = oaipmh.get_record_url(self.arguments.source.url, name, walk.channel.prefix)
        common: dict[str, Any] = {
            "channel": walk.channel.number, "window": walk.window.window, "attempt": walk.attempt, "url": url,
            "attempts": tries, "at": now_text(),
        }  # fmt: skip
        if isinstance(result, Unusable):
            state = _record_state(result)
            refused = _refused_body(result, url) if state == "refused" else None
            notes = [_note(finding("poison-record", identifier=name, reason=result.reason))] if refused else []
            return Answer(
                **common, state=state, http_status=result.status, reason=result.reason, listed=0,
                outcomes=[(name, None, state, result.reason)], refused=refused, refused_identifier=name, notes=notes,
            )  # fmt: skip
        assert response is not None
        problems = {identifier: code for identifier, code, _ in result.problems}
        return Answer(
            **common, state="read", http_status=response.status, reason=None, listed=len(result.rows),
            outcomes=[(n, stamp, "deleted" if gone else "read", problems.get(n)) for n, stamp, gone, _ in result.rows],
            payload=result.payload, notes=[_note(found) for found in _problem_findings(result.problems)],
        )  # fmt: skip

    # --- helpers

    async def _decode(
        self, response: Response, walk: Walk, name: str | None = None
    ) -> "decoding.DecodedPage | Unusable":
        """Decode a page, or GetRecord's answer for `name`; the body is read whatever the status is."""
        status = response.status
        try:
            body = plain_body(response)
            if name is not None:
                page = await self.decoders.run(
                    decoding.decode_get_record, body, response.url, walk.channel.prefix, now_text()
                )
            elif walk.verb == LIST_RECORDS:
                page = await self.decoders.run(
                    decoding.decode_list_records, body, response.url, walk.channel.prefix, now_text()
                )
            else:
                page = await self.decoders.run(decoding.decode_list_identifiers, body)
        except ProviderError as error:
            end = tokens.TOKEN_EXPIRED if error.code == "badResumptionToken" else tokens.PAGE_REFUSED
            return Unusable(end, str(error), status, response)
        except MalformedPage as error:
            if status in GATEWAY:
                return Unusable(tokens.PAGE_LOST, f"HTTP status {status}", status, response)
            if status >= 300:
                return Unusable(tokens.PAGE_REFUSED, f"HTTP status {status}", status, response)
            return Unusable(tokens.PAGE_UNREADABLE, str(error), status, response)
        # noRecordsMatch comes with any status (InvenioRDM: 422)
        if status >= 400 and (page.rows or page.token is not None):
            return Unusable(tokens.PAGE_REFUSED, f"a list with HTTP status {status}", status, response)
        if name is not None and [row[0] for row in page.rows] != [name]:
            return Unusable(tokens.PAGE_UNREADABLE, f"GetRecord answers for {page.rows[0][0]!r}", status, response)
        return page

    def _hopeless(self, walk: Walk, asked: int | str, unusable: Unusable) -> bool:
        """Whether another try would bring the same: a token that is gone, or one whole answer unreadable twice."""
        if unusable.end != tokens.PAGE_UNREADABLE or unusable.response is None:
            return unusable.end == tokens.TOKEN_EXPIRED
        again = hints.ends_whole(plain_body(unusable.response)) and (asked, unusable.reason) in walk.unreadable
        walk.unreadable.add((asked, unusable.reason))
        return again

    def _settles(self, walk: Walk, name: str, unusable: Unusable) -> bool:
        """Whether an answer to GetRecord without a record is the provider's word, or would come again as it is."""
        return _record_state(unusable) in ("absent", "forbidden", "deleted") or self._hopeless(walk, name, unusable)

    def _tries(self, walk: Walk, unusable: Unusable) -> int:
        """Tries for a page; deep in a list a gateway error will not go away, and the window can be cut."""
        tries = self.settings.getint("HARVEST_TRIES")
        deep = walk.chain.listed >= DEEP and frontier.can_split(walk.span, self.traits)
        return min(2, tries) if deep and unusable.end == tokens.PAGE_LOST else tries

    def _facts(self, walk: Walk, page: "decoding.DecodedPage") -> tokens.PageFacts:
        return tokens.PageFacts(
            len(page.rows), page.token, page.has_token_element, page.digest, page.complete_list_size,
            frontier.count_outside(page.rows, walk.span, walk.channel.set_spec, self.traits),
        )  # fmt: skip

    def _learn(self, page: "decoding.DecodedPage") -> None:
        """Follow the datestamps that really occur."""
        if page.token is not None:
            self.traits.page_size = max(self.traits.page_size, len(page.rows))
        stamps = [row[1] for row in page.rows if len(row[1]) in (10, 20)]
        for text in (min(stamps, default=None), max(stamps, default=None)):
            moment = datestamps.parse(text) if text else None
            if moment is not None:
                self.traits.seen(moment)

    def _sample_taken(self, records: int) -> bool:
        if self._sample_left is None:
            return False
        self._sample_left -= records
        return self._sample_left <= 0

    async def _note(self, found: Finding) -> None:
        await self.keeper.do(self.keeper.writer.note, _note(found))

    def _span(self, row: WindowRow) -> Span:
        return Span(*(datestamps.parse(text) if text is not None else None for text in (row.from_, row.until)))

    def _texts(self, span: Span) -> tuple[str | None, str | None]:
        """A window's bounds as the ledger has them."""
        return self._text(span.from_), self._text(span.until)

    def _text(self, moment: datetime | None) -> str | None:
        return None if moment is None else datestamps.as_argument(moment, self.identity.granularity)

    def _sent_bounds(self, span: Span) -> tuple[str | None, str | None]:
        """A window's bounds as they are sent: one granule later for a provider that leaves `until` out."""
        late = self.traits.granule if self.traits.until_excluded else timedelta(0)
        return self._text(span.from_), self._text(span.until + late if span.until else None)


@dataclass(frozen=True, slots=True)
class _Names:
    """(identifier, datestamp) of a page of headers; whether they are all of their list."""

    headers: list[tuple[str, str]]
    all: bool


def _names_in(body: bytes) -> _Names:
    """Raises MalformedPage or ProviderError when not even hints can be had."""
    try:
        page = oaipmh.parse_list_identifiers(body)
    except MalformedPage:
        if (headers := hints.scan_headers(body)) is None:
            raise
        return _Names(headers, all=True)
    return _Names([(record.identifier, record.datestamp) for record in page.records], page.token is None)


def _scanned(unusable: Unusable) -> list[tuple[str, str]]:
    """The names in an unreadable list of names, none when it cannot be taken for whole."""
    if unusable.response is None or unusable.end != tokens.PAGE_UNREADABLE:
        return []
    return hints.scan_headers(plain_body(unusable.response)) or []


def plain_body(response: Response) -> bytes:
    """The body, unpacked where a provider sends gzip without saying so."""
    body = bytes(response.body)
    if body[:3] != b"\x1f\x8b\x08":
        return body
    unpacker = zlib.decompressobj(31)
    try:
        plain = unpacker.decompress(body, 512 << 20)
    except zlib.error as cause:
        raise MalformedPage(f"gzip that cannot be unpacked: {cause}") from cause
    if not unpacker.eof:
        raise MalformedPage("gzip cut short, or larger than 512 MiB")
    return plain


def _no_answer(failure: Failure) -> Unusable:
    if isinstance(failure.value, DownloadTimeoutError):
        return Unusable(tokens.PAGE_LOST, "timed out")
    if isinstance(failure.value, IgnoreRequest):
        return Unusable(tokens.PAGE_REFUSED, str(failure.value))
    return Unusable(tokens.PAGE_LOST, f"{type(failure.value).__name__}: {failure.getErrorMessage()}"[:300])


def _record_state(unusable: Unusable) -> str:
    """The end state of an id whose GetRecord brought no record."""
    if unusable.reason.startswith(("idDoesNotExist", "cannotDisseminateFormat", "noRecordsMatch")):
        return "absent"
    by_status = {401: "forbidden", 403: "forbidden", 404: "absent", 410: "deleted"}
    if unusable.status in by_status and unusable.end == tokens.PAGE_REFUSED:
        return by_status[unusable.status]
    return "lost" if unusable.end == tokens.PAGE_LOST else "refused"


def _refused_body(unusable: Unusable, url: str) -> RefusedBody | None:
    response = unusable.response
    if response is None:
        return None
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in values
        if name.lower() not in (b"set-cookie", b"authorization")
    )
    return RefusedBody(url, response.status, headers, bytes(response.body), now_text(), unusable.reason)


def _problem_findings(problems: Sequence[tuple[str, str, str]]) -> list[Finding]:
    """One finding a page and kind of problem, naming the first record; each record's outcome names its own."""
    first: dict[str, tuple[str, int]] = {}
    for identifier, code, _ in problems:
        name, count = first.get(code, (identifier, 0))
        first[code] = (name, count + 1)
    return [finding(code, identifier=name, found=count) for code, (name, count) in first.items()]


def _note(found: Finding) -> Note:
    return Note(found.code, found.severity, found.message, found.identifier, found.expected, found.found)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:50])
    return f"{shown} and {len(names) - 50} more" if len(names) > 50 else shown
