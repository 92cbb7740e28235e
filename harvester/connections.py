"""The connections of a server: so many at once, and whoever keeps one waiting makes room for others.

A connection costs a file and some kilobytes even where nothing is asked: a client that opens a thousand and sends its
header letter by letter must not keep the others out. Those that are being answered are never given up for a new one.
"""

import asyncio
import resource
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

# more than a proxy in front keeps open, few enough for the memory that their buffers take
CONNECTIONS_MOST = 1000
# files that the process needs beside them: shards, the index, its log
FILES_KEPT = 64


def most_connections() -> int:
    """As many as the limit of open files leaves."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS_MOST if soft == resource.RLIM_INFINITY else max(1, min(CONNECTIONS_MOST, soft - FILES_KEPT))


class Connections:
    """What a listening socket calls for each connection; `handlers` makes aiohttp's part of it."""

    def __init__(self, handlers: web.Server, most: int) -> None:
        self._handlers, self._most = handlers, most
        # by aiohttp's handler: those without a whole request, the one that has waited longest first
        self._waiting: OrderedDict[Any, asyncio.Transport] = OrderedDict()
        self._answered: dict[Any, asyncio.Transport] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self._answered)

    def __call__(self) -> asyncio.Protocol:
        return _Connection(self, self._handlers())

    @contextmanager
    def answering(self, handler: Any) -> Iterator[None]:
        """While its request is answered a connection is not given up."""
        if (transport := self._waiting.pop(handler, None)) is not None:
            self._answered[handler] = transport
        try:
            yield
        finally:
            if (transport := self._answered.pop(handler, None)) is not None:
                self._waiting[handler] = transport

    def made(self, handler: Any, transport: asyncio.Transport) -> bool:
        """Take a new connection in; False when there is no room for it."""
        if len(self) >= self._most:
            if not self._waiting:
                return False
            # not close(): that waits until the client has read what was sent
            self._waiting.popitem(last=False)[1].abort()
        self._waiting[handler] = transport
        return True

    def lost(self, handler: Any) -> None:
        """A connection has ended."""
        self._waiting.pop(handler, None)
        self._answered.pop(handler, None)


class _Connection(asyncio.Protocol):
    """Hands everything on to aiohttp."""

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
