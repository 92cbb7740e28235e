"""When one host may be asked next. Pure: answers and the clock in, seconds to wait out.

One gate a host. What the provider orders is a wait and uses up no try; what merely failed is tried again
after a time that doubles, with jitter. `harvester.middlewares` does the waiting.
"""

import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# no order is obeyed for longer than this: the run ends as unfinished and says when to come back
LONGEST_WAIT_SECONDS = 3600.0
# this long without one usable answer, and the host is given up for this run
PATIENCE_SECONDS = 6 * 3600.0
BACKOFF_FIRST_SECONDS, BACKOFF_MOST_SECONDS = 1.0, 120.0


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

    `not_before` is the earliest moment of the next request; `reason` says why, for the progress line.
    """

    host: str
    delay_seconds: float = 0.0
    not_before: float = 0.0
    reason: str = ""
    waited_seconds: float = 0.0
    _refusals: int = 0
    _refused_since: float | None = None
    _random: random.Random = field(default_factory=random.Random)

    def wait_seconds(self, clock: float) -> float:
        """How long the next request has to wait."""
        return max(0.0, self.not_before - clock)

    def asked(self, clock: float) -> None:
        """A request leaves now; the next one keeps its distance."""
        self.not_before = max(self.not_before, clock + self.delay_seconds)

    def answered(self, clock: float) -> None:
        """A usable answer came."""
        self._refusals, self._refused_since, self.reason = 0, None, ""

    def refused(self, clock: float, status: int, retry_after: float | None) -> float | None:
        """The provider said "not now" (429, or 503 with Retry-After). Returns the wait in seconds.

        None means that waiting is over: longer than anyone should wait here, or in vain for too long.
        """
        self._refusals += 1
        if self._refused_since is None:
            self._refused_since = clock
        ordered = retry_after is not None
        wait = retry_after if retry_after is not None else backoff_seconds(self._refusals, self._random.random())
        # an order of 0 seconds is no wait: two of them in a row are a circle
        if self._refusals > 1:
            wait = max(wait, min(1.0, 0.1 * self._refusals))
        if wait > LONGEST_WAIT_SECONDS or clock - self._refused_since + wait > PATIENCE_SECONDS:
            return None
        self.not_before = max(self.not_before, clock + wait)
        self.reason = f"{status}, {'as ordered' if ordered else 'backing off'}"
        return wait
