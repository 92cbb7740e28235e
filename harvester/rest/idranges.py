"""Ids of a harvest: ranges such as "1-5000,7001-" (both ends included) or lists, supplied in chunks.

A position in a supply is a text that the ledger stores: the next id of a range, or "@" and the number of the next id of
a list. From a position on, a supply returns the same ids again.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from harvester.errors import UsageError

_RANGE = re.compile(r"\s*(\d{1,18})\s*(?:(-)\s*(\d{1,18})?)?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class IdRange:
    """Ids from `first` to `last`; if `last` is None, as far as the source goes."""

    first: int
    last: int | None

    def __str__(self) -> str:
        if self.last == self.first:
            return str(self.first)
        return f"{self.first}-{'' if self.last is None else self.last}"


@dataclass(frozen=True, slots=True)
class IdRanges:
    """Ranges in ascending order that neither touch nor overlap; only the last may be open."""

    ranges: tuple[IdRange, ...]

    @classmethod
    def parse(cls, text: str) -> "IdRanges":
        """Parse ranges in any order. Raises UsageError naming the invalid part."""
        found = []
        for part in text.split(","):
            match = _RANGE.fullmatch(part)
            if match is None:
                raise UsageError(
                    f"ids={text[:60]}: {part.strip()[:40]!r} is no range; write 1-5000,7001- (both ends are included, "
                    "without an end as far as the source goes), @FILE, census or gaps"
                )
            first = int(match[1])
            last = int(match[3]) if match[3] else None if match[2] else first
            if last is not None and last < first:
                raise UsageError(f"ids={text[:60]}: {part.strip()} ends before it begins")
            found.append(IdRange(first, last))
        return cls(_merged(found))

    def __str__(self) -> str:
        return ",".join(map(str, self.ranges))

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self.ranges, number, key=lambda found: found.first) - 1
        if place < 0:
            return False
        last = self.ranges[place].last
        return last is None or number <= last

    @property
    def open_from(self) -> int | None:
        """Return where the range without an end begins, None if each has one."""
        last = self.ranges[-1]
        return last.first if last.last is None else None

    @property
    def count(self) -> int | None:
        """Count the ids, None if that is unknown."""
        if self.open_from is not None:
            return None
        return sum(found.last - found.first + 1 for found in self.ranges if found.last is not None)

    def chunk_after(self, number: int | None, size: int) -> IdRange | None:
        """Return at most `size` ids after `number` (None: the first ones), within one range; None at the end."""
        for found in self.ranges:
            if number is not None and found.last is not None and found.last <= number:
                continue
            first = found.first if number is None else max(found.first, number + 1)
            last = first + size - 1
            return IdRange(first, last if found.last is None else min(last, found.last))
        return None

    def spread(self, count: int) -> Iterator[int]:
        """Yield `count` ids spread evenly over ranges that all have an end; all ids if there are no more."""
        total = self.count
        assert total is not None, "an open range cannot be spread over"
        for turn in range(min(count, total)):
            yield self._nth(turn * total // min(count, total))

    def _nth(self, place: int) -> int:
        for found in self.ranges:
            assert found.last is not None
            if place <= found.last - found.first:
                return found.first + place
            place -= found.last - found.first + 1
        raise IndexError(place)


def _merged(found: Sequence[IdRange]) -> tuple[IdRange, ...]:
    merged: list[IdRange] = []
    for part in sorted(found, key=lambda part: part.first):
        before = merged[-1] if merged else None
        if before is None or (before.last is not None and before.last + 1 < part.first):
            merged.append(part)
        elif before.last is not None and (part.last is None or part.last > before.last):
            merged[-1] = IdRange(before.first, part.last)
    return tuple(merged)


# --- the end of a range without one

# this many ids above the highest known one must be absent, in a row and at growing distances, before a range ends
GAP = 1000
# the distances are GAP, 2 GAP, 4 GAP ... up to 2 ** GALLOPS of it
GALLOPS = 11
# ids that are requested at each distance: a single one may be a gap
AT_EACH = 8


def gallop(top: int, gap: int = GAP) -> list[int]:
    """Return the ids above `top` that must be absent before a range without an end may end there."""
    return [top + gap * 2**power + step for power in range(GALLOPS + 1) for step in range(AT_EACH)]


def sentence(ranges: IdRanges, top: int, newest: int | None, gap: int = GAP) -> str:
    """Describe, for a finding, the rule by which a range without an end ended."""
    named = (
        f"the newest id that the source names is {newest}" if newest is not None else "the source names no newest id"
    )
    return (
        f"{ranges.ranges[-1]} ends at {top}: {named}; the {gap} ids above it are absent, and so are {AT_EACH} at each "
        f"distance of {gap}, {2 * gap}, {4 * gap} ... {gap * 2**GALLOPS} above it"
    )


# ids of one window: they become durable together, and are at most what is requested again after a crash
CHUNK_IDS = 10_000


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some ids, from position `first` to position `last`; `named`: the ledger must name each of them."""

    first: str
    last: str
    ids: tuple[str, ...]
    named: bool


class RangeSupply:
    """The ids of ranges, divided if a harvest takes part `shard` of them."""

    def __init__(self, ranges: IdRanges, shard: tuple[int, int] | None = None) -> None:
        self.ranges, self.shard = ranges, shard

    @property
    def start(self) -> str:
        return str(self.ranges.ranges[0].first)

    def span(self, place: str) -> IdRange | None:
        """Return the next numbers from a position on, None if there are none."""
        return self.ranges.chunk_after(int(place) - 1, CHUNK_IDS)

    def chunk(self, span: IdRange) -> Chunk:
        """Return the ids of some numbers."""
        assert span.last is not None
        return Chunk(str(span.first), str(span.last), self.between(span.first, span.last), named=False)

    def between(self, first: int, last: int) -> tuple[str, ...]:
        """Return the ids of this part among some numbers, both included."""
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
        """Return the next ids from a position on, None if there are none."""
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
