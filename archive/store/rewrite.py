"""Generations of a shard: the same records in the same frames, written anew beside the file that counts.

00001.json-seq.zst is followed by 00001.1.json-seq.zst; which of them counts, the ledger says.
"""

import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from archive.disk import durable
from archive.errors import Damaged
from archive.queries import Queries
from archive.store.layout import Layout
from archive.store.shards import FrameEntry, Seal, ShardWriter

_SQL = Queries(__package__)

# no number that a ledger could not hold
SHARD_NAME = re.compile(r"(\d{5,12})(?:\.(\d{1,12}))?\.json-seq\.zst", re.ASCII)


@dataclass(frozen=True, slots=True)
class NewFrame:
    """A frame of a shard: where it lies in the old one, and what it is now; None where it stays as it is."""

    offset: int
    length: int
    records: int
    packed: bytes | None


class Anew:
    """The next generation of a shard, begun with the first frame that is not as it was."""

    def __init__(self, old: Path) -> None:
        number, generation = _generation(old.name)
        self.path = old.with_name(f"{number}.{generation + 1}.json-seq.zst")
        with durable.translated(old, "opening"):
            self._old = old.open("rb")
        self._before: list[NewFrame] = []
        self._writer: ShardWriter | None = None

    def take(self, frames: Iterable[NewFrame]) -> None:
        """Add frames, in their order."""
        for frame in frames:
            if self._writer is None and frame.packed is None:
                self._before.append(frame)
                continue
            if self._writer is None:
                self._writer = ShardWriter(self.path)
                for one in self._before:
                    self._write(self._writer, one)
            self._write(self._writer, frame)

    def _write(self, writer: ShardWriter, frame: NewFrame) -> None:
        packed = frame.packed
        if packed is None:
            self._old.seek(frame.offset)
            packed = self._old.read(frame.length)
        writer.append(packed, frame.records)

    def seal(self) -> tuple[Seal, list[FrameEntry]] | None:
        """What the new shard is; None when nothing was to be changed."""
        if self._writer is None:
            return None
        self._writer.sync()
        seal = self._writer.seal()
        return seal, self._writer.take_frames()

    def close(self) -> None:
        self._old.close()
        if self._writer is not None:
            self._writer.close()


def replace(db: sqlite3.Connection, shard: int, name: str, seal: Seal, frames: Iterable[FrameEntry]) -> None:
    """Name the new file; its frames hold the records of the same outcomes."""
    shards_done = db.execute(
        _SQL["replace_shard"],
        (name, seal.length, seal.content_bytes, seal.sha256, seal.sha512, shard, seal.records, seal.frames),
    )
    rows = [(f.offset, f.length, f.content_bytes, shard, f.frame, f.records) for f in frames]
    done = db.executemany(_SQL["replace_frame"], rows)
    if shards_done.rowcount != 1 or done.rowcount != seal.frames:
        raise Damaged(f"{name} has other frames than the ledger says of shard {shard}; nothing was changed")


def shard_file(layout: Layout, name: str, *, sealed: bool = False) -> Path:
    """Where a shard is that an index names, as `Layout.shard`.

    Raises Damaged for a name that no shard has: an index is anybody's, and what it names is read.
    """
    if SHARD_NAME.fullmatch(name) is None:
        raise Damaged(f"{layout.index} names {name!a}, which is no shard; make it again: harvester index {layout.root}")
    return layout.shard(name, sealed=sealed)


def highest_number(layout: Layout) -> int:
    """The highest number that a file of a shard has, 0 without any.

    A ledger that was taken from an older copy does not know the newest shards: they are not written over.
    """
    matches = (SHARD_NAME.fullmatch(path.name.removesuffix(".open")) for path in layout.shards.iterdir())
    return max((int(match[1]) for match in matches if match is not None), default=0)


def left_over(ledger: sqlite3.Connection, layout: Layout) -> list[Path]:
    """Files of a conversion that was killed: other generations of shards that the ledger has."""
    names = {str(name) for (name,) in ledger.execute(_SQL["shard_names"])}
    numbers = {_generation(name)[0] for name in names}
    others = [path for path in sorted(layout.shards.iterdir()) if path.name.removesuffix(".open") not in names]
    matches = [(path, SHARD_NAME.fullmatch(path.name.removesuffix(".open"))) for path in others]
    return [path for path, match in matches if match is not None and match[1] in numbers]


def _generation(name: str) -> tuple[str, int]:
    """The number of a shard, as text, and how often it was written anew."""
    match = SHARD_NAME.fullmatch(name)
    if match is None:
        raise Damaged(f"the ledger has a shard called {name!r}; no harvest names one so, take it from a copy")
    return match[1], int(match[2] or 0)
