"""A pace for a host that says nothing of its limit: additive increase, halving on a refusal. Pure.

The limit shows in what was let through from one refusal to the next: so many requests in so much time. After a
refusal the pace is halved, rises back to just below that wall in seconds, goes on slowly from there, and faster the
longer nothing happens: a limit that is gone is left behind.
"""

from dataclasses import dataclass
from typing import Any

# of the wall: where the slow part of the climb begins, and its step every ten seconds
NEAR, STEP = 0.94, 0.005
# how long the quick part takes
QUICK_LEAST_SECONDS, QUICK_MOST_SECONDS = 1.0, 15.0
# a refusal far below what was let through before is no matter of the pace
FAR, FADE = 0.5, 0.7
# how much the latest look at the wall counts
LATEST = 0.8
RATE_LEAST = 1 / 600


@dataclass(slots=True)
class Climb:
    """The pace found so far: `wall` is the highest that is let through, in requests a second.

    `since` is when the last refusal was over, `start` the pace at that moment, `quick_seconds` the time back up.
    """

    wall: float
    since: float
    start: float
    best: float
    quick_seconds: float = QUICK_MOST_SECONDS
    even: float = 0.0

    @classmethod
    def begun(cls, clock: float, requests: int, seconds: float) -> "Climb":
        """The first look at the wall: `requests` were let through in `seconds`."""
        wall = max(RATE_LEAST, requests / max(seconds, 0.1))
        return cls(wall, clock, wall / 2, wall, _quick(seconds))

    def rate(self, clock: float) -> float:
        """Requests a second."""
        passed = max(0.0, clock - self.since)
        if passed < self.quick_seconds:
            return self.start + (NEAR * self.wall - self.start) * passed / self.quick_seconds
        steps = (passed - self.quick_seconds) / 10
        return self.wall * (NEAR + STEP * steps + STEP * (steps / 12) ** 3)

    def wait_seconds(self, clock: float) -> float:
        """How long the next request has to wait."""
        return max(0.0, self.even - clock)

    def grant(self, clock: float) -> None:
        """A request leaves now; what was slept too long is made good, within a second."""
        self.even = max(self.even, clock - min(1.0, 2 / self.rate(clock))) + 1 / self.rate(clock)

    def refused(self, clock: float) -> None:
        """Halve. Called once for all the answers that one refusal brings."""
        self.start, self.since = max(RATE_LEAST, self.rate(clock) / 2), clock
        self.even = max(self.even, clock)

    def recovered(self, clock: float, requests: int, seconds: float) -> None:
        """The refusals are over: `requests` were let through in the `seconds` since the ones before were."""
        seen = requests / max(seconds, 0.1)
        if seen < FAR * self.best:
            self.best *= FADE
        self.wall = max(RATE_LEAST, FAR * self.best, (1 - LATEST) * self.wall + LATEST * min(seen, 2 * self.wall))
        self.best = max(self.best, self.wall)
        self.start, self.since = min(max(self.start, self.wall / 2), NEAR * self.wall), clock
        self.quick_seconds = _quick(seconds)

    # --- kept for other processes and the next run

    def state(self, offset: float) -> dict[str, Any]:
        """What another process needs; times shifted by `offset`."""
        return {"wall": self.wall, "since": self.since + offset, "start": self.start, "best": self.best,
                "quick": self.quick_seconds, "even": self.even + offset}  # fmt: skip

    @classmethod
    def of(cls, state: dict[str, Any], offset: float, clock: float) -> "Climb":
        """The reverse. Raises KeyError, TypeError, ValueError."""
        wall, start, best, quick = (float(state[name]) for name in ("wall", "start", "best", "quick"))
        if not all(0 < number < 1e7 for number in (wall, start, best, quick)):
            raise ValueError(f"a pace of {wall}, {start}, {best}, {quick}")
        since = min(float(state["since"]) - offset, clock)
        return cls(wall, since, start, best, quick, min(float(state["even"]) - offset, clock + 60))


def _quick(seconds: float) -> float:
    return min(QUICK_MOST_SECONDS, max(QUICK_LEAST_SECONDS, seconds / 4))
