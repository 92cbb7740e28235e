"""OAI-PMH: walk ListRecords window by window; a record that breaks its page is asked for alone."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from archive.audits import iter_ids
from archive.findings import Finding, finding
from archive.store import (
    NOT_MODIFIED,
    Answer,
    NewWindow,
    Run,
    SplitList,
    UnsizedList,
    WindowCount,
    WindowRow,
    contradictions,
    ids,
    known_before,
    newest_dump,
    unsized_lists,
)
from archive.store import splits as splits_in_ledger
from harvester import frontier
from harvester.crawl import WindowEnd, first_windows
from harvester.crawl.arguments import RETRY, OaipmhArguments, parse_arguments
from harvester.errors import MalformedPage, NamelessRecords, ProviderError, Unreachable, UsageError
from harvester.frontier import GET_RECORD, LIST_IDENTIFIERS, LIST_RECORDS, Span
from harvester.http import redirect_not_followed
from harvester.oaipmh import (
    Asked,
    DecodedPage,
    Row,
    StoredVersions,
    datestamps,
    emptiness,
    increments,
    listends,
    protocol,
    protocolerrors,
    tokens,
)
from harvester.oaipmh import decode as decoding
from harvester.oaipmh import xml as strictxml
from harvester.ratelimit import WaitTooLong, limiter
from harvester.walks import splits
from spiders.base import HarvestSpider, now_text
from spiders.doubts import Doubts
from spiders.questions import Questions
from spiders.splits import SplitCheck
from spiders.strays import StrayCheck
from spiders.walks import (
    Channel,
    Unusable,
    Walk,
    gone_record,
    no_answer,
    notes_of,
    plain_body,
    record_state,
    refused_body,
    scanned,
)

# answers that say "nobody is behind me", rather than "this is my answer"
GATEWAY = frozenset({502, 503, 504})
# so many records deep in a list a gateway error is taken for the provider's depth limit
DEEP = 2_000
# ids that are asked again in one window
NAMED_MOST = 1000
# pages asked for while earlier ones of the same list are still being decoded
AHEAD = 3
URI_TOO_LONG = 414
# records asked for one by one, so many that it is said what that costs
SINGLY_MANY = 20
# statements about rights in Identify that are noted
_RIGHTS_MOST = 5
# ids listed both live and deleted that are settled by a question each
SETTLED_MOST = 100
# characters of a datestamp in each granularity
STAMP_LENGTH = {"day": 10, "second": 20}


class OaipmhSpider(HarvestSpider):
    """Ask; hand on; every request ends as one Answer, with its records or its reason."""

    name = "oaipmh"

    arguments: OaipmhArguments
    traits: frontier.Traits
    identity: protocol.Identify
    channels: dict[int, Channel]
    given: tuple[int, ...]
    sinces: dict[int, datetime | None]
    answered: datetime
    granularity: str
    questions: Questions
    doubts: Doubts
    _continued: Finding | None = None
    _empty_said = False
    _answered = False
    _lenient = False

    @classmethod
    def read_arguments(cls, words: Mapping[str, str]) -> OaipmhArguments:
        return parse_arguments(words)

    # --- the plan

    async def start(self) -> AsyncIterator[Any]:
        """Yield the first request of each window, as many at once as the source allows."""
        self._queue = frontier.Queue()
        self._windows: dict[int, tuple[WindowRow, bool]] = {}
        self._attempts: dict[int, int] = {}
        self._walking = 0
        self._settled = asyncio.Event()
        self._looked_again = self._settled_all = self._named_missing = False
        self._ends_asked = 0
        self._unsized: dict[int, UnsizedList] = {}
        self._breaks_at: int | None = None
        self._names_tried: set[int] = set()
        self._deviations: set[str] = set()
        self._beside = protocolerrors.BesideToken()
        self._versions = StoredVersions()
        self.questions = Questions(self.crawler, self.arguments.endpoint.url)
        self.doubts = Doubts(self)
        try:
            await self._prepare()
        except Exception as error:
            self.fail(error)
            return
        while not self.stopping:
            window = self._queue.take() if self._walking < self.arguments.windows else None
            if window is not None:
                self._walking += 1
                async for request in self._begin(window):
                    yield request
            elif self._walking:
                self._settled.clear()
                await self._settled.wait()
            elif (
                not await self._look_again()
                and not await self.doubts.ask_otherwise()
                and not await self._settle_contradictions()
            ):
                await self.guard_losses(await self._listed_whole())
                await self._sum_up()
                return

    async def _prepare(self) -> None:
        """Identify, then the open windows of a resumed run or the first ones of a new run."""
        await self.introduce()
        _, self.identity = await asyncio.gather(self.decoders.start(), self.questions.identify())
        for stated in () if self.resumed else self.identity.rights[:_RIGHTS_MOST]:
            await self.find(finding("rights-stated", reason=stated))
        granule = timedelta(days=1) if self.identity.granularity == "day" else timedelta(seconds=1)
        answered = datestamps.parse(self.identity.response_date or "") or datetime.now(UTC)
        self.answered, self.granularity = answered, self.identity.granularity
        earliest = datestamps.parse(self.identity.earliest or "") or frontier.OLDEST
        self.traits = frontier.Traits(granule, earliest, answered)
        self.beginnings = frontier.Beginnings()
        self._tried: set[int] = set()
        if self.arguments.sample is not None:  # one list, never cut, however it ends
            self.traits.ranges = False
        if target := self.settings.get("HARVEST_WINDOW_RECORDS"):
            self.traits.target = int(target)
        self._strays = StrayCheck(self.questions, self.traits, self._sent_bounds)
        await self._open_channels()
        writer = self.keeper.writer
        if self.resumed:
            await self.take_back_judgement()
        rows = writer.ledger.windows(writer.run_number)
        if self.arguments.mode == "incremental":
            await self._begin_increment(rows)
        await self._open_known(writer.run_number)
        if not rows or any(row.state == "open" for row in rows):
            await self._check_sets(new=not rows)
        if not rows:
            await self.questions.check_prefixes(self.arguments.prefixes)
            started = datestamps.as_argument(answered)
            await self.keeper.do(writer.ledger.set_provider_started, writer.run_number, started)
            if self.arguments.mode == RETRY:
                rows = await self._name_again()
            else:
                rows = await self.keeper.do(writer.open_windows, self._first_windows(answered))
                if self._continued is not None:
                    await self.find(self._continued)
        self._started = await self.keeper.do(writer.ledger.provider_started, writer.run_number)
        await self._try_before(rows)
        self._enlist(rows)
        await self._expect()

    async def _open_channels(self) -> None:
        """Open a channel for each list that the arguments name; `given` has their numbers."""
        self.channels, self.sinces = {}, {}
        for prefix, spec in self.arguments.channels:
            await self.open_channel(prefix, spec)
        self.given = tuple(self.channels)

    async def open_channel(self, prefix: str, spec: str | None) -> Channel:
        """Open the channel of one list."""
        kind = "census" if self.arguments.mode == "census" else "oaipmh"
        name = f"{kind}:{prefix}" + (f":{spec}" if spec is not None else "")
        number = await self.keeper.do(self.keeper.writer.ledger.channel, name, prefix, spec)
        return self.channels.setdefault(number, Channel(number, prefix, spec))

    def name_of(self, channel: Channel) -> str:
        """A channel as it is named in findings."""
        kind = "census" if self.arguments.mode == "census" else "oaipmh"
        return f"{kind}:{channel.prefix}" + (f":{channel.set_spec}" if channel.set_spec is not None else "")

    async def _open_known(self, run: int) -> None:
        """Open the channels of sets that a run lists one by one because its list without a set is empty."""
        for number, prefix, spec in await self.keeper.do(self.keeper.writer.ledger.channels_of, run):
            self.channels.setdefault(number, Channel(number, prefix, spec))

    async def _check_sets(self, *, new: bool) -> None:
        """Look up the sets that the arguments name, and how they have to be sent; a resumed run knows that they are."""
        for spec in self.arguments.sets:
            if not new and not emptiness.encodings(spec):
                continue
            sent = await self.questions.check_set(spec, self.arguments.prefixes[0])
            for number, channel in self.channels.items() if sent is not None else ():
                if channel.set_spec == spec:
                    self.channels[number] = replace(channel, sent_as=sent)

    async def _begin_increment(self, rows: Sequence[WindowRow]) -> None:
        """Learn where each list goes on, by set where it had to be listed so, and in which form to ask for that."""
        ledger, run = self.keeper.writer.ledger, self.keeper.writer.run_number
        for number in self.given:
            last = self._last(number)
            for _, prefix, spec in await self.keeper.do(ledger.channels_of, last.run) if last is not None else ():
                if (prefix, None) in self.arguments.channels and spec is not None:
                    await self.open_channel(prefix, spec)
        if len(self.channels) > len(self.given):
            for spec in await self.questions.all_sets(emptiness.SETS_MOST) or ():
                for prefix in {c.prefix for n, c in self.channels.items() if n not in self.given}:
                    await self.open_channel(prefix, spec)
        stamps: set[str] = set()
        for number in self.channels:
            self.sinces[number] = self._since(number)
            outcomes = await self.keeper.do(known_before, ledger, run, number)
            stamps.update(stamp for _, stamp, _ in outcomes if stamp and datestamps.parse(stamp))
        ids = [row.from_ for row in rows if row.from_ is not None]
        form = increments.form_for(self.granularity, [*stamps, *ids])
        if form != self.granularity:
            self.use_form(form)
            self.sinces = {number: self._since(number) for number in self.channels}

    def use_form(self, form: str) -> None:
        """Ask for lists in another granularity than Identify claims."""
        self.granularity, self.traits.granule = form, increments.GRANULES[form]

    @property
    def list_verb(self) -> str:
        """The verb of the lists of this run."""
        return LIST_IDENTIFIERS if self.arguments.mode == "census" else LIST_RECORDS

    def _first_windows(self, answered: datetime) -> list[NewWindow]:
        return [
            NewWindow(number, self.list_verb, *self._texts(span))
            for number in self.channels
            for span in first_windows.first_spans(self.arguments, self.traits, answered, self.sinces.get(number))
        ]

    async def _name_again(self) -> list[WindowRow]:
        """Windows for the ids of a file, or for those of each channel that stand as refused, lost or open."""
        writer, rows = self.keeper.writer, []
        listed = self._listed()
        for number in self.channels:
            names = listed if listed is not None else await self.keeper.do(ids.unsettled, writer.ledger, number)
            rows += await self._open_named(number, names, "mode=retry", verb=GET_RECORD)
        return rows

    async def _open_named(
        self, channel: int, names: Sequence[str], why: str, *, verb: str = ids.IDS, parent: int | None = None
    ) -> list[WindowRow]:
        """Open windows for ids that are asked for one by one; `why` stands where a request has its URL."""
        writer, rows = self.keeper.writer, []
        for start in range(0, len(names), NAMED_MOST):
            window, part = NewWindow(channel, verb, None, None), names[start : start + NAMED_MOST]
            rows.append(
                await self.keeper.do(
                    ids.open_named, writer.ledger, writer.run_number, window, part, why, writer.now(), parent=parent
                )
            )
        return rows

    def _listed(self) -> list[str] | None:
        """The ids of the file that was named, None without one. Raises BadIdFile."""
        file = self.arguments.file
        return None if file is None else list(dict.fromkeys(wanted.identifier for wanted in iter_ids(file)))

    def _last(self, channel: int) -> Run | None:
        """The last complete run that listed a channel."""
        ledger, modes = self.keeper.writer.ledger, ("full", "incremental")
        return ledger.last_listing(self.name, self.arguments.identity, modes, channel)

    def _since(self, channel: int) -> datetime | None:
        """Where an increment begins: at the last complete run, or else when a dump was made, minus an overlap.

        A list that was not there then, of a set or format that was added to the arguments, begins at its beginning.

        By the provider's clock or by ours, whichever said it was earlier: a provider may answer by another clock than
        the one that it stamps records with.
        """
        last = self._last(channel)
        times = (last.provider_started or "", last.started) if last is not None else ()
        started = min(filter(None, map(datestamps.parse, times)), default=None)
        if started is None and (dump := newest_dump(self.keeper.writer.ledger)) is not None:
            started = datestamps.parse(dump.made)
            self._continued = finding("dump-continued", datestamp=dump.made, name=f"run {dump.run}")
        if started is None:
            name = self.name_of(self.channels[channel])
            self.logger.info("no complete run has listed %s yet: the incremental run takes the whole list", name)
            return None
        return first_windows.back_from(started, self.arguments, self.traits)

    async def open_more(self, windows: Sequence[NewWindow]) -> None:
        """Open windows that were not planned, and queue them."""
        self._enlist(await self.keeper.do(self.keeper.writer.open_windows, windows), tail_of=False)

    def new_windows(self, parent: WindowRow, spans: Sequence[Span], verb: str) -> list[NewWindow]:
        """The windows that take a parent's place, as the ledger wants them."""
        return [NewWindow(parent.channel, verb, *self._texts(span), set_spec=parent.set_spec) for span in spans]

    def by_set(self, parent: WindowRow, sets: Sequence[str]) -> list[NewWindow]:
        """The windows that list the same records set by set."""
        verb = LIST_RECORDS if self.arguments.mode != "census" else LIST_IDENTIFIERS
        return [NewWindow(parent.channel, verb, parent.from_, parent.until, spec) for spec in sets]

    def singly(self, parent: WindowRow) -> list[NewWindow]:
        """The window that asks for the same records one by one."""
        return self.new_windows(parent, (self._span(parent),), GET_RECORD)

    def _enlist(self, rows: Sequence[WindowRow], tail_of: bool | None = None) -> None:
        """Queue open windows; those that descend from a tail are asked after all others of their channel."""
        for row in rows:
            tail = tail_of if tail_of is not None else self._is_tail(row)
            self._windows[row.window] = (row, tail)
            if tail and row.parent is None and row.from_ is not None:
                self._versions.expect_tail(row.channel, row.from_)
            if row.state == "open":
                self._attempts.setdefault(row.window, row.attempts)
                self._queue.add(row.window, row.channel, self._span(row), tail=tail)

    def is_tail(self, row: WindowRow) -> bool:
        """Whether a window is, or descends from, the tail of its channel."""
        return self._windows[row.window][1] if row.window in self._windows else self._is_tail(row)

    def _is_tail(self, row: WindowRow) -> bool:
        if row.parent is not None and row.parent in self._windows:
            return self._windows[row.parent][1]
        started = datestamps.parse(self._started or "")
        if started is None or row.from_ is None or row.until is not None:
            return False
        return datestamps.parse(row.from_) == first_windows.back_from(started, self.arguments, self.traits)

    async def _look_again(self) -> bool:
        """When all windows are done: list or ask once more what may be missing. True when something is."""
        if await self._list_torn_again() or await self._prove_ends():
            return True
        if await self._ask_named() or await self._name_missing():
            return True
        await self._reconcile()
        return False

    async def _name_missing(self) -> bool:
        """Request what a list names as a whole and none of its parts returned. Returns True if there is any."""
        given = self.arguments
        if self._named_missing or given.mode in (RETRY, "census") or given.sample is not None or self.stopping:
            return False
        self._named_missing = True
        writer, rows = self.keeper.writer, []
        ledger, run = writer.ledger, writer.run_number
        check = self._split_check()
        for doubt in splits.doubts(await self._splits()):
            split = doubt.split
            if doubt.kind == splits.LACKING:  # these came, and are stored
                continue
            shown = await check.names(split)
            names = await self.keeper.do(splits_in_ledger.not_seen, ledger, run, split.channel, shown)
            rows += await self._open_named(split.channel, names, "in no part of a list", parent=split.window)
        self._enlist(rows, tail_of=False)
        return bool(rows)

    async def _splits(self) -> list[SplitList]:
        writer = self.keeper.writer
        return await self.keeper.do(lambda: list(splits_in_ledger.iter_splits(writer.ledger, writer.run_number)))

    def _split_check(self) -> SplitCheck:
        return SplitCheck(self.questions, self.channels, self._sent_bounds, datestamps.parse(self._started or ""))

    async def _ask_named(self) -> bool:
        """Ask for ids that a list of names showed and that no window brought. True when there are some."""
        if self.arguments.mode == RETRY or self.stopping:
            return False
        writer, rows = self.keeper.writer, []
        named = await self.keeper.do(splits_in_ledger.named_and_open, writer.ledger, writer.run_number)
        for number, names in named.items():
            rows += await self._open_named(number, names, "named by a list")
        self._enlist(rows, tail_of=False)
        return bool(rows)

    async def _reconcile(self) -> None:
        """Compare lists that were cut with their parts, and report what no part brought."""
        if self.stopping:
            return
        writer, check = self.keeper.writer, self._split_check()
        for doubt in splits.doubts(await self._splits()):
            split = doubt.split
            settled = await check.settle(doubt)
            if isinstance(settled, int):
                await self.keeper.do(splits_in_ledger.restate, writer.ledger, split.window, settled)
            elif settled is not None:
                await self.find(settled, split.channel, split.window)
                if doubt.kind == splits.SHORT and split.end in tokens.CIRCULAR_ENDS:
                    await self.keeper.do(splits_in_ledger.lose, writer.ledger, split.window)

    async def _prove_ends(self) -> bool:
        """Request lists without a stated size once more at their end, and split those that broke off.

        Returns True if windows were opened.
        """
        if self.traits.ranges is False or self.arguments.sample is not None or self.arguments.mode == RETRY:
            return False
        ledger, run, opened = self.keeper.writer.ledger, self.keeper.writer.run_number, False
        for found in await self.keeper.do(unsized_lists, ledger, run, after=self._ends_asked):
            if self.stopping:
                return False
            self._ends_asked = found.window
            self._unsized[found.window] = found
            row, _ = self._windows[found.window]
            if missing := await self._beyond_the_end(row, found):
                self._breaks_at = min(self._breaks_at or found.pages, found.pages)
                window = frontier.describe(self._span(row))
                note = finding("list-broke-off", window=window, found=found.listed, identifier=missing[0])
                await self.find(note, row.channel, row.window)
        if self._breaks_at is not None:
            for found in [one for one in self._unsized.values() if one.pages >= self._breaks_at]:
                del self._unsized[found.window]
                opened |= await self._list_in_parts(self._windows[found.window][0], found)
        return opened

    async def _list_in_parts(self, row: WindowRow, found: UnsizedList) -> bool:
        """Split a window because lists of its length break off. Returns False if it cannot be split."""
        span, writer = self._span(row), self.keeper.writer
        if frontier.can_split(span, self.traits):
            parts = frontier.cut_to_pages(span, 2 * found.listed, self.traits)
            windows = self.new_windows(row, parts, row.verb)
            self._enlist(await self.keeper.do(writer.open_windows, windows, row.window), tail_of=False)
            return True
        reason = "lists of this provider break off without a word"
        unproven = finding("window-unproven", window=frontier.describe(span), found=found.listed, reason=reason)
        await self.find(unproven, row.channel, row.window)
        return False

    async def _beyond_the_end(self, row: WindowRow, found: UnsizedList) -> list[str]:
        """Return the records on the first page beyond the end of a list that no response of the run has named."""
        rest = listends.rest_of(found, self._span(row), self.traits)
        if rest is None:
            return []
        channel = self._channel_of(row)
        rows = await self.questions.first_headers(channel, self._sent_bounds(rest))
        began = datestamps.parse(self._started or "")
        names = [
            one[0]
            for one in rows
            if not frontier.count_outside([one], rest, channel.set_spec, self.traits)
            and not (began and (moment := datestamps.parse(one[1])) and moment >= began)
        ]
        writer = self.keeper.writer
        return await self.keeper.do(splits_in_ledger.not_seen, writer.ledger, writer.run_number, row.channel, names)

    async def _list_torn_again(self) -> bool:
        """List once more the windows that a change may have torn. True when there are some."""
        if self._looked_again or self._started is None or self.arguments.sample is not None:
            return False
        self._looked_again = True
        writer = self.keeper.writer
        since = datestamps.as_argument(datestamps.parse(self._started) or self.traits.newest, self.identity.granularity)
        changed, torn = await self.keeper.do(writer.ledger.torn_windows, writer.run_number, since)
        torn = [row for row in torn if frontier.can_split(self._span(row), self.traits)]
        if not torn:
            return False
        await self.find(finding("changed-while-listed", found=changed))
        for row in torn:
            parts = frontier.cut_to_pages(self._span(row), writer.ledger.distinct_in(row.window), self.traits)
            windows = self.new_windows(row, parts, row.verb)
            self._enlist(await self.keeper.do(writer.open_windows, windows, row.window), tail_of=False)
        return True

    async def _listed_whole(self) -> dict[int, bool]:
        """Name the channels that were asked for, each with whether all of its records were listed."""
        given, writer = self.arguments, self.keeper.writer
        state = await self.keeper.do(writer.ledger.settled_state, writer.run_number)
        bounded = given.from_ is not None or given.until is not None
        part = given.sample is not None or (given.shard or (1, 1))[1] > 1
        whole = given.mode in ("full", "census") and not bounded and not part and state != "unfinished"
        return dict.fromkeys(self.channels, whole)

    async def _settle_contradictions(self) -> bool:
        """When all lists are done: name the ids that they contradict each other about, and ask for each of these.

        True when some are asked for.
        """
        if self._settled_all or self.arguments.sample is not None or self.arguments.mode in (RETRY, "census"):
            return False
        self._settled_all = True
        writer = self.keeper.writer
        ledger, run = writer.ledger, writer.run_number
        if self.arguments.mode == "full" and run > 1:
            older, first = await self.keeper.do(contradictions.count_older_than_held, ledger, run)
            if older:
                await self.find(finding("datestamps-went-back", found=older, identifier=first))
        found = await self.keeper.do(lambda: dict(contradictions.iter_contradicted(ledger, run)))
        if not found:
            return False
        cheap = len(found) <= SETTLED_MOST
        reason = (
            "GetRecord says which it is" if cheap else "the newer datestamp counts, and a live record before a deleted"
        )
        await self.find(finding("live-and-deleted", found=len(found), identifier=next(iter(found)), reason=reason))
        if not cheap:
            return False
        for number in sorted(set(found.values())):
            names = [name for name, channel in found.items() if channel == number]
            self._enlist(await self._open_named(number, names, "contradictions"), tail_of=False)
        return True

    async def _sum_up(self) -> None:
        """Say once of each channel, at the end, how many records have datestamps that are no dates."""
        writer = self.keeper.writer
        await self.keeper.do(contradictions.note_impossible_datestamps, writer.ledger, writer.run_number, writer.now())

    # --- one window

    async def _begin(self, window: int) -> AsyncIterator[Any]:
        """The first request of a window; for ids that are asked again, theirs."""
        if not self._is_named(self._windows[window][0]):
            yield self._page_request(self._new_walk(window), 1, None)
            return
        walk, ledger = self._new_walk(window), self.keeper.writer.ledger
        settled = await self.keeper.do(ids.settled_in, ledger, window)
        named = await self.keeper.do(ids.named_in, ledger, window)
        walk.names.update((name, None) for name in named if name not in settled)
        async for out in self._finish(walk, tokens.LIST_COMPLETE):
            yield out

    def _new_walk(self, window: int) -> Walk:
        row, _ = self._windows[window]
        self._attempts[window] = self._attempts.get(window, 0) + 1
        span = self._span(row)
        whole = row.verb in (GET_RECORD, ids.IDS) or self.arguments.sample is not None
        chain = tokens.TokenChain(None if whole else frontier.record_limit(span, self.traits))
        channel = self._channel_of(row)
        return Walk(row, channel, span, self._attempts[window], row.attempts, chain)

    def _channel_of(self, row: WindowRow) -> Channel:
        """Return the list that a window belongs to: its channel, or a set of it."""
        channel = self.channels[row.channel]
        return channel if row.set_spec is None else replace(channel, set_spec=row.set_spec, sent_as=None)

    def _page_request(self, walk: Walk, number: int, token: str | None) -> Request:
        """The request for a page of a walk: the list itself, or its resumption token."""
        base = self.arguments.endpoint.url
        if token is not None:
            url = protocol.resume_url(base, walk.verb, token, **self._beside_token(walk))
        else:
            bounds = self._sent_bounds(walk.span)
            make = protocol.list_records_url if walk.verb == LIST_RECORDS else protocol.list_identifiers_url
            url = make(base, walk.channel.prefix, *bounds, walk.channel.sent_set)
        request = Request(
            url,
            callback=self.page,
            errback=self.no_page,
            cb_kwargs={"walk": walk, "number": number, "token": token},
            dont_filter=True,
        )
        return _posted(request) if walk.posts else request

    async def page(self, response: Response, walk: Walk, number: int, token: str | None) -> AsyncIterator[Any]:
        """An answer for page `number` of a walk, 1 for the first."""
        if 1 < number <= walk.judged + AHEAD and response.status == 200 and walk.end is None:
            ahead = protocol.peek_token(response.body)
            if ahead is not None and number + 1 not in walk.asked_ahead and not self._sampling(walk):
                walk.asked_ahead[number + 1] = ahead
                yield self._page_request(walk, number + 1, ahead)
        decoded = await self._decode(response, walk, Asked(token=token, lenient=self._lenient), again=walk.tries > 0)
        if token is not None:
            decoded = _as_answer_to_token(response, decoded)
        async for out in self._in_turn(walk, number, token, response, decoded):
            yield out

    async def no_page(self, failure: Failure) -> AsyncIterator[Any]:
        """No answer for a page of a walk."""
        kwargs = failure.request.cb_kwargs  # type: ignore[attr-defined]
        if not self._goes_on(failure):
            return
        async for out in self._in_turn(kwargs["walk"], kwargs["number"], kwargs["token"], None, no_answer(failure)):
            yield out

    async def _in_turn(
        self, walk: Walk, number: int, token: str | None, response: Response | None, decoded: DecodedPage | Unusable
    ) -> AsyncIterator[Any]:
        """Judge a page after all those before it; one whose walk went another way does not count."""
        async with walk.turn:
            await walk.turn.wait_for(lambda: walk.judged == number - 1 or walk.end is not None)
            if walk.end is not None or (number > 1 and token != walk.chain.token):
                return
            if isinstance(decoded, Unusable):
                judged = self._unusable(walk, number, decoded)
            else:
                assert response is not None
                judged = self._usable(walk, number, response, decoded)
            async for out in judged:
                yield out
            walk.turn.notify_all()

    async def _usable(self, walk: Walk, number: int, response: Response, page: DecodedPage) -> AsyncIterator[Any]:
        """Take a page into its walk, and go on to the next one or end the walk."""
        self._answered = True
        if number == 1 and page.rows:
            walk.first, walk.first_page = page.rows[0][:2], frozenset(row[0] for row in page.rows)
        facts = self._facts(walk, page, foreign=await self._strays.is_foreign(walk, number, page))
        end = walk.chain.take(facts)
        if end == tokens.TOKEN_FORGETS:
            yield self._stray_answer(walk, response, page)
        else:
            yield self._page_answer(walk, response, page)
        walk.answers, walk.tries, walk.judged = walk.answers + 1, 0, number
        if number > 1:
            self._beside.answered()
        if page.rows:
            self.traits.barren, self.traits.fruitful = 0, True
        if number == 1 and page.rows and self.traits.ranges is not False:
            await self._compare_beginning(walk, page)
        if end != tokens.TOKEN_FORGETS:
            self._versions.take(walk.window, page.stored)
            walk.outside += facts.outside
            walk.unaccounted.extend(page.unaccounted)
            await self._learn(walk, page)
        if end in (None, tokens.TOO_LARGE) and self.traits.ranges is None and page.rows:
            # a list of several pages: before it may be cut, see whether cutting works here
            await self._try_ranges(walk.channel, page.rows[0][1])
            if not frontier.can_split(walk.span, self.traits):
                walk.chain.limit = end = None
        if end is None and self._sampling(walk) and walk.chain.listed >= (self.arguments.sample or 0):
            end = tokens.SAMPLE_TAKEN
        if end is not None:
            async for out in self._finish(walk, end):
                yield out
            return
        assert walk.chain.token is not None
        if walk.asked_ahead.get(number + 1) != walk.chain.token:
            walk.asked_ahead[number + 1] = walk.chain.token
            yield self._page_request(walk, number + 1, walk.chain.token)

    async def _compare_beginning(self, walk: Walk, page: DecodedPage) -> None:
        """Learn from lists that begin alike that the provider does not honour from and until."""
        if self.beginnings.repeats(walk.channel.number, [row[0] for row in page.rows], walk.span):
            self.traits.ranges = False
            await self.find(finding("ranges-ignored", datestamp=frontier.describe(walk.span)))

    async def _unusable(self, walk: Walk, number: int, unusable: Unusable) -> AsyncIterator[Any]:
        """Ask for a page again, or give it up."""
        token = walk.chain.token if number > 1 else None
        if unusable.status == URI_TOO_LONG and not walk.posts:
            walk.posts = True  # section 3.1.1: POST is there for arguments that a URL cannot hold
            yield self._page_request(walk, number, token)
            return
        if number > 1 and unusable.code is not None and self._beside.refused(unusable.reason):
            yield self._page_request(walk, number, token)
            return
        if number == 1 and (
            await self.doubts.refuses_from(walk, unusable) or await self.doubts.refuses_bounds(walk, unusable)
        ):
            async for out in self._give_up(walk, number, unusable):
                yield out
            return
        walk.tries += 1
        walk.reissued = walk.reissued or number > 1
        if not walk.hopeless(number, unusable) and walk.tries < self._tries(walk, unusable):
            await asyncio.sleep(limiter.backoff_seconds(walk.tries, random.random()))
            yield self._page_request(walk, number, token)
            return
        async for out in self._give_up(walk, number, unusable):
            yield out

    def _tries(self, walk: Walk, unusable: Unusable) -> int:
        """Tries for a page; deep in a list a gateway error will not go away, and the window can be cut."""
        tries: int = self.settings.getint("HARVEST_TRIES")
        deep = walk.chain.listed >= (self.traits.depth or DEEP) and frontier.can_split(walk.span, self.traits)
        return min(2, tries) if deep and unusable.end in (tokens.PAGE_LOST, tokens.PAGE_REFUSED) else tries

    async def _give_up(self, walk: Walk, number: int, unusable: Unusable) -> AsyncIterator[Any]:
        """No try brought a usable page: learn what can be learned for the windows that take its place."""
        response = None if self._answered else unusable.response
        if response is not None and (reason := redirect_not_followed(response)) is not None:
            self.fail(UsageError(f"{response.url} {reason}"))
            return
        url = self.arguments.endpoint.url
        if unusable.end == tokens.PAGE_LOST and number == 1 and not await self.questions.somebody_there():
            self.fail(Unreachable(f"{url} does not answer ({unusable.reason}); run the same command again later"))
            return
        self.traits.barren += 1
        if number > 1 and unusable.end in (tokens.PAGE_LOST, tokens.PAGE_REFUSED):
            self.traits.failed_at(walk.chain.listed)
        if number == 1 and walk.verb == LIST_RECORDS and walk.window.window not in self.doubts.verdicts:
            if unusable.end != tokens.PAGE_LOST and frontier.can_split(walk.span, self.traits):
                await self._try_cutting(walk.channel)
            headers = await self.questions.look_inside(walk, self._sent_bounds(walk.span))
            if headers and self.arguments.sample is None:
                yield self._named_answer(walk, headers)
        walk.answers += 1
        if walk.window.verb == GET_RECORD and (names := scanned(unusable)):
            yield self._hinted_answer(walk, unusable, names)
            end = tokens.LIST_COMPLETE
        else:
            yield Answer(
                channel=walk.channel.number,
                window=walk.window.window,
                attempt=walk.attempt,
                url=self._page_request(walk, number, walk.chain.token if number > 1 else None).url,
                state="lost" if unusable.end == tokens.PAGE_LOST else "refused",
                http_status=unusable.status,
                reason=unusable.reason,
                attempts=max(1, walk.tries),
                at=now_text(),
                bare=walk.bare,
                refused=None if frontier.can_split(walk.span, self.traits) else refused_body(unusable, url),
            )
            refused = walk.window.window in self.doubts.verdicts
            end = tokens.QUESTION_REFUSED if refused else unusable.end
        async for out in self._finish(walk, end):
            yield out

    async def _finish(self, walk: Walk, end: str) -> AsyncIterator[Any]:
        """The list is over: hand the walk on, or go on to the records it named."""
        walk.end = end
        last = walk.verb == LIST_IDENTIFIERS  # names are the last resort: what they do not bring, only sets may
        if last and self.traits.sets is None and self._wants_sets(walk):
            self.traits.sets = await self.questions.sets()
        if len(walk.names) > SINGLY_MANY and not self._is_named(walk.window):
            await self.find(finding("asked-singly", window=frontier.describe(walk.span), found=len(walk.names)))
        for name in walk.names:
            self._versions.ask(walk.window.channel, name)
            yield self._record_request(walk, name)
        if not walk.names:
            yield walk.over()

    def _wants_sets(self, walk: Walk) -> bool:
        ended = walk.over().ended
        sampled = self.arguments.sample is not None
        return ended is not None and not sampled and frontier.wants_sets(ended, self.traits)

    def _page_answer(self, walk: Walk, response: Response, page: DecodedPage) -> Answer:
        problems = {identifier: code for identifier, code, _ in page.problems}
        names_only = walk.window.verb == GET_RECORD
        if names_only:
            walk.names.update((row[0], None) for row in page.rows)
        outcomes = [
            (
                name,
                stamp,
                "open" if names_only else "deleted" if gone else "read",
                NOT_MODIFIED if place in page.left_out else problems.get(name),
            )
            for place, (name, stamp, gone, _) in enumerate(page.rows)
        ]
        return Answer(
            channel=walk.channel.number,
            window=walk.window.window,
            attempt=walk.attempt,
            url=response.url,
            state="read",
            http_status=response.status,
            reason=None,
            attempts=walk.tries + 1,
            at=now_text(),
            listed=len(page.rows),
            outcomes=outcomes,
            payload=page.payload,
            bare=walk.bare,
            notes=notes_of(page.problems),
        )

    def _named_answer(self, walk: Walk, headers: Sequence[Row]) -> Answer:
        """Build the answer that keeps the ids of a window whose records cannot be listed: no part may lack them.

        It is of no attempt (0), and does not count as what the window listed.
        """
        inside = [
            row for row in headers if not frontier.count_outside([row], walk.span, walk.channel.set_spec, self.traits)
        ]
        url = protocol.list_identifiers_url(
            self.arguments.endpoint.url, walk.channel.prefix, *self._sent_bounds(walk.span), walk.channel.sent_set
        )
        return Answer(
            channel=walk.channel.number,
            window=walk.window.window,
            attempt=0,
            url=url,
            state="read",
            http_status=None,
            reason=None,
            attempts=1,
            at=now_text(),
            listed=len(inside),
            bare=True,
            outcomes=[(row[0], row[1], "open", None) for row in inside],
        )

    def _is_named(self, row: WindowRow) -> bool:
        """Whether a window is ids that are known, rather than a list."""
        return self.arguments.mode == RETRY or row.verb == ids.IDS

    def _stray_answer(self, walk: Walk, response: Response, page: DecodedPage) -> Answer:
        """Build the answer for a page of another list: it is kept in quarantine, its ids are named, none is counted."""
        unusable = Unusable(tokens.TOKEN_FORGETS, "a page of another list", response.status, response)
        window = frontier.describe(walk.span)
        if walk.channel.set_spec is not None:
            window = f"set {walk.channel.set_spec}, {window}"
        return Answer(
            channel=walk.channel.number,
            window=walk.window.window,
            attempt=walk.attempt,
            url=response.url,
            state="refused",
            http_status=response.status,
            reason=unusable.reason,
            attempts=walk.tries + 1,
            at=now_text(),
            bare=walk.bare,
            refused=refused_body(unusable, response.url),
            notes=[finding("record-astray", identifier=row[0], window=window) for row in page.rows],
        )

    def _hinted_answer(self, walk: Walk, unusable: Unusable, headers: Sequence[tuple[str, str]]) -> Answer:
        """An unreadable list of names that still shows whom to ask for."""
        assert unusable.response is not None
        walk.names.update((name, None) for name, _ in headers)
        found = finding(
            "names-from-broken-list", window=frontier.describe(walk.span), reason=unusable.reason, found=len(headers)
        )
        return Answer(
            channel=walk.channel.number,
            window=walk.window.window,
            attempt=walk.attempt,
            url=unusable.response.url,
            state="read",
            http_status=unusable.status,
            reason=unusable.reason,
            attempts=walk.tries,
            at=now_text(),
            listed=len(headers),
            outcomes=[(name, stamp, "open", None) for name, stamp in headers],
            bare=True,
            notes=[found],
        )

    def decide(self, end: WindowEnd, count: WindowCount) -> frontier.Decision:
        """The frontier's decision on a list, with what the ledger counted; ids that are asked again are no list."""
        assert end.ended is not None
        if self._is_named(end.window):
            return frontier.Done()
        if (verdict := self.doubts.verdicts.pop(end.window.window, None)) is not None:
            return verdict
        ended = replace(end.ended, listed=count.listed, distinct=count.distinct)
        decision = frontier.decide(ended, self.traits)
        if self._windows[end.window.window][1]:  # a tail only shows what changed since the run began
            return decision
        return frontier.distrust_empty(decision, ended, self.traits)

    def describe(self, end: WindowEnd) -> str:
        """The window's bounds."""
        assert end.ended is not None
        return frontier.describe(end.ended.span)

    def window_settled(self, end: WindowEnd, decision: frontier.Decision, children: Sequence[WindowRow]) -> None:
        """Go on with the windows that take a window's place, or with itself once more."""
        row, tail = self._windows[end.window.window]
        again = isinstance(decision, frontier.Again)
        self._versions.end_attempt(row, children, again=again, shared=isinstance(decision, frontier.BySet))
        if again:
            self._queue.add(row.window, row.channel, self._span(row), tail=tail)
        else:
            self.traits.fit_page |= isinstance(decision, frontier.Split) and decision.fit_page
            self._enlist(children, tail_of=tail)
        self._walking -= 1
        self._settled.set()

    # --- arguments beside a token

    def _beside_token(self, walk: Walk) -> dict[str, str | None]:
        """The arguments that this provider wants beside a resumption token, against section 3.5."""
        from_, until = self._sent_bounds(walk.span)
        values = {"metadataPrefix": walk.channel.prefix, "set": walk.channel.set_spec, "from": from_, "until": until}
        return {name: values[name] for name in self._beside.names}

    # --- one record

    def _record_request(self, walk: Walk, name: str, tries: int = 0) -> Request:
        return Request(
            protocol.get_record_url(self.arguments.endpoint.url, name, walk.channel.prefix),
            callback=self.record,
            errback=self.no_record,
            cb_kwargs={"walk": walk, "name": name, "tries": tries},
            dont_filter=True,
        )

    async def record(self, response: Response, walk: Walk, name: str, tries: int) -> AsyncIterator[Any]:
        """An answer to GetRecord."""
        result = await self._decode(response, walk, Asked(identifier=name), again=tries > 0)
        async for out in self._take_record(walk, name, tries + 1, response, result):
            yield out

    async def no_record(self, failure: Failure) -> AsyncIterator[Any]:
        """No answer to GetRecord."""
        kwargs = failure.request.cb_kwargs  # type: ignore[attr-defined]
        if not self._goes_on(failure):
            return
        walk, name, tries = kwargs["walk"], kwargs["name"], kwargs["tries"]
        async for out in self._take_record(walk, name, tries + 1, None, no_answer(failure)):
            yield out

    async def _take_record(
        self, walk: Walk, name: str, tries: int, response: Response | None, result: DecodedPage | Unusable
    ) -> AsyncIterator[Any]:
        """Settle one id, or ask for it again."""
        if isinstance(result, Unusable) and tries < self.settings.getint("HARVEST_TRIES"):
            said_no = record_state(result) in ("absent", "forbidden", "deleted")
            if not said_no and not walk.hopeless(name, result):
                await asyncio.sleep(limiter.backoff_seconds(tries, random.random()))
                yield self._record_request(walk, name, tries)
                return
        walk.answers += 1
        yield self._record_answer(walk, name, tries, response, result)
        walk.settled += 1
        if walk.settled == len(walk.names):
            yield walk.over()

    def _record_answer(
        self, walk: Walk, name: str, tries: int, response: Response | None, result: DecodedPage | Unusable
    ) -> Answer:
        url = protocol.get_record_url(self.arguments.endpoint.url, name, walk.channel.prefix)
        common: dict[str, Any] = {
            "channel": walk.channel.number,
            "window": walk.window.window,
            "attempt": walk.attempt,
            "url": url,
            "attempts": tries,
            "at": now_text(),
        }
        if isinstance(result, Unusable):
            state = record_state(result)
            payload = gone_record(name, walk.channel.prefix, url, result) if state == "deleted" else ()
            return Answer(
                **common,
                state=state,
                http_status=result.status,
                reason=result.reason,
                listed=0,
                outcomes=[(name, None, state, result.reason)],
                refused_identifier=name,
                bare=not payload,
                payload=payload,
                refused=refused_body(result, url) if state == "refused" else None,
                notes=_record_notes(name, result, listed=self.arguments.mode != RETRY),
            )
        assert response is not None
        problems = {identifier: code for identifier, code, _ in result.problems}
        return Answer(
            **common,
            state="read",
            http_status=response.status,
            reason=None,
            listed=len(result.rows),
            outcomes=[(n, stamp, "deleted" if gone else "read", problems.get(n)) for n, stamp, gone, _ in result.rows],
            payload=result.payload,
            notes=notes_of(result.problems) + _unaccounted_notes(name, result),
        )

    # --- what answers mean

    def _goes_on(self, failure: Failure) -> bool:
        """Whether the walk of a request that failed goes on: not when the run ends."""
        if isinstance(failure.value, WaitTooLong):
            self.fail(failure.value)
        return not self.stopping

    async def _decode(self, response: Response, walk: Walk, ids: Asked, *, again: bool) -> DecodedPage | Unusable:
        """Decode a page, or GetRecord's answer for an identifier; the body is read whatever the status is.

        `again`: an earlier try brought nothing usable.
        """
        status, name = response.status, ids.identifier
        if (reason := redirect_not_followed(response)) is not None:
            return Unusable(tokens.PAGE_REFUSED, reason, status, response)
        try:
            page = await self._read(response, walk, ids, again=again)
        except ProviderError as error:
            if name is None and await self._nothing_here(error, walk):
                return decoding.NOTHING
            end = tokens.TOKEN_EXPIRED if error.code == "badResumptionToken" else tokens.PAGE_REFUSED
            return Unusable(end, str(error), status, response, error.code)
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

    async def _nothing_here(self, error: ProviderError, walk: Walk) -> bool:
        """Whether an error only says that no record of a window has the format, which the provider does offer.

        LearningRegistry says cannotDisseminateFormat of any empty range (LearningRegistry/LearningRegistry#49).
        """
        if error.code != "cannotDisseminateFormat" or walk.chain.pages or walk.span == Span(None, None):
            return False
        if not await self.questions.offers(walk.channel.prefix):
            return False
        if not self._empty_said:
            self._empty_said = True
            await self.find(finding("empty-range-refused", window=frontier.describe(walk.span), reason=str(error)))
        return True

    async def _read(self, response: Response, walk: Walk, ids: Asked, *, again: bool) -> DecodedPage:
        """Decode a body as far as it can be read without guessing. Raises MalformedPage and ProviderError."""
        body = plain_body(response)
        if self.questions.noise:
            body, _ = strictxml.without_noise(body)
        try:
            page = await self._decoded(body, response.url, walk, ids)
        except NamelessRecords:
            if not await self._nothing_names(walk):
                raise
            page = await self._decoded(body, response.url, walk, replace(ids, lenient=True))
        except MalformedPage:
            document, noise = strictxml.without_noise(body)
            if not (noise and again):
                raise
            page = await self._decoded(document, response.url, walk, ids)
            self.questions.noise = noise
        await self._report_deviations(page)
        return page

    async def _nothing_names(self, walk: Walk) -> bool:
        """Whether ListIdentifiers lacks the same identifiers as ListRecords: then asking singly gains nothing."""
        if walk.window.window not in self._names_tried:
            self._names_tried.add(walk.window.window)
            self._lenient |= await self.questions.lacks_names(walk, self._sent_bounds(walk.span))
        return self._lenient

    async def _report_deviations(self, page: DecodedPage) -> None:
        """Report each way in which pages are unusual, once a run."""
        for what in page.deviations:
            if what not in self._deviations:
                self._deviations.add(what)
                await self.find(finding("page-deviates", reason=what))
        if self.questions.noise and "" not in self._deviations:
            self._deviations.add("")
            await self.find(finding("text-around-pages", reason=repr(self.questions.noise[:100])))

    async def _decoded(self, body: bytes, url: str, walk: Walk, ids: Asked) -> DecodedPage:
        if ids.identifier is None and walk.verb == LIST_IDENTIFIERS:
            # no other question would name what this one does not
            return await self.decoders.run(decoding.decode_list_identifiers, body, replace(ids, lenient=True))
        level, prefix = self.settings.getint("HARVEST_ZSTD_LEVEL"), walk.channel.prefix
        if ids.identifier is not None:
            return await self.decoders.run(decoding.decode_get_record, body, url, prefix, now_text(), level, ids)
        decode, channel = decoding.decode_list_records, walk.window.channel
        known = self._versions.known_to(walk.window, tail=self._windows[walk.window.window][1])
        page = await self.decoders.run(decode, body, url, prefix, now_text(), level, ids, known=known)
        if any(self._versions.was_asked(channel, page.rows[place][0]) for place in page.left_out):
            page = await self.decoders.run(decode, body, url, prefix, now_text(), level, ids)
        return page

    def _facts(self, walk: Walk, page: DecodedPage, *, foreign: bool) -> tokens.PageFacts:
        return tokens.PageFacts(
            len(page.rows),
            page.token,
            page.has_token_element,
            page.digest,
            page.complete_list_size,
            frontier.count_outside(page.rows, walk.span, walk.channel.set_spec, self.traits),
            foreign,
        )

    async def _learn(self, walk: Walk, page: DecodedPage) -> None:
        """Follow the datestamps that really occur, and the size of a page."""
        if page.token is not None:
            self.traits.page_size = max(self.traits.page_size, len(page.rows))
        walk.follow([row[1] for row in page.rows])
        # as text in one form: parsing each of them would cost more than all else that is done with a page here
        stamps = [(row[1], row[0]) for row in page.rows if len(row[1]) == STAMP_LENGTH[self.identity.granularity]]
        if stamps:
            await self._widen(*min(stamps), max(stamps)[0])
        tail = self._windows[walk.window.window][1]
        if walk.window.parent is None and not tail and walk.chain.pages == 1:
            self._stated[walk.window.window] = (walk.channel.set_spec, page.complete_list_size)

    async def _widen(self, oldest: str, identifier: str, newest: str) -> None:
        """Widen the bounds of what is cut; say so when a record is older than the provider's earliest datestamp."""
        moments = [moment for text in (oldest, newest) if (moment := datestamps.parse(text)) is not None]
        claimed = datestamps.parse(self.identity.earliest or "")
        if moments and claimed is not None and moments[0] < claimed <= self.traits.earliest:
            late = finding("earliest-datestamp-late", datestamp=self.identity.earliest, identifier=identifier)
            await self.find(late)
        for moment in moments:
            self.traits.seen(moment)

    async def _try_before(self, rows: Sequence[WindowRow]) -> None:
        """Before a window with an end is asked for (sliced, or cut by an earlier process): whether until is included.

        A provider that leaves it out would lose the last second of each, and a list of one page never shows it.
        """
        first = next((row for row in rows if row.until is not None), None)
        if first is None or self.traits.ranges is not None:
            return
        channel = self.channels[first.channel]
        if (stamp := await self.questions.known_stamp(channel)) is not None:
            await self._try_ranges(channel, stamp)

    async def _try_cutting(self, channel: Channel) -> None:
        """See whether windows can be cut where no datestamp at hand shows it, before one is cut blindly; once."""
        if self.traits.ranges is not None or channel.number in self._tried:
            return
        self._tried.add(channel.number)
        await self.questions.try_apart(channel, self.traits, self.granularity)
        if self.traits.ranges is False:
            first, second = frontier.OLDEST, frontier.OLDEST + self.traits.granule
            await self.find(finding("ranges-ignored", datestamp=f"{self.text(first)} and {self.text(second)}"))
        elif (stamp := await self.questions.known_stamp(channel)) is not None:
            await self._try_ranges(channel, stamp)

    async def _try_ranges(self, channel: Channel, stamp: str) -> None:
        if datestamps.parse(stamp) is None:
            await self._try_cutting(channel)
            return
        await self.questions.try_ranges(channel, stamp, self.traits, self.granularity)
        if self.traits.ranges is False and (moment := datestamps.parse(stamp)) is not None:
            sent = self.text(frontier.on_granule(moment, self.traits))
            await self.find(finding("ranges-ignored", datestamp=sent))

    def _sampling(self, walk: Walk) -> bool:
        return self.arguments.sample is not None and walk.window.verb != GET_RECORD

    # --- how far it is, for the progress line

    async def _expect(self) -> None:
        """What earlier processes of this run have learned of its size."""
        ledger, run = self.keeper.writer.ledger, self.keeper.writer.run_number
        stated = await self.keeper.do(ledger.stated_totals, run)
        self._stated: dict[int, tuple[str | None, int | None]] = {-n: pair for n, pair in enumerate(stated, 1)}
        self.held_before = await self.keeper.do(ledger.records_done, run) if self.resumed else 0

    @property
    def open_windows(self) -> int:
        """Windows that wait or are being walked."""
        return len(self._queue.waiting) + self._walking

    @property
    def expected_records(self) -> int | None:
        """The sum of the totals that the provider stated, None while it cannot be known."""
        if self.arguments.sample is not None or self.arguments.slices != "auto":
            return None
        sets = [channel.set_spec for channel in self.channels.values()]
        return first_windows.expected_records(self._stated.values(), sets)

    # --- windows as text

    def _span(self, row: WindowRow) -> Span:
        return Span(*(datestamps.parse(text) if text is not None else None for text in (row.from_, row.until)))

    def _texts(self, span: Span) -> tuple[str | None, str | None]:
        """A window's bounds as the ledger has them."""
        return self.text(span.from_), self.text(span.until)

    def text(self, moment: datetime | None) -> str | None:
        """A moment as it is sent."""
        return None if moment is None else datestamps.as_argument(moment, self.granularity)

    def _sent_bounds(self, span: Span) -> tuple[str | None, str | None]:
        """A window's bounds as they are sent: one granule later for a provider that leaves `until` out."""
        late = self.traits.granule if self.traits.until_excluded else timedelta(0)
        return self.text(span.from_), self.text(span.until + late if span.until else None)


def _as_answer_to_token(response: Response, decoded: DecodedPage | Unusable) -> DecodedPage | Unusable:
    """Judge noRecordsMatch in response to a token: a list that has begun has records, so the token is dead."""
    if isinstance(decoded, Unusable) or decoded.rows or decoded.token is not None:
        return decoded
    if not protocolerrors.says_no_records(plain_body(response)):
        return decoded
    reason = "noRecordsMatch in response to a resumption token"
    return Unusable(tokens.TOKEN_NO_RECORDS, reason, response.status, response, protocolerrors.NO_RECORDS_MATCH)


def _posted(request: Request) -> Request:
    """The same request with its arguments in the body (section 3.1.1.2)."""
    parts = urlsplit(request.url)
    return request.replace(
        url=parts._replace(query="").geturl(),
        method="POST",
        body=parts.query.encode("ascii"),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )


def _unaccounted_notes(name: str, page: DecodedPage) -> list[Finding]:
    """Report what GetRecord's answer holds that could not be read."""
    if not page.unaccounted:
        return []
    reason = "; ".join(page.unaccounted)
    return [finding("page-unaccounted", identifier=name, window=name, reason=reason, found=len(page.rows))]


def _record_notes(name: str, unusable: Unusable, *, listed: bool) -> list[Finding]:
    """`listed`: the provider's own list has just named it."""
    state = record_state(unusable)
    if state == "absent" and listed:
        return [finding("listed-and-absent", identifier=name, reason=unusable.reason)]
    if state == "refused":
        return [finding("poison-record", identifier=name, reason=unusable.reason)]
    return [finding("record-lost", identifier=name, reason=unusable.reason)] if state == "lost" else []
