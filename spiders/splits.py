"""At the end of a run: ask what became of lists that were cut and whose parts brought less than they had shown."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from archive.findings import Finding
from archive.store import SplitList
from harvester import frontier
from harvester.errors import HarvestError, ProviderError
from harvester.frontier import Span
from harvester.oaipmh import datestamps, protocol
from harvester.ratelimit import WaitTooLong
from harvester.walks import SplitDoubt as Doubt
from harvester.walks import splits
from spiders.questions import Questions
from spiders.walks import Channel

logger = logging.getLogger(__name__)

# records that a list gave before it was cut and no part brought: so many are asked for, to see what became of them
LOOKED_UP_MOST = 10
# ids of one list that are named again to find those that are in none of its parts
NAMED_MOST = 100_000


@dataclass(slots=True)
class SplitCheck:
    """Asks a provider about lists that were cut; `bounds` writes a span as it is sent, `began` is when the run did."""

    questions: Questions
    channels: Mapping[int, Channel]
    bounds: Callable[[Span], tuple[str | None, str | None]]
    began: datetime | None

    async def settle(self, doubt: Doubt) -> Finding | int | None:
        """Explain a doubt by what the provider says now.

        Returns a finding, or the size that the provider states now and the parts reach, or None: what is lacking is
        gone or has a later datestamp.
        """
        span = span_of(doubt.split)
        channel = self.channels[doubt.split.channel]
        window = frontier.describe(span)
        if doubt.kind == splits.SHORT:
            stated = await self._stated_now(channel, span)
            if splits.settled_by(doubt, stated):
                return stated
            return splits.doubt_finding(doubt, window)
        if doubt.kind == splits.LACKING:
            return splits.doubt_finding(doubt, window, await self._exist(channel, doubt.split.lacking))
        return splits.doubt_finding(doubt, window)

    async def names(self, split: SplitList) -> list[str]:
        """Name what a list that was cut holds, asking for it as it was asked for before it was cut.

        What no bounded list contains, such as a record without a datestamp, is in the list without bounds.
        """
        return await self.questions.all_names(self.channels[split.channel], self.bounds(span_of(split)), NAMED_MOST)

    async def _stated_now(self, channel: Channel, span: Span) -> int | None:
        """The size of a list as stated now, or as one response shows it; None when nothing states it."""
        url = protocol.list_identifiers_url(self.questions.url, channel.prefix, *self.bounds(span), channel.set_spec)
        try:
            page = await self.questions.answer(url, protocol.parse_list_identifiers)
        except (HarvestError, WaitTooLong) as error:
            logger.info("the size of %s cannot be asked: %s", frontier.describe(span), error)
            return None
        if page.complete_list_size is not None:
            return page.complete_list_size
        return len(page.records) if page.token is None else None

    async def _exist(self, channel: Channel, identifiers: tuple[str, ...]) -> dict[str, bool]:
        """Whether each of the first ids should be in a part: a record that is live, and did not change since."""
        exist = {}
        for identifier in identifiers[:LOOKED_UP_MOST]:
            url = protocol.get_record_url(self.questions.url, identifier, channel.prefix)
            try:
                record = await self.questions.answer(url, protocol.parse_get_record)
            except ProviderError as error:
                exist[identifier] = error.code != "idDoesNotExist"
            except (HarvestError, WaitTooLong):
                exist[identifier] = True
            else:
                moment = datestamps.parse(record.datestamp)
                moved = moment is not None and self.began is not None and moment >= self.began
                exist[identifier] = not moved and not record.deleted
        return exist


def span_of(split: SplitList) -> Span:
    """The bounds of a list that was cut."""
    return Span(*(datestamps.parse(text) if text is not None else None for text in (split.from_, split.until)))
