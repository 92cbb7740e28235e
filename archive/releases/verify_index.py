"""Verify the index of a release against its manifest: order, places, counts and the root of the Merkle tree.

The records themselves are compared with it in `archive.releases.verify`.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from archive.duck import translated_duckdb
from archive.queries import Queries
from archive.releases.manifest import DEAD, INDEX, IndexRow, Manifest, Part
from archive.releases.merkle import MerkleTree

_SQL = Queries(__package__)

_FETCHED = 10_000
_MEMORY_LIMIT = "1GB"
# compressed bytes that are checked together, and so form one entry of a checkpoint
RANGE_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class FrameRange:
    """Consecutive frames of a part, first and last included; `bytes` is their length there."""

    part: str
    first: int
    last: int
    bytes: int


@dataclass(slots=True)
class IndexCheck:
    """The size of an index, and sentences on its faults; `ranges` are of all frames, in order."""

    rows: int = 0
    frames: int = 0
    ranges: list[FrameRange] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def iter_index(
    folder: Path, part: str | None = None, first_frame: int | None = None, last_frame: int | None = None
) -> Iterator[IndexRow]:
    """Yield the rows of an index in order, of all or of some frames of a part. Translates DuckDB's errors into ours."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": _MEMORY_LIMIT,
        "temp_directory": "",
    }
    path = folder / INDEX
    values = {"path": str(path), "part": part, "first_frame": first_frame, "last_frame": last_frame}
    with translated_duckdb(path), closing(duckdb.connect(config=config)) as db:
        found = db.execute(_SQL["release_index"], values)
        while batch := found.fetchmany(_FETCHED):
            for row in batch:
                yield IndexRow(*row)


def check_index(folder: Path, manifest: Manifest) -> IndexCheck:
    """Read all of the index. Raises DiskFailed or Damaged if it cannot be read as one."""
    check, walk = IndexCheck(), _Walk(manifest)
    for row in iter_index(folder):
        walk.take(row, check)
    walk.end(check)
    return check


class _Walk:
    """Follows the rows: each must be where the one before it says."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._parts = iter(manifest.content.parts)
        self._part: Part | None = None
        self._before: IndexRow | None = None
        self._in_part = 0
        self._tree = MerkleTree()
        self._counts: dict[str, dict[str, int]] = {}
        self._range_first = self._range_bytes = 0

    def take(self, row: IndexRow, check: IndexCheck) -> None:
        before, self._before = self._before, row
        check.rows += 1
        if (part := self._part) is None or row.part != part.name:
            self._end_part(before, check)
            part = self._part = next(self._parts, None)
            if part is None or part.name != row.part:
                check.faults.append(f"{_of(row)} is in {row.part}, which is not the next part of the manifest")
                self._part = next((p for p in self._manifest.content.parts if p.name == row.part), None)
            self._in_part, self._range_first, self._range_bytes = 0, 0, 0
            expected = (0, 0, 0)
        elif before is not None and row.frame == before.frame:
            expected = (before.frame, before.offset, before.position + 1)
        else:
            assert before is not None
            expected = (before.frame + 1, before.offset + before.length, 0)
        if (row.frame, row.offset, row.position) != expected:
            found = f"frame {row.frame}, byte {row.offset}, record {row.position}"
            check.faults.append(f"{_of(row)} is said to be at {found} of {row.part}, where it cannot be")
        if row.position == 0:
            check.frames += 1
            self._cut(row, check)
            self._range_bytes += row.length
        self._check_row(row, before, part, check)
        self._in_part += 1
        self._tree.add(bytes.fromhex(row.sha256) if len(row.sha256) == 64 else row.sha256.encode())

    def end(self, check: IndexCheck) -> None:
        """Compare the whole index with the manifest."""
        self._end_part(self._before, check)
        if (missing := next(self._parts, None)) is not None:
            check.faults.append(f"it has no record in {missing.name}")
        content = self._manifest.content
        if (root := self._tree.root().hex()) != content.root:
            check.faults.append(f"the root of its records is {root}, the manifest says {content.root}")
        said = {name: {kind: count for kind, count in of.items() if count} for name, of in content.by_format.items()}
        if self._counts != said:
            check.faults.append(f"it names {self._counts}, the manifest says {said}")
        if check.rows != content.records + content.tombstones:
            there = f"{content.records} and {content.tombstones} tombstones"
            check.faults.append(f"it names {check.rows} records, the manifest says {there}")

    def _check_row(self, row: IndexRow, before: IndexRow | None, part: Part | None, check: IndexCheck) -> None:
        dead = part is not None and part.kind in DEAD
        if part is not None and row.deleted != dead:
            check.faults.append(f"{_of(row)} is {'' if row.deleted else 'not '}deleted, and in {part.name}")
        same_list = before is not None and self._kind(before.part) == self._kind(row.part)
        # code points sort like the bytes of UTF-8
        if same_list and before is not None and (row.identifier, row.format) <= (before.identifier, before.format):
            check.faults.append(f"{_of(row)} comes after {_of(before)}, which is not their order")
        kind = "tombstones" if dead else "records"
        of_format = self._counts.setdefault(row.format, {})
        of_format[kind] = of_format.get(kind, 0) + 1

    def _kind(self, part: str) -> str:
        return part.split("-")[0]

    def _cut(self, row: IndexRow, check: IndexCheck) -> None:
        """Start a new range if the current one is long enough."""
        if self._range_bytes >= RANGE_BYTES:
            check.ranges.append(FrameRange(row.part, self._range_first, row.frame - 1, self._range_bytes))
            self._range_first, self._range_bytes = row.frame, 0

    def _end_part(self, last: IndexRow | None, check: IndexCheck) -> None:
        part = self._part
        if part is None or last is None:
            return
        check.ranges.append(FrameRange(last.part, self._range_first, last.frame, self._range_bytes))
        if (self._in_part, last.frame + 1) != (part.records, part.frames):
            check.faults.append(
                f"it names {self._in_part} records in {last.frame + 1} frames of {part.name}, the manifest says "
                f"{part.records} in {part.frames}"
            )


def _of(row: IndexRow) -> str:
    return f"{row.identifier} ({row.format})"
