"""Ids asked in blocks: one Scrapy request is some hundred requests to the provider, each let in by the gate.

Scrapy takes about half a millisecond for a request; a block shares that. Inside it a few connections are kept busy,
every single request waits for its host's turn (`harvester.ratelimit`), and what is only told to wait is asked again.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from harvester.errors import Unreachable
from harvester.http.asyncclient import Client
from harvester.http.client import BodyTooLong, Policy
from harvester.ratelimit import Gates, WaitTooLong

logger = logging.getLogger(__name__)

SCHEME = "ids"
# a block ends after this long with what it has: what was answered becomes durable, the rest is another block
BLOCK_SECONDS = 5.0
# an id that is told to wait so often while others are answered is refused: the order is not about the host
TOLD_MOST, OTHERS_LEAST = 10, 3
# while a few answers may settle whether a media type is served at all, no more are asked for
_DOUBT_SECONDS = 0.02


# a media type that so many ids were refused in, and none was sent in, is not served
UNSERVED_LEAST = 5
NOT_SERVED = (406, 415)


@dataclass(slots=True)
class Service:
    """Whether a provider serves a media type: ids `turned` away because of it, and whether any was answered in it."""

    turned: int = 0
    status: int = 406
    serves: bool = False
    asking: int = 0

    def take(self, status: int | None) -> None:
        """Count an answer; an error of another kind says nothing of the type."""
        if status in NOT_SERVED:
            self.turned += 1
            self.status = status or 0
        elif status is not None and (status < 300 or status == 304):
            self.serves = True

    @property
    def refused(self) -> bool:
        """Whether nothing more should be asked for in this type."""
        return not self.serves and self.turned >= UNSERVED_LEAST

    @property
    def doubtful(self) -> bool:
        """Whether what is being asked for now may settle it."""
        return not self.serves and self.turned > 0 and self.turned + self.asking >= UNSERVED_LEAST


@dataclass(slots=True)
class Asked:
    """One id to ask for. `validator` is the header (name, value) of a conditional request, or None.

    `tries` were made before, `hops` redirects followed; `told` counts orders to wait, the first when `others`
    requests had been answered.
    """

    identifier: str
    url: str
    validator: tuple[str, str] | None = None
    tries: int = 0
    hops: int = 0
    told: int = 0
    others: int = 0


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of one id: an answer, or the `reason` why there is none (`status` None) or why it was not read."""

    asked: Asked
    status: int | None
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class BlockResponse(Response):
    """The answers of a block, the ids it did not get to, and what ended it early (None: nothing)."""

    def __init__(self, url: str, fetched: Sequence[Fetched], left: Sequence[Asked], ended: WaitTooLong | None) -> None:
        super().__init__(url)
        self.fetched, self.left, self.ended = fetched, left, ended


def block_request(
    host: str, number: int, asked: Sequence[Asked], accept: str, service: Service | None = None, **more: Any
) -> Request:
    """Make the Scrapy request for a block; `more` are its callback and the like."""
    request = Request(f"{SCHEME}://{host}/{number}", dont_filter=True, **more)
    request.meta["asked"], request.meta["accept"] = asked, accept
    request.meta["service"] = service or Service()
    return request


class BlockHandler:
    """The download handler of blocks. It keeps `connections` requests going, over all blocks together."""

    lazy = True

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.gates = Gates.of(crawler)
        settings = crawler.settings
        spider: Any = crawler.spider
        self._connections: int = spider.connections
        self._slots = asyncio.Semaphore(self._connections)
        self._masked = spider.secret_masked
        self._answered = 0
        self._client = Client(
            Policy(
                user_agent=settings["USER_AGENT"],
                # a redirect is an answer here, which the spider follows
                hosts=frozenset(),
                credentials=spider.credentials,
                accept_encoding="gzip, deflate",
                bodies="packed",
                body_most=settings.getint("DOWNLOAD_MAXSIZE"),
                connections=self._connections,
                total_seconds=settings.getfloat("DOWNLOAD_TIMEOUT"),
            ),
            self.gates,
        )

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def close(self) -> None:
        await self._client.close()

    async def download_request(self, request: Request) -> BlockResponse:
        """Ask for the ids of a block. Never raises for one of them."""
        block = _Block(
            waiting=deque(request.meta["asked"]),
            accept=request.meta["accept"],
            service=request.meta["service"],
            until=time.monotonic() + BLOCK_SECONDS,
        )
        workers = min(self._connections, len(block.waiting))
        await asyncio.gather(*(self._work(block) for _ in range(workers)))
        return BlockResponse(request.url, block.fetched, tuple(block.waiting), block.ended)

    async def _work(self, block: "_Block") -> None:
        service = block.service
        while block.waiting and block.ended is None and not service.refused and time.monotonic() < block.until:
            if service.doubtful:
                await asyncio.sleep(_DOUBT_SECONDS)
                continue
            async with self._slots:
                if not block.waiting or (block.fetched and self._long_wait()):
                    return
                if service.doubtful or service.refused:
                    continue
                asked = block.waiting.popleft()
                service.asking += 1
                try:
                    fetched, counts = await self._fetch(asked, block.accept)
                except WaitTooLong as error:
                    block.ended = error
                    block.waiting.appendleft(asked)
                    return
                except IgnoreRequest:  # the run is ending
                    block.waiting.appendleft(asked)
                    block.until = 0.0
                    return
                finally:
                    service.asking -= 1
            if counts:
                service.take(fetched.status)
                block.fetched.append(fetched)
            else:
                block.waiting.append(asked)

    def _long_wait(self) -> bool:
        """Tell whether the host is not to be asked for a while: what was answered should not wait with the rest."""
        waiting = self.gates.waiting()
        return waiting is not None and waiting.seconds > BLOCK_SECONDS / 2

    async def _fetch(self, asked: Asked, accept: str) -> tuple[Fetched, bool]:
        """Ask for an id. Returns what came, and whether it counts."""
        headers = {"Accept": accept}
        if asked.validator is not None:
            name, value = asked.validator
            headers[name] = value
        reason = ""
        try:
            response = await self._client.send(asked.url, headers)
        except BodyTooLong as error:
            response, reason = error.response, str(error)
        except Unreachable as error:
            return Fetched(asked, None, str(error)), True
        if response.masked:
            await self._masked(asked.url)
        fetched = Fetched(asked, response.status, reason, response.headers, response.body)
        if not response.not_now:
            self._answered += 1
        return fetched, not response.not_now or self._is_refused(asked)

    def _is_refused(self, asked: Asked) -> bool:
        """Decide whether an order to wait is an id's answer: it is told to wait for ever, while others are answered."""
        if not asked.told:
            asked.others = self._answered
        asked.told += 1
        return asked.told >= TOLD_MOST and self._answered - asked.others >= OTHERS_LEAST


@dataclass(slots=True)
class _Block:
    """A block that is being asked for; `until` (monotonic) no new request is made."""

    waiting: deque[Asked]
    accept: str
    service: Service
    until: float
    fetched: list[Fetched] = field(default_factory=list)
    ended: WaitTooLong | None = None


def host_of(url: str) -> str:
    """Return the network location of a URL in lower case."""
    return urlsplit(url).netloc.lower()
