"""Count an answer once its records are durable; say how a window ended, and how the run."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any, Self

from scrapy import signals
from scrapy.crawler import Crawler

from archive.errors import ArchiveError, Damaged
from archive.store import Answer, Off, read_off
from harvester.crawl import Batch, Keeper, KeeperStopped, WindowEnd
from harvester.oaipmh import Again, BySet, Done, Lost, Singly, Split
from pipelines.standing import Standing

logger = logging.getLogger(__name__)


class AccountPipeline:
    """Commits in groups; a window ends only when every answer of its walk is counted."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.stats = crawler.stats
        self._counted: dict[tuple[int, int], int] = {}
        self._ends: dict[tuple[int, int], WindowEnd] = {}
        self._standing = Standing()
        self._timer: asyncio.Task[None] | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        pipeline = cls(crawler)
        crawler.signals.connect(pipeline.ended, signal=signals.spider_closed)
        return pipeline

    @property
    def spider(self) -> Any:
        return self.crawler.spider

    @property
    def keeper(self) -> Keeper:
        keeper: Keeper = self.spider.keeper
        return keeper

    def open_spider(self) -> None:
        self._timer = asyncio.ensure_future(self._commit_in_time())

    async def _commit_in_time(self) -> None:
        """A slow provider's answers are not left waiting for a full group."""
        while True:
            await asyncio.sleep(1.0)
            await self._guarded(self._commit_if_due)

    async def process_item(self, item: Any) -> Any:
        if isinstance(item, Answer | Batch):
            answers = item.answers if isinstance(item, Batch) else (item,)
            self._tally(answers)
            await self._guarded(self._commit_if_due)
            for key, count in Counter((a.window, a.attempt) for a in answers if a.window is not None).items():
                self._counted[key] = self._counted.get(key, 0) + count
                await self._end_if_ready(key)
        elif isinstance(item, WindowEnd):
            key = (item.window.window, item.attempt)
            self._ends[key] = item
            await self._end_if_ready(key)
        return item

    def _tally(self, answers: Sequence[Answer]) -> None:
        assert self.stats is not None
        for state, count in Counter(answer.state for answer in answers).items():
            self.stats.inc_value(f"harvest/requests/{state}", count)
        for state, count in Counter(outcome.state for answer in answers for outcome in answer.outcomes).items():
            self.stats.inc_value(f"harvest/ids/{state}", count)
        for answer in answers:
            self._standing.add(answer.window, answer.attempt, Counter(outcome.state for outcome in answer.outcomes))
        self._show_standing()

    def _show_standing(self) -> None:
        """For the display of progress."""
        assert self.stats is not None
        for state, count in self._standing.states.items():
            self.stats.set_value(f"harvest/standing/{state}", count)

    async def _commit_if_due(self) -> None:
        await self._keep_waits()
        if self.keeper.writer.due:
            await self.keeper.do(self.keeper.writer.commit)

    async def _keep_waits(self) -> None:
        """Hand on what was waited since this was last done; it is written with the next commit."""
        gates: Any = getattr(self.crawler, "gates", None)
        waits = gates.take_waits() if hasattr(gates, "take_waits") else ()
        if waits:
            rows = [(wait.host, wait.began, wait.seconds, wait.reason) for wait in waits]
            await self.keeper.do(self.keeper.writer.wait, *rows)

    async def _end_if_ready(self, key: tuple[int, int]) -> None:
        """Answers and the end of their walk may arrive in any order; the end waits for all of them."""
        end = self._ends.get(key)
        if end is None or self._counted.get(key, 0) < end.answers:
            return
        del self._ends[key]
        self._counted.pop(key, None)
        await self._guarded(lambda: self._end(end))

    async def _end(self, end: WindowEnd) -> None:
        writer = self.keeper.writer
        count = await self.keeper.do(writer.count_window, end.window.window, end.attempt)
        decision = self.spider.decide(end, count)
        common: dict[str, Any] = {
            "end": end.end,
            "count": count,
            "stated": end.stated,
            "pages": end.pages,
            "attempts": end.attempt,
            "channel": end.window.channel,
        }
        children = []
        match decision:
            case Done(findings) | Lost(findings):
                state = "done" if isinstance(decision, Done) else "lost"
                await self.keeper.do(
                    writer.close_window,
                    end.window.window,
                    state=state,
                    notes=findings,
                    **common,
                )
            case Split(spans, findings):
                children = await self.keeper.do(
                    writer.close_window,
                    end.window.window,
                    state="split",
                    notes=findings,
                    children=self.spider.new_windows(end.window, spans, end.window.verb),
                    **common,
                )
            case Singly():
                children = await self.keeper.do(
                    writer.close_window,
                    end.window.window,
                    state="split",
                    children=self.spider.singly(end.window),
                    **common,
                )
            case BySet(sets, findings):
                children = await self.keeper.do(
                    writer.close_window,
                    end.window.window,
                    state="split",
                    notes=findings,
                    children=self.spider.by_set(end.window, sets),
                    **common,
                )
            case Again():
                pass
        if isinstance(decision, Done | Lost):
            self._standing.settle(end.window.window, count.distinct)
        elif not isinstance(decision, Again):
            self._standing.cut(end.window.window)
        self._show_standing()
        assert self.stats is not None
        self.stats.inc_value(f"harvest/windows/{type(decision).__name__.lower()}")
        logger.info(
            "window %s: %s after %d pages, %d records%s -> %s",
            self.spider.describe(end),
            end.end,
            end.pages,
            count.distinct,
            f" of {end.stated} stated" if end.stated is not None else "",
            type(decision).__name__.lower(),
        )
        self.spider.window_settled(end, decision, children)

    async def _guarded(self, act: Any) -> None:
        """A failure of the disk ends the run; everything committed stays."""
        try:
            await act()
        except KeeperStopped:
            pass
        except ArchiveError as error:
            self.spider.fail(error)

    async def ended(self, reason: str) -> None:
        """Leave the run in its state and the archive at rest."""
        if self._timer is not None:
            self._timer.cancel()
        spider, writer = self.spider, self.keeper.writer
        spider.decoders.close()
        try:
            await self._keep_waits()
            await self.keeper.do(writer.commit)
            if off := await self.keeper.do(read_off, writer.ledger.db, writer.run_number):
                spider.failure = spider.failure or _unbalanced(writer.run_number, off)
            state = await self.keeper.do(writer.ledger.settled_state, writer.run_number)
            if spider.failure is not None:
                state = "unfinished"
            await self.keeper.do(writer.finish, state)
            spider.finished_as = state
        except KeeperStopped:
            spider.finished_as = "unfinished"
        except ArchiveError as error:
            spider.failure = spider.failure or error
        try:
            await self.keeper.close()
        except ArchiveError as error:
            spider.failure = spider.failure or error


def _unbalanced(run: int, off: Sequence[Off]) -> Damaged:
    """Law 1: a run whose sums do not balance fails, with the rows that are off."""
    named = "\n".join(f"  {row.message}" for row in off)
    return Damaged(
        f"the sums of run {run} do not balance; take the ledger from a copy of the archive. What is off:\n{named}"
    )
