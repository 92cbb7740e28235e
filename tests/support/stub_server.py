"""A server on this machine that answers each path as it is told, and remembers what it was asked."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Reply = tuple[int, Mapping[str, str], bytes]
NOT_FOUND: Reply = (404, {"Content-Type": "text/html"}, b"<html>no such page</html>")


@dataclass
class Answering:
    """A running server. `replies` has a reply, or what makes one of the path with its query, for each path."""

    port: int
    replies: dict[str, Reply | Callable[[str], Reply]]
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def reply(self, target: str) -> Reply:
        found = self.replies.get(target) or self.replies.get(target.partition("?")[0], NOT_FOUND)
        return found(target) if callable(found) else found


@contextmanager
def answering(replies: Mapping[str, Any]) -> Iterator[Answering]:
    """`with answering({"/robots.txt": (200, {}, b"")}) as server:`; a path that is not there is 404."""
    running: list[Answering] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server = running[0]
            server.asked.append((self.path, dict(self.headers)))
            status, headers, body = server.reply(self.path)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        running.append(Answering(http.server_port, dict(replies)))
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield running[0]
        finally:
            http.shutdown()
            thread.join()
