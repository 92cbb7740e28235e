"""Parts: the files of a release that hold its records, in frames that are compressed one by one.

Frames are made of texts (`encode_texts`, `compress`) on any core; `PartsWriter` writes the finished frames one after
another. A part that is compressed with zstd ends like a shard, in a digest frame and a seek table. Reading reverses
these steps, and trusts nothing: a frame has its own checksum, a part its digest.
"""

import hashlib
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from archive.disk import AppendFile, Digests, sync_folder, translated
from archive.errors import Damaged
from archive.releases import codecs
from archive.releases.codecs import TAR_END, compress, encode_texts, member_name
from archive.releases.manifest import Edge, Making, Part
from archive.store import Broken, Entry, checksum, encode_end, seektable

__all__ = [
    "FrameEdges",
    "PartsWriter",
    "Place",
    "compress",
    "decode_frame",
    "encode_texts",
    "iter_texts",
    "member_name",
    "part_name",
    "read_texts",
]


@dataclass(frozen=True, slots=True)
class FrameEdges:
    """The content of a frame: how many records, the first and last, and the range of their datestamps, as text."""

    records: int
    first: Edge
    last: Edge
    earliest: str
    latest: str


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a frame: the name of the part, the frame's number in it from 0, its offset there in bytes."""

    part: str
    frame: int
    offset: int


def part_name(kind: str, number: int, making: Making) -> str:
    """Make a name like `records-00001.json-seq.zst`; numbers begin at 1."""
    return f"{kind}-{number:05d}.{codecs.LAYOUT_ENDINGS[making.layout]}.{codecs.ENDINGS[making.compression]}"


class PartsWriter:
    """Writes the parts of one kind, one after another, and hashes them at the same time."""

    def __init__(self, folder: Path, kind: str, making: Making, *, sink: bool = False) -> None:
        """Start without a part. A `sink` writes nothing: it only computes which parts there would be."""
        self._folder, self._kind, self._making, self._sink = folder, kind, making, sink
        self._end_frame = _tar_end(making)
        self._open: _OpenPart | None = None
        self._done: list[Part] = []

    def add(self, raw: bytes, content_bytes: int, edges: FrameEdges) -> Place:
        """Append a finished frame; ends the part first if it would become too large."""
        if self._open is not None and self._would_overflow(self._open, len(raw), edges.records):
            self._end()
        if self._open is None:
            name = part_name(self._kind, len(self._done) + 1, self._making)
            self._open = _OpenPart(self._folder / name, self._making.compression, edges, sink=self._sink)
        return self._open.add(raw, content_bytes, edges)

    def finish(self) -> list[Part]:
        """End the last part, and return all of them, now on the disk; empty if there was no frame."""
        if self._open is not None:
            self._end()
        if not self._sink:
            sync_folder(self._folder)
        return self._done

    def close(self) -> None:
        """Close an open file as it is, after an error."""
        if self._open is not None:
            self._open.close()

    def _end(self) -> None:
        assert self._open is not None
        self._done.append(self._open.end(self._kind, self._end_frame))
        self._open = None

    def _would_overflow(self, part: "_OpenPart", length: int, records: int) -> bool:
        making = self._making
        whole = part.length + length + len(self._end_frame)
        if making.compression == "zstd":
            whole += seektable.end_bytes(part.frames + 1 + bool(self._end_frame))
        return (0 < making.part_bytes < whole) or (0 < making.part_records < part.records + records)


def decode_frame(
    layout: str, compression: str, raw: bytes, where: str = "a frame", only: Collection[int] | None = None
) -> list[bytes]:
    """Decode and verify the texts of one frame; only those in `only` will be used. Raises Damaged, naming `where`."""
    try:
        return codecs.split_texts(layout, codecs.unpack(compression, raw), only)
    except Broken as broken:
        raise _damaged(where, broken) from None


def read_texts(
    folder: Path, name: str, making: Making, offset: int, length: int, only: Collection[int] | None = None
) -> list[bytes]:
    """Read the texts of the frame at a place in the part `name`, like `decode_frame`. Raises Damaged."""
    path = folder / name
    with translated(path, "reading"), path.open("rb", buffering=0) as file:
        file.seek(offset)
        raw = file.read(length)
    where = f"{name}, the frame at byte {offset}"
    if len(raw) != length:
        raise _damaged(where, Broken("the file ends inside it"))
    return decode_frame(making.layout, making.compression, raw, where, only)


def iter_texts(folder: Path, part: Part, making: Making) -> Iterator[tuple[int, int, int, list[bytes]]]:
    """Yield (frame, offset, length, texts) of each frame of a part, in order, to its last byte.

    Raises Damaged at the first difference from the manifest: before any frame if the length differs, at a frame whose
    own checksum fails, after the last one if the SHA-256 or a count differs.
    """
    path = folder / part.name
    with translated(path, "reading"), path.open("rb") as file:
        if (size := file.seek(0, io.SEEK_END)) != part.bytes:
            raise _damaged(part.name, Broken(f"it is {size} bytes long, the manifest says {part.bytes}"))
        file.seek(0)
        reader = _PartReader(part, making, file)
        yield from reader.frames()
        reader.check_end()


# --- helpers


class _OpenPart:
    """A part that is being written."""

    def __init__(self, path: Path, compression: str, edges: FrameEdges, *, sink: bool) -> None:
        self._path, self._seekable = path, compression == "zstd"
        self._file = None if sink else AppendFile(path, "part", truncate=True)
        self._digests = Digests()
        self._entries: list[Entry] = []
        self._edges = edges
        self.length = self.frames = self.records = self._content_bytes = 0

    def add(self, raw: bytes, content_bytes: int, edges: FrameEdges) -> Place:
        place = Place(self._path.name, self.frames, self.length)
        self._lay(raw, content_bytes)
        self._edges = _joined(self._edges, edges)
        self.frames += 1
        self.records += edges.records
        return place

    def end(self, kind: str, end_frame: bytes) -> Part:
        if end_frame:
            self._lay(end_frame, len(TAR_END))
        if self._seekable:
            self._write(encode_end(self._entries, self.records, self._digests.sha256_so_far()))
        if self._file is not None:
            self._file.sync()
            self._file.close()
        edges = self._edges
        return Part(
            self._path.name,
            kind,
            self.records,
            self.frames,
            self.length,
            self._content_bytes,
            self._digests.sha256,
            self._digests.sha512,
            edges.first,
            edges.last,
            edges.earliest,
            edges.latest,
        )

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _lay(self, raw: bytes, content_bytes: int) -> None:
        self._write(raw)
        self._content_bytes += content_bytes
        if self._seekable:
            self._entries.append(Entry(len(raw), content_bytes, checksum(raw)))

    def _write(self, raw: bytes) -> None:
        if self._file is not None:
            self._file.write(raw)
        self._digests.update(raw)
        self.length += len(raw)


def _joined(before: FrameEdges, after: FrameEdges) -> FrameEdges:
    """Join the edges of two frames; a record without a datestamp (`""`) does not count for the earliest."""
    earliest = min(filter(None, (before.earliest, after.earliest)), default="")
    latest = max(before.latest, after.latest)
    return FrameEdges(before.records + after.records, before.first, after.last, earliest, latest)


def _tar_end(making: Making) -> bytes:
    return compress(making.compression, making.level, TAR_END) if making.layout == "tar" else b""


class _PartReader:
    """Reads a part from its beginning and counts what it finds."""

    def __init__(self, part: Part, making: Making, file: BinaryIO) -> None:
        self._part, self._making, self._file = part, making, file
        self._digest = hashlib.sha256()
        self._entries: list[Entry] = []
        self._offset = self._records = self._content_bytes = 0

    def frames(self) -> Iterator[tuple[int, int, int, list[bytes]]]:
        for frame in range(self._part.frames):
            offset = self._offset
            texts = self._next(frame)
            self._records += len(texts)
            yield frame, offset, self._offset - offset, texts

    def check_end(self) -> None:
        """Check what follows the frames, the digest and the counts. Raises Damaged."""
        part = self._part
        if self._making.layout == "tar" and self._next(part.frames):
            raise self._wrong(f"it holds more than {part.frames} frames of records")
        end = b""
        if self._making.compression == "zstd":
            end = encode_end(self._entries, self._records, self._digest.digest())
        found = self._file.read(len(end) + 1)
        self._digest.update(found)
        if found != end:
            raise self._wrong(f"what follows its frames at byte {self._offset} is not their end")
        if self._digest.hexdigest() != part.sha256:
            raise self._wrong("its SHA-256 is not the one in the manifest")
        if (self._records, self._content_bytes) != (part.records, part.content_bytes):
            raise self._wrong(f"it holds {self._records} records, the manifest says {part.records}")

    def _next(self, frame: int) -> list[bytes]:
        """Read the texts of the frame that begins here."""
        try:
            raw, content = codecs.read_packed(self._making.compression, self._file, self._part.bytes - self._offset)
            texts = codecs.split_texts(self._making.layout, content)
        except Broken as broken:
            raise _damaged(f"{self._part.name}, frame {frame} at byte {self._offset}", broken) from None
        self._digest.update(raw)
        if self._making.compression == "zstd":
            self._entries.append(Entry(len(raw), len(content), checksum(raw)))
        self._offset += len(raw)
        self._content_bytes += len(content)
        return texts

    def _wrong(self, reason: str) -> Damaged:
        return _damaged(self._part.name, Broken(reason))


def _damaged(where: str, broken: Broken) -> Damaged:
    return Damaged(f"{where}: {broken}; take it from a copy of the release")
