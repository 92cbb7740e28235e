"""A small provider for tests about manners: it repeats what it was sent wherever a provider could, and says who came.

Speaks OAI-PMH at /oai and has records at /api/ID. Its list is two pages long;
before it gives the first it fails in the ways of `TROUBLE`.
"""

import base64
import gzip
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

OAI = (
    '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-01-02T03:04:05Z</responseDate>'
    "<request>{url}</request>{inner}</OAI-PMH>"
)
IDENTIFY = (
    "<Identify><repositoryName>sent {secret}</repositoryName><baseURL>{url}</baseURL><protocolVersion>2.0"
    "</protocolVersion><adminEmail>a@example.org</adminEmail><earliestDatestamp>2025-01-01T00:00:00Z"
    "</earliestDatestamp><deletedRecord>no</deletedRecord><granularity>YYYY-MM-DDThh:mm:ssZ</granularity></Identify>"
)
FORMATS = (
    "<ListMetadataFormats><metadataFormat><metadataPrefix>oai_dc</metadataPrefix><schema>s</schema>"
    "<metadataNamespace>n</metadataNamespace></metadataFormat></ListMetadataFormats>"
)
RECORD = (
    "<record><header><identifier>oai:x:{n}</identifier><datestamp>2025-01-0{n}T00:00:00Z</datestamp></header><metadata>"
    '<oai_dc:dc xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "<dc:title>{title}</dc:title></oai_dc:dc></metadata></record>"
)
TROUBLE = ("error page", "redirect away", "broken answer", "broken XML", "OAI error", "redirect here")


@dataclass
class Echo:
    """A running provider. `seen` are (path and query, headers) of each request; `away` is where it redirects to;
    `robots` is its robots.txt, "" none, "broken" a server error, "elsewhere" a redirect there; `dead`: nothing that it
    sends is HTTP.
    """

    server: ThreadingHTTPServer
    scheme: str = "http"
    away: str = ""
    robots: str = ""
    dead: bool = False
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}/oai"

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], str]:
        """Status, headers and body for a request."""
        secret = headers.get("Authorization", "")
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        if self.dead:
            return 0, {}, secret
        if path.startswith("/robots.txt"):
            return self._robots(secret)
        if path.startswith("/api/"):
            return self._record(path.removeprefix("/api/"), secret)
        inner = {"Identify": IDENTIFY.format(secret=secret, url=self.url), "ListMetadataFormats": FORMATS}
        if query.get("verb") in inner:
            return 200, {}, OAI.format(url=self.url, inner=inner[query["verb"]])
        if query.get("verb") == "ListRecords" and self.left and "t" not in query:
            return self._trouble(self.left.pop(0), secret, path)
        return 200, {}, self._list(query, secret)

    def _robots(self, secret: str) -> tuple[int, dict[str, str], str]:
        if self.robots == "elsewhere":
            return 302, {"Location": f"{self.away}/robots.txt"}, ""
        if self.robots in ("", "broken"):
            return 503 if self.robots else 404, {}, secret
        return 200, {}, f"{self.robots}\n# {secret}"

    def _trouble(self, kind: str, secret: str, path: str) -> tuple[int, dict[str, str], str]:
        where = f"{self.away}/steal?t={quote(secret)}" if kind == "redirect away" else f"{path}&t={quote(secret)}"
        return {
            "error page": (500, {}, f"<html>not allowed: {secret} {base64.b64encode(secret.encode()).decode()}</html>"),
            "redirect away": (302, {"Location": where}, secret),
            "redirect here": (302, {"Location": where}, secret),
            "broken answer": (0, {}, secret),
            "broken XML": (200, {}, OAI.format(url=self.url, inner=f"<ListRecords>{secret}")),
            "OAI error": (200, {}, OAI.format(url=self.url, inner=f'<error code="badArgument">{secret}</error>')),
        }[kind]

    def _record(self, name: str, secret: str) -> tuple[int, dict[str, str], str]:
        """One record by id: each of them repeats what was sent in another way."""
        away = {"Location": f"{self.away}/api/{name}?t={quote(secret)}"}
        here = {"Location": f"/api/{quote(secret, safe='')}"}
        return {
            "1": (200, {"ETag": secret}, f'{{"id": "1", "title": "sent {secret}"}}'),
            "2": (403, {}, f'{{"message": "{secret}"}}'),
            "3": (500, {}, f"<html>{secret}</html>"),
            "4": (302, away, secret),
            "5": (302, here, secret),
            "6": (410, {}, f'{{"tombstone": {{"note": "{secret}"}}}}'),
            "7": (200, {}, f"<html>{secret}</html>"),
            "8": (0, {}, secret),
            "9": (200, {}, f'{{"id": "{secret}"}}'),
        }.get(name, (404, {}, secret))

    def _list(self, query: dict[str, str], secret: str) -> str:
        if "resumptionToken" in query:
            shown = [(3, quote(secret, safe="")), (4, "plain")]
            return OAI.format(url=self.url, inner=f"<ListRecords>{_records(shown)}<resumptionToken/></ListRecords>")
        shown = [(1, f"sent {secret}"), (2, base64.b64encode(secret.encode()).decode())]
        token = '<resumptionToken completeListSize="4" cursor="0">next</resumptionToken>'
        until = query.get("until", "9") >= "2025-01-02" and query.get("from", "0") <= "2025-01-01T99"
        inner = f"<ListRecords>{_records(shown)}{token}</ListRecords>" if until else '<error code="noRecordsMatch"/>'
        return OAI.format(url=self.url, inner=inner)


def _records(shown: list[tuple[int, str]]) -> str:
    return "".join(RECORD.format(n=n, title=title) for n, title in shown)


class _Handler(BaseHTTPRequestHandler):
    echo: Echo

    def do_GET(self) -> None:
        headers = dict(self.headers.items())
        self.echo.seen.append((self.path, headers))
        status, more, body = self.echo.answer(self.path, headers)
        if not status:  # no HTTP at all
            self.wfile.write(f"HTTX {body}\r\n\r\n".encode())
            return
        packed = gzip.compress(body.encode()) if status == 200 and "resumptionToken=" in self.path else body.encode()
        self.send_response(status)
        for name, value in {"X-Echo": headers.get("Authorization", ""), "Content-Type": "text/xml", **more}.items():
            self.send_header(name, value)
        if packed != body.encode():
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(packed)))
        self.end_headers()
        self.wfile.write(packed)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def echoing(
    away: str = "", robots: str = "", trouble: tuple[str, ...] = (), certificate: Path | None = None
) -> Iterator[Echo]:
    """A provider on a port of its own, until the block ends; `certificate` is a PEM file with its key."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    echo = Echo(server, "http" if certificate is None else "https", away, robots, left=list(trouble))
    handler.echo = echo  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield echo
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
