"""lookup.idx: where each record lies, found by its id in three small reads, from disk or over HTTP.

A hash table on disk: keys are hashed, sorted and cut into buckets, much as in the index of a git pack. Each piece that
is read has a checksum of its own, so that none has to read the whole to trust it. Layout: docs/archive-format.md.
"""

import hashlib
import json
import struct
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from archive.disk import BLOCK_BYTES, durable
from archive.errors import Damaged

MAGIC = b"HVSTIDX1"
# the first read of a lookup: the header and, unless there are many files, their names
FIRST_BYTES = 4096
# 96 bits of SHA-256: among 10^8 keys a key that is not there is found once in 10^21 questions
KEY_BYTES = 12
_HEADER = struct.Struct(">8sIIQ16s")  # magic, bytes of the description, bits of the fan-out, entries, checksum
_ENTRY = struct.Struct(">12sIQII")  # key, file, offset, length, position: big-endian, so that entries sort as bytes
_ROW = struct.Struct(">QI8sI")  # first entry and number of entries, checksum of the bucket, of the row
_NUMBER = struct.Struct(">I")
_DIGEST_BYTES = 32
# a bucket has between half as many entries and these, on average: two kilobytes at most
_BUCKET_ENTRIES = 64
_DESCRIPTION_MOST = 64 << 20
# entries on their way are kept by the first byte of their key, and spilled when they are so many bytes
_SPILL_BYTES = 1 << 16

# bytes from an offset, as many as asked for unless the file ends before
Read = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record is: the frame of `length` bytes at `offset` of a file, and the record's number in it from 0."""

    name: str
    offset: int
    length: int
    position: int


class LookupWriter:
    """Writes a lookup in flat memory: entries are spilled beside it, then sorted part by part."""

    def __init__(self, path: Path, names: Sequence[str], about: dict[str, Any] | None = None) -> None:
        """Begin a lookup of records in files of these names, which may grow; `about` goes into its header."""
        self.path = path
        self._names, self._about = names, about or {}
        self._spill_path = path.with_name(f".{path.name}.part")
        with durable.translated(self._spill_path, "opening"):
            self._spill = self._spill_path.open("w+b")
        self._pending = [bytearray() for _ in range(256)]
        self._spilled: list[list[tuple[int, int]]] = [[] for _ in range(256)]
        self._entries = 0

    def add(self, key: str, file: int, offset: int, length: int, position: int) -> None:
        """A record with this key; `file` counts the names from 0. A key may have several records."""
        entry = _ENTRY.pack(hash_key(key), file, offset, length, position)
        pending = self._pending[entry[0]]
        pending += entry
        self._entries += 1
        if len(pending) >= _SPILL_BYTES:
            self._flush(entry[0])

    def finish(self) -> None:
        """Write the file, synced. Records have the order of their places, whatever the order they were added in."""
        bits = max(0, (self._entries - 1).bit_length() - (_BUCKET_ENTRIES - 1).bit_length())
        description = {"about": self._about, "names": list(self._names)}
        out = durable.AppendFile(self.path, "lookup", truncate=True)
        try:
            _write(out, _header(description, bits, self._entries), bits, self._sorted(bits))
            out.sync()
        finally:
            out.close()
            self.close()

    def close(self) -> None:
        """Let go of what was spilled; harmless when that is done."""
        self._spill.close()
        durable.remove(self._spill_path)

    def _flush(self, part: int) -> None:
        pending = self._pending[part]
        with durable.translated(self._spill_path, "writing"):
            self._spilled[part].append((self._spill.tell(), len(pending)))
            self._spill.write(pending)
        pending.clear()

    def _sorted(self, bits: int) -> Iterator[list[bytes]]:
        """All entries in order, in pieces that hold whole buckets."""
        if bits < 8:
            yield sorted(entry for part in range(256) for entry in self._take(part))
            return
        for part in range(256):
            yield sorted(self._take(part))

    def _take(self, part: int) -> Iterator[bytes]:
        for offset, length in self._spilled[part]:
            with durable.translated(self._spill_path, "reading"):
                self._spill.seek(offset)
                data = self._spill.read(length)
            yield from _cut(data)
        yield from _cut(bytes(self._pending[part]))


class Lookup:
    """A lookup that is read in parts. `about` is what its writer said of it, `entries` how many keys it has."""

    def __init__(self, read: Read, where: str) -> None:
        """Read the header; `where` is for messages. Raises Damaged."""
        self._read, self.where = read, where
        first = read(0, FIRST_BYTES)
        length, self.bits, self.entries, checksum = _parse_header(first, where)
        while len(first) < _HEADER.size + length and (more := read(len(first), _HEADER.size + length - len(first))):
            first += more
        description = first[_HEADER.size : _HEADER.size + length]
        if checksum != _checksum(first[: _HEADER.size - 16], description):
            raise _damaged(where, "its header does not match its checksum")
        self.names, self.about = _parse_description(description, where)
        self._start = _HEADER.size + length
        self._rows = self._start + self.entries * _ENTRY.size

    @property
    def size_bytes(self) -> int:
        """How long the file must be."""
        return self._rows + (_ROW.size << self.bits) + _DIGEST_BYTES

    def find(self, key: str) -> tuple[Place, ...]:
        """The places of a key's records, in order; none when there is no such key. Raises Damaged."""
        hashed = hash_key(key)
        number = _bucket_of(hashed, self.bits)
        first, count, checksum = self._row(number)
        if not count:
            return ()
        bucket = self._read(self._start + first * _ENTRY.size, count * _ENTRY.size)
        if len(bucket) != count * _ENTRY.size or checksum != _bucket_checksum(number, bucket):
            raise _damaged(self.where, f"bucket {number} does not match its checksum")
        found = {entry[1:] for entry in _ENTRY.iter_unpack(bucket) if entry[0] == hashed}
        if any(file >= len(self.names) for file, *_ in found):
            raise _damaged(self.where, "it names a file that it does not have")
        return tuple(Place(self.names[file], *rest) for file, *rest in sorted(found))

    def _row(self, number: int) -> tuple[int, int, bytes]:
        row = self._read(self._rows + number * _ROW.size, _ROW.size)
        if len(row) != _ROW.size:
            raise _damaged(self.where, "it is cut short")
        first, count, checksum, of_row = _ROW.unpack(row)
        if of_row != _row_checksum(number, row) or first + count > self.entries:
            raise _damaged(self.where, f"row {number} of its fan-out does not match its checksum")
        return first, count, checksum


def check_lookup(path: Path) -> Lookup:
    """Read all of a lookup. Raises Damaged unless every byte is one that was written."""
    with durable.translated(path, "reading"), path.open("rb") as file:
        lookup = Lookup(_reader(file), path.name)
        size = file.seek(0, 2)
        if size != lookup.size_bytes:
            raise _damaged(path.name, f"it is {size} bytes long, its header says {lookup.size_bytes}")
        file.seek(0)
        digest, left = hashlib.sha256(), size - _DIGEST_BYTES
        while left:
            block = file.read(min(BLOCK_BYTES, left))
            digest.update(block)
            left -= len(block)
        if file.read() != digest.digest():
            raise _damaged(path.name, "its bytes do not match the digest at its end")
    return lookup


def hash_key(key: str) -> bytes:
    """A key as an entry has it: the first 12 bytes of the SHA-256 of its UTF-8 bytes."""
    return hashlib.sha256(key.encode()).digest()[:KEY_BYTES]


# --- inside


def _cut(data: bytes) -> Iterator[bytes]:
    return (data[at : at + _ENTRY.size] for at in range(0, len(data), _ENTRY.size))


def _header(description: dict[str, Any], bits: int, entries: int) -> bytes:
    text = json.dumps(description, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    fixed = _HEADER.pack(MAGIC, len(text), bits, entries, b"")[:-16]
    return fixed + _checksum(fixed, text) + text


def _parse_header(first: bytes, where: str) -> tuple[int, int, int, bytes]:
    """(length of the description, bits of the fan-out, entries, checksum), each one possible."""
    if len(first) < _HEADER.size:
        raise _damaged(where, "it is cut short")
    magic, length, bits, entries, checksum = _HEADER.unpack_from(first)
    if magic != MAGIC or bits > 32 or length > _DESCRIPTION_MOST or entries > 1 << 40:
        raise _damaged(where, "it does not begin as a lookup does")
    return length, bits, entries, checksum


def _parse_description(description: bytes, where: str) -> tuple[tuple[str, ...], dict[str, Any]]:
    try:
        values = orjson.loads(description)
        return tuple(map(str, values["names"])), dict(values["about"])
    except (KeyError, TypeError, ValueError) as cause:
        raise _damaged(where, f"its header does not say what it must ({cause!r})") from cause


def _write(out: durable.AppendFile, header: bytes, bits: int, pieces: Iterable[list[bytes]]) -> None:
    """The header, entries, the fan-out, the digest of all that."""
    digest = hashlib.sha256()

    def write(data: bytes) -> None:
        out.write(data)
        digest.update(data)

    write(header)
    rows = bytearray()
    number = first = 0
    for entries in pieces:
        write(b"".join(entries))
        for bucket in _buckets(entries, number, bits):
            rows += _row(number, first, bucket)
            number, first = number + 1, first + len(bucket)
    write(bytes(rows))
    out.write(digest.digest())


def _buckets(entries: list[bytes], number: int, bits: int) -> Iterator[list[bytes]]:
    """The buckets that a piece holds, the empty ones included, from this number on."""
    ends = (1 << bits) if bits < 8 else number + (1 << bits - 8)
    start = 0
    for following in range(number + 1, ends + 1):
        last = following == 1 << bits
        end = len(entries) if last else bisect_left(entries, (following << 32 - bits).to_bytes(4, "big"), start)
        yield entries[start:end]
        start = end


def _row(number: int, first: int, bucket: list[bytes]) -> bytes:
    row = _ROW.pack(first, len(bucket), _bucket_checksum(number, b"".join(bucket)), 0)[:-4]
    return row + _NUMBER.pack(_row_checksum(number, row))


def _bucket_of(hashed: bytes, bits: int) -> int:
    return int.from_bytes(hashed[:4], "big") >> 32 - bits


def _checksum(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()[:16]


def _bucket_checksum(number: int, bucket: bytes) -> bytes:
    """The first 8 bytes of SHA-256; the number is in it, so that no bucket passes for another."""
    return hashlib.sha256(_NUMBER.pack(number) + bucket).digest()[:8]


def _row_checksum(number: int, row: bytes) -> int:
    return zlib.crc32(_NUMBER.pack(number) + row[:20])


def _reader(file: BinaryIO) -> Read:
    def read(offset: int, length: int) -> bytes:
        file.seek(offset)
        return file.read(length)

    return read


def _damaged(where: str, what: str) -> Damaged:
    return Damaged(f"{where}: {what}; it was changed or cut short, take it from a copy")
