"""When all windows of a run are done: ask for what its lists may have missed, and report what stays in doubt."""

from dataclasses import dataclass, field

from archive.findings import finding
from archive.store import NewWindow, SplitList, UnsizedList, WindowRow, contradictions, unsized_lists
from archive.store import splits as splits_in_ledger
from harvester.crawl.arguments import RETRY
from harvester.oaipmh import Span, Traits, cutting, datestamps, tokens
from harvester.walks import splits
from harvester.walks.run import ListRun
from harvester.walks.splits import SplitCheck

# ids listed both live and deleted that are settled by a question each
SETTLED_MOST = 100


@dataclass(slots=True)
class Closing:
    """What one run asks once more, each question once, when nothing else is left to ask."""

    run: ListRun
    _listed_torn: bool = False
    _named_missing: bool = False
    _settled: bool = False
    _ends_asked: int = 0
    _unsized: dict[int, UnsizedList] = field(default_factory=dict)
    _breaks_at: int | None = None

    async def look_again(self) -> bool:
        """List or ask once more what may be missing. Returns whether there is anything."""
        if await self._list_torn_again() or await self._prove_ends():
            return True
        if await self._ask_named() or await self._name_missing():
            return True
        await self._reconcile()
        return False

    async def settle_contradictions(self) -> bool:
        """Name the ids that lists contradict each other about, and ask for each of these. Returns whether any are."""
        given = self.run.arguments
        if self._settled or given.sample is not None or given.mode in (RETRY, "census"):
            return False
        self._settled = True
        writer, do = self.run.keeper.writer, self.run.keeper.do
        ledger, run = writer.ledger, writer.run_number
        if given.mode == "full" and run > 1:
            older, first = await do(contradictions.count_older_than_held, ledger, run)
            if older:
                await self.run.find(finding("datestamps-went-back", found=older, identifier=first))
        found = await do(lambda: dict(contradictions.iter_contradicted(ledger, run)))
        if not found:
            return False
        cheap = len(found) <= SETTLED_MOST
        reason = (
            "GetRecord says which it is" if cheap else "the newer datestamp counts, and a live record before a deleted"
        )
        await self.run.find(finding("live-and-deleted", found=len(found), identifier=next(iter(found)), reason=reason))
        if not cheap:
            return False
        for number in sorted(set(found.values())):
            names = [name for name, channel in found.items() if channel == number]
            await self.run.open_named(number, names, "contradictions")
        return True

    async def listed_whole(self) -> dict[int, bool]:
        """Name the channels that were asked for, each with whether all of its records were listed."""
        given, writer = self.run.arguments, self.run.keeper.writer
        state = await self.run.keeper.do(writer.ledger.settled_state, writer.run_number)
        bounded = given.from_ is not None or given.until is not None
        part = given.sample is not None or given.parts > 1
        whole = given.mode in ("full", "census") and not bounded and not part and state != "unfinished"
        return dict.fromkeys(self.run.channels, whole)

    async def sum_up(self) -> None:
        """Report once of each channel how many records have datestamps that are no dates."""
        writer = self.run.keeper.writer
        await self.run.keeper.do(
            contradictions.note_impossible_datestamps, writer.ledger, writer.run_number, writer.now()
        )

    # --- lists that changed while they were read, or broke off

    async def _list_torn_again(self) -> bool:
        """List once more the windows that a change may have torn. Returns whether there are any."""
        began, traits = self.run.began, self.run.rules.traits
        if self._listed_torn or began is None or self.run.arguments.sample is not None:
            return False
        self._listed_torn = True
        writer = self.run.keeper.writer
        since = datestamps.as_argument(began, self.run.identity.granularity)
        changed, torn = await self.run.keeper.do(writer.ledger.torn_windows, writer.run_number, since)
        torn = [row for row in torn if cutting.can_split(_span(row), traits)]
        if not torn:
            return False
        await self.run.find(finding("changed-while-listed", found=changed))
        for row in torn:
            await self._open_parts(row, writer.ledger.distinct_in(row.window))
        return True

    async def _prove_ends(self) -> bool:
        """Request lists without a stated size once more at their end, and split those that broke off.

        Returns whether windows were opened.
        """
        given, keeper, opened = self.run.arguments, self.run.keeper, False
        if self.run.rules.traits.ranges is False or given.sample is not None or given.mode == RETRY:
            return False
        ledger, run = keeper.writer.ledger, keeper.writer.run_number
        for found in await keeper.do(unsized_lists, ledger, run, after=self._ends_asked):
            if self.run.stopping:
                return False
            self._ends_asked = found.window
            self._unsized[found.window] = found
            row = self.run.windows[found.window]
            if missing := await self._beyond_the_end(row, found):
                self._breaks_at = min(self._breaks_at or found.pages, found.pages)
                window = cutting.describe(_span(row))
                note = finding("list-broke-off", window=window, found=found.listed, identifier=missing[0])
                await self.run.find(note, row.channel, row.window)
        if self._breaks_at is not None:
            for found in [one for one in self._unsized.values() if one.pages >= self._breaks_at]:
                del self._unsized[found.window]
                opened |= await self._list_in_parts(self.run.windows[found.window], found)
        return opened

    async def _list_in_parts(self, row: WindowRow, found: UnsizedList) -> bool:
        """Split a window because lists of its length break off. Returns False if it cannot be split."""
        if cutting.can_split(_span(row), self.run.rules.traits):
            await self._open_parts(row, 2 * found.listed)
            return True
        reason = "lists of this provider break off without a word"
        window = cutting.describe(_span(row))
        unproven = finding("window-unproven", window=window, found=found.listed, reason=reason)
        await self.run.find(unproven, row.channel, row.window)
        return False

    async def _open_parts(self, row: WindowRow, records: int) -> None:
        """Open windows of a page each in the place of one of so many records."""
        rules = self.run.rules
        parts = cutting.cut_to_pages(_span(row), records, rules.traits)
        windows = [NewWindow(row.channel, row.verb, *rules.texts(part), set_spec=row.set_spec) for part in parts]
        await self.run.open_more(windows, row.window)

    async def _beyond_the_end(self, row: WindowRow, found: UnsizedList) -> list[str]:
        """Return the records on the first page beyond the end of a list that no response of the run has named."""
        rules = self.run.rules
        rest = rest_of(found, _span(row), rules.traits)
        if rest is None:
            return []
        channel, began = self.run.channel_of(row), self.run.began
        rows = await self.run.questions.first_headers(channel, rules.sent_bounds(rest))
        names = [
            one.identifier
            for one in rows
            if not cutting.count_outside([one], rest, channel.set_spec, rules.traits)
            and not (began and (moment := datestamps.parse(one.datestamp)) and moment >= began)
        ]
        writer = self.run.keeper.writer
        return await self.run.keeper.do(splits_in_ledger.not_seen, writer.ledger, writer.run_number, row.channel, names)

    # --- lists that were cut

    async def _ask_named(self) -> bool:
        """Ask for ids that a list of names showed and that no window brought. Returns whether there are any."""
        if self.run.arguments.mode == RETRY or self.run.stopping:
            return False
        writer, opened = self.run.keeper.writer, False
        named = await self.run.keeper.do(splits_in_ledger.named_and_open, writer.ledger, writer.run_number)
        for number, names in named.items():
            opened |= await self.run.open_named(number, names, "named by a list")
        return opened

    async def _name_missing(self) -> bool:
        """Request what a list names as a whole and none of its parts returned. Returns whether there is any."""
        given = self.run.arguments
        if self._named_missing or given.mode in (RETRY, "census") or given.sample is not None or self.run.stopping:
            return False
        self._named_missing = True
        writer, opened = self.run.keeper.writer, False
        ledger, run = writer.ledger, writer.run_number
        check = self._split_check()
        for doubt in splits.doubts(await self._splits()):
            split = doubt.split
            if doubt.kind == splits.LACKING:  # these came, and are stored
                continue
            shown = await check.names(split)
            names = await self.run.keeper.do(splits_in_ledger.not_seen, ledger, run, split.channel, shown)
            opened |= await self.run.open_named(split.channel, names, "in no part of a list", split.window)
        return opened

    async def _reconcile(self) -> None:
        """Compare lists that were cut with their parts, and report what no part brought."""
        if self.run.stopping:
            return
        ledger, do, check = self.run.keeper.writer.ledger, self.run.keeper.do, self._split_check()
        for doubt in splits.doubts(await self._splits()):
            split = doubt.split
            settled = await check.settle(doubt)
            if isinstance(settled, int):
                await do(splits_in_ledger.restate, ledger, split.window, settled)
            elif settled is not None:
                await self.run.find(settled, split.channel, split.window)
                if doubt.kind == splits.SHORT and split.end in tokens.CIRCULAR_ENDS:
                    await do(splits_in_ledger.lose, ledger, split.window)

    async def _splits(self) -> list[SplitList]:
        writer = self.run.keeper.writer
        return await self.run.keeper.do(lambda: list(splits_in_ledger.iter_splits(writer.ledger, writer.run_number)))

    def _split_check(self) -> SplitCheck:
        return SplitCheck(self.run.questions, self.run.channels, self.run.rules.sent_bounds, self.run.began)


def rest_of(found: UnsizedList, span: Span, traits: Traits) -> Span | None:
    """Choose the part of a list's span whose first page shows records that the list lacks, if it broke off.

    A list in order lacks the newest, one in reverse order the oldest, one in no order some of any. The datestamp that
    the list broke off at is left out: records that the list has may fill the page. None where there is no such part.
    """
    edge = datestamps.parse(found.edge)
    beyond = None if edge is None else cutting.later(edge, -traits.granule if found.falls else traits.granule)
    if beyond is None:
        return None
    part = Span(span.from_, beyond) if found.falls else Span(beyond, span.until)
    return None if part.from_ and part.until and part.from_ > part.until else part


def _span(row: WindowRow) -> Span:
    return Span.parse(row.from_, row.until)
