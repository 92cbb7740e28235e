"""GET requests to one host, one after the other over a connection that is kept, without Scrapy and without waiting
between them: for a person who asks for one thing.

A redirect is followed on the same host only, a token is sent to its own, bodies have a limit, and what failed is asked
again, after the wait that was ordered, if it is a short one.
"""

import http.client
import random
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from harvester.errors import Unreachable
from harvester.http.credentials import Credentials
from harvester.http.redirects import HOPS_MOST, REDIRECTS
from harvester.ratelimit import backoff_seconds, parse_retry_after

TIMEOUT_SECONDS = 60.0
TRIES = 3
# an order to wait longer than this is not sat out
WAIT_MOST_SECONDS = 60.0
# answers that may be another one the next time
_AGAIN = frozenset({429, 500, 502, 503, 504})
# of an answer that was not wanted so much is read, to keep the connection
_LITTLE = 4096


@dataclass(frozen=True, slots=True)
class Requested:
    """A request that was made: `range_` as it was sent, None for a whole file; `bytes` of its answer's body."""

    url: str
    range_: str | None
    status: int
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; header names are in lower case. Of a status that was not wanted the body is empty or its beginning."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class _Broken(Exception):
    """No answer, or a part of one: the same may be asked again."""


class OneHost:
    """Asks one host (a network location); to be closed. `asked` has every request that was answered."""

    def __init__(
        self, host: str, user_agent: str, credentials: Credentials, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._host, self._credentials, self._sleep = host.lower(), credentials, sleep
        self._headers = {"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "identity"}
        self._connections: dict[str, http.client.HTTPConnection] = {}
        self.asked: list[Requested] = []

    def close(self) -> None:
        while self._connections:
            self._connections.popitem()[1].close()

    def get(self, url: str, range_: str | None, most: int) -> Reply:
        """The answer after redirects: 206 with a body of `most` bytes at most where a range is asked for, else 200.

        Raises Unreachable after all tries; at once for a longer body, and when it leads to another host.
        """
        target = url
        for _ in range(HOPS_MOST + 1):
            reply = self._persistent(target, range_, most)
            if reply.status not in REDIRECTS:
                return reply
            target = self._next(target, reply.headers.get("location", "").strip())
        raise Unreachable(f"{shown(url)} redirects more than {HOPS_MOST} times")

    def _next(self, url: str, location: str) -> str:
        """Where a redirect leads. Raises Unreachable for another host, and from https to http."""
        try:
            parts = urlsplit(target := urljoin(url, location))
            host = parts.netloc.lower()
        except ValueError:
            raise Unreachable(f"{shown(url)} redirects to what is no URL") from None
        if not location or parts.scheme not in ("http", "https") or host != self._host:
            where = f"{parts.scheme}://{host.rpartition('@')[2]}"[:120] if location else "nowhere"
            raise Unreachable(
                f"{shown(url)} redirects to {where}, which was not asked for: name that one, if it is right"
            )
        if (urlsplit(url).scheme, parts.scheme) == ("https", "http"):
            raise Unreachable(f"{shown(url)} redirects from https to http")
        return target

    def _persistent(self, url: str, range_: str | None, most: int) -> Reply:
        """An answer, asked for again when none came, or one that may be another the next time."""
        for failures in range(1, TRIES + 1):
            try:
                reply = self._once(url, range_, most)
                if reply.status not in _AGAIN or failures == TRIES:
                    break
                seconds = _ordered(reply, failures)
            except _Broken as broken:
                self.close()
                if failures == TRIES:
                    raise Unreachable(f"{shown(url)}: no usable answer in {TRIES} tries ({broken})") from None
                # a connection that was kept may have been closed meanwhile: that is no failure of the host's
                seconds = backoff_seconds(failures - 1, random.random()) if failures > 1 else 0.0
            self._sleep(seconds)
        return reply

    def _once(self, url: str, range_: str | None, most: int) -> Reply:
        parts = urlsplit(url)
        headers = {**self._headers, **self._credentials.headers(url), **({"Range": range_} if range_ else {})}
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        began = time.monotonic()
        try:
            connection = self._connected(parts.scheme)
            connection.request("GET", target, headers=headers)
            response = connection.getresponse()
            # masked before it is followed or told, as in a crawl
            found = {name.lower(): self._credentials.scrub(value) for name, value in response.getheaders()}
            body = self._body(url, response, 206 if range_ else 200, most)
        except ssl.SSLCertVerificationError as error:
            raise Unreachable(
                f"{self._host} shows a certificate that is not trusted ({error.verify_message}): nothing is asked"
            ) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _Broken(self._credentials.scrub(f"{type(error).__name__}: {error}")) from None
        self.asked.append(Requested(shown(url), range_, response.status, len(body), time.monotonic() - began))
        return Reply(shown(url), response.status, found, body)

    def _connected(self, scheme: str) -> http.client.HTTPConnection:
        if scheme not in self._connections:
            kind = http.client.HTTPSConnection if scheme == "https" else http.client.HTTPConnection
            self._connections[scheme] = kind(self._host, timeout=TIMEOUT_SECONDS)
        return self._connections[scheme]

    def _body(self, url: str, response: http.client.HTTPResponse, wanted: int, most: int) -> bytes:
        """The body of an answer; the connection ends with one that is not read to its end."""
        stated = response.length
        counts = response.status == wanted
        body = b"" if counts and (stated or 0) > most else response.read(most + 1 if counts else _LITTLE)
        if not response.isclosed():
            self.close()
        if counts and max(stated or 0, len(body)) > most:
            raise Unreachable(f"{shown(url)}: more is sent than the {most} bytes that were asked for")
        if counts and stated is not None and len(body) != stated:
            raise _Broken(f"the answer ended after {len(body)} of {stated} bytes")
        return body


def shown(url: str) -> str:
    """A URL as messages have it: what a server may have put behind `?` is not repeated."""
    return url.partition("?")[0]


def _ordered(reply: Reply, failures: int) -> float:
    """Seconds until the next try. Raises Unreachable when more are ordered than is sat out."""
    order = parse_retry_after(reply.headers.get("retry-after", ""), datetime.now(UTC))
    if order is not None and order > WAIT_MOST_SECONDS:
        raise Unreachable(f"{reply.url} answers {reply.status} and asks for a wait of {order:.0f} s; ask again then")
    return backoff_seconds(failures, random.random()) if order is None else order
