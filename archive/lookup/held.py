"""What an archive holds of an id: the copies of its records, each with its place in a shard, and refused bodies.

A missing or damaged file is reported, not raised: it is part of the answer.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson

from archive.errors import ArchiveError, Damaged
from archive.queries import Queries
from archive.store import Layout, check_refused, kept_in, shards
from archive.store import record as envelope

_SQL = Queries(__package__)


@dataclass(frozen=True, slots=True)
class Copy:
    """A stored record: `offset` is that of its frame in the shard, `position` counts from 0 within the frame.

    `problem` says why it cannot be read; then `text`, its JSON, is empty and `sha256`, of what was sent, is None.
    """

    outcome: int
    shard: str
    path: Path
    frame: int
    offset: int
    position: int
    sha256: str | None
    text: bytes
    problem: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """A body in quarantine, the response to a request; `problem` says what is wrong with its files."""

    request: int
    path: Path
    size_bytes: int
    problem: str | None


def iter_copies(ledger: sqlite3.Connection, layout: Layout, stored: Mapping[int, str]) -> Iterator[Copy]:
    """Iterate over the records of some outcomes (number -> identifier), in order; an outcome may have none."""
    rows = ledger.execute(_SQL["held_frames"], {"outcomes": array(stored)}).fetchall()
    for outcome, shard, name, state, frame, offset, length in rows:
        kept = [kept.outcome for kept in kept_in(ledger, shard, frame)]
        if outcome in kept:
            position, path = kept.index(outcome), layout.shard(name, sealed=state == "sealed")
            text, sha256, problem = _record(path, name, frame, offset, length, position, stored[outcome])
            yield Copy(outcome, name, path, frame, offset, position, sha256, text, problem)


def iter_refused(
    ledger: sqlite3.Connection, layout: Layout, requests: Iterable[int], identifiers: Iterable[str]
) -> Iterator[Refused]:
    """Iterate over refused bodies that were responses to some requests, or are of some ids."""
    parameters = {"requests": array(requests), "identifiers": array(identifiers)}
    for request, name, size, sha256 in ledger.execute(_SQL["held_refused"], parameters):
        problem = None
        try:
            check_refused(layout.quarantine, name, sha256)
        except ArchiveError as error:
            problem = str(error)
        yield Refused(request, layout.quarantine / f"{name}.body", size, problem)


def array(values: Iterable[int | str]) -> str:
    """Encode values as a parameter of SQLite's json_each."""
    return orjson.dumps(list(values)).decode()


def _record(
    path: Path, shard: str, frame: int, offset: int, length: int, position: int, identifier: str
) -> tuple[bytes, str | None, str | None]:
    """Read a record as (text, SHA-256, problem)."""
    place = f"shard {shard}, frame {frame}, record {position}"
    try:
        if not path.exists():
            raise Damaged(f"shard {shard} is missing; take it from a copy")
        text = shards.read_frame_at(path, frame, offset, length).texts()[position]
        record = envelope.decode(text)
        if record.identifier != identifier:
            raise Damaged(f"{place} is {record.identifier}, where the ledger has {identifier}; take both from a copy")
        return text, record.sha256, None
    except ArchiveError as error:
        return b"", None, str(error)
    except (IndexError, KeyError, TypeError, ValueError) as cause:
        return b"", None, f"{place} cannot be read ({cause!r}); take the shard from a copy"
