"""Sketch archives in several processes from the index, and find the ids behind hashes in a sketch.

Two mirrors are compared by the local ids of their records: one that was harvested by OAI-PMH with one that was
harvested by id.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from archive.audits.sketch import NO_TIME, Compared, Sketch
from archive.disk import spread
from archive.index import open_index
from archive.queries import Queries

_SQL = Queries(__package__)

# records that one process sketches at a time
PART_RECORDS = 2_500_000
_BATCH = 10_000
# bytes of a record in the index, to decide whether to start processes
_RECORD_BYTES = 100


@dataclass(frozen=True, slots=True)
class Part:
    """The ids of an archive whose hash is `part` of `parts`, to be sketched."""

    folder: Path
    part: int
    parts: int
    cells: int
    compares: Compared


def sketch_of(folder: Path, cells: int, compares: Compared) -> Sketch:
    """Sketch what an archive holds: each local id with its newest version, live or deleted.

    Raises NotAnArchive, and StaleIndex if there is no index, or one of another state of the archive.
    """
    with closing(open_index(folder)) as db:
        records = _one(db, _SQL["sketch_records"])
    parts = max(1, -(-records // PART_RECORDS))
    whole = Sketch(cells, compares)
    tasks = [Part(folder, number, parts, cells, compares) for number in range(parts)]
    for part in spread(sketched, tasks, records * _RECORD_BYTES):
        whole.merge(part)
    return whole


def sketched(task: Part) -> Sketch:
    """Sketch one part."""
    sketch = Sketch(task.cells, task.compares)
    with closing(open_index(task.folder)) as db:
        parameters = {"part": task.part, "parts": task.parts, "no_time": NO_TIME}
        sketch.fill(_rows(db.execute(_SQL["sketch_items"], parameters)))
    return sketch


def named(folder: Path, hashes: Sequence[str]) -> dict[str, str]:
    """Map hashes in sketches (64 hexadecimal digits) to the local ids of an archive."""
    with closing(open_index(folder)) as db:
        return dict(db.execute(_SQL["sketch_named"], {"hashes": list(hashes)}).fetchall())


def _rows(answer: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, int]]:
    while batch := answer.fetchmany(_BATCH):
        yield from batch


def _one(db: duckdb.DuckDBPyConnection, query: str) -> int:
    row = db.execute(query).fetchone()
    assert row is not None
    return int(row[0])
