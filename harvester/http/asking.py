"""A few questions to a provider, outside a crawl: one after the other, with a name and a distance.

`probe` and `plan` ask through it, and so does sickle, whose own client would follow a redirect to any host and wait
for ever. Every answer is kept, as evidence.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self, TypeVar
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp
import yarl
from sickle import Sickle, oaiexceptions
from sickle.iterator import OAIResponseIterator

from harvester.errors import MalformedPage, ProviderError, Unreachable
from harvester.http import encoding
from harvester.http.charsets import as_declared
from harvester.http.redirects import HOPS_MOST, REDIRECTS, not_followed
from harvester.ratelimit import parse_retry_after
from harvester.sources import is_loopback

T = TypeVar("T")
# DSpace sends a page for people to who asks for text/html first
ACCEPT_XML = "text/xml, application/xml;q=0.9, */*;q=0.1"
# between two questions to a host that is not this machine
DISTANCE_SECONDS = 1.0
# an order to wait longer than this is not sat out for a question
WAIT_MOST_SECONDS = 120.0
TIMEOUT_SECONDS = 60.0
BODY_MOST = 64 << 20
TRIES = 3
# answers that may be another one the next time
_AGAIN = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to one question; header names are in lower case. `url` is where it came from in the end."""

    asked: str
    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes
    seconds: float

    # what sickle wants of an answer

    @property
    def status_code(self) -> int:
        return self.status

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def raise_for_status(self) -> None:
        """Nothing: an OAI-PMH error comes with any status, and what is none is found when it is read."""

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Asker:
    """Asks `hosts` (network locations) and nobody else, redirects included; to be used as a context manager."""

    def __init__(
        self,
        user_agent: str,
        hosts: frozenset[str],
        credentials: Callable[[str], Mapping[str, str]] = lambda url: {},
    ) -> None:
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "gzip"}
        self._hosts, self._credentials = hosts, credentials
        self._runner = asyncio.Runner()
        self._asked: dict[str, float] = {}
        self.answers: list[Answer] = []
        self._session: aiohttp.ClientSession | None = None

    def __enter__(self) -> Self:
        self._runner.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._session is not None:
            self._runner.run(self._session.close())
        self._runner.__exit__(None, None, None)

    def get(self, url: str, accept: str = "*/*") -> Answer:
        """Ask, and ask again what brought nothing usable; an order to wait is obeyed, if it is a short one.

        Raises Unreachable after all tries, and at once when it leads to another host or is to wait too long.
        """
        for left in reversed(range(TRIES)):
            try:
                answer = self._runner.run(self._follow(url, accept))
            except _NoAnswer:
                if not left:
                    raise
                continue
            if not left or answer.status not in _AGAIN:
                break
            time.sleep(_ordered(url, answer))
        self.answers.append(answer)
        return answer

    async def _follow(self, url: str, accept: str) -> Answer:
        target = url
        for _ in range(HOPS_MOST):
            answer = await self._once(url, target, accept)
            location = answer.headers.get("location")
            if answer.status not in REDIRECTS or not location:
                return answer
            target = self._next(target, location)
        raise Unreachable(f"{url} redirects more than {HOPS_MOST} times")

    def _next(self, url: str, location: str) -> str:
        """Where a redirect leads. Raises Unreachable for another host, and from https to http."""
        try:
            reason = not_followed(url, target := urljoin(url, location), frozenset(self._hosts))
        except ValueError:
            raise Unreachable(f"{url} redirects to what is no URL") from None
        if reason is not None:
            raise Unreachable(f"{url} {reason}")
        return target

    async def _once(self, asked: str, url: str, accept: str) -> Answer:
        host = urlsplit(url).netloc.lower()
        if host in self._asked and not is_loopback(host):
            await asyncio.sleep(max(0.0, self._asked[host] + DISTANCE_SECONDS - time.monotonic()))
        session = self._session = self._session or aiohttp.ClientSession(
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        began = time.monotonic()
        headers = {"Accept": accept, **self._credentials(url)}
        try:
            async with session.get(yarl.URL(url, encoded=True), headers=headers, allow_redirects=False) as response:
                body = await _limited(response)
                found = {name.lower(): value for name, value in response.headers.items()}
                return Answer(asked, url, response.status, found, _plain(body, found), time.monotonic() - began)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _NoAnswer(f"{url}: no usable answer ({type(error).__name__}: {error})") from None
        finally:
            self._asked[host] = time.monotonic()


class _NoAnswer(Unreachable):
    """Nothing came, or only a part: the same may be asked again."""


def _ordered(url: str, answer: Answer) -> float:
    """Seconds that an answer orders to wait, 0 without an order. Raises Unreachable when they are too many."""
    order = parse_retry_after(answer.headers.get("retry-after", ""), datetime.now(UTC))
    if answer.status not in (429, 503) or order is None:
        return 0.0
    if order > WAIT_MOST_SECONDS:
        raise Unreachable(f"{url} answers {answer.status} and asks for a wait of {order:.0f} s; ask again then")
    return order


async def _limited(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_chunked(1 << 16):
        body += piece
        if len(body) > BODY_MOST:
            raise ValueError(f"more than {BODY_MOST} bytes")
    return bytes(body)


def _plain(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Without gzip, which some send without saying so; XML in a charset that its document shows."""
    plain = encoding.decoded(body, headers.get("content-encoding", ""), BODY_MOST, undeclared=True)
    return as_declared(plain, headers.get("content-type", "")) if plain[:64].lstrip()[:1] == b"<" else plain


class PoliteSickle(Sickle):  # type: ignore[misc]
    """sickle, asking through an Asker: no other host, a time limit, no second try, and page by page."""

    def __init__(self, asker: Asker, url: str) -> None:
        super().__init__(url, max_retries=0, iterator=OAIResponseIterator)
        self._asker = asker

    def _request(self, kwargs: Mapping[str, str]) -> Answer:
        joint = "&" if urlsplit(self.endpoint).query else "?"
        return self._asker.get(f"{self.endpoint}{joint}{urlencode(kwargs)}", ACCEPT_XML)

    def ask(self, question: Callable[[Sickle], T]) -> T:
        """One question. Raises ProviderError, MalformedPage for what is no OAI-PMH, and Unreachable."""
        try:
            return question(self)
        except Unreachable:
            raise
        except Exception as error:  # sickle reads whatever comes, and has no common class of errors
            name = type(error).__name__
            if type(error).__module__ == oaiexceptions.__name__:
                raise ProviderError(name[0].lower() + name[1:], str(error)) from None
            raise MalformedPage(f"{self.endpoint} is no OAI-PMH endpoint ({name}: {str(error)[:200]})") from None
