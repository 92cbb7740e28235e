"""Zstd frames as we write them (RFC 8878): each says the size of its content and ends with its checksum.

A frame that is cut short, or has bytes after it, reads as a shorter one in most libraries: here it is found by
walking its blocks, so that its end is known before it is unpacked.
"""

from typing import BinaryIO

import zstandard

MAGIC = b"\x28\xb5\x2f\xfd"
# what a reader accepts as one frame's content: a writer closes frames far below, and a record may be larger
CONTENT_MOST = 1 << 30
# the most that one block of a zstd frame unpacks to (section 3.1.1.2.4)
BLOCK_MOST = 1 << 17
_CHECKSUM_BYTES = 4


class Broken(Exception):
    """Why a frame cannot be read; its caller knows where."""


def pack(content: bytes, level: int = 3) -> bytes:
    """A finished frame: compressing need not be done where the file is written."""
    return compressor(level).compress(content)


def compressor(level: int) -> zstandard.ZstdCompressor:
    """What packs frames of ours, one after another; for one thread."""
    return zstandard.ZstdCompressor(level=level, write_checksum=True, write_content_size=True)


def checksum(raw: bytes) -> int:
    """The low 32 bits of the content's XXH64: zstd writes them at the end of each frame."""
    return int.from_bytes(raw[-_CHECKSUM_BYTES:], "little")


def read_frame_bytes(file: BinaryIO, left: int) -> bytes:
    """The bytes of the frame that begins here, found by walking its blocks (section 3.1.1), `left` of them at most.

    The file is then where the next one begins. Raises Broken when here is no whole frame of ours.
    """
    head = file.read(min(left, 18))
    if head[:4] != MAGIC:
        raise Broken("no zstd frame begins here")
    try:
        header = zstandard.frame_header_size(head)
        parameters = zstandard.get_frame_parameters(head)
    except zstandard.ZstdError as cause:
        raise Broken(f"its header cannot be read ({cause})") from cause
    if not parameters.has_checksum or parameters.dict_id or head[4] & 0x18:
        raise Broken("its header is not one of ours")
    if not 0 < parameters.content_size <= CONTENT_MOST:
        raise Broken(f"it promises {parameters.content_size} bytes of content")
    parts = [head[:header]]
    rest = head[header:]
    used = header

    def take(count: int) -> bytes:
        nonlocal rest, used
        if used + count > left:
            raise Broken("the file ends inside it")
        if len(rest) < count:
            rest += file.read(count - len(rest))
        if len(rest) < count:
            raise Broken("the file ends inside it")
        taken, rest = rest[:count], rest[count:]
        used += count
        return taken

    last = False
    blocks = 0
    while not last:
        block = take(3)
        blocks += 1
        value = int.from_bytes(block, "little")
        last, kind, size = bool(value & 1), value >> 1 & 3, value >> 3
        if kind == 3:
            raise Broken("a block of a reserved kind")
        parts += [block, take(1 if kind == 1 else size)]
    if parameters.content_size > blocks * BLOCK_MOST:
        raise Broken(f"it promises {parameters.content_size} bytes of content in {blocks} blocks")
    parts.append(take(_CHECKSUM_BYTES))
    if rest:
        file.seek(-len(rest), 1)
    return b"".join(parts)


def unpack(raw: bytes) -> bytes:
    """The content of one whole frame, checked against its checksum. Raises Broken."""
    try:
        return zstandard.ZstdDecompressor().decompress(raw, allow_extra_data=False)
    except zstandard.ZstdError as cause:
        raise Broken(f"its content cannot be unpacked ({cause})") from cause
