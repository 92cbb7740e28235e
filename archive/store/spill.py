"""Work over shards cut into pieces of a size: which frames each reads, and the file of lines that comes of it."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from archive.disk import translated
from archive.queries import Queries
from archive.store.layout import Layout

_SQL = Queries(__package__)

# Of the content of frames and of rows: what a spill file holds. A few such files are there at a time.
SPILL_BYTES = 64 << 20
# lines that are written together: one by one they take twice as long
_WRITTEN_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Spill:
    """A finished file: the table its rows are for, how many there are, the length of the longest line in bytes.

    Of records also the shard they are in, and the sum of their hashes.
    """

    table: str
    path: Path
    rows: int
    longest: int
    shard: int = 0
    hash_sum: int = 0


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
    """Some frames of a shard, first and last included, and the file that their records go to.

    `begins` is the first of the pieces of a shard, with which all of the file is checked.
    """

    layout: Layout
    shard: ShardToRead
    first: int
    last: int
    path: Path
    begins: bool = False


def frames_to_spill(
    ledger: sqlite3.Connection,
    layout: Layout,
    shards: Iterable[ShardToRead],
    folder: Path,
    piece_bytes: int | None = None,
    since: Mapping[int, int] | None = None,
) -> Iterator[FramesToSpill]:
    """Every frame of some shards, in pieces of about `piece_bytes` of content; None is `SPILL_BYTES`.

    `since` has the first frame to be read of those shards of which only the end is.
    """
    most = SPILL_BYTES if piece_bytes is None else piece_bytes
    for shard in shards:
        begin = first = (since or {}).get(shard.shard, 0)
        content, frame = 0, first - 1
        rows = ledger.execute(_SQL["frames_of_shard"], {"shard": shard.shard, "first": first, "last": None})
        for frame, _, _, size in rows:
            if content and content + size > most:
                yield FramesToSpill(
                    layout=layout,
                    shard=shard,
                    first=first,
                    last=frame - 1,
                    path=_path(folder, shard, first),
                    begins=first == begin,
                )
                first, content = frame, 0
            content += size
        if content or begin:  # one that was only sealed is checked as well
            yield FramesToSpill(
                layout=layout,
                shard=shard,
                first=first,
                last=frame,
                path=_path(folder, shard, first),
                begins=first == begin,
            )


def _path(folder: Path, shard: ShardToRead, first: int) -> Path:
    return folder / f"{shard.name}-{first}"


def spilled(lines: Iterable[bytes], table: str, path: Path) -> Spill:
    """Write lines to a file; who takes it removes it."""
    rows = longest = size = 0
    pending: list[bytes] = []

    def flush() -> None:
        nonlocal rows, longest, size
        file.write(b"".join(pending))
        rows, longest, size = rows + len(pending), max(longest, *map(len, pending)), 0
        pending.clear()

    with translated(path, "writing"), path.open("wb") as file:
        for line in lines:
            pending.append(line)
            size += len(line)
            if size >= _WRITTEN_BYTES:
                flush()
        if pending:
            flush()
    return Spill(table, path, rows, longest)
