"""The end of a sealed shard: a digest frame of ours, then the seek table of zstd's seekable format 0.1.0.

Both are skippable frames (RFC 8878, section 3.1.2): any zstd reader passes over them.
"""

import struct
from dataclasses import dataclass

SKIPPABLE = struct.Struct("<II")
SEEK_MAGIC, SEEKABLE_MAGIC, DIGEST_MAGIC = 0x184D2A5E, 0x8F92EAB1, 0x184D2A5D
DIGEST = struct.Struct("<8sQ32s")
DIGEST_NAME = b"HVSTSHA2"
DIGEST_FRAME_BYTES = SKIPPABLE.size + DIGEST.size
_ENTRY = struct.Struct("<III")
_FOOTER = struct.Struct("<IBI")
_CHECKSUMS = 0x80
FOOTER_BYTES = _FOOTER.size


@dataclass(frozen=True, slots=True)
class Entry:
    """One frame: its size in the file, the size of its content, the low 32 bits of the content's XXH64."""

    length: int
    content_bytes: int
    checksum: int


def encode_digest(records: int, sha256: bytes) -> bytes:
    """The digest frame: `records` in the shard, SHA-256 of every byte before this frame."""
    return SKIPPABLE.pack(DIGEST_MAGIC, DIGEST.size) + DIGEST.pack(DIGEST_NAME, records, sha256)


def decode_digest(frame: bytes) -> tuple[int, bytes]:
    """(records, sha256) of a digest frame. Raises ValueError when it is none."""
    if len(frame) != DIGEST_FRAME_BYTES or SKIPPABLE.unpack_from(frame) != (DIGEST_MAGIC, DIGEST.size):
        raise ValueError("no digest frame")
    name, records, sha256 = DIGEST.unpack_from(frame, SKIPPABLE.size)
    if name != DIGEST_NAME:
        raise ValueError("a digest frame of another kind")
    return records, sha256


def encode(entries: list[Entry]) -> bytes:
    """The seek table for all frames before it, the digest frame (content 0) included."""
    rows = b"".join(_ENTRY.pack(entry.length, entry.content_bytes, entry.checksum) for entry in entries)
    body = rows + _FOOTER.pack(len(entries), _CHECKSUMS, SEEKABLE_MAGIC)
    return SKIPPABLE.pack(SEEK_MAGIC, len(body)) + body


def end_bytes(frames: int) -> int:
    """The length of all that closes a file of so many frames: the digest frame and the seek table."""
    return DIGEST_FRAME_BYTES + SKIPPABLE.size + (frames + 1) * _ENTRY.size + FOOTER_BYTES


def table_bytes(footer: bytes) -> int:
    """The length of the whole seek table frame, read from the last 9 bytes of a file.

    Raises ValueError when these bytes end no seek table.
    """
    if len(footer) != FOOTER_BYTES:
        raise ValueError("too short for a seek table")
    frames, descriptor, magic = _FOOTER.unpack(footer)
    if magic != SEEKABLE_MAGIC or descriptor != _CHECKSUMS:
        raise ValueError("the file does not end in a seek table")
    return int(SKIPPABLE.size + frames * _ENTRY.size + FOOTER_BYTES)


def decode(table: bytes) -> list[Entry]:
    """Read a seek table frame. Raises ValueError unless it is exactly what `encode` writes."""
    if len(table) < SKIPPABLE.size + FOOTER_BYTES or table_bytes(table[-FOOTER_BYTES:]) != len(table):
        raise ValueError("a seek table of another length than it says")
    rows = table[SKIPPABLE.size : -FOOTER_BYTES]
    entries = [Entry(*row) for row in _ENTRY.iter_unpack(rows)]
    if encode(entries) != table:
        raise ValueError("a seek table with bytes that do not belong there")
    return entries
