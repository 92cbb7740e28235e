"""One budget, metered: what was asked in its window, and when the next request fits in. Pure: time is an argument.

Both kinds of window are kept at once. Own requests are counted over a moving window, which no fixed one exceeds; where
the provider states that less is left than that (others share the budget), it is followed.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from harvester.ratelimit.headers import Budget

# for requests that travel longer than others, and clocks that are not quite ours: of the window, and in seconds.
# Chosen so that 98 % of a budget can be used; it doubles when the wall is met all the same.
MARGIN, MARGIN_MOST_SECONDS, MARGIN_MOST = 0.005, 0.5, 0.1
# the log of a window has at most so many entries
GRAIN = 512
# slightly faster than the budget, so that all of it is spent before the window ends; the wall is the log's
HASTE = 1.1
# a reset is told in whole seconds; before two windows have passed, it may also belong to a longer one
ROUNDING_SECONDS = 1.5
BURST, BURST_MOST = 0.1, 10


@dataclass(slots=True)
class Meter:
    """The requests of one budget. Times are seconds of one clock that does not go back.

    `log` has [time, requests], oldest first, `issued` counts all requests ever. `left` requests are all that the
    provider grants until `until`, because others ask it, too; None when it does not say so. It was first heard of when
    it had `begun`, and `confirmed` is when it last was; `longest` is the
    longest time until a reset that was told.
    """

    budget: Budget
    log: deque[list[float]] = field(default_factory=deque)
    issued: int = 0
    left: int | None = None
    until: float = 0.0
    margin: float = MARGIN
    begun: float = 0.0
    confirmed: float = 0.0
    longest: float = 0.0
    _used: int = 0
    _heard: int = -(1 << 60)
    _even: float = 0.0

    def wait_seconds(self, clock: float) -> float:
        """How long the next request has to wait, 0 when it may go now."""
        self._forget(clock)
        return max(0.0, self._full_until(clock) - clock, self._spent_until(clock) - clock, self._early(clock))

    def grant(self, clock: float) -> None:
        """A request leaves now."""
        seconds, requests = self.budget.seconds, self.budget.requests
        step = seconds / requests / HASTE
        if self._followed(clock) and self.left:
            step = max(step, (self.until - clock) / self.left / HASTE)
        self._even = max(self._even, clock) + step
        if self.left is not None:
            self.left -= 1
        self.issued += 1
        self.add(clock, 1)

    def add(self, clock: float, requests: int) -> None:
        """Count requests that were made at `clock`."""
        self._used += requests
        if self.log and clock <= self.log[-1][0]:
            self.log[-1][1] += requests
        else:
            self.log.append([clock + self.budget.seconds / GRAIN, requests])

    def heard(self, clock: float, remaining: int | None, reset_seconds: float | None, serial: int) -> None:
        """The provider states what is left, in the answer to the request that was `issued` as number `serial`.

        Requests that left after it are not in its count; an answer that was overtaken says nothing new.
        """
        self.begun = self.begun or clock
        self.confirmed = clock
        if remaining is None or serial < self._heard:
            return
        self._heard = serial
        self.longest = max(self.longest, reset_seconds or 0.0)
        self._forget(clock)
        self.until = clock + (self.budget.seconds if reset_seconds is None else reset_seconds)
        # what own requests explain, those on their way included, is no news: the own count knows better when they end
        rounding = ROUNDING_SECONDS if clock - self.begun > 2 * self.budget.seconds else 0.0
        news = remaining < self.free or (remaining == 0 and self.until > self._full_until(clock) + rounding)
        self.left = remaining - max(0, self.issued - serial) if news else None

    def met_the_wall(self) -> None:
        """A 429 came: if the own count was near the limit, keep a larger distance."""
        if self._used > 0.9 * self.budget.requests:
            self.margin = min(MARGIN_MOST, 2 * self.margin)

    @property
    def free(self) -> int:
        """Requests that the own count leaves."""
        return self.budget.requests - self._used

    # --- the three reasons to wait

    def _full_until(self, clock: float) -> float:
        """The own count is at the limit until its oldest requests leave the window."""
        over, end = self._used - self.budget.requests, clock
        for moment, requests in self.log:
            if over < 0:
                break
            over -= int(requests)
            end = moment + self._window
        return end

    def _spent_until(self, clock: float) -> float:
        """Nothing is left by the provider's count until its window ends."""
        spent = self._followed(clock) and self.left is not None and self.left <= 0
        return self.until + self._slack if spent else clock

    def _early(self, clock: float) -> float:
        """What remains is spread over the time that is left, with small bursts."""
        burst = max(1, min(BURST_MOST, int(BURST * self.budget.requests)))
        step = self.budget.seconds / self.budget.requests / HASTE
        return self._even - clock - step * (burst - 1) - 1e-9

    def _followed(self, clock: float) -> bool:
        """Whether the provider's count is the stricter one."""
        return self.left is not None and clock < self.until + self._slack and self.left <= self.free

    @property
    def _slack(self) -> float:
        return min(MARGIN_MOST_SECONDS, self.margin * self.budget.seconds)

    @property
    def _window(self) -> float:
        slack = self.margin * self.budget.seconds
        return self.budget.seconds + (min(MARGIN_MOST_SECONDS, slack) if self.margin == MARGIN else slack)

    def _forget(self, clock: float) -> None:
        while self.log and self.log[0][0] + self._window <= clock:
            self._used -= int(self.log.popleft()[1])
        if self.left is not None and clock >= self.until + self._slack:
            self.left = None

    # --- kept for other processes and the next run

    def state(self, offset: float) -> dict[str, Any]:
        """What another process needs; times shifted by `offset`."""
        moments = {"until": self.until, "begun": self.begun, "confirmed": self.confirmed, "even": self._even}
        return {
            "requests": self.budget.requests,
            "seconds": self.budget.seconds,
            "path": self.budget.path,
            "log": [[round(moment + offset, 3), requests] for moment, requests in self.log],
            "issued": self.issued,
            "left": self.left,
            "margin": self.margin,
            "longest": self.longest,
            "heard": self._heard,
            **{name: round(moment + offset, 3) for name, moment in moments.items()},
        }

    @classmethod
    def of(cls, state: dict[str, Any], offset: float, clock: float) -> "Meter":
        """The reverse; moments that lie too far ahead (a clock was set back) are drawn near.

        Raises KeyError, TypeError, ValueError for what is no such state.
        """
        budget = Budget(int(state["requests"]), float(state["seconds"]), str(state["path"]))
        if budget.requests < 1 or not 0 < budget.seconds < 1e8:
            raise ValueError(f"a budget of {budget.requests} requests in {budget.seconds} s")
        log = deque(
            [min(float(moment) - offset, clock + budget.seconds / GRAIN), int(requests)]
            for moment, requests in state["log"]
        )
        meter = cls(
            budget,
            log,
            issued=int(state["issued"]),
            left=None if state["left"] is None else int(state["left"]),
            until=min(float(state["until"]) - offset, clock + budget.seconds + 5),
            margin=min(MARGIN_MOST, max(MARGIN, float(state["margin"]))),
            begun=float(state["begun"]) - offset,
            confirmed=min(float(state["confirmed"]) - offset, clock),
            longest=float(state["longest"]),
            _used=sum(int(requests) for _, requests in log),
            _heard=int(state["heard"]),
            _even=min(float(state["even"]) - offset, clock + budget.seconds),
        )
        meter._forget(clock)
        return meter
