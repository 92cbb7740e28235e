"""A server on this machine that answers as a provider once did, and to nothing else; and harvests from it.

What it answers comes from the corpus (`../shared/corpus`, the fixture `corpus`). A body with a `NAME.http.json` beside
it is a recorded exchange: `Replay.recorded` gives its reply to the method, path, query (in any order) and Accept of its
request. Bodies without a recording are given to a URL by the test (`Replay.given`), with a status.

What is replayed is what was sent: status, body and headers as they were recorded, Date and Retry-After among them. A
reset of a rate limit is a moment on the clock that Date shows, so both stay as they are; only a reset without a Date is
moved to now. Left out are headers about the transfer (its coding, its length, its connection), for bodies are stored
decoded. Only where a client follows it, the recorded host becomes this server: in the headers Location and Link. A body
is never changed; where it lists addresses to follow, as a list of dumps does, the test says so (`Replay.here`).

It is strict: a request that nobody recorded is answered with 599 and is in `strangers`, for the test to see. Only
robots.txt is 404 unless one was given, and what the test names (`Replay.absent`).
"""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from harvester.sources.model import FOLDER
from support import fork_server
from support.harvest_runs import HARVESTER, environment

NOT_RECORDED = 599
_TRANSFER = frozenset({"connection", "content-encoding", "content-length", "keep-alive", "transfer-encoding"})
_FOLLOWED = frozenset({"location", "link"})
_UNIX = 1e9

# method, path, query
Key = tuple[str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; `accept` is what its request accepted."""

    accept: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass
class Replay:
    """A running server. `asked` are the targets (path and query) of all requests in their order, `strangers` those that
    were not recorded, with what they accept.
    """

    port: int
    asked: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    _absent: list[re.Pattern[str]] = field(default_factory=lambda: [re.compile(r"/robots\.txt$")])
    _replies: dict[Key, list[Reply]] = field(default_factory=dict)
    _given: Counter[tuple[Key, str]] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def recorded(self, body: Path, target: str | None = None, accept: str | None = None, **headers: str) -> None:
        """Replay the exchange of a body; several of one request are replayed in turn, the last one for ever.

        `target` takes the place of the path and query that were asked, `accept` and `headers` that of recorded ones.
        """
        exchange = json.loads(body.with_suffix(".http.json").read_bytes())
        request, response = exchange["request"], exchange["response"]
        parts = urlsplit(request["uri"])
        host = re.compile(rf"https?://{re.escape(parts.hostname or '')}(?::\d+)?(?=[/?>]|$)")
        found = {
            name: host.sub(self.url, value) if name.lower() in _FOLLOWED else value
            for name, value in _pairs(response["headers"])
            if name.lower() not in _TRANSFER
        }
        accepted = next((value for name, value in _pairs(request["headers"]) if name.lower() == "accept"), "*/*")
        found |= {name.replace("_", "-"): value for name, value in headers.items()}
        asked = target or f"{parts.path}?{parts.query}"
        reply = Reply(accept or accepted, int(response["status"]), tuple(_moved(found).items()), body.read_bytes())
        self._replies.setdefault(_key(request["method"], asked), []).append(reply)

    def given(
        self, target: str, body: Path | bytes, media_type: str, status: int = 200, accept: str = "*/*", **headers: str
    ) -> None:
        """Answer GETs of a target that accept this with a body that has no recording."""
        found = {"Content-Type": media_type} | {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else body.read_bytes()
        reply = Reply(accept, status, tuple(_moved(found).items()), content)
        self._replies.setdefault(_key("GET", target), []).append(reply)

    def absent(self, pattern: str) -> None:
        """Answer 404 to what has no recording and a target in which the pattern is found."""
        self._absent.append(re.compile(pattern))

    def here(self, body: bytes, host: str) -> bytes:
        """A body with the addresses of a host in it as addresses of this server."""
        return body.replace(host.encode(), self.url.encode())

    def answer(self, method: str, target: str, accept: str) -> Reply:
        """The reply to a request: of those recorded for it the one whose Accept is nearest, each in its turn."""
        key = _key(method, target)
        with self._lock:
            self.asked.append(target)
            fitting = [(fit, reply) for reply in self._replies.get(key, ()) if (fit := _fit(reply.accept, accept))]
            if fitting:
                nearest = max(fitting, key=lambda one: one[0])[1].accept
                turns = [reply for _, reply in fitting if reply.accept == nearest]
                turn = self._given[key, nearest]
                self._given[key, nearest] += 1
                return turns[min(turn, len(turns) - 1)]
            if any(pattern.search(target) for pattern in self._absent):
                return Reply("", 404, (("Content-Type", "text/plain"),), b"")
            self.strangers.append(f"{method} {target} Accept: {accept}")
        return Reply("", NOT_RECORDED, (("Content-Type", "text/plain"),), f"not recorded: {target}".encode())


@contextmanager
def replaying() -> Iterator[Replay]:
    """`with replaying() as replay: replay.recorded(corpus / "zenodo/oai-http/identify-02.xml")`."""
    running: list[Replay] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            reply = running[0].answer(self.command, self.path, self.headers.get("Accept", "*/*"))
            self.send_response_only(reply.status)  # without a Date of its own
            for name, value in (*reply.headers, ("Content-Length", str(len(reply.body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        running.append(Replay(http.server_port))
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield running[0]
        finally:
            http.shutdown()
            thread.join()


def copied(source: str, replay: Replay, folder: Path) -> str:
    """`source=` a copy of a source's file that has its endpoints at the replay, and a hundred times its budgets.

    Everything else is as in the file. A platform's `{site}` stays: `-a site=` fills it.
    """
    text = (FOLDER / f"{source}.toml").read_text(encoding="utf-8")
    text = re.sub(r'(?m)^(url = ")https://[^/"]+', rf"\g<1>{replay.url}", text)
    path = folder / f"{source}-replayed.toml"
    path.write_text(re.sub(r"(?m)^requests = \d+$", r"\g<0>00", text), encoding="utf-8")
    return f"source={path}"


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it said."""

    code: int
    said: str


def crawl(spider: str, archive: Path, *words: str) -> Ran:
    """Harvest in a process of its own, nothing kept of it but the archive."""
    arguments = [part for word in (*words, f"archive={archive}") for part in ("-a", word)]
    # no state: the port may be another provider's in the next test
    settings = ["-s", "HARVEST_STATE=none", "-s", "HARVEST_TRIES=2", "-s", "HARVEST_DECODERS=0"]
    done = fork_server.run(
        [HARVESTER, "crawl", spider, "--contact", "replay@repository.example", "-v", *settings, *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env=environment(),
    )
    return Ran(done.returncode, f"{done.stdout}\n{done.stderr}")


def _key(method: str, target: str) -> Key:
    parts = urlsplit(target)
    return method, unquote(parts.path), tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))


def _pairs(headers: Mapping[str, str | Sequence[str]]) -> Iterator[tuple[str, str]]:
    for name, values in headers.items():
        for value in [values] if isinstance(values, str) else values:
            yield name, value


def _moved(headers: dict[str, str]) -> dict[str, str]:
    """With a reset, as Unix time, that has no Date beside it moved to when Retry-After ends."""
    names = {name.lower(): name for name in headers}
    name = names.get("x-ratelimit-reset")
    if name is None or "date" in names or not headers[name].isdigit() or float(headers[name]) < _UNIX:
        return headers
    return headers | {name: str(int(time.time()) + int(headers.get(names.get("retry-after", ""), "0")))}


def _fit(recorded: str, asked: str) -> int:
    """How near two Accept headers are: 0 nothing in common, 1 by any type, 2 by any subtype, 3 by a media type."""
    pairs = [(one, other) for one in _ranges(recorded) for other in _ranges(asked)]
    return max((_overlap(one, other) for one, other in pairs), default=0)


def _overlap(one: str, other: str) -> int:
    if "*/*" in (one, other):
        return 1
    if one == other:
        return 3
    same = one.partition("/")[0] == other.partition("/")[0]
    return 2 if same and (one.endswith("/*") or other.endswith("/*")) else 0


def _ranges(accept: str) -> list[str]:
    return [part.partition(";")[0].strip().lower() for part in accept.split(",") if part.strip()]
