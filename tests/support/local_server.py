"""A server on this machine for the time of a `with`."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiohttp import web


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve with a handler class; gives the base URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def serving_application(application: web.Application, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve an application of aiohttp, in a thread of its own; gives the base URL."""
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    urls: list[str] = []
    ends: list[asyncio.Event] = []

    async def serve() -> None:
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        await site.start()
        assert site._server is not None
        urls.append(f"http://{host}:{site._server.sockets[0].getsockname()[1]}")  # type: ignore[attr-defined]
        ends.append(asyncio.Event())
        ready.set()
        await ends[0].wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(120)
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(ends[0].set)
        thread.join(120)
        loop.close()
