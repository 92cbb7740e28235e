"""Serves an archive over HTTP: OAI-PMH at /oai, records as JSON or XML at /api/records/ID.

A thin shell: what is answered is decided in `provider` and `holdings`. Whatever reads the disk runs in threads, so
that a slow query does not keep others waiting. Whatever a client can make wait or grow has a bound: connections,
the time for a request and for taking an answer, requests in line, bodies that nobody has taken yet.
"""

import asyncio
import gzip
import logging
import signal
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar
from urllib.parse import parse_qsl, unquote

import orjson
from aiohttp import hdrs, web

from archive.errors import ArchiveError
from archive.store import envelope
from harvester.errors import UsageError
from harvester.oaipmh import is_xml
from harvester.serving.holdings import ArchiveHoldings
from harvester.serving.http import JSON, XML, Allowance, Connections, Rate, accepted_form, most_connections, takes_gzip
from harvester.serving.provider import Repository, respond

log = logging.getLogger(__name__)

THREADS = 4
# a request that is longer than any that means something
MOST_BYTES = 256 << 10
# a body shorter than this is not worth packing
GZIP_FROM_BYTES = 1 << 10
# from the connection, or the last answer, to the end of the next request's header; proxies keep theirs open for 60
HEADER_SECONDS = 75.0
# for the body of a request, which has MOST_BYTES
BODY_SECONDS = 30.0
# for taking an answer: so long in any case, and so much longer as it has bytes
SEND_SECONDS, SEND_BYTES_PER_SECOND = 30.0, 4 << 10
# requests that are in line for a thread, or have one; a client that finds it full is told to come back
LINE_MOST, COME_BACK_SECONDS = 200, 5
# bodies that were made and not yet taken, in bytes
UNSENT_MOST = 256 << 20
_RECORDS = "/api/records/"
_T = TypeVar("_T")
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a server listens."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The root of everything served, without a slash at its end."""
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


class Server:
    """One archive, served. `repository` makes what the provider says of itself, given its own address."""

    def __init__(
        self, holdings: ArchiveHoldings, repository: Callable[[Listening], Repository], rate: Rate | None = None
    ) -> None:
        self._holdings, self._make_repository = holdings, repository
        self._repository: Repository | None = None
        self._allowance = Allowance(rate) if rate is not None else None
        self._threads = ThreadPoolExecutor(THREADS, "serve")
        self._connections: Connections | None = None
        self._in_line = 0
        self._unsent_bytes = 0

    def run(self, host: str, port: int, listening: Callable[[Listening], None]) -> None:
        """Serve until SIGTERM or SIGINT; `listening` is told the address, with the port that 0 became.

        Raises UsageError when the address cannot be had.
        """
        try:
            asyncio.run(self._serve(host, port, listening))
        finally:
            self._threads.shutdown(cancel_futures=True)

    async def _serve(self, host: str, port: int, listening: Callable[[Listening], None]) -> None:
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_number, ended.set)
        runner = web.AppRunner(
            self.application(),
            access_log=None,
            shutdown_timeout=2.0,
            max_line_size=MOST_BYTES,
            max_field_size=1 << 16,
            keepalive_timeout=HEADER_SECONDS,
        )
        await runner.setup()
        assert runner.server is not None
        self._connections = Connections(runner.server, most_connections())
        try:
            try:
                server = await loop.create_server(self._connections, host, port, backlog=1024)
            except OSError as cause:
                raise UsageError(
                    f"cannot listen at {host} port {port}: {cause.strerror or cause}; "
                    "--port 0 takes any port that is free"
                ) from cause
            where = Listening(host, server.sockets[0].getsockname()[1])
            self._repository = self._make_repository(where)
            listening(where)
            await ended.wait()
            server.close()
        finally:
            await runner.cleanup()

    def application(self) -> web.Application:
        """The routes."""
        application = web.Application(
            middlewares=[self._deliver, self._budget, self._mishaps], client_max_size=MOST_BYTES
        )
        application.router.add_get("/", self._root)
        application.router.add_get("/oai", self._oai)
        application.router.add_post("/oai", self._oai)
        application.router.add_get(_RECORDS + "{identifier:.+}", self._record)
        return application

    # what holds for every request

    @web.middleware
    async def _deliver(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Send an answer here, where there is an end to the time that the client may take for it."""
        assert self._connections is not None
        with self._connections.answering(request.protocol):
            response = await handler(request)
            size = len(response.body) if isinstance(response, web.Response) and isinstance(response.body, bytes) else 0
            self._unsent_bytes += size
            try:
                async with asyncio.timeout(SEND_SECONDS + size / SEND_BYTES_PER_SECOND):
                    await response.prepare(request)
                    await response.write_eof()
            except TimeoutError:
                log.info("an answer of %d bytes was not taken in time", size)
                if request.transport is not None:
                    request.transport.abort()
            finally:
                self._unsent_bytes -= size
        return response

    @web.middleware
    async def _budget(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        if self._allowance is None:
            return await handler(request)
        verdict = self._allowance.ask(request.remote or "", time.monotonic())
        response = (
            await handler(request)
            if verdict.granted
            else web.Response(
                status=429,
                text=f"more than {self._allowance.rate.requests} requests in {self._allowance.rate.seconds} seconds; "
                f"ask again in {verdict.wait_seconds} s\n",
                headers={"Retry-After": str(verdict.wait_seconds)},
            )
        )
        response.headers["X-RateLimit-Limit"] = str(self._allowance.rate.requests)
        response.headers["X-RateLimit-Remaining"] = str(verdict.remaining)
        response.headers["X-RateLimit-Reset"] = str(int(time.time()) + verdict.whole_seconds)
        return response

    @web.middleware
    async def _mishaps(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """An archive that cannot be read is a server error: a page without its records would be believed."""
        try:
            return await handler(request)
        except ArchiveError as error:
            log.error("%s: %s", ascii(request.path)[:200], error)
            return web.Response(status=500, text=f"{error}\n")

    async def _in_thread(self, request: web.Request, work: Callable[[], _T]) -> _T:
        """Raises HTTPServiceUnavailable when there is no room, and for a client that has gone."""
        if self._in_line >= LINE_MOST:
            raise _full()

        def in_turn() -> _T:
            if self._unsent_bytes > UNSENT_MOST or request.transport is None:
                raise _full()
            return work()

        self._in_line += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, in_turn)
        finally:
            self._in_line -= 1

    # what is served

    async def _root(self, request: web.Request) -> web.Response:
        return web.Response(
            text="/oai?verb=Identify   OAI-PMH 2.0\n/api/records/ID      a record, JSON or XML by Accept\n"
        )

    async def _oai(self, request: web.Request) -> web.Response:
        text = _raw_query(request)
        if request.method == "POST":
            text = "&".join(filter(None, (text, (await _form(request)))))
        # what is no UTF-8 stays visible as lone surrogates, and the provider refuses it
        query = parse_qsl(text, keep_blank_values=True, errors="surrogateescape")
        assert self._repository is not None
        answer = partial(respond, query, datetime.now(UTC), self._repository, self._holdings)
        packs = takes_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, ""))
        body, packed = await self._in_thread(request, lambda: _packed(answer(), packs))
        headers = {hdrs.VARY: "Accept-Encoding"}
        if packed:
            headers[hdrs.CONTENT_ENCODING] = "gzip"
        return web.Response(body=body, content_type="text/xml", charset="utf-8", headers=headers)

    async def _record(self, request: web.Request) -> web.Response:
        # the raw path: an identifier may have slashes, encoded or not
        raw = request.raw_path.partition("?")[0].partition(_RECORDS)[2]
        identifier = unquote(raw, errors="surrogateescape")
        wanted = accepted_form(request.headers.get(hdrs.ACCEPT, ""))
        if wanted is None:
            return _problem(406, f"a record is to be had as {JSON} or {XML}")
        return await self._in_thread(request, partial(self._represent, identifier, request.query.get("format"), wanted))

    def _represent(self, identifier: str, format_: str | None, wanted: str) -> web.Response:
        """A record in the form that is wanted; of several formats the first by name that has it."""
        held = self._holdings.find(identifier) if _is_text(identifier) else []
        names = sorted({one.identifier for one in held})
        if len(names) > 1:
            return _problem(300, "this is short for several identifiers", identifiers=names)
        chosen = [one for one in held if format_ in (None, one.format)]
        if not chosen:
            return _problem(404, "no such record", formats=[one.format for one in held])
        live = [one for one in chosen if not one.deleted]
        if not live:  # the tombstone
            return _found(410, JSON, self._holdings.text(chosen[0]))
        if wanted == JSON:
            return _found(200, JSON, self._holdings.text(live[0]))
        for record in (envelope.decode(self._holdings.text(one)) for one in live):
            if record.original is not None and is_xml(record.media_type):
                return _found(200, XML, record.original_bytes() or b"")
        return _problem(406, "the record is not held as XML")


# --- inside


def _raw_query(request: web.Request) -> str:
    """The query as it was sent, which is decoded once, and by us."""
    return request.raw_path.partition("?")[2].partition("#")[0]


async def _form(request: web.Request) -> str:
    """The arguments of a POST (section 3.1.1.2); nothing when the body is no form, which then lacks its verb."""
    if request.content_type != "application/x-www-form-urlencoded":
        return ""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text=f"the body did not come within {BODY_SECONDS:g} s\n") from None
    return body.decode("utf-8", "surrogateescape").strip("\r\n")


def _full() -> web.HTTPServiceUnavailable:
    return web.HTTPServiceUnavailable(
        text=f"too many are served at once; ask again in {COME_BACK_SECONDS} s\n",
        headers={"Retry-After": str(COME_BACK_SECONDS)},
    )


def _packed(body: bytes, packs: bool) -> tuple[bytes, bool]:
    """A body, gzipped where the client takes it and it is worth it. Level 1: XML shrinks to a fifth all the same."""
    if not packs or len(body) < GZIP_FROM_BYTES:
        return body, False
    return gzip.compress(body, 1, mtime=0), True


def _is_text(text: str) -> bool:
    """Whether a name was UTF-8: what was not is a lone surrogate, which no identifier has."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _found(status: int, media_type: str, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, content_type=media_type, headers={hdrs.VARY: "Accept"})


def _problem(status: int, detail: str, **more: object) -> web.Response:
    """A problem document (RFC 9457)."""
    body = orjson.dumps({"status": status, "detail": detail, **more})
    return web.Response(status=status, body=body, content_type="application/problem+json")
