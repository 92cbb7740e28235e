"""Hits of a search page: the exact bytes of each, cut out of the page that was sent.

The page is parsed whole first, by a strict parser; then it is walked once more to find where each hit begins and ends.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from archive.store import NotJson, parse_json
from harvester.errors import MalformedPage

_MARK = b"\xef\xbb\xbf"  # a byte order mark
_SPACE = re.compile(r"[ \t\n\r]*")
# in C, and all of JSON's structure is ASCII: in a text of one character a byte its places are places in the bytes
_scan: Callable[[str, int], tuple[Any, int]] = vars(json.JSONDecoder())["scan_once"]


@dataclass(frozen=True, slots=True)
class Hit:
    """One hit: what it means, and its bytes as they stand in the page."""

    value: Any
    body: bytes


@dataclass(frozen=True, slots=True)
class Count:
    """The total that a search states; not `exact`, it is the least there are."""

    value: int
    exact: bool = True


def read_count(found: Any) -> Count | None:
    """Read a total: a number, its digits as text, or Elasticsearch's object; None for null or a negative number.

    Raises ValueError for anything else.
    """
    if isinstance(found, dict):
        inner = read_count(found.get("value"))
        return inner and Count(inner.value, found.get("relation", "eq") == "eq")
    if found is None:
        return None
    if isinstance(found, str):
        text = found.strip()
        if re.fullmatch(r"-?\d{1,18}", text, re.ASCII) is None:
            raise ValueError(f"no number: {text[:60]!r}")
        found = int(text)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int):
        raise ValueError(f"no number: {str(found)[:60]!r}")
    return Count(found) if found >= 0 else None


def parse_page(body: bytes) -> Any:
    """A whole JSON text. Raises MalformedPage for anything else: a page cut short is never a shorter page.

    One record with NaN or half a character in it does not cost the others of its page, nor itself.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        return parse_json(body).value
    except NotJson as cause:
        raise MalformedPage(f"no JSON ({len(body)} bytes): {cause}; it begins {body[:40]!r}") from None


def inside(value: Any, path: Sequence[str]) -> Any:
    """What stands at a path of keys, None where there is nothing."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def cut_hits(body: bytes, page: Any, path: Sequence[str], record: Sequence[str] = ()) -> list[Hit]:
    """The members of the list at `path` in `page`, which was parsed from `body`; of each the part at `record`.

    A member without that part is a hit as a whole. Raises MalformedPage where there is no list, or where a key on
    the way to it is there twice: one of them was not parsed.
    """
    values = inside(page, path)
    if not isinstance(values, list):
        raise MalformedPage(f"no list at {'.'.join(path) or 'the top'} in a page of {len(body)} bytes")
    text = body.decode("latin-1")
    try:
        spans = list(_members(text, _find(text, len(_MARK) if body.startswith(_MARK) else 0, path)))
        if record:
            parts = [inside(value, record) for value in values]
            spans = [
                span if part is None else _span_at(text, _find(text, span[0], record))
                for span, part in zip(spans, parts, strict=True)
            ]
            values = [value if part is None else part for value, part in zip(values, parts, strict=True)]
    except (RecursionError, ValueError) as cause:  # nested deeper than Python goes, or a number of 4,300 digits
        raise MalformedPage(f"JSON that cannot be cut into hits ({len(body)} bytes): {cause}") from None
    return [Hit(value, body[start:end]) for value, (start, end) in zip(values, spans, strict=True)]


def _find(text: str, at: int, path: Sequence[str]) -> int:
    """Where the value at `path` of the object at `at` begins."""
    for key in path:
        places = [place for name, place in _entries(text, at) if name == key]
        if len(places) > 1:
            raise MalformedPage(f"the key {key!r} is there twice")
        at = places[0]
    return _past_space(text, at)


def _entries(text: str, at: int) -> Iterator[tuple[str, int]]:
    """(key, place of its value) of each entry of an object; keys that are not ASCII come out as no key at all."""
    at = _past_space(text, _past_space(text, at) + 1)
    while text[at] != "}":
        name, at = _scan(text, at)
        at = _past_space(text, _past_space(text, at) + 1)
        yield name, at
        at = _past_space(text, _scan(text, at)[1])
        if text[at] == ",":
            at = _past_space(text, at + 1)


def _members(text: str, at: int) -> Iterator[tuple[int, int]]:
    """(begin, end) of each member of the list at `at`."""
    at = _past_space(text, at + 1)
    while text[at] != "]":
        end = _scan(text, at)[1]
        yield at, end
        at = _past_space(text, end)
        if text[at] == ",":
            at = _past_space(text, at + 1)


def _span_at(text: str, at: int) -> tuple[int, int]:
    return at, _scan(text, at)[1]


def _past_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()
