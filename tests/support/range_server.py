"""A web server for files that answers Range requests, well or in one of the ways that real ones do not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

from support.local_server import serving


@dataclass
class Ranging:
    """What the server does. `manners` are taken one a request, the last one for all that follow."""

    root: Path
    manners: list[str] = field(default_factory=lambda: ["well"])
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def next(self) -> str:
        return self.manners.pop(0) if len(self.manners) > 1 else self.manners[0]


@contextmanager
def ranging(root: Path, *manners: str) -> Iterator[Ranging]:
    """Serve a folder; `manners` are how the first answers are, the last one for good."""
    state = Ranging(root, list(manners) or ["well"])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            state.requests.append((self.path, self.headers.get("Range")))
            state.headers.append({name.lower(): value for name, value in self.headers.items()})
            _Answer(self, state).send(state.next())

        def log_message(self, *words: object) -> None:
            pass

    with serving(Handler) as state.url:
        yield state


class _Answer:
    def __init__(self, handler: BaseHTTPRequestHandler, state: Ranging) -> None:
        self.handler, self.state = handler, state
        self.range = handler.headers.get("Range")
        path = unquote(handler.path.partition("?")[0]).lstrip("/").removeprefix("moved/")
        self.file = state.root / path
        self.body = self.file.read_bytes() if self.file.is_file() else None

    def send(self, manner: str) -> None:
        if manner.isdigit():
            self.plain(int(manner), b"no")
        elif manner.startswith("wait "):
            self.plain(429, b"later", {"Retry-After": manner[5:]})
        elif manner.startswith("to "):
            self.plain(302, b"", {"Location": manner[3:]})
        elif manner == "gone":
            self.handler.close_connection = True
        elif self.body is None:
            self.plain(404, b"no such file")
        elif self.range is None or manner == "no ranges":
            self.plain(200, self.body, {"Content-Encoding": "br"} if manner == "packed" else {})
        else:
            self.part(manner, self.body)

    def part(self, manner: str, body: bytes) -> None:
        first, last = map(int, str(self.range).removeprefix("bytes=").split("-"))
        if first >= len(body):
            self.plain(416, b"", {"Content-Range": f"bytes */{len(body)}"})
            return
        piece, total = body[first : last + 1], str(len(body))
        stated = (first, first + len(piece) - 1)
        if manner == "shifted":
            stated = (first + 1, stated[1] + 1)
        if manner == "short":
            piece = piece[:-1]
            stated = (first, stated[1] - 1)
        if manner == "longer":
            piece += b"more"
        if manner == "grown":
            total = str(len(body) + 1)
        if manner == "no total":
            total = "*"
        if manner == "other bytes":
            piece = bytes(byte ^ 1 for byte in piece)
        headers = {"Content-Range": f"bytes {stated[0]}-{stated[1]}/{total}"}
        if manner == "unsaid":
            headers = {}
        if manner == "many parts":
            headers = {"Content-Type": "multipart/byteranges; boundary=x"}
        if manner == "packed":
            headers["Content-Encoding"] = "gzip"
        self.plain(206, piece, headers, cut=manner == "cut")

    def plain(self, status: int, body: bytes, headers: dict[str, str] | None = None, *, cut: bool = False) -> None:
        self.handler.send_response(status)
        for name, value in (headers or {}).items():
            self.handler.send_header(name, value)
        self.handler.send_header("Content-Length", str(len(body)))
        self.handler.end_headers()
        self.handler.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.handler.close_connection = True
