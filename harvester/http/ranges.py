"""Pieces of files on a web server, by Range requests (RFC 9110, section 14): a few kilobytes of a dump of any size.

Nothing is taken that was not asked for: a server that sends the whole file instead, or other bytes than it says, is
refused. What the bytes are worth is for the checks of whoever reads them.
"""

import re
import time
from collections.abc import Callable
from urllib.parse import quote, urlsplit

from archive.store import WHOLE_MOST
from harvester.errors import Unreachable, UsageError
from harvester.http.client import BlockingClient, Exchange, Policy, Response
from harvester.http.credentials import Credentials
from harvester.http.retries import GONE, Retries

RETRIES = Retries(tries=3, longest_wait_seconds=60.0)
_BEHIND_THE_END = 416
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", re.ASCII)


class RangeFiles:
    """The files below a URL, as `archive.store.pieces.Files` has them; to be closed."""

    folder = None

    def __init__(
        self, url: str, user_agent: str, credentials: Credentials, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Raises UsageError for a URL that is no folder's: one with a query."""
        parts = urlsplit(url)
        if parts.query:
            raise UsageError(f"{url} has a query: name a URL such that manifest.json or archive.json is found below it")
        path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
        self.where = f"{parts.scheme}://{parts.netloc}{path}"
        self._client = BlockingClient(
            Policy(
                user_agent=user_agent,
                hosts=frozenset({parts.netloc.lower()}),
                credentials=credentials,
                accept_encoding="identity",
                bodies="verbatim",
                remedy="name that address",
                retries=RETRIES,
            ),
            sleep,
        )
        self._sizes: dict[str, int] = {}

    @property
    def asked(self) -> list[Exchange]:
        """Every request that was answered."""
        return self._client.exchanges

    def close(self) -> None:
        self._client.close()

    def whole(self, name: str) -> bytes | None:
        reply = self._client.get(self._url(name), wanted=200, body_most=WHOLE_MOST)
        return None if reply.status in GONE else _counting(reply, 200).body

    def piece(self, name: str, offset: int, length: int) -> bytes | None:
        reply = self._client.get(
            self._url(name), {"Range": f"bytes={offset}-{offset + length - 1}"}, wanted=206, body_most=length
        )
        if reply.status in GONE:
            return None
        if reply.status == _BEHIND_THE_END:
            return b""
        first, last, total = _content_range(_counting(reply, 206))
        if first != offset or last != min(offset + length, total) - 1 or len(reply.body) != last - first + 1:
            raise Unreachable(
                f"{reply.place}: asked for {length} bytes from {offset}, the server says that it sends {first}-{last} "
                f"of {total} and sends {len(reply.body)}; its answers cannot be relied on, download the files"
            )
        if self._sizes.setdefault(name, total) != total:
            raise Unreachable(f"{reply.place} changed while it was read; ask again")
        return reply.body

    def size(self, name: str) -> int:
        return self._sizes[name]

    def _url(self, name: str) -> str:
        return f"{self.where}/{quote(name)}"


def _counting(reply: Response, wanted: int) -> Response:
    """Return an answer of the wanted status. Raises Unreachable for any other; UsageError without Range requests."""
    if reply.status != wanted:
        if (reply.status, wanted) == (200, 206):
            raise UsageError(
                f"{reply.place}: the server sends the whole file where a part was asked for; it knows no Range "
                "requests, download the files instead"
            )
        closed = "; it is not open to everybody: is a token needed?" if reply.status in (401, 403) else ""
        raise Unreachable(f"{reply.place} answers with HTTP status {reply.status}{closed}")
    encoding = reply.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise Unreachable(
            f"{reply.place} is sent as {encoding[:40]}, which was not asked for: not the bytes of the file"
        )
    return reply


def _content_range(reply: Response) -> tuple[int, int, int]:
    """Read (first, last, length of the file). Raises Unreachable when the answer does not say it."""
    stated = reply.headers.get("content-range", "").strip()
    if (match := _CONTENT_RANGE.fullmatch(stated)) is None:
        found = stated[:100] or "without Content-Range"
        raise Unreachable(f"{reply.place}: a part that does not say which one it is ({found}); download the files")
    return int(match[1]), int(match[2]), int(match[3])
