"""What a client of our provider may still ask: a bucket of tokens each, refilled evenly. Pure: time is an argument."""

import math
import re
from collections import OrderedDict
from dataclasses import dataclass

from harvester.errors import UsageError

# clients that are remembered; one that was forgotten begins with a full bucket
CLIENTS = 10_000
_RATE = re.compile(r"(\d+)/(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds."""

    requests: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read "60/60". Raises UsageError."""
        match = _RATE.fullmatch(text)
        if match is None or not int(match[1]) or not int(match[2]):
            raise UsageError(f"{text!r} is no rate; write REQUESTS/SECONDS, such as 60/60")
        return cls(int(match[1]), int(match[2]))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is granted. `wait_seconds` until the next one is, `whole_seconds` until all of them are."""

    granted: bool
    remaining: int
    wait_seconds: int
    whole_seconds: int


class Allowance:
    """The buckets of all clients."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        # client: (tokens, when they were counted), the one that asked last at the end
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def ask(self, client: str, now: float) -> Verdict:
        """Take a token for a request at `now` (seconds of any clock that does not go back)."""
        most, pace = self.rate.requests, self.rate.requests / self.rate.seconds
        tokens, counted = self._buckets.pop(client, (float(most), now))
        tokens = min(most, tokens + (now - counted) * pace)
        # rounding must not cost a client a second after it waited as long as it was told
        granted = tokens >= 1 - 1e-6
        tokens = max(0.0, tokens - 1) if granted else tokens
        self._buckets[client] = tokens, now
        if len(self._buckets) > CLIENTS:
            self._buckets.popitem(last=False)
        wait = 0 if tokens >= 1 else math.ceil((1 - tokens) / pace)
        return Verdict(granted, int(tokens), wait, math.ceil((most - tokens) / pace))
