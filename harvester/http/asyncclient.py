"""The asynchronous HTTP client, on aiohttp, for what runs beside Scrapy or keeps several connections busy.

Every request is let in by a rate limiter, which hears of every answer, and of every request that none came to.
"""

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Protocol, Self

import aiohttp
import yarl

from harvester.errors import Unreachable
from harvester.http.client import BodyTooLong, NoAnswer, NotSendable, NotTrusted, Policy, Response, too_many_redirects
from harvester.http.redirects import HOPS_MOST

# of a body, so much is shown to the rate limiter
JUDGED_BYTES = 4096
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError, ValueError)


class RateLimiter(Protocol):
    """Lets requests in and learns from answers (`harvester.ratelimit.limiters.Gates`)."""

    async def admit(self, url: str) -> None:
        """Wait for the host's turn."""

    def judge(self, url: str, status: int, headers: Mapping[str, str], body: bytes = b"") -> bool:
        """Learn from an answer. Returns False when it only says "not now"."""

    def lost(self, url: str) -> None:
        """Take note that no answer came to a request that was let in."""


class Client:
    """Sends requests over connections that are kept; to be made in a running event loop, and to be closed."""

    def __init__(self, policy: Policy, limiter: RateLimiter) -> None:
        self._policy, self._limiter = policy, limiter
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=policy.connections, ttl_dns_cache=300),
            headers=policy.session_headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            # aiohttp unpacks a gzip stream that is cut short to a shorter body without an error
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(
                total=policy.total_seconds, sock_connect=policy.connect_seconds, sock_read=policy.silence_seconds
            ),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._session.close()

    async def send(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """Send one request; a redirect is an answer.

        Raises Unreachable, whose message is the cause alone, without the URL; and what the limiter raises.
        """
        await self._limiter.admit(url)
        began = time.monotonic()
        sent = {**(headers or {}), **self._policy.credentials.headers(url)}
        try:
            async with self._session.get(yarl.URL(url, encoded=True), headers=sent, allow_redirects=False) as answer:
                body = await self._body(answer)
        except _FAILURES as error:
            raise self._lost(url, error) from None
        response = self._policy.received(url, answer.status, answer.headers, body or b"", time.monotonic() - began)
        counts = self._limiter.judge(url, response.status, response.headers, response.body[:JUDGED_BYTES])
        response = self._policy.settle_body(response)
        if not counts:
            return replace(response, not_now=True)
        if body is None:
            raise BodyTooLong(f"a body of more than {self._policy.body_most} bytes", response)
        return response

    @asynccontextmanager
    async def stream(self, url: str, headers: Mapping[str, str] | None = None) -> AsyncIterator["Stream"]:
        """Send a request, follow redirects, and hand on the last answer with its body still to come.

        Raises as `send` does, and NotFollowed.
        """
        target = url
        for _ in range(HOPS_MOST + 1):
            await self._limiter.admit(target)
            sent = {**(headers or {}), **self._policy.credentials.headers(target)}
            try:
                answer = await self._session.get(yarl.URL(target, encoded=True), headers=sent, allow_redirects=False)
            except _FAILURES as error:
                raise self._lost(target, error) from None
            async with answer:
                response = self._policy.received(target, answer.status, answer.headers, b"", 0.0)
                stream = Stream(response, answer, self._policy, self._limiter)
                if not response.location:
                    yield stream
                    return
                stream.judge()
            target = self._policy.next_url(target, response.location)
        raise too_many_redirects(url)

    def _lost(self, url: str, error: Exception) -> Unreachable:
        """Report that no answer came. Returns what to raise."""
        self._limiter.lost(url)
        return _failure(error, self._policy)

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes | None:
        """Read a body as sent, None when it is too long; aiohttp raises for one shorter than its length says."""
        most = self._policy.body_most
        if answer.content_length is not None:
            return await answer.read() if answer.content_length <= most else None
        body = bytearray()
        async for piece in answer.content.iter_any():
            body += piece
            if len(body) > most:
                return None
        return bytes(body)


class Stream:
    """An answer whose body is still to come; the rate limiter must hear of it by `judge`."""

    def __init__(
        self, response: Response, answer: aiohttp.ClientResponse, policy: Policy, limiter: RateLimiter
    ) -> None:
        self._answer, self._policy, self._limiter = answer, policy, limiter
        self._judged = False
        self.url, self.status, self.headers = response.url, response.status, response.headers

    def judge(self, body: bytes = b"") -> bool:
        """Report the answer, with the beginning of its body. Returns False when it only says "not now"."""
        self._judged = True
        return self._limiter.judge(self.url, self.status, self.headers, body[:JUDGED_BYTES])

    async def pieces(self) -> AsyncIterator[bytes]:
        """Iterate over the body as it comes. Raises NoAnswer when it ends early."""
        try:
            async for piece in self._answer.content.iter_any():
                yield piece
        except _FAILURES as error:
            if not self._judged:
                self._limiter.lost(self.url)
            raise _failure(error, self._policy) from None

    async def beginning(self, most: int) -> bytes:
        """Read at most so much of the body."""
        body = bytearray()
        async for piece in self.pieces():
            body += piece
            if len(body) >= most:
                break
        return bytes(body[:most])


def _failure(error: Exception, policy: Policy) -> Unreachable:
    text = policy.describe(error)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return NotTrusted(text)
    if isinstance(error, ValueError):
        return NotSendable(text)
    return NoAnswer(text)
