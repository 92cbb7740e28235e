"""The gates of a crawl, one a host: who asks waits here for the host's turn, and every answer teaches them.

The rules are in `harvester.gate` and pure; here are clocks, sleep, and what the processes of this machine share. A
host of which nothing is known that would hold anybody up costs some microseconds a request.
"""

import asyncio
import logging
import math
import os
import random
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest

from harvester.budgets import LIMIT_HEADERS, Budget, Stated, parse_limits, parse_said
from harvester.gate import Gate, parse_retry_after
from harvester.sharing import SharedState
from harvester.waits import Wait, Waits

logger = logging.getLogger(__name__)

# a run that is told to stop does not sit out its wait
SHORTEST_SLEEP_SECONDS, LONGEST_SLEEP_SECONDS = 0.001, 0.5
# what other processes learned is looked for so often where nothing holds anybody up
LOOK_SECONDS = 1.0
# requests are let through in pieces of so much time, where there are many
PIECE_SECONDS = 0.05
# somebody else is at the shared state
BUSY_SECONDS = 0.01
# answers that nobody has heard of for so long do not come
ANSWER_SECONDS, OUT_MOST = 900.0, 20_000
# the headers of an answer that `judge` reads
HEADERS = ("retry-after", "content-type", "date", "x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset",
           *LIMIT_HEADERS)  # fmt: skip


class WaitTooLong(IgnoreRequest):
    """The provider orders a wait that a run should not sit out; `str()` says how long."""


@dataclass(slots=True)
class _Sent:
    """A request that is out: when it left, and its number at the gate."""

    clock: float
    serial: int


@dataclass(slots=True)
class _Door:
    """One host: its gate, what others know of it, and who stands before it, one queue a part of the host.

    `piece` requests of a part may still pass, until a moment, without asking the gate again. `heard` are what answers
    said since the state was last written.
    """

    gate: Gate
    state: SharedState
    queues: dict[str, asyncio.Lock] = field(default_factory=dict)
    out: dict[str, _Sent] = field(default_factory=dict)
    standing: Counter[str] = field(default_factory=Counter)
    pieces: dict[str, tuple[int, float]] = field(default_factory=dict)
    heard: list[Callable[[], object]] = field(default_factory=list)
    sleeping: tuple[float, str] = (0.0, "")
    looked: float = -math.inf


class Gates:
    """The gates of one crawl; `budgets` are those that the source names for each host (network location, lower case).

    `running` is False once the run is ending. `waited_seconds` is the time that was slept before hosts, `told` counts
    the answers that only said "not now", by status.
    """

    def __init__(
        self, state_folder: Path | None, budgets: Mapping[str, Sequence[Budget]], running: Callable[[], bool]
    ) -> None:
        self._folder, self._running = state_folder, running
        self._budgets = {host.lower(): tuple(dict.fromkeys(found)) for host, found in budgets.items()}
        self._doors: dict[str, _Door] = {}
        self._waits = Waits()
        self.waited_seconds = 0.0
        self.told: Counter[int] = Counter()

    @classmethod
    def of(cls, crawler: Crawler) -> "Gates":
        """The crawler's gates, made on first use."""
        gates: Gates | None = getattr(crawler, "gates", None)
        if gates is None:
            spider: Any = crawler.spider
            folder = state_folder(crawler.settings.get("HARVEST_STATE"))
            gates = cls(folder, getattr(spider, "budgets", None) or {}, lambda: bool(
                crawler.engine is not None and crawler.engine.running))  # fmt: skip
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

    # --- before a request

    async def admit(self, url: str) -> None:
        """Wait for the host's turn and take it. Raises IgnoreRequest when the run is ending."""
        host, path = place(url)
        door = self._doors.get(host) or self._door(host)
        clock, gate = time.monotonic(), door.gate
        if gate.calm and clock >= gate.not_before and clock - door.looked < LOOK_SECONDS:
            gate.serial += 1
            door.out[url] = _Sent(clock, gate.serial)
            return
        part = gate.part(path)
        if not self._in_piece(door, url, part, clock):
            door.standing[part] += 1
            try:
                async with door.queues.setdefault(part, asyncio.Lock()):
                    await self._turn(door, url, path, part)
            finally:
                door.standing[part] -= 1

    async def _turn(self, door: _Door, url: str, path: str, part: str) -> None:
        while True:
            clock = time.monotonic()
            if self._in_piece(door, url, part, clock):
                return
            wait, reason = self._take(door, url, path, part, clock)
            if wait <= 0:
                door.sleeping = (0.0, "")
                return
            if not self._running():
                raise IgnoreRequest("the run is ending")
            door.sleeping = (clock + wait, reason)
            await asyncio.sleep(min(max(wait, SHORTEST_SLEEP_SECONDS), LONGEST_SLEEP_SECONDS))
            slept = time.monotonic() - clock
            self.waited_seconds += slept
            if clock >= door.gate.not_before:
                self._waits.paced(door.gate.host, reason, time.time(), slept)

    def _in_piece(self, door: _Door, url: str, part: str, clock: float) -> bool:
        """Pass as one of a piece that was let through."""
        left, until = door.pieces.get(part, (0, 0.0))
        if not left or clock > until or clock < door.gate.not_before:
            return False
        door.pieces[part] = left - 1, until
        door.out[url] = _Sent(clock, door.gate.serial)
        return True

    def _take(self, door: _Door, url: str, path: str, part: str, clock: float) -> tuple[float, str]:
        """Take a turn, and as many as make a piece; (seconds, reason) when there is none."""
        gate = door.gate
        with door.state.locked() as free:
            if not free:
                return BUSY_SECONDS, "another process asks"
            door.looked = clock
            if len(door.out) > OUT_MOST:
                door.out = {one: sent for one, sent in door.out.items() if clock - sent.clock < ANSWER_SECONDS}
            changed = self._hear(door)
            wait, reason = gate.wait(clock, path)
            if wait <= 0:
                changed = changed or gate.knows
                door.out[url] = _Sent(clock, gate.asked(clock, path))
                door.pieces[part] = self._take_piece(door, path, part, clock), clock + PIECE_SECONDS
            gate.settle()
            if changed and (door.state.exists or gate.knows):
                door.state.write()
        return wait, reason

    def _take_piece(self, door: _Door, path: str, part: str, clock: float) -> int:
        """Turns for those who stand in the queue as well, where the pace is high; how many."""
        pace, taken = door.gate.pace(path), 0
        most = min(door.standing[part] - 1, int(pace * PIECE_SECONDS) - 1) if pace < math.inf else 0
        while taken < most and door.gate.wait(clock, path)[0] <= 0:
            door.gate.asked(clock, path)
            taken += 1
        return taken

    # --- after an answer

    def judge(self, url: str, status: int, headers: Mapping[str, str], body: bytes = b"") -> bool:
        """Learn from an answer, names of headers in lower case. False: it said "not now", and the same is asked again.

        Raises WaitTooLong when waiting is over.
        """
        host, path = place(url)
        door = self._doors.get(host) or self._door(host)
        gate, clock = door.gate, time.monotonic()
        sent = door.out.pop(url, None) or _Sent(clock, gate.serial)
        told = any(name in headers for name in LIMIT_HEADERS)
        if gate.calm and not told and status not in (403, 429) and status < 500:
            gate.answered(clock, sent.clock)
            gate.bans.good(sent.clock, headers.get("content-type", ""), ordered="retry-after" in headers)
            return True
        return self._learn(door, url, path, sent, status, headers, body)

    def lost(self, url: str) -> None:
        """No answer came to a request that was admitted."""
        door = self._door(place(url)[0])
        if door.out.pop(url, None) is not None and not door.gate.calm:
            self._note(door, door.gate.lost)

    def _learn(
        self, door: _Door, url: str, path: str, sent: _Sent, status: int, headers: Mapping[str, str], body: bytes
    ) -> bool:
        gate, now, clock = door.gate, datetime.now(UTC), time.monotonic()
        stated, body = parse_limits(headers, now), _plain(body)
        order = parse_retry_after(headers["retry-after"], now) if "retry-after" in headers else None
        if stated:
            self._note(door, lambda: gate.heard(clock, path, stated, sent.serial))
        if status == 429 and not stated and (budget := parse_said(body)) is not None:
            self._note(door, lambda: gate.heard_words(clock, path, budget))
        if status == 429 or (status == 503 and order is not None):
            if order is None:
                order = _reset(stated)
            self._not_now(door, status, lambda: gate.refused(clock, status, order, sent.clock), order)
            return False
        kind = headers.get("content-type", "")
        if status == 403:
            verdict = gate.bans.judge(clock, url, sent.clock, kind, body, ordered=order is not None)
            if verdict == "ban":
                order = _reset(stated) if gate.bans.strong and order is None else order
                self._not_now(door, status, lambda: gate.banned(clock, status, order), order)
                return False
            if verdict == "taken":
                self._note(door, gate.lost)
                return True
        elif status < 500:
            gate.bans.good(sent.clock, kind, ordered="retry-after" in headers)
            if not stated and status in (200, 404):
                self._note(door, lambda: gate.heard_nothing(path))
        self._note(door, gate.lost if status >= 500 else lambda: gate.answered(clock, sent.clock))
        return True

    def _not_now(self, door: _Door, status: int, say: Callable[[], float | None], order: float | None) -> None:
        gate, before = door.gate, door.gate.not_before
        waits: list[float | None] = []
        self._note(door, lambda: waits.append(say()))
        self._tell(door)
        self.told[status] += 1
        if waits[-1] is None:
            asked = f"{order:.0f} seconds" if order is not None else "longer than our patience"
            raise WaitTooLong(f"{gate.host} answers {status} and asks for a wait of {asked}")
        if gate.not_before > before + 0.5:
            seconds = gate.not_before - time.monotonic()
            logger.info("%s: %s, next request in %.1f s", gate.host, gate.reason, seconds)
            self._waits.ordered(gate.host, gate.reason, time.time(), seconds)

    # --- what is shared

    def _note(self, door: _Door, say: Callable[[], object]) -> None:
        """Change the gate, and again should another process write its state before this one does."""
        if door.state.shared:
            door.heard.append(say)
        else:
            say()
            door.gate.settle()

    def _hear(self, door: _Door) -> bool:
        """Do what was noted, on the state as it is now; to be called while it is locked."""
        heard, door.heard = door.heard, []
        for say in heard:
            say()
        door.gate.settle()
        return bool(heard)

    def _tell(self, door: _Door) -> None:
        """Let the others know at once. Where somebody else holds the state for long, they hear of it later."""
        if door.heard:
            with door.state.locked(patient=True) as free:
                self._hear(door)
                if free:
                    door.state.write()

    def close(self) -> None:
        """Keep what was learned for the next run."""
        for door in self._doors.values():
            with door.state.locked(patient=True) as free:
                self._hear(door)
                if free and (door.state.exists or door.gate.knows):
                    door.state.write(synced=True)
            door.state.close()
        self._waits.end()

    def _door(self, host: str) -> _Door:
        if (door := self._doors.get(host)) is None:
            gate = Gate(host, budgets=self._budgets.get(host, ()), shy=True)
            door = self._doors[host] = _Door(gate, SharedState(self._folder, gate))
            door.state.look()
            gate.settle()
        return door

    # --- for people, and for the ledger

    def waiting(self) -> tuple[str, str, float] | None:
        """(host, reason, seconds) of the longest wait that is on, for the progress line."""
        clock = time.monotonic()
        on = []
        for door in self._doors.values():
            ordered = (door.gate.not_before - clock, door.gate.host, door.gate.reason)
            on += [ordered, (door.sleeping[0] - clock, door.gate.host, door.sleeping[1])]
        seconds, host, reason = max(on, default=(0.0, "", ""))
        return (host, reason, seconds) if seconds > 0.5 else None

    def take_waits(self) -> list[Wait]:
        """Waits of a second or more that have ended or begun since the last call."""
        if not self._running():
            self._waits.end()
        return self._waits.take(time.time())


def place(url: str) -> tuple[str, str]:
    """(network location in lower case, without a name or password, path) of a URL."""
    host, slash, rest = url.partition("://")[2].partition("/")
    if "?" in host or "#" in host:
        host, slash, rest = host.partition("?")[0].partition("#")[0], "", ""
    host = host.rpartition("@")[2]
    path = slash + rest.partition("?")[0].partition("#")[0]
    return host.lower(), path or "/"


def _plain(body: bytes) -> bytes:
    """The first bytes of a body that may be packed."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        return zlib.decompressobj(wbits=31).decompress(body, 4096)
    except zlib.error:
        return body


def _reset(stated: Sequence[Stated]) -> float | None:
    """When there is more of what is spent, by the headers of a refusal, and a little later; None: they do not say."""
    resets = [one.reset_seconds for one in stated if not one.remaining and one.reset_seconds is not None]
    return max(resets) + random.uniform(0.2, 0.8) if resets else None


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
