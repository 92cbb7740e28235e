"""Providers that limit their clients, on a clock of their own: minutes of waiting pass in milliseconds.

`run` drives `harvester.ratelimit` with an event loop whose time jumps to the next thing to happen; a `Limiter` answers.
"""

import asyncio
import heapq
import json
import selectors
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from types import ModuleType
from typing import Any, TypeVar

import pytest

from harvester.http import blocks
from harvester.ratelimit import host, limiters, shared
from harvester.ratelimit.limiters import Gates

T = TypeVar("T")
# 2026-03-04 05:06:07 UTC
BEGAN = 1772600767.0


class VirtualTime:
    """What `time` is to the modules under test; `offset` is how far the wall clock is set wrong."""

    def __init__(self) -> None:
        self.clock, self.offset = 1000.0, 0.0

    def monotonic(self) -> float:
        return self.clock

    def time(self) -> float:
        return BEGAN - 1000.0 + self.clock + self.offset

    def sleep(self, seconds: float) -> None:
        self.clock += seconds


class _Selector(selectors.SelectSelector):
    def __init__(self, time: VirtualTime) -> None:
        super().__init__()
        self._time = time

    def select(self, timeout: float | None = None) -> list[Any]:
        self._time.clock += max(0.0, timeout or 0.0)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, time: VirtualTime) -> None:
        super().__init__(_Selector(time))
        self._virtual = time

    def time(self) -> float:
        return self._virtual.clock


@pytest.fixture
def virtual(monkeypatch: pytest.MonkeyPatch) -> VirtualTime:
    """Time that passes only when everybody waits."""
    return virtual_time(monkeypatch.setattr)


def virtual_time(replace: Callable[[ModuleType, str, Any], None]) -> VirtualTime:
    """The same; `replace` puts it into a module."""
    time = VirtualTime()

    class Now(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.fromtimestamp(time.time(), tz)

    for module in (limiters, host, shared, blocks):
        replace(module, "time", time)
    replace(host, "datetime", Now)
    return time


def run(time: VirtualTime, work: Coroutine[Any, Any, T]) -> T:
    """Do some work on the virtual clock."""
    loop = _Loop(time)
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


@dataclass
class Limiter:
    """A provider with limits (requests, seconds), in fixed windows of the clock or `moving` ones.

    `says` is what its answers tell: any of remaining, policy, three (the old headers), retry-after, words. More than
    `ban_after` refusals in a window ban the client for `ban_seconds`, anew with each request.
    """

    time: VirtualTime
    rules: Sequence[tuple[int, float]]
    says: Sequence[str] = ("remaining",)
    moving: bool = False
    ban_after: int = 0
    ban_seconds: float = 120.0
    statuses: Counter[int] = field(default_factory=Counter)
    bans: int = 0
    passed: list[float] = field(default_factory=list)
    _asked: dict[tuple[int, float], deque[float]] = field(default_factory=dict)
    _excess: Counter[int] = field(default_factory=Counter)
    _banned: float = 0.0

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        """(status, headers, body) for a request that comes in now."""
        now = self.time.time()
        status, headers, body = self._answer(now)
        self.statuses[status] += 1
        if status == 200:
            self.passed.append(now)
        return status, {"content-type": "application/json", "date": _http_date(now), **headers}, body

    def _answer(self, now: float) -> tuple[int, dict[str, str], bytes]:
        if now < self._banned:
            self._banned = now + self.ban_seconds
            return (
                403,
                {"content-type": "text/html"},
                b"<html><body><h1>403 Forbidden</h1>You are blocked.</body></html>",
            )
        left, reset, rule = min(self._left(rule, now) for rule in self.rules)
        if left <= 0:
            slot = int(now // rule[1])
            self._excess[slot] += 1
            if self.ban_after and self._excess[slot] >= self.ban_after:
                self._banned, self.bans = now + self.ban_seconds, self.bans + 1
            words = f"{rule[0]} per {rule[1]:g} second".encode() if "words" in self.says else b"{}"
            order = {"retry-after": str(int(reset) + 1)} if "retry-after" in self.says else {}
            return 429, {**self._told(now, 0, reset, rule), **order}, words
        for rule in self.rules:
            self._asked[rule].append(now)
        left, reset, rule = min(self._left(rule, now) for rule in self.rules)
        return 200, self._told(now, left, reset, rule), b"{}"

    def _left(self, rule: tuple[int, float], now: float) -> tuple[int, float, tuple[int, float]]:
        """(requests left, seconds until there are more, the rule)."""
        requests, seconds = rule
        asked = self._asked.setdefault(rule, deque())
        begin = now - seconds if self.moving else now // seconds * seconds
        while asked and asked[0] <= begin - (0 if self.moving else 1e-9):
            asked.popleft()
        reset = (asked[0] + seconds - now if asked else seconds) if self.moving else begin + seconds - now
        return requests - len(asked), reset, rule

    def _told(self, now: float, left: int, reset: float, rule: tuple[int, float]) -> dict[str, str]:
        told = {}
        if "remaining" in self.says:
            told |= {
                "x-ratelimit-limit": str(rule[0]),
                "x-ratelimit-remaining": str(left),
                "x-ratelimit-reset": str(int(now + reset) + (1 if self.moving else 0)),
            }
        if "policy" in self.says:
            told |= {
                "ratelimit-policy": ",".join(f'"p{s:g}";q={q};w={s:g}' for q, s in self.rules),
                "ratelimit": f'"p{rule[1]:g}";r={left};t={int(reset) + 1}',
            }
        if "three" in self.says:
            told |= {
                "ratelimit-limit": str(rule[0]),
                "ratelimit-remaining": str(left),
                "ratelimit-reset": str(int(reset) + 1),
            }
        return told


def _http_date(now: float) -> str:
    return format_datetime(datetime.fromtimestamp(int(now), UTC), usegmt=True)


class Client:
    """Asks one provider as a spider does: some requests at once, what is only told to wait again."""

    def __init__(
        self, gate: Gates, limiter: Limiter, url: str = "http://x.example/api/records/", latency: float = 0.05
    ):
        self.gate, self.limiter, self.url, self.latency = gate, limiter, url, latency
        self.answered: dict[int, int] = {}
        self.statuses: Counter[int] = Counter()

    async def ask(self, numbers: range, at_once: int = 4, until: float = float("inf")) -> None:
        """Ask for each number until it has its answer, or the time is over."""
        waiting = list(numbers)
        heapq.heapify(waiting)

        async def work() -> None:
            while waiting and self.limiter.time.clock < until:
                number = heapq.heappop(waiting)
                url = f"{self.url}{number}"
                await self.gate.admit(url)
                await asyncio.sleep(self.latency * (0.6 + 0.1 * (number % 9)))
                status, headers, body = self.limiter.answer()
                self.statuses[status] += 1
                await asyncio.sleep(self.latency / 2)
                if self.gate.judge(url, status, headers, body):
                    self.answered[number] = status
                else:
                    heapq.heappush(waiting, number)

        await asyncio.gather(*(work() for _ in range(at_once)))


def error_body(message: str = "Permission denied.") -> bytes:
    """A restricted record, as InvenioRDM says it."""
    return json.dumps({"status": 403, "message": message}).encode()
