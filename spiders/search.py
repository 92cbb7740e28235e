"""Search: records out of the pages of a search API, slice by slice of their dates, each proven by its total."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from archive.store import NewWindow, WindowCount, WindowRow, distinct_in_run, listed_in_run, windows_in_run
from harvester.crawl import WindowEnd
from harvester.crawl.arguments import SearchArguments, parse_search
from harvester.errors import MalformedPage, Unreachable, UsageError
from harvester.http import pause_seconds
from harvester.oaipmh import VERSIONS_MOST, Decision, Span, Traits, cutting, datestamps
from harvester.ratelimit import WaitTooLong
from harvester.rest import (
    CURSOR,
    GRANULE,
    PAGE_LOST,
    PAGE_REFUSED,
    STYLES,
    Asking,
    Count,
    DecodedHits,
    paging,
    search,
    searchends,
)
from harvester.walks import (
    GATHERED,
    VERB,
    AskAgain,
    GiveUp,
    Over,
    Reply,
    SliceRules,
    SliceWalk,
    Unusable,
    refused_by_status,
)
from spiders.base import no_reply, now_text, reply_of
from spiders.windowed import WindowedSpider

# where no record is older, and a provider does not say which one is the oldest
OLDEST = datetime(1990, 1, 1, tzinfo=UTC)


class SearchSpider(WindowedSpider):
    """Ask; hand on; every page ends as an Answer, with its records or its reason."""

    name = "search"

    arguments: SearchArguments
    rules: SliceRules

    @classmethod
    def read_arguments(cls, words: Mapping[str, str]) -> SearchArguments:
        return parse_search(words)

    # --- the plan

    async def prepare(self) -> None:
        """Ask for the total, then open the first slices of a new run, or go on with those of an earlier process."""
        self._walks: dict[int, SliceWalk] = {}
        self._noted: set[str] = set()
        self._proved = self._recut = False
        arguments = self.arguments
        self.style = STYLES[arguments.style]
        endpoint = arguments.endpoint
        size = endpoint.size_with_token if self.credentials.has_token and endpoint.size_with_token else endpoint.size
        asking = Asking(endpoint.url, arguments.style, arguments.query, self.style.sort, size)
        now = datetime.now(UTC).replace(microsecond=0)
        self.rules = SliceRules(arguments, self.style, asking, Traits(GRANULE, OLDEST, now), self.tries)
        await asyncio.gather(self.introduce(), self.decoders.start())
        writer = self.keeper.writer
        if self.resumed:
            await self.take_back_judgement()
        rows = writer.ledger.windows(writer.run_number)
        self._whole, answered = await self._ask_total(Span(arguments.from_, arguments.until))
        self.expected_records = self._whole.value if self._whole is not None else None
        self._channel = await self.keeper.do(writer.ledger.channel, arguments.channel, arguments.name, None)
        if not rows:
            await self.keeper.do(
                writer.ledger.set_provider_started, writer.run_number, datestamps.as_argument(answered)
            )
        started = await self.keeper.do(writer.ledger.provider_started, writer.run_number)
        self._started = datestamps.parse(started or "") or answered
        self.rules.traits = Traits(GRANULE, await self._oldest(), max(answered, self._started))
        if self.style.sliced:
            await self._choose_moments()
        if not rows:
            rows = await self.keeper.do(writer.open_windows, self._first_windows())
        self.held_before = await self.keeper.do(writer.ledger.records_done, writer.run_number) if self.resumed else 0
        self.rules.lost = any(row.state == "lost" for row in rows)
        await self._recall()
        # what is small may be listed as a whole once more, in other slices
        small = arguments.shard is None and (self.expected_records or 0) < VERSIONS_MOST
        self.rules.versions.expect_tail(self._channel, "" if small else _text(self._tail_from) or "")
        self.enlist(rows)

    async def _recall(self) -> None:
        """Take up what earlier processes learned: where the search stops counting, and how long its lists are."""
        writer = self.keeper.writer
        if self._whole is not None and not self._whole.exact:
            self.rules.cap = self._whole.value
        for row in await self.keeper.do(windows_in_run, writer.ledger, writer.run_number):
            self.rules.longest = max(self.rules.longest, row.distinct)
            if row.end == paging.CAPPED and row.stated is not None:
                self.rules.cap = min(self.rules.cap or row.stated, row.stated)

    def _first_windows(self) -> list[NewWindow]:
        """Make the body, which is over when the run begins, and the tail, which catches what changes meanwhile."""
        arguments = self.arguments
        body = Span(self._since() if arguments.mode == "incremental" else arguments.from_, arguments.until)
        if arguments.sample is not None or not self.style.sliced:
            return self._new([body])
        tail = Span(self._tail_from, None)
        if arguments.until is None:
            body = Span(body.from_, self._started)
        spans = list(cutting.part_of(body, *arguments.shard, self.rules.traits)) if arguments.shard else [body]
        last_shard = arguments.shard is None or arguments.shard.is_last
        return self._new([*spans, tail] if last_shard and arguments.until is None else spans)

    def _since(self) -> datetime | None:
        """Return where an incremental run begins: the start of the last complete one, minus an overlap."""
        last = self.keeper.writer.ledger.last_run(self.name, self.arguments.identity, ("full", "incremental"))
        started = datestamps.parse(last.provider_started or "") if last is not None else None
        if started is None:
            self.logger.info("no complete run of the same words yet: the incremental run takes everything")
            return None
        return started - self._overlap

    @property
    def _overlap(self) -> timedelta:
        return max(timedelta(seconds=self.arguments.endpoint.overlap_seconds), GRANULE)

    @property
    def _tail_from(self) -> datetime:
        return self._started - self._overlap

    def _new(self, spans: Sequence[Span], verb: str = VERB) -> list[NewWindow]:
        return [NewWindow(self._channel, verb, _text(span.from_), _text(span.until)) for span in spans]

    def new_windows(self, parent: WindowRow, spans: Sequence[Span], verb: str) -> list[NewWindow]:
        """Make the slices that take a slice's place; the same slice once more is gathered over several listings."""
        return self._new(spans, GATHERED if list(spans) == [_span(parent)] else VERB)

    def is_tail(self, row: WindowRow) -> bool:
        """Return whether a slice is the tail; one that was cut out of it is walked in the order of its dates."""
        return self.tail_begins(row)

    def tail_begins(self, row: WindowRow) -> bool:
        """Return whether a slice begins where the tail does, and has no end."""
        return row.until is None and row.from_ is not None and _span(row).from_ == self._tail_from

    # --- questions beside the pages

    async def _ask_total(self, span: Span) -> tuple[Count | None, datetime]:
        """Ask for the total of a search and the provider's clock.

        Raises UsageError when the URL is no search of this style.
        """
        url = search.page_url(self.rules.asking, span, self._first_place, 1)
        error: Exception = Unreachable(f"{url}: not asked")
        for attempt in range(1, self.tries + 1):
            try:
                reply = await self._ask(url)
                if reply.status == 400 and self._smaller(reply.body):
                    url = search.page_url(self.rules.asking, span, self._first_place, 1)
                    reply = await self._ask(url)
                if reply.status < 400:
                    return search.read_total(reply.plain_body(), self.arguments.style), _clock(reply)
                error = _refusal(url, reply)
            except MalformedPage as cause:
                error = UsageError(f"{url} is no search of the style {self.arguments.style}: {cause}")
            except Unreachable as cause:
                error = cause
            if self.stopping:
                break
            if attempt < self.tries:
                await asyncio.sleep(pause_seconds(attempt))
        raise error

    def _smaller(self, body: bytes) -> bool:
        """Ask for something else than what a 400 may be about. Returns whether there is anything."""
        if not self.rules.smaller(body):
            return False
        self._log_smaller()
        return True

    def _log_smaller(self) -> None:
        asking = self.rules.asking
        self.logger.info("400 for a page: now asked for by %d, order %r", asking.size, asking.sort)

    async def _oldest(self) -> datetime:
        """Ask for the date of the oldest record, where the cutting of slices begins; not knowing it costs requests."""
        span = Span(self.arguments.from_, self.arguments.until)
        url = search.oldest_url(self.rules.asking, span)
        most = paging.CURSOR_RECORDS if self.style.paging == CURSOR else self.arguments.limit
        if url is None or most is None or (self.expected_records or 0) < most:
            return OLDEST
        try:
            stamp = search.oldest_stamp((await self._ask(url)).plain_body(), self.arguments.style)
        except (MalformedPage, Unreachable) as error:
            self.logger.info("the oldest record is not known (%s): slices begin in %d", error, OLDEST.year)
            return OLDEST
        return datestamps.parse(stamp or "") or OLDEST

    async def _choose_moments(self) -> None:
        """Learn how this search takes a moment: the first way that it has an answer for."""
        for name in search.MOMENTS:
            asking = replace(self.rules.asking, moments=name)
            url = search.page_url(
                asking, Span(self.rules.traits.earliest, self.rules.traits.newest), self._first_place, 1
            )
            try:
                reply = await self._ask(url)
                if reply.status < 400:
                    search.read_total(reply.plain_body(), self.arguments.style)
                    self.rules.asking = asking
                    return
            except (MalformedPage, Unreachable) as error:
                self.logger.info("bounds as %s: %s", name, error)

    @property
    def _first_place(self) -> str:
        return search.FIRST[self.style.paging]

    async def _ask(self, url: str) -> Reply:
        """Send one request. Raises Unreachable, WaitTooLong."""
        try:
            return await self.fetch(url, accept=self.arguments.accept)
        except WaitTooLong:
            raise
        except Exception as cause:  # whatever the downloader raises
            raise Unreachable(f"{url}: no answer ({type(cause).__name__}: {cause})") from cause

    async def look_again(self) -> bool:
        """Compare all slices together with what the search states. Returns whether something is asked again.

        Where all of it was one list, its total is compared with that of the list without its first records: a search
        that stops counting states the same for both. Where it was cut, the sum of the slices stands against it.
        """
        arguments, writer = self.arguments, self.keeper.writer
        if self.rules.lost or arguments.sample or arguments.shard or arguments.mode == "incremental":
            return False
        if not self.style.sliced:
            return False
        whole = Span(arguments.from_, arguments.until)
        rows = await self.keeper.do(windows_in_run, writer.ledger, writer.run_number)
        found = await self.keeper.do(distinct_in_run, writer.ledger, writer.run_number)
        ignored = any(row.end == paging.IGNORED for row in rows)
        cut = any(row.state == "split" for row in rows)
        part = None if cut or ignored else await self._part(whole)
        more = 0
        if part is not None:
            there, _ = await self._ask_total(part.span)
            more = there.value - part.records if there is not None else 0
            if not more and self._whole is not None and self._whole.value == found:
                return False
        stated, _ = await self._ask_total(whole)
        if stated is None and (found or self._whole is not None):
            return False  # its slices were judged one by one
        unknown = part is None and not cut and paging.is_round(found)
        if stated is not None and stated.value == found and not more and not unknown:
            return False
        if not self._proved and arguments.until is None:
            self._proved = True
            tail = self._new([Span(self._tail_from, None)])
            self.enlist(await self.keeper.do(writer.open_windows, tail))
            return True
        if stated is not None and part is not None and more > 0 and not self._recut:
            self._recut, self.rules.cap = True, stated.value
            body = Span(arguments.from_, arguments.until if arguments.until is not None else self._started)
            self.enlist(await self.keeper.do(writer.open_windows, self._new([body])))
            return True
        await self.find(self.rules.compare(stated, found, cut=cut, ignored=ignored), self._channel)
        return False

    async def _part(self, whole: Span) -> searchends.Part | None:
        """Choose the part of the search to compare with the whole, None where there are too many records."""
        if (self.expected_records or 0) > paging.CURSOR_RECORDS:
            return None
        writer = self.keeper.writer
        stamps = await self.keeper.do(listed_in_run, writer.ledger, writer.run_number)
        return searchends.part_to_compare(list(stamps.values()), whole)

    async def conclude(self) -> None:
        """Judge what the run found of records held before it."""
        await self.guard_losses({self._channel: self.rules.is_whole()}, tombstones=False)

    # --- one slice

    async def begin(self, row: WindowRow, attempt: int) -> AsyncIterator[Any]:
        """Yield the request for the first page of a slice."""
        walk = self._walks[row.window] = self.rules.begin(row, attempt, self.expected_records)
        yield self._page_request(walk)

    def _page_request(self, walk: SliceWalk) -> Request:
        return Request(
            self.rules.next_url(walk),
            headers={"Accept": self.arguments.accept},
            callback=self.page,
            errback=self.no_page,
            cb_kwargs={"walk": walk},
            dont_filter=True,
        )

    async def page(self, response: Response, walk: SliceWalk) -> AsyncIterator[Any]:
        """Take an answer for the next page of a walk."""
        reply = reply_of(response)
        if self.rules.begin_smaller(walk, reply):
            self._log_smaller()
            yield self._page_request(walk)
            return
        decoded = await self._decode(walk, reply)
        if isinstance(decoded, Unusable):
            async for out in self._unusable(walk, decoded):
                yield out
            return
        yield self.rules.answers(walk, reply, decoded, now_text())
        end = self.rules.page(walk, decoded)
        for found in self.rules.remarks(walk, reply.url, decoded, end):
            if found.code not in self._noted:  # once a run
                self._noted.add(found.code)
                await self.find(found, self._channel)
        if end is None:
            yield self._page_request(walk)
        else:
            yield walk.over(end)

    async def no_page(self, failure: Failure) -> AsyncIterator[Any]:
        """Take the failure of a request for a page."""
        if not self.goes_on(failure):
            return
        walk = failure.request.cb_kwargs["walk"]  # type: ignore[attr-defined]
        async for out in self._unusable(walk, no_reply(failure)):
            yield out

    async def _decode(self, walk: SliceWalk, reply: Reply) -> DecodedHits | Unusable:
        arguments = self.arguments
        if (by_status := refused_by_status(reply, lost=PAGE_LOST, refused=PAGE_REFUSED)) is not None:
            return by_status
        media_type = reply.header("Content-Type")
        stored = self.rules.versions.known_to(walk.window, tail=walk.window.parent is None)
        try:
            return await self.decoders.run(
                search.decode_page,
                body=reply.plain_body(),
                style=arguments.style,
                url=reply.url,
                name=arguments.name,
                accept=arguments.accept,
                media_type=media_type,
                retrieved=now_text(),
                level=self.settings.getint("HARVEST_ZSTD_LEVEL"),
                stored=stored,
            )
        except MalformedPage as error:
            return Unusable(PAGE_REFUSED, str(error), reply.status, reply)

    async def _unusable(self, walk: SliceWalk, unusable: Unusable) -> AsyncIterator[Any]:
        """Do what follows a page that cannot be used."""
        match self.rules.unusable(walk, unusable):
            case AskAgain():
                await asyncio.sleep(pause_seconds(walk.tries))
                yield self._page_request(walk)
            case Over(end):
                yield walk.over(end)
            case GiveUp(end, ask_first):
                url = self.rules.next_url(walk)
                if ask_first and not await self._somebody_there():
                    reason = f"{url} does not answer ({unusable.reason}); run the same command again later"
                    self.fail(Unreachable(reason))
                    return
                walk.answers += 1
                yield self.rules.failure(walk, url, unusable, now_text())
                yield walk.over(end)

    async def _somebody_there(self) -> bool:
        try:
            await self._ask_total(Span(self.arguments.from_, self.arguments.until))
        except (Unreachable, UsageError, WaitTooLong):
            return False
        return True

    # --- what the pipelines ask

    def decide(self, end: WindowEnd, count: WindowCount) -> Decision:
        """Decide on a slice, with what the ledger counted."""
        walk = self._walks[end.window.window]
        return self.rules.decide(walk, end.end, count.distinct, tail=self.is_tail(walk.window))

    def describe(self, end: WindowEnd) -> str:
        """Describe a slice by its bounds."""
        return cutting.describe(_span(end.window))

    def window_settled(self, end: WindowEnd, decision: Decision, children: Sequence[WindowRow]) -> None:
        """Go on with the slices that take a slice's place, or with itself once more."""
        self.rules.settle(self._walks.pop(end.window.window), end.end, decision, children)
        super().window_settled(end, decision, children)

    # --- how far it is, for the progress line

    expected_records: int | None = None


def _refusal(url: str, reply: Reply) -> Exception:
    """Choose the error for a status: a wrong address or query, or a provider in trouble."""
    if reply.status in (400, 404, 405, 406, 410, 415):
        return UsageError(f"{url} answers {reply.status}: is it a search? It says {reply.body[:120]!r}")
    return Unreachable(f"{url} answers with HTTP status {reply.status}")


def _clock(reply: Reply) -> datetime:
    """Read the provider's clock from its Date header, ours without one."""
    try:
        moment = parsedate_to_datetime(reply.header("Date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return datetime.now(UTC).replace(microsecond=0)
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def _span(row: WindowRow) -> Span:
    return Span.parse(row.from_, row.until)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else datestamps.as_argument(moment)
