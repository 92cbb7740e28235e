"""Search: records out of the pages of a search API, slice by slice of their dates, each proven by its total."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from archive.findings import Finding, finding
from archive.store import (
    NOT_MODIFIED,
    Answer,
    NewWindow,
    RefusedBody,
    WindowCount,
    WindowRow,
    distinct_in_run,
    listed_in_run,
    windows_in_run,
)
from harvester import frontier
from harvester.crawl import Batch, WindowEnd
from harvester.crawl.arguments import SearchArguments, parse_search
from harvester.errors import MalformedPage, Unreachable, UsageError
from harvester.frontier import Span
from harvester.oaipmh import VERSIONS_MOST, StoredVersions, datestamps
from harvester.ratelimit import WaitTooLong, limiter
from harvester.rest import (
    CURSOR,
    GRANULE,
    PAGE_LOST,
    PAGE_REFUSED,
    SIZE_OF_GUESTS,
    STYLES,
    Asking,
    Count,
    DecodedHits,
    Paging,
    Walked,
    paging,
    search,
    searchends,
)
from spiders.base import HarvestSpider, now_text
from spiders.walks import Unusable, no_answer, plain_body, refused_body

# a slice that no single listing brings whole is counted over all of its listings
VERB, GATHERED = "search", "gathered"
GATEWAY = frozenset({502, 503, 504})
# how deep pages are refused: asked once more they are refused again
TOO_DEEP = frozenset({400, 404, 410, 416, 422})
# where no record is older, and a provider does not say which one is the oldest
OLDEST = datetime(1990, 1, 1, tzinfo=UTC)


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


class SearchSpider(HarvestSpider):
    """Ask; hand on; every page ends as an Answer, with its records or its reason."""

    name = "search"

    arguments: SearchArguments
    traits: frontier.Traits

    @classmethod
    def read_arguments(cls, words: Mapping[str, str]) -> SearchArguments:
        return parse_search(words)

    # --- the plan

    async def start(self) -> AsyncIterator[Any]:
        """Yield the first request of each slice, as many at once as was asked for."""
        self._queue = frontier.Queue()
        self._windows: dict[int, WindowRow] = {}
        self._walks: dict[int, SliceWalk] = {}
        self._attempts: dict[int, int] = {}
        self._settled = asyncio.Event()
        self._noted: set[str] = set()
        self._stated: dict[int, int | None] = {}
        self._versions = StoredVersions()
        self._openings: dict[int, set[tuple[str, ...]]] = {}
        self._torn: set[int] = set()
        self._lost = self._proved = self._recut = False
        self._depth: int | None = None
        self._cap: int | None = None
        self._longest = 0
        self._whole: Count | None = None
        try:
            await self._prepare()
            while not self.stopping:
                window = self._queue.take() if len(self._walks) < self.arguments.windows else None
                if window is not None:
                    yield self._page_request(self._begin(self._windows[window]))
                elif self._walks:
                    self._settled.clear()
                    await self._settled.wait()
                elif not await self._prove():
                    await self.guard_losses({self._channel: self._is_whole}, tombstones=False)
                    return
        except Exception as error:
            self.fail(error)

    async def _prepare(self) -> None:
        """Ask for the total, then open the first slices of a new run, or go on with those of an earlier process."""
        arguments = self.arguments
        self.style = STYLES[arguments.style]
        endpoint = arguments.endpoint
        size = endpoint.size_with_token if self.credentials.has_token and endpoint.size_with_token else endpoint.size
        self._asking = Asking(endpoint.url, arguments.style, arguments.query, self.style.sort, size)
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
        self.traits = frontier.Traits(GRANULE, await self._oldest(), max(answered, self._started))
        if self.style.sliced:
            await self._choose_moments()
        if not rows:
            rows = await self.keeper.do(writer.open_windows, self._first_windows())
        self.held_before = await self.keeper.do(writer.ledger.records_done, writer.run_number) if self.resumed else 0
        self._lost = any(row.state == "lost" for row in rows)
        await self._recall()
        # what is small may be listed as a whole once more, in other slices
        small = arguments.shard is None and (self.expected_records or 0) < VERSIONS_MOST
        self._versions.expect_tail(self._channel, "" if small else _text(self._tail_from) or "")
        self._enlist(rows)

    async def _recall(self) -> None:
        """Take up what earlier processes learned: where the search stops counting, and how long its lists are."""
        writer = self.keeper.writer
        if self._whole is not None and not self._whole.exact:
            self._cap = self._whole.value
        for row in await self.keeper.do(windows_in_run, writer.ledger, writer.run_number):
            self._longest = max(self._longest, row.distinct)
            if row.end == paging.CAPPED and row.stated is not None:
                self._cap = min(self._cap or row.stated, row.stated)

    def _first_windows(self) -> list[NewWindow]:
        """The body, which is over when the run begins, and the tail, which catches what changes meanwhile."""
        arguments = self.arguments
        body = Span(self._since() if arguments.mode == "incremental" else arguments.from_, arguments.until)
        if arguments.sample is not None or not self.style.sliced:
            return self._new([body])
        tail = Span(self._tail_from, None)
        if arguments.until is None:
            body = Span(body.from_, self._started)
        spans = list(frontier.part_of(body, *arguments.shard, self.traits)) if arguments.shard else [body]
        last_shard = arguments.shard is None or arguments.shard[0] == arguments.shard[1]
        return self._new([*spans, tail] if last_shard and arguments.until is None else spans)

    def _since(self) -> datetime | None:
        """Where an incremental run begins: the start of the last complete one, minus an overlap."""
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

    def _enlist(self, rows: Sequence[WindowRow]) -> None:
        for row in rows:
            self._windows[row.window] = row
            if row.state == "open":
                self._attempts.setdefault(row.window, row.attempts)
                self._queue.add(row.window, row.channel, _span(row), tail=self._is_tail(row))

    def _is_tail(self, row: WindowRow) -> bool:
        return row.until is None and row.from_ is not None and _span(row).from_ == self._tail_from

    # --- questions beside the pages

    async def _ask_total(self, span: Span) -> tuple[Count | None, datetime]:
        """Ask for the total of a search and the provider's clock.

        Raises UsageError when the URL is no search of this style.
        """
        url = search.page_url(self._asking, span, self._first_place, 1)
        error: Exception = Unreachable(f"{url}: not asked")
        for attempt in range(1, self.settings.getint("HARVEST_TRIES") + 1):
            try:
                response = await self._ask(url)
                if response.status == 400 and self._smaller(response):
                    url = search.page_url(self._asking, span, self._first_place, 1)
                    response = await self._ask(url)
                if response.status < 400:
                    return search.read_total(plain_body(response), self.arguments.style), _clock(response)
                error = _refusal(url, response)
            except MalformedPage as cause:
                error = UsageError(f"{url} is no search of the style {self.arguments.style}: {cause}")
            except Unreachable as cause:
                error = cause
            if self.stopping:
                break
            if attempt < self.settings.getint("HARVEST_TRIES"):
                await asyncio.sleep(limiter.backoff_seconds(attempt, random.random()))
        raise error

    async def _oldest(self) -> datetime:
        """The date of the oldest record: where the cutting of slices begins. Not knowing it costs some requests."""
        span = Span(self.arguments.from_, self.arguments.until)
        url = search.oldest_url(self._asking, span)
        most = paging.CURSOR_RECORDS if self.style.paging == CURSOR else self.arguments.limit
        if url is None or most is None or (self.expected_records or 0) < most:
            return OLDEST
        try:
            stamp = search.oldest_stamp(plain_body(await self._ask(url)), self.arguments.style)
        except (MalformedPage, Unreachable) as error:
            self.logger.info("the oldest record is not known (%s): slices begin in %d", error, OLDEST.year)
            return OLDEST
        return datestamps.parse(stamp or "") or OLDEST

    async def _choose_moments(self) -> None:
        """How this search takes a moment: the first way that it has an answer for, before slices depend on it."""
        for name in search.MOMENTS:
            asking = replace(self._asking, moments=name)
            url = search.page_url(asking, Span(self.traits.earliest, self.traits.newest), self._first_place, 1)
            try:
                response = await self._ask(url)
                if response.status < 400:
                    search.read_total(plain_body(response), self.arguments.style)
                    self._asking = asking
                    return
            except (MalformedPage, Unreachable) as error:
                self.logger.info("bounds as %s: %s", name, error)

    @property
    def _first_place(self) -> str:
        return search.FIRST[self.style.paging]

    async def _ask(self, url: str) -> Response:
        """One request. Raises Unreachable, WaitTooLong."""
        assert self.crawler.engine is not None
        try:
            return await self.crawler.engine.download_async(self._request(url))
        except WaitTooLong:
            raise
        except Exception as cause:  # whatever the downloader raises
            raise Unreachable(f"{url}: no answer ({type(cause).__name__}: {cause})") from cause

    def _request(self, url: str, **more: Any) -> Request:
        return Request(url, headers={"Accept": self.arguments.accept}, dont_filter=True, **more)

    async def _prove(self) -> bool:
        """Compare all slices together with what the search states. True when something is asked again.

        Where all of it was one list, its total is compared with that of the list without its first records: a search
        that stops counting states the same for both. Where it was cut, the sum of the slices stands against it.
        """
        arguments, writer = self.arguments, self.keeper.writer
        if self._lost or arguments.sample or arguments.shard or arguments.mode == "incremental":
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
            self._enlist(await self.keeper.do(writer.open_windows, tail))
            return True
        if stated is not None and part is not None and more > 0 and not self._recut:
            self._recut, self._cap = True, stated.value
            body = Span(arguments.from_, arguments.until if arguments.until is not None else self._started)
            self._enlist(await self.keeper.do(writer.open_windows, self._new([body])))
            return True
        await self._compare(stated, found, cut, ignored)
        return False

    @property
    def _is_whole(self) -> bool:
        """Return whether the run listed everything; a custom query finds less than an earlier run may have held."""
        given = self.arguments
        bounded = given.from_ is not None or given.until is not None or given.shard is not None
        own = given.query != given.endpoint.query
        return given.mode == "full" and not (bounded or own) and given.sample is None and not self._lost

    async def _part(self, whole: Span) -> searchends.Part | None:
        """The part of the search to compare with the whole, None where there are too many records to look at."""
        if (self.expected_records or 0) > paging.CURSOR_RECORDS:
            return None
        writer = self.keeper.writer
        stamps = await self.keeper.do(listed_in_run, writer.ledger, writer.run_number)
        return searchends.part_to_compare(list(stamps.values()), whole)

    async def _compare(self, stated: Count | None, found: int, cut: bool, ignored: bool) -> None:
        """Say how the whole differs from its slices."""
        name = "all slices together"
        if stated is None or stated.value == found:
            why = (
                "no record came, and no total is stated" if stated is None else f"it may count no further than {found}"
            )
            reason = f"{why}; {searchends.SETTLE}"
            await self.find(finding("window-unproven", window=name, found=found, reason=reason), self._channel)
            return
        counts_no_further = not stated.exact or stated.value in (self._cap, self.arguments.limit)
        if cut and not ignored and counts_no_further and found >= stated.value:
            await self.find(finding("search-total-capped", expected=stated.value, found=found), self._channel)
            return
        await self.find(finding("list-size-differs", window=name, expected=stated.value, found=found), self._channel)

    # --- one slice

    def _begin(self, row: WindowRow) -> SliceWalk:
        attempt = self._attempts[row.window] = self._attempts.get(row.window, 0) + 1
        span, arguments = _span(row), self.arguments
        splits = self.style.sliced and frontier.can_split(span, self.traits)
        limits = [limit for limit in (arguments.limit, self._depth) if limit is not None]
        base = self._asking
        if row.verb == GATHERED:
            total = self._stated.get(row.window, self.expected_records)
            base = searchends.other_asking(base, self.style, attempt - row.attempts, total)
        paging_ = Paging(
            self.style,
            base.size,
            min(limits, default=None),
            splits,
            arguments.sample,
            cap=self._cap,
            fit=row.window in self._torn,
            wary=arguments.mode == "incremental" or arguments.shard is not None,
        )
        walk = SliceWalk(row, span, attempt, row.attempts, paging_, base, base)
        self._walks[row.window] = walk
        return walk

    def _page_request(self, walk: SliceWalk) -> Request:
        """The request for the next page of a walk."""
        walk.asking = replace(walk.base, moments=self._asking.moments, size=walk.paging.size)
        url = search.page_url(walk.asking, walk.span, walk.paging.place)
        return self._request(url, callback=self.page, errback=self.no_page, cb_kwargs={"walk": walk})

    async def page(self, response: Response, walk: SliceWalk) -> AsyncIterator[Any]:
        """An answer for the next page of a walk."""
        first = walk.paging.pages == 0 and not walk.gathered
        if response.status == 400 and first and self._smaller(response):
            walk.base = self._asking
            walk.paging.size = walk.paging.asked = self._asking.size
            yield self._page_request(walk)
            return
        decoded = await self._decode(walk, response)
        if isinstance(decoded, Unusable):
            async for out in self._unusable(walk, decoded):
                yield out
            return
        yield self._answers(walk, response, decoded)
        walk.answers, walk.tries = walk.answers + 1 + len(decoded.refused), 0
        if self.arguments.mode != "census":
            self._versions.take(walk.window, decoded.stored)
        end = walk.paging.take(decoded, paging.count_outside(decoded, walk.span, self.style))
        await self._remark(walk, response, decoded, end)
        if end is None:
            yield self._page_request(walk)
        else:
            yield self._over(walk, end)

    async def no_page(self, failure: Failure) -> AsyncIterator[Any]:
        """No answer for a page of a walk."""
        if isinstance(failure.value, WaitTooLong):
            self.fail(failure.value)
        if self.stopping:
            return
        walk = failure.request.cb_kwargs["walk"]  # type: ignore[attr-defined]
        async for out in self._unusable(walk, no_answer(failure)):
            yield out

    async def _decode(self, walk: SliceWalk, response: Response) -> DecodedHits | Unusable:
        status, arguments = response.status, self.arguments
        if status in GATEWAY:
            return Unusable(PAGE_LOST, f"HTTP status {status}", status, response)
        if status >= 300:
            return Unusable(PAGE_REFUSED, f"HTTP status {status}", status, response)
        media_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        stored = self._versions.known_to(walk.window, tail=walk.window.parent is None)
        try:
            return await self.decoders.run(
                search.decode_page,
                plain_body(response),
                arguments.style,
                response.url,
                arguments.name,
                arguments.accept,
                media_type,
                now_text(),
                self.settings.getint("HARVEST_ZSTD_LEVEL"),
                stored=stored,
            )
        except MalformedPage as error:
            return Unusable(PAGE_REFUSED, str(error), status, response)

    async def _unusable(self, walk: SliceWalk, unusable: Unusable) -> AsyncIterator[Any]:
        """Ask for a page again, in smaller pieces where deep ones end in errors, or give it up."""
        walk.tries += 1
        if walk.paging.probing:  # nothing is said to be there, and so a refusal agrees
            yield self._over(walk, paging.LISTED)
            return
        deep = walk.paging.pages > 0 and unusable.end == PAGE_REFUSED
        refused = unusable.status in TOO_DEEP and (deep or walk.gathered)
        failed = unusable.status is None or unusable.status >= 500
        if failed and self.style.paging == CURSOR and walk.tries > 1 and walk.paging.size > 10:
            walk.paging.size //= 2
        if walk.tries < self.settings.getint("HARVEST_TRIES") and not refused:
            await asyncio.sleep(limiter.backoff_seconds(walk.tries, random.random()))
            yield self._page_request(walk)
            return
        url = self._page_request(walk).url
        if unusable.end == PAGE_LOST and walk.paging.pages == 0 and not await self._somebody_there():
            self.fail(Unreachable(f"{url} does not answer ({unusable.reason}); run the same command again later"))
            return
        walk.answers += 1
        yield Answer(
            channel=self._channel,
            window=walk.window.window,
            attempt=walk.attempt,
            url=url,
            state="lost" if unusable.end == PAGE_LOST else "refused",
            http_status=unusable.status,
            reason=unusable.reason,
            attempts=walk.tries,
            at=now_text(),
            bare=True,
            refused=refused_body(unusable, url),
        )
        beyond = deep and (unusable.status or 0) >= 400
        yield self._over(walk, paging.BEYOND if beyond else unusable.end)

    async def _somebody_there(self) -> bool:
        try:
            await self._ask_total(Span(self.arguments.from_, self.arguments.until))
        except (Unreachable, UsageError, WaitTooLong):
            return False
        return True

    def _answers(self, walk: SliceWalk, response: Response, page: DecodedHits) -> Batch:
        """A page: its records, and each hit that is none."""
        common: dict[str, Any] = {
            "channel": self._channel,
            "window": walk.window.window,
            "attempt": walk.attempt,
            "url": response.url,
            "state": "read",
            "http_status": response.status,
            "attempts": walk.tries + 1,
            "at": now_text(),
        }
        census = self.arguments.mode == "census"
        notes = _notes(page)
        answers = [
            Answer(
                **common,
                reason=None,
                listed=len(page.rows),
                notes=notes,
                bare=census,
                outcomes=[
                    (name, stamp, "read", NOT_MODIFIED if place in page.left_out else None)
                    for place, (name, stamp) in enumerate(page.rows)
                ],
                payload=() if census else page.payload,
            )
        ]
        for hit in page.refused:
            body = RefusedBody(response.url, response.status, (), hit.body, common["at"], hit.reason)
            answers.append(
                Answer(
                    **common,
                    reason=hit.reason,
                    listed=1,
                    outcomes=[(hit.name, None, "refused", hit.reason)],
                    refused=body,
                    refused_identifier=hit.name,
                    bare=True,
                )
            )
        return Batch(answers)

    def _over(self, walk: SliceWalk, end: str) -> WindowEnd:
        return WindowEnd(walk.window, walk.attempt, walk.answers, end, walk.paging.last_total, walk.paging.pages)

    # --- what the pages teach

    def _smaller(self, response: Response) -> bool:
        """What a 400 is about: the size of the page, or the order. True when something else is asked for now."""
        if self._asking.size > SIZE_OF_GUESTS:
            self._asking = replace(self._asking, size=SIZE_OF_GUESTS)
        elif self._asking.sort and b"sort" in response.body.lower():
            self._asking = replace(self._asking, sort="")
        else:
            return False
        self.logger.info("400 for a page: now asked for by %d, order %r", self._asking.size, self._asking.sort)
        return True

    async def _remark(self, walk: SliceWalk, response: Response, page: DecodedHits, end: str | None) -> None:
        """Say once what is odd about this provider's pages."""
        if walk.paging.size_cut and not walk.gathered and walk.paging.size < self._asking.size:
            asked = self._asking.size
            self._asking = replace(self._asking, size=walk.paging.size)
            await self._note(finding("search-size-cut", expected=asked, found=walk.paging.size))
        linked = self.style.next is not None and self.style.paging != CURSOR and page.next is not None
        if end is None and linked and not self._leads_on(walk, page):
            await self._note(finding("next-link-lies", url=response.url, expected=page.total))

    def _leads_on(self, walk: SliceWalk, page: DecodedHits) -> bool:
        """Whether the link to the next page is what was reckoned."""
        found = search.next_page(page.next) if page.next else None
        return found == (urlsplit(self._asking.url).netloc.lower(), walk.paging.place)

    async def _note(self, note: Finding) -> None:
        if note.code not in self._noted:
            self._noted.add(note.code)
            await self.find(note, self._channel)

    # --- what the pipelines ask

    def decide(self, end: WindowEnd, count: WindowCount) -> frontier.Decision:
        """What becomes of a slice, with what the ledger counted."""
        walk = self._walks[end.window.window]
        walked = Walked(
            end.end,
            walk.span,
            walk.paging,
            count.distinct,
            walk.attempt - walk.earlier,
            tail=self._is_tail(walk.window),
            gathered=walk.gathered,
            follows=walk.window.parent is not None,
            longest=self._longest,
            orders=self._orders(walk),
            steady=self._is_steady(walk),
        )
        return searchends.decide(walked, self.traits)

    def _is_steady(self, walk: SliceWalk) -> bool:
        """Whether each listing of a slice, those before it was gathered among them, has stated the same total."""
        before = self._stated.setdefault(walk.window.window, walk.paging.last_total)
        return before == walk.paging.last_total

    def _orders(self, walk: SliceWalk) -> int:
        """In how many orders the listings that are gathered have come."""
        openings = self._openings.setdefault(walk.window.window, set())
        openings.add(walk.paging.opening)
        return len(openings)

    def describe(self, end: WindowEnd) -> str:
        """The slice's bounds."""
        return frontier.describe(_span(end.window))

    def window_settled(self, end: WindowEnd, decision: frontier.Decision, children: Sequence[WindowRow]) -> None:
        """Go on with the slices that take a slice's place, or with itself once more."""
        walk = self._walks.pop(end.window.window)
        row = walk.window
        self._versions.end_attempt(row, children, again=isinstance(decision, frontier.Again))
        if not isinstance(decision, frontier.Again):
            self._openings.pop(row.window, None)
        self._longest = max(self._longest, walk.paging.distinct)
        torn = end.end in (paging.BEYOND, paging.EMPTY) and not walk.paging.in_one_page
        if torn and walk.paging.splits and walk.paging.listed:
            self._depth = min(self._depth or walk.paging.listed, walk.paging.listed)
        if isinstance(decision, frontier.Split) and decision.fit_page:
            self._torn.update(child.window for child in children)
        self._stated.update((child.window, walk.paging.last_total) for child in children)
        self._lost = self._lost or isinstance(decision, frontier.Lost)
        if isinstance(decision, frontier.Again):
            self._queue.add(row.window, row.channel, _span(row), tail=self._is_tail(row))
        else:
            self._enlist(children)
        self._settled.set()

    # --- how far it is, for the progress line

    expected_records: int | None = None
    held_before = 0

    @property
    def open_windows(self) -> int:
        """Slices that wait or are being read."""
        return len(self._queue.waiting) + len(self._walks)


def _notes(page: DecodedHits) -> list[Finding]:
    """One finding a page and kind of problem, naming the first record."""
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


def _refusal(url: str, response: Response) -> Exception:
    """The error for a status: that of a wrong address or query, or that of a provider in trouble."""
    if response.status in (400, 404, 405, 406, 410, 415):
        return UsageError(f"{url} answers {response.status}: is it a search? It says {bytes(response.body[:120])!r}")
    return Unreachable(f"{url} answers with HTTP status {response.status}")


def _clock(response: Response) -> datetime:
    """The provider's clock by its Date header, ours without one."""
    try:
        moment = parsedate_to_datetime((response.headers.get("Date") or b"").decode("latin-1"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return datetime.now(UTC).replace(microsecond=0)
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def _span(row: WindowRow) -> Span:
    return Span(*(datestamps.parse(text) if text is not None else None for text in (row.from_, row.until)))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else datestamps.as_argument(moment)
