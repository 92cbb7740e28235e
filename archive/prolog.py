"""What may stand before the first tag of a document, passed over: each byte is looked at once.

A regular expression for it is a trap: one that can take two comments for one tries all ways to cut a row of them, and
one that cannot keeps a hundred bytes for each byte that it has passed.
"""

import re
from typing import AnyStr

_SPACE = re.compile(r"\s*")
_SPACE_BYTES = re.compile(rb"\s*")
_ASIDES = (("<!--", "-->"), ("<?", "?>"))
_ASIDES_BYTES = ((b"<!--", b"-->"), (b"<?", b"?>"))


def first_tag(text: AnyStr, at: int = 0) -> int:
    """Where white space, comments and processing instructions end; the length when one of them has no end."""
    if isinstance(text, bytes):
        return _after(text, at, _SPACE_BYTES, _ASIDES_BYTES)
    return _after(text, at, _SPACE, _ASIDES)


def _after(
    text: AnyStr, at: int, space: re.Pattern[AnyStr], asides: tuple[tuple[AnyStr, AnyStr], ...]
) -> int:  # fmt: skip
    while True:
        found = space.match(text, at)
        at = found.end() if found is not None else at
        closed = next((closed for opened, closed in asides if text.startswith(opened, at)), None)
        if closed is None:
            return at
        # what opens an aside is no part of its end: <!--> is none
        end = text.find(closed, at + (4 if len(closed) == 3 else 2))
        if end < 0:
            return len(text)
        at = end + len(closed)
