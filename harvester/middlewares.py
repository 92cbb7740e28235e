"""Downloader middlewares: the gate of each host, and redirects that stay with the source's hosts."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import Self
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.redirect import RedirectMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from harvester.gate import Gate, parse_retry_after

logger = logging.getLogger(__name__)


# a run that is told to stop does not sit out its wait
LONGEST_SLEEP_SECONDS = 0.5


class WaitTooLong(IgnoreRequest):
    """The provider orders a wait that a run should not sit out; `str()` says how long."""


class Gates:
    """The gates of this process, one a host."""

    def __init__(self) -> None:
        self._gates: dict[str, Gate] = {}

    def of(self, url: str) -> Gate:
        host = urlsplit(url).netloc.lower()
        if host not in self._gates:
            self._gates[host] = Gate(host)
        return self._gates[host]

    @property
    def waited_seconds(self) -> float:
        return sum(gate.waited_seconds for gate in self._gates.values())

    def waiting(self) -> tuple[str, str, float] | None:
        """(host, reason, seconds) of the longest wait that is on, for the progress line."""
        clock = time.monotonic()
        on = [(gate.wait_seconds(clock), gate) for gate in self._gates.values()]
        seconds, gate = max(on, key=lambda pair: pair[0], default=(0.0, None))
        return (gate.host, gate.reason, seconds) if gate is not None and seconds > 0.5 else None


class GateMiddleware:
    """Holds each request until its host may be asked; sits out 429 and 503 with Retry-After.

    Waits use up no tries: a request that was told to wait is sent again as it was. Retry-After on any other
    status orders nothing (Zenodo sends it on every 200).
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.gates = Gates()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "GateMiddleware":
        middleware = cls(crawler)
        crawler.gates = middleware.gates  # type: ignore[attr-defined]
        return middleware

    async def process_request(self, request: Request) -> None:
        gate = self.gates.of(request.url)
        while (wait := gate.wait_seconds(time.monotonic())) > 0:
            if self.crawler.engine is None or not self.crawler.engine.running:
                raise IgnoreRequest("the run is ending")
            wait = min(wait, LONGEST_SLEEP_SECONDS)
            gate.waited_seconds += wait
            await asyncio.sleep(wait)
        gate.asked(time.monotonic())

    async def process_response(self, request: Request, response: Response) -> Response | Request:
        gate = self.gates.of(request.url)
        header = response.headers.get("Retry-After")
        order = parse_retry_after(header.decode("latin-1"), datetime.now(UTC)) if header else None
        if response.status != 429 and not (response.status == 503 and order is not None):
            if response.status < 500:
                gate.answered(time.monotonic())
            return response
        wait = gate.refused(time.monotonic(), response.status, order)
        assert self.crawler.stats is not None
        self.crawler.stats.inc_value(f"harvest/told_to_wait/{response.status}")
        if wait is None:
            asked = f"{order:.0f} seconds" if order is not None else "longer than our patience"
            raise WaitTooLong(f"{gate.host} answers {response.status} and asks for a wait of {asked}")
        logger.info("%s answers %d: next request in %.1f s", gate.host, response.status, wait)
        return request.replace(dont_filter=True)


class SameHostRedirects(RedirectMiddleware):
    """Scrapy's redirects, as long as they lead to a host of the source; any other answer stays what it is."""

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Without Scrapy's search for a middleware that sets Referer, which is never sent here."""
        middleware = cls(crawler.settings)
        middleware.crawler = crawler
        return middleware

    def process_response(
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Request | Response:
        result = super().process_response(request, response)
        if not isinstance(result, Request):
            return result
        target = urlsplit(result.url)
        hosts: frozenset[str] = getattr(self.crawler.spider, "allowed_hosts", frozenset())
        if target.scheme not in ("http", "https") or target.netloc.lower() not in hosts:
            logger.warning("%s redirects to %s, which is no host of this source: not followed",
                           request.url, target.netloc or target.scheme)  # fmt: skip
            return response
        return result
