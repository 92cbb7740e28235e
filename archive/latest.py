"""The latest state of each record that an archive holds (archive/newest.py), shard by shard, read from its frames."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from archive import shards
from archive.envelope import Record
from archive.folder import Layout
from archive.ledger import read_only
from archive.matching import kept_in, matched
from archive.newest import newest, read_copies, read_looks
from archive.questions import question


@dataclass(frozen=True, slots=True)
class Part:
    """The records of one channel in one shard; `format` is the channel's."""

    channel: int
    format: str
    shard: int
    name: str


class LatestRecords:
    """Reads them in one thread, the one that makes it; to be closed.

    A record that was deleted since, or read again, is not among them.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._ledger: sqlite3.Connection = read_only(layout.ledger)
        self._ledger.execute("CREATE TEMP TABLE latest (outcome INTEGER PRIMARY KEY, channel INTEGER NOT NULL)")
        self._ledger.execute(question("latest_fill"))
        self._choose()
        self._ledger.commit()

    def _choose(self) -> None:
        """Correct those records whose last copy is not their latest state."""
        looks = read_looks(self._ledger)
        for (listed,) in self._ledger.execute(question("latest_doubtful")).fetchall():
            outcomes = orjson.loads(listed)
            copy = newest(list(read_copies(self._ledger, outcomes).values()), looks)
            self._ledger.execute("DELETE FROM latest WHERE outcome = ?", (max(outcomes),))
            if not copy.deleted:
                self._ledger.execute("INSERT INTO latest VALUES (?, ?)", (copy.outcome, copy.channel))

    def parts(self) -> list[Part]:
        """Which shards hold records of which channels, from the first shard."""
        return [Part(*row) for row in self._ledger.execute(question("latest_parts"))]

    def frames(self, part: Part) -> Iterator[list[tuple[Record, int]]]:
        """The records of a part, frame by frame, each with the number of its outcome. Raises Damaged."""
        place = {"shard": part.shard, "channel": part.channel}
        for frame, offset, length in self._ledger.execute(question("latest_frames"), place).fetchall():
            here = self._ledger.execute(question("latest_of_frame"), {**place, "frame": frame})
            newest = {outcome for (outcome,) in here}
            read = shards.read_frame_at(self._layout.shards / part.name, frame, offset, length)
            pairs = matched(part.name, read, kept_in(self._ledger, part.shard, frame))
            yield [(record, kept.outcome) for record, kept in pairs if kept.outcome in newest]

    def close(self) -> None:
        self._ledger.close()
