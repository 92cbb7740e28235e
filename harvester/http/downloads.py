"""One large file, fetched to disk in as few bytes as possible: a broken transfer goes on where it broke.

What came lies in a `.part` file, which outlives a kill: the next process asks for the rest by Range (RFC 9110, section
14). Nothing of it counts before its size and its checksum are those that were stated. Where no checksum was, only an
ETag shows that a rest is of the same file (If-Range), and an answer must show by itself where it ends.
"""

import asyncio
import logging
import random
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urljoin, urlsplit

import aiohttp
import yarl

from archive.disk import durable
from archive.files import Checksum, FileDigests
from archive.store import RefusedBody
from harvester.errors import Unreachable
from harvester.http.redirects import HOPS_MOST, REDIRECTS, leads_to_login
from harvester.ratelimit import limiter

logger = logging.getLogger(__name__)

WRITE_BYTES = 1 << 20
# of an answer that is no file so many bytes are kept
REFUSED_BYTES = 1 << 20
CONNECT_SECONDS, SILENCE_SECONDS = 30.0, 120.0
_GONE = frozenset({404, 410})
# asking again changes nothing
_FINAL = _GONE | {400, 401, 403, 405, 406, 414, 415, 451}
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


class Turns(Protocol):
    """Who is asked before each request, and told of each answer (`harvester.ratelimit.limiters.Gates`)."""

    async def admit(self, url: str) -> None:
        """Wait for the host's turn."""

    def judge(self, url: str, status: int, headers: Mapping[str, str], body: bytes = b"") -> bool:
        """Whether an answer counts; False: it said "not now"."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file as its provider states it; `size` and `checksum` are None where it does not. `pages`: it may be HTML."""

    url: str
    size: int | None
    checksum: Checksum | None
    pages: bool = False


@dataclass(slots=True)
class Transfer:
    """A file on its way. `digests` are of what is in its part; `etag` that of the answer which began it, if strong.

    `size` is what was stated, or else the first answer said; `media_type` is that of the last answer. `begun` is
    awaited with the ETag when a file begins that nothing but its ETag can be told by.
    """

    digests: FileDigests | None = None
    etag: str | None = None
    size: int | None = None
    media_type: str | None = None
    begun: Callable[[str], Awaitable[None]] | None = field(default=None, repr=False)


class Refused(Unreachable):
    """What came is not the file; `body` is what to keep of it, `status` that of the answer, 0 without one.

    A redirect to a page to log in at has the status 401.
    """

    def __init__(self, reason: str, body: RefusedBody | None = None, status: int = 0) -> None:
        super().__init__(reason)
        self.body, self.status = body, status

    @property
    def gone(self) -> bool:
        """Whether the provider has it no more."""
        return self.status in _GONE

    @property
    def final(self) -> bool:
        """Whether asking again would change nothing."""
        return self.status in _FINAL or self.status == 0


class _Broken(Exception):
    """A transfer that ended before its end; the next one may go on."""


class _Told(Exception):
    """Not now: the same is asked again after the wait, and no try was used."""


class Downloader:
    """Fetches files from `hosts` and nobody else; to be closed."""

    def __init__(
        self,
        turns: Turns,
        hosts: frozenset[str],
        user_agent: str,
        tries: int,
        credentials: Callable[[str], Mapping[str, str]] = lambda url: {},
        stopping: Callable[[], bool] = lambda: False,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._turns, self._hosts, self._tries = turns, hosts, tries
        self._credentials, self._stopping = credentials, stopping
        self._session = aiohttp.ClientSession(
            # the bytes that are stated are those of the file itself
            headers={"User-Agent": user_agent, "Accept-Encoding": "identity", "Accept": "*/*"},
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=silence_seconds),
        )

    async def close(self) -> None:
        await self._session.close()

    async def fetch(
        self, wanted: Wanted, part: Path, until: int | None = None, transfer: Transfer | None = None
    ) -> None:
        """Have the file in `part`, or its first `until` bytes at least; what is there already is not asked for.

        Raises Refused when what comes is not the file, Unreachable when no try brings more, and what `turns` raises.
        """
        coming = transfer or Transfer()
        coming.size = wanted.size
        if wanted.checksum is None and coming.etag is None:  # nothing would show that the rest is of the same file
            durable.remove(part)
        if coming.digests is not None:
            await asyncio.to_thread(coming.digests.catch_up, part)
        failures, best = 0, length_of(part)
        while not _enough(coming, part, until):
            if self._stopping():
                raise Unreachable(f"{wanted.url}: the run is ending")
            error: Exception
            try:
                await self._transfer(wanted, coming, part, until)
                if _enough(coming, part, until):
                    break
                error = _Broken(f"the transfer ended early, at byte {length_of(part)}")
            except _Told:
                continue
            except (_Broken, Refused) as cause:
                error = cause
            grown = length_of(part) > best
            best = max(best, length_of(part))
            failures = 0 if grown else failures + 1
            logger.info("%s: %s after %d of %s bytes", wanted.url, error, length_of(part), coming.size)
            if isinstance(error, Refused) and (error.final or failures >= self._tries):
                raise error
            if failures >= self._tries:
                raise Unreachable(f"{wanted.url}: {error}, at byte {length_of(part)} of {coming.size}")
            await asyncio.sleep(limiter.backoff_seconds(max(1, failures), random.random()))

    async def _transfer(self, wanted: Wanted, coming: Transfer, part: Path, until: int | None) -> None:
        """One request and what it brings."""
        have = length_of(part) if wanted.checksum is not None or coming.etag is not None else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        if have and coming.etag is not None:
            headers["If-Range"] = coming.etag
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
                    await self._take(wanted, coming, url, response, found, part, have, until)
                    return
        except (aiohttp.ClientError, TimeoutError, OSError) as cause:
            raise _Broken(f"the transfer broke ({type(cause).__name__}: {cause})") from cause
        except ValueError as cause:
            raise Refused(f"{wanted.url[:200]} is no URL that can be asked ({cause})", status=400) from cause
        raise Refused(f"{wanted.url} redirects more than {HOPS_MOST} times")

    def _next(self, url: str, location: str) -> str:
        """Where a redirect leads: to a host of the source, and never from https to http."""
        target = urljoin(url, location)
        parts = urlsplit(target)
        if parts.netloc.lower() not in self._hosts or parts.scheme not in ("http", "https"):
            host = parts.netloc.rpartition("@")[2]
            allowed = f"; if it is right, allow it: -a hosts={host}" if host else ""
            raise Refused(f"{url} redirects to {host}, which is no host of this source{allowed}")
        if (urlsplit(url).scheme, parts.scheme) == ("https", "http"):
            raise Refused(f"{url} redirects from https to http")
        if leads_to_login(target):
            raise Refused(f"{url} redirects to {parts.path[:200]}, to log in", status=401)
        return target

    async def _take(
        self,
        wanted: Wanted,
        coming: Transfer,
        url: str,
        response: aiohttp.ClientResponse,
        headers: Mapping[str, str],
        part: Path,
        have: int,
        until: int | None,
    ) -> None:
        """Judge an answer by its status and what it says of its body, then write the body."""
        status = response.status
        size = wanted.size if wanted.size is not None else _length(status, headers)
        chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        proven = size is not None or chunked or wanted.checksum is not None
        start = _start(wanted, status, headers, have, size)
        if start is None or not proven:
            body = await _beginning(response)
            if not self._turns.judge(url, status, headers, body[:2048]):
                raise _Told
            if status >= 500:
                raise _Broken(f"HTTP status {status}")
            if status == 416 and coming.etag is not None and _is_all(headers, have):
                coming.size = have
                return
            if status == 416:  # what is there is longer than the file, or of another one
                durable.remove(part)
            reason = _reason(status, headers, have, size) if proven else "its end cannot be told: no length is stated"
            kept = RefusedBody(url, status, tuple(headers.items()), body, "", reason)
            raise Refused(reason, kept, status)
        self._turns.judge(url, status, headers)
        coming.size, coming.media_type = size, headers.get("content-type")
        if start == 0:
            await self._begin(wanted, coming, headers)
        await _write(response, coming, part, start, until, self._stopping)
        if coming.size is None:  # the answer came to its end, which its chunks show or its checksum will
            coming.size = length_of(part)

    async def _begin(self, wanted: Wanted, coming: Transfer, headers: Mapping[str, str]) -> None:
        """What begins again has the ETag of this answer; a weak one says nothing about bytes (RFC 9110, 13.1.5)."""
        etag = headers.get("etag", "").strip()
        coming.etag = etag if etag.startswith('"') and "bytes" in headers.get("accept-ranges", "bytes") else None
        if coming.etag is not None and coming.begun is not None and wanted.checksum is None:
            await coming.begun(coming.etag)


def length_of(part: Path) -> int:
    """How much of a file is there."""
    return part.stat().st_size if part.exists() else 0


def check(wanted: Wanted, part: Path, digests: FileDigests | None = None) -> str | None:
    """What is wrong with a file that was fetched, None when it is what was stated.

    It is read, unless there are the `digests` of what was written.
    """
    found = digests or FileDigests(wanted.checksum)
    found.catch_up(part)
    if wanted.size not in (None, found.length):
        return f"it has {found.length} bytes, {wanted.size} are stated"
    return found.wrong()


def _enough(coming: Transfer, part: Path, until: int | None) -> bool:
    """Whether as much is there as is wanted; a file of no bytes is asked for as well."""
    if coming.size is None or not part.exists():
        return False
    return length_of(part) >= (coming.size if until is None else min(until, coming.size))


def _is_all(headers: Mapping[str, str], have: int) -> bool:
    """Whether a 416 says that there is no rest because all of it is here."""
    return have > 0 and headers.get("content-range", "").strip() == f"bytes */{have}"


def _length(status: int, headers: Mapping[str, str]) -> int | None:
    """How long the file of an answer is, None when it does not say."""
    found = _RANGE.fullmatch(headers.get("content-range", "").strip()) if status == 206 else None
    text = found[3] if found is not None else headers.get("content-length", "").strip() if status == 200 else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _start(wanted: Wanted, status: int, headers: Mapping[str, str], have: int, size: int | None) -> int | None:
    """Where in the file a body begins, None when it is none of the file.

    A 200 to a request for the rest begins the file again. It is believed only with the right length: an error page
    must not take the place of what was fetched.
    """
    packed = headers.get("content-encoding", "identity").strip().lower() not in ("", "identity")
    if packed and wanted.checksum is None:  # then these may not be the bytes of the file
        return None
    if status == 200:
        length = headers.get("content-length", "")
        html = headers.get("content-type", "").lower().startswith(("text/html", "application/xhtml"))
        if wanted.size is None:
            return 0 if not html or wanted.pages or wanted.checksum is not None else None
        return 0 if length == str(size) or (not length and (wanted.pages or not html)) else None
    found = _RANGE.fullmatch(headers.get("content-range", "").strip()) if status == 206 else None
    if found is None or int(found[1]) != have or (size is not None and found[3] not in ("*", str(size))):
        return None
    return have


def _reason(status: int, headers: Mapping[str, str], have: int, size: int | None) -> str:
    if status == 206:
        return f"HTTP status 206 with the range {headers.get('content-range', '')[:80]!r}, {have}-/{size} was asked for"
    if status == 200:
        kind, length = headers.get("content-type", ""), headers.get("content-length", "no")
        stated = "no size is" if size is None else f"{size} are"
        return f"HTTP status 200 with {length} bytes of {kind[:60] or 'no type'}, {stated} stated"
    return f"HTTP status {status}"


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) >= REFUSED_BYTES:
            break
    return bytes(body[:REFUSED_BYTES])


async def _write(
    response: aiohttp.ClientResponse,
    coming: Transfer,
    part: Path,
    start: int,
    until: int | None,
    stopping: Callable[[], bool],
) -> None:
    """Append a body to what is there, or begin again; no more of it than the file has."""
    loop, size = asyncio.get_running_loop(), coming.size
    goal = size if size is None or until is None else min(until, size)
    file = durable.AppendFile(part, "download", truncate=not start)
    if coming.digests is not None and not start:
        coming.digests.restart()
    held = bytearray()
    try:
        async for piece in response.content.iter_any():
            held += piece
            if len(held) >= WRITE_BYTES or (goal is not None and file.length + len(held) >= goal):
                # one byte more than stated is enough to see that it is not the file
                taken, held = bytes(held if size is None else held[: size + 1 - file.length]), bytearray()
                await loop.run_in_executor(None, _put, file, coming.digests, taken)
                if goal is not None and (file.length > (size or 0) or goal <= file.length < (size or 0)):
                    return
                if stopping():
                    raise _Broken("the run is ending")
    finally:
        finishing = loop.run_in_executor(None, _finish, file, coming.digests, bytes(held))
        # where another file has ended the run already, nobody waits for how this one ends
        finishing.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        await asyncio.shield(finishing)


def _put(file: durable.AppendFile, digests: FileDigests | None, taken: bytes) -> None:
    file.write(taken)
    if digests is not None:
        digests.update(taken)


def _finish(file: durable.AppendFile, digests: FileDigests | None, held: bytes) -> None:
    """What came before a transfer broke is kept as well."""
    try:
        if held:
            _put(file, digests, held)
        file.sync()
    finally:
        file.close()
