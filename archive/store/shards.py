"""Shards: `NAME.json-seq.zst`, JSON text sequences in independent zstd frames, closed by a seek table.

While it is written a shard is called `NAME.json-seq.zst.open`, and only as much of it counts as the ledger
says. A truncated .zst reads as a shorter file without an error in most libraries, so frames are read here, one
by one: each must have the header we write, the content it promises, its checksum, and whole JSON texts.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import zstandard

from archive.disk import AppendFile, Digests, digests_of, rename, sync_folder, translated
from archive.errors import Damaged
from archive.store import seektable
from archive.store.frames import MAGIC, Broken, checksum, compressor, read_frame_bytes, unpack
from archive.store.seektable import DIGEST_FRAME_BYTES, Entry

FRAME_BYTES = 1 << 20
SHARD_BYTES = 1 << 30
RS = b"\x1e"
# the digest frame in the seek table: it unpacks to nothing
_DIGEST_ENTRY = Entry(DIGEST_FRAME_BYTES, 0, checksum(compressor(1).compress(b"")))


@dataclass(frozen=True, slots=True)
class FrameEntry:
    """A frame in a shard: its number from 0, where it lies, what it holds. Sizes in bytes."""

    frame: int
    offset: int
    length: int
    content_bytes: int
    records: int


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that was read and checked; `content` is RS, JSON text, LF for each record."""

    frame: int
    offset: int
    length: int
    content: bytes
    records: int

    def texts(self) -> list[bytes]:
        """The JSON texts, in order."""
        return [self.content[start : end - 1].rstrip(b"\n") for start, end in _bounds(self.content)]


@dataclass(frozen=True, slots=True)
class Seal:
    """What a whole shard is; `sha256` and `sha512` are of the file."""

    records: int
    frames: int
    length: int
    content_bytes: int
    sha256: str
    sha512: str


@dataclass(frozen=True, slots=True)
class End:
    """What follows the frames of a sealed shard; `frames_bytes` is where the digest frame begins."""

    records: int
    sha256: bytes
    entries: list[Entry]
    frames_bytes: int


class ShardWriter:
    """Appends to one open shard."""

    def __init__(self, path: Path, level: int = 3) -> None:
        """Begin the shard `path`; it has this name once it is sealed."""
        self.path = path
        self._file = AppendFile(_open_name(path), "shard", truncate=True)
        sync_folder(path.parent)
        self._compress = compressor(level)
        self._digests = Digests()
        self._pending: list[bytes] = []
        self._pending_records = 0
        self.pending_bytes = 0
        self.records = self.content_bytes = 0
        self._entries: list[Entry] = []
        self._closed: list[FrameEntry] = []

    @property
    def length(self) -> int:
        """Length of the frames written so far."""
        return self._file.length

    @property
    def frames(self) -> int:
        return len(self._entries)

    def append(self, framed: bytes, records: int) -> None:
        """Add `records` framed texts, all into one frame; the frame is written when it is full.

        `framed` may be what `pack` made of them, and is then a frame of its own.
        """
        if framed[:4] == MAGIC:  # a framed text begins with RS
            self.flush()
            self._write(framed, zstandard.frame_content_size(framed), records)
            return
        self._pending.append(framed)
        self._pending_records += records
        self.pending_bytes += len(framed)
        if self.pending_bytes >= FRAME_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what is pending as a frame, however small."""
        if not self._pending_records:
            return
        content = b"".join(self._pending)
        self._write(self._compress.compress(content), len(content), self._pending_records)
        self._pending, self._pending_records, self.pending_bytes = [], 0, 0

    def _write(self, frame: bytes, content_bytes: int, records: int) -> None:
        entry = FrameEntry(self.frames, self._file.length, len(frame), content_bytes, records)
        self._file.write(frame)
        self._digests.update(frame)
        self._entries.append(Entry(len(frame), content_bytes, checksum(frame)))
        self._closed.append(entry)
        self.records += records
        self.content_bytes += content_bytes

    def take_frames(self) -> list[FrameEntry]:
        """Frames written since this was last asked."""
        taken, self._closed = self._closed, []
        return taken

    def sync(self) -> None:
        """Return when every frame written is on the disk."""
        self._file.sync()

    def seal(self) -> Seal:
        """Write the digest and the seek table, sync, and give the shard its name."""
        self.flush()
        return _seal(self.path, self._file, self._entries, self.records, self._digests)

    def close(self) -> None:
        """Let go of the file as it is."""
        self._file.close()


def encode_end(entries: list[Entry], records: int, sha256: bytes) -> bytes:
    """What closes a file of frames: the digest frame (`sha256` is of every byte before it) and the seek table."""
    return seektable.encode_digest(records, sha256) + seektable.encode([*entries, _DIGEST_ENTRY])


def recover(path: Path, believed: int) -> Seal:
    """Seal a shard that a killed process left open: cut it to the `believed` bytes the ledger counted.

    Raises Damaged when the file is shorter than that, or a frame in it cannot be read.
    """
    opened = _open_name(path)
    length = opened.stat().st_size if opened.exists() else -1
    if length < believed:
        what = f"is {length} bytes long" if length >= 0 else "is missing"
        raise Damaged(f"shard {path.name} {what}, the ledger counted {believed} bytes; take it from a copy")
    summed, sha512 = _Sum(), hashlib.sha512()
    for frame, raw in _read_frames(opened, believed):
        summed.add(frame, raw)
        sha512.update(raw)
    file = AppendFile(opened, "shard")
    file.truncate(believed)
    return _seal(path, file, summed.entries, summed.records, Digests(summed.digest, sha512))


def iter_frames(path: Path, limit: int | None = None) -> Iterator[Frame]:
    """Read a shard's frames in order, each checked.

    `limit` is the believed length of an open shard; without it the shard must be sealed, and its digest and
    seek table must agree with every byte before them. Raises Damaged at the first thing that is wrong.
    """
    if limit is not None:
        for frame, _ in _read_frames(path, limit):
            yield frame
        return
    sealed = read_end(path)
    summed = _Sum()
    for frame, raw in _read_frames(path, sealed.frames_bytes):
        summed.add(frame, raw)
        yield frame
    if (reason := summed.disagreement(sealed)) is not None:
        raise Damaged(f"shard {path.name}: {reason}; take it from a copy")


def check_shard(path: Path, sha256: str | None = None) -> Seal:
    """Read a sealed shard to its last byte. Raises Damaged; also when its SHA-256 is not the one given."""
    frames = records = content = 0
    for frame in iter_frames(path):
        frames, records, content = frames + 1, records + frame.records, content + len(frame.content)
    whole = digests_of(path)
    if sha256 is not None and whole.sha256 != sha256:
        raise Damaged(f"shard {path.name} is whole, but not the file that was written; take it from a copy")
    return Seal(
        records=records,
        frames=frames,
        length=path.stat().st_size,
        content_bytes=content,
        sha256=whole.sha256,
        sha512=whole.sha512,
    )


def read_frame(path: Path, frame: int) -> Frame:
    """Read one frame of a sealed shard through its seek table. Raises Damaged."""
    entries = read_end(path).entries
    if not 0 <= frame < len(entries) - 1:
        raise Damaged(f"shard {path.name} has no frame {frame}; it has {len(entries) - 1}")
    return read_frame_at(path, frame, sum(entry.length for entry in entries[:frame]), entries[frame].length)


def read_frame_at(path: Path, frame: int, offset: int, length: int, *, parse: bool = True) -> Frame:
    """Read one frame whose place is known, as the ledger's table of frames has it. Raises Damaged.

    Without `parse` nobody has looked whether its texts are JSON: for those who read each of them anyway.
    """
    with translated(path, "reading"), path.open("rb", buffering=0) as file:
        file.seek(offset)
        raw = file.read(length)
    try:
        if len(raw) != length:
            raise Broken("the file ends inside it")
        return _decode(raw, frame, offset, parse)
    except Broken as broken:
        raise _damaged(path, frame, offset, broken) from None


def read_end(path: Path) -> End:
    """Read the digest frame and the seek table. Raises Damaged unless they agree with the file's length."""
    try:
        with translated(path, "reading"), path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - seektable.FOOTER_BYTES))
            length = seektable.table_bytes(file.read())
            if length + DIGEST_FRAME_BYTES > size:
                raise ValueError("the file is shorter than its seek table")
            file.seek(size - length - DIGEST_FRAME_BYTES)
            records, sha256 = seektable.decode_digest(file.read(DIGEST_FRAME_BYTES))
            entries = seektable.decode(file.read(length))
        if sum(entry.length for entry in entries) != size - length:
            raise ValueError("the seek table does not add up to the length of the file")
    except ValueError as cause:
        raise Damaged(f"shard {path.name}: {cause}; its end is cut off or changed, take it from a copy") from cause
    return End(records, sha256, entries, size - length - DIGEST_FRAME_BYTES)


def text_fault(text: bytes, parse: bool = True) -> str | None:
    """Return what is wrong with one JSON text of a frame, None for a good one; see `read_frame_at` for `parse`."""
    if text[-1:] != b"\n":
        return "no line feed at its end"
    try:
        if parse and not isinstance(orjson.loads(text), dict):
            return "no JSON object"
    except orjson.JSONDecodeError as cause:
        return f"no JSON text ({cause})"
    return None


# --- inside


class _Sum:
    """What the end of a shard says of its frames, found by reading them."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.records = 0
        self.digest = hashlib.sha256()

    def add(self, frame: Frame, raw: bytes) -> None:
        self.entries.append(Entry(frame.length, len(frame.content), checksum(raw)))
        self.records += frame.records
        self.digest.update(raw)

    def disagreement(self, sealed: End) -> str | None:
        """What the end says otherwise, None when it agrees with the frames."""
        if (self.records, self.digest.digest()) != (sealed.records, sealed.sha256):
            return "its frames can be read and do not match its digest"
        if [*self.entries, _DIGEST_ENTRY] != sealed.entries:
            return "its frames can be read and do not match its seek table"
        return None


def _open_name(path: Path) -> Path:
    return path.with_name(path.name + ".open")


def _seal(path: Path, file: AppendFile, entries: list[Entry], records: int, digests: Digests) -> Seal:
    tail = encode_end(entries, records, digests.sha256_so_far())
    digests.update(tail)
    file.write(tail)
    file.sync()
    file.close()
    rename(_open_name(path), path, "shard")
    content = sum(entry.content_bytes for entry in entries)
    return Seal(
        records=records,
        frames=len(entries),
        length=file.length,
        content_bytes=content,
        sha256=digests.sha256,
        sha512=digests.sha512,
    )


def _read_frames(path: Path, length: int) -> Iterator[tuple[Frame, bytes]]:
    """Frames of the first `length` bytes of a file, with their raw bytes."""
    offset = number = 0
    with translated(path, "reading"), path.open("rb") as file:
        while offset < length:
            try:
                raw = read_frame_bytes(file, length - offset)
                frame = _decode(raw, number, offset)
            except Broken as broken:
                raise _damaged(path, number, offset, broken) from None
            yield frame, raw
            offset, number = offset + len(raw), number + 1


def _damaged(path: Path, frame: int, offset: int, broken: Broken) -> Damaged:
    return Damaged(f"shard {path.name}, frame {frame} at byte {offset}: {broken}; take it from a copy")


def _decode(raw: bytes, number: int, offset: int, parse: bool = True) -> Frame:
    """Unpack and check one frame's bytes."""
    content = unpack(raw)
    if content[:1] not in (b"", RS):
        raise Broken("its content does not begin with a record separator")
    bounds = _bounds(content)
    for record, (start, end) in enumerate(bounds):
        if (reason := text_fault(content[start if parse else end - 1 : end], parse)) is not None:
            raise Broken(f"record {record}: {reason}")
    return Frame(number, offset, len(raw), content, len(bounds))


def _bounds(content: bytes) -> list[tuple[int, int]]:
    """Where each text of a frame begins, and where it and its line feed end; several times as fast as `split`."""
    found, start = [], content.find(RS) + 1
    while start:
        following = content.find(RS, start)
        found.append((start, len(content) if following < 0 else following))
        start = following + 1
    return found
