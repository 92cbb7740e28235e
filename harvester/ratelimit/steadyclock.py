"""A clock that is put right while a harvest runs: nothing waits for the hour that it went back.

Twisted plans its calls by the time of day. When that goes back (a machine that slept, a first answer by NTP), each call
that is planned waits as much longer, and a harvest with it. Time that only goes on serves a reactor as well.
"""

import time
from typing import Any, Self

from scrapy.crawler import Crawler


class SteadyClock:
    """The extension that gives the reactor such a clock, before anything is asked."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        from twisted.internet import reactor  # there is none yet when this module is imported

        keep_steady(reactor)
        return cls()


def keep_steady(reactor: Any) -> None:
    """Have a reactor plan by monotonic time, also what it has planned already."""
    if reactor.seconds is time.monotonic:
        return
    shift = time.monotonic() - reactor.seconds()
    reactor.seconds = time.monotonic
    for call in reactor.getDelayedCalls():
        call.time += shift
        call.seconds = time.monotonic
