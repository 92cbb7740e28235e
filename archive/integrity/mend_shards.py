"""Repair a damaged shard: its good frames are rewritten beside it, the rest is lost, outcome by outcome.

The ledger knows which outcomes had their records in an unreadable frame: they become `lost`, so that they are requested
again and the account balances.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from archive.errors import ArchiveError, Damaged
from archive.queries import Queries
from archive.store import (
    SHARD_NAME,
    Difference,
    Layout,
    Ledger,
    Seal,
    ShardToCheck,
    ShardWriter,
    compared,
    kept_in,
    sealed_otherwise,
    shards,
)

_SQL = Queries(__package__)
_STORE_SQL = Queries("archive.store")


@dataclass(slots=True)
class Examined:
    """A shard that was read with the ledger's help.

    `bad` has the unreadable frames, and why; `lost` counts the records in them. `end`: all frames are good but the file
    as a whole is not what was written. `differs`: a good frame contradicts the ledger, so that the ledger cannot be
    trusted.
    """

    task: ShardToCheck
    bad: dict[int, str] = field(default_factory=dict)
    lost: int = 0
    end: str | None = None
    differs: str | None = None

    @property
    def good(self) -> bool:
        return not self.bad and self.end is None and self.differs is None


def shards_of(ledger: sqlite3.Connection, layout: Layout) -> list[ShardToCheck]:
    """List the shards in which the ledger counts something, or that are sealed."""
    tasks = [ShardToCheck(layout, *row) for row in ledger.execute(_SQL["shards_to_check"])]
    return [task for task in tasks if task.state == "sealed" or task.bytes or task.path.name == task.name]


def examine(ledger: sqlite3.Connection, task: ShardToCheck) -> Examined:
    """Read each frame at its place in the ledger, and compare its records with their outcomes."""
    seen, records = Examined(task), 0
    places = {"shard": task.shard, "first": 0, "last": None}
    rows = ledger.execute(_STORE_SQL["frames_of_shard"], places).fetchall()
    for number, offset, length, _ in rows:
        kept = kept_in(ledger, task.shard, number)
        records += len(kept)
        try:
            frame = shards.read_frame_at(task.path, number, offset, length)
        except ArchiveError as error:
            seen.bad[number], seen.lost = _short(error, task), seen.lost + len(kept)
            continue
        off = next((pair for pair in compared(frame, kept) if isinstance(pair, Difference)), None)
        if off is not None and seen.differs is None:
            seen.differs = f"shard {task.name}, frame {number}: {off.sentence}"
    if seen.differs is None and (len(rows), records) != (task.frames, task.records):
        seen.differs = f"shard {task.name} has rows of {len(rows)} frames and {records} records, not of {task.frames}"
    if not seen.bad and seen.differs is None and task.state == "sealed":
        seen.end = _end(task)
    if seen.differs is None and task.path.name == task.name and (fault := sealed_otherwise(task)) is not None:
        seen.differs = f"shard {task.name}: {fault}"
    return seen


def _end(task: ShardToCheck) -> str | None:
    try:
        seal = shards.check_shard(task.path, task.sha256)
    except ArchiveError as error:
        return _short(error, task)
    if (seal.records, seal.frames, seal.length) != (task.records, task.frames, task.bytes):
        return f"it holds {seal.records} records in {seal.length} bytes"
    return None


def _short(error: ArchiveError, task: ShardToCheck) -> str:
    if not task.path.exists():
        return "the shard is missing"
    return str(error).split("; take it")[0]


# --- repairing


@dataclass(frozen=True, slots=True)
class NewShard:
    """The replacement of a shard; `path` is None if nothing of it could be read."""

    path: Path | None
    lost: int


def rewrite(ledger: Ledger, layout: Layout, seen: Examined) -> NewShard:
    """Rewrite the good frames of a shard, and switch the ledger to the new file in one transaction.

    The old file stays where it is: the caller moves it.
    """
    rows = ledger.db.execute(
        _SQL["mend_frames"],
        (seen.task.shard,),
    ).fetchall()
    good = [row for row in rows if row[0] not in seen.bad]
    path, sealed = None, None
    if good:
        path = next_generation(layout, seen.task.name)
        sealed = _write(path, seen.task.path, [row[1:4] for row in good])
    with ledger.transaction():
        lost = _lose(ledger.db, seen)
        ledger.db.execute(_SQL["mend_drop_frames"], (seen.task.shard,))
        if path is None or sealed is None:
            ledger.db.execute(_SQL["mend_drop_shard"], (seen.task.shard,))
        else:
            seal, entries = sealed
            ranges = [row[4:] for row in good]
            count_shard(ledger.db, seen.task.shard, path.name, seal)
            count_frames(ledger.db, seen.task.shard, entries, ranges)
    return NewShard(path, lost)


def next_generation(layout: Layout, name: str) -> Path:
    """Return the path of a rewritten shard: the first generation without a file. Raises Damaged."""
    match = SHARD_NAME.fullmatch(name)
    if match is None:
        raise Damaged(f"the ledger has a shard called {name!r}; no harvest names one so, take it from a copy")
    generation = int(match[2] or 0) + 1
    while True:
        path = layout.shards / f"{match[1]}.{generation}.json-seq.zst"
        if not path.exists():
            return path
        generation += 1


def count_shard(db: sqlite3.Connection, shard: int, name: str, seal: Seal) -> None:
    """Store in the ledger what a sealed shard is. Must run inside a transaction."""
    db.execute(
        _SQL["mend_seal_shard"],
        (name, seal.records, seal.frames, seal.length, seal.content_bytes, seal.sha256, seal.sha512, shard),
    )


def count_frames(
    db: sqlite3.Connection, shard: int, entries: Sequence[shards.FrameEntry], ranges: Sequence[tuple[int, int]]
) -> None:
    """Store where the frames of a shard are, and whose records they hold. Must run inside a transaction."""
    db.executemany(
        _STORE_SQL["add_frame"],
        [
            (shard, e.frame, e.offset, e.length, e.content_bytes, e.records, *held)
            for e, held in zip(entries, ranges, strict=True)
        ],
    )


def _write(path: Path, old: Path, frames: Sequence[tuple[int, int, int]]) -> tuple[Seal, list[shards.FrameEntry]]:
    writer = ShardWriter(path)
    try:
        with old.open("rb") as file:
            for offset, length, records in frames:
                file.seek(offset)
                writer.append(file.read(length), records)
        writer.sync()
        return writer.seal(), writer.take_frames()
    finally:
        writer.close()


def _lose(db: sqlite3.Connection, seen: Examined) -> int:
    """Mark the outcomes whose records were in bad frames as lost. Returns how many there were."""
    lost = [
        (f"its record was damaged: shard {seen.task.name}, frame {frame}: {reason}"[:500], kept.outcome)
        for frame, reason in seen.bad.items()
        for kept in kept_in(db, seen.task.shard, frame)
    ]
    db.execute(_SQL["mend_create_mended"])
    db.execute(_SQL["mend_clear_mended"])
    db.executemany(_SQL["mend_add_mended"], lost)
    for name in ("mend_not_modified", "mend_lost", "mend_validators", "mend_runs"):
        db.execute(_SQL[name])
    return len(lost)
