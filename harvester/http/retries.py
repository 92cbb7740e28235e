"""Retry policy of every client: which requests are sent again, and after what wait.

Retry-After counts only with statuses that define it (RFC 9110, section 10.2.3, and RFC 6585): Zenodo sends it with 200
as well. Behind a rate limiter (`harvester.ratelimit.limiters`) the limiter obeys Retry-After; here only failures count.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from harvester.ratelimit import limiter

# answers that may be another one the next time (RFC 9110, section 15; RFC 8470; RFC 4918)
TRANSIENT = frozenset({408, 421, 425, 429, 500, 502, 503, 504, 507, 508})
# answers that say "nobody is behind me", rather than "this is my answer"
GATEWAY = frozenset({502, 503, 504})
# what these answers say does not change
GONE = frozenset({404, 410})
FINAL = GONE | {400, 401, 403, 405, 406, 414, 415, 451}
_ORDERS = frozenset({429, 503})


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """At most `tries` requests, and waits as ordered up to `longest_wait_seconds`."""

    tries: int = 3
    longest_wait_seconds: float = 60.0

    def exhausted(self, failures: int) -> bool:
        """Tell whether a request that failed so often is given up."""
        return failures >= self.tries

    def is_too_long(self, ordered: float | None) -> bool:
        """Tell whether a wait that was ordered is not sat out."""
        return ordered is not None and ordered > self.longest_wait_seconds


def ordered_seconds(status: int, headers: Mapping[str, str]) -> float | None:
    """Read how many seconds an answer orders to wait, None without an order; names of headers in lower case."""
    if status not in _ORDERS:
        return None
    return limiter.parse_retry_after(headers.get("retry-after", ""), datetime.now(UTC))


def pause_seconds(failures: int, ordered: float | None = None) -> float:
    """Decide how long to wait after so many failures (1 or more): as ordered, else longer each time."""
    return limiter.backoff_seconds(failures, random.random()) if ordered is None else ordered
