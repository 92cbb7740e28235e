"""The index of a release, stored beside it because a release is never changed.

Every text is verified against its digest in index.parquet, and that file against the manifest, before it counts.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import orjson

from archive.disk import durable, spread
from archive.duck import translated_duckdb
from archive.errors import Damaged, StaleIndex
from archive.index.compare import Difference, differences
from archive.index.file import IndexReport, open_release, read_counts, release_index, release_stamp
from archive.index.fill import Progress, Proof, add_lookups, check_proofs, connect, load, make_tables, while_loading
from archive.index.rows import Parsed, no_collection, parse_record, row_line
from archive.queries import Queries
from archive.releases import INDEX, IndexRow, Making, Manifest, check_index, iter_index, read_manifest, read_texts
from archive.store import SPILL_BYTES, Spill, only_one, spilled

_SQL = Queries(__package__)

# values that a record of a release lacks, in some forms or in all
_UNSAID: dict[str, Any] = {"sets": [], "url": None, "retrieved": None, "sha256": None}


@dataclass(frozen=True, slots=True)
class _Frames:
    """Some frames of a part, first and last included, and the number of their first record in the release."""

    folder: Path
    making: Making
    part: str
    number: int
    first: int
    last: int
    row: int
    path: Path


def index_release(folder: Path, out: Path | None = None, progress: Progress | None = None) -> IndexReport:
    """Build the index of a release in the file `out`; by default beside it, where `open_index` looks.

    Raises NotAnArchive, Damaged if anything in the release is not what its manifest says, Busy.
    """
    began = time.monotonic()
    manifest = read_manifest(folder)
    check_index(folder / INDEX, manifest)
    place = out or release_index(folder)
    with _alone(place) as work, translated_duckdb(place):
        made = work / place.name
        with closing(connect(made, work)) as db:
            read = _fill(db, folder, manifest, work, progress)
            counts = read_counts(db)
        durable.move(made, place, "index")
    return IndexReport(place, *counts, read, place.stat().st_size, time.monotonic() - began)


def check_release_index(folder: Path, progress: Progress | None = None) -> list[Difference]:
    """Rebuild the index of a release and list its differences from the one beside it; empty if they are equal.

    Raises as `index_release`, StaleIndex if there is none or it is of another release.
    """
    held, manifest = release_index(folder), read_manifest(folder)
    if not held.exists():
        raise StaleIndex(f"{folder} has no index; make it: harvester index {folder}")
    open_release(folder).close()
    check_index(folder / INDEX, manifest)
    with _alone(held) as work, translated_duckdb(held):
        made = work / held.name
        with closing(connect(made, work)) as db:
            _fill(db, folder, manifest, work, progress)
        return differences(held, made, work)


@contextmanager
def _alone(place: Path) -> Iterator[Path]:
    work = place.with_name(f".{place.name}.making")
    durable.make_folder(work)
    with only_one(work, f"another process makes {place}; wait for it to end"):
        for left in work.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _fill(
    db: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest, work: Path, progress: Progress | None
) -> int:
    content = manifest.content
    total, done = content.records + content.tombstones, 0
    make_tables(db)
    db.execute("BEGIN")
    proofs = {number: Proof(part.name) for number, part in enumerate(content.parts, 1)}
    tasks = list(_tasks(db, folder, manifest, work))
    with while_loading(db):
        for rows in spread(_spill, tasks, sum(part.bytes for part in content.parts)):
            load(db, rows)
            proofs[rows.shard] = proofs[rows.shard].with_rows(rows)
            done += rows.rows
            if progress is not None:
                progress(done, total)
    for number, part in enumerate(content.parts, 1):
        db.execute(_SQL["add_proof"], [number, *proofs[number]])
        row = [number, part.name, 0, "sealed", part.records, part.frames, part.bytes, part.content_bytes, part.sha256]
        db.execute(_SQL["add_shard"], row)
    _add_manifest(db, manifest)
    db.executemany(_SQL["add_stamp"], [[*pair] for pair in release_stamp(folder).items()])
    db.execute("COMMIT")
    check_proofs(db, folder)
    if done != total:
        raise Damaged(f"{folder}: its index names {done} records, its manifest {total}; take it from a copy")
    add_lookups(db)
    db.execute("CHECKPOINT")
    return done


def _add_manifest(db: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
    """Add what the manifest says of the harvests: their runs, and the account of the archive."""
    for run in manifest.runs:
        known = [orjson.dumps(run.get(name) or {}).decode() for name in ("arguments", "software")]
        row = [run["run"], run["spider"], run["mode"], *known, run["started"], None, run["finished"], run["state"]]
        db.execute(_SQL["add_run"], row)
    says = manifest.account
    states = [says[n] for n in ("read", "deleted", "absent", "moved", "forbidden", "refused", "lost", "open")]
    account = [None, None, says["listed"], *states, says["balanced"]]
    db.execute(_SQL["add_account"], account)


def _tasks(db: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest, work: Path) -> Iterator[_Frames]:
    numbers = {part.name: number for number, part in enumerate(manifest.content.parts, 1)}
    frames = db.execute(_SQL["release_frames"], {"path": str(folder / INDEX)}).fetchall()
    by_part: dict[str, list[tuple[Any, ...]]] = {}
    for part, *frame in frames:
        if part not in numbers:
            raise Damaged(f"{folder / INDEX} names {part}, which its manifest does not; take it from a copy")
        by_part.setdefault(part, []).append(tuple(frame))
    row = 1
    for part, number in numbers.items():
        for first, last, records in _pieces(part, by_part.get(part, []), manifest):
            path = work / f"{part}-{first}"
            yield _Frames(
                folder=folder,
                making=manifest.content.making,
                part=part,
                number=number,
                first=first,
                last=last,
                row=row,
                path=path,
            )
            row += records


def _pieces(name: str, frames: list[tuple[Any, ...]], manifest: Manifest) -> Iterator[tuple[int, int, int]]:
    """Yield (first frame, last frame, records) of pieces with about as much content as a spill file."""
    [part] = [part for part in manifest.content.parts if part.name == name]
    most = SPILL_BYTES * part.bytes // max(part.content_bytes, 1)
    first, length, records = 0, 0, 0
    for frame, size, count in frames:
        if length and length + size > most:
            yield first, frame - 1, records
            first, length, records = frame, 0, 0
        length, records = length + size, records + count
    if length:
        yield first, frame, records


def _spill(task: _Frames) -> Spill:
    with no_collection():
        rows = _Rows(task)
        return replace(spilled(rows, "versions", task.path), shard=task.number, hash_sum=rows.hash_sum)


class _Rows:
    """Reads the rows of some frames, and sums the hashes of those that were read."""

    def __init__(self, task: _Frames) -> None:
        self._task = task
        self.hash_sum = 0

    def __iter__(self) -> Iterator[bytes]:
        task, row = self._task, self._task.row
        found = iter_index(task.folder, task.part, task.first, task.last)
        for frame, group in groupby(found, lambda one: one.frame):
            rows = list(group)
            # none is read as JSON there: each one is here
            texts = read_texts(
                folder=task.folder,
                name=task.part,
                making=task.making,
                offset=rows[0].offset,
                length=rows[0].length,
                only=(),
            )
            if len(texts) != len(rows):
                raise Damaged(
                    f"{task.folder / task.part}, frame {frame} holds {len(texts)} records, {INDEX} names {len(rows)}; "
                    "take it from a copy"
                )
            for position, (one, text) in enumerate(zip(rows, texts, strict=True)):
                parsed = _parse(task, one, text)
                self.hash_sum += parsed.hash
                yield row_line(parsed=parsed, shard=task.number, frame=frame, position=position, run=None, outcome=row)
                row += 1


def _parse(task: _Frames, row: IndexRow, text: bytes) -> Parsed:
    digest = sha256(text).digest()
    if digest.hex() == row.sha256:
        try:
            parsed = _parsed(task, row, text, digest)
            values = parsed.values
            if (values["identifier"], values["format"], values["deleted"]) == (row.identifier, row.format, row.deleted):
                return parsed
        except (KeyError, TypeError, ValueError):
            pass
    raise Damaged(
        f"{task.folder / task.part}, frame {row.frame}, record {row.position} is not what {INDEX} says of "
        f"{row.identifier} ({row.format}); take it from a copy"
    )


def _parsed(task: _Frames, row: IndexRow, text: bytes, digest: bytes) -> Parsed:
    """Parse a record of a release. Raises KeyError, TypeError and ValueError if it is not one."""
    if task.making.form == "envelope" or row.deleted:
        parsed = parse_record(text, digest)
        for name, value in _UNSAID.items():
            parsed.values.setdefault(name, value)
        return parsed
    values = {
        **_UNSAID,
        "identifier": row.identifier,
        "format": row.format,
        "datestamp": row.datestamp,
        "deleted": False,
        "metadata": orjson.loads(text),
    }
    return Parsed(values, text, int.from_bytes(digest[:8], "big"))
