"""Rows on their way into the index: files of one JSON object a line, cut to a size that a disk always has."""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from archive import shards
from archive.crosswalks.fields import index_fields
from archive.crosswalks.identifiers import local_id
from archive.durable import translated
from archive.envelope import Record
from archive.errors import Damaged
from archive.fixity import sha256_of
from archive.folder import Layout
from archive.matching import Kept, kept_in, matched
from archive.questions import question
from archive.reading import snapshot

# Of the content of frames and of rows: what a spill file holds. A few such files are there at a time.
SPILL_BYTES = 64 << 20
# outcomes in one file: about as many bytes
SPILL_OUTCOMES = 300_000
# fractions, an offset, no Z: providers send them in headers, although only two forms are legal
_STAMP = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Spill:
    """A finished file: the table its rows are for, how many there are, the length of the longest line in bytes."""

    table: str
    path: Path
    rows: int
    longest: int


@dataclass(frozen=True, slots=True)
class ShardToRead:
    """A shard as the ledger has it; `believed` bytes of it count, which is all of one that is sealed."""

    shard: int
    name: str
    sealed: bool
    believed: int
    records: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class FramesToSpill:
    """Some frames of a shard, first and last included, and the file that their records go to."""

    layout: Layout
    shard: ShardToRead
    first: int
    last: int
    path: Path


@dataclass(frozen=True, slots=True)
class OutcomesToSpill:
    """Outcomes of the ledger, first and last included, and the file that they go to."""

    layout: Layout
    first: int
    last: int
    path: Path


def shard_path(layout: Layout, shard: ShardToRead) -> Path:
    """Where a shard is; one that the ledger has as open may have been sealed since."""
    path = layout.shards / shard.name
    return path if shard.sealed or path.exists() else path.with_name(f"{shard.name}.open")


def frames_to_spill(
    ledger: sqlite3.Connection, layout: Layout, shards: Iterable[ShardToRead], folder: Path
) -> Iterator[FramesToSpill]:
    """Every frame of some shards, in pieces of about `SPILL_BYTES` of content."""
    for shard in shards:
        rows = ledger.execute(question("frames_of_shard"), {"shard": shard.shard, "first": 0, "last": None})
        first, content, frame = 0, 0, -1
        for frame, _, _, size in rows:
            if content and content + size > SPILL_BYTES:
                yield FramesToSpill(layout, shard, first, frame - 1, folder / f"{shard.name}-{first}")
                first, content = frame, 0
            content += size
        if content:
            yield FramesToSpill(layout, shard, first, frame, folder / f"{shard.name}-{first}")


def outcomes_to_spill(ledger: sqlite3.Connection, layout: Layout, folder: Path) -> Iterator[OutcomesToSpill]:
    """Every outcome, in pieces."""
    [(last,)] = ledger.execute("SELECT coalesce(max(outcome), 0) FROM outcomes")
    for first in range(1, last + 1, SPILL_OUTCOMES):
        piece = min(first + SPILL_OUTCOMES - 1, last)
        yield OutcomesToSpill(layout, first, piece, folder / f"outcomes-{first}")


def spill(task: FramesToSpill | OutcomesToSpill) -> Spill:
    """Spill records, each checked against its outcome, or outcomes. The first piece of a shard checks all of it.

    Raises Damaged at the first thing that is wrong.
    """
    if isinstance(task, OutcomesToSpill):
        with snapshot(task.layout) as ledger:
            lines = _ledger_lines(ledger, "outcomes", {"first": task.first, "last": task.last})
            return spilled(lines, "outcomes", task.path)
    if task.first == 0:
        _check_digest(task.layout, task.shard)
    return spilled(_frame_lines(task), "versions", task.path)


def spill_table(ledger: sqlite3.Connection, table: str, folder: Path) -> Spill:
    """Spill one of the smaller tables of the ledger, as the index has it."""
    return spilled(_ledger_lines(ledger, table, {}), table, folder / table)


def _check_digest(layout: Layout, shard: ShardToRead) -> None:
    """Frames are checked one by one; what stands behind them in a sealed shard is only seen by its digest."""
    if shard.sealed and sha256_of(shard_path(layout, shard)) != shard.sha256:
        raise Damaged(f"shard {shard.name} is not the file that was written; see harvester verify {layout.root}")


def spilled(lines: Iterable[bytes], table: str, path: Path) -> Spill:
    """Write lines to a file; who takes it removes it."""
    rows = longest = 0
    with translated(path, "writing"), path.open("wb", buffering=1 << 20) as file:
        for line in lines:
            file.write(line)
            rows, longest = rows + 1, max(longest, len(line))
    return Spill(table, path, rows, longest)


def _ledger_lines(ledger: sqlite3.Connection, table: str, parameters: dict[str, int]) -> Iterator[bytes]:
    ledger.create_function("local_id", 1, local_id, deterministic=True)
    ledger.create_function("moment", 1, moment, deterministic=True)
    rows = ledger.execute(question(f"ledger_{table}"), parameters)
    names = [column[0] for column in rows.description]
    for row in rows:
        yield orjson.dumps(dict(zip(names, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE)


def _frame_lines(task: FramesToSpill) -> Iterator[bytes]:
    shard = task.shard
    path = shard_path(task.layout, shard)
    with snapshot(task.layout) as ledger:
        places = {"shard": shard.shard, "first": task.first, "last": task.last}
        for number, offset, length, _ in ledger.execute(question("frames_of_shard"), places):
            frame = shards.read_frame_at(path, number, offset, length)
            for position, pair in enumerate(matched(shard.name, frame, kept_in(ledger, shard.shard, number))):
                yield _line(*pair, shard.shard, number, position)


def _line(record: Record, kept: Kept, shard: int, frame: int, position: int) -> bytes:
    fields = index_fields(record.identifier, record.metadata)
    row: dict[str, Any] = {
        "identifier": record.identifier, "format": record.format, "datestamp": moment(record.datestamp),
        "deleted": record.deleted, "sets": record.sets, "local_id": fields.local_id, "doi": fields.doi,
        "title": fields.title, "resource_type": fields.resource_type, "publication_year": fields.publication_year,
        "creators": fields.creators, "license": fields.license, "url": record.url,
        "retrieved": moment(record.retrieved), "sha256": record.sha256, "metadata": record.metadata, "shard": shard,
        "frame": frame, "stamp": record.datestamp, "position": position, "run": kept.run, "outcome": kept.outcome,
    }  # fmt: skip
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


@lru_cache(maxsize=4096)  # all records of a page were retrieved at one time
def moment(stamp: str | None) -> str | None:
    """A datestamp as a time of the index, in UTC and to the second; None when it is none, or an impossible one."""
    if stamp is None or _STAMP.fullmatch(text := stamp.strip()) is None:
        return None
    try:
        read = datetime.fromisoformat(text)
        in_utc = read.astimezone(UTC) if read.tzinfo else read
    except (ValueError, OverflowError):
        return None
    return in_utc.replace(microsecond=0, tzinfo=None).isoformat(" ")
