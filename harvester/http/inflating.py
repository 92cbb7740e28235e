"""Gzip and deflate unpacked up to a limit: a small body may not unpack to the whole memory, nor take for ever.

A stream that is cut short unpacks to a shorter one without an error in most libraries: here its end is looked for.
"""

import zlib
from typing import Final, Literal

# no page of records is this long; the spiders take DOWNLOAD_MAXSIZE instead
UNPACKED_MOST = 512 << 20
# so much is handed to zlib at once: what it leaves is copied
_PIECE = 1 << 14
End = Literal["whole", "cut", "too much"]
WHOLE: Final[End] = "whole"
CUT: Final[End] = "cut"
TOO_MUCH: Final[End] = "too much"


class NotPacked(ValueError):
    """Bytes that are no such stream: `args` are what zlib says, and what was unpacked before."""

    def __str__(self) -> str:
        return str(self.args[0])


def inflated(body: bytes, wbits: int, most: int = UNPACKED_MOST) -> tuple[bytes, End]:
    """What a body holds, of one stream or several one after the other, and how it ended; `wbits` as zlib has it.

    It holds `most` bytes at most, then it is `too much`. Raises NotPacked.
    """
    plain = bytearray()
    unpacker = zlib.decompressobj(wbits)
    whole = not body
    at = 0
    piece = b""
    while piece or at < len(body):
        if not piece:
            piece, at = body[at : at + _PIECE], at + _PIECE
        if unpacker.eof:
            unpacker = zlib.decompressobj(wbits)
        try:
            plain += unpacker.decompress(piece, most + 1 - len(plain))
        except zlib.error as cause:
            raise NotPacked(str(cause), bytes(plain)) from None
        if len(plain) > most:
            return bytes(plain[:most]), TOO_MUCH
        whole = unpacker.eof
        piece = unpacker.unused_data if whole else unpacker.unconsumed_tail
    return bytes(plain), WHOLE if whole else CUT
