"""Build a profile of the live records of an archive or a release.

The latest version of each live record is read from shards or parts, in several processes. Each field is summarised in
bounded memory, whatever the number of records.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import orjson

from archive.crosswalks import index_fields
from archive.disk import spread
from archive.duck import translated_duckdb
from archive.errors import Damaged
from archive.index import open_index
from archive.profiles import fieldwalk
from archive.profiles.fieldsums import FieldSum, add, field_sum, fold
from archive.profiles.fieldwalk import FieldWalk
from archive.profiles.model import COLUMN, METADATA, Field, Profile
from archive.queries import Queries
from archive.releases import ENVELOPE, INDEX, MIGRATOR, Making, is_release, iter_index, read_manifest, read_texts
from archive.store import Layout, Record, envelope, shard_file, shards

_SQL = Queries(__package__)


def iter_live(folder: Path) -> Iterator[Record]:
    """Yield live records in the order of the shards, by the index; numbers have all their digits.

    Raises StaleIndex without a current index; Damaged.
    """
    layout = Layout(folder)
    with closing(open_index(folder)) as index:
        places = index.execute(_SQL["live_places"])
        while rows := places.fetchmany(1000):
            for name, state, frame, offset, length, positions in rows:
                path = shard_file(layout, name, sealed=state == "sealed")
                texts = shards.read_frame_at(path, frame, offset, length).texts()
                yield from (envelope.decode_as_sent(texts[position]) for position in sorted(positions))


# how many values of a field are kept
TOP = 50
# the values of a task are in memory until they are summarised
_TASK_FRAMES = 16
_TASK_RECORDS = 10_000

Progress = Callable[[int, int], None]
Group = tuple[str, str]
Sums = dict[Group, dict[fieldwalk.Path, FieldSum]]


@dataclass(frozen=True, slots=True)
class _Choice:
    """A sample of records: those whose hash is below `below` of 2^64. They are the same in every release."""

    seed: int
    below: int

    def takes(self, identifier: str, format_: str) -> bool:
        if self.below >= 1 << 64:
            return True
        text = f"{self.seed}\0{format_}\0{identifier}"
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
        return int.from_bytes(digest.digest(), "big") < self.below


class _Frame(NamedTuple):
    """A frame of a shard, and the positions of the records to read."""

    file: str
    number: int
    offset: int
    length: int
    positions: "array[int]"


@dataclass(frozen=True, slots=True)
class _ShardTask:
    """Some frames of shards."""

    folder: Path
    frames: tuple[_Frame, ...]
    choice: _Choice


@dataclass(frozen=True, slots=True)
class _PartTask:
    """Frames of a part, first and last included."""

    folder: Path
    making: Making
    part: str
    first: int
    last: int
    choice: _Choice


@dataclass(slots=True)
class _Sums:
    records: Counter[str]
    looked_at: Counter[str]
    fields: Sums


def profile(path: Path, sample: int | None = None, seed: int = 0, progress: Progress | None = None) -> Profile:
    """Profile an archive, by its index, or a release; of about `sample` records, or of all.

    `progress` is called with the records passed so far and their number. Raises NotAnArchive; StaleIndex; Damaged.
    """
    tasks, total, size = (_part_tasks if is_release(path) else _shard_tasks)(path, sample, seed)
    records: Counter[str] = Counter()
    looked_at: Counter[str] = Counter()
    sums: Sums = {}
    for found in spread(_sum_up, tasks, size):
        records += found.records
        looked_at += found.looked_at
        for group, fields in found.fields.items():
            sums[group] = _added(sums.get(group, {}), fields)
        if progress is not None:
            progress(records.total(), total)
    made = (_field(group, path, one) for group, fields in sums.items() for path, one in fields.items())
    ordered = tuple(sorted(made, key=lambda field: (field.format, field.kind, field.path)))
    return Profile(str(path), dict(sorted(records.items())), dict(sorted(looked_at.items())), ordered)


def _added(
    sums: dict[fieldwalk.Path, FieldSum], more: dict[fieldwalk.Path, FieldSum]
) -> dict[fieldwalk.Path, FieldSum]:
    for path, one in more.items():
        sums[path] = add(sums[path], one) if path in sums else one
    return fold(sums)


# --- planning


def _shard_tasks(folder: Path, sample: int | None, seed: int) -> tuple[list[_ShardTask | _PartTask], int, int]:
    """Return the tasks, the number of records, and of bytes."""
    layout = Layout(folder)
    frames: list[_Frame] = []
    with closing(open_index(folder)) as index:
        places = index.execute(_SQL["live_places"])
        while rows := places.fetchmany(1000):
            for name, state, frame, offset, length, positions in rows:
                name = shard_file(layout, name, sealed=state == "sealed").name
                frames.append(_Frame(name, frame, offset, length, array("I", positions)))
    total = sum(len(frame.positions) for frame in frames)
    choice = _choice(sample, seed, total)
    groups = _grouped([len(frame.positions) for frame in frames])
    tasks: list[_ShardTask | _PartTask] = [
        _ShardTask(folder, tuple(frames[first : last + 1]), choice) for first, last in groups
    ]
    return tasks, total, sum(frame.length for frame in frames)


def _part_tasks(folder: Path, sample: int | None, seed: int) -> tuple[list[_ShardTask | _PartTask], int, int]:
    content = read_manifest(folder).content
    choice = _choice(sample, seed, content.records)
    path = folder / INDEX
    with translated_duckdb(path), closing(duckdb.connect(config={"threads": 1})) as db:
        frames = db.execute(_SQL["profile_frames"], {"path": str(path)}).fetchall()
    tasks: list[_ShardTask | _PartTask] = []
    for part in dict.fromkeys(name for name, *_ in frames):
        here = [(frame, records) for name, frame, records in frames if name == part]
        for first, last in _grouped([records for _, records in here]):
            tasks.append(
                _PartTask(
                    folder=folder,
                    making=content.making,
                    part=part,
                    first=here[first][0],
                    last=here[last][0],
                    choice=choice,
                )
            )
    return tasks, content.records, sum(part.bytes for part in content.parts)


def _choice(sample: int | None, seed: int, total: int) -> _Choice:
    if sample is None or sample >= total:
        return _Choice(seed, 1 << 64)
    return _Choice(seed, sample * (1 << 64) // total)


def _grouped(records: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of frames that are read together, given the number of records in each."""
    first = held = 0
    for number, count in enumerate(records):
        if number > first and (number - first == _TASK_FRAMES or held + count > _TASK_RECORDS):
            yield first, number - 1
            first, held = number, 0
        held += count
    if records:
        yield first, len(records) - 1


# --- in worker processes


def _sum_up(task: _ShardTask | _PartTask) -> _Sums:
    walks: dict[Group, FieldWalk] = {}
    records: Counter[str] = Counter()
    found = _of_shard(task) if isinstance(task, _ShardTask) else _of_part(task)
    for identifier, format_, datestamp, sets, metadata in found:
        records[format_] += 1
        if not task.choice.takes(identifier, format_):
            continue
        walks.setdefault((format_, METADATA), FieldWalk()).add(metadata)
        columns = _columns(identifier, datestamp, sets, metadata)
        walks.setdefault((format_, COLUMN), FieldWalk()).add(columns)
    fields = {
        group: {path: field_sum(tally) for path, tally in walk.tallies().items()} for group, walk in walks.items()
    }
    looked_at = Counter({format_: walk.records for (format_, kind), walk in walks.items() if kind == METADATA})
    return _Sums(records, looked_at, fields)


_Found = Iterator[tuple[str, str, str, list[str], Any]]


def _of_shard(task: _ShardTask) -> _Found:
    """Yield identifier, format, datestamp, sets and metadata of records."""
    for name, number, offset, length, positions in task.frames:
        texts = shards.read_frame_at(Layout(task.folder).shards / name, number, offset, length, parse=False).texts()
        for position in sorted(positions):
            yield _of_envelope(texts[position], name)


def _of_part(task: _PartTask) -> _Found:
    offset, texts = -1, []
    for row in iter_index(task.folder, task.part, task.first, task.last):
        if row.offset != offset:
            offset, texts = row.offset, read_texts(task.folder, row.part, task.making, row.offset, row.length)
        if task.making.form == ENVELOPE:
            yield _of_envelope(texts[row.position], row.part)
        else:
            value = orjson.loads(texts[row.position])
            metadata = value["record"]["json"] if task.making.form == MIGRATOR else value
            yield row.identifier, row.format, row.datestamp, [], metadata


def _of_envelope(text: bytes, where: str) -> tuple[str, str, str, list[str], Any]:
    try:
        found = orjson.loads(text)
        return found["identifier"], found["format"], found["datestamp"], found["sets"], found["metadata"]
    except (ValueError, KeyError, TypeError) as cause:
        raise Damaged(f"{where} holds a text that is no record ({cause!r}); see harvester verify") from cause


def _columns(identifier: str, datestamp: str, sets: list[str], metadata: Any) -> dict[str, Any]:
    """Return columns of the index; lists stay lists."""
    fields = index_fields(identifier, metadata)
    return {
        # the year is a category, the day is not
        "datestamp": datestamp[:4],
        "sets": sets,
        "doi": fields.doi,
        "title": fields.title,
        "resource_type": fields.resource_type,
        "publication_year": fields.publication_year,
        "creators": list(fields.creators),
        "license": fields.license,
    }


# --- output


def _field(group: Group, path: fieldwalk.Path, found: FieldSum) -> Field:
    top = sorted(found.top.items(), key=lambda pair: (-pair[1], str(pair[0])))[:TOP]
    format_, kind = group
    return Field(
        format=format_,
        kind=kind,
        path=fieldwalk.written(path),
        present=found.present,
        values=found.values,
        distinct=found.distinct,
        missed=found.missed,
        types=dict(sorted(found.types.items())),
        lengths=dict(sorted(found.lengths.items())),
        shortest=found.shortest,
        longest=found.longest,
        low=found.low,
        high=found.high,
        top=tuple(top),
        examples=found.examples,
    )
