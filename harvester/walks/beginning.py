"""When a run of OAI-PMH begins: its lists, from where on each is asked for, and in which form."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from archive.findings import Finding, finding
from archive.store import Ledger, Run, WindowRow, known_before, newest_dump
from harvester.crawl import first_windows
from harvester.oaipmh import datestamps, emptiness, increments
from harvester.walks.attempt import Channel
from harvester.walks.run import ListRun

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Beginning:
    """Finds out where the lists of a run begin; `continued` is a finding for a run that continues from a dump."""

    run: ListRun
    continued: Finding | None = None

    async def open_known(self) -> None:
        """Open the channels of sets that a run lists one by one because its list without a set is empty."""
        writer = self.run.keeper.writer
        for number, prefix, spec in await self.run.keeper.do(writer.ledger.channels_of, writer.run_number):
            self.run.channels.setdefault(number, Channel(number, prefix, spec))

    async def check_sets(self, *, new: bool) -> None:
        """Look up the sets that the arguments name, and how they have to be sent; a resumed run knows that they are."""
        given, channels = self.run.arguments, self.run.channels
        for spec in given.sets:
            if not new and not emptiness.encodings(spec):
                continue
            sent = await self.run.questions.check_set(spec, given.prefixes[0])
            for number, channel in channels.items() if sent is not None else ():
                if channel.set_spec == spec:
                    channels[number] = replace(channel, sent_as=sent)

    async def begin_increment(self, rows: Sequence[WindowRow]) -> None:
        """Learn where each list goes on, by set where it had to be listed so, and in which form to ask for that.

        `rows` are the windows of a run that is resumed.
        """
        keeper, rules = self.run.keeper, self.run.rules
        ledger, run = keeper.writer.ledger, keeper.writer.run_number
        await self._open_sets()
        stamps: set[str] = set()
        for number in self.run.channels:
            self.run.sinces[number] = self._since(number)
            outcomes = await keeper.do(known_before, ledger, run, number)
            stamps.update(stamp for _, stamp, _ in outcomes if stamp and datestamps.parse(stamp))
        sent = [row.from_ for row in rows if row.from_ is not None]
        form = increments.form_for(rules.granularity, [*stamps, *sent])
        if form != rules.granularity:
            rules.use_form(form)
            self.run.sinces.update((number, self._since(number)) for number in self.run.channels)

    async def _open_sets(self) -> None:
        """Open a channel for each set where the last run had to list set by set."""
        given, channels = self.run.given, self.run.channels
        for number in given:
            last = self._last(number)
            known = await self.run.keeper.do(self._ledger.channels_of, last.run) if last is not None else ()
            for _, prefix, spec in known:
                if (prefix, None) in self.run.arguments.channels and spec is not None:
                    await self.run.open_channel(prefix, spec)
        if len(channels) > len(given):
            for spec in await self.run.questions.all_sets(emptiness.SETS_MOST) or ():
                for prefix in {c.prefix for n, c in channels.items() if n not in given}:
                    await self.run.open_channel(prefix, spec)

    @property
    def _ledger(self) -> Ledger:
        return self.run.keeper.writer.ledger

    def _last(self, channel: int) -> Run | None:
        """Return the last complete run that listed a channel."""
        return self._ledger.last_listing("oaipmh", self.run.arguments.identity, ("full", "incremental"), channel)

    def _since(self, channel: int) -> datetime | None:
        """Return where an increment begins: at the last complete run, or else when a dump was made, minus an overlap.

        A list that was not there then, of a set or format that was added to the arguments, begins at its beginning.

        By the provider's clock or by ours, whichever said it was earlier: a provider may answer by another clock than
        the one that it stamps records with.
        """
        last = self._last(channel)
        times = (last.provider_started or "", last.started) if last is not None else ()
        started = min(filter(None, map(datestamps.parse, times)), default=None)
        if started is None and (dump := newest_dump(self._ledger)) is not None:
            started = datestamps.parse(dump.made)
            self.continued = finding("dump-continued", datestamp=dump.made, name=f"run {dump.run}")
        if started is None:
            name = self.run.name_of(self.run.channels[channel])
            logger.info("no complete run has listed %s yet: the incremental run takes the whole list", name)
            return None
        return first_windows.back_from(started, self.run.arguments, self.run.rules.traits)
