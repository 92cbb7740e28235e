"""Undo the Content-Encoding of a body: by what its bytes are, for what the header says is not always what was done.

Servers announce gzip and send the plain body, compress twice, name a charset where a coding belongs, or pad the end
of a stream. A stream that is cut short is never taken for a whole one, as most libraries do; and a small body may
neither unpack to the whole memory nor take for ever.
"""

import zlib
from collections.abc import Callable, Mapping
from typing import Final, Literal

# no page of records is this long; the spiders take DOWNLOAD_MAXSIZE instead
UNPACKED_MOST = 512 << 20
# so much is handed to zlib at once: what it leaves is copied
_PIECE = 1 << 14
End = Literal["whole", "cut", "too much"]
WHOLE: Final[End] = "whole"
CUT: Final[End] = "cut"
TOO_MUCH: Final[End] = "too much"
GZIP_MAGIC = b"\x1f\x8b\x08"
_GZIP = frozenset({"gzip", "x-gzip"})
_NOTHING = frozenset({"", "identity"})
_GZIP_BITS, _ZLIB_BITS, _RAW_BITS = 31, 15, -15
# what a text in a format that shows its own end begins with
_MARKUP = (b"<", b"{", b"[")
_PADDING = b"\0 \t\r\n"
# layers of gzip that are taken off one body
_LAYERS_MOST = 4

Decoder = Callable[[bytes, int], bytes]


class NotDecoded(ValueError):
    """A body that is not what its Content-Encoding says, or cut short; `str()` says which."""


class TooLong(NotDecoded):
    """A body that unpacks to more bytes than are read."""


def decoded(
    body: bytes,
    encoding: str,
    most: int = UNPACKED_MOST,
    *,
    undeclared: bool = False,
    others: Mapping[str, Decoder] | None = None,
) -> bytes:
    """Return a body without its Content-Encoding, which may name several codings. Raises NotDecoded.

    `undeclared`: gzip is taken off even if no coding is named. `others` decode codings besides gzip and deflate, given
    a body and the most bytes to return; they raise any exception.
    """
    codings = [word for word in (part.strip().lower() for part in encoding.split(",")) if word not in _NOTHING]
    for coding in reversed(codings):
        body = _one(body, coding, most, others or {})
    layers = 0
    while (codings or undeclared) and body.startswith(GZIP_MAGIC) and layers < _LAYERS_MOST:
        body, layers = _gunzipped(body, most), layers + 1
    return body


def _one(body: bytes, coding: str, most: int, others: Mapping[str, Decoder]) -> bytes:
    if not body:
        return body
    if body.startswith(GZIP_MAGIC):
        return _gunzipped(body, most)
    try:
        if coding == "deflate":
            return _inflated(body, most)
        if coding in others:
            return others[coding](body, most)
    except TooLong:
        raise
    except Exception as cause:
        if not _is_markup(body):
            raise NotDecoded(f"{coding} that cannot be unpacked: {cause}") from cause
    if _is_markup(body):  # the coding is announced, and was not applied
        return body
    if coding in _GZIP:
        raise NotDecoded(f"{coding} that cannot be unpacked: it has not the signature of gzip")
    raise NotDecoded(f"Content-Encoding {coding[:40]!r}, which was not asked for")


def _gunzipped(body: bytes, most: int) -> bytes:
    """Unpack gzip of one member or several. What follows the last one is padding, or nothing that counts."""
    try:
        plain, end = inflated(body, _GZIP_BITS, most)
    except NotPacked as cause:
        plain, rest = first_stream(body, most)
        if rest is None or rest.startswith(GZIP_MAGIC[:2]) or (rest.strip(_PADDING) and not _is_markup(plain)):
            raise NotDecoded(f"gzip that cannot be unpacked: {cause}") from cause
        return plain
    return _whole(plain, end, "gzip", most)


def _inflated(body: bytes, most: int) -> bytes:
    """Unpack deflate, in the wrapping of zlib that RFC 9110 asks for or without it."""
    wrapped = body[0] & 0x0F == 8 and int.from_bytes(body[:2]) % 31 == 0
    for bits in (_ZLIB_BITS, _RAW_BITS) if wrapped else (_RAW_BITS,):
        try:
            plain, end = inflated(body, bits, most)
        except NotPacked as cause:
            error: ValueError = cause
            continue
        return _whole(plain, end, "deflate", most)
    raise error


def _whole(plain: bytes, end: End, coding: str, most: int) -> bytes:
    if end == WHOLE:
        return plain
    if end == CUT:
        raise NotDecoded(f"{coding} cut short")
    raise TooLong(f"{coding} that unpacks to more than {most} bytes")


def first_stream(body: bytes, most: int) -> tuple[bytes, bytes | None]:
    """Unpack the gzip members that a body begins with; also what follows them, None if the last one is damaged."""
    plain = bytearray()
    rest = body
    while rest.startswith(GZIP_MAGIC):
        unpacker = zlib.decompressobj(_GZIP_BITS)
        try:
            plain += unpacker.decompress(rest, most + 1 - len(plain))
        except zlib.error:
            return bytes(plain), None
        if len(plain) > most or not unpacker.eof:
            return bytes(plain), None
        rest = unpacker.unused_data
    return bytes(plain), rest


def _is_markup(body: bytes) -> bool:
    return body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_MARKUP)


# --- gzip and deflate, up to a limit


class NotPacked(ValueError):
    """Bytes that are no such stream: `args` are what zlib says, and what was unpacked before."""

    def __str__(self) -> str:
        return str(self.args[0])


def inflated(body: bytes, wbits: int, most: int = UNPACKED_MOST) -> tuple[bytes, End]:
    """Unpack one stream, or several one after the other. Returns what they hold and how they ended.

    `wbits` is as zlib has it. They hold `most` bytes at most, then it is `too much`. Raises NotPacked.
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
