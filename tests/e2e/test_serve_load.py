"""`harvester serve` under load: right answers to those who ask well, while others do whatever they can.

Many clients ask at once; beside them run slow headers, slow readers, bytes that are no HTTP, requests that are too long
or come many at a time; and sickle harvests all of it. Nobody gets a wrong answer, and the server's memory has a bound.
"""

import asyncio
import contextlib
import functools
import gzip
import itertools
import random
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sickle import Sickle
from support import serving_archive
from support.example_counts import amount, tried
from support.memory_use import memory_of
from support.running_mirror import Server, mirror

COUNT = 500
CLIENTS = 32
# what the server may take beyond what it had after one answer of each kind
GROWTH_MOST_BYTES = 250 << 20
QUERIES = [
    "verb=Identify", "verb=ListMetadataFormats", "verb=ListSets",
    *(f"verb=ListRecords&metadataPrefix=oai_dc&set={name}" for name in ("odd", "odd:1", "odd:2")),
    *(f"verb=ListIdentifiers&metadataPrefix=oai_dc&from=2020-01-01T00:{minute:02d}:00Z" for minute in range(15)),
    *(f"verb=GetRecord&metadataPrefix=oai_dc&identifier=oai:repository.example:{n:05d}" for n in range(0, COUNT, 50)),
    "verb=Nothing", "verb=ListRecords&resumptionToken=forged", "verb=GetRecord&identifier=x&metadataPrefix=oai_dc",
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    many = serving_archive.many(COUNT)
    pages = [many[n : n + 100] for n in range(0, COUNT, 100)]
    return serving_archive.archive(tmp_path_factory.mktemp("load") / "archive", pages)


@pytest.fixture
def server(folder: Path, tmp_path: Path) -> Iterator[Server]:
    with mirror(folder, tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def mirrored(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with mirror(folder, tmp_path_factory.mktemp("mirrored")) as running:
        yield running


@dataclass
class Load:
    """What came of it. `statuses` are those of clients who ask well, `answers` what the others were told."""

    server: Server
    expected: dict[str, bytes] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    over: bool = False
    odds: Iterator[str] = field(default_factory=lambda: itertools.cycle(ODD))

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.server.port)

    async def good(self, requests: int, seed: int) -> None:
        """A client that keeps its connection, and goes on when it is told to wait."""
        chance = random.Random(seed)
        reader, writer = await self.open()
        for _ in range(requests):
            query = chance.choice(QUERIES)
            writer.write(f"GET /oai?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            status, body = await _answer(reader)
            self.statuses[status] += 1
            if status == 503:
                await asyncio.sleep(0.1)
            elif _without_date(body) != self.expected[query]:
                self.wrong.append(f"{query}: {status}, {len(body)} bytes")
        writer.close()

    async def again(self, once: Callable[[random.Random], Awaitable[None]], seed: int) -> None:
        """Do it until the good ones have what they want; a connection that is closed is an answer, too."""
        chance = random.Random(seed)
        while not self.over:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                await once(chance)
            await asyncio.sleep(0.02)

    # --- those who mean no good

    async def slow_header(self, chance: random.Random) -> None:
        _, writer = await self.open()
        for letter in b"GET /oai?verb=Identify HTTP/1.1\r\nX: " + b"x" * 1000:
            if self.over or writer.is_closing():
                break
            writer.write(bytes([letter]))
            await asyncio.sleep(0.2)
        writer.transport.abort()

    async def slow_reader(self, chance: random.Random) -> None:
        _, writer = await self.open()
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /oai?verb=ListRecords&metadataPrefix=oai_dc HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        for _ in range(20):
            if not self.over:
                await asyncio.sleep(0.1)
        writer.transport.abort()

    async def gone(self, chance: random.Random) -> None:
        _, writer = await self.open()
        writer.write(b"GET /oai?verb=ListRecords&metadataPrefix=oai_dc HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0)
        writer.transport.abort()

    async def odd(self, chance: random.Random) -> None:
        name = next(self.odds)
        reader, writer = await self.open()
        writer.write(ODD[name](chance))
        async with asyncio.timeout(20):
            line = await reader.readline()
        if line:
            self.answers[f"{name}: {line.split()[1].decode()}"] += 1
        writer.close()

    async def pipeline(self, chance: random.Random) -> None:
        reader, writer = await self.open()
        queries = [chance.choice(QUERIES[:6]) for _ in range(200)]
        writer.write(b"".join(f"GET /oai?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for query in queries))
        for query in queries:
            status, body = await _answer(reader)
            if status == 200 and _without_date(body) != self.expected[query]:
                self.wrong.append(f"{query}, in a row of many")
        self.answers["pipeline: 200"] += 1
        writer.close()


def _get(target: bytes, headers: bytes = b"", method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
    return method + b" " + target + b" HTTP/" + version + b"\r\nHost: x\r\n" + headers + b"\r\n"


ARGUMENTS = [b"set", b"from", b"metadataPrefix", b"resumptionToken", b"identifier"]
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
# name: the bytes that are sent; what may be answered to each stands in ANSWERS
ODD: dict[str, Callable[[random.Random], bytes]] = {
    "bytes": lambda chance: chance.randbytes(chance.randrange(1, 5000)) + b"\r\n\r\n",
    "long url": lambda chance: _get(b"/oai?verb=Identify&x=" + b"x" * (1 << 20)),
    "long header": lambda chance: _get(b"/oai?verb=Identify", b"X: " + b"x" * (1 << 20) + b"\r\n"),
    "many headers": lambda chance: _get(b"/oai?verb=Identify", b"".join(b"X-%d: x\r\n" % n for n in range(5000))),
    "many arguments": lambda chance: _get(b"/oai?" + b"&".join(b"x%d=1" % n for n in range(10_000))),
    "many commas": lambda chance: _get(b"/oai?verb=Identify", b"Accept-Encoding: " + b"a," * 30_000 + b"\r\n"),
    "any arguments": lambda chance: _get(b"/oai?verb=%s&%s" % (
        chance.choice([b"ListRecords", b"GetRecord", b"ListSets"]), b"&".join(
            b"%s=%%%02x%%%02x" % (chance.choice(ARGUMENTS), chance.randrange(256), chance.randrange(256))
            for _ in range(4)))),
    "long body": lambda chance: _get(b"/oai", FORM + b"Content-Length: 10000000\r\n", b"POST") + b"x" * 1_000_000,
    "endless body": lambda chance: _get(b"/oai", FORM + b"Transfer-Encoding: chunked\r\n", b"POST") + b"ffff\r\n" + (
        b"x" * 0xFFFF + b"\r\nffff\r\n") * 40,
    "bomb": lambda chance: _get(
        b"/oai", FORM + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n" % len(_bomb()), b"POST") + _bomb(),
    "bad length": lambda chance: _get(b"/oai", FORM + b"Content-Length: -1\r\n", b"POST"),
    "two lengths": lambda chance: _get(
        b"/oai", FORM + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"POST") + b"0\r\n\r\n",
    "old": lambda chance: _get(b"/oai?verb=Identify", version=b"1.0"),
    "head": lambda chance: _get(b"/oai?verb=ListRecords&metadataPrefix=oai_dc", method=b"HEAD"),
    "method": lambda chance: _get(b"/oai?verb=Identify", method=b"DELETE"),
    "path": lambda chance: _get(b"/../../../../etc/passwd"),
    "record": lambda chance: _get(b"/api/records/..%2f..%2farchive.json"),
    "upgrade": lambda chance: _get(
        b"/oai?verb=Identify", b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n"),
}  # fmt: skip
ANSWERS = {
    "bytes": {400},
    "long url": {400, 414},
    "long header": {400, 431},
    "many headers": {400, 431},
    "many arguments": {200},
    "many commas": {200},
    "any arguments": {200},
    "long body": {413},
    "endless body": {413},
    "bomb": {400, 413},
    "bad length": {400},
    "two lengths": {400},
    "old": {200},
    "head": {200},
    "method": {405},
    "path": {404},
    "record": {404},
    "upgrade": {200},
    "pipeline": {200},
}


# bytes that are no HTTP may be the beginning of something; where the server does not read to the end of what it
# refuses, the refusal may be overtaken by the end of the connection
UNANSWERED = {"bytes", "long url", "long header", "many headers", "long body", "endless body"}


@functools.cache
def _bomb() -> bytes:
    return gzip.compress(bytes(50 << 20), 1)


@pytest.mark.parametrize("name", sorted(ODD))
def test_an_odd_request_is_answered_rightly_or_not_at_all(mirrored: Server, name: str):
    with socket.create_connection(("127.0.0.1", mirrored.port), timeout=20) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(ODD[name](random.Random(name)))
        if name == "bytes":
            connection.shutdown(socket.SHUT_WR)
        line = b""
        with contextlib.suppress(ConnectionError):
            line = connection.recv(4096)
    assert line or name in UNANSWERED
    assert not line or int(line.split()[1]) in ANSWERS[name]
    assert mirrored.ask("/oai?verb=Identify").error is None


def test_good_clients_are_answered_rightly_whatever_others_do(server: Server):
    load = Load(server, {query: _without_date(server.ask(f"/oai?{query}").body) for query in QUERIES})
    before = memory_of(server.process.pid, "VmRSS")
    requests = amount(256, 50_000)

    async def everybody() -> list[str]:
        attacks = [
            *[load.slow_header] * 40,
            *[load.slow_reader] * 8,
            *[load.gone] * 4,
            *[load.odd] * 4,
            *[load.pipeline] * 2,
        ]
        bad = [asyncio.ensure_future(load.again(once, seed)) for seed, once in enumerate(attacks)]
        try:
            harvested = asyncio.to_thread(_harvest, server)
            clients = (load.good(requests // CLIENTS, seed) for seed in range(CLIENTS))
            return (await asyncio.gather(harvested, *clients))[0]
        finally:
            load.over = True
            await asyncio.gather(*bad)

    names = asyncio.run(everybody())
    tried("requests to harvester serve under attack", load.statuses.total() + load.answers.total())
    assert names == sorted(one.identifier for one in serving_archive.many(COUNT))
    assert load.wrong == []
    assert set(load.statuses) <= {200, 503}
    assert load.statuses[200] > 0.9 * load.statuses.total()
    told = {(name, int(status)) for name, _, status in (answer.partition(": ") for answer in load.answers)}
    assert {one for one in told if one[1] not in {*ANSWERS[one[0]], 503}} == set()
    assert server.process.poll() is None
    assert server.ask("/oai?verb=Identify").error is None
    assert memory_of(server.process.pid) - before < GROWTH_MOST_BYTES


def test_more_connections_than_it_takes_keep_nobody_out(folder: Path, tmp_path: Path):
    """With few files to open, it serves on; those who ask nothing make room."""
    with mirror(folder, tmp_path, files=128) as server:

        async def crowd() -> list[int]:
            idle = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(400)]
            load = Load(server)
            statuses = []
            for _ in range(10):
                reader, writer = await load.open()
                writer.write(_get(b"/oai?verb=Identify"))
                async with asyncio.timeout(20):
                    statuses.append((await _answer(reader))[0])
            for _, writer in idle:
                writer.transport.abort()
            return statuses

        assert asyncio.run(crowd()) == [200] * 10
        files = Path(f"/proc/{server.process.pid}/fd")
        assert not files.exists() or len(list(files.iterdir())) <= 128
        assert _harvest(server) == sorted(one.identifier for one in serving_archive.many(COUNT))


def _harvest(server: Server) -> list[str]:
    """All identifiers, as an independent client gets them; it obeys a 503."""
    client = Sickle(server.url, max_retries=20, default_retry_after=1)
    return sorted(record.header.identifier for record in client.ListRecords(metadataPrefix="oai_dc"))


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """(status, body) of the next answer on a connection."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:"))
    return int(head.split()[1]), await reader.readexactly(length)


def _without_date(body: bytes) -> bytes:
    before, _, rest = body.partition(b"<responseDate>")
    return before + rest.partition(b"</responseDate>")[2]
