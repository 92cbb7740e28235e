"""The files of the records that an archive holds: listed from its records, fetched once each, kept by content."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from archive.disk import durable
from archive.errors import Damaged
from archive.files import (
    DOWNLOADS,
    FileDigests,
    FileList,
    FileRow,
    FileStore,
    NotAList,
    StoredFile,
    file_accounts,
    keep,
    parse_checksum,
    parse_file_list,
    rank,
)
from archive.findings import finding
from archive.store import Answer, LatestRecords, NewWindow, Part, Record, WindowCount
from harvester.crawl import PartWalk, WindowEnd, next_named
from harvester.crawl.arguments import FilesArguments, media_type_of, parse_files
from harvester.crawl.files import Chosen, choose, host_of, list_row, part_name, state_of, wanted_of
from harvester.errors import MalformedPage, Unreachable
from harvester.http import (
    Downloader,
    Refused,
    Transfer,
    check,
    download_policy,
    hide_in_logs,
    pause_seconds,
    robots,
    sendable,
)
from harvester.oaipmh import Decision
from harvester.printable import tame_logs
from harvester.ratelimit import Gates, WaitTooLong
from harvester.walks import Reply
from spiders.base import HarvestSpider, now_text

VERB = "files"
# so many files that ended are written to the ledger together, or as many as end in this time
GROUP_FILES, GROUP_SECONDS = 256, 0.5
# media types that are named where a filter has taken no file
TYPES_SHOWN = 10


class FilesSpider(HarvestSpider):
    """List; fetch; keep: every file that a record lists ends in one state."""

    name = "files"

    arguments: FilesArguments

    @classmethod
    def read_arguments(cls, words: Mapping[str, str]) -> FilesArguments:
        return parse_files(words)

    async def start(self) -> AsyncIterator[Any]:
        """Take the shards one after the other, several files at once. Nothing goes through Scrapy's queue."""
        writer = self.keeper.writer
        self._root: Path = writer.layout.root
        self._store = FileStore(writer.ledger, self._root, writer.run_number)
        self._rules, self._reading = robots.FileRules(self.arguments.source), asyncio.Lock()
        self._told_hosts: set[tuple[str, bool]] = set()
        self._types: Counter[str] = Counter()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._ended: list[tuple[FileRow, StoredFile | None]] = []
        self._unwritten: set[str] = set()
        self._since, self._flushing = 0.0, asyncio.Lock()
        self._walks: dict[int, PartWalk] = {}
        self._left: int | None = None
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="records")
        policy = download_policy(
            self.settings["USER_AGENT"],
            self.allowed_hosts,
            self.settings.getint("HARVEST_TRIES"),
            credentials=self.credentials,
        )
        self._downloader = Downloader(policy, Gates.of(self.crawler), lambda: self.stopping)
        try:
            hide_in_logs(self.credentials)
            tame_logs()
            await self._harvest()
        except Exception as error:
            self.fail(error)
        finally:
            self._reader.shutdown(wait=False)
            await self._downloader.close()
        return
        yield  # what makes this a generator, which Scrapy asks for

    # --- the plan

    async def _harvest(self) -> None:
        records = await self._read(LatestRecords, self.keeper.writer.layout)
        try:
            walks = await self._prepare(await self._read(records.parts))
            await self.keeper.do(durable.make_folder, self._root / DOWNLOADS)
            queue: asyncio.Queue[tuple[PartWalk, FileRow]] = asyncio.Queue(2 * self.arguments.windows)
            tasks = [asyncio.ensure_future(self._work(queue)) for _ in range(self.arguments.windows)]
            tasks.append(asyncio.ensure_future(self._flush_in_time()))
            try:
                for walk in walks:
                    await self._list(records, walk, queue)
                await queue.join()
            finally:
                for task in tasks:
                    task.cancel()
                await self._flush()
        finally:
            await self._read(records.close)
        if not self.stopping:
            await self.keeper.do(self._check_account)
            forms = await self.keeper.do(self._store.unnamed)
            if forms:
                found, names = sum(forms.values()), ", ".join(forms)
                await self.find(finding("files-unnamed", found=found, forms=names))
            await self._judge_filter()

    async def _read(self, call: Any, *arguments: Any) -> Any:
        """In the thread that reads the records."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, call, *arguments)

    async def _prepare(self, parts: list[Part]) -> list[PartWalk]:
        """What is open of this run, the forms that say most of files first; shards that are new since are added."""
        writer = self.keeper.writer
        known = writer.ledger.windows(writer.run_number)
        held = {(row.channel, row.from_) for row in known}
        new = [part for part in parts if (part.channel, part.name) not in held]
        windows = [NewWindow(part.channel, VERB, part.name, None) for part in new]
        rows = [row for row in known if row.state == "open"] + await self.keeper.do(writer.open_windows, windows)
        by_place = {(part.channel, part.name): part for part in parts}
        for row in rows:
            # a shard whose records were all read again since has nothing left to list
            part = by_place.get((row.channel, row.from_ or "")) or Part(row.channel, "", 0, row.from_ or "")
            self._walks[row.window] = PartWalk(row, part)
        if self.arguments.sample is not None:
            self._left = max(0, self.arguments.sample - await self.keeper.do(self._store.listed))
        return sorted(self._walks.values(), key=lambda walk: (rank(walk.part.format), walk.window.window))

    async def _judge_filter(self) -> None:
        """Report a filter that has selected no file in any run, with the media types that exist."""
        ledger, wanted = self.keeper.writer.ledger, self.arguments.wanted
        if not wanted.conditions:
            return
        accounts = await self.keeper.do(lambda: list(file_accounts(ledger.db)))
        left_out = sum(account.left_out for account in accounts)
        if left_out and not any(account.listed for account in accounts):
            types = ", ".join(f"{name} ({count})" for name, count in self._types.most_common(TYPES_SHOWN))
            await self.find(
                finding("filter-takes-nothing", found=left_out, wanted=str(wanted), offered=types or "earlier runs saw")
            )

    def _check_account(self) -> None:
        writer = self.keeper.writer
        for account in file_accounts(writer.ledger.db):
            if account.run == writer.run_number and not account.balanced:
                counted = sum(account.states.values())
                raise Damaged(
                    f"the files of run {account.run} do not add up: {account.listed} listed, {counted} counted; "
                    f"{'; '.join(account.off[:3])}: take the ledger from a copy of the archive"
                )

    # --- which files there are

    async def _list(
        self, records: LatestRecords, walk: PartWalk, queue: "asyncio.Queue[tuple[PartWalk, FileRow]]"
    ) -> None:
        frames = records.frames(walk.part)
        while not self.stopping and self._left != 0:
            found = await self._read(next_named, frames)
            if found is None:
                break
            walk.note_read(found)
            for record, outcome, files in found.records:
                for row in await self._rows(walk, record, outcome, files):
                    walk.pending += 1
                    await queue.put((walk, row))
                if self.stopping or self._left == 0:
                    break
        if not self.stopping:
            walk.listed = True
            await self._close_if_over(walk)

    async def _rows(self, walk: PartWalk, record: Record, outcome: int, files: FileList) -> list[FileRow]:
        """The files of a record that are to be asked for now; the ledger has all of them then."""
        known = await self.keeper.do(self._store.listing, record.identifier)
        if known is not None:
            listed, open_rows = known
            return open_rows if listed == outcome else []
        row = None
        if files.ask is not None:
            files, row = await self._ask_for_list(record, files.ask)
            if self.stopping:
                return []
            if row is not None and row.state == "lost":  # this run lists it again
                walk.note_lost(row)
                return []
        scrub = self.credentials.scrub
        chosen = choose(
            record=record,
            files=files,
            wanted=self.arguments.wanted,
            hosts=self.allowed_hosts,
            most=self._left,
            scrub=scrub,
        )
        self._types.update(media_type_of(file) or "unknown" for file in files.files)
        await self._tell(record, files, chosen)
        walk.note_unsaid(record.identifier, chosen.unsaid)
        rows = await self.keeper.do(self._store.held_of, [row] if row is not None else list(chosen.rows))
        await self.keeper.do(
            self._store.list_record,
            identifier=record.identifier,
            outcome=outcome,
            rows=rows,
            left_out=chosen.left_out,
            at=now_text(),
        )
        if self._left is not None:
            self._left -= min(len(rows), self._left)
        for one in rows:
            if one.state != "open":
                await self._note_end(one)
        return [one for one in rows if one.state == "open"]

    async def _ask_for_list(self, record: Record, url: str) -> tuple[FileList, FileRow | None]:
        """The list that a record only links to, or the row that stands for it."""
        url = self.credentials.scrub(sendable(url))
        if host_of(url) not in self.allowed_hosts:
            return FileList(), list_row(record, url, "refused", "its list is at no host of this source")
        await self._allow(url)
        state, reason, tries = "lost", "not asked", self.tries
        for attempt in range(1, tries + 1):
            try:
                reply = await self._get(url)
                if reply.status == 200:
                    return parse_file_list(reply.plain_body(), url), None
                reason = f"HTTP status {reply.status}"
                state = "lost" if reply.status >= 500 else state_of(reply.status)
                if state != "lost":
                    break
            except NotAList as error:
                state, reason = "refused", f"its list cannot be read: {error}"
            except (MalformedPage, Unreachable) as error:
                state, reason = "lost", str(error)
            if self.stopping or attempt == tries:
                break
            await asyncio.sleep(pause_seconds(attempt))
        return FileList(), list_row(record, url, state, self.credentials.scrub(reason))

    async def _get(self, url: str) -> Reply:
        try:
            return await self.fetch(url, accept="application/json")
        except WaitTooLong:
            raise
        except Exception as cause:  # whatever the downloader raises
            raise Unreachable(f"no answer ({type(cause).__name__}: {cause})") from cause

    async def _tell(self, record: Record, files: FileList, chosen: Chosen) -> None:
        for host, is_link in chosen.elsewhere:
            if (host, is_link) not in self._told_hosts:
                self._told_hosts.add((host, is_link))
                code = "links-elsewhere" if is_link else "files-elsewhere"
                await self.find(finding(code, host=host or "no http URL", identifier=record.identifier))
        if unknown := [file.checksum for file in files.files if file.checksum and not file.checksum.is_checked]:
            first = unknown[0].value
            await self.find(
                finding("checksums-unchecked", identifier=record.identifier, found=len(unknown), reason=first)
            )
        if files.unusable:
            await self.find(finding("files-unusable", identifier=record.identifier, found=files.unusable))

    # --- one file

    async def _work(self, queue: "asyncio.Queue[tuple[PartWalk, FileRow]]") -> None:
        while True:
            walk, row = await queue.get()
            try:
                if not self.stopping:
                    await self._take(walk, row)
                    walk.pending -= 1
                    await self._close_if_over(walk)
            except asyncio.CancelledError:
                raise
            except Exception as error:
                if not self.stopping:
                    self.fail(error)
            finally:
                queue.task_done()

    async def _take(self, walk: PartWalk, row: FileRow) -> None:
        """Bring one file to its end. Several that have one content wait for the first of them."""
        name = part_name(row)
        lock = self._locks.get(name)
        if lock is None:
            lock = self._locks[name] = asyncio.Lock()
        async with lock:
            if name in self._unwritten:
                await self._flush()
            content: StoredFile | None = None
            ended = await self.keeper.do(self._store.held, row)
            if ended is None:
                ended, content = await self._fetch(walk, row, self._root / DOWNLOADS / name)
            if ended.state == "lost":
                walk.note_lost(ended)
            await self._note_end(ended)
            await self._settle(name, ended, content)

    async def _fetch(self, walk: PartWalk, row: FileRow, part: Path) -> tuple[FileRow, StoredFile | None]:
        """Ask for a file; one that is not what was stated is fetched once more."""
        try:
            await self._allow(row.url)
            wanted, wrong = wanted_of(row), None
            for attempt in range(2):
                transfer = Transfer(FileDigests(wanted.checksum), None if attempt else row.etag)
                transfer.begun = lambda etag: self._begun(row, etag)
                await self._downloader.fetch(wanted, part, transfer=transfer)
                assert transfer.digests is not None
                wrong = await asyncio.to_thread(check, wanted, part, transfer.digests)
                if wrong is None:
                    content = await asyncio.to_thread(keep, self._root, part, transfer.digests)
                    media_type = row.media_type or (transfer.media_type or "").partition(";")[0].strip() or None
                    read = replace(row, state="read", media_type=media_type, etag=None)
                    return replace(read, sha256=content.sha256, bytes=content.bytes, reason=_unchecked(row)), content
                self.logger.warning("%s, %s: %s", row.identifier, row.key, wrong)
                await asyncio.to_thread(durable.remove, part)
            return replace(row, state="refused", reason=wrong, etag=None), None
        except Refused as error:
            await asyncio.to_thread(durable.remove, part)
            state = state_of(error.status)
            if state == "refused" and error.body is not None:
                await self._quarantine(walk, row, error)
            return replace(row, state=state, reason=self.credentials.scrub(str(error)), etag=None), None
        except Unreachable as error:
            if self.stopping:
                raise
            return replace(row, state="lost", reason=self.credentials.scrub(str(error))), None

    async def _begun(self, row: FileRow, etag: str) -> None:
        """A file that only its ETag can be told by: who resumes it must know that."""
        if row.size is None or row.size >= 8 << 20:
            await self.keeper.do(self._store.settle, [replace(row, etag=etag)], [], now_text())

    async def _quarantine(self, walk: PartWalk, row: FileRow, error: Refused) -> None:
        """Keep what came instead of a file."""
        assert error.body is not None
        answer = Answer(
            channel=walk.window.channel,
            window=walk.window.window,
            attempt=walk.window.attempts + 1,
            url=row.url,
            state="refused",
            http_status=error.status,
            reason=str(error),
            attempts=1,
            at=now_text(),
            refused=replace(error.body, retrieved=now_text()),
            refused_identifier=row.identifier,
            bare=True,
        )
        assert self.crawler.engine is not None
        await self.crawler.engine.scraper.start_itemproc_async(answer, response=None)

    async def _allow(self, url: str) -> None:
        """Read the robots.txt of a host before it is first asked. Raises as `robots.judge` does for what it closes."""
        async with self._reading:
            if not self._rules.knows(url):
                tries = self.settings.getint("HARVEST_TRIES")
                file = await robots.read_host(self._ask_robots, url, tries, lambda: not self.stopping)
                delay = self._rules.add(file)
                if delay:
                    self.crawler.gates.set_delay(file.host, delay)  # type: ignore[attr-defined]
        closed = self._rules.closed(url)
        if closed is not None and (closed.by, False) not in self._told_hosts:
            self._told_hosts.add((closed.by, False))
            await self.find(
                finding("robots-closed", url=url, by=closed.by, reason=self.arguments.source.robots.because)
            )

    # --- what is written

    async def _note_end(self, row: FileRow) -> None:
        """Count how a file ended; one that cannot be used is named."""
        assert self.crawler.stats is not None
        self.crawler.stats.inc_value(f"harvest/ids/{row.state}")
        self.crawler.stats.inc_value("harvest/files/bytes", row.bytes or 0)
        if row.state == "refused":
            reason = row.reason or ""
            await self.find(finding("file-refused", identifier=row.identifier, name=row.key, reason=reason))

    async def _settle(self, name: str, row: FileRow, content: StoredFile | None) -> None:
        if not self._ended:
            self._since = time.monotonic()
        self._ended.append((row, content))
        self._unwritten.add(name)
        if len(self._ended) >= GROUP_FILES:
            await self._flush()

    async def _flush_in_time(self) -> None:
        while True:
            await asyncio.sleep(GROUP_SECONDS / 2)
            if self._ended and time.monotonic() - self._since >= GROUP_SECONDS:
                try:
                    await self._flush()
                except Exception as error:
                    self.fail(error)
                    return

    async def _flush(self) -> None:
        """Write the files that ended to the ledger; their contents are on the disk."""
        async with self._flushing:
            ended, self._ended = self._ended, []
            if ended:
                contents = [content for _, content in ended if content is not None]
                await self.keeper.do(self._store.settle, [row for row, _ in ended], contents, now_text())
            if not self._ended:
                self._unwritten.clear()

    async def _close_if_over(self, walk: PartWalk) -> None:
        """Say that the files of a shard have ended, once it is listed and all of them have."""
        if not walk.over or walk.window.window not in self._walks or self.stopping:
            return
        del self._walks[walk.window.window]
        await self._flush()
        notes = walk.notes()
        if self._left == 0 and not walk.lost:
            notes.append(finding("sample", found=self.arguments.sample))
        state, end = "lost" if walk.lost else "done", "sample taken" if self._left == 0 else walk.end
        await self.keeper.do(
            self.keeper.writer.close_window,
            walk.window.window,
            state=state,
            end=end,
            count=WindowCount(0, 0),
            stated=None,
            pages=0,
            attempts=walk.window.attempts + 1,
            notes=notes,
            channel=walk.window.channel,
        )
        assert self.crawler.stats is not None
        self.crawler.stats.inc_value(f"harvest/windows/{state}")
        self.logger.info("files of shard %s: %s", walk.part.name, state)

    # --- what the pipelines ask; nothing of it happens here

    def decide(self, end: WindowEnd, count: WindowCount) -> Decision:
        """Files have no lists that end."""
        raise AssertionError("the files spider ends its windows itself")

    @property
    def open_windows(self) -> int:
        """Shards whose files are on their way, or wait."""
        return len(self._walks) if hasattr(self, "_walks") else 0


def _unchecked(row: FileRow) -> str | None:
    """Why nothing shows that a file is the one that was stated; None where its checksum was compared."""
    if row.checksum is None:
        return "no checksum was stated"
    checked = parse_checksum(row.checksum) is not None
    return None if checked else f"the checksum that was stated cannot be checked: {row.checksum.partition(':')[2]}"
