"""Records paired with outcomes: the n-th record of a frame belongs to the n-th outcome the ledger has for the frame.

From these pairs the latest state of each record (`archive.store.versions`) is read shard by shard.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from archive.errors import Damaged
from archive.queries import Queries
from archive.store import record as envelope
from archive.store import shards
from archive.store.layout import Layout
from archive.store.record import Record
from archive.store.snapshots import read_only
from archive.store.versions import newest, read_copies, read_looks

_SQL = Queries(__package__)


@dataclass(frozen=True, slots=True)
class Kept:
    """An outcome that has a record; `datestamp` is text as sent, None if the response had none.

    `channel` is 0 if the request had none; `direct`: it was the response to a request for this id.
    """

    outcome: int
    run: int
    identifier: str
    datestamp: str | None
    state: str
    channel: int = 0
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """A record that does not match its outcome; `record` is its number in the frame, None if their counts differ."""

    record: int | None
    sentence: str


def kept_in(ledger: sqlite3.Connection, shard: int, frame: int) -> list[Kept]:
    """List the outcomes whose records a frame holds, in the order of the records."""
    rows = ledger.execute(_SQL["outcomes_of_frame"], {"shard": shard, "frame": frame})
    return [
        Kept(outcome, run, identifier, datestamp, state, channel, bool(direct))
        for outcome, run, identifier, datestamp, state, channel, direct in rows
    ]


def compared(frame: shards.Frame, kept: list[Kept]) -> Iterator[tuple[Record, Kept] | Difference]:
    """Pair each record of a frame with its outcome, or yield the difference, in the order of the frame."""
    if frame.records != len(kept):
        yield Difference(None, f"{frame.records} records, and the ledger has outcomes for {len(kept)}")
    for position, (text, outcome) in enumerate(zip(frame.texts(), kept, strict=False)):
        try:
            record = envelope.decode(text)
        except (KeyError, TypeError, ValueError) as cause:
            yield Difference(position, f"no record ({cause!r})")
            continue
        sentence = _difference(record, outcome)
        yield (record, outcome) if sentence is None else Difference(position, sentence)


def matched(name: str, frame: shards.Frame, kept: list[Kept]) -> Iterator[tuple[Record, Kept]]:
    """Pair the records of a frame with their outcomes. Raises Damaged at the first mismatch."""
    for pair in compared(frame, kept):
        if isinstance(pair, Difference):
            place = f"frame {frame.frame}" + ("" if pair.record is None else f", record {pair.record}")
            raise Damaged(
                f"shard {name}, {place}: {pair.sentence}; shard and ledger are not of one archive, or were changed: "
                "take both from a copy"
            )
        yield pair


def _difference(record: Record, kept: Kept) -> str | None:
    """Describe how a record differs from its outcome; None if it does not."""
    if record.identifier != kept.identifier:
        return f"the record of {record.identifier}, where outcome {kept.outcome} is of {kept.identifier}"
    if record.deleted != (kept.state == "deleted"):
        is_ = "deleted" if record.deleted else "live"
        return f"{record.identifier} is {is_}, outcome {kept.outcome} says {kept.state}"
    if kept.datestamp is not None and record.datestamp != kept.datestamp:
        return f"{record.identifier} is of {record.datestamp}, outcome {kept.outcome} says {kept.datestamp}"
    return None


@dataclass(frozen=True, slots=True)
class Part:
    """The records of one channel in one shard; `format` is the channel's."""

    channel: int
    format: str
    shard: int
    name: str


class LatestRecords:
    """The latest state of each live record of an archive. Use it in the thread that creates it, and close it.

    A record that was deleted or read again since is not included.
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._ledger: sqlite3.Connection = read_only(layout.ledger)
        self._ledger.execute(_SQL["create_latest"])
        self._ledger.execute(_SQL["latest_fill"])
        self._choose()
        self._ledger.commit()

    def _choose(self) -> None:
        """Correct the records whose last copy is not their latest state."""
        looks = read_looks(self._ledger)
        for (listed,) in self._ledger.execute(_SQL["latest_doubtful"]).fetchall():
            outcomes = orjson.loads(listed)
            copy = newest(list(read_copies(self._ledger, outcomes).values()), looks)
            self._ledger.execute(_SQL["drop_latest"], (max(outcomes),))
            if not copy.deleted:
                self._ledger.execute(_SQL["add_latest"], (copy.outcome, copy.channel))

    def parts(self) -> list[Part]:
        """List which shards hold records of which channels, from the first shard."""
        return [Part(*row) for row in self._ledger.execute(_SQL["latest_parts"])]

    def frames(self, part: Part) -> Iterator[list[tuple[Record, int]]]:
        """Yield the records of a part, frame by frame, each with the number of its outcome. Raises Damaged."""
        place = {"shard": part.shard, "channel": part.channel}
        for frame, offset, length in self._ledger.execute(_SQL["latest_frames"], place).fetchall():
            here = self._ledger.execute(_SQL["latest_of_frame"], {**place, "frame": frame})
            newest = {outcome for (outcome,) in here}
            read = shards.read_frame_at(self._layout.shards / part.name, frame, offset, length)
            pairs = matched(part.name, read, kept_in(self._ledger, part.shard, frame))
            yield [(record, kept.outcome) for record, kept in pairs if kept.outcome in newest]

    def close(self) -> None:
        self._ledger.close()
