"""Compression and layout of the parts of a release. Each frame is complete in itself and has a checksum of its content.

zstd: a frame (`archive.store.frames`). xz: a stream with CRC64. gzip: a member without name and time. Concatenated,
`zstd`, `xz` and `gzip` read them as one file. The same content and level give the same bytes with the same version of
the compressor.

The texts of a frame are a JSON text sequence (RFC 7464), lines, or members of a tar archive. The tar archive has one
file a record (POSIX ustar) and nothing that depends on the machine or the day. It continues over all frames of a part;
`TAR_END`, in a frame of its own, ends it.
"""

import hashlib
import io
import lzma
import re
import struct
import threading
import zlib
from collections.abc import Callable, Collection, Sequence
from typing import BinaryIO, Protocol

import orjson
import zstandard

from archive.formats import LF, RS
from archive.store import CONTENT_MOST, Broken, frames

# compression -> file name extension
ENDINGS = {"zstd": "zst", "xz": "xz", "gzip": "gz"}
# compression -> lowest and highest level
LEVELS = {"zstd": (1, 22), "xz": (0, 9), "gzip": (1, 9)}

# bytes read at once: bounds what a malicious frame can unpack to before it is detected
_BLOCK_BYTES = 1 << 16
# xz -9 needs 65 MiB to unpack
_XZ_MEMORY = 1 << 27
# RFC 1952, section 2.3: deflate, no flags, no time, no extra flags, system unknown; zlib would write its own system
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_GZIP_TRAILER = struct.Struct("<II")
_local = threading.local()


class Unpacker(Protocol):
    """The interface that the decompressors of zlib, lzma, bz2 and zstandard have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def compress(compression: str, level: int, content: bytes) -> bytes:
    """Compress a frame. It releases the GIL, so that several threads can compress at once."""
    if compression == "zstd":
        return _compressor(level).compress(content)
    if compression == "xz":
        return lzma.compress(content, lzma.FORMAT_XZ, lzma.CHECK_CRC64, level)
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(content) + packer.flush()
    return _GZIP_HEADER + packed + _GZIP_TRAILER.pack(zlib.crc32(content), len(content) & 0xFFFFFFFF)


def read_packed(compression: str, file: BinaryIO, left: int) -> tuple[bytes, bytes]:
    """Read the frame that begins here, and its content; leaves the file where the next one begins.

    `left` is the maximum length in bytes. Raises Broken if no complete frame of ours begins here.
    """
    if compression == "zstd":
        raw = frames.read_frame_bytes(file, left)
        return raw, frames.unpack(raw)
    if compression == "xz":
        return _read_until_end(file, left, lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY))
    raw, content = _read_until_end(file, left, zlib.decompressobj(16 + zlib.MAX_WBITS))
    if not raw.startswith(_GZIP_HEADER):
        raise Broken("its header is not one of ours")
    return raw, content


def unpack(compression: str, raw: bytes) -> bytes:
    """Decompress one complete frame. Raises Broken, also if bytes follow it."""
    found, content = read_packed(compression, io.BytesIO(raw), len(raw))
    if len(found) != len(raw):
        raise Broken(f"it ends {len(raw) - len(found)} bytes too early")
    return content


def _compressor(level: int) -> zstandard.ZstdCompressor:
    """Return the compressor of this thread and level: allocating a new one takes a tenth of the time of compressing."""
    if getattr(_local, "level", None) != level:
        _local.level, _local.compressor = level, frames.compressor(level)
    found: zstandard.ZstdCompressor = _local.compressor
    return found


def _read_until_end(file: BinaryIO, left: int, unpacker: Unpacker) -> tuple[bytes, bytes]:
    raw, content = bytearray(), bytearray()
    while not unpacker.eof:
        block = file.read(min(_BLOCK_BYTES, left - len(raw)))
        if not block:
            raise Broken("the file ends inside it")
        raw += block
        try:
            content += unpacker.decompress(block)
        except (lzma.LZMAError, zlib.error) as cause:
            raise Broken(f"its content cannot be unpacked ({cause})") from cause
        if len(content) > CONTENT_MOST:
            raise Broken(f"it unpacks to more than {CONTENT_MOST} bytes")
    if after := len(unpacker.unused_data):
        file.seek(-after, 1)
        del raw[-after:]
    return bytes(raw), bytes(content)


# layout -> file name extension, before that of the compression
LAYOUT_ENDINGS = {"jsonseq": "json-seq", "jsonl": "jsonl", "tar": "tar"}
# two blocks of zeros
TAR_END = bytes(1024)

_TAR_BLOCK = 512
# the longest name, in bytes, in a ustar header
_NAME_MOST = 100
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789._-")
# as in Pairtree, for the two that nearly every id has; all others are written as ^ and two hexadecimal digits
_WRITTEN = {ord(":"): "+", ord("/"): "="}
# devices on Windows, whatever follows the dot
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])\.")
_HEADER_BEFORE = b"0000644\0" + b"0000000\0" * 2
_HEADER_AFTER = b"0" + bytes(100) + b"ustar\0" + b"00" + bytes(64) + b"0000000\0" * 2 + bytes(167)


def member_name(identifier: str, format_: str) -> str:
    """Make the name of a record's file in a tar archive: at most 100 characters of `a-z 0-9 . _ - + = ^ @ ~`.

    Names are unique even if upper and lower case are not distinguished: capitals are encoded as bytes. A name that
    would be too long ends in `~` and a part of its SHA-256.
    """
    stem = f"{_clean(identifier)}@{_clean(format_)}"
    most = _NAME_MOST - len(".json")
    if len(stem) > most:
        digest = hashlib.sha256(orjson.dumps([identifier, format_])).hexdigest()[:32]
        stem = f"{stem[: most - 33]}~{digest}"
    return f"{stem}.json"


def _clean(name: str) -> str:
    raw = name.encode()
    clean = "".join(chr(byte) if byte in _PLAIN else _WRITTEN.get(byte) or f"^{byte:02x}" for byte in raw)
    # hidden files, options of a command, `..`, and devices
    return f"^{raw[0]:02x}{clean[1:]}" if clean[:1] in (".", "-") or _DEVICE.match(clean) else clean


def encode_texts(layout: str, names: Sequence[str], texts: Sequence[bytes]) -> bytes:
    """Encode the content of a frame. `names` are those of the members of a tar archive; other layouts ignore them."""
    if layout == "jsonseq":
        return (LF + RS).join([RS + texts[0], *texts[1:]]) + LF if texts else b""
    if layout == "jsonl":
        return LF.join([*texts, b""])
    return b"".join(_member(name.encode(), text) for name, text in zip(names, texts, strict=True))


def split_texts(layout: str, content: bytes, only: Collection[int] | None = None) -> list[bytes]:
    """Split the content of a frame into texts; the end of a tar archive has none.

    Raises Broken unless it is what `encode_texts` writes, and each text (with `only`, each of those) is JSON.
    """
    texts = _SPLITTERS[layout](content)
    for record, text in enumerate(texts):
        try:
            if only is None or record in only:
                orjson.loads(text)
        except orjson.JSONDecodeError as cause:
            raise Broken(f"record {record}: no JSON text ({cause})") from cause
    return texts


def _split_sequence(content: bytes) -> list[bytes]:
    before, *texts = content.split(RS)
    if before:
        raise Broken("its content does not begin with a record separator")
    return [_without_line_end(text, record) for record, text in enumerate(texts)]


def _without_line_end(text: bytes, record: int) -> bytes:
    if text[-1:] != LF:
        raise Broken(f"record {record}: no line feed at its end")
    return text[:-1]


def _split_lines(content: bytes) -> list[bytes]:
    *texts, after = content.split(LF)
    if after:
        raise Broken(f"record {len(texts)}: no line feed at its end")
    return texts


def _split_tar(content: bytes) -> list[bytes]:
    if content == TAR_END:
        return []
    texts: list[bytes] = []
    place = 0
    while place < len(content):
        try:
            name, size = _read_header(content[place : place + _TAR_BLOCK])
        except ValueError as cause:
            raise Broken(f"record {len(texts)}: {cause}") from cause
        text = content[place + _TAR_BLOCK : place + _TAR_BLOCK + size]
        member = _member(name, text)
        if len(text) != size or content[place : place + len(member)] != member:
            raise Broken(f"record {len(texts)}: its file is cut, or not padded with zeros")
        texts.append(text)
        place += len(member)
    return texts


_SPLITTERS: dict[str, Callable[[bytes], list[bytes]]] = {
    "jsonseq": _split_sequence,
    "jsonl": _split_lines,
    "tar": _split_tar,
}


def _member(name: bytes, text: bytes) -> bytes:
    return _header(name, len(text)) + text + bytes(-len(text) % _TAR_BLOCK)


def _header(name: bytes, size: int) -> bytes:
    """Encode a ustar header (POSIX.1-2017, pax, "ustar Interchange Format"): a plain file, without owner, from 1970."""
    before = name.ljust(_NAME_MOST, b"\0") + _HEADER_BEFORE + b"%011o\0%011o\0" % (size, 0)
    # the checksum counts its own 8 bytes as spaces
    checksum = sum(before) + sum(_HEADER_AFTER) + 8 * ord(" ")
    return before + b"%06o\0 " % checksum + _HEADER_AFTER


def _read_header(block: bytes) -> tuple[bytes, int]:
    """Parse a header of ours into (name, size). Raises ValueError."""
    name = block[:_NAME_MOST].rstrip(b"\0")
    size = int(block[124:135], 8)
    if block != _header(name, size):
        raise ValueError("a header of a file that is not one of ours")
    return name, size
