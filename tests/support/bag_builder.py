"""Bags that the code under test makes: names of all kinds, what others say of them, and a server to fill them from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote

import bagit

from archive.bags.check import check_bag
from archive.bags.create import Made, write_bags
from archive.bags.payload import payload_of
from archive.bags.plan import Options
from support.local_server import serving

DATE = "2026-10-01"
FILES = {
    "a.txt": b"first\n",
    "b/c/empty": b"",
    "b/ümläut – 資料.bin": bytes(range(256)) * 40,
    "b/with blank and 'quotes'.txt": b"x" * 1000,
}


def options(**more: object) -> Options:
    return Options(date=DATE, agent="harvester 0", **more)  # type: ignore[arg-type]


def folder_of(root: Path, files: dict[str, bytes] = FILES) -> Path:
    """A folder that holds these files."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def bagged(path: Path, out: Path, *, with_index: bool = False, **more: object) -> Made:
    """Put a path into a bag."""
    with payload_of(path, with_index=with_index) as payload:
        return write_bags(payload, out, options(**more))


def validate(bag: Path) -> None:
    """bagit-python and our own checker find the bag valid, and ours finds nothing else either."""
    assert bagit.Bag(str(bag)).validate()
    assert [finding.code for finding in check_bag(bag).findings] == []


@dataclass
class Files:
    """A server of a folder's files with Range. `spoil(number, path)` may give (status, body) instead.

    `cut` is after how many bytes the answer to the n-th request breaks off; `lengths` is False for answers without one.
    """

    folder: Path
    spoil: Callable[[int, str], tuple[int, bytes] | None] = lambda number, path: None
    cut: dict[int, int] = field(default_factory=dict)
    lengths: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""


@contextmanager
def files_at(server: Files) -> Iterator[Files]:
    """Serve them for the time of a `with`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            server.asked.append((self.path, wanted))
            number = len(server.asked)
            if (spoilt := server.spoil(number, self.path)) is not None:
                self._answer(spoilt[0], spoilt[1], number)
                return
            path = server.folder / unquote(self.path.lstrip("/"))
            if not path.is_file():
                self._answer(404, b"no such file", number)
                return
            body = path.read_bytes()
            if not wanted:
                self._answer(200, body, number)
                return
            first = int(wanted.removeprefix("bytes=").removesuffix("-"))
            said = f"bytes {first}-{len(body) - 1}/{len(body)}"
            self._answer(206, body[first:], number, ("Content-Range", said))

        def _answer(self, status: int, body: bytes, number: int, *headers: tuple[str, str]) -> None:
            self.send_response(status)
            if server.lengths or status != 200:
                self.send_header("Content-Length", str(len(body)))
            for header in headers:
                self.send_header(*header)
            if 300 <= status < 400:
                self.send_header("Location", body.decode())
            self.end_headers()
            self.wfile.write(body[: server.cut.get(number)])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
            pass

    with serving(Handler) as url:
        server.url = url
        yield server
