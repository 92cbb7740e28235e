"""What parts are compressed with. Whichever it is, a frame is finished by itself and carries a check of its content.

zstd: a frame (`archive.zstdframes`). xz: a stream with CRC64. gzip: a member without name and time. One after another
they are what `zstd`, `xz` and `gzip` read as one file. The same content and level give the same bytes wherever the
compressor's version is the same.
"""

import io
import lzma
import struct
import threading
import zlib
from typing import BinaryIO, Protocol

import zstandard

from archive import zstdframes
from archive.zstdframes import CONTENT_MOST, Broken

# compression -> the ending of a file's name
ENDINGS = {"zstd": "zst", "xz": "xz", "gzip": "gz"}
# compression -> the lowest and the highest level
LEVELS = {"zstd": (1, 22), "xz": (0, 9), "gzip": (1, 9)}

# so much is read at once: it bounds what a frame that lies can unpack to before it is found out
_BLOCK_BYTES = 1 << 16
# xz -9 needs 65 MiB to unpack
_XZ_MEMORY = 1 << 27
# RFC 1952, section 2.3: deflate, no flags, no time, no extra flags, system unknown; zlib would write the one it runs on
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_GZIP_TRAILER = struct.Struct("<II")
_local = threading.local()


class Unpacker(Protocol):
    """What the decompressors of zlib, lzma, bz2 and zstandard have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def compress(compression: str, level: int, content: bytes) -> bytes:
    """A finished frame. Several threads may do this at once: it lets go of the interpreter."""
    if compression == "zstd":
        return _compressor(level).compress(content)
    if compression == "xz":
        return lzma.compress(content, lzma.FORMAT_XZ, lzma.CHECK_CRC64, level)
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(content) + packer.flush()
    return _GZIP_HEADER + packed + _GZIP_TRAILER.pack(zlib.crc32(content), len(content) & 0xFFFFFFFF)


def read_packed(compression: str, file: BinaryIO, left: int) -> tuple[bytes, bytes]:
    """The frame that begins here, and its content; the file is then where the next one begins.

    `left` is how many bytes it can have at most. Raises Broken when here is no whole frame of ours.
    """
    if compression == "zstd":
        raw = zstdframes.read_frame_bytes(file, left)
        return raw, zstdframes.unpack(raw)
    if compression == "xz":
        return _read_until_end(file, left, lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY))
    raw, content = _read_until_end(file, left, zlib.decompressobj(16 + zlib.MAX_WBITS))
    if not raw.startswith(_GZIP_HEADER):
        raise Broken("its header is not one of ours")
    return raw, content


def unpack(compression: str, raw: bytes) -> bytes:
    """The content of one whole frame. Raises Broken, also when bytes follow it."""
    found, content = read_packed(compression, io.BytesIO(raw), len(raw))
    if len(found) != len(raw):
        raise Broken(f"it ends {len(raw) - len(found)} bytes too early")
    return content


def _compressor(level: int) -> zstandard.ZstdCompressor:
    """One a thread and level: what a fresh one needs of memory takes a tenth of the time that it compresses."""
    if getattr(_local, "level", None) != level:
        _local.level, _local.compressor = level, zstdframes.compressor(level)
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
