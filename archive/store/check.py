"""One shard, read to its last byte: against its own checksums, and against what the ledger says of it.

All that is wrong is named. Where a frame cannot be read, the ledger still says whose records were in it.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from archive.disk import sha256_of
from archive.errors import ArchiveError
from archive.queries import Queries
from archive.store import shards
from archive.store.layout import Layout
from archive.store.pairing import Difference, Kept, compared, kept_in
from archive.store.shard_salvage import Damage, salvage
from archive.store.shards import Frame
from archive.store.snapshots import snapshot

_SQL = Queries(__package__)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in a shard that is not as it was written; `frame` and `record` count from 0, None is all of it."""

    message: str
    frame: int | None = None
    record: int | None = None
    missing: bool = False


@dataclass(slots=True)
class ShardCheck:
    """What was read of one shard, and what is wrong with it. `bytes` are those that count."""

    name: str
    bytes: int
    frames: int = 0
    records: int = 0
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ShardToCheck:
    """A row of the ledger's table of shards, and the archive it is in."""

    layout: Layout
    shard: int
    name: str
    state: str
    records: int
    frames: int
    bytes: int
    content_bytes: int
    sha256: str | None

    @property
    def path(self) -> Path:
        """Where it is, as `Layout.shard`."""
        return self.layout.shard(self.name, sealed=self.state == "sealed")

    @property
    def identity(self) -> str:
        """What the ledger says of it, as one text: a check is of a file and of this."""
        return f"{self.path.name} {self.records} {self.frames} {self.bytes} {self.sha256}"


def look_at_shard(task: ShardToCheck) -> ShardCheck:
    """Whether a shard is there and as long as the ledger says; what it holds is taken from the ledger."""
    check = ShardCheck(task.name, task.bytes, task.frames, task.records)
    size = task.path.stat().st_size if task.path.exists() else None
    if size is None and task.bytes:
        check.faults.append(Fault("it is missing; take it from a copy of the archive", missing=True))
    elif size is not None and (size < task.bytes or (task.state == "sealed" and size != task.bytes)):
        check.faults.append(Fault(f"it is {size} bytes long, the ledger says {task.bytes}"))
    return check


def check_alone(path: Path) -> ShardCheck:
    """Check a shard by what it says of itself."""
    check = ShardCheck(path.name, path.stat().st_size)
    for item in salvage(path):
        if isinstance(item, Damage):
            frame = item.frame if item.frame >= 0 else None
            check.faults.append(Fault(f"{item.reason} (at byte {item.offset})", frame, item.record))
        else:
            check.frames, check.records = check.frames + 1, check.records + item.records
    return check


def check_shard(task: ShardToCheck) -> ShardCheck:
    """Check a shard by what it says of itself and what the ledger says of it."""
    check = ShardCheck(task.name, task.bytes)
    if not task.path.exists():
        if task.bytes:
            check.faults.append(Fault("it is missing; take it from a copy of the archive", missing=True))
        return check
    with snapshot(task.layout) as ledger:
        try:
            for frame in shards.iter_frames(task.path, None if task.state == "sealed" else task.bytes):
                _check_frame(ledger, task, frame, check)
            check.faults += _sum_faults(task, check)
            if (fault := sealed_otherwise(task)) is not None:
                check.faults.append(Fault(fault))
        except ArchiveError as error:
            check.frames = check.records = 0
            check.faults = _frame_by_frame(ledger, task, check)
            if not any(fault.frame is not None for fault in check.faults):
                check.faults.append(Fault(str(error)))
    return check


def _check_frame(ledger: sqlite3.Connection, task: ShardToCheck, frame: Frame, check: ShardCheck) -> None:
    """Compare a frame with the ledger's row of it, and its records with their outcomes."""
    check.frames, check.records = check.frames + 1, check.records + frame.records
    row = ledger.execute(_SQL["frame_of_shard"], {"shard": task.shard, "frame": frame.frame}).fetchone()
    found = (frame.offset, frame.length, len(frame.content), frame.records)
    if row != found:
        said = "has no such frame" if row is None else f"says {row}"
        check.faults.append(Fault(f"offset, bytes, content and records are {found}, the ledger {said}", frame.frame))
    for pair in compared(frame, kept_in(ledger, task.shard, frame.frame)):
        if isinstance(pair, Difference):
            check.faults.append(Fault(pair.sentence, frame.frame, pair.record))


def _sum_faults(task: ShardToCheck, check: ShardCheck) -> Iterator[Fault]:
    """What the shard as a whole is that the ledger says otherwise."""
    if (check.records, check.frames) != (task.records, task.frames):
        yield Fault(
            f"{check.records} records in {check.frames} frames, the ledger counted {task.records} in {task.frames}"
        )
    if task.state == "sealed":
        size = task.path.stat().st_size
        if size != task.bytes:
            yield Fault(f"it is {size} bytes long, the ledger says {task.bytes}")
        elif sha256_of(task.path) != task.sha256:
            yield Fault("it is whole, but not the file that was written: its SHA-256 is not the ledger's")


def sealed_otherwise(task: ShardToCheck) -> str | None:
    """What is wrong with a shard that is sealed and that the ledger has as open.

    A harvest counts all of it before it seals it; where less is counted, the ledger has lost its last transactions.
    """
    path = task.layout.shards / task.name
    if task.state == "sealed" or not path.exists():
        return None
    with snapshot(task.layout) as ledger:  # of a time when the file was there
        row = ledger.execute(_SQL["shard_records"], (task.shard,)).fetchone()
    sealed = shards.check_shard(path).records
    if row is None or row[0] == sealed:
        return None
    return f"it is sealed and holds {sealed} records, the ledger counted {row[0]}: its last transactions are missing"


def _frame_by_frame(ledger: sqlite3.Connection, task: ShardToCheck, check: ShardCheck) -> list[Fault]:
    """Where a shard is damaged: the ledger says where each frame begins, whatever became of those before it."""
    for number, offset, length, _ in ledger.execute(
        _SQL["frames_of_shard"], {"shard": task.shard, "first": 0, "last": None}
    ).fetchall():
        try:
            frame = shards.read_frame_at(task.path, number, offset, length)
        except ArchiveError as error:
            lost = kept_in(ledger, task.shard, number)
            check.faults.append(Fault(f"{error}; {_whose(lost)}", number))
        else:
            _check_frame(ledger, task, frame, check)
    return check.faults


def _whose(lost: list[Kept]) -> str:
    if not lost:
        return "the ledger knows of no record in it"
    return f"its {len(lost)} records are those of {lost[0].identifier} to {lost[-1].identifier}"
