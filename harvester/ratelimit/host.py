"""One host as this process sees it: its gate, in step with what other processes know, and the requests that are out.

A host of which nothing is known that would hold anybody up costs some microseconds a request.
"""

import logging
import math
import random
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from scrapy.exceptions import IgnoreRequest

from harvester.ratelimit.headers import LIMIT_HEADERS, Budget, Stated, parse_limits, parse_said
from harvester.ratelimit.limiter import Gate, parse_retry_after
from harvester.ratelimit.shared import SharedState

logger = logging.getLogger(__name__)

# what other processes learned is looked for so often where nothing holds anybody up
LOOK_SECONDS = 1.0
# requests are let through in pieces of so much time, where there are many
PIECE_SECONDS = 0.05
# somebody else is at the shared state
BUSY_SECONDS = 0.01
# answers that nobody has heard of for so long do not come
ANSWER_SECONDS, OUT_MOST = 900.0, 20_000
# of a body, so much is looked at
FIRST_BYTES = 4096


class WaitTooLong(IgnoreRequest):
    """The provider orders a wait that a run should not sit out; `str()` says how long."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A request that is out: when it left, and its number at the gate."""

    clock: float
    serial: int


class Door:
    """The way to one host. `on_order(host, reason, seconds)` is called when a wait begins that the host ordered.

    `standing` counts who waits, by the part of the host that they go to; `told` the answers that only said "not now".
    """

    def __init__(
        self, host: str, budgets: Sequence[Budget], folder: Path | None, on_order: Callable[[str, str, float], None]
    ) -> None:
        self.gate = Gate(host, budgets=tuple(dict.fromkeys(budgets)), shy=True)
        self.standing: Counter[str] = Counter()
        self.told: Counter[int] = Counter()
        self._on_order = on_order
        self._state = SharedState(folder, self.gate)
        self._out: dict[str, _Sent] = {}
        # requests of a part that may still pass, until a moment, without asking the gate again
        self._pieces: dict[str, tuple[int, float]] = {}
        # what answers said since the state was last written
        self._heard: list[Callable[[], object]] = []
        self._looked = -math.inf
        self._state.look()
        self.gate.settle()

    # --- before a request

    def open(self, url: str) -> bool:
        """Pass where nothing is known that would hold anybody up."""
        clock, gate = time.monotonic(), self.gate
        if not gate.calm or clock < gate.not_before or clock - self._looked >= LOOK_SECONDS:
            return False
        gate.serial += 1
        self._out[url] = _Sent(clock, gate.serial)
        return True

    def in_piece(self, url: str, part: str) -> bool:
        """Pass as one of a piece that was let through."""
        clock, (left, until) = time.monotonic(), self._pieces.get(part, (0, 0.0))
        if not left or clock > until or clock < self.gate.not_before:
            return False
        self._pieces[part] = left - 1, until
        self._out[url] = _Sent(clock, self.gate.serial)
        return True

    def take(self, url: str, path: str, part: str) -> tuple[float, str]:
        """Take a turn, and as many as make a piece: (0, ""); (seconds, reason) when there is none."""
        gate, clock = self.gate, time.monotonic()
        with self._state.locked() as free:
            if not free:
                return BUSY_SECONDS, "another process asks"
            self._looked = clock
            self._forget(clock)
            changed = self._hear()
            wait, reason = gate.wait(clock, path)
            if wait <= 0:
                changed = changed or gate.knows
                self._out[url] = _Sent(clock, gate.asked(clock, path))
                self._pieces[part] = self._take_piece(path, part, clock), clock + PIECE_SECONDS
            gate.settle()
            if changed and (self._state.exists or gate.knows):
                self._state.write()
        return wait, reason

    def _take_piece(self, path: str, part: str, clock: float) -> int:
        """Turns for those who stand in the queue as well, where the pace is high; how many."""
        pace, taken = self.gate.pace(path), 0
        most = min(self.standing[part] - 1, int(pace * PIECE_SECONDS) - 1) if pace < math.inf else 0
        while taken < most and self.gate.wait(clock, path)[0] <= 0:
            self.gate.asked(clock, path)
            taken += 1
        return taken

    def _forget(self, clock: float) -> None:
        if len(self._out) > OUT_MOST:
            self._out = {url: sent for url, sent in self._out.items() if clock - sent.clock < ANSWER_SECONDS}

    # --- after an answer

    def judge(self, url: str, path: str, status: int, headers: Mapping[str, str], body: bytes) -> bool:
        """Learn from an answer; False when it only said "not now". Raises WaitTooLong when waiting is over."""
        gate, clock = self.gate, time.monotonic()
        sent = self._out.pop(url, None) or _Sent(clock, gate.serial)
        told = any(name in headers for name in LIMIT_HEADERS)
        if gate.calm and not told and status not in (403, 429) and status < 500:
            gate.answered(clock, sent.clock)
            gate.bans.good(sent.clock, headers.get("content-type", ""), ordered="retry-after" in headers)
            return True
        now = datetime.now(UTC)
        order = parse_retry_after(headers["retry-after"], now) if "retry-after" in headers else None
        stated = parse_limits(headers, now)
        if stated:
            self._note(lambda: gate.heard(clock, path, stated, sent.serial))
        if status == 429 or (status == 503 and order is not None):
            self._refused(path=path, status=status, sent=sent, stated=stated, order=order, body=_plain(body))
            return False
        if status == 403:
            return self._forbidden(url=url, sent=sent, stated=stated, order=order, headers=headers, body=_plain(body))
        if status < 500:
            gate.bans.good(sent.clock, headers.get("content-type", ""), ordered="retry-after" in headers)
            if not stated and status in (200, 404):
                self._note(lambda: gate.limits.heard_nothing(path))
        self._note(gate.lost if status >= 500 else lambda: gate.answered(clock, sent.clock))
        return True

    def lost(self, url: str) -> None:
        """No answer came to a request that was let through."""
        if self._out.pop(url, None) is not None and not self.gate.calm:
            self._note(self.gate.lost)

    def _refused(
        self, path: str, status: int, sent: _Sent, stated: Sequence[Stated], order: float | None, body: bytes
    ) -> None:
        gate, clock = self.gate, time.monotonic()
        if status == 429 and not stated and (budget := parse_said(body)) is not None:
            self._note(lambda: gate.limits.heard_words(clock, path, budget))
        if order is None:
            order = _reset(stated)
        self._not_now(status, lambda: gate.refused(clock, status, order, sent.clock), order)

    def _forbidden(
        self,
        url: str,
        sent: _Sent,
        stated: Sequence[Stated],
        order: float | None,
        headers: Mapping[str, str],
        body: bytes,
    ) -> bool:
        gate, clock, kind = self.gate, time.monotonic(), headers.get("content-type", "")
        verdict = gate.bans.judge(clock, url, sent.clock, kind, body, ordered=order is not None)
        if verdict == "ban":
            order = _reset(stated) if gate.bans.strong and order is None else order
            self._not_now(403, lambda: gate.banned(clock, 403, order), order)
            return False
        self._note(gate.lost if verdict == "taken" else lambda: gate.answered(clock, sent.clock))
        return True

    def _not_now(self, status: int, say: Callable[[], float | None], order: float | None) -> None:
        gate, before = self.gate, self.gate.not_before
        waits: list[float | None] = []
        self._note(lambda: waits.append(say()))
        self._tell()
        self.told[status] += 1
        if waits[-1] is None:
            asked = f"{order:.0f} seconds" if order is not None else "longer than our patience"
            raise WaitTooLong(f"{gate.host} answers {status} and asks for a wait of {asked}")
        if gate.not_before > before + 0.5:
            seconds = gate.not_before - time.monotonic()
            logger.info("%s: %s, next request in %.1f s", gate.host, gate.reason, seconds)
            self._on_order(gate.host, gate.reason, seconds)

    # --- what is shared

    def _note(self, say: Callable[[], object]) -> None:
        """Change the gate; where others write its state, once that is locked."""
        if self._state.shared:
            self._heard.append(say)
        else:
            say()
            self.gate.settle()

    def _hear(self) -> bool:
        """Do what was noted, on the state as it is now; to be called while it is locked."""
        heard, self._heard = self._heard, []
        for say in heard:
            say()
        self.gate.settle()
        return bool(heard)

    def _tell(self) -> None:
        """Let the others know at once. Where somebody else holds the state for long, they hear of it later."""
        if self._heard:
            with self._state.locked(patient=True) as free:
                self._hear()
                if free:
                    self._state.write()

    def close(self) -> None:
        """Keep what was learned for the next run."""
        with self._state.locked(patient=True) as free:
            self._hear()
            if free and (self._state.exists or self.gate.knows):
                self._state.write(synced=True)
        self._state.close()


def _plain(body: bytes) -> bytes:
    """The first bytes of a body that may be packed."""
    if not body.startswith(b"\x1f\x8b"):
        return body[:FIRST_BYTES]
    try:
        return zlib.decompressobj(wbits=31).decompress(body, FIRST_BYTES)
    except zlib.error:
        return body[:FIRST_BYTES]


def _reset(stated: Sequence[Stated]) -> float | None:
    """When there is more of what is spent, by the headers of a refusal, and a little later; None: they do not say."""
    resets = [one.reset_seconds for one in stated if not one.remaining and one.reset_seconds is not None]
    return max(resets) + random.uniform(0.2, 0.8) if resets else None
