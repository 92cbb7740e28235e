"""When one host may be asked next. Pure: answers and the clock in, seconds to wait out.

One gate a host. It knows the budgets that the source's file names and those that headers tell, finds a pace where
nothing is told, and obeys orders. What the provider orders is a wait and uses up no try; what merely failed is tried
again after a time that doubles, with jitter. `harvester.gates` does the waiting.
"""

import math
import random
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from harvester.bans import Bans
from harvester.budgets import Budget, Stated, covers, guess_window
from harvester.climb import Climb
from harvester.meters import Meter

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
# a learned budget that so many answers in a row do not speak of any more is gone
SILENT_MOST, OTHERS_MOST = 5, 50
# for so long requests are remembered for a window that may turn out to be longer
RECENT_SECONDS = 3600
# for how long is kept what headers told, and what was only found by trying
TOLD_KEPT_SECONDS, FOUND_KEPT_SECONDS = 7 * 86400.0, 86400.0


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
class Learned:
    """A budget that answers told. It holds for the parts of the host (`/api`) where it was seen, and for those where
    none was; `by_words` it was read from the text of a 429. `silent` answers in a row had no such headers, `others`
    named other limits only.
    """

    meter: Meter
    parts: set[str]
    by_words: bool = False
    silent: int = 0
    others: int = 0


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
    meters: list[Meter] = field(default_factory=list)
    learned: list[Learned] = field(default_factory=list)
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
    _recent: dict[str, deque[list[float]]] = field(default_factory=dict)
    _random: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self.meters = [Meter(budget) for budget in self.budgets]

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
        for meter in self.metering(path):
            if (seconds := meter.wait_seconds(clock)) > 0:
                waits.append((seconds, words(meter.budget)))
        if self.climb is not None:
            waits.append((self.climb.wait_seconds(clock), "a pace found by trying"))
        seconds, reason = max(waits)
        return (seconds, reason) if seconds > 0 else (0.0, "")

    def asked(self, clock: float, path: str = "") -> int:
        """A request leaves now; the next one keeps its distance. Returns its number."""
        self._apart = clock
        if self._refusals or self.shy:
            self._trial = clock
        for meter in self.metering(path):
            meter.grant(clock)
        self._remember(self.part(path), clock)
        if self.climb is not None:
            self.climb.grant(clock)
        self.serial += 1
        return self.serial

    def metering(self, path: str) -> Iterable[Meter]:
        """The budgets that hold for a path."""
        yield from (meter for meter in self.meters if covers(meter.budget.path, path))
        if self.learned:
            part = self.part(path)
            seen = any(part in learned.parts for learned in self.learned)
            yield from (learned.meter for learned in self.learned if part in learned.parts or not seen)

    def part(self, path: str) -> str:
        """The part of the host that a path belongs to: as the source's budgets name it, or its first segment."""
        named = [budget.path for budget in self.budgets if budget.path and covers(budget.path, path)]
        return max(named, key=len, default="/" + path[1:].partition("/")[0])

    def pace(self, path: str) -> float:
        """Requests a second that it will let through in the long run."""
        paces = [meter.budget.requests / meter.budget.seconds for meter in self.metering(path)]
        return min(paces, default=math.inf) if self.climb is None else min([*paces, self.climb.wall])

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

    def heard(self, clock: float, path: str, stated: Iterable[Stated], serial: int) -> None:
        """The headers of an answer told of limits; `serial` is the number of its request."""
        part, told = self.part(path), list(stated)
        for one in told:
            for meter in self._metered(one, path, part, clock):
                if not meter.confirmed and not meter.issued:
                    self._seed(meter, part, clock, 1 + max(0, self.serial - serial))
                # each meter counts from its own beginning
                meter.heard(clock, one.remaining, one.reset_seconds, meter.issued - (self.serial - serial))
        limits = {one.limit for one in told}
        for learned in self.learned:
            if part in learned.parts:
                learned.silent = 0
                learned.others = 0 if learned.meter.budget.requests in limits else learned.others + 1
        self.learned = [
            one for one in self.learned
            if one.others < OTHERS_MOST or clock - one.meter.confirmed < 2 * one.meter.budget.seconds
        ]  # fmt: skip
        if told:
            self.climb = None

    def heard_nothing(self, path: str) -> None:
        """A usable answer told of no limit: one that headers had told of is gone when that goes on."""
        part = self.part(path)
        for learned in self.learned:
            if part in learned.parts and not learned.by_words:
                learned.silent += 1
        self.learned = [learned for learned in self.learned if learned.silent < SILENT_MOST]

    def heard_words(self, clock: float, path: str, budget: Budget) -> None:
        """A 429 named its limit in words."""
        stated = Stated(budget.requests, budget.seconds)
        before = len(self.learned)
        for meter in self._metered(stated, path, self.part(path), clock):
            meter.heard(clock, None, None, 0)
        for learned in self.learned[before:]:
            learned.by_words = True

    def settle(self) -> None:
        """Find out whether anything is known; to be called after each of the above."""
        self.knows = bool(self.meters or self.learned or self.climb is not None or self.delay_seconds or self._refusals)
        self.calm = not (self.knows or self.shy)

    # --- learning

    def _metered(self, one: Stated, path: str, part: str, clock: float) -> Iterable[Meter]:
        """The meters that a statement is about; a new one for a limit that is not known here."""
        known = [meter for meter in self.metering(path) if one.limit in (None, meter.budget.requests)]
        if one.seconds is not None:
            known = [meter for meter in known if meter.budget.seconds == one.seconds]
        if one.limit is None:
            return known if len(known) == 1 else []
        seconds = one.seconds or guess_window(60.0 if one.reset_seconds is None else one.reset_seconds)
        for learned in self.learned:
            place = next((place for place, meter in enumerate(known) if meter is learned.meter), None)
            if place is None:
                continue
            if one.seconds is None and learned.meter.budget.seconds < seconds:
                known[place] = learned.meter = self._longer(learned.meter, seconds, part, clock)
            learned.parts.add(part)
        if not known:
            self.learned.append(Learned(Meter(Budget(one.limit, seconds)), {part}))
            known = [self.learned[-1].meter]
        return known

    def _remember(self, part: str, clock: float) -> None:
        """Count a request of a part, for a window that is not known yet."""
        recent = self._recent.setdefault(part, deque(maxlen=RECENT_SECONDS))
        if recent and clock - recent[-1][0] < 1.0:
            recent[-1][1] += 1
        else:
            recent.append([clock, 1])

    def _seed(self, meter: Meter, part: str, clock: float, least: int) -> None:
        """Count what was asked before a limit was known: at least the request that told of it, and those after it."""
        found = [one for one in self._recent.get(part, ()) if one[0] > clock - meter.budget.seconds]
        for moment, requests in found:
            meter.add(moment, int(requests))
        if (missing := least - sum(int(requests) for _, requests in found)) > 0:
            meter.add(clock, missing)

    def _longer(self, meter: Meter, seconds: float, part: str, clock: float) -> Meter:
        """The same limit over a longer window, which came to light."""
        longer = Meter(Budget(meter.budget.requests, seconds), issued=meter.issued, begun=clock, confirmed=clock)
        self._seed(longer, part, clock, sum(int(requests) for _, requests in meter.log))
        return longer

    def _met_the_wall(self, clock: float) -> None:
        """A new refusal: widen margins, halve a pace."""
        for meter in [*self.meters, *(learned.meter for learned in self.learned)]:
            meter.met_the_wall()
        if self.climb is not None and self._refusals == 1:
            self.climb.refused(clock)

    def _recovered(self, clock: float) -> None:
        """The first answer after refusals: what was let through until now, and in what time, is the wall."""
        if self._cycle_since is not None:
            seconds = (clock + max(self._last_refusal, self._cycle_since)) / 2 - self._cycle_since
            if self.climb is not None:
                self.climb.recovered(clock, self._passed, seconds)
            elif not self.learned and self._is_hidden_limit():
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
        self.learned = [
            one for one in self.learned
            if clock - one.meter.confirmed < (FOUND_KEPT_SECONDS if one.by_words else TOLD_KEPT_SECONDS)
        ]  # fmt: skip
        if self.climb is not None and clock - self.climb.since > FOUND_KEPT_SECONDS:
            self.climb = None

    # --- kept for other processes and the next run

    def state(self, offset: float) -> dict[str, Any]:
        """What another process needs; times shifted by `offset`."""
        moments = {
            "not_before": self.not_before, "apart": self._apart, "trial": self._trial,
            "last_refusal": self._last_refusal, "refused_since": self._refused_since, "cycle_since": self._cycle_since,
        }  # fmt: skip
        return {
            **{name: None if at is None or at == -math.inf else round(at + offset, 3) for name, at in moments.items()},
            "reason": self.reason, "serial": self.serial, "refusals": self._refusals, "unordered": self._unordered,
            "passed": self._passed, "passed_before": self._passed_before,
            "climb": None if self.climb is None else self.climb.state(offset),
            "meters": [meter.state(offset) for meter in self.meters],
            "learned": [
                {"meter": one.meter.state(offset), "parts": sorted(one.parts), "by_words": one.by_words,
                 "silent": one.silent, "others": one.others}
                for one in self.learned
            ],
        }  # fmt: skip

    def take_over(self, state: Mapping[str, Any], offset: float, clock: float) -> None:
        """Go on from a state; own budgets stay. Raises KeyError, TypeError, ValueError, and then changes nothing."""
        climb = None if state["climb"] is None else Climb.of(state["climb"], offset, clock)
        meters = [Meter.of(one, offset, clock) for one in state["meters"]]
        learned = [
            Learned(Meter.of(one["meter"], offset, clock), {str(part) for part in one["parts"]},
                    bool(one["by_words"]), int(one["silent"]), int(one["others"]))
            for one in state["learned"]
        ]  # fmt: skip
        not_before = min(float(state["not_before"]) - offset, clock + LONGEST_WAIT_SECONDS)
        reason, serial = str(state["reason"]), int(state["serial"])
        names = ("refusals", "unordered", "passed", "passed_before")
        refusals, unordered, passed, before = (int(state[name]) for name in names)
        apart, trial, last, since, cycle = (
            None if state[name] is None else min(float(state[name]) - offset, clock)
            for name in ("apart", "trial", "last_refusal", "refused_since", "cycle_since")
        )
        own = {meter.budget: meter for meter in meters if meter.budget in self.budgets}
        self.meters = [own.get(budget) or meter for budget, meter in zip(self.budgets, self.meters, strict=True)]
        self.climb, self.learned, self.not_before, self.reason = climb, learned, not_before, reason
        self.serial, self._refusals, self._unordered = serial, refusals, unordered
        self._passed, self._passed_before = passed, before
        self._apart = -math.inf if apart is None else apart
        self._last_refusal = -math.inf if last is None else last
        self._trial, self._refused_since, self._cycle_since = trial, since, cycle


def words(budget: Budget) -> str:
    """A budget as people say it: `60 a minute`."""
    units = {1.0: "a second", 60.0: "a minute", 3600.0: "an hour", 86400.0: "a day"}
    return f"{budget.requests:,} {units.get(budget.seconds, f'in {budget.seconds:g} s')}"
