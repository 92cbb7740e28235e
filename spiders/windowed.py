"""What spiders share that walk windows of datestamps: the queue, attempts, and a body and a tail."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from twisted.python.failure import Failure

from archive.store import WindowRow
from harvester.crawl import WindowEnd
from harvester.oaipmh import Again, Decision, Queue, Span
from harvester.ratelimit import WaitTooLong
from spiders.base import HarvestSpider


class WindowedSpider(HarvestSpider):
    """A spider whose windows are walked some at a time, and replaced by others until all are done.

    A window is walked again, or cut, as `decide` says. The tail of a channel, which catches what changed since the run
    began, is walked after all of its body. `expected_records` is None while it cannot be known.
    """

    held_before = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.windows: dict[int, WindowRow] = {}
        self._queue = Queue()
        self._tails: set[int] = set()
        self._attempts: dict[int, int] = {}
        self._walking = 0
        self._settled = asyncio.Event()

    # --- what a spider of windows brings

    async def prepare(self) -> None:
        """Open the windows of a new run, or those that a resumed one has left, and enlist them."""
        raise NotImplementedError

    def begin(self, row: WindowRow, attempt: int) -> AsyncIterator[Any]:
        """Yield the first requests of a walk through a window."""
        raise NotImplementedError

    def tail_begins(self, row: WindowRow) -> bool:
        """Return whether a window is the tail of its channel."""
        raise NotImplementedError

    async def look_again(self) -> bool:
        """Open what may be missing when all windows are done. Returns whether there is anything."""
        raise NotImplementedError

    async def conclude(self) -> None:
        """Judge the run as a whole, when nothing is left to ask."""
        raise NotImplementedError

    # --- the walk through all windows

    async def start(self) -> AsyncIterator[Any]:
        """Yield the first requests of each window, as many windows at once as the source allows."""
        try:
            await self.prepare()
            while not self.stopping:
                window = self._queue.take() if self._walking < self.arguments.windows else None
                if window is not None:
                    self._walking += 1
                    attempt = self._attempts[window] = self._attempts.get(window, 0) + 1
                    async for request in self.begin(self.windows[window], attempt):
                        yield request
                elif self._walking:
                    self._settled.clear()
                    await self._settled.wait()
                elif not await self.look_again():
                    await self.conclude()
                    return
        except Exception as error:
            self.fail(error)

    def enlist(self, rows: Sequence[WindowRow], tail: bool | None = None) -> None:
        """Queue the open ones of these windows; `tail` says whether they are of the tail, None to see for each."""
        for row in rows:
            is_tail = self.is_tail(row) if tail is None else tail
            self.windows[row.window] = row
            (self._tails.add if is_tail else self._tails.discard)(row.window)
            if row.state == "open":
                self._attempts.setdefault(row.window, row.attempts)
                self._put(row)

    def is_tail(self, row: WindowRow) -> bool:
        """Return whether a window is the tail of its channel, or was cut out of it."""
        if row.window in self.windows:
            return row.window in self._tails
        if row.parent is not None and row.parent in self.windows:
            return row.parent in self._tails
        return self.tail_begins(row)

    def window_settled(self, end: WindowEnd, decision: Decision, children: Sequence[WindowRow]) -> None:
        """Go on with the windows that take a window's place, or with itself once more."""
        row = self.windows[end.window.window]
        if isinstance(decision, Again):
            self._put(row)
        else:
            self.enlist(children)
        self._walking -= 1
        self._settled.set()

    def _put(self, row: WindowRow) -> None:
        self._queue.add(row.window, row.channel, Span.parse(row.from_, row.until), tail=row.window in self._tails)

    def goes_on(self, failure: Failure) -> bool:
        """Return whether the walk of a request that failed goes on: not when the run ends."""
        if isinstance(failure.value, WaitTooLong):
            self.fail(failure.value)
        return not self.stopping

    @property
    def open_windows(self) -> int:
        """Windows that wait or are being walked."""
        return len(self._queue.waiting) + self._walking
