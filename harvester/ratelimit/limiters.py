"""The gates of a crawl, one a host: who asks waits here for the host's turn, and every answer teaches them.

The rules are in `limiter` and pure; `host` keeps each host in step with the other processes of this
machine; here is the waiting.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest

from harvester.ratelimit.headers import LIMIT_HEADERS, Budget
from harvester.ratelimit.host import (
    Door,  # for those who ask here
)
from harvester.ratelimit.waits import Wait, Waits

# a run that is told to stop does not sit out its wait
SHORTEST_SLEEP_SECONDS, LONGEST_SLEEP_SECONDS = 0.001, 0.5
# the headers of an answer that `judge` reads
HEADERS = (
    "retry-after",
    "content-type",
    "date",
    "x-ratelimit-reset",
    "ratelimit-reset",
    "x-rate-limit-reset",
    *LIMIT_HEADERS,
)


@dataclass(frozen=True, slots=True)
class WaitOn:
    """A wait that is on: `seconds` are left of it."""

    host: str
    reason: str
    seconds: float


class Gates:
    """The gates of one crawl; `budgets` are those that the source names for each host (network location, lower case).

    `running` is False once the run is ending. `waited_seconds` is the time that was slept before hosts.
    """

    def __init__(
        self, state_folder: Path | None, budgets: Mapping[str, Sequence[Budget]], running: Callable[[], bool]
    ) -> None:
        self._folder, self._running = state_folder, running
        self._budgets = {host.lower(): tuple(found) for host, found in budgets.items()}
        self._doors: dict[str, Door] = {}
        self._queues: dict[tuple[str, str], asyncio.Lock] = {}
        # who sleeps before a host, until when and why
        self._sleeping: dict[str, tuple[float, str]] = {}
        self._waits = Waits()
        self.waited_seconds = 0.0

    @classmethod
    def of(cls, crawler: Crawler) -> "Gates":
        """The crawler's gates, made on first use."""
        gates: Gates | None = getattr(crawler, "gates", None)
        if gates is None:
            spider: Any = crawler.spider
            folder = state_folder(crawler.settings.get("HARVEST_STATE"))
            gates = cls(folder, getattr(spider, "budgets", None) or {}, lambda: _is_running(crawler))
            source = getattr(getattr(spider, "arguments", None), "source", None)
            for host in getattr(source, "allowed_hosts", ()):
                gates.set_delay(host, getattr(source, "delay_seconds", 0.0))
            crawler.gates = gates  # type: ignore[attr-defined]
            crawler.signals.connect(gates.close, signal=signals.spider_closed)
        return gates

    def set_delay(self, host: str, seconds: float) -> None:
        """Keep a distance between two requests to a host; the longest that is asked for counts."""
        if seconds > 0:
            gate = self._door(host.lower()).gate
            gate.delay_seconds = max(gate.delay_seconds, seconds)
            gate.settle()

    async def admit(self, url: str) -> None:
        """Wait for the host's turn and take it. Raises IgnoreRequest when the run is ending."""
        host, path = place(url)
        door = self._doors.get(host) or self._door(host)
        if door.open(url):
            return
        part = door.gate.limits.part(path)
        if not door.in_piece(url, part):
            door.standing[part] += 1
            try:
                async with self._queues.setdefault((host, part), asyncio.Lock()):
                    await self._turn(door, url, path, part)
            finally:
                door.standing[part] -= 1

    async def _turn(self, door: Door, url: str, path: str, part: str) -> None:
        host = door.gate.host
        while not door.in_piece(url, part):
            wait, reason = door.take(url, path, part)
            if wait <= 0:
                break
            if not self._running():
                raise IgnoreRequest("the run is ending")
            clock = time.monotonic()
            self._sleeping[host] = clock + wait, reason
            await asyncio.sleep(min(max(wait, SHORTEST_SLEEP_SECONDS), LONGEST_SLEEP_SECONDS))
            slept = time.monotonic() - clock
            self.waited_seconds += slept
            if clock >= door.gate.not_before:
                self._waits.paced(host, reason, time.time(), slept)
        self._sleeping.pop(host, None)

    def judge(self, url: str, status: int, headers: Mapping[str, str], body: bytes = b"") -> bool:
        """Learn from an answer, names of headers in lower case. False: it said "not now", and the same is asked again.

        Raises WaitTooLong when waiting is over.
        """
        host, path = place(url)
        return (self._doors.get(host) or self._door(host)).judge(url, path, status, headers, body)

    def lost(self, url: str) -> None:
        """No answer came to a request that was admitted."""
        self._door(place(url)[0]).lost(url)

    def close(self) -> None:
        """Keep what was learned for the next run."""
        for door in self._doors.values():
            door.close()
        self._waits.end()

    def _door(self, host: str) -> Door:
        if host not in self._doors:
            self._doors[host] = Door(host, self._budgets.get(host, ()), self._folder, self._ordered)
        return self._doors[host]

    def _ordered(self, host: str, reason: str, seconds: float) -> None:
        self._waits.ordered(host, reason, time.time(), seconds)

    # --- for people, and for the ledger

    @property
    def told(self) -> Counter[int]:
        """Answers that only said "not now", by status."""
        return sum((door.told for door in self._doors.values()), Counter())

    def waiting(self) -> WaitOn | None:
        """Return the longest wait that is on, for the progress line."""
        clock = time.monotonic()
        on = [(until - clock, host, reason) for host, (until, reason) in self._sleeping.items()]
        on += [(door.gate.not_before - clock, host, door.gate.reason) for host, door in self._doors.items()]
        seconds, host, reason = max(on, default=(0.0, "", ""))
        return WaitOn(host, reason, seconds) if seconds > 0.5 else None

    def take_waits(self) -> list[Wait]:
        """Waits of a second or more that have ended or begun since the last call."""
        if not self._running():
            self._waits.end()
        return self._waits.take(time.time())


def _is_running(crawler: Crawler) -> bool:
    return bool(crawler.engine is not None and crawler.engine.running)


def place(url: str) -> tuple[str, str]:
    """(network location in lower case, without a name or password, path) of a URL."""
    host, slash, rest = url.partition("://")[2].partition("/")
    if "?" in host or "#" in host:
        host, slash, rest = host.partition("?")[0].partition("#")[0], "", ""
    host = host.rpartition("@")[2]
    path = slash + rest.partition("?")[0].partition("#")[0]
    return host.lower(), path or "/"


def state_folder(setting: Any, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The folder of what processes share, None when nothing is to be shared.

    The setting wins; then HARVESTER_STATE; then the place for such files. "" and "none" turn it off.
    """
    named = setting if setting is not None else environment.get("HARVESTER_STATE")
    if named is not None:
        return None if str(named).strip().lower() in ("", "none") else Path(named).expanduser()
    if base := environment.get("XDG_STATE_HOME"):
        return Path(base) / "harvester"
    return Path(environment["HOME"]) / ".local" / "state" / "harvester" if environment.get("HOME") else None
