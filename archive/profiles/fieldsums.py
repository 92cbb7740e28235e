"""Mergeable, bounded-memory field statistics.

All of them are exact but two, whose error is bounded. `distinct` is estimated from the 512 smallest hashes (Bar-Yossef
and others, 2002; standard error 4.4 %), and exact below. Counts of values are those of Misra and Gries (1982), merged
as by Agarwal and others (2013): each is at most `missed` too low, and none of at most 256 values is lost.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from heapq import nsmallest
from typing import Any

from archive.profiles.fieldwalk import ANY, ITEM, MOST_NAMES, Path, Tally

MOST_HASHES = 512
MOST_VALUES = 256
# a longer text is not a category; only its length and its hash count
LONGEST_VALUE = 200
EXAMPLES = 3
_SPACE = 1 << 64

Scalar = str | int | float


@dataclass(slots=True)
class FieldSum:
    """Statistics of a field over some records; see `Tally`.

    `low` and `high` are numbers; booleans are the texts true and false.
    """

    present: int
    types: Counter[str]
    top: Counter[Scalar]
    missed: int
    hashes: set[int]
    lengths: Counter[int]
    shortest: int | None
    longest: int | None
    low: float | None
    high: float | None
    examples: tuple[str, ...]

    @property
    def values(self) -> int:
        """Count texts that are not empty, numbers and booleans."""
        return self.lengths.total() + sum(self.types[kind] for kind in ("integer", "number", "boolean"))

    @property
    def distinct(self) -> int:
        """Estimate the number of distinct values."""
        if len(self.hashes) < MOST_HASHES:
            return len(self.hashes)
        return min(self.values, round((MOST_HASHES - 1) * _SPACE / max(self.hashes)))


def field_sum(tally: Tally) -> FieldSum:
    """Summarise a tally."""
    lengths = [len(text) for text in tally.texts]
    numbers = [value for value in tally.scalars if not isinstance(value, str)]
    counts: Counter[Scalar] = Counter(tally.scalars)
    counts.update({text: count for text, count in tally.texts.items() if len(text) <= LONGEST_VALUE})
    top, missed = _cut(counts)
    # a number and a text with the same characters are different values
    hashes = {_hash("s", text) for text in tally.texts} | {_hash("n", str(value)) for value in tally.scalars}
    return FieldSum(
        tally.present,
        Counter(tally.types),
        top,
        missed,
        _fewest(hashes),
        Counter(tally.lengths),
        min(lengths, default=None),
        max(lengths, default=None),
        min(numbers, default=None),
        max(numbers, default=None),
        _examples(tally.texts or map(str, tally.scalars)),
    )


def add(one: FieldSum, other: FieldSum) -> FieldSum:
    """Merge two summaries of disjoint records."""
    top, cut = _cut(one.top + other.top)
    return FieldSum(
        one.present + other.present,
        one.types + other.types,
        top,
        one.missed + other.missed + cut,
        _fewest(one.hashes | other.hashes),
        one.lengths + other.lengths,
        _least(one.shortest, other.shortest),
        _most(one.longest, other.longest),
        _least(one.low, other.low),
        _most(one.high, other.high),
        _examples((*one.examples, *other.examples)),
    )


def fold(fields: dict[Path, FieldSum]) -> dict[Path, FieldSum]:
    """Merge the fields in maps into one: objects with too many names, counted over all records.

    A record with several of the names counts as often, up to the number of records with the map.
    """
    names = Counter(path[:-1] for path in fields if path[-1] != ITEM)
    names.update({path[:-1]: MOST_NAMES for path in fields if path[-1] == ANY})
    maps = {path for path, number in names.items() if number > MOST_NAMES}
    if not maps:
        return fields
    folded: dict[Path, FieldSum] = {}
    for path, one in fields.items():
        to = tuple(ANY if path[:place] in maps else step for place, step in enumerate(path))
        folded[to] = add(folded[to], one) if to in folded else one
    for path, one in folded.items():
        if ANY in path and (above := folded.get(path[: path.index(ANY)])) is not None:
            one.present = min(one.present, above.present)
    return folded


def _cut(counts: Counter[Scalar]) -> tuple[Counter[Scalar], int]:
    """Keep at most `MOST_VALUES` of them; returns by how much their counts are now too low."""
    if len(counts) <= MOST_VALUES:
        return counts, 0
    most = counts.most_common(MOST_VALUES + 1)
    less = most[-1][1]
    return Counter({value: count - less for value, count in most if count > less}), less


def _hash(kind: str, text: str) -> int:
    digest = blake2b(f"{kind}{text}".encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")


def _fewest(hashes: set[int]) -> set[int]:
    return hashes if len(hashes) <= MOST_HASHES else set(nsmallest(MOST_HASHES, hashes))


def _examples(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the first texts that are not blank, shortened."""
    found: dict[str, None] = {}
    for text in texts:
        if text.strip():
            found[text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"] = None
            if len(found) == EXAMPLES:
                break
    return tuple(found)


def _least(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else min(one, other)


def _most(one: Any, other: Any) -> Any:
    return other if one is None else one if other is None else max(one, other)
