"""What would have named an unseen id: the channels, and the ranges of ids that include a number."""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from archive.crosswalks import local_id
from archive.queries import Queries

_SQL = Queries(__package__)

# a part of "1-5000,7001-,9999"
_PART = re.compile(r"(\d+)(-?)(\d*)", re.ASCII)
# how many ranges of ids are reported for an unseen number
NEAREST = 4


@dataclass(frozen=True, slots=True)
class Range:
    """A range of ids to be requested, both ends included; `covers` is whether the id is in it."""

    covers: bool
    window: int
    run: int
    channel: str
    from_: str
    until: str | None
    state: str

    def distance(self, number: int) -> int:
        """Return the distance of a number from the range, 0 inside."""
        return max(int(self.from_) - number, 0 if self.until is None else number - int(self.until), 0)


@dataclass(frozen=True, slots=True)
class ChannelSeen:
    """A channel of the archive, and how many of its windows are not settled."""

    channel: str
    windows: int
    unsettled: int


def read_nearest(ledger: sqlite3.Connection, asked_for: str) -> tuple[Range, ...]:
    """Read the ranges of ids that include a number, or else those next to it."""
    text = local_id(asked_for)
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        return ()
    number = int(text)
    rows = ledger.execute(_SQL["nearby_ranges"], {"number": number, "limit": NEAREST})
    near = [Range(bool(covers), *row) for covers, *row in rows] + list(_rests(ledger, number))
    return tuple(one for one in near if one.covers) or tuple(
        sorted(near, key=lambda one: one.distance(number))[:NEAREST]
    )


def read_channels(ledger: sqlite3.Connection) -> tuple[ChannelSeen, ...]:
    """Read every channel of the archive, by name."""
    return tuple(ChannelSeen(*row) for row in ledger.execute(_SQL["nearby_channels"]))


def _rests(ledger: sqlite3.Connection, number: int) -> Iterator[Range]:
    """Yield what is left to be requested of ranges."""
    for window, run, channel, next_, ranges, state in ledger.execute(_SQL["nearby_rests"]):
        for first, dash, last in _PART.findall(ranges or ""):
            from_, until = max(int(first), int(next_)), None if dash and not last else int(last or first)
            if until is None or from_ <= until:
                covers = from_ <= number and (until is None or number <= until)
                yield Range(covers, window, run, channel, str(from_), None if until is None else str(until), state)
