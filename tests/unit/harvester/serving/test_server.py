"""The server under clients that are slow, many or gone: each wait has an end, and nothing that they hold grows.

It runs in the loop of the test, on a provider that answers when the test lets it.
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from harvester.oaipmh.protocol import MetadataFormat
from harvester.serving import server as module
from harvester.serving.holdings import ArchiveHoldings
from harvester.serving.provider import Repository
from harvester.serving.server import Listening, Server

IDENTIFY = b"GET /oai?verb=Identify HTTP/1.1\r\nHost: x\r\n\r\n"
FORMATS = b"GET /oai?verb=ListMetadataFormats HTTP/1.1\r\nHost: x\r\n\r\n"


class SlowHoldings:
    """What Identify asks for is there; ListMetadataFormats waits for `go`, and then is as long as `body`."""

    server: Server

    def __init__(self) -> None:
        self.go, self.asked, self.body = threading.Event(), 0, 10

    def earliest(self) -> datetime:
        return datetime(2020, 1, 1, tzinfo=UTC)

    def formats(self, identifier: str | None = None) -> list[Any]:
        self.asked += 1
        assert self.go.wait(120)
        return [MetadataFormat("x", "x" * self.body, "urn:x")]


def serve(scenario: Callable[[int, SlowHoldings], Awaitable[None]]) -> None:
    """Run a scenario, given the port and the holdings, while a server runs in the same loop."""
    holdings = SlowHoldings()
    server = holdings.server = Server(
        cast(ArchiveHoldings, holdings), lambda where: Repository("x", where.url, ("a@example.org",), b"key")
    )

    async def both() -> None:
        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def listening(where: Listening) -> None:
            port.set_result(where.port)

        running = asyncio.ensure_future(server._serve("127.0.0.1", 0, listening))
        try:
            async with asyncio.timeout(30):
                await scenario(await port, holdings)
        finally:
            holdings.go.set()
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running

    asyncio.run(both())


async def ask(port: int, raw: bytes = IDENTIFY) -> int:
    """The status of an answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def test_a_header_that_does_not_end_ends_its_connection(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "HEADER_SECONDS", 0.3)

    async def scenario(port: int, holdings: SlowHoldings) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        reading = asyncio.ensure_future(reader.read())
        with contextlib.suppress(ConnectionError):
            for letter in IDENTIFY[:-2] + b"X-Slow: " + b"x" * 10_000:
                writer.write(bytes([letter]))
                await writer.drain()
                await asyncio.sleep(0.02)
                if reading.done():
                    break
        # closed, or reset if a letter was still on its way
        with contextlib.suppress(ConnectionResetError):
            assert await reading == b""
        assert await ask(port) == 200

    serve(scenario)


def test_a_body_that_does_not_come_is_a_408(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "BODY_SECONDS", 0.2)
    form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 13\r\n\r\n"
    head = b"POST /oai HTTP/1.1\r\nHost: x\r\n" + form

    async def scenario(port: int, holdings: SlowHoldings) -> None:
        assert await ask(port, head + b"verb=Identify") == 200
        assert await ask(port, head + b"verb=") == 408

    serve(scenario)


def test_an_answer_that_nobody_takes_is_dropped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "SEND_SECONDS", 0.2)
    monkeypatch.setattr(module, "SEND_BYTES_PER_SECOND", 1 << 30)

    async def scenario(port: int, holdings: SlowHoldings) -> None:
        holdings.body = 50 << 20
        holdings.go.set()
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 10)
        writer.write(FORMATS)
        await until(lambda: holdings.server._unsent_bytes > holdings.body)
        await until(lambda: not holdings.server._unsent_bytes)
        taken = 0
        with contextlib.suppress(ConnectionError):
            while part := await reader.read(1 << 20):
                taken += len(part)
        assert taken < holdings.body
        writer.close()

    serve(scenario)


def test_a_full_line_is_a_503_that_says_when_to_come_back(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "LINE_MOST", 6)

    async def scenario(port: int, holdings: SlowHoldings) -> None:
        first = [asyncio.ensure_future(ask(port, FORMATS)) for _ in range(6)]
        await until(lambda: holdings.asked == module.THREADS)
        await asyncio.sleep(0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(FORMATS)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 5\r\n" in head
        writer.close()
        holdings.go.set()
        assert await asyncio.gather(*first) == [200] * 6
        assert await ask(port, FORMATS) == 200

    serve(scenario)


def test_bodies_that_nobody_takes_do_not_pile_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "UNSENT_MOST", 20 << 20)

    async def scenario(port: int, holdings: SlowHoldings) -> None:
        holdings.body = 15 << 20
        holdings.go.set()
        idle = [await asyncio.open_connection("127.0.0.1", port, limit=1 << 10) for _ in range(2)]
        for _, writer in idle:
            writer.write(FORMATS)
        await until(lambda: holdings.asked == 2)
        while await ask(port) != 503:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        for _, writer in idle:
            writer.transport.abort()
        while await ask(port) != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    serve(scenario)


def test_nobody_works_for_a_client_that_has_gone():
    async def scenario(port: int, holdings: SlowHoldings) -> None:
        first = [asyncio.ensure_future(ask(port, FORMATS)) for _ in range(module.THREADS)]
        await until(lambda: holdings.asked == module.THREADS)
        for _ in range(20):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(FORMATS)
            await asyncio.sleep(0.01)
            writer.transport.abort()
        await asyncio.sleep(0.1)
        holdings.go.set()
        assert await asyncio.gather(*first) == [200] * module.THREADS
        assert await ask(port) == 200
        assert holdings.asked == module.THREADS

    serve(scenario)


def test_who_opens_connections_and_asks_nothing_makes_room(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "most_connections", lambda: 8)

    async def scenario(port: int, holdings: SlowHoldings) -> None:
        answered = asyncio.ensure_future(ask(port, FORMATS))
        await until(lambda: holdings.asked == 1)
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
        assert await ask(port) == 200
        for reader, _ in idle[:10]:
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
        # all are being answered: then there is no room
        more = [asyncio.ensure_future(ask(port, FORMATS)) for _ in range(7)]
        await until(lambda: holdings.asked == module.THREADS)
        await asyncio.sleep(0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        writer.close()
        holdings.go.set()
        assert await answered == 200
        assert await asyncio.gather(*more) == [200] * 7

    serve(scenario)
