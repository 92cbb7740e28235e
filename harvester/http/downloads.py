"""One large file, fetched to disk in as few bytes as possible: a broken transfer goes on where it broke.

What came lies in a `.part` file, which outlives a kill: the next process asks for the rest by Range (RFC 9110, section
14). Nothing of it counts before its size and its checksum are those that were stated. Where no checksum was, only an
ETag shows that a rest is of the same file (If-Range), and an answer must show by itself where it ends.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from archive.disk import durable
from archive.files import Checksum, FileDigests
from archive.store import RefusedBody
from harvester.errors import Unreachable
from harvester.http.asyncclient import Client, RateLimiter, Stream
from harvester.http.client import NoAnswer, NotFollowed, NotSendable, NotTrusted, Policy
from harvester.http.credentials import Credentials
from harvester.http.redirects import ALLOWED_BY_ARGUMENT
from harvester.http.retries import FINAL, GONE, Retries, pause_seconds

logger = logging.getLogger(__name__)

WRITE_BYTES = 1 << 20
# of an answer that is no file so many bytes are kept
REFUSED_BYTES = 1 << 20
SILENCE_SECONDS = 120.0
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


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
        return self.status in GONE

    @property
    def final(self) -> bool:
        """Whether asking again would change nothing."""
        return self.status in FINAL or self.status == 0


class _Broken(Exception):
    """A transfer that ended before its end; the next one may go on."""


class _Told(Exception):
    """Not now: the same is asked again after the wait, and no try was used."""


def download_policy(
    user_agent: str,
    hosts: frozenset[str],
    tries: int,
    *,
    credentials: Credentials | None = None,
    remedy: str = ALLOWED_BY_ARGUMENT,
) -> Policy:
    """Make the policy for files: their own bytes, for as long as something comes; `tries` without a new byte."""
    return Policy(
        user_agent=user_agent,
        hosts=hosts,
        credentials=credentials or Credentials(),
        # the bytes that are stated are those of the file itself
        accept_encoding="identity",
        bodies="verbatim",
        remedy=remedy,
        retries=Retries(tries=tries),
        total_seconds=None,
        silence_seconds=SILENCE_SECONDS,
    )


class Downloader:
    """Fetches files as a policy says; to be made in a running event loop, and to be closed."""

    def __init__(self, policy: Policy, limiter: RateLimiter, stopping: Callable[[], bool] = lambda: False) -> None:
        self._client, self._retries, self._stopping = Client(policy, limiter), policy.retries, stopping

    async def close(self) -> None:
        await self._client.close()

    async def fetch(
        self, wanted: Wanted, part: Path, until: int | None = None, transfer: Transfer | None = None
    ) -> None:
        """Have the file in `part`, or its first `until` bytes at least; what is there already is not asked for.

        Raises Refused when what comes is not the file, Unreachable when no try brings more, and what the rate limiter
        raises.
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
            if isinstance(error, Refused) and (error.final or self._retries.exhausted(failures)):
                raise error
            if self._retries.exhausted(failures):
                raise Unreachable(f"{wanted.url}: {error}, at byte {length_of(part)} of {coming.size}")
            await asyncio.sleep(pause_seconds(max(1, failures)))

    async def _transfer(self, wanted: Wanted, coming: Transfer, part: Path, until: int | None) -> None:
        """Send one request and take what it brings."""
        have = length_of(part) if wanted.checksum is not None or coming.etag is not None else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        if have and coming.etag is not None:
            headers["If-Range"] = coming.etag
        try:
            async with self._client.stream(wanted.url, headers) as stream:
                await self._take(
                    _Answer(wanted=wanted, coming=coming, stream=stream, part=part, have=have, until=until)
                )
        except NoAnswer as cause:
            raise _Broken(f"the transfer broke ({cause})") from cause
        except NotTrusted as cause:
            raise Unreachable(f"{wanted.url}: {cause}") from cause
        except NotSendable as cause:
            raise Refused(f"{wanted.url[:200]} is no URL that can be asked ({cause})", status=400) from cause
        except NotFollowed as cause:
            raise Refused(str(cause), status=401 if cause.login else 0) from cause

    async def _take(self, answer: "_Answer") -> None:
        """Judge an answer by its status and what it says of its body, then write the body."""
        wanted, coming, stream, part = answer.wanted, answer.coming, answer.stream, answer.part
        size = answer.size
        chunked = "chunked" in stream.headers.get("transfer-encoding", "").lower()
        proven = size is not None or chunked or wanted.checksum is not None
        start = answer.start
        if start is None or not proven:
            body = await stream.beginning(REFUSED_BYTES)
            if not stream.judge(body):
                raise _Told
            if stream.status >= 500:
                raise _Broken(f"HTTP status {stream.status}")
            if stream.status == 416 and coming.etag is not None and answer.is_all:
                coming.size = answer.have
                return
            if stream.status == 416:  # what is there is longer than the file, or of another one
                durable.remove(part)
            reason = answer.reason if proven else "its end cannot be told: no length is stated"
            kept = RefusedBody(
                url=stream.url,
                http_status=stream.status,
                headers=tuple(stream.headers.items()),
                body=body,
                retrieved="",
                reason=reason,
            )
            raise Refused(reason, kept, stream.status)
        stream.judge()
        coming.size, coming.media_type = size, stream.headers.get("content-type")
        if start == 0:
            await self._begin(wanted, coming, stream.headers)
        await _write(answer, start, self._stopping)
        if coming.size is None:  # the answer came to its end, which its chunks show or its checksum will
            coming.size = length_of(part)

    async def _begin(self, wanted: Wanted, coming: Transfer, headers: Mapping[str, str]) -> None:
        """Take the ETag of an answer that begins the file; a weak one says nothing about bytes (RFC 9110, 13.1.5)."""
        etag = headers.get("etag", "").strip()
        coming.etag = etag if etag.startswith('"') and "bytes" in headers.get("accept-ranges", "bytes") else None
        if coming.etag is not None and coming.begun is not None and wanted.checksum is None:
            await coming.begun(coming.etag)


def length_of(part: Path) -> int:
    """Return how much of a file is there, in bytes."""
    return part.stat().st_size if part.exists() else 0


def check(wanted: Wanted, part: Path, digests: FileDigests | None = None) -> str | None:
    """Say what is wrong with a file that was fetched, None when it is what was stated.

    It is read, unless there are the `digests` of what was written.
    """
    found = digests or FileDigests(wanted.checksum)
    found.catch_up(part)
    if wanted.size not in (None, found.length):
        return f"it has {found.length} bytes, {wanted.size} are stated"
    return found.wrong()


def _enough(coming: Transfer, part: Path, until: int | None) -> bool:
    """Tell whether as much is there as is wanted; a file of no bytes is asked for as well."""
    if coming.size is None or not part.exists():
        return False
    return length_of(part) >= (coming.size if until is None else min(until, coming.size))


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer to a request for a file of which `have` bytes are in its part; `until` so many are wanted at least."""

    wanted: Wanted
    coming: Transfer
    stream: Stream
    part: Path
    have: int
    until: int | None

    @property
    def size(self) -> int | None:
        """How long the file is: as stated, or as the answer says; None when nothing does."""
        if self.wanted.size is not None:
            return self.wanted.size
        found = self._range
        if found is not None:
            text = found[3]
        else:
            text = self.stream.headers.get("content-length", "").strip() if self.stream.status == 200 else ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

    @property
    def start(self) -> int | None:
        """Where in the file the body begins, None when it is none of the file.

        A 200 to a request for the rest begins the file again. It is believed only with the right length: an error page
        must not take the place of what was fetched.
        """
        headers, wanted = self.stream.headers, self.wanted
        packed = headers.get("content-encoding", "identity").strip().lower() not in ("", "identity")
        if packed and wanted.checksum is None:  # then these may not be the bytes of the file
            return None
        if self.stream.status == 200:
            length = headers.get("content-length", "")
            html = headers.get("content-type", "").lower().startswith(("text/html", "application/xhtml"))
            if wanted.size is None:
                return 0 if not html or wanted.pages or wanted.checksum is not None else None
            return 0 if length == str(wanted.size) or (not length and (wanted.pages or not html)) else None
        found, size = self._range, self.size
        if found is None or int(found[1]) != self.have or (size is not None and found[3] not in ("*", str(size))):
            return None
        return self.have

    @property
    def is_all(self) -> bool:
        """Whether a 416 says that there is no rest because all of it is here."""
        return self.have > 0 and self.stream.headers.get("content-range", "").strip() == f"bytes */{self.have}"

    @property
    def reason(self) -> str:
        """Why it is not the file."""
        headers, size = self.stream.headers, self.size
        if self.stream.status == 206:
            stated = headers.get("content-range", "")[:80]
            return f"HTTP status 206 with the range {stated!r}, {self.have}-/{size} was asked for"
        if self.stream.status == 200:
            kind, length = headers.get("content-type", ""), headers.get("content-length", "no")
            stated = "no size is" if size is None else f"{size} are"
            return f"HTTP status 200 with {length} bytes of {kind[:60] or 'no type'}, {stated} stated"
        return f"HTTP status {self.stream.status}"

    @property
    def _range(self) -> re.Match[str] | None:
        if self.stream.status != 206:
            return None
        return _RANGE.fullmatch(self.stream.headers.get("content-range", "").strip())


async def _write(answer: _Answer, start: int, stopping: Callable[[], bool]) -> None:
    """Append a body to what is there, or begin again; no more of it than the file has."""
    coming, part, until = answer.coming, answer.part, answer.until
    loop, size = asyncio.get_running_loop(), coming.size
    goal = size if size is None or until is None else min(until, size)
    file = durable.AppendFile(part, "download", truncate=not start)
    if coming.digests is not None and not start:
        coming.digests.restart()
    held = bytearray()
    try:
        async for piece in answer.stream.pieces():
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
    """Keep what came before a transfer broke as well."""
    try:
        if held:
            _put(file, digests, held)
        file.sync()
    finally:
        file.close()
