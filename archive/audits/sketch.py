"""Sketches of archives: small tables by which two mirrors find their differences.

A sketch is an invertible Bloom lookup table (Goodrich and Mitzenmacher 2011, arXiv:1101.2245): every item is added into
three cells. One table is subtracted from the other cell by cell, so that common items cancel out. A cell with a single
item left reveals it; removing that item from its other cells reveals more. The table's size depends on the number of
differences, not on the number of items. What cannot be decoded is never guessed.

The file of a sketch is a header, the cells and a digest over both, which detects every flipped byte and truncation.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Self

import orjson

from archive.disk import durable
from archive.errors import Damaged, OtherArchive

HASHES = 3
COUNT_BYTES, CHECK_BYTES = 4, 8
# an id of up to this many bytes of UTF-8 is in the table itself, after its length; of a longer one, its SHA-256
INLINE_MOST, KEY_BYTES = 47, 48
HASHED = 0xFF
ITEM_BYTES = KEY_BYTES + 8
# three sub-tables of 1,365 cells of 68 bytes
CELLS = 4095
# tables to estimate the number of differences: one for each number of zero bits, from FIRST_ZEROS on
STRATA, FIRST_ZEROS, STRATUM_CELLS, STRATUM_ITEM = 20, 4, 60, 8
# a table can be decoded if it has more than 1.23 cells for each difference (Molloy 2004); a small one needs more, so
# that two items are unlikely to share all their cells
_CELLS_EACH, _CELLS_MORE = 1.4, 600
# seconds for a missing or impossible datestamp
NO_TIME = -(2**62)

Compared = Literal["versions", "ids"]
_PLACES = struct.Struct(f"<{CHECK_BYTES}xIII")
_LEVEL = struct.Struct("<20xI8s")


@dataclass(frozen=True, slots=True)
class Item:
    """One id and its newest version; `seconds` since 1970 in UTC, None if its datestamp is unknown.

    `identifier` is the local id, or `sha256:` and 64 digits if it is longer than a table can hold.
    """

    identifier: str
    seconds: int | None
    live: bool


@dataclass(frozen=True, slots=True)
class Differences:
    """Items that only one side has; of an id with two versions each side has one."""

    here: tuple[Item, ...]
    there: tuple[Item, ...]


class Table:
    """Cells, each with a count, the XOR of its items and of their checks; all items have `width` bytes."""

    __slots__ = ("counts", "sums", "width")

    def __init__(self, cells: int, width: int) -> None:
        assert cells % HASHES == 0
        self.width = width
        self.counts = [0] * cells
        self.sums = [0] * cells

    def add(self, item: bytes, digest: bytes, count: int = 1) -> None:
        """Add an item, or with -1 remove it; `digest` is its SHA-256."""
        part = len(self.counts) // HASHES
        value = int.from_bytes(item + digest[:CHECK_BYTES], "little")
        for turn, hashed in enumerate(_PLACES.unpack_from(digest)):
            place = turn * part + hashed % part
            self.counts[place] += count
            self.sums[place] ^= value

    def merge(self, other: Self, sign: int = 1) -> None:
        """Add the items of another table, or with -1 remove them."""
        self.counts = [mine + sign * its for mine, its in zip(self.counts, other.counts, strict=True)]
        self.sums = [mine ^ its for mine, its in zip(self.sums, other.sums, strict=True)]

    def take_apart(self) -> tuple[list[bytes], list[bytes]] | None:
        """Decode the items with count 1, and those with -1; None if some cannot be decoded. Empties the table."""
        found: tuple[list[bytes], list[bytes]] = [], []
        waiting = [place for place, count in enumerate(self.counts) if count in (1, -1)]
        while waiting:
            place = waiting.pop()
            count = self.counts[place]
            if (item := self._alone(place)) is None:
                continue
            found[count < 0].append(item)
            if len(found[0]) + len(found[1]) > len(self.counts):  # not a valid sketch: it would never end
                return None
            digest = sha256(item).digest()
            self.add(item, digest, -count)
            part = len(self.counts) // HASHES
            waiting += [turn * part + hashed % part for turn, hashed in enumerate(_PLACES.unpack_from(digest))]
        return None if any(self.counts) or any(self.sums) else found

    def _alone(self, place: int) -> bytes | None:
        """Return the item of a cell, if its check shows that nothing else is in it."""
        if self.counts[place] not in (1, -1):
            return None
        value = self.sums[place].to_bytes(self.width + CHECK_BYTES, "little")
        item = value[: self.width]
        return item if sha256(item).digest()[:CHECK_BYTES] == value[self.width :] else None

    def to_bytes(self) -> bytes:
        """Encode each cell: its count (i32, little-endian), the XOR of the items, the XOR of the checks."""
        size = self.width + CHECK_BYTES
        return b"".join(
            count.to_bytes(COUNT_BYTES, "little", signed=True) + value.to_bytes(size, "little")
            for count, value in zip(self.counts, self.sums, strict=True)
        )

    @classmethod
    def from_bytes(cls, data: bytes, width: int) -> Self:
        """Decode a table from all of its bytes."""
        size = cell_bytes(width)
        made = cls(len(data) // size, width)
        for number, start in enumerate(range(0, len(data), size)):
            made.counts[number] = int.from_bytes(data[start : start + COUNT_BYTES], "little", signed=True)
            made.sums[number] = int.from_bytes(data[start + COUNT_BYTES : start + size], "little")
        return made


@dataclass(slots=True)
class Sketch:
    """The table of all `items` of an archive, and the strata; `compares` versions, or ids alone."""

    cells: int = CELLS
    compares: Compared = "versions"
    items: int = 0
    table: Table = field(init=False)
    strata: list[Table] = field(init=False)

    def __post_init__(self) -> None:
        self.table = Table(self.cells, ITEM_BYTES)
        self.strata = [Table(STRATUM_CELLS, STRATUM_ITEM) for _ in range(STRATA)]

    def fill(self, rows: Iterable[tuple[str, int]]) -> None:
        """Add ids, each once, with their versions from `version`. Optimised for millions of rows."""
        table, part = self.table, self.cells // HASHES
        counts, sums, unpack = table.counts, table.sums, _PLACES.unpack_from
        stratum, number = (1 << FIRST_ZEROS) - 1, 0
        keep = -1 if self.compares == "versions" else 0
        for number, (identifier, seen) in enumerate(rows, 1):  # noqa: B007
            item = key_of(identifier) + (seen & keep).to_bytes(8, "little", signed=True)
            digest = sha256(item).digest()
            value = int.from_bytes(item + digest[:CHECK_BYTES], "little")
            one, two, three = unpack(digest)
            one, two, three = one % part, part + two % part, 2 * part + three % part
            counts[one] += 1
            counts[two] += 1
            counts[three] += 1
            sums[one] ^= value
            sums[two] ^= value
            sums[three] ^= value
            if not digest[20] & stratum:
                self._stratify(digest)
        self.items += number

    def _stratify(self, digest: bytes) -> None:
        bits, rest = _LEVEL.unpack_from(digest)
        zeros = (bits & -bits).bit_length() - 1 if bits else 32
        self.strata[min(zeros - FIRST_ZEROS, STRATA - 1)].add(rest, sha256(rest).digest())

    def merge(self, other: Self, sign: int = 1) -> None:
        """Add another sketch of the same kind, or with -1 subtract it."""
        self.items += sign * other.items
        self.table.merge(other.table, sign)
        for mine, its in zip(self.strata, other.strata, strict=True):
            mine.merge(its, sign)


def differences(here: Sketch, there: Sketch) -> Differences | int:
    """Return the items that only one side has; if they are too many for the table, estimate their number.

    Both must have the same number of cells and compare the same. A changed record counts twice: each side has its own
    version.
    """
    left = Sketch(here.cells, here.compares)
    left.merge(here)
    left.merge(there, -1)
    items = left.items
    found = left.table.take_apart()
    if found is None or len(found[0]) - len(found[1]) != items:
        return _estimate(left.strata)
    return Differences(tuple(map(_item, sorted(found[0]))), tuple(map(_item, sorted(found[1]))))


def cells_for(count: int) -> int:
    """Return how many cells decode `count` differences, with two failures in a thousand."""
    return HASHES * -(-int(_CELLS_EACH * count + _CELLS_MORE) // HASHES)


def differences_in(cells: int) -> int:
    """Return how many differences a table of that many cells decodes: the reverse of `cells_for`."""
    return max(0, int((cells - _CELLS_MORE) / _CELLS_EACH))


def cell_bytes(width: int = ITEM_BYTES) -> int:
    """Return the size of a cell in a file."""
    return COUNT_BYTES + width + CHECK_BYTES


def version(seconds: int | None, *, live: bool) -> int:
    """Encode a version as one number of 64 bits: twice the seconds of its datestamp, plus one if it is live."""
    return 2 * (NO_TIME if seconds is None else seconds) + live


def key_of(identifier: str) -> bytes:
    """Encode an id as the 48 bytes of its key in a table."""
    name = identifier.encode("utf-8", "surrogatepass")
    if len(name) <= INLINE_MOST:
        return bytes((len(name),)) + name.ljust(INLINE_MOST, b"\0")
    return bytes((HASHED,)) + sha256(name).digest().ljust(INLINE_MOST, b"\0")


def name_of(key: bytes) -> str:
    """Return the id of a key, or `sha256:` and the digits of its hash."""
    if key[0] == HASHED:
        return f"sha256:{key[1:33].hex()}"
    return key[1 : 1 + key[0]].decode("utf-8", "surrogatepass")


def _item(item: bytes) -> Item:
    number = int.from_bytes(item[KEY_BYTES:], "little", signed=True)
    seconds = number >> 1
    return Item(name_of(item[:KEY_BYTES]), None if seconds == NO_TIME else seconds, bool(number & 1))


def _estimate(strata: list[Table]) -> int:
    """Estimate how many items differ from the strata that can be decoded (Eppstein and others 2011, section 3.2)."""
    total = 0
    for level in reversed(range(len(strata))):
        found = strata[level].take_apart()
        if found is None:
            return max(total, 1) << (level + 1 + FIRST_ZEROS)
        total += sum(map(len, found))
    return total << FIRST_ZEROS


MAGIC = b"HVSTSKCH"
FORMAT_VERSION = 1
_DIGEST_BYTES, _LENGTH_BYTES = 32, 4
# larger than any useful sketch
_MOST_BYTES = 1 << 30


def is_sketch(path: Path) -> bool:
    """Return whether a file begins like a sketch."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def write_sketch(path: Path, sketch: Sketch, about: dict[str, Any]) -> int:
    """Write a sketch durably; `about` describes what it is of. Returns its size in bytes."""
    header = orjson.dumps(
        {
            "format_version": FORMAT_VERSION,
            "compares": sketch.compares,
            "items": sketch.items,
            "cells": sketch.cells,
            **about,
        }
    )
    body = b"".join(
        (
            MAGIC,
            len(header).to_bytes(_LENGTH_BYTES, "little"),
            header,
            sketch.table.to_bytes(),
            *(stratum.to_bytes() for stratum in sketch.strata),
        )
    )
    durable.write_new(path, body + sha256(body).digest(), "sketch")
    return len(body) + _DIGEST_BYTES


def read_sketch(path: Path) -> tuple[Sketch, dict[str, Any]]:
    """Read a sketch and its header.

    Raises Damaged if its bytes are not those that were written, OtherArchive for a newer format.
    """
    with durable.translated(path, "reading"):
        data = path.read_bytes() if path.stat().st_size <= _MOST_BYTES else b""
    body, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
    if not body.startswith(MAGIC) or sha256(body).digest() != digest:
        raise Damaged(f"{path} is not the sketch that was written: take it from who made it once more")
    try:
        start = len(MAGIC) + _LENGTH_BYTES
        cells = start + int.from_bytes(body[len(MAGIC) : start], "little")
        header = orjson.loads(body[start:cells])
        if header["format_version"] > FORMAT_VERSION:
            raise OtherArchive(
                f"{path}: a sketch of format version {header['format_version']}, this software reads up to "
                f"{FORMAT_VERSION}"
            )
        return _sketch(body[cells:], header), header
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as cause:
        raise Damaged(f"{path}: a sketch without what it must have ({cause!r})") from cause


def _sketch(data: bytes, header: dict[str, Any]) -> Sketch:
    count, compares = header["cells"], header["compares"]
    table, stratum = count * cell_bytes(), STRATUM_CELLS * cell_bytes(STRATUM_ITEM)
    if count % HASHES or compares not in ("versions", "ids") or len(data) != table + STRATA * stratum:
        raise ValueError(f"{len(data)} bytes for {count} cells that compare {compares}")
    sketch = Sketch(count, compares, header["items"])
    sketch.table = Table.from_bytes(data[:table], sketch.table.width)
    sketch.strata = [
        Table.from_bytes(data[start : start + stratum], STRATUM_ITEM) for start in range(table, len(data), stratum)
    ]
    return sketch
