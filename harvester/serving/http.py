"""HTTP of our provider: connections, request allowances and content negotiation.

A connection costs a file descriptor and some kilobytes even while nothing is requested. A client that opens a thousand
and sends its header byte by byte must not keep others out: when all are in use, the one that has waited longest for
its request is closed; one whose request is being answered never is. The allowance of a client is a token bucket,
refilled evenly; it is pure, time is an argument. Records exist as JSON and XML, and are chosen by Accept and
Accept-Encoding (RFC 9110, section 12.5).
"""

import asyncio
import math
import re
import resource
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from harvester.errors import UsageError

# more than a reverse proxy keeps open, few enough for the memory that their buffers need
CONNECTIONS_MOST = 1000
# files that the process needs besides connections: shards, the index, its log
FILES_KEPT = 64


def most_connections() -> int:
    """Return how many connections the limit of open files allows."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS_MOST if soft == resource.RLIM_INFINITY else max(1, min(CONNECTIONS_MOST, soft - FILES_KEPT))


class Connections:
    """The protocol factory of a listening socket; `handlers` creates aiohttp's part of a connection."""

    def __init__(self, handlers: web.Server, most: int) -> None:
        self._handlers, self._most = handlers, most
        # by aiohttp's handler: those without a complete request, the one that has waited longest first
        self._waiting: OrderedDict[Any, asyncio.Transport] = OrderedDict()
        self._answered: dict[Any, asyncio.Transport] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self._answered)

    def __call__(self) -> asyncio.Protocol:
        return _Connection(self, self._handlers())

    @contextmanager
    def answering(self, handler: Any) -> Iterator[None]:
        """Keep a connection open while its request is being answered."""
        if (transport := self._waiting.pop(handler, None)) is not None:
            self._answered[handler] = transport
        try:
            yield
        finally:
            if (transport := self._answered.pop(handler, None)) is not None:
                self._waiting[handler] = transport

    def made(self, handler: Any, transport: asyncio.Transport) -> bool:
        """Register a new connection; returns False if there is no room for it."""
        if len(self) >= self._most:
            if not self._waiting:
                return False
            # not close(): that waits until the client has read what was sent
            self._waiting.popitem(last=False)[1].abort()
        self._waiting[handler] = transport
        return True

    def lost(self, handler: Any) -> None:
        """Forget a connection that has ended."""
        self._waiting.pop(handler, None)
        self._answered.pop(handler, None)


class _Connection(asyncio.Protocol):
    """The protocol of one connection, which passes everything on to aiohttp."""

    def __init__(self, connections: Connections, handler: Any) -> None:
        self._connections, self._handler = connections, handler
        self._taken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._taken = self._connections.made(self._handler, transport)
        if self._taken:
            self._handler.connection_made(transport)
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._taken:
            self._connections.lost(self._handler)
            self._handler.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._taken:
            self._handler.data_received(data)

    def eof_received(self) -> bool | None:
        return bool(self._handler.eof_received()) if self._taken else None

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()


# how many clients are remembered; a forgotten one starts with a full bucket
CLIENTS = 10_000
_RATE = re.compile(r"(\d+)/(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of requests in some seconds."""

    requests: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Parse "60/60". Raises UsageError."""
        match = _RATE.fullmatch(text)
        if match is None or not int(match[1]) or not int(match[2]):
            raise UsageError(f"{text!r} is no rate; write REQUESTS/SECONDS, such as 60/60")
        return cls(int(match[1]), int(match[2]))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is granted; `wait_seconds` until the next one is, `whole_seconds` until the bucket is full."""

    granted: bool
    remaining: int
    wait_seconds: int
    whole_seconds: int


class Allowance:
    """The token buckets of all clients."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        # client: (tokens, when they were counted), the one with the latest request last
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def ask(self, client: str, now: float) -> Verdict:
        """Take a token for a request at `now` (seconds of any clock that does not go back)."""
        most, pace = self.rate.requests, self.rate.requests / self.rate.seconds
        tokens, counted = self._buckets.pop(client, (float(most), now))
        tokens = min(most, tokens + (now - counted) * pace)
        # rounding must not cost a client that waited as long as it was told another second
        granted = tokens >= 1 - 1e-6
        tokens = max(0.0, tokens - 1) if granted else tokens
        self._buckets[client] = tokens, now
        if len(self._buckets) > CLIENTS:
            self._buckets.popitem(last=False)
        wait = 0 if tokens >= 1 else math.ceil((1 - tokens) / pace)
        return Verdict(granted, int(tokens), wait, math.ceil((most - tokens) / pace))


JSON, XML = "application/json", "application/xml"
_Q = re.compile(r"[01](\.\d{0,3})?", re.ASCII)


def accepted_form(accept: str) -> str | None:
    """Choose JSON or XML, whichever a client prefers; JSON if it has no preference, None if it accepts neither."""
    qualities = _qualities(accept) or {"*/*": 1.0}
    rest = qualities.get("application/*", qualities.get("*/*", 0.0))
    json = qualities.get(JSON, rest)
    xml = max(qualities.get(XML, rest), qualities.get("text/xml", qualities.get("text/*", 0.0)))
    if not json and not xml:
        return None
    return XML if xml > json else JSON


def takes_gzip(accept_encoding: str) -> bool:
    """Return whether a body may be sent gzipped; a client that says nothing gets it uncompressed."""
    qualities = _qualities(accept_encoding)
    return qualities.get("gzip", qualities.get("*", 0.0)) > 0


def _qualities(header: str) -> dict[str, float]:
    """Parse the members of a header with their q; an unreadable q counts as 0. Other parameters are ignored."""
    qualities = {}
    for member in header.split(","):
        name, *parameters = (part.strip().lower() for part in member.split(";"))
        q = next((text[2:].strip() for text in parameters if text.startswith("q=")), "1")
        if name:
            qualities[name] = float(q) if _Q.fullmatch(q) else 0.0
    return qualities
