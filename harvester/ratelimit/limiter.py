"""When one host may be asked next. Pure: answers and the clock in, seconds to wait out.

One gate a host. It keeps the host's limits, finds a pace where none is told, and obeys orders. What the provider orders
is a wait and uses up no try; what merely failed is tried again after a time that doubles, with jitter.
`harvester.ratelimit.limiters` does the waiting.
"""

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from harvester.ratelimit.adaptive import Climb
from harvester.ratelimit.bans import Bans
from harvester.ratelimit.headers import Budget, Stated
from harvester.ratelimit.limits import FOUND_KEPT_SECONDS, Limits

# no order is obeyed for longer than this: the run ends as unfinished and says when to come back
LONGEST_WAIT_SECONDS = 3600.0
# this long without one usable answer, and the host is given up for this run
PATIENCE_SECONDS = 6 * 3600.0
BACKOFF_FIRST_SECONDS, BACKOFF_MOST_SECONDS = 1.0, 120.0
# after a refusal one request goes ahead; when no answer to it is heard of, the next one follows
TRIAL_SECONDS = 20.0
# a hidden limit: so many refusals in a row without an order, or at once, or so many requests twice until one, within
# this share
HIDDEN_REFUSALS, HIDDEN_LEAST, HIDDEN_SHARE = 3, 30, 0.05


def parse_retry_after(value: str, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110, section 10.2.3), as seconds or as a date.

    None when the value is neither, or lies in the past: it orders nothing.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text) if len(text) < 12 else math.inf
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return seconds if seconds > 0 else None


def backoff_seconds(failures: int, chance: float) -> float:
    """How long to wait after so many failures in a row (1 or more); `chance` in [0, 1) spreads the clients."""
    most = min(BACKOFF_MOST_SECONDS, BACKOFF_FIRST_SECONDS * 2 ** min(failures - 1, 30))
    return float(most * (0.5 + chance / 2))


@dataclass(slots=True)
class Gate:
    """What is known of one host. Times are seconds of one monotonic clock.

    `not_before` is the earliest moment of the next request; `reason` says why, for the progress line. With `shy` the
    first request goes alone: its answer may tell of a budget.
    """

    host: str
    delay_seconds: float = 0.0
    budgets: tuple[Budget, ...] = ()
    shy: bool = False
    not_before: float = 0.0
    reason: str = ""
    bans: Bans = field(default_factory=Bans)
    climb: Climb | None = None
    limits: Limits = field(default_factory=Limits)
    serial: int = 0
    # whether anything is known that may hold somebody up, and whether nobody is held up; kept by `settle`
    knows: bool = False
    calm: bool = False
    _refusals: int = 0
    _unordered: int = 0
    _at_once: int = 0
    _barred: bool = False
    _refused_since: float | None = None
    _last_refusal: float = -math.inf
    _trial: float | None = None
    _apart: float = -math.inf
    # since the last refusal was over: when that was, what was let through, and how much it was the time before
    _cycle_since: float | None = None
    _passed: int = 0
    _passed_before: int = 0
    _random: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self.limits = Limits(self.budgets)

    # --- before a request

    def wait_seconds(self, clock: float, path: str = "") -> float:
        """How long the next request for a path has to wait."""
        return self.wait(clock, path)[0]

    def wait(self, clock: float, path: str = "") -> tuple[float, str]:
        """(seconds, reason); (0, "") when it may leave now."""
        waits = [(self.not_before - clock, self.reason)]
        if self.delay_seconds:
            waits.append((self._apart + self.delay_seconds - clock, f"{self.delay_seconds:g} s between requests"))
        if self._trial is not None:
            waits.append((min(0.25, self._trial + TRIAL_SECONDS - clock), self.reason or "one request goes ahead"))
        waits += self.limits.waits(clock, path)
        if self.climb is not None:
            waits.append((self.climb.wait_seconds(clock), "a pace found by trying"))
        seconds, reason = max(waits)
        return (seconds, reason) if seconds > 0 else (0.0, "")

    def asked(self, clock: float, path: str = "") -> int:
        """A request leaves now; the next one keeps its distance. Returns its number."""
        self._apart = clock
        if self._refusals or self.shy:
            self._trial = clock
        self.limits.grant(clock, path)
        if self.climb is not None:
            self.climb.grant(clock)
        self.serial += 1
        return self.serial

    def pace(self, path: str) -> float:
        """Requests a second that it will let through in the long run."""
        return min(self.limits.pace(path), math.inf if self.climb is None else self.climb.wall)

    # --- after an answer

    def answered(self, clock: float, sent: float | None = None) -> None:
        """A usable answer came, to a request that left at `sent`."""
        self.shy = False
        self._passed += 1
        if self._cycle_since is None:
            self._cycle_since = clock if sent is None else sent
        if self._refusals and (sent is None or sent > self._last_refusal):
            self._recovered(clock)
        elif not self._refusals:
            self._trial, self._refused_since, self.reason = None, None, ""

    def refused(self, clock: float, status: int, retry_after: float | None, sent: float | None = None) -> float | None:
        """The provider said "not now" (429, or 503 with Retry-After). Returns the wait in seconds.

        None means that waiting is over: longer than anyone should wait here, or in vain for too long. An answer to a
        request that left before the last refusal came is the same refusal; it may still order a longer wait.
        """
        if sent is None or sent > self._last_refusal:
            self._refusals += 1
            self._last_refusal = clock
            self._unordered += retry_after is None
            if status == 429:
                self._met_the_wall(clock)
        else:
            self._at_once += 1
        ordered = retry_after is not None
        if (wait := retry_after) is None:
            # to be refused many times at once costs patience there: fewer trials follow
            wait = backoff_seconds(self._refusals + self._at_once.bit_length(), self._random.random())
        # an order of 0 seconds is no wait: two of them in a row are a circle
        if self._refusals > 1:
            wait = max(wait, min(1.0, 0.1 * self._refusals))
        self.bans.told(clock)
        return self.hold(clock, wait, f"{status}, {'as ordered' if ordered else 'backing off'}")

    def banned(self, clock: float, status: int, retry_after: float | None) -> float | None:
        """A ban: stay away, longer each time. Returns the wait in seconds, None when waiting is over."""
        self._refusals = max(1, self._refusals)
        self._last_refusal = clock
        self._barred = self._barred or self.bans.strong
        wait = max(retry_after or 0.0, min(LONGEST_WAIT_SECONDS, self.bans.wait_seconds(self._random.random())))
        if self.bans.hopeless:
            return None
        return self.hold(clock, wait, f"banned ({status})" if self.bans.strong else f"perhaps banned ({status})")

    def hold(self, clock: float, wait: float, reason: str) -> float | None:
        """Let nobody ask for a while. None when nobody should wait that long."""
        if self._refused_since is None:
            self._refused_since = clock
        self._trial, self.shy = None, False
        if wait > LONGEST_WAIT_SECONDS or clock - self._refused_since + wait > PATIENCE_SECONDS:
            return None
        if clock + wait > self.not_before:
            self.not_before, self.reason = clock + wait, reason
        return wait

    def lost(self) -> None:
        """No answer came: another request may go ahead."""
        self._trial = None

    def heard(self, clock: float, path: str, stated: Sequence[Stated], serial: int) -> None:
        """The headers of an answer told of limits; `serial` is the number of its request."""
        self.limits.heard(clock, path, stated, max(0, self.serial - serial))
        if stated:
            self.climb = None

    def settle(self) -> None:
        """Find out whether anything is known; to be called after each of the above."""
        self.knows = bool(self.limits or self.climb is not None or self.delay_seconds or self._refusals)
        self.calm = not (self.knows or self.shy)

    # --- learning

    def _met_the_wall(self, clock: float) -> None:
        """A new refusal: widen margins, halve a pace."""
        self.limits.met_the_wall(clock)
        if self.climb is not None and self._refusals == 1:
            self.climb.refused(clock)

    def _recovered(self, clock: float) -> None:
        """The first answer after refusals: what was let through until now, and in what time, is the wall."""
        if self._cycle_since is not None:
            seconds = (clock + max(self._last_refusal, self._cycle_since)) / 2 - self._cycle_since
            if self.climb is not None:
                self.climb.recovered(clock, self._passed, seconds)
            elif not self.limits.learned and self._is_hidden_limit():
                self.climb = Climb.begun(clock, self._passed, seconds)
        self._passed_before, self._passed, self._cycle_since = self._passed, 0, clock
        self._refusals, self._unordered, self._at_once, self._barred = 0, 0, 0, False
        self._refused_since, self.reason, self._trial = None, "", None

    def _is_hidden_limit(self) -> bool:
        """Whether refusals come of a limit that is not told, and not by chance."""
        agree = abs(self._passed - self._passed_before) <= HIDDEN_SHARE * self._passed
        many = max(self._unordered, self._at_once) >= HIDDEN_REFUSALS
        return many or self._barred or (agree and self._passed >= HIDDEN_LEAST)

    def forget(self, clock: float) -> None:
        """Drop what was learned too long ago: limits change."""
        self.limits.forget(clock)
        if self.climb is not None and clock - self.climb.since > FOUND_KEPT_SECONDS:
            self.climb = None

    # --- kept for other processes and the next run

    def state(self, offset: float) -> dict[str, Any]:
        """What another process needs; times shifted by `offset`."""
        moments = {
            "not_before": self.not_before,
            "apart": self._apart,
            "trial": self._trial,
            "last_refusal": self._last_refusal,
            "refused_since": self._refused_since,
            "cycle_since": self._cycle_since,
        }
        return {
            **{name: None if at is None or at == -math.inf else round(at + offset, 3) for name, at in moments.items()},
            "reason": self.reason,
            "serial": self.serial,
            "refusals": self._refusals,
            "unordered": self._unordered,
            "passed": self._passed,
            "passed_before": self._passed_before,
            "climb": None if self.climb is None else self.climb.state(offset),
            **self.limits.state(offset),
        }

    def take_over(self, state: Mapping[str, Any], offset: float, clock: float) -> None:
        """Go on from a state; own budgets stay. Raises KeyError, TypeError, ValueError, and then changes nothing."""
        climb = None if state["climb"] is None else Climb.of(state["climb"], offset, clock)
        limits = self.limits.take_over(state, offset, clock)
        not_before = min(float(state["not_before"]) - offset, clock + LONGEST_WAIT_SECONDS)
        reason, serial = str(state["reason"]), int(state["serial"])
        names = ("refusals", "unordered", "passed", "passed_before")
        refusals, unordered, passed, before = (int(state[name]) for name in names)
        apart, trial, last, since, cycle = (
            None if state[name] is None else min(float(state[name]) - offset, clock)
            for name in ("apart", "trial", "last_refusal", "refused_since", "cycle_since")
        )
        self.climb, self.limits, self.not_before, self.reason = climb, limits, not_before, reason
        self.serial, self._refusals, self._unordered = serial, refusals, unordered
        self._passed, self._passed_before = passed, before
        self._apart = -math.inf if apart is None else apart
        self._last_refusal = -math.inf if last is None else last
        self._trial, self._refused_since, self._cycle_since = trial, since, cycle
