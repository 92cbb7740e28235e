"""Rows of the index: the JSON line that a record becomes, and the files that carry these lines into DuckDB.

The query `load_versions` reads the lines. Files are limited in size, so that the disk space they need is bounded.
"""

import gc
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from archive.crosswalks import local_id
from archive.disk import sha256_of
from archive.errors import Damaged
from archive.formats import canonical
from archive.index.columns import columns_of
from archive.queries import Queries
from archive.store import FramesToSpill, Layout, ShardToRead, Spill, kept_in, matched, moment, shards, snapshot, spilled

_STORE_SQL = Queries("archive.store")

Json = dict[str, Any]

_METADATA, _ORIGINAL, _IN_SHARD = b',"metadata":', b',"original":"', b'{"identifier":'


@dataclass(frozen=True, slots=True)
class Parsed:
    """A parsed record: `values` by key, `metadata` as it is in the text (None for null), `hash` of the whole text.

    If `metadata` is there, `original` and what follows it are left out of `values`: the index does not need them.
    """

    values: Json
    metadata: bytes | None
    hash: int


def parse_record(text: bytes, digest: bytes | None = None) -> Parsed:
    """Parse the JSON text of a record. Raises KeyError, TypeError and ValueError if it is not one.

    `digest` is the SHA-256 of the text, if the caller has it.
    """
    hash_ = int.from_bytes((digest or sha256(text).digest())[:8], "big")
    # In a string a quotation mark is escaped, so this is a key. Unless it is a key of the record itself, what precedes
    # it plus one brace is not JSON. In a release the keys have another order, and much follows this one.
    end = text.rfind(_ORIGINAL) if text.startswith(_IN_SHARD) else -1
    if end > 0:
        try:
            values = orjson.loads(text[:end] + b"}")
            if values["metadata"] is not None and "sets" in values and "sha256" in values:
                return Parsed(values, text[text.index(_METADATA) + len(_METADATA) : end], hash_)
        except (ValueError, KeyError):
            pass
    values = orjson.loads(text)
    return Parsed(values, None if values["metadata"] is None else metadata_text(values, text), hash_)


def row_line(parsed: Parsed, shard: int, frame: int, position: int, run: int | None, outcome: int) -> bytes:
    """Encode the row of a record at a place. Raises KeyError, TypeError and ValueError if it is not a record."""
    values = parsed.values
    identifier, stamp, url = values["identifier"], values["datestamp"], values["url"]
    metadata = _with_all_digits(values["metadata"], parsed.metadata)
    row: Json = {
        "identifier": identifier,
        "format": values["format"],
        "datestamp": moment(stamp),
        "deleted": values["deleted"],
        "sets": values["sets"],
        "url": url,
        "retrieved": _page_moment(values["retrieved"]),
        "sha256": values["sha256"],
        "shard": shard,
        "frame": frame,
        "stamp": stamp,
        "position": position,
        "run": run,
        "outcome": outcome,
        "hash": parsed.hash,
        **columns_of(identifier, metadata, url, _original(values)),
    }
    if parsed.metadata is not None:
        row["metadata"] = orjson.Fragment(parsed.metadata)
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _with_all_digits(metadata: Any, text: bytes | None) -> Any:
    """Read metadata again if a number in it has more digits than a double: the index has some of them as text."""
    if text is None or not canonical.has_long_run(text) or not canonical.holders(metadata):
        return metadata
    return canonical.reread(text)


def metadata_text(values: Json, text: bytes) -> bytes:
    """Return the JSON of `metadata` as it is in the text of a record.

    Before and after it are only strings and lists of strings, in which quotation marks are escaped: nothing else in
    them looks like the beginning of a key.
    """
    keys = list(values)
    after = keys[keys.index("metadata") + 1 :]
    start = text.index(_METADATA) + len(_METADATA)
    return text[start : text.rindex(f',"{after[0]}":'.encode()) if after else text.rindex(b"}")]


def _original(values: Json) -> str | None:
    """Return the XML of a record without JSON, in which files may be named."""
    if values["metadata"] or values["deleted"] or values.get("encoding", "utf-8") != "utf-8":
        return None
    return values.get("original")


_page_moment = lru_cache(maxsize=64)(moment)  # all records of a page were retrieved at one time


# the content of frames, and the outcomes, of one file: small enough that no process waits long for the last one, and
# that the first ones do not hold up those after them
PIECE_BYTES = 24 << 20
PIECE_OUTCOMES = 100_000


@dataclass(frozen=True, slots=True)
class OutcomesToSpill:
    """Outcomes of the ledger, first and last included, and the file they are written to."""

    layout: Layout
    first: int
    last: int
    path: Path


def outcomes_to_spill(
    ledger: sqlite3.Connection, layout: Layout, folder: Path, after: int = 0
) -> Iterator[OutcomesToSpill]:
    """Yield all outcomes after one, in pieces."""
    [(last,)] = ledger.execute(_STORE_SQL["last_outcome"])
    for first in range(after + 1, last + 1, PIECE_OUTCOMES):
        piece = min(first + PIECE_OUTCOMES - 1, last)
        yield OutcomesToSpill(layout, first, piece, folder / f"outcomes-{first}")


def spill(task: FramesToSpill | OutcomesToSpill) -> Spill:
    """Spill records, each verified against its outcome, or outcomes. The first piece of a shard verifies all of it.

    Raises Damaged at the first fault.
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
    """Disable garbage collection.

    Parsed JSON is very many objects without cycles, and searching them would take a fifth of the time.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def spill_table(ledger: sqlite3.Connection, table: str, folder: Path, after: int | None = None) -> Spill:
    """Spill one of the smaller tables of the ledger, as the index has it; `after` skips rows up to that one."""
    parameters = {} if after is None else {"after": after}
    return spilled(_ledger_lines(ledger, table, parameters), table, folder / table)


def _check_digest(layout: Layout, shard: ShardToRead) -> None:
    """Verify the digest of a sealed shard, which covers what follows the frames; these are verified one by one."""
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
    rows = ledger.execute(_STORE_SQL[f"ledger_{table}"], parameters)
    names = [column[0] for column in rows.description]
    for row in rows:
        yield dict(zip(names, row, strict=True))


class _FrameRows:
    """Reads the rows of some frames, and sums the hashes of those that were read."""

    def __init__(self, task: FramesToSpill) -> None:
        self._task = task
        self.hash_sum = 0

    def __iter__(self) -> Iterator[bytes]:
        shard = self._task.shard
        path = self._task.layout.shard(shard.name, sealed=shard.sealed)
        places = {"shard": shard.shard, "first": self._task.first, "last": self._task.last}
        with snapshot(self._task.layout) as ledger:
            for number, offset, length, _ in ledger.execute(_STORE_SQL["frames_of_shard"], places):
                frame = shards.read_frame_at(path, number, offset, length, parse=False)
                try:
                    yield from self._rows(ledger, frame)
                except (KeyError, TypeError, ValueError):
                    for _ in matched(shard.name, frame, kept_in(ledger, shard.shard, number)):
                        pass  # matched raises Damaged, which names the first record that does not match its outcome
                    raise

    def _rows(self, ledger: sqlite3.Connection, frame: shards.Frame) -> Iterator[bytes]:
        """Yield the rows of a frame.

        Raises KeyError, TypeError or ValueError if a record does not match its outcome.
        """
        shard, number = self._task.shard.shard, frame.frame
        kept = ledger.execute(_STORE_SQL["outcomes_of_frame"], {"shard": shard, "frame": number}).fetchall()
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
            yield row_line(parsed=parsed, shard=shard, frame=number, position=position, run=run, outcome=outcome)
