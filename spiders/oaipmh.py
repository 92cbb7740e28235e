"""OAI-PMH: ask for lists window by window, hand on what comes, do what `harvester.walks.list_walk` decides."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from archive.audits import iter_ids
from archive.findings import finding
from archive.store import NewWindow, WindowCount, WindowRow, ids
from harvester.crawl import WindowEnd, first_windows
from harvester.crawl.arguments import RETRY, OaipmhArguments, parse_arguments
from harvester.http import pause_seconds
from harvester.oaipmh import (
    GET_RECORD,
    LIST_IDENTIFIERS,
    LIST_RECORDS,
    OLDEST,
    Again,
    Asked,
    BySet,
    Decision,
    DecodedPage,
    Span,
    Split,
    Traits,
    cutting,
    datestamps,
    protocol,
    tokens,
)
from harvester.walks import (
    Beginning,
    Channel,
    Closing,
    Doubts,
    Keep,
    PageReader,
    Questions,
    Reply,
    Steps,
    StrayCheck,
    Unusable,
    Walk,
    WalkRules,
    list_walk,
)
from spiders.base import no_reply, now_text, reply_of
from spiders.windowed import WindowedSpider

# ids that are asked again in one window
NAMED_MOST = 1000
# statements about rights in Identify that are noted
_RIGHTS_MOST = 5


class OaipmhSpider(WindowedSpider):
    """Ask; hand on; every request ends as one Answer, with its records or its reason."""

    name = "oaipmh"

    arguments: OaipmhArguments
    rules: WalkRules
    identity: protocol.Identify
    channels: dict[int, Channel]
    given: tuple[int, ...]
    sinces: dict[int, datetime | None]
    answered: datetime
    questions: Questions
    began: datetime | None = None

    @classmethod
    def read_arguments(cls, words: Mapping[str, str]) -> OaipmhArguments:
        return parse_arguments(words)

    # --- the plan

    async def prepare(self) -> None:
        """Identify, then enlist the open windows of a resumed run or the first ones of a new run."""
        self.questions = Questions(self, self.arguments.endpoint.url)
        beginning, self._closing, self._doubts = Beginning(self), Closing(self), Doubts(self)
        self._turns: dict[int, asyncio.Condition] = {}
        await self.introduce()
        _, self.identity = await asyncio.gather(self.decoders.start(), self.questions.identify())
        for stated in () if self.resumed else self.identity.rights[:_RIGHTS_MOST]:
            await self.find(finding("rights-stated", reason=stated))
        self.answered = datestamps.parse(self.identity.response_date or "") or datetime.now(UTC)
        self.rules = self._new_rules()
        self._strays = StrayCheck(self.questions, self.rules.traits, self.rules.sent_bounds)
        level = self.settings.getint("HARVEST_ZSTD_LEVEL")
        self._reader = PageReader(
            rules=self.rules,
            questions=self.questions,
            decoders=self.decoders,
            find=self.find,
            now=now_text,
            level=level,
        )
        await self._open_channels()
        writer = self.keeper.writer
        if self.resumed:
            await self.take_back_judgement()
        rows = writer.ledger.windows(writer.run_number)
        if self.arguments.mode == "incremental":
            await beginning.begin_increment(rows)
        await beginning.open_known()
        if not rows or any(row.state == "open" for row in rows):
            await beginning.check_sets(new=not rows)
        if not rows:
            await self.questions.check_prefixes(self.arguments.prefixes)
            started = datestamps.as_argument(self.answered)
            await self.keeper.do(writer.ledger.set_provider_started, writer.run_number, started)
            if self.arguments.mode == RETRY:
                rows = await self._name_again()
            else:
                rows = await self.keeper.do(writer.open_windows, self._first_windows())
                if beginning.continued is not None:
                    await self.find(beginning.continued)
        began = await self.keeper.do(writer.ledger.provider_started, writer.run_number)
        self.began = datestamps.parse(began or "")
        async for _ in self._follow(self.rules.try_before(rows, self.channels)):
            pass
        self.enlist(rows)
        await self._expect()

    def _new_rules(self) -> WalkRules:
        identity, arguments = self.identity, self.arguments
        granule = timedelta(days=1) if identity.granularity == "day" else timedelta(seconds=1)
        traits = Traits(granule, datestamps.parse(identity.earliest or "") or OLDEST, self.answered)
        if arguments.sample is not None:  # one list, never cut, however it ends
            traits.ranges = False
        if target := self.settings.get("HARVEST_WINDOW_RECORDS"):
            traits.target = int(target)
        return WalkRules(
            base=arguments.endpoint.url,
            traits=traits,
            granularity=identity.granularity,
            claimed=identity.granularity,
            earliest=identity.earliest,
            tries=self.tries,
            sample=arguments.sample,
            named_only=arguments.mode == RETRY,
        )

    async def _open_channels(self) -> None:
        """Open a channel for each list that the arguments name; `given` has their numbers."""
        self.channels, self.sinces = {}, {}
        for prefix, spec in self.arguments.channels:
            await self.open_channel(prefix, spec)
        self.given = tuple(self.channels)

    async def open_channel(self, prefix: str, spec: str | None) -> Channel:
        """Open the channel of one list."""
        name = self.name_of(Channel(0, prefix, spec))
        number = await self.keeper.do(self.keeper.writer.ledger.channel, name, prefix, spec)
        return self.channels.setdefault(number, Channel(number, prefix, spec))

    def name_of(self, channel: Channel) -> str:
        """Name a channel as findings and the ledger do."""
        kind = "census" if self.arguments.mode == "census" else "oaipmh"
        return f"{kind}:{channel.prefix}" + (f":{channel.set_spec}" if channel.set_spec is not None else "")

    def channel_of(self, row: WindowRow) -> Channel:
        """Return the list that a window belongs to: its channel, or a set of it."""
        channel = self.channels[row.channel]
        return channel if row.set_spec is None else replace(channel, set_spec=row.set_spec, sent_as=None)

    # --- windows

    @property
    def list_verb(self) -> str:
        """The verb of the lists of this run."""
        return LIST_IDENTIFIERS if self.arguments.mode == "census" else LIST_RECORDS

    def _first_windows(self) -> list[NewWindow]:
        return [
            NewWindow(number, self.list_verb, *self.rules.texts(span))
            for number in self.channels
            for span in first_windows.first_spans(
                self.arguments, self.rules.traits, self.answered, self.sinces.get(number)
            )
        ]

    async def _name_again(self) -> list[WindowRow]:
        """Open windows for the ids of a file, or for those of each channel that stand as refused, lost or open."""
        rows, file = [], self.arguments.file
        listed = None if file is None else list(dict.fromkeys(wanted.identifier for wanted in iter_ids(file)))
        for number in self.channels:
            names = listed
            if names is None:
                names = await self.keeper.do(ids.unsettled, self.keeper.writer.ledger, number)
            rows += await self._open_ids(NewWindow(number, GET_RECORD, None, None), names, "mode=retry")
        return rows

    async def open_named(self, channel: int, names: Sequence[str], why: str, parent: int | None = None) -> bool:
        """Open windows for ids that are asked for one by one, and queue them. Returns whether there are any.

        `why` stands where a request has its URL.
        """
        self.enlist(await self._open_ids(NewWindow(channel, ids.IDS, None, None), names, why, parent), tail=False)
        return bool(names)

    async def _open_ids(
        self, window: NewWindow, names: Sequence[str], why: str, parent: int | None = None
    ) -> list[WindowRow]:
        writer, rows = self.keeper.writer, []
        for start in range(0, len(names), NAMED_MOST):
            part = names[start : start + NAMED_MOST]
            rows.append(
                await self.keeper.do(
                    ids.open_named,
                    ledger=writer.ledger,
                    run=writer.run_number,
                    window=window,
                    named=part,
                    url=why,
                    now=writer.now(),
                    parent=parent,
                )
            )
        return rows

    async def open_more(self, windows: Sequence[NewWindow], parent: int | None = None) -> None:
        """Open windows that were not planned, and queue them."""
        self.enlist(await self.keeper.do(self.keeper.writer.open_windows, windows, parent), tail=False)

    def new_windows(self, parent: WindowRow, spans: Sequence[Span], verb: str) -> list[NewWindow]:
        """Make the windows that take a parent's place, as the ledger wants them."""
        return [NewWindow(parent.channel, verb, *self.rules.texts(span), set_spec=parent.set_spec) for span in spans]

    def by_set(self, parent: WindowRow, sets: Sequence[str]) -> list[NewWindow]:
        """Make the windows that list the same records set by set."""
        return [NewWindow(parent.channel, self.list_verb, parent.from_, parent.until, spec) for spec in sets]

    def singly(self, parent: WindowRow) -> list[NewWindow]:
        """Make the window that asks for the same records one by one."""
        return self.new_windows(parent, (Span.parse(parent.from_, parent.until),), GET_RECORD)

    def enlist(self, rows: Sequence[WindowRow], tail: bool | None = None) -> None:
        """Queue windows, and remember what the tails among them will list again."""
        super().enlist(rows, tail)
        for row in rows:
            if row.parent is None and row.from_ is not None and self.is_tail(row):
                self.rules.versions.expect_tail(row.channel, row.from_)

    def tail_begins(self, row: WindowRow) -> bool:
        """Return whether a window begins where the run did, and has no end."""
        if self.began is None or row.from_ is None or row.until is not None:
            return False
        return datestamps.parse(row.from_) == first_windows.back_from(self.began, self.arguments, self.rules.traits)

    async def look_again(self) -> bool:
        """Ask for what may be missing when all windows are done. Returns whether there is anything."""
        return (
            await self._closing.look_again()
            or await self._doubts.ask_otherwise()
            or await self._closing.settle_contradictions()
        )

    async def conclude(self) -> None:
        """Judge what the run found of records held before it."""
        await self.guard_losses(await self._closing.listed_whole())
        await self._closing.sum_up()

    # --- one window: requests and their replies

    async def begin(self, row: WindowRow, attempt: int) -> AsyncIterator[Any]:
        """Yield the first request of a window; for ids that are asked again, theirs."""
        begun = self.rules.begin(row, self.channel_of(row), attempt, tail=self.is_tail(row))
        self._turns[row.window] = asyncio.Condition()
        if not self.rules.is_named(row):
            yield self._page_request(begun, 1, None)
            return
        ledger = self.keeper.writer.ledger
        settled = await self.keeper.do(ids.settled_in, ledger, row.window)
        named = await self.keeper.do(ids.named_in, ledger, row.window)
        begun.names.update((name, None) for name in named if name not in settled)
        async for out in self._follow(self.rules.finish(begun, tokens.LIST_COMPLETE)):
            yield out

    def _page_request(self, walk: Walk, number: int, token: str | None) -> Request:
        request = Request(
            self.rules.page_url(walk, token),
            callback=self.page,
            errback=self.no_page,
            cb_kwargs={"walk": walk, "number": number, "token": token},
            dont_filter=True,
        )
        return _posted(request) if walk.posts else request

    def _record_request(self, walk: Walk, name: str, tries: int) -> Request:
        return Request(
            self.rules.record_url(walk, name),
            callback=self.record,
            errback=self.no_record,
            cb_kwargs={"walk": walk, "name": name, "tries": tries},
            dont_filter=True,
        )

    async def page(self, response: Response, walk: Walk, number: int, token: str | None) -> AsyncIterator[Any]:
        """Take an answer for page `number` of a walk, 1 for the first."""
        reply = reply_of(response)
        for ahead in self.rules.ahead(walk, number, reply):
            yield self._page_request(ahead.walk, ahead.number, ahead.token)
        what = Asked(token=token, lenient=self.rules.lenient)
        result = await self._reader.read(reply, walk, what, again=walk.tries > 0)
        async for out in self._in_turn(walk, number, token, reply, result):
            yield out

    async def no_page(self, failure: Failure) -> AsyncIterator[Any]:
        """Take the failure of a request for a page."""
        kwargs = failure.request.cb_kwargs  # type: ignore[attr-defined]
        if not self.goes_on(failure):
            return
        async for out in self._in_turn(kwargs["walk"], kwargs["number"], kwargs["token"], None, no_reply(failure)):
            yield out

    async def _in_turn(
        self, walk: Walk, number: int, token: str | None, reply: Reply | None, result: DecodedPage | Unusable
    ) -> AsyncIterator[Any]:
        """Follow a page after all those before it; one whose walk went another way does not count."""
        turn = self._turns[walk.window.window]
        async with turn:
            await turn.wait_for(lambda: walk.judged == number - 1 or walk.end is not None)
            if not walk.is_due(number, token):
                return
            if isinstance(result, Unusable):
                steps = self.rules.unusable(walk, number, result)
            else:
                assert reply is not None
                steps = self.rules.page(walk, number, reply, result)
            async for out in self._follow(steps):
                yield out
            turn.notify_all()

    async def record(self, response: Response, walk: Walk, name: str, tries: int) -> AsyncIterator[Any]:
        """Take an answer to GetRecord."""
        reply = reply_of(response)
        result = await self._reader.read(reply, walk, Asked(identifier=name), again=tries > 0)
        async for out in self._follow(self.rules.record(walk, name, tries + 1, reply, result)):
            yield out

    async def no_record(self, failure: Failure) -> AsyncIterator[Any]:
        """Take the failure of a request for a record."""
        kwargs = failure.request.cb_kwargs  # type: ignore[attr-defined]
        if not self.goes_on(failure):
            return
        steps = self.rules.record(kwargs["walk"], kwargs["name"], kwargs["tries"] + 1, None, no_reply(failure))
        async for out in self._follow(steps):
            yield out

    async def _follow(self, steps: Steps) -> AsyncIterator[Any]:
        """Do what was decided: yield requests, answers and ends, and answer the questions."""
        answer: Any = None
        while True:
            try:
                action = steps.send(answer)
            except StopIteration:
                return
            answer = None
            match action:
                case list_walk.AskPage(on, number, token):
                    yield self._page_request(on, number, token)
                case list_walk.AskRecord(on, name, tries):
                    yield self._record_request(on, name, tries)
                case Keep():
                    yield action.answer(now_text())
                case list_walk.EndWindow(on):
                    yield on.over()
                case list_walk.Wait(tries):
                    await asyncio.sleep(pause_seconds(tries))
                case list_walk.Report(found):
                    await self.find(found)
                case list_walk.EndRun(error):
                    self.fail(error)
                case _:
                    answer = await self._answer(action)

    async def _answer(self, question: list_walk.Question) -> Any:
        """Ask what a decision depends on."""
        questions, traits, form = self.questions, self.rules.traits, self.rules.granularity
        match question:
            case list_walk.WhetherForeign(on, number, page):
                return await self._strays.is_foreign(on, number, page)
            case list_walk.WhetherRefused(on, unusable):
                refused = await self._doubts.refuses_from(on, unusable)
                return refused or await self._doubts.refuses_bounds(on, unusable)
            case list_walk.WhetherThere():
                return await questions.somebody_there()
            case list_walk.TryRanges(channel, stamp):
                return await questions.try_ranges(channel, stamp, traits, form)
            case list_walk.TryApart(channel):
                return await questions.try_apart(channel, traits, form)
            case list_walk.KnownStamp(channel):
                return await questions.known_stamp(channel)
            case list_walk.LookInside(on):
                return await questions.look_inside(on, self.rules.sent_bounds(on.span))
            case list_walk.ListSets():
                return await questions.sets()

    # --- what the pipelines ask

    def decide(self, end: WindowEnd, count: WindowCount) -> Decision:
        """Decide on a list that ended, with what the ledger counted."""
        return self.rules.decide(end, count, tail=self.is_tail(end.window))

    def describe(self, end: WindowEnd) -> str:
        """Describe a window by its bounds."""
        assert end.ended is not None
        return cutting.describe(end.ended.span)

    def window_settled(self, end: WindowEnd, decision: Decision, children: Sequence[WindowRow]) -> None:
        """Go on with the windows that take a window's place, or with itself once more."""
        again, shared = isinstance(decision, Again), isinstance(decision, BySet)
        self.rules.versions.end_attempt(self.windows[end.window.window], children, again=again, shared=shared)
        self.rules.traits.fit_page |= isinstance(decision, Split) and decision.fit_page
        super().window_settled(end, decision, children)

    # --- how far it is, for the progress line

    async def _expect(self) -> None:
        """Take up what earlier processes of this run have learned of its size."""
        ledger, run = self.keeper.writer.ledger, self.keeper.writer.run_number
        stated = await self.keeper.do(ledger.stated_totals, run)
        self.rules.stated.update({-n: pair for n, pair in enumerate(stated, 1)})
        self.held_before = await self.keeper.do(ledger.records_done, run) if self.resumed else 0

    @property
    def expected_records(self) -> int | None:
        """The sum of the totals that the provider stated, None while it cannot be known."""
        if self.arguments.sample is not None or self.arguments.slices != "auto":
            return None
        sets = [channel.set_spec for channel in self.channels.values()]
        return first_windows.expected_records(self.rules.stated.values(), sets)


def _posted(request: Request) -> Request:
    """Send the same arguments in the body (section 3.1.1.2)."""
    parts = urlsplit(request.url)
    return request.replace(
        url=parts._replace(query="").geturl(),
        method="POST",
        body=parts.query.encode("ascii"),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
