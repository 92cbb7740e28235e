"""A list that was cut is settled only when its parts bring at least what it stated and gave before."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from archive.findings import Finding, finding
from archive.store import SplitList
from harvester.errors import HarvestError, ProviderError
from harvester.oaipmh import Span, cutting, datestamps, protocol, tokens
from harvester.ratelimit import WaitTooLong
from harvester.walks.attempt import Channel
from harvester.walks.questions import Questions

logger = logging.getLogger(__name__)

SHORT, LACKING, EMPTY = "short", "lacking", "empty"
# records that a list gave before it was cut and no part brought: so many are asked for, to see what became of them
LOOKED_UP_MOST = 10
# ids of one list that are named again to find those that are in none of its parts
NAMED_MOST = 100_000


@dataclass(frozen=True, slots=True)
class SplitDoubt:
    """Why a list that was cut is not settled: `kind` is one of the constants above, `missing` counts ids."""

    split: SplitList
    kind: str
    missing: int


def doubts(splits: Iterable[SplitList]) -> list[SplitDoubt]:
    """Compare lists with their parts; `splits` has parts before the lists that they are parts of.

    What a part is short of is not held against the lists above it a second time. Ids that came before the cut and in no
    part are harmless where all records that were stated came.
    """
    found: list[SplitDoubt] = []
    below: dict[int, int] = {}
    for split in splits:
        known = below.pop(split.window, 0)
        doubt = _doubt(split, known)
        if doubt is not None:
            found.append(doubt)
            known = max(known, doubt.missing)
        if split.parent is not None and known:
            below[split.parent] = below.get(split.parent, 0) + known
    return found


def _doubt(split: SplitList, known: int) -> SplitDoubt | None:
    if split.stated is not None:
        short = split.stated - split.together
        if short <= 0:
            return None
        return SplitDoubt(split, SHORT, short) if short > known else None
    if split.lacking:
        return SplitDoubt(split, LACKING, len(split.lacking))
    failed = split.end in tokens.FAILED_ENDS
    return SplitDoubt(split, EMPTY, 0) if failed and not split.together and not known else None


def settled_by(doubt: SplitDoubt, stated_now: int | None) -> bool:
    """Return whether the size stated now explains a short list: records were deleted or moved meanwhile.

    That it now finds nothing at all explains nothing.
    """
    return doubt.kind == SHORT and stated_now is not None and 0 < stated_now <= doubt.split.together


def doubt_finding(doubt: SplitDoubt, window: str, exist: Mapping[str, bool] | None = None) -> Finding | None:
    """Say what is missing. `exist` tells for some lacking ids whether they should be in a part; if none, no finding."""
    split = doubt.split
    if doubt.kind == SHORT:
        return finding("parts-short", window=window, expected=split.stated, found=split.together)
    if doubt.kind == EMPTY:
        return finding("parts-empty", window=window, reason=split.reason or split.end)
    lacking = [name for name in split.lacking if exist is None or exist.get(name, True)]
    if exist and not any(exist.values()):
        return None
    return finding("parts-lack", window=window, identifier=lacking[0], found=len(lacking))


@dataclass(slots=True)
class SplitCheck:
    """Asks a provider about lists that were cut; `bounds` writes a span as it is sent, `began` is when the run did."""

    questions: Questions
    channels: Mapping[int, Channel]
    bounds: Callable[[Span], tuple[str | None, str | None]]
    began: datetime | None

    async def settle(self, doubt: SplitDoubt) -> Finding | int | None:
        """Explain a doubt by what the provider says now.

        Returns a finding, or the size that the provider states now and the parts reach, or None: what is lacking is
        gone or has a later datestamp.
        """
        span = _span_of(doubt.split)
        channel = self.channels[doubt.split.channel]
        window = cutting.describe(span)
        if doubt.kind == SHORT:
            stated = await self._stated_now(channel, span)
            if settled_by(doubt, stated):
                return stated
            return doubt_finding(doubt, window)
        if doubt.kind == LACKING:
            return doubt_finding(doubt, window, await self._exist(channel, doubt.split.lacking))
        return doubt_finding(doubt, window)

    async def names(self, split: SplitList) -> list[str]:
        """Name what a list that was cut holds, asking for it as it was asked for before it was cut.

        What no bounded list contains, such as a record without a datestamp, is in the list without bounds.
        """
        return await self.questions.all_names(self.channels[split.channel], self.bounds(_span_of(split)), NAMED_MOST)

    async def _stated_now(self, channel: Channel, span: Span) -> int | None:
        """Ask for the size of a list as stated now, or as one response shows it; None when nothing states it."""
        url = protocol.list_identifiers_url(self.questions.url, channel.prefix, *self.bounds(span), channel.set_spec)
        try:
            page = await self.questions.answer(url, protocol.parse_list_identifiers)
        except (HarvestError, WaitTooLong) as error:
            logger.info("the size of %s cannot be asked: %s", cutting.describe(span), error)
            return None
        if page.complete_list_size is not None:
            return page.complete_list_size
        return len(page.records) if page.token is None else None

    async def _exist(self, channel: Channel, identifiers: tuple[str, ...]) -> dict[str, bool]:
        """Ask whether each of the first ids should be in a part: a record that is live, and did not change since."""
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


def _span_of(split: SplitList) -> Span:
    return Span.parse(split.from_, split.until)
