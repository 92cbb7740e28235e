"""The limits of one host: budgets that the source names, and those that answers told of. Pure: time is an argument."""

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harvester.ratelimit.headers import Budget, Stated, covers, guess_window
from harvester.ratelimit.meter import Meter

# a learned budget that so many answers in a row do not speak of any more is gone
SILENT_MOST, OTHERS_MOST = 5, 50
# for so long requests are remembered for a window that may turn out to be longer
RECENT_SECONDS = 3600
# so many parts of a host are told apart; the rest, and what is only a number, is one: ids may stand there, as EPrints
# has them (/1234/), and what is kept of a host must not grow with them
PARTS_MOST, REST = 32, "/"
# for how long is kept what headers told, and what was only found by trying
TOLD_KEPT_SECONDS, FOUND_KEPT_SECONDS = 7 * 86400.0, 86400.0


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
class Limits:
    """All budgets of a host; `budgets` are those that the source names. Times are seconds of one monotonic clock."""

    budgets: Sequence[Budget] = ()
    meters: list[Meter] = field(default_factory=list)
    learned: list[Learned] = field(default_factory=list)
    _recent: dict[str, deque[list[float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.meters = [Meter(budget) for budget in self.budgets]

    def __bool__(self) -> bool:
        return bool(self.meters or self.learned)

    # --- before a request

    def waits(self, clock: float, path: str) -> Iterable[tuple[float, str]]:
        """(seconds, reason) of the budgets that let nobody through now."""
        for meter in self.metering(path):
            if (seconds := meter.wait_seconds(clock)) > 0:
                yield seconds, budget_text(meter.budget)

    def grant(self, clock: float, path: str) -> None:
        """A request leaves now."""
        for meter in self.metering(path):
            meter.grant(clock)
        self._remember(self.part(path), clock)

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
        if named:
            return max(named, key=len)
        first = "/" + path[1:].partition("/")[0]
        known = first in self._recent or len(self._recent) < PARTS_MOST
        return first if known and not first[1:].isdigit() else REST

    def pace(self, path: str) -> float:
        """Requests a second that it will let through in the long run."""
        paces = [meter.budget.requests / meter.budget.seconds for meter in self.metering(path)]
        return min(paces, default=math.inf)

    # --- after an answer

    def heard(self, clock: float, path: str, stated: Iterable[Stated], since: int) -> None:
        """The headers of an answer told of limits; `since` its request so many others have left."""
        part, told = self.part(path), list(stated)
        for one in told:
            for meter in self._metered(one, path, part, clock):
                if not meter.confirmed and not meter.issued:
                    self._seed(meter, part, clock, 1 + since)
                meter.heard(clock, one.remaining, one.reset_seconds, meter.issued - since)
        limits = {one.limit for one in told}
        for learned in self.learned:
            if part in learned.parts:
                learned.silent = 0
                learned.others = 0 if learned.meter.budget.requests in limits else learned.others + 1
        self.learned = [
            one
            for one in self.learned
            if one.others < OTHERS_MOST or clock - one.meter.confirmed < 2 * one.meter.budget.seconds
        ]

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

    def met_the_wall(self, clock: float) -> None:
        """A 429 came: widen margins, and believe that a window is longer than it seemed."""
        for meter in [*self.meters, *(learned.meter for learned in self.learned)]:
            meter.met_the_wall()
        for learned in self.learned:
            if learned.meter.longest > learned.meter.budget.seconds:  # it was no usual window
                part = min(learned.parts)
                learned.meter = self._longer(learned.meter, math.ceil(learned.meter.longest), part, clock)

    def forget(self, clock: float) -> None:
        """Drop what was learned too long ago: limits change."""
        self.learned = [
            one
            for one in self.learned
            if clock - one.meter.confirmed < (FOUND_KEPT_SECONDS if one.by_words else TOLD_KEPT_SECONDS)
        ]

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

    # --- kept for other processes and the next run

    def state(self, offset: float) -> dict[str, Any]:
        """What another process needs; times shifted by `offset`."""
        return {
            "meters": [meter.state(offset) for meter in self.meters],
            "learned": [
                {
                    "meter": one.meter.state(offset),
                    "parts": sorted(one.parts),
                    "by_words": one.by_words,
                    "silent": one.silent,
                    "others": one.others,
                }
                for one in self.learned
            ],
        }

    def take_over(self, state: Mapping[str, Any], offset: float, clock: float) -> "Limits":
        """Limits that go on from a state; own budgets stay. Raises KeyError, TypeError, ValueError."""
        found = [Meter.of(one, offset, clock) for one in state["meters"]]
        own = {meter.budget: meter for meter in found if meter.budget in self.budgets}
        learned = [
            Learned(
                Meter.of(one["meter"], offset, clock),
                {str(part) for part in one["parts"][:PARTS_MOST]},
                bool(one["by_words"]),
                int(one["silent"]),
                int(one["others"]),
            )
            for one in state["learned"]
        ]
        limits = Limits(self.budgets)
        limits.meters = [own.get(meter.budget) or meter for meter in self.meters]
        limits.learned, limits._recent = learned, self._recent
        return limits


def budget_text(budget: Budget) -> str:
    """Format a budget: `60 a minute`."""
    units = {1.0: "a second", 60.0: "a minute", 3600.0: "an hour", 86400.0: "a day"}
    return f"{budget.requests:,} {units.get(budget.seconds, f'in {budget.seconds:g} s')}"
