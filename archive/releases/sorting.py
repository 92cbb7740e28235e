"""The records of an archive in the order of a release, each once, in bounded memory.

Shards are read once, on all cores: each record is matched with its outcome, gets its text in the release, and goes into
a bucket: a range of identifiers so narrow that all versions of its records fit into memory. Then the buckets are sorted
one by one, and the latest state (archive/store/versions.py) of each identifier and format is passed on.
"""

import sqlite3
import struct
from array import array
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson
import zstandard

from archive.crosswalks import index_doi
from archive.disk import spread, translated
from archive.errors import CannotDump, Damaged
from archive.queries import Queries
from archive.releases.contents import Spool
from archive.releases.entries import Entry, entry_text, is_taken
from archive.releases.manifest import Selection
from archive.releases.selection import Offered, check_values, nothing_selected
from archive.store import (
    Copy,
    FramesToSpill,
    Kept,
    Layout,
    Looks,
    Record,
    ShardToRead,
    content_of,
    frames_to_spill,
    kept_in,
    matched,
    newest,
    read_looks,
    shards,
    snapshot,
)

_SQL = Queries(__package__)
_STORE_SQL = Queries("archive.store")

# bytes of texts: what is sorted in memory at once, on average, and what a process reads before it writes buckets
BUCKET_BYTES = 64 << 20
PIECE_BYTES = 32 << 20
# a piece has a block in every bucket: with more of either, blocks would be too small to be read fast. At 250 GB a
# bucket has 125 MB, a piece 62 MB
MOST_BUCKETS, MOST_PIECES = 2000, 4000
# identifiers sampled to find the borders of one bucket
_SAMPLES = 64
_SIZE = struct.Struct("<I")
# zstd level: a third larger than level 1, in half of its time
_LEVEL = -3

Progress = Callable[[int, int], None]
# identifier, format, outcome, run, channel, direct, datestamp, deleted, content, doi, sha256, fate, text. The fate:
# selected (true), not selected (false), or why it cannot be included
Row = list[Any]
_RECORD, _OUTCOME = itemgetter(0, 1), itemgetter(2)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read and how: `records` and `bytes` are those of the shards, in the state of the ledger."""

    pieces: tuple[FramesToSpill, ...]
    borders: tuple[str, ...]
    records: int
    bytes: int
    form: str
    selection: Selection
    looks: Looks


@dataclass(frozen=True, slots=True)
class _Task:
    piece: FramesToSpill
    borders: tuple[str, ...]
    form: str
    selection: Selection


@dataclass(frozen=True, slots=True)
class _Spilled:
    """A file of blocks, one for each bucket; bucket n is between offsets n and n + 1."""

    path: Path
    offsets: "array[int]"
    records: int
    offered: Offered


def make_plan(ledger: sqlite3.Connection, layout: Layout, work: Path, form: str, selection: Selection) -> Plan:
    """Plan to read everything that the ledger counts now, and nothing later; `work` is a folder to spill to."""
    found = [
        ShardToRead(number, name, state == "sealed", *rest)
        for number, name, state, *rest in ledger.execute(_STORE_SQL["shards_to_read"])
    ]
    [(content,)] = ledger.execute(_SQL["sort_content_bytes"])
    piece_bytes = max(PIECE_BYTES, content // MOST_PIECES)
    return Plan(
        pieces=tuple(frames_to_spill(ledger, layout, found, work, piece_bytes)),
        borders=_borders(ledger, min(-(-content // BUCKET_BYTES), MOST_BUCKETS)),
        records=sum(shard.records for shard in found),
        bytes=sum(shard.believed for shard in found),
        form=form,
        selection=selection,
        looks=read_looks(ledger),
    )


def iter_entries(plan: Plan, work: Path, progress: Progress | None = None) -> Iterator[Entry]:
    """Yield the latest version of each selected identifier and format: records, then tombstones, both in order.

    `progress` is called with the records read so far and their number. Raises Damaged if a shard is not what was
    written or does not match the ledger, CannotDump if a record has no text in this form, or the selection matches
    none.
    """
    spilled = list(_spilled(plan, progress))
    offered, selected = Offered(), plan.selection == Selection()
    for one in spilled:
        offered.add(one.offered)
    check_values(plan.selection, offered)
    with closing(Spool(work / "tombstones")) as tombstones:
        for bucket in range(len(plan.borders) + 1):
            for entry in _latest(_bucket(spilled, bucket), plan.looks):
                selected = True
                if entry.deleted:
                    tombstones.append(entry)
                else:
                    yield entry
        for one in spilled:
            one.path.unlink()
        if not selected:
            raise nothing_selected(plan.selection, offered)
        yield from tombstones.entries()


def _borders(ledger: sqlite3.Connection, buckets: int) -> tuple[str, ...]:
    """Choose the first identifier of each bucket but the first, so that they have about equally many records."""
    if buckets < 2:
        return ()
    [(last,)] = ledger.execute(_STORE_SQL["last_outcome"])
    step = max(1, last // (buckets * _SAMPLES))
    sample = sorted(name for (name,) in ledger.execute(_SQL["sample_of_kept"], {"step": step}))
    return tuple(sorted({sample[len(sample) * n // buckets] for n in range(1, buckets)})) if sample else ()


# --- reading


def _spilled(plan: Plan, progress: Progress | None) -> Iterator[_Spilled]:
    done = 0
    tasks = [_Task(piece, plan.borders, plan.form, plan.selection) for piece in plan.pieces]
    for spilled in spread(_spill, tasks, plan.bytes):
        done += spilled.records
        if progress is not None:
            progress(done, plan.records)
        yield spilled
    if done != plan.records:
        raise Damaged(f"the frames that the ledger names hold {done} records, its shards {plan.records}")


def _spill(task: _Task) -> _Spilled:
    """Read some frames of a shard, and write their records to a file, bucket by bucket."""
    buckets: list[list[Row]] = [[] for _ in range(len(task.borders) + 1)]
    records, offered = 0, Offered()
    for row in _rows(task, offered):
        records += 1
        if row is not None:
            buckets[bisect_right(task.borders, row[0])].append(row)
    path, offsets = task.piece.path, array("Q", [0])
    with translated(path, "writing"), path.open("wb") as file:
        for bucket in buckets:
            if bucket:
                file.write(_packed(bucket))
            bucket.clear()
            offsets.append(file.tell())
    return _Spilled(path, offsets, records, offered)


def _rows(task: _Task, offered: Offered) -> Iterator[Row | None]:
    """Yield a row for each record, None if its format is not selected; the values found go to `offered`."""
    selecting = task.selection != Selection()
    piece, shard = task.piece, task.piece.shard
    places = {"shard": shard.shard, "first": piece.first, "last": piece.last}
    with snapshot(piece.layout) as ledger:
        for number, offset, length, _ in ledger.execute(_STORE_SQL["frames_of_shard"], places).fetchall():
            path = piece.layout.shard(shard.name, sealed=shard.sealed)
            frame = shards.read_frame_at(path, number, offset, length, parse=False)
            kept = kept_in(ledger, shard.shard, number)
            for text, (record, outcome) in zip(frame.texts(), matched(shard.name, frame, kept), strict=True):
                if selecting:
                    offered.take(record)
                wanted = not task.selection.formats or record.format in task.selection.formats
                yield _made(task, text, record, outcome) if wanted else None


def _made(task: _Task, text: bytes, record: Record, kept: Kept) -> Row:
    """Make the row of a record, even if it is not selected: it may be the latest version of one that was."""
    fate: bool | str = is_taken(task.selection, record)
    made, doi, digest = b"", None, ""
    if fate:
        doi = index_doi(record.metadata)
        try:
            made = entry_text(task.form, text, record)
        except CannotDump as cause:
            fate = str(cause)
        digest = sha256(made).hexdigest()
    return [
        record.identifier,
        record.format,
        kept.outcome,
        kept.run,
        kept.channel,
        kept.direct,
        record.datestamp,
        record.deleted,
        content_of(record),
        doi,
        digest,
        fate,
        made,
    ]


# --- sorting


def _bucket(spilled: Sequence[_Spilled], bucket: int) -> Iterator[Row]:
    for one in spilled:
        first, end = one.offsets[bucket : bucket + 2]
        if end > first:
            with translated(one.path, "reading"), one.path.open("rb", buffering=0) as file:
                file.seek(first)
                raw = file.read(end - first)
            yield from _unpacked(raw)


def _latest(rows: Iterator[Row], looks: Looks) -> Iterator[Entry]:
    """Yield the latest state of each identifier and format, if it is selected. Python sorts text like its UTF-8."""
    for (identifier, format_), group in groupby(sorted(rows, key=_RECORD), key=_RECORD):
        versions = {_OUTCOME(row): row for row in group}
        *_, datestamp, deleted, _, doi, digest, fate, text = versions[_newest(versions.values(), looks)]
        if isinstance(fate, str):
            raise CannotDump(fate)
        if fate:
            yield Entry(
                identifier=identifier,
                format=format_,
                datestamp=datestamp,
                deleted=deleted,
                doi=doi,
                sha256=digest,
                text=text,
            )


def _newest(rows: Collection[Row], looks: Looks) -> int:
    """Return the outcome of the row that is the latest state."""
    if len(rows) == 1:
        [only] = rows
        return int(_OUTCOME(only))
    return newest([Copy(*row[2:9]) for row in rows], looks).outcome


# --- blocks: the length of a JSON list of rows, the list with lengths for texts, the texts


def _packed(rows: Sequence[Row]) -> bytes:
    head = orjson.dumps([[*row[:-1], len(row[-1])] for row in rows])
    content = b"".join([_SIZE.pack(len(head)), head, *(row[-1] for row in rows)])
    return zstandard.ZstdCompressor(level=_LEVEL).compress(content)


def _unpacked(raw: bytes) -> list[Row]:
    content = zstandard.ZstdDecompressor().decompress(raw)
    place = _SIZE.size + _SIZE.unpack_from(content)[0]
    rows: list[Row] = orjson.loads(content[_SIZE.size : place])
    for row in rows:
        size = row[-1]
        row[-1] = content[place : place + size]
        place += size
    return rows
