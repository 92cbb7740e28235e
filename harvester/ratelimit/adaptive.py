"""A pace for a host that says nothing of its limit: additive increase, halving on a refusal. Pure.

The limit shows in what was let through from one refusal to the next: so many requests in so much time. After a
refusal the pace is halved, rises back to just below that wall in seconds, goes on slowly from there, and faster the
longer nothing happens: a limit that is gone is left behind.
"""

from dataclasses import dataclass
from typing import Any

# of the wall: where the slow part of the climb begins, and its step
NEAR, STEP = 0.94, 0.005
# how long a step and the quick part take: as long as so many requests, but in seconds (least, most)
STEP_REQUESTS, STEP_SECONDS = 20, (1.0, 10.0)
QUICK_REQUESTS, QUICK_SECONDS = 30, (1.0, 15.0)
# as long as two looks at the wall have not agreed, the pace doubles in this time instead
DOUBLE_SECONDS, AGREED = 40.0, 0.15
# a refusal far below what was let through before is no matter of the pace
FAR, FADE = 0.5, 0.7
# how much the latest look at the wall counts, when it was of enough requests
LATEST, ENOUGH = 0.8, 30
RATE_LEAST = 1 / 600


@dataclass(slots=True)
class Climb:
    """The pace found so far: `wall` is the highest that is let through, in requests a second.

    `since` is when the last refusal was over, `start` the pace at that moment, `best` the highest wall of late, and
    `peak` the pace when it came; `sure` when the last two looks at the wall agreed.
    """

    wall: float
    since: float
    start: float
    best: float
    even: float = 0.0
    sure: bool = False
    peak: float = 0.0

    @classmethod
    def begun(cls, clock: float, requests: int, seconds: float) -> "Climb":
        """The first look at the wall: `requests` were let through in `seconds`."""
        wall = max(RATE_LEAST, requests / max(seconds, 0.1))
        return cls(wall, clock, wall / 2, wall)

    def rate(self, clock: float) -> float:
        """Requests a second."""
        passed = max(0.0, clock - self.since)
        quick = _within(QUICK_REQUESTS / self.wall, QUICK_SECONDS)
        if passed < quick:
            return self.start + (NEAR * self.wall - self.start) * passed / quick
        passed -= quick
        if not self.sure:
            return float(NEAR * self.wall * 2 ** min(passed / DOUBLE_SECONDS, 20))
        steps = passed / _within(STEP_REQUESTS / self.wall, STEP_SECONDS)
        return self.wall * (NEAR + STEP * steps + STEP * (steps / 12) ** 3)

    def wait_seconds(self, clock: float) -> float:
        """How long the next request has to wait."""
        return max(0.0, self.even - clock)

    def grant(self, clock: float) -> None:
        """A request leaves now; what was slept too long is made good, within a second."""
        self.even = max(self.even, clock - min(1.0, 2 / self.rate(clock))) + 1 / self.rate(clock)

    def refused(self, clock: float) -> None:
        """Halve. Called once for all the answers that one refusal brings."""
        self.peak = self.rate(clock)
        self.start, self.since = max(RATE_LEAST, self.peak / 2), clock
        self.even = max(self.even, clock)

    def recovered(self, clock: float, requests: int, seconds: float) -> None:
        """The refusals are over: `requests` were let through in the `seconds` since the ones before were."""
        seen = requests / max(seconds, 0.1)
        # the pace rose all the time, so the mean is too low
        seen = max(seen, (seen + self.peak) / 2 if self.sure else self.peak / 2)
        if seen < FAR * self.best:
            self.best *= FADE
        weight = LATEST * min(1.0, requests / ENOUGH)
        self.sure = abs(seen - self.wall) < AGREED * self.wall
        self.wall = max(RATE_LEAST, FAR * self.best, self.wall + weight * (min(seen, 2 * self.wall) - self.wall))
        self.best = max(self.best, self.wall)
        self.start, self.since = min(max(self.start, self.wall / 2), NEAR * self.wall), clock

    # --- kept for other processes and the next run

    def state(self, offset: float) -> dict[str, Any]:
        """What another process needs; times shifted by `offset`."""
        return {
            "wall": self.wall,
            "since": self.since + offset,
            "start": self.start,
            "best": self.best,
            "even": self.even + offset,
            "sure": self.sure,
            "peak": self.peak,
        }

    @classmethod
    def of(cls, state: dict[str, Any], offset: float, clock: float) -> "Climb":
        """The reverse. Raises KeyError, TypeError, ValueError."""
        wall, start, best = (float(state[name]) for name in ("wall", "start", "best"))
        if not all(0 < number < 1e7 for number in (wall, start, best)):
            raise ValueError(f"a pace of {wall}, {start}, {best}")
        since = min(float(state["since"]) - offset, clock)
        even = min(float(state["even"]) - offset, clock + 60)
        return cls(wall, since, start, best, even, bool(state["sure"]), float(state["peak"]))


def _within(value: float, bounds: tuple[float, float]) -> float:
    return min(bounds[1], max(bounds[0], value))
