"""One large file, fetched to disk in as few bytes as possible: a broken transfer goes on where it broke.

What came lies in a `.part` file, which outlives a kill: the next process asks for the rest by Range (RFC 9110, section
14). Nothing of it counts before its size and its MD5 are those that were stated.
"""

import asyncio
import hashlib
import logging
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import aiohttp
import yarl

from archive import durable
from archive.quarantine import RefusedBody
from harvester import gate
from harvester.errors import Unreachable
from harvester.redirects import HOPS_MOST, REDIRECTS

logger = logging.getLogger(__name__)

WRITE_BYTES = 1 << 20
# of an answer that is no file so many bytes are kept
REFUSED_BYTES = 1 << 20
CONNECT_SECONDS, SILENCE_SECONDS = 30.0, 120.0
_GONE = frozenset({404, 410})
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


class Turns(Protocol):
    """Who is asked before each request, and told of each answer (`harvester.gates.Gates`)."""

    async def admit(self, url: str) -> None:
        """Wait for the host's turn."""

    def judge(self, url: str, status: int, headers: Mapping[str, str], body: bytes = b"") -> bool:
        """Whether an answer counts; False: it said "not now"."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file as its provider states it; `md5` in hexadecimal digits."""

    url: str
    size: int
    md5: str


class Refused(Unreachable):
    """What came is not the file; `body` is what to keep of it, `gone` whether the provider has it no more."""

    def __init__(self, reason: str, body: RefusedBody | None = None, *, gone: bool = False) -> None:
        super().__init__(reason)
        self.body, self.gone = body, gone


class _Broken(Exception):
    """A transfer that ended before its end; the next one may go on."""


class _Told(Exception):
    """Not now: the same is asked again after the wait, and no try was used."""


class Downloader:
    """Fetches files from `hosts` and nobody else; to be closed."""

    def __init__(
        self, turns: Turns, hosts: frozenset[str], user_agent: str, tries: int,
        credentials: Callable[[str], Mapping[str, str]] = lambda url: {},
        stopping: Callable[[], bool] = lambda: False, silence_seconds: float = SILENCE_SECONDS,
    ) -> None:  # fmt: skip
        self._turns, self._hosts, self._tries = turns, hosts, tries
        self._credentials, self._stopping = credentials, stopping
        self._session = aiohttp.ClientSession(
            # the bytes that are stated are those of the file itself
            headers={"User-Agent": user_agent, "Accept-Encoding": "identity", "Accept": "*/*"},
            auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence_seconds),
        )  # fmt: skip

    async def close(self) -> None:
        await self._session.close()

    async def fetch(self, wanted: Wanted, part: Path, until: int | None = None) -> None:
        """Have the file in `part`, or its first `until` bytes at least; what is there already is not asked for.

        Raises Refused when what comes is not the file, Unreachable when no try brings more, and what `turns` raises.
        """
        goal = wanted.size if until is None else min(until, wanted.size)
        failures, best = 0, length_of(part)
        while (have := length_of(part)) < goal:
            if self._stopping():
                raise Unreachable(f"{wanted.url}: the run is ending")
            error: Exception
            try:
                await self._transfer(wanted, part, have, goal)
                if (got := length_of(part)) >= goal:
                    break
                error = _Broken(f"the transfer ended early, at byte {got}")
            except _Told:
                continue
            except (_Broken, Refused) as cause:
                error = cause
            grown = length_of(part) > best
            best = max(best, length_of(part))
            failures = 0 if grown else failures + 1
            logger.info("%s: %s after %d of %d bytes", wanted.url, error, length_of(part), wanted.size)
            if isinstance(error, Refused) and (error.gone or failures >= self._tries):
                raise error
            if failures >= self._tries:
                raise Unreachable(f"{wanted.url}: {error}, at byte {length_of(part)} of {wanted.size}")
            await asyncio.sleep(gate.backoff_seconds(max(1, failures), random.random()))

    async def _transfer(self, wanted: Wanted, part: Path, have: int, goal: int) -> None:
        """One request and what it brings."""
        headers = {"Range": f"bytes={have}-"} if have else {}
        url = wanted.url
        try:
            for _ in range(HOPS_MOST):
                await self._turns.admit(url)
                target = yarl.URL(url, encoded=True)
                asked = {**headers, **self._credentials(url)}
                async with self._session.get(target, headers=asked, allow_redirects=False) as response:
                    found = {name.lower(): value for name, value in response.headers.items()}
                    if response.status in REDIRECTS and "location" in found:
                        self._turns.judge(url, response.status, found)
                        url = self._next(url, found["location"])
                        continue
                    await self._take(wanted, url, response, found, part, have, goal)
                    return
        except (aiohttp.ClientError, TimeoutError, OSError) as cause:
            raise _Broken(f"the transfer broke ({type(cause).__name__}: {cause})") from cause
        raise Refused(f"{wanted.url} redirects more than {HOPS_MOST} times")

    def _next(self, url: str, location: str) -> str:
        """Where a redirect leads: to a host of the source, and never from https to http."""
        target = urljoin(url, location)
        parts = urlsplit(target)
        if parts.netloc.lower() not in self._hosts or parts.scheme not in ("http", "https"):
            raise Refused(f"{url} redirects to {parts.netloc.rpartition('@')[2]}, which is no host of this source")
        if (urlsplit(url).scheme, parts.scheme) == ("https", "http"):
            raise Refused(f"{url} redirects from https to http")
        return target

    async def _take(
        self, wanted: Wanted, url: str, response: aiohttp.ClientResponse, headers: Mapping[str, str], part: Path,
        have: int, goal: int,
    ) -> None:  # fmt: skip
        """Judge an answer by its status and what it says of its body, then write the body."""
        status = response.status
        start = _start(status, headers, have, wanted.size)
        if start is None:
            body = await _beginning(response)
            if not self._turns.judge(url, status, headers, body[:2048]):
                raise _Told
            if status >= 500:
                raise _Broken(f"HTTP status {status}")
            if status == 416:  # what is there is longer than the file, or of another one
                durable.remove(part)
            reason = _reason(status, headers, have, wanted.size)
            kept = RefusedBody(url, status, tuple(headers.items()), body, "", reason)
            raise Refused(reason, kept, gone=status in _GONE)
        self._turns.judge(url, status, headers)
        await _write(response, part, start, goal, wanted.size)


def length_of(part: Path) -> int:
    """How much of a file is there."""
    return part.stat().st_size if part.exists() else 0


def check(wanted: Wanted, part: Path) -> str | None:
    """What is wrong with a file that was fetched, None when it is what was stated."""
    if (size := length_of(part)) != wanted.size:
        return f"it has {size} bytes, {wanted.size} are stated"
    with durable.translated(part, "reading"), part.open("rb") as file:
        digest = hashlib.file_digest(file, "md5").hexdigest()
    return None if digest == wanted.md5 else f"its MD5 is {digest}, {wanted.md5} is stated"


def _start(status: int, headers: Mapping[str, str], have: int, size: int) -> int | None:
    """Where in the file a body begins, None when it is none of the file.

    A 200 to a request for the rest begins the file again. It is believed only with the right length: an error page
    must not take the place of what was fetched.
    """
    length = headers.get("content-length", "")
    if status == 200:
        html = headers.get("content-type", "").lower().startswith("text/html")
        return 0 if length == str(size) or (not length and not html) else None
    found = _RANGE.fullmatch(headers.get("content-range", "").strip()) if status == 206 else None
    if found is None or int(found[1]) != have or found[3] not in ("*", str(size)):
        return None
    return have


def _reason(status: int, headers: Mapping[str, str], have: int, size: int) -> str:
    if status == 206:
        return f"HTTP status 206 with the range {headers.get('content-range', '')[:80]!r}, {have}-/{size} was asked for"
    if status == 200:
        kind, length = headers.get("content-type", ""), headers.get("content-length", "no")
        return f"HTTP status 200 with {length} bytes of {kind[:60] or 'no type'}, {size} are stated"
    return f"HTTP status {status}"


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) >= REFUSED_BYTES:
            break
    return bytes(body[:REFUSED_BYTES])


async def _write(response: aiohttp.ClientResponse, part: Path, start: int, goal: int, size: int) -> None:
    """Append a body to what is there, or begin again; no more of it than the file has."""
    file = durable.AppendFile(part, "download", truncate=not start)
    try:
        held = bytearray()
        async for piece in response.content.iter_any():
            held += piece
            if len(held) >= WRITE_BYTES or file.length + len(held) >= goal:
                # one byte more than stated is enough to see that it is not the file
                taken, held = bytes(held[: size + 1 - file.length]), bytearray()
                file.write(taken)
                if file.length > size or goal <= file.length < size:
                    return
    finally:
        await asyncio.get_running_loop().run_in_executor(None, _finish, file, bytes(held))


def _finish(file: durable.AppendFile, held: bytes) -> None:
    """What came before a transfer broke is kept as well."""
    try:
        if held:
            file.write(held)
        file.sync()
    finally:
        file.close()
