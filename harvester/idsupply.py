"""Where the ids of a harvest come from: ranges that are walked, or lists that are read, a chunk at a time.

A place in a supply is a text that the ledger keeps: the next id of a range, or "@" and the number of the next id of a
list. From its place on, a supply gives the same ids again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from harvester.idranges import IdRange, IdRanges

# ids of one window: what becomes durable together, and is asked again after a crash at most
CHUNK_IDS = 10_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some ids, from the place `first` to the place `last`; `named` says that the ledger must name each of them."""

    first: str
    last: str
    ids: tuple[str, ...]
    named: bool


class RangeSupply:
    """The ids of ranges that are cut where a harvest takes part `shard` of them."""

    def __init__(self, ranges: IdRanges, shard: tuple[int, int] | None = None) -> None:
        self.ranges, self.shard = ranges, shard

    @property
    def start(self) -> str:
        return str(self.ranges.ranges[0].first)

    def span(self, place: str) -> IdRange | None:
        """The next numbers from a place on, None when there are none."""
        return self.ranges.chunk_after(int(place) - 1, CHUNK_IDS)

    def chunk(self, span: IdRange) -> Chunk:
        """The ids of some numbers."""
        assert span.last is not None
        return Chunk(str(span.first), str(span.last), self.between(span.first, span.last), named=False)

    def between(self, first: int, last: int) -> tuple[str, ...]:
        """The ids of this part among some numbers, both included."""
        part, parts = self.shard or (1, 1)
        return tuple(str(number) for number in range(first, last + 1) if number % parts == part - 1)


class ListSupply:
    """The ids of a list that can be read again from its beginning."""

    def __init__(self, read: Callable[[], Iterator[str]], shard: tuple[int, int] | None = None) -> None:
        self._read, self.shard = read, shard
        self._open: Iterator[str] | None = None
        self._at = 0

    start = "@1"

    def chunk(self, place: str) -> Chunk | None:
        """The next ids from a place on, None when there are none."""
        first = int(place.removeprefix("@"))
        if self._open is None or self._at != first - 1:
            self._open = islice(self._read(), first - 1, None)
        part, parts = self.shard or (1, 1)
        taken = list(islice(self._open, CHUNK_IDS))
        if not taken:
            return None
        self._at = first - 1 + len(taken)
        mine = (identifier for number, identifier in enumerate(taken, first) if number % parts == part - 1)
        return Chunk(place, f"@{self._at}", tuple(dict.fromkeys(mine)), named=True)
