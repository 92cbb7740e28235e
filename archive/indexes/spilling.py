"""Rows on their way into the index: files of one JSON object a line, cut to a size that a disk always has."""

import gc
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from archive import shards
from archive.crosswalks.identifiers import local_id
from archive.errors import Damaged
from archive.fixity import sha256_of
from archive.folder import Layout
from archive.indexes.rows import parse_record, row_line
from archive.matching import kept_in, matched
from archive.moments import moment
from archive.questions import question
from archive.reading import snapshot
from archive.spill import FramesToSpill, ShardToRead, Spill, spilled

# of the content of frames, and outcomes: what one file is made of. None of the processes has long to wait for the last,
# and the first do not hold up those behind them
PIECE_BYTES = 24 << 20
PIECE_OUTCOMES = 100_000


@dataclass(frozen=True, slots=True)
class OutcomesToSpill:
    """Outcomes of the ledger, first and last included, and the file that they go to."""

    layout: Layout
    first: int
    last: int
    path: Path


def outcomes_to_spill(
    ledger: sqlite3.Connection, layout: Layout, folder: Path, after: int = 0
) -> Iterator[OutcomesToSpill]:
    """Every outcome behind one, in pieces."""
    [(last,)] = ledger.execute("SELECT coalesce(max(outcome), 0) FROM outcomes")
    for first in range(after + 1, last + 1, PIECE_OUTCOMES):
        piece = min(first + PIECE_OUTCOMES - 1, last)
        yield OutcomesToSpill(layout, first, piece, folder / f"outcomes-{first}")


def spill(task: FramesToSpill | OutcomesToSpill) -> Spill:
    """Spill records, each checked against its outcome, or outcomes. The first piece of a shard checks all of it.

    Raises Damaged at the first thing that is wrong.
    """
    with no_collection():
        if isinstance(task, OutcomesToSpill):
            with snapshot(task.layout) as ledger:
                lines = _outcome_lines(ledger, {"first": task.first, "last": task.last})
                return spilled(lines, "outcomes", task.path)
        if task.begins:
            _check_digest(task.layout, task.shard)
        rows = _FrameRows(task)
        return replace(spilled(rows, "versions", task.path), shard=task.shard.shard, hash_sum=rows.hash_sum)


@contextmanager
def no_collection() -> Iterator[None]:
    """Parsed JSON is a great many objects without cycles, and to look for some takes a fifth of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def spill_table(ledger: sqlite3.Connection, table: str, folder: Path, after: int | None = None) -> Spill:
    """Spill one of the smaller tables of the ledger, as the index has it; `after`: the rows behind that one only."""
    parameters = {} if after is None else {"after": after}
    return spilled(_ledger_lines(ledger, table, parameters), table, folder / table)


def _check_digest(layout: Layout, shard: ShardToRead) -> None:
    """Frames are checked one by one; what stands behind them in a sealed shard is only seen by its digest."""
    if shard.sealed and sha256_of(layout.shard(shard.name, sealed=shard.sealed)) != shard.sha256:
        raise Damaged(f"shard {shard.name} is not the file that was written; see harvester verify {layout.root}")


def _outcome_lines(ledger: sqlite3.Connection, parameters: dict[str, int]) -> Iterator[bytes]:
    for row in _ledger_rows(ledger, "outcomes", parameters):
        row["local_id"], row["datestamp"] = local_id(row["identifier"]), moment(row["stamp"])
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _ledger_lines(ledger: sqlite3.Connection, table: str, parameters: dict[str, int]) -> Iterator[bytes]:
    for row in _ledger_rows(ledger, table, parameters):
        yield orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _ledger_rows(ledger: sqlite3.Connection, table: str, parameters: dict[str, int]) -> Iterator[dict[str, Any]]:
    rows = ledger.execute(question(f"ledger_{table}"), parameters)
    names = [column[0] for column in rows.description]
    for row in rows:
        yield dict(zip(names, row, strict=True))


class _FrameRows:
    """The rows of some frames, and the sum of the hashes of those that were taken."""

    def __init__(self, task: FramesToSpill) -> None:
        self._task = task
        self.hash_sum = 0

    def __iter__(self) -> Iterator[bytes]:
        shard = self._task.shard
        path = self._task.layout.shard(shard.name, sealed=shard.sealed)
        places = {"shard": shard.shard, "first": self._task.first, "last": self._task.last}
        with snapshot(self._task.layout) as ledger:
            for number, offset, length, _ in ledger.execute(question("frames_of_shard"), places):
                frame = shards.read_frame_at(path, number, offset, length, parse=False)
                try:
                    yield from self._rows(ledger, frame)
                except (KeyError, TypeError, ValueError):
                    for _ in matched(shard.name, frame, kept_in(ledger, shard.shard, number)):
                        pass  # it raises Damaged, which names the first record that does not match its outcome
                    raise

    def _rows(self, ledger: sqlite3.Connection, frame: shards.Frame) -> Iterator[bytes]:
        """The rows of a frame. Raises KeyError, TypeError or ValueError where a record is not its outcome's."""
        shard, number = self._task.shard.shard, frame.frame
        kept = ledger.execute(question("outcomes_of_frame"), {"shard": shard, "frame": number}).fetchall()
        for position, (text, one) in enumerate(zip(frame.texts(), kept, strict=True)):
            outcome, run, identifier, datestamp, state, *_ = one
            parsed = parse_record(text)
            values = parsed.values
            if (
                values["identifier"] != identifier
                or values["deleted"] != (state == "deleted")
                or (datestamp is not None and values["datestamp"] != datestamp)
            ):
                raise ValueError(f"record {position} is not that of outcome {outcome}")
            self.hash_sum += parsed.hash
            yield row_line(parsed, shard, number, position, run, outcome)
