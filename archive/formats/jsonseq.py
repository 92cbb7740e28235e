"""JSON text sequences (RFC 7464): an encoder, and an incremental parser that loses only what is cut."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import orjson

RS, LF = b"\x1e", b"\n"
_SPACE = b" \t\n\r"


@dataclass(frozen=True, slots=True)
class Text:
    """One JSON text, without RS and surrounding whitespace; `offset` is that of its RS in the sequence, in bytes."""

    offset: int
    text: bytes


@dataclass(frozen=True, slots=True)
class BadText:
    """Bytes between two RS that are no whole JSON text (RFC 7464, section 2.3); reading goes on after them."""

    offset: int
    reason: str


def encode(text: bytes) -> bytes:
    """One element of a sequence: RS, the JSON text, LF (section 2.2). `text` must hold no RS."""
    return RS + text + LF


class Parser:
    """Feed it bytes in pieces of any size; the pieces make no difference to what comes out."""

    def __init__(self) -> None:
        self._pending = b""
        self._offset = 0
        self._started = False

    def feed(self, piece: bytes) -> Iterator[Text | BadText]:
        """Yield the elements that `piece` completes, in order."""
        parts = (self._pending + piece).split(RS)
        self._pending = parts.pop()
        for part in parts:
            yield from self._element(part)

    def close(self) -> Iterator[Text | BadText]:
        """Yield the last element: nothing but the end shows where it ends."""
        part, self._pending = self._pending, b""
        yield from self._element(part)

    def _element(self, part: bytes) -> Iterator[Text | BadText]:
        if not self._started:
            self._started, self._offset = True, len(part)
            if part.strip(_SPACE):
                yield BadText(0, f"{len(part)} bytes before the first record separator")
            return
        offset, self._offset = self._offset, self._offset + 1 + len(part)
        text = part.strip(_SPACE)
        if not text:
            return  # a run of RS is no element
        reason = _fault(part, text)
        yield Text(offset, text) if reason is None else BadText(offset, reason)


def _fault(part: bytes, text: bytes) -> str | None:
    """Why these bytes are no whole text, None when they are one."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return f"no JSON text: {error}"
    # a number, true, false or null may be the beginning of a longer one unless whitespace follows (2.4)
    if text[-1:] not in b'}]"' and part[-1:] not in (b" ", b"\t", b"\n", b"\r"):
        return f"cut short: {text[:40]!r} at the end of an element"
    return None


def parse(pieces: Iterable[bytes]) -> Iterator[Text | BadText]:
    """Parse a sequence that comes in pieces."""
    parser = Parser()
    for piece in pieces:
        yield from parser.feed(piece)
    yield from parser.close()
