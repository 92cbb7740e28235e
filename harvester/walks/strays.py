"""Pages of another list: a resumption token that lost set, from or until where no header shows it."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from harvester.errors import HarvestError, ProviderError
from harvester.oaipmh import (
    LIST_RECORDS,
    NO_RECORDS_MATCH,
    DecodedPage,
    Row,
    Span,
    Traits,
    cutting,
    datestamps,
    protocol,
)
from harvester.ratelimit import WaitTooLong
from harvester.walks.attempt import Walk
from harvester.walks.questions import Questions

logger = logging.getLogger(__name__)

# pages of a list that are checked where headers show neither set nor datestamp: what the first token lost, and what
# its successor did
CHECKED_PAGES = frozenset({2, 3})
# pages of a channel that proved to be its own, after which its tokens are trusted
TRUSTED_AFTER = 3
# records of a page that are looked up
PICKED_MOST = 3


@dataclass(slots=True)
class StrayCheck:
    """Asks whether a page belongs to the list that its token came from; only where its headers do not show it.

    `bounds` writes a span as it is sent to the provider. Verdicts are remembered by channel.
    """

    questions: Questions
    traits: Traits
    bounds: Callable[[Span], tuple[str | None, str | None]]
    proven: dict[int, int] = field(default_factory=dict)

    async def is_foreign(self, walk: Walk, number: int, page: DecodedPage) -> bool:
        """Detect a page of another list. Without evidence a page belongs to its own."""
        if number < 2 or not page.rows or not self._doubtful(walk, number, page):
            return False
        verdict = await self._look_up(walk, page.rows)
        if verdict is None and number == 2:
            verdict = await self._compare(walk, [row.identifier for row in page.rows])
        if verdict is False:
            channel = walk.channel.number
            self.proven[channel] = self.proven.get(channel, 0) + 1
        return verdict is True

    def _doubtful(self, walk: Walk, number: int, page: DecodedPage) -> bool:
        set_spec, span = walk.channel.set_spec, walk.span
        if set_spec is None and span == Span(None, None):
            return False
        before, now = walk.chain.stated_last, page.complete_list_size
        if before is not None and now is not None and now > before + max(1, before // 50):
            return True
        if number not in CHECKED_PAGES or self.proven.get(walk.channel.number, 0) >= TRUSTED_AFTER:
            return False
        no_sets = set_spec is not None and not any(row.sets for row in page.rows)
        dated = any(datestamps.parse(row.datestamp) is not None for row in page.rows)
        return no_sets or (span != Span(None, None) and not dated)

    async def _look_up(self, walk: Walk, rows: Sequence[Row]) -> bool | None:
        """Look up records of the page by their own datestamps in the same set. None: that shows nothing here."""
        if self.traits.ranges is False:
            return None
        picked = [rows[0], *rows[1:2], rows[-1]][:PICKED_MOST]
        for identifier, stamp in dict.fromkeys((row.identifier, row.datestamp) for row in picked):
            found = await self._listed_at(walk, stamp)
            if found is None:
                return None
            if identifier not in found:
                if walk.first is None:
                    return None
                known = await self._listed_at(walk, walk.first.datestamp)
                return True if known is not None and walk.first.identifier in known else None
        return False

    async def _listed_at(self, walk: Walk, stamp: str) -> set[str] | None:
        """Ask what the set lists at one datestamp; None when the list is longer or cannot be had."""
        moment: datetime | None = datestamps.parse(stamp)
        if moment is None:
            return None
        moment = cutting.on_granule(moment, self.traits)
        url = protocol.list_identifiers_url(
            self.questions.url, walk.channel.prefix, *self.bounds(Span(moment, moment)), walk.channel.set_spec
        )
        try:
            page = await self.questions.answer(url, protocol.parse_list_identifiers)
        except ProviderError as error:
            return set() if error.code == NO_RECORDS_MATCH else None
        except (HarvestError, WaitTooLong):
            return None
        return None if page.token is not None else {record.identifier for record in page.records}

    async def _compare(self, walk: Walk, identifiers: list[str]) -> bool | None:
        """Compare a second page with that of the list without set and bounds, whose first page must differ."""
        records = walk.verb == LIST_RECORDS
        make = protocol.list_records_url if records else protocol.list_identifiers_url
        parse = protocol.parse_list_records if records else protocol.parse_list_identifiers
        base = self.questions.url
        try:
            first = await self.questions.answer(make(base, walk.channel.prefix, None, None, None), parse)
            if first.token is None or {record.identifier for record in first.records} == walk.first_page:
                return None
            second = await self.questions.answer(protocol.resume_url(base, walk.verb, first.token), parse)
        except (HarvestError, WaitTooLong) as error:
            logger.info("pages cannot be compared with those of the whole list: %s", error)
            return None
        return True if [record.identifier for record in second.records] == identifiers else None
