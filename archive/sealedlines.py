"""Lines of text that are only ever appended, each closed by a checksum: a flipped bit or a torn end is seen."""

import hashlib
from dataclasses import dataclass

_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Lines:
    """The texts of lines that are whole. `damaged` are the numbers, from 1, of those that are not.

    `torn` is how many bytes follow the last line end: a process was killed while it wrote them.
    """

    texts: list[str]
    damaged: list[int]
    torn: int


def seal(text: str) -> bytes:
    """A line as it is written: the text, a tab, 16 hex digits of its SHA-256, a line end."""
    body = text.encode()
    return body + b"\t" + _checksum(body) + b"\n"


def read_lines(body: bytes) -> Lines:
    """Read lines back; nothing is raised, whatever the bytes are."""
    texts, damaged = [], []
    *whole, torn = body.split(b"\n")
    for number, line in enumerate(whole, 1):
        text, _, checksum = line.rpartition(b"\t")
        try:
            if checksum != _checksum(text):
                raise ValueError
            texts.append(text.decode())
        except ValueError:
            damaged.append(number)
    return Lines(texts, damaged, len(torn))


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest()[:_DIGITS].encode()
