"""Members of a .tar.gz, one after the other, out of bytes that pass by; nothing is unpacked to disk or held whole.

Strict where Python's own reader is not: a stream that ends early is never a shorter one. The gzip must end with its
checksum, each header must match its own, and the archive must end with the two empty blocks that say so (POSIX 1003.1,
ustar and pax, and GNU's long names).
"""

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harvester.errors import MalformedPage

BLOCK = 512
# a header that describes the next one is no longer than this
EXTENDED_MOST = 1 << 20
# of a member that is too large so many bytes are kept, for a person to look at
SHOWN = 1 << 16
_PIECE = 1 << 20
_REGULAR = frozenset({b"0", b"\0", b"7"})
_LONG_NAME, _LONG_LINK, _PAX, _PAX_GLOBAL, _DIRECTORY = b"L", b"K", b"x", b"g", b"5"


@dataclass(frozen=True, slots=True)
class Member:
    """One member. `offset` is where its header begins in the unpacked stream; `kind` is its type flag.

    `body` is cut to the first SHOWN bytes when `whole` is False: the member is larger than the reader takes.
    """

    name: str
    kind: bytes
    size: int
    offset: int
    body: bytes
    whole: bool = True

    @property
    def is_file(self) -> bool:
        return self.kind in _REGULAR

    @property
    def is_root(self) -> bool:
        """Whether it is the folder that was packed, which is no member of itself."""
        return self.kind == _DIRECTORY and self.name.rstrip("/") in (".", "")


def gunzip(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack gzip, which may be several streams in a row (RFC 1952). Raises MalformedPage naming the place."""
    unpacker, began, taken = zlib.decompressobj(31), False, 0
    for piece in pieces:
        taken += len(piece)
        data = piece if began else piece.lstrip(b"\0")  # zeros between streams are padding
        full = False
        while data or full:
            began = True
            try:
                plain = unpacker.decompress(data, _PIECE)
            except zlib.error as cause:
                raise MalformedPage(f"gzip broken before byte {taken}: {cause}") from None
            if plain:
                yield plain
            # a full piece may leave more of what was taken in already
            data, full = unpacker.unconsumed_tail, len(plain) == _PIECE
            if unpacker.eof:
                data, began, full = unpacker.unused_data.lstrip(b"\0"), False, False
                unpacker = zlib.decompressobj(31)
    if began or not taken:
        raise MalformedPage(f"gzip ends early, at byte {taken}")


def iter_members(plain: Iterable[bytes], most: int) -> Iterator[Member]:
    """Members of a tar stream; those of more than `most` bytes are not held. Raises MalformedPage naming the place."""
    stream = _Stream(iter(plain))
    known: dict[str, str] = {}
    while True:
        offset = stream.offset
        header = stream.take(BLOCK)
        if not header.strip(b"\0"):
            stream.end(offset)
            return
        kind, size, name = _header(header, offset)
        if kind in (_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK):
            if size > EXTENDED_MOST:
                raise MalformedPage(f"tar: a header of {size} bytes at byte {offset}")
            _extend(known, kind, stream.padded(size), offset)
            continue
        size = _pax_size(known, size, offset)
        body = stream.padded(size) if size <= most else stream.shown(size)
        yield Member(known.get("path", name), kind, size, offset, body, whole=size <= most)
        known = {}


class _Stream:
    """Exact pieces of a stream of any pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held, self.offset = pieces, bytearray(), 0

    def take(self, count: int) -> bytes:
        """The next bytes, exactly so many."""
        while len(self._held) < count:
            piece = next(self._pieces, None)
            if piece is None:
                raise MalformedPage(f"tar ends early, at byte {self.offset + len(self._held)}")
            self._held += piece
        taken = bytes(self._held[:count])
        del self._held[:count]
        self.offset += count
        return taken

    def padded(self, size: int) -> bytes:
        """A body, and the rest of its last block."""
        return self.take(size + -size % BLOCK)[:size]

    def shown(self, size: int) -> bytes:
        """The beginning of a body, past which the stream is then."""
        shown = self.take(min(size, SHOWN))
        left = size - len(shown) + -size % BLOCK
        while left:
            left -= len(self.take(min(left, _PIECE)))
        return shown

    def end(self, offset: int) -> None:
        """After one empty block: another one, and nothing but empty bytes to the end of the stream."""
        if self.take(BLOCK).strip(b"\0"):
            raise MalformedPage(f"tar: a single empty block at byte {offset}")
        while (piece := next(self._pieces, None)) is not None:
            if piece.strip(b"\0"):
                raise MalformedPage(f"tar: more follows after its end at byte {offset}")
        if bytes(self._held).strip(b"\0"):
            raise MalformedPage(f"tar: more follows after its end at byte {offset}")


def _header(header: bytes, offset: int) -> tuple[bytes, int, str]:
    """(type flag, size, name) of a header block."""
    plain = header[:148] + b" " * 8 + header[156:]
    if _number(header[148:156], offset) != sum(plain):
        raise MalformedPage(f"tar: no header at byte {offset}, or a broken one (its checksum does not match)")
    name = _text(header[:100])
    if header[257:263] == b"ustar\0" and (prefix := _text(header[345:500])):
        name = f"{prefix}/{name}"
    return header[156:157], _number(header[124:136], offset), name


def _number(field: bytes, offset: int) -> int:
    """A number in octal digits, or in base 256 where the first bit is set."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if not re.fullmatch(rb"[0-7]*", digits):
        raise MalformedPage(f"tar: {field!r} is no number, in the header at byte {offset}")
    return int(digits or b"0", 8)


def _extend(known: dict[str, str], kind: bytes, body: bytes, offset: int) -> None:
    """Learn what an extended header says of the next member; one about all of them says nothing that counts here."""
    if kind == _LONG_NAME:
        known["path"] = _text(body)
    elif kind == _PAX:
        known.update(_pax(body, offset))


def _pax(body: bytes, offset: int) -> Iterator[tuple[str, str]]:
    """Records of the form `LENGTH KEY=VALUE\\n`."""
    while body:
        length, _, rest = body.partition(b" ")
        size = int(length) if length.isdigit() and len(length) < 8 else 0
        record = rest[: max(0, size - len(length) - 1)]
        key, equals, value = record.partition(b"=")
        if size > len(body) or not equals or not value.endswith(b"\n"):
            raise MalformedPage(f"tar: an extended header that cannot be read, at byte {offset}")
        yield _text(key), value[:-1].decode("utf-8", "replace")
        body = body[size:]


def _pax_size(known: dict[str, str], size: int, offset: int) -> int:
    text = known.get("size")
    if text is None:
        return size
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise MalformedPage(f"tar: a size of {text[:40]!r} at byte {offset}")
    return int(text)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")
