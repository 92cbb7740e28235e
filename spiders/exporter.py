"""The provider's own dump: each file fetched, checked, and its records taken as they stream by."""

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from archive.disk import durable
from archive.files import Checksum
from archive.findings import Finding, finding
from archive.store import Answer, NewWindow, Outcome, RefusedBody, WindowCount, WindowRow, is_held, members_counted
from harvester.crawl import Batch, WindowEnd
from harvester.crawl.arguments import ExporterArguments, in_shard, parse_exporter
from harvester.errors import MalformedPage, Unreachable, UsageError
from harvester.http import Downloader, Refused, Wanted, download_policy, downloads, pause_seconds
from harvester.oaipmh import Decision, Done, Lost, Span, Split
from harvester.ratelimit import Gates, WaitTooLong
from harvester.rest import DELETED, FORMATS, DecodedBatch, Entry, Version, exporter
from spiders.base import HarvestSpider, now_text

VERB = "dump"
COUNTED, HELD, SAMPLED, GONE, REFUSED = "all members", "held already", "sample taken", "gone", "refused"
# batches that are being decoded while earlier ones are written
AHEAD = 4
READ_BYTES = 1 << 20
# a sample begins with so much of a file, and takes twice as much where that is not enough
SAMPLE_BYTES = 8 << 20


@dataclass(slots=True)
class FileWalk:
    """One file on its way. `skipped` members were counted by earlier processes, `seen` are all that were met."""

    window: WindowRow
    version: Version
    part: Path
    attempt: int
    skipped: int = 0
    seen: int = 0
    answers: int = 0
    ids: exporter.Seen = field(default_factory=exporter.Seen)
    header: tuple[str, ...] = ()
    twice: int = 0
    first_twice: str = ""
    notes: list[Finding] = field(default_factory=list)
    children: list[NewWindow] = field(default_factory=list)

    @property
    def wanted(self) -> Wanted:
        return Wanted(self.version.url, self.version.size, Checksum("md5", self.version.md5))


class ExporterSpider(HarvestSpider):
    """Fetch; check; hand on: every member of every file ends as one outcome."""

    name = "exporter"

    arguments: ExporterArguments

    @classmethod
    def read_arguments(cls, words: Mapping[str, str]) -> ExporterArguments:
        return parse_exporter(words)

    @property
    def _census(self) -> bool:
        """Whether only the ids are kept."""
        return self.arguments.mode == "census"

    # --- the plan

    async def start(self) -> AsyncIterator[Any]:
        """Take file after file; yield the end of each."""
        self._walks: dict[int, FileWalk] = {}
        self._queue: deque[WindowRow] = deque()
        self._settled = asyncio.Event()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="dump")
        policy = download_policy(
            self.settings["USER_AGENT"],
            self.allowed_hosts,
            self.settings.getint("HARVEST_TRIES"),
            credentials=self.credentials,
        )
        self._downloader = Downloader(policy, Gates.of(self.crawler), lambda: self.stopping)
        try:
            await asyncio.gather(self.introduce(), self.decoders.start())
            await self._prepare()
            while self._queue and not self.stopping:
                walk = await self._begin(self._queue.popleft())
                self._settled.clear()
                yield await self._take(walk)
                await self._settled.wait()
        except Exception as error:
            self.fail(error)
        finally:
            self._reader.shutdown(wait=False)
            await self._downloader.close()

    async def _prepare(self) -> None:
        """The versions that a run takes are chosen once: whoever resumes it goes on with the same files."""
        writer = self.keeper.writer
        rows = writer.ledger.windows(writer.run_number)
        if not rows:
            chosen, missing = await self._choose()
            offered = ", ".join(one.key for one in chosen)
            for key in missing:
                await self.find(finding("dump-file-missing", name=key, reason=offered))
            if (made := exporter.made_text(chosen)) is not None:
                await self.keeper.do(writer.ledger.set_provider_started, writer.run_number, made)
            windows = await self._windows_of(chosen)
            rows = await self.keeper.do(writer.open_windows, windows)
        self._queue.extend(row for row in rows if row.state == "open")

    async def _choose(self) -> tuple[list[Version], list[str]]:
        """The versions to take, and the files that are not offered. Raises UsageError, Unreachable."""
        listing, arguments = await self._listing(), self.arguments
        chosen, missing = exporter.choose(listing, arguments.files, arguments.named, arguments.version)
        for version in chosen:
            if not exporter.same_hosts(version, self.allowed_hosts):
                raise UsageError(
                    f"{version.key} lies at {version.url}, which is no host of this source; if it is right, "
                    "name it: -a hosts=HOST"
                )
        return chosen, missing

    async def _listing(self) -> dict[str, list[Version]]:
        url = self.arguments.endpoint.url
        tries = self.tries
        error: Exception = Unreachable(f"{url}: not asked")
        for attempt in range(1, tries + 1):
            try:
                reply = await self.fetch(url, accept="application/json")
                if reply.status == 200:
                    return exporter.parse_listing(reply.plain_body(), url)
                refusal = UsageError if reply.status in (404, 406, 410) else Unreachable
                error = refusal(f"{url} answers with HTTP status {reply.status}; is it a list of dumps?")
            except WaitTooLong:
                raise
            except MalformedPage as cause:
                error = UsageError(str(cause))
            except Exception as cause:  # whatever the downloader raises
                error = Unreachable(f"{url}: no answer ({type(cause).__name__}: {cause})")
            if self.stopping or attempt == tries:
                break
            await asyncio.sleep(pause_seconds(attempt))
        raise error

    async def _windows_of(self, versions: Sequence[Version]) -> list[NewWindow]:
        windows = []
        for version in versions:
            community, kind = exporter.community_of(version.key), version.kind
            name = f"{'census' if self._census else 'exporter'}:{kind}" + (f":{community}" if community else "")
            channel = await self.keeper.do(self.keeper.writer.ledger.channel, name, FORMATS[kind][0], community)
            windows.append(NewWindow(channel, VERB, version.name, version.text))
        return windows

    # --- one file

    async def _begin(self, row: WindowRow) -> FileWalk:
        version = exporter.read_version(row.from_ or "", row.until or "")
        folder = self.keeper.writer.layout.root / "downloads"
        await self.keeper.do(durable.make_folder, folder)
        walk = FileWalk(row, version, folder / f"{version.key.replace('/', '-')}-{version.version}.part", 1)
        # an attempt goes on in the next process: the members that were counted are its first ones
        walk.skipped = await self.keeper.do(members_counted, self.keeper.writer.ledger, row.window)
        self._walks[row.window] = walk
        return walk

    async def _take(self, walk: FileWalk) -> WindowEnd:
        """Fetch a file and hand on its records. Returns its end."""
        whole = self.arguments.sample is None
        if whole and not self._census and not walk.skipped and await self._is_held(walk):
            walk.notes.append(finding("dump-held", name=walk.version.name))
            return self._end(walk, HELD)
        try:
            await self._fetch(walk) if whole else await self._fetch_sample(walk)
            await self._count(walk)
        except Refused as error:
            if error.gone and self.arguments.version is None and await self._replaced(walk, error):
                return self._end(walk, GONE)
            return await self._give_up(walk, str(error), error.body)
        except MalformedPage as error:
            return await self._give_up(walk, str(error))
        await self.keeper.do(durable.remove, walk.part)
        return self._end(walk, COUNTED if whole else SAMPLED)

    async def _is_held(self, walk: FileWalk) -> bool:
        return await self.keeper.do(is_held, self.keeper.writer.ledger, walk.window.channel, walk.version.name)

    async def _fetch(self, walk: FileWalk) -> None:
        """Have the file as it was stated; one that is not is fetched once more. Raises Refused, Unreachable."""
        for last in (False, True):
            self.logger.info(
                "%s: %d of %d bytes are here", walk.version.name, downloads.length_of(walk.part), walk.version.size
            )
            await self._downloader.fetch(walk.wanted, walk.part)
            wrong = await asyncio.to_thread(downloads.check, walk.wanted, walk.part)
            if wrong is None:
                return
            self.logger.warning("%s: %s", walk.version.name, wrong)
            await self.keeper.do(durable.remove, walk.part)
            if last:
                raise Refused(wrong)
            walk.notes.append(finding("dump-fetched-twice", name=walk.version.name, reason=wrong))

    async def _fetch_sample(self, walk: FileWalk) -> None:
        """Have as much of a file as the sample needs; its MD5 cannot be checked."""
        until, loop = SAMPLE_BYTES, asyncio.get_running_loop()
        while True:
            await self._downloader.fetch(walk.wanted, walk.part, until)
            there = await loop.run_in_executor(self._reader, lambda: sum(1 for _ in self._entries(walk)))
            if there >= (self.arguments.sample or 0) or until >= walk.version.size:
                return
            until *= 2

    def _entries(self, walk: FileWalk) -> Iterator[Entry]:
        """The members or rows that this run wants; a sample ends where it has enough, or its file does."""
        entries = exporter.iter_entries(_pieces(walk.part), walk.version)
        try:
            if walk.version.kind == DELETED:
                walk.header = tuple(exporter.read_columns(next(entries).body))
            mine = (entry for entry in entries if in_shard(entry.identifier, self.arguments.shard))
            yield from itertools.islice(mine, self.arguments.sample)
        except MalformedPage:
            if self.arguments.sample is None or downloads.length_of(walk.part) >= walk.version.size:
                raise

    def _uncounted(self, walk: FileWalk) -> Iterator[Entry]:
        """Entries without those that earlier processes counted, which are met all the same: each id is seen once."""
        for entry in self._entries(walk):
            walk.seen += 1
            if walk.ids.add(entry.identifier):
                walk.twice += 1
                walk.first_twice = walk.first_twice or entry.identifier
            if walk.seen > walk.skipped:
                yield entry

    async def _count(self, walk: FileWalk) -> None:
        """Hand on what is in a file, piece by piece; nothing is read faster than it is written."""
        loop, batches = asyncio.get_running_loop(), exporter.batches(self._uncounted(walk))
        flying: deque[asyncio.Task[DecodedBatch]] = deque()
        more, broken = True, None
        try:
            while more or flying:
                while more and len(flying) < AHEAD:
                    try:
                        batch = await loop.run_in_executor(self._reader, next, batches, None)
                    except MalformedPage as error:
                        batch, broken = None, error
                    more = batch is not None
                    if batch is not None:
                        flying.append(asyncio.ensure_future(self._decode(walk, batch)))
                if flying:
                    await self._hand_on(walk, await flying.popleft())
            if broken is not None:
                raise broken
        finally:
            for task in flying:
                task.cancel()

    async def _decode(self, walk: FileWalk, batch: Sequence[Entry]) -> DecodedBatch:
        """Decode in a process of its own; one that a member brings down is told apart from the others."""
        version, level = walk.version, self.settings.getint("HARVEST_ZSTD_LEVEL")
        try:
            return await self.decoders.run(
                exporter.decode_batch,
                batch=batch,
                kind=version.kind,
                url=version.url,
                retrieved=now_text(),
                header=walk.header,
                level=level,
            )
        except MalformedPage as error:
            if len(batch) == 1:
                bad = [replace(batch[0], reason=str(error))]
                return exporter.decode_batch(bad, version.kind, version.url, now_text())
        middle = len(batch) // 2
        one, other = await self._decode(walk, batch[:middle]), await self._decode(walk, batch[middle:])
        return DecodedBatch(one.entries + other.entries, one.payload + other.payload)

    async def _hand_on(self, walk: FileWalk, decoded: DecodedBatch) -> None:
        """Into the pipelines, and wait until it is written."""
        answers = self._answers(walk, decoded)
        walk.answers += len(answers)
        assert self.crawler.engine is not None
        await self.crawler.engine.scraper.start_itemproc_async(Batch(answers), response=None)
        if self.stopping:
            raise Unreachable("the run is ending")

    def _answers(self, walk: FileWalk, decoded: DecodedBatch) -> list[Answer]:
        """A batch: its records, and each member that is none."""
        common: dict[str, Any] = {
            "channel": walk.window.channel,
            "window": walk.window.window,
            "attempt": walk.attempt,
            "url": walk.version.url,
            "state": "read",
            "http_status": 200,
            "attempts": 1,
            "at": now_text(),
        }
        kept = [entry for entry in decoded.entries if entry.refused is None]
        answers = [
            Answer(
                **common,
                reason=None,
                listed=len(kept),
                notes=_notes(decoded),
                bare=self._census,
                payload=() if self._census else decoded.payload,
                outcomes=[Outcome(one.identifier, one.datestamp, one.state, one.reason) for one in kept],
            )
        ]
        for one in decoded.entries:
            if one.refused is not None:
                reason = one.reason or ""
                body = RefusedBody(
                    url=walk.version.url,
                    http_status=200,
                    headers=(),
                    body=one.refused,
                    retrieved=common["at"],
                    reason=reason,
                )
                answers.append(
                    Answer(
                        **common,
                        reason=reason,
                        listed=1,
                        outcomes=[Outcome(one.identifier, None, "refused", reason)],
                        refused=body,
                        refused_identifier=one.identifier,
                        bare=True,
                    )
                )
        return answers

    # --- a file that cannot be had

    async def _give_up(self, walk: FileWalk, reason: str, body: RefusedBody | None = None) -> WindowEnd:
        """The file is refused, and what came instead of it kept."""
        walk.notes.append(finding("dump-refused", name=walk.version.name, reason=reason))
        refused = replace(body, retrieved=now_text()) if body is not None else None
        answer = Answer(
            channel=walk.window.channel,
            window=walk.window.window,
            attempt=walk.attempt,
            url=walk.version.url,
            state="refused",
            http_status=body.http_status if body else None,
            reason=reason,
            attempts=1,
            at=now_text(),
            refused=refused,
            bare=True,
        )
        walk.answers += 1
        assert self.crawler.engine is not None
        await self.crawler.engine.scraper.start_itemproc_async(answer, response=None)
        return self._end(walk, REFUSED)

    async def _replaced(self, walk: FileWalk, error: Refused) -> bool:
        """Whether newer files take the place of one that is gone: all of them, so that they are of one time."""
        chosen, _ = await self._choose()
        ledger, run = self.keeper.writer.ledger, self.keeper.writer.run_number
        known = {row.from_ for row in await self.keeper.do(ledger.windows, run)}
        walk.children = await self._windows_of([version for version in chosen if version.name not in known])
        if not any(version.key == walk.version.key and version.name != walk.version.name for version in chosen):
            return False
        walk.notes.append(finding("dump-version-gone", name=walk.version.name, reason=str(error)))
        await self.keeper.do(durable.remove, walk.part)
        return True

    def _end(self, walk: FileWalk, end: str) -> WindowEnd:
        return WindowEnd(window=walk.window, attempt=walk.attempt, answers=walk.answers, end=end, stated=None, pages=1)

    # --- what the pipelines ask

    def decide(self, end: WindowEnd, count: WindowCount) -> Decision:
        """What becomes of a file: as many members must be counted as were seen."""
        walk = self._walks[end.window.window]
        notes = list(walk.notes)
        if end.end == GONE:
            return Split((), tuple(notes))
        if end.end == REFUSED:
            return Lost(tuple(notes))
        if end.end != HELD and count.listed != walk.seen:
            notes.append(finding("dump-incomplete", name=walk.version.name, expected=walk.seen, found=count.listed))
            return Lost(tuple(notes))
        if walk.twice:
            notes.append(finding("member-twice", name=walk.version.name, identifier=walk.first_twice, found=walk.twice))
        if end.end == SAMPLED:
            notes.append(finding("sample", found=count.distinct))
        return Done(tuple(notes))

    def new_windows(self, parent: WindowRow, spans: Sequence[Span], verb: str) -> list[NewWindow]:
        """The newer files that take the place of one that is gone."""
        return self._walks[parent.window].children

    def describe(self, end: WindowEnd) -> str:
        """The file and its version."""
        return end.window.from_ or ""

    def window_settled(self, end: WindowEnd, decision: Decision, children: Sequence[WindowRow]) -> None:
        """Go on with the next file."""
        self._walks.pop(end.window.window)
        self._queue.extend(children)
        self._settled.set()

    # --- how far it is, for the progress line

    @property
    def open_windows(self) -> int:
        """Files that wait or are being taken."""
        return len(self._queue) + len(self._walks)


def _pieces(path: Path) -> Iterator[bytes]:
    with durable.translated(path, "reading"), path.open("rb") as file:
        while piece := file.read(READ_BYTES):
            yield piece


def _notes(decoded: DecodedBatch) -> list[Finding]:
    """One finding a batch and kind of problem, naming the first record; each outcome has its own reason."""
    problems = [(one.problem.code, one.identifier, one.problem.found) for one in decoded.entries if one.problem]
    problems += [
        ("ids-refused", one.identifier, one.reason or "") for one in decoded.entries if one.refused is not None
    ]
    first = {code: (identifier, reason) for code, identifier, reason in reversed(problems)}
    counts = Counter(code for code, _, _ in problems)
    return [finding(code, identifier=name, found=counts[code], reason=why) for code, (name, why) in first.items()]
