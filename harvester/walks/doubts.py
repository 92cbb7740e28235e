"""Empty lists and increments, questioned: what is asked beside the windows before nothing is taken for an answer."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from archive.findings import finding
from archive.store import NewWindow, WindowRow, distinct_in_run, known_before
from harvester.errors import HarvestError, ProviderError
from harvester.oaipmh import (
    NO_RECORD,
    SETS_MOST,
    Done,
    Doubt,
    Known,
    ListPage,
    Span,
    Split,
    cutting,
    datestamps,
    emptiness,
    increments,
    protocol,
    tokens,
)
from harvester.ratelimit import WaitTooLong
from harvester.walks.attempt import Channel, Walk
from harvester.walks.replies import Unusable
from harvester.walks.run import ListRun

logger = logging.getLogger(__name__)


class Doubts:
    """What a run asks about its own empty lists, and about lists that the provider refuses.

    What becomes of a window whose question is refused as such is left in the verdicts of the run's rules.
    """

    def __init__(self, run: ListRun) -> None:
        self.run = run
        self._judged: set[int] = set()
        self._sets_judged: set[int] = set()
        self._doubts: dict[int, Doubt] = {}
        self._sets: list[str] | None = None
        self._sets_asked = False
        self._proved = False
        self._refusing: set[int] = set()
        self._boundless: set[int] = set()
        self._asking_whole = asyncio.Lock()

    async def ask_otherwise(self) -> bool:
        """Ask in other ways, when all windows are done, for what should not be empty. Returns whether any opened."""
        given = self.run.arguments
        if given.sample is not None or given.parts > 1 or given.from_ or given.until:
            return False
        opened = False
        for number in self.run.given:
            channel, since = self.run.channels[number], self.run.sinces.get(number)
            if since is None and number not in self._judged:
                self._judged.add(number)
                opened |= await self._judge_list(channel)
        if not opened:
            for number in self.run.given:
                opened |= await self._judge_sets(self.run.channels[number])
        return opened or await self._judge_increments()

    # --- empty lists

    async def _judge_list(self, channel: Channel) -> bool:
        """Ask with bounds and by set for a list that brought nothing."""
        rows, brought, tail_brought = await self._brought(channel)
        if brought or any(row.state == "lost" for row in rows):
            return False
        doubt = Doubt(self.run.name_of(channel))
        if tail_brought:
            doubt.reasons.append(f"its end, asked for by itself, has {tail_brought} records")
        answered = self.run.answered
        for span in emptiness.bounds_to_try(datestamps.parse(self.run.identity.earliest or ""), answered):
            page = await self._page(channel, self.run.rules.text(span.from_), self.run.rules.text(span.until))
            doubt.tried.append(f"{cutting.describe(span)} ({_result(page)})")
            if isinstance(page, ListPage) and page.records:
                note = finding("listed-with-bounds", name=doubt.name, window=cutting.describe(span))
                await self.run.advise(note, channel.number)
                await self._open(channel, [span])
                return True
        self._doubts[channel.number] = doubt
        if channel.set_spec is None:
            return await self._list_by_set(channel, doubt)
        doubt.reasons.append("ListSets names the set, or cannot be read")
        return False

    async def _list_by_set(self, channel: Channel, doubt: Doubt) -> bool:
        """Open a list for each set, unless an earlier process of this run has."""
        if self._set_channels(channel):
            return False
        specs = await self._all_sets()
        if not specs:
            return False
        if len(specs) > SETS_MOST:
            doubt.tried.append(f"not its {len(specs)} sets, which are too many to list one by one: name some with set=")
            return False
        for spec in specs:
            await self._open(await self.run.open_channel(channel.prefix, spec), [Span(None, None)])
        return True

    async def _judge_sets(self, channel: Channel) -> bool:
        """Say what a list that was to be had by set only, or not at all, means. True when sets are asked otherwise."""
        doubt, parts = self._doubts.get(channel.number), self._set_channels(channel)
        if doubt is None and not parts:
            return False
        empty = [part for part in parts if not sum((await self._brought(part))[1:])]
        if await self._send_otherwise(empty):
            return True
        if channel.number in self._sets_judged:
            return False
        self._sets_judged.add(channel.number)
        writer = self.run.keeper.writer
        found = await self.run.keeper.do(distinct_in_run, writer.ledger, writer.run_number)
        if parts and (len(empty) < len(parts) or self.run.sinces.get(channel.number) is not None):
            name = self.run.name_of(channel)
            await self.run.advise(finding("listed-by-set", name=name, expected=len(parts), found=found), channel.number)
        elif doubt is not None:
            if parts:
                doubt.tried.append(f"its {len(parts)} sets (nothing)")
            doubt.consider(self.run.identity.earliest, self.run.answered, found, await self._all_sets())
            await self.run.advise(doubt.judge(), channel.number)
        return False

    async def _send_otherwise(self, channels: Sequence[Channel]) -> bool:
        """List sets that are empty once more in the way that brings records, if there is one."""
        opened = False
        for channel in channels:
            if channel.sent_as is None and (sent := await self.encoding_of(channel)) is not None:
                self.run.channels[channel.number] = replace(channel, sent_as=sent)
                await self._open(self.run.channels[channel.number], [Span(None, None)])
                opened = True
        return opened

    async def encoding_of(self, channel: Channel) -> str | None:
        """Find the form in which a set has to be sent so that it lists something; None where no form does."""
        for form in emptiness.encodings(channel.set_spec or ""):
            page = await self._page(replace(channel, sent_as=form), None, None)
            if isinstance(page, ListPage) and page.records:
                await self.run.find(finding("set-sent-otherwise", spec=channel.set_spec, sent=form), channel.number)
                return form
        return None

    def _set_channels(self, channel: Channel) -> list[Channel]:
        """Return the lists by set that stand for a list without one."""
        others = [part for part in self.run.channels.values() if part.number not in self.run.given]
        return [part for part in others if channel.set_spec is None and part.prefix == channel.prefix]

    async def _all_sets(self) -> list[str] | None:
        """Ask once for the sets that ListSets names, none without a set hierarchy; None where it cannot be read."""
        if not self._sets_asked:
            self._sets_asked, self._sets = True, await self.run.questions.all_sets(SETS_MOST)
        return self._sets

    # --- increments

    async def _judge_increments(self) -> bool:
        """Prove with a record that is held that an increment which brought nothing, or is asked in another form than
        Identify claims, can be trusted. True when it is asked for in the other form.
        """
        asked = [n for n, since in self.run.sinces.items() if since is not None and n not in self._refusing]
        if self._proved or not asked:
            return False
        self._proved = True
        listed = [sum((await self._brought(self.run.channels[number]))[1:]) for number in asked]
        if any(listed) and self.run.rules.granularity == self.run.identity.granularity:
            return False
        for number in asked:
            if known := increments.candidates(await self._outcomes(number)):
                return await self._prove(self.run.channels[number], known)
        for number in asked:
            if await self._outcomes(number):
                await self._unproven(self.run.channels[number], "no datestamp of a record that is held can be read")
                return False
        return False

    async def _prove(self, channel: Channel, known: Sequence[Known]) -> bool:
        form = self.run.rules.granularity
        reason = await self._missing(channel, known, form)
        if reason is None:
            return False
        other = increments.other_form(form)
        if await self._missing(channel, known, other) is not None:
            await self._unproven(channel, reason)
            return False
        since = self.run.sinces[channel.number]
        assert since is not None
        await self._use_form(other, channel, increments.begin_at(since, other))
        for number, since in self.run.sinces.items():
            if since is not None and number not in self._refusing:
                await self._open(self.run.channels[number], [Span(increments.begin_at(since, other), None)])
        return True

    async def _missing(self, channel: Channel, known: Sequence[Known], form: str) -> str | None:
        """Return why a list from the datestamp of a known record on cannot be trusted; None when it has the record."""
        gone = []
        for one in known:
            begin = increments.begin_at(one.moment, form)
            for moment in (begin, begin - increments.GRANULES[form]):  # a provider may leave the first granule out
                page = await self._page(channel, datestamps.as_argument(moment, form), None)
                if isinstance(page, ListPage):
                    listed = [(record.identifier, record.datestamp) for record in page.records]
                    if increments.shows(one, listed, form, more=page.token is not None):
                        return None
            if await self._is_there(channel, one.identifier):
                stamp = datestamps.as_argument(one.moment, form)
                return f"{one.identifier}, which was listed with {stamp} and is there, is not listed from {stamp} on"
            gone.append(one)
        live = [one.identifier for one in gone if one.live]
        return f"the records that could prove it ({', '.join(live)}) are no longer there" if live else None

    async def _is_there(self, channel: Channel, identifier: str) -> bool:
        """Return whether GetRecord knows a record; an answer that says neither counts as yes."""
        url = protocol.get_record_url(self.run.questions.url, identifier, channel.prefix)
        try:
            await self.run.questions.once(url, protocol.parse_get_record)
        except ProviderError as error:
            return error.code not in NO_RECORD
        except (HarvestError, WaitTooLong) as error:
            logger.info("GetRecord of %s: %s", identifier, error)
        return True

    async def _unproven(self, channel: Channel, reason: str) -> None:
        name, since = self.run.name_of(channel), self.run.rules.text(self.run.sinces[channel.number])
        note = finding("increments-unproven", name=name, datestamp=since, reason=reason)
        await self.run.advise(note, channel.number)

    async def refuses_from(self, walk: Walk, unusable: Unusable) -> bool:
        """Detect a list of what changed that is refused because it is one: the same list without from is not.

        Then `verdicts` has what becomes of the window: it is asked for in the other granularity, where that is taken,
        or ends with a finding at once. An increment is such a list, and so is the tail of a whole list.
        """
        number, row = walk.channel.number, walk.window
        moment = datestamps.parse(row.from_ or "")
        increment = self.run.sinces.get(number) is not None
        if row.parent is not None or moment is None or row.until is not None:
            return False
        if not increment and not self.run.is_tail(row):
            return False
        if number not in self._refusing:
            failed = unusable.end in (tokens.PAGE_REFUSED, tokens.PAGE_UNREADABLE)
            if not failed or ((unusable.status or 0) >= 500 and walk.tries < 1):
                return False
            whole = await self._page(walk.channel, None, None)
            if not isinstance(whole, ListPage) or not whole.records:
                return False
            other = increments.other_form(self.run.rules.granularity)
            begin = increments.begin_at(moment, other)
            if isinstance(await self._page(walk.channel, datestamps.as_argument(begin, other), None), ListPage):
                await self._use_form(other, walk.channel, begin)
                self.run.rules.verdicts[row.window] = Split((Span(begin, None),))
                return True
            self._refusing.add(number)
            code = "increments-refused" if increment else "tail-refused"
            name = self.run.name_of(walk.channel)
            note = finding(code, name=name, datestamp=self.run.rules.text(moment), reason=unusable.reason)
            await self.run.advise(note, number)
        self.run.rules.verdicts[row.window] = Done()
        return True

    async def refuses_bounds(self, walk: Walk, unusable: Unusable) -> bool:
        """Detect a provider that refuses from and until but lists everything without them.

        Then `verdicts` has the decision on the window: the first is replaced by the whole list, the others are done.
        """
        given, row, number = self.run.arguments, walk.window, walk.channel.number
        bounded = given.from_ is not None or given.until is not None or given.shard is not None
        planned = row.parent is None and (row.from_ is not None or row.until is not None)
        if given.mode not in ("full", "census") or bounded or given.sample is not None or not planned:
            return False
        if unusable.code != "badArgument" or self.run.is_tail(row):
            return False
        async with self._asking_whole:
            if number in self._boundless:
                self.run.rules.verdicts[row.window] = Done()
                return True
            whole = await self._page(walk.channel, None, None)
            if not isinstance(whole, ListPage) or not whole.records:
                return False
            self._boundless.add(number)
        self.run.rules.traits.ranges = False
        note = finding("bounds-refused", name=self.run.name_of(walk.channel), reason=unusable.reason)
        await self.run.find(note, number)
        self.run.rules.verdicts[row.window] = Split((Span(None, None),))
        return True

    async def _use_form(self, form: str, channel: Channel, begin: datetime) -> None:
        """Ask for lists in another granularity, and say so."""
        self.run.rules.use_form(form)
        note = finding(
            "increments-by-another-form",
            name=self.run.name_of(channel),
            datestamp=self.run.rules.text(begin),
            granularity=form,
            claimed=self.run.identity.granularity,
        )
        await self.run.find(note, channel.number)

    async def _outcomes(self, number: int) -> list[tuple[str, str | None, str]]:
        writer = self.run.keeper.writer
        rows: list[tuple[str, str | None, str]] = await self.run.keeper.do(
            known_before, writer.ledger, writer.run_number, number
        )
        return rows

    # --- inside

    async def _brought(self, channel: Channel) -> tuple[list[WindowRow], int, int]:
        """Return the windows of a channel in this run, how many records they brought, and how many their tails did."""
        writer = self.run.keeper.writer
        rows = [
            row
            for row in await self.run.keeper.do(writer.ledger.windows, writer.run_number)
            if row.channel == channel.number
        ]
        sizes = {row.window: await self.run.keeper.do(writer.ledger.distinct_in, row.window) for row in rows}
        tails = {row.window for row in rows if self.run.is_tail(row)}
        tail = sum(size for window, size in sizes.items() if window in tails)
        return rows, sum(sizes.values()) - tail, tail

    async def _page(self, channel: Channel, from_: str | None, until: str | None) -> ListPage | str:
        """Ask once for a list of headers. Returns its first page, or what was answered instead."""
        url = protocol.list_identifiers_url(self.run.questions.url, channel.prefix, from_, until, channel.sent_set)
        try:
            page: ListPage = await self.run.questions.once(url, protocol.parse_list_identifiers)
        except (HarvestError, WaitTooLong) as error:
            return str(error)[:200]
        return page

    async def _open(self, channel: Channel, spans: Sequence[Span]) -> None:
        verb = self.run.list_verb
        windows = [
            NewWindow(channel.number, verb, self.run.rules.text(s.from_), self.run.rules.text(s.until)) for s in spans
        ]
        await self.run.open_more(windows)


def _result(page: ListPage | str) -> str:
    if isinstance(page, str):
        return page
    return "records" if page.records else "nothing"
