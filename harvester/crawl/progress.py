"""How a harvest is going: a live display on a terminal, one plain line every few seconds elsewhere.

Everything goes to stderr; results are for stdout.
"""

import asyncio
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from scrapy import signals
from scrapy.crawler import Crawler

from harvester.ratelimit import WaitOn
from harvester.text import duration

PLAIN_SECONDS = 5.0
LIVE_SECONDS = 0.5
STATES = ("read", "deleted", "absent", "moved", "forbidden", "refused", "lost", "open")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Numbers at one moment of this process. `expected` is the sum of the totals that the provider stated, None
    unknown; `held_before` are records that earlier processes of the same run have brought. Where ids are asked for,
    `expected_ids` is how many there are in all channels, and `settled_before` how many earlier processes settled.
    `at` is the time of day.
    """

    seconds: float
    windows_done: int
    windows_open: int
    records: int
    held_before: int
    expected: int | None
    states: dict[str, int]
    waited_seconds: float
    waiting: WaitOn | None
    requests: int
    at: datetime | None = None
    expected_ids: int | None = None
    settled_before: int = 0

    @property
    def all_records(self) -> int:
        """Records of the run so far, those of earlier processes included."""
        return self.held_before + self.records

    @property
    def settled(self) -> int:
        """Ids that this process has brought to an end state."""
        return sum(count for state, count in self.states.items() if state != "open")

    @property
    def rate(self) -> float:
        return self.records / self.seconds if self.seconds > 0 else 0.0

    @property
    def eta_seconds(self) -> float | None:
        """Seconds left by the rate so far, None without a total."""
        if self.expected_ids:
            left, done = self.expected_ids - self.settled_before - self.settled, self.settled
        else:
            left, done = (self.expected or 0) - self.all_records, self.records if self.expected else 0
        return max(0.0, left * self.seconds / done) if done else None


def plain_line(now: Snapshot) -> str:
    """One line for a log."""
    states = ", ".join(f"{count} {state}" for state, count in now.states.items() if count)
    total = f" of {now.expected}" if now.expected else ""
    ids = f"{now.settled_before + now.settled} of {now.expected_ids} ids, " if now.expected_ids else ""
    left = f", {duration(now.eta_seconds)} left" if now.eta_seconds is not None else ""
    line = (
        f"{duration(now.seconds)}: windows {now.windows_done} done, {now.windows_open} open; "
        f"{ids}{now.all_records}{total} records ({now.rate:.0f}/s{left}); "
        f"{states or 'nothing yet'}; waited {duration(now.waited_seconds)}"
    )
    if now.waiting is not None:
        line += f"; {waiting_words(now.waiting, now.at)}"
    return line


def waiting_words(waiting: WaitOn, at: datetime | None) -> str:
    """For whom the harvest waits, why, and until when; the time of day is local."""
    when = f" ({at + timedelta(seconds=waiting.seconds):%H:%M:%S})" if at is not None else ""
    return f"{waiting.host}: {waiting.reason}, next request in {waiting.seconds:.0f} s{when}"


def display(now: Snapshot) -> Group:
    """The live display."""
    table = Table.grid(padding=(0, 2))
    table.add_row("windows", f"{now.windows_done} done, {now.windows_open} open", "requests", f"{now.requests:,}")
    if now.expected_ids:
        table.add_row("ids", f"{now.settled_before + now.settled:,} of {now.expected_ids:,}")
    table.add_row(
        "records",
        f"{now.all_records:,}" + (f" of {now.expected:,}" if now.expected else ""),
        "rate",
        f"{now.rate:,.0f}/s",
    )
    table.add_row(
        "elapsed",
        duration(now.seconds),
        "left",
        duration(now.eta_seconds) if now.eta_seconds is not None else "unknown",
    )
    waits = duration(now.waited_seconds)
    if now.waiting is not None:
        waits += f", {waiting_words(now.waiting, now.at)}"
    table.add_row("waited", waits)
    states = Text("  ".join(f"{state} {now.states.get(state, 0):,}" for state in STATES if now.states.get(state)))
    total = now.expected_ids or now.expected
    done = now.settled_before + now.settled if now.expected_ids else now.all_records
    bar = ProgressBar(total=total or None, completed=min(done, total or 0), pulse=not total)
    return Group(bar, table, states)


class Progress:
    """The Scrapy extension that draws it; HARVEST_PROGRESS is auto, rich, plain or none."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        kind = crawler.settings.get("HARVEST_PROGRESS", "auto")
        self.kind = ("rich" if sys.stderr.isatty() else "plain") if kind == "auto" else kind
        self._started = time.monotonic()
        self._task: asyncio.Task[None] | None = None
        self._live: Live | None = None

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        progress = cls(crawler)
        crawler.signals.connect(progress.opened, signal=signals.spider_opened)
        crawler.signals.connect(progress.closed, signal=signals.spider_closed)
        return progress

    def opened(self) -> None:
        self._started = time.monotonic()
        if self.kind == "rich":
            self._live = Live(console=Console(stderr=True), auto_refresh=False, transient=False)
            self._live.start()
        if self.kind != "none":
            self._task = asyncio.ensure_future(self._show())

    async def _show(self) -> None:
        while True:
            await asyncio.sleep(LIVE_SECONDS if self._live is not None else PLAIN_SECONDS)
            self._draw()

    def closed(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._draw()
        if self._live is not None:
            self._live.stop()

    def _draw(self) -> None:
        now = self.snapshot()
        if self._live is not None:
            self._live.update(display(now), refresh=True)
        else:
            print(plain_line(now), file=sys.stderr, flush=True)

    def snapshot(self) -> Snapshot:
        assert self.crawler.stats is not None
        values = self.crawler.stats.get_stats()
        spider: Any = self.crawler.spider
        gates: Any = getattr(self.crawler, "gates", None)
        # a list that is walked again brings its records again: totals are of ids, each once
        kind = "standing" if any(f"harvest/standing/{state}" in values for state in STATES) else "ids"
        states = {state: int(values.get(f"harvest/{kind}/{state}", 0)) for state in STATES}
        done = sum(int(values.get(f"harvest/windows/{end}", 0)) for end in ("done", "lost"))
        return Snapshot(
            seconds=time.monotonic() - self._started,
            windows_done=done,
            windows_open=getattr(spider, "open_windows", 0),
            records=states["read"] + states["deleted"],
            held_before=getattr(spider, "held_before", 0),
            expected=getattr(spider, "expected_records", None),
            states=states,
            waited_seconds=gates.waited_seconds if gates is not None else 0.0,
            waiting=gates.waiting() if gates is not None else None,
            requests=int(values.get("downloader/request_count", 0)),
            at=datetime.now().astimezone(),
            expected_ids=getattr(spider, "expected_ids", None),
            settled_before=getattr(spider, "settled_before", 0),
        )
