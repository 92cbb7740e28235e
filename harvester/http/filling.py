"""Fill a holey bag: fetch what it lacks, check it against every manifest, and only then give it its name.

A bag may come from anybody, and fetch.txt tells us whom to ask. So only hosts are asked that a person allowed, over
HTTP, with no credentials, and for no more bytes than fetch.txt states. What came lies beside the bag, in
`.BAG.filling`, until it is checked; a process that is killed goes on there.
"""

import asyncio
import hashlib
import logging
import shutil
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from scrapy.exceptions import IgnoreRequest

from archive.bags import Hole, place
from archive.disk import durable
from archive.errors import DiskFull
from archive.files import Checksum, FileDigests
from archive.store import only_one
from harvester.errors import Unreachable, UsageError
from harvester.http.asyncclient import RateLimiter
from harvester.http.client import Policy
from harvester.http.downloads import Downloader, Refused, Transfer, Wanted, length_of

logger = logging.getLogger(__name__)

AT_ONCE = 4
# a file whose length fetch.txt does not state may have so many bytes
UNSTATED_MOST = 10_000_000_000
_STRONGEST = ("sha512", "sha256", "sha384", "sha224", "sha1", "md5")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Filling:
    """How one file ended. `state`: filled, refused (what came is not the file), absent, forbidden or lost."""

    path: str
    url: str
    state: str
    reason: str = ""


def hosts_to_ask(holes: Iterable[Hole], allowed: frozenset[str], *, all_named: bool) -> frozenset[str]:
    """Decide which network locations may be asked, redirects included: those allowed; with `all_named` all named.

    A host that is only named may not be in this machine's own network. Raises UsageError for what nobody may be asked,
    and when a host is named and not allowed.
    """
    named: Counter[str] = Counter()
    for hole in holes:
        named[_location(hole)] += hole.length or 0
    strangers = {host: size for host, size in named.items() if host not in allowed}
    if strangers and not all_named:
        hosts = ", ".join(f"{host} ({size:,} bytes)" for host, size in sorted(strangers.items()))
        raise UsageError(
            f"fetch.txt names {hosts}; whoever made the bag chose them, so say that they may be asked: "
            "--allow-host HOST for each, or --allow-all-hosts"
        )
    for host in sorted(strangers):
        if (address := _inside(host)) is not None:
            raise UsageError(
                f"fetch.txt names {host}, which is {address}, in this machine's own network; if that is meant: "
                f"--allow-host {host}"
            )
    return allowed | frozenset(named)


def _location(hole: Hole) -> str:
    """Return the network location of a URL. Raises UsageError unless it is one that can be asked over HTTP."""
    try:
        parts = urlsplit(hole.url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.username is None and (parts.port or 1) > 0:
            return parts.netloc.lower()
    except ValueError:
        pass
    raise UsageError(
        f"fetch.txt: {hole.url[:200]!a} is no http or https URL of a host without a user name; get {hole.path} by "
        "other means and put it there"
    )


def _inside(host: str) -> str | None:
    """Find an address of a host that is not in the public network, None when there is none."""
    parts = urlsplit(f"//{host}")
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
    except OSError:
        return None  # nobody answers there
    addresses = {str(entry[4][0]).partition("%")[0] for entry in found}
    return next((address for address in sorted(addresses) if not ip_address(address).is_global), None)


def fill(
    bag: Path,
    holes: tuple[Hole, ...],
    policy: Policy,
    limiter: RateLimiter,
    *,
    unstated_most: int = UNSTATED_MOST,
    progress: Progress | None = None,
) -> list[Filling]:
    """Fetch what a bag lacks, and say how each file ended, in the order of the holes.

    Raises Busy when another process fills it, DiskFull when there is no room, which is looked for before anything is
    asked.
    """
    with _beside(bag) as folder:
        _check_room(holes, folder)
        filler = _Filler(bag.resolve(), folder, unstated_most, sum(hole.length or 0 for hole in holes), progress)
        return asyncio.run(filler.fill(holes, policy, limiter))


@contextmanager
def _beside(bag: Path) -> Iterator[Path]:
    """Make the folder of what came, for one process at a time; it is gone when nothing is left in it."""
    bag = bag.resolve()
    folder = bag.with_name(f".{bag.name}.filling")
    durable.make_folder(folder)
    with only_one(folder, f"another process is filling {bag}; wait for it to end, or stop it"):
        try:
            yield folder
        finally:
            if not any(folder.iterdir()):
                folder.rmdir()


def _check_room(holes: tuple[Hole, ...], folder: Path) -> None:
    wanted = sum(max(0, (hole.length or 0) - length_of(_part(folder, hole))) for hole in holes)
    free = shutil.disk_usage(folder).free
    if wanted > free:
        raise DiskFull(f"{folder.parent}: {wanted:,} bytes are to be fetched, {free:,} are free; make room")


def _part(folder: Path, hole: Hole) -> Path:
    """Name the place of a file while it comes; another file that is called the same has other digests."""
    return folder / f"{hashlib.sha256(repr((hole.path, hole.digests)).encode()).hexdigest()[:32]}.part"


class _Filler:
    """One filling: several files at once, each to its end."""

    def __init__(self, bag: Path, folder: Path, unstated_most: int, total: int, progress: Progress | None) -> None:
        self._bag, self._folder, self._unstated_most = bag, folder, unstated_most
        self._done, self._total, self._progress = 0, total, progress

    async def fill(self, holes: tuple[Hole, ...], policy: Policy, limiter: RateLimiter) -> list[Filling]:
        downloader = Downloader(policy, limiter)
        room = asyncio.Semaphore(AT_ONCE)

        async def one(hole: Hole) -> Filling:
            async with room:
                return await self._one(hole, downloader)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(hole)) for hole in holes]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        finally:
            await downloader.close()
        return [task.result() for task in tasks]

    async def _one(self, hole: Hole, downloader: Downloader) -> Filling:
        part = _part(self._folder, hole)
        try:
            reason = await self._fetched(hole, part, downloader)
        except Refused as error:
            durable.remove(part)
            state = "absent" if error.gone else "forbidden" if error.status in (401, 403) else "refused"
            return Filling(hole.path, hole.url, state, str(error))
        except (Unreachable, IgnoreRequest) as error:
            return Filling(hole.path, hole.url, "lost", str(error))
        if reason is not None:
            return Filling(hole.path, hole.url, "refused", reason)
        await asyncio.to_thread(place, self._bag, hole.path, part)
        logger.info("%s: %d bytes from %s", hole.path, hole.length or 0, hole.url)
        self._done += hole.length or 0
        if self._progress is not None:
            self._progress(self._done, self._total)
        return Filling(hole.path, hole.url, "filled")

    async def _fetched(self, hole: Hole, part: Path, downloader: Downloader) -> str | None:
        """Have the file in `part`. Returns what is wrong with it (then it is not kept), or None.

        A beginning that an earlier process left may be of another file: then all of it is asked for once more.
        """
        for resumed in [True, False] if length_of(part) else [False]:
            stated = _strongest(hole)
            digests = FileDigests(stated) if hole.length is not None else _Bounded(stated, self._unstated_most)
            wanted = Wanted(hole.url, hole.length, stated, pages=True)
            await downloader.fetch(wanted, part, transfer=Transfer(digests=digests))
            reason = await asyncio.to_thread(_wrong, hole, part, digests)
            if reason is None:
                return None
            durable.remove(part)
            if not resumed:
                return reason
        raise AssertionError("the last try is not resumed")


class _Bounded(FileDigests):
    """Digests that refuse to go on when a file grows beyond all bounds."""

    def __init__(self, stated: Checksum | None, most: int) -> None:
        self._most = most
        super().__init__(stated)

    def update(self, data: bytes | memoryview) -> None:
        super().update(data)
        if self.length > self._most:
            raise Refused(f"more than {self._most:,} bytes came of a file of no stated length", status=400)


def _strongest(hole: Hole) -> Checksum | None:
    found = dict(hole.digests)
    return next((Checksum(name, found[name]) for name in _STRONGEST if name in found), None)


def _wrong(hole: Hole, part: Path, digests: FileDigests) -> str | None:
    """Say what is wrong with a file by its length or any manifest, None when it is the one that is missing."""
    digests.catch_up(part)
    if hole.length not in (None, digests.length):
        return f"it has {digests.length} bytes, fetch.txt says {hole.length}"
    for algorithm, listed in hole.digests:
        taken = {"sha256": digests.sha256, "sha512": digests.sha512}.get(algorithm)
        if taken is None:
            with durable.translated(part, "reading"), part.open("rb") as file:
                taken = hashlib.file_digest(file, algorithm).hexdigest()
        if taken != listed:
            return f"its {algorithm} is {taken}, the manifest says {listed}"
    return None
