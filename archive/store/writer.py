"""The one way into an archive: records into the shard, the shard synced, then one ledger transaction.

Answers are put one after the other and committed in groups, so that fsync does not rule the speed;
until its group is committed an answer counts for nothing, and after a crash it is asked for again.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from archive.disk import durable
from archive.errors import Damaged, DiskFailed, OtherArchive
from archive.findings import Finding
from archive.queries import Queries
from archive.store import shards
from archive.store.layout import Layout, WriteLock, create, read_description
from archive.store.ledger import Ledger, NewWindow, Outcome, Run, WindowCount, WindowRow
from archive.store.quarantine import Kept, RefusedBody, write_refused
from archive.store.rewrite import highest_number
from archive.store.snapshots import check_digest, write_digest

_SQL = Queries(__package__)

# A group is committed when this much content waits, or this long after its first answer: a sync costs
# some milliseconds, a page asked again after a crash costs the provider one request.
GROUP_BYTES = 8 << 20
GROUP_SECONDS = 5.0
# refusals in the same words that are remembered
SAID_MOST = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """One ended request: what it settled, and the records that came with it.

    `outcomes` are in document order; `payload` holds the framed JSON
    texts of those in state read and deleted whose reason is not NOT_MODIFIED, in the same order, as (bytes, number of
    texts), where bytes may be a frame that `archive.store.frames.pack` made; a census, which asks for headers only, has
    none (`bare`).
    `validators` are (identifier, ETag or Last-Modified) to keep for a conditional request.
    """

    channel: int | None
    window: int | None
    attempt: int
    url: str
    state: str
    http_status: int | None
    reason: str | None
    attempts: int
    at: str
    listed: int = 0
    outcomes: Sequence[Outcome] = ()
    payload: Sequence[tuple[bytes, int]] = ()
    refused: RefusedBody | None = None
    refused_identifier: str | None = None
    notes: Sequence[Finding] = ()
    bare: bool = False
    validators: Sequence[tuple[str, str]] = ()


@dataclass(slots=True)
class _Group:
    """Answers whose records are in the shard's buffer or file, and waits, that are not yet in the ledger."""

    answers: list[Answer] = field(default_factory=list)
    waits: list[tuple[str, str, float, str]] = field(default_factory=list)
    content_bytes: int = 0
    since: float = 0.0


class ArchiveWriter:
    """An archive open for writing by this process. Not for use by two threads at once."""

    def __init__(
        self,
        folder: Path,
        source: dict[str, Any],
        software: dict[str, Any],
        *,
        level: int = 3,
        shard_bytes: int = shards.SHARD_BYTES,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open or make the archive at `folder`, and put a torn tail of an earlier process right.

        Raises OtherArchive when the archive is of another source (no host in common), Busy when another
        process writes, Damaged when a shard is shorter than the ledger says.
        """
        self.layout = Layout(folder)
        self._clock, self._level, self._shard_bytes = clock, level, shard_bytes
        self._made = not self.layout.description.exists()
        if self._made:
            create(folder, source, software, self.now())
        self.description = read_description(folder)
        held = set(self.description["source"].get("hosts", ()))
        if held.isdisjoint(source.get("hosts", ())):
            raise OtherArchive(
                f"{folder} is an archive of {self.description['source'].get('url')}, not of {source.get('url')}; "
                "name another folder"
            )
        self._lock = WriteLock(folder)
        try:
            check_digest(self.layout)
            durable.remove(self.layout.ledger_digest)
            self.ledger = Ledger(self.layout.ledger, create=not self.layout.shards.exists())
            durable.make_folder(self.layout.shards)
            self.torn: list[str] = self._recover()
        except BaseException:
            self._lock.release()
            raise
        self._shard: shards.ShardWriter | None = None
        self._shard_number = 0
        self._group = _Group()
        self._quarantined = self.ledger.last_quarantine()
        self._said: dict[tuple[int | None, bytes], Kept] = {}
        self.run: Run | None = None
        self._failed = False

    def now(self) -> str:
        return self._clock().strftime("%Y-%m-%dT%H:%M:%SZ")

    # runs

    def begin(self, spider: str, mode: str, arguments: dict[str, Any], software: dict[str, Any]) -> bool:
        """Go on with the unfinished run of the same words, or begin a new one. True when it goes on."""
        resumed = self.ledger.open_run(spider, mode, arguments)
        if resumed is not None:
            self.ledger.reopen_run(resumed.run)
            self.run = resumed
        else:
            self.run = self.ledger.add_run(spider, mode, arguments, software, self.now())
        for sentence in self.torn:
            self.note(Finding("torn-tail", "info", sentence))
        self.torn = []
        return resumed is not None

    @property
    def run_number(self) -> int:
        assert self.run is not None, "begin() first"
        return self.run.run

    def open_windows(self, windows: Sequence[NewWindow], parent: int | None = None) -> list[WindowRow]:
        """Open windows, in one transaction: the first ones of a run, or those that list a parent once more."""
        with self.ledger.transaction():
            return self.ledger.add_windows(self.run_number, windows, self.now(), parent)

    def note(self, note: Finding, channel: int | None = None, window: int | None = None) -> None:
        """Write one finding at once."""
        with self.ledger.transaction():
            self._add_note(note, channel, window)

    # answers

    def put(self, *answers: Answer) -> None:
        """Take answers that came together; they are durable and counted after the next commit.

        The records of all of them, in their order, may be in the payload of any of them.
        """
        group = self._begun_group()
        with self._all_or_nothing():
            for answer in answers:
                for framed, records in answer.payload:
                    self._open_shard().append(framed, records)
                    group.content_bytes += len(framed)
        group.answers.extend(map(_without_payload, answers))

    def wait(self, *waits: tuple[str, str, float, str]) -> None:
        """Take waits, as (host, began, seconds, reason); they are in the ledger after the next commit."""
        if waits:
            self._begun_group().waits.extend(waits)

    @property
    def due(self) -> bool:
        """Whether the group that waits should be committed now."""
        group = self._group
        return bool(group.answers or group.waits) and (
            group.content_bytes >= GROUP_BYTES or time.monotonic() - group.since >= GROUP_SECONDS
        )

    def commit(self) -> None:
        """Make everything that was put durable, then count it."""
        shard = self._shard
        with self._all_or_nothing():
            if not self._group.answers and not self._group.waits:
                return
            if shard is not None:
                shard.flush()
                shard.sync()
            with self.ledger.transaction():
                stored = [number for answer in self._group.answers for number in self._count(answer)]
                if shard is not None:
                    self._count_frames(shard, stored)
                elif stored:
                    raise AssertionError("outcomes read without records")
                self.ledger.add_waits(self.run_number, self._group.waits)
        self._group = _Group()
        if shard is not None and shard.length >= self._shard_bytes:
            self._seal()

    def count_window(self, window: int, attempt: int) -> WindowCount:
        """What an attempt at a window brought; commits first, so that all of it is counted."""
        self.commit()
        return self.ledger.count_window(window, attempt)

    def close_window(
        self,
        window: int,
        *,
        state: str,
        end: str,
        count: WindowCount,
        stated: int | None,
        pages: int,
        attempts: int,
        children: Sequence[NewWindow] = (),
        notes: Sequence[Finding] = (),
        channel: int | None = None,
    ) -> list[WindowRow]:
        """Say how a window ended and open the windows that take its place, in one transaction."""
        self.commit()
        with self.ledger.transaction():
            now = self.now()
            self.ledger.close_window(
                window,
                state=state,
                end=end,
                count=count,
                stated=stated,
                pages=pages,
                attempts=attempts,
                now=now,
            )
            for note in notes:
                self._add_note(note, channel, window)
            return self.ledger.add_windows(self.run_number, children, now, parent=window)

    def finish(self, state: str) -> None:
        """End the run; `state` is complete, findings or unfinished."""
        self.commit()
        if self._shard is not None:
            self._seal()
        self.ledger.finish_run(self.run_number, state, self.now())

    def withdraw(self) -> None:
        """Close; a run that has asked for nothing is taken back, and so is the archive that was made for it.

        A mistyped address must not leave an archive behind that belongs to a host which is none.
        """
        asked = self.ledger.windows(self.run_number) if self.run is not None else []
        if asked or self._failed:
            self.close()
            return
        if self.run is not None:
            self.ledger.drop_run(self.run_number)
        if not self._made or self.ledger.has_runs():
            self.close()
            return
        try:
            self.ledger.close()
            with durable.translated(self.layout.root, "taking back an archive that holds nothing"):
                self.layout.shards.rmdir()
                for path in (*self.layout.root.glob("ledger.sqlite*"), self.layout.description):
                    path.unlink()
                if not any(self.layout.root.iterdir()):
                    self.layout.root.rmdir()
        finally:
            self._lock.release()

    def close(self) -> None:
        """Commit and seal what is there, and leave the archive at rest; after a failure only let go of it."""
        if self._failed:
            self.abandon()
            return
        try:
            self.commit()
            if self._shard is not None:
                self._seal()
            self.ledger.close()
            write_digest(self.layout)
        finally:
            self._lock.release()

    def abandon(self) -> None:
        """Let go after a failure of the disk: what was not committed is asked for again."""
        try:
            if self._shard is not None:
                self._shard.close()
            self.ledger.close()
        finally:
            self._lock.release()

    # inside

    def _begun_group(self) -> _Group:
        """The group that the next commit writes; its time begins with the first thing in it."""
        if not self._group.answers and not self._group.waits:
            self._group.since = time.monotonic()
        return self._group

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """After a failure in here buffer, shard and ledger are no longer in step: nothing more is taken or counted."""
        if self._failed:
            raise DiskFailed(f"{self.layout.root}: a write failed before; run the same command again")
        try:
            yield
        except BaseException:
            self._failed = True
            raise

    def _add_note(self, note: Finding, channel: int | None, window: int | None) -> None:
        self.ledger.add_finding(
            self.run_number,
            note.code,
            note.severity,
            note.message,
            self.now(),
            channel=channel,
            window=window,
            identifier=note.identifier,
            expected=note.expected,
            found=note.found,
        )

    def _count(self, answer: Answer) -> list[int]:
        """Write one answer to the ledger. Returns the numbers of the outcomes that have a record."""
        request, first = self.ledger.add_request(
            run=self.run_number,
            channel=answer.channel,
            window=answer.window,
            attempt=answer.attempt,
            url=answer.url,
            state=answer.state,
            http_status=answer.http_status,
            reason=answer.reason,
            attempts=answer.attempts,
            at=answer.at,
            listed=answer.listed,
            outcomes=answer.outcomes,
        )
        if answer.refused is not None:
            kept = self._keep_refused(answer.refused)
            self.ledger.add_quarantine(request, answer.refused_identifier, kept.name, kept.size_bytes, kept.sha256)
        for note in answer.notes:
            self._add_note(note, answer.channel, answer.window)
        if answer.validators and answer.channel is not None:
            self.ledger.add_validators(answer.channel, answer.validators)
        if answer.bare:
            return []
        return [first + n for n, outcome in enumerate(answer.outcomes) if outcome.has_record]

    def _keep_refused(self, refused: RefusedBody) -> Kept:
        """Write a refused body. What a provider says to everybody in the same words is kept once (a million 406)."""
        words = refused.http_status, hashlib.sha256(refused.body).digest()
        kept = self._said.get(words)
        if kept is None:
            self._quarantined += 1
            kept = write_refused(self.layout.quarantine, self._quarantined, refused)
            if 400 <= (refused.http_status or 0) < 500 and len(self._said) < SAID_MOST:
                self._said[words] = kept
        return kept

    def _count_frames(self, shard: shards.ShardWriter, stored: list[int]) -> None:
        """Name the frames of this group, each with the outcomes whose records it holds."""
        taken = 0
        for frame in shard.take_frames():
            held = stored[taken : taken + frame.records]
            if len(held) != frame.records:
                raise AssertionError(f"frame {frame.frame} holds {frame.records} records, {len(held)} are counted")
            taken += frame.records
            self.ledger.db.execute(
                _SQL["add_frame"],
                (
                    self._shard_number,
                    frame.frame,
                    frame.offset,
                    frame.length,
                    frame.content_bytes,
                    frame.records,
                    held[0],
                    held[-1],
                ),
            )
        if taken != len(stored):
            raise AssertionError(f"{len(stored)} outcomes with a record, {taken} records in the shard")
        self.ledger.db.execute(
            _SQL["count_shard"],
            (shard.records, shard.frames, shard.length, shard.content_bytes, self._shard_number),
        )

    def _open_shard(self) -> shards.ShardWriter:
        """The shard being written; a new one is known to the ledger before its file exists."""
        if self._shard is None:
            with self.ledger.transaction():
                row = self.ledger.db.execute(_SQL["last_shard"]).fetchone()
                self._shard_number = 1 + max(int(row[0]), highest_number(self.layout))
                name = f"{self._shard_number:05d}.json-seq.zst"
                self.ledger.db.execute(
                    _SQL["open_shard"],
                    (self._shard_number, name, self.run_number),
                )
            self._shard = shards.ShardWriter(self.layout.shards / name, level=self._level)
        return self._shard

    def _seal(self) -> None:
        shard, self._shard = self._shard, None
        assert shard is not None
        self._sealed(self._shard_number, shard.seal())

    def _sealed(self, number: int, seal: shards.Seal) -> None:
        with self.ledger.transaction():
            self.ledger.db.execute(
                _SQL["seal_shard"],
                (seal.records, seal.frames, seal.length, seal.content_bytes, seal.sha256, seal.sha512, number),
            )

    def _recover(self) -> list[str]:
        """Seal what a killed process left open, cut back to what the ledger counted. Returns what was done."""
        sentences = []
        rows = self.ledger.db.execute(_SQL["open_shards"]).fetchall()
        for number, name, believed, records in rows:
            path = self.layout.shards / name
            opened = path.with_name(name + ".open")
            if path.exists():  # killed between the rename and the ledger's word of it
                seal = shards.check_shard(path)
            elif not opened.exists() and believed == 0:
                self._drop(number)
                continue
            else:
                torn = opened.stat().st_size - believed if opened.exists() else 0
                if torn > 0:
                    sentences.append(f"shard {name}: {torn} bytes after the last commit were cut off; asked for again")
                if believed == 0:
                    durable.remove(opened)
                    self._drop(number)
                    continue
                seal = shards.recover(path, believed)
            if seal.records != records:
                raise Damaged(f"shard {name} holds {seal.records} records, the ledger counted {records}")
            self._sealed(number, seal)
        return sentences

    def _drop(self, number: int) -> None:
        """Forget a shard that was opened and never written to."""
        with self.ledger.transaction():
            self.ledger.db.execute(_SQL["drop_empty_shard"], (number,))


def _without_payload(answer: Answer) -> Answer:
    """What the ledger needs of an answer; its records are in the shard's buffer already."""
    if not answer.payload:
        return answer
    return replace(answer, payload=())
