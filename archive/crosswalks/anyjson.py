"""Reading JSON that may have any shape: what is not of the type that is looked for is not there.

Providers send numbers for texts, one object for a list of them, and null for anything.
"""

import re
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")

# the year of a date, also of one without hyphens (20240131)
_YEAR = re.compile(r"(?<!\d)(1[0-9]{3}|20[0-9]{2}|21[0-9]{2})(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))?(?!\d)")


def text(value: Any) -> str | None:
    """A text on one line, None for an empty one and for what is none; a number is the text of it."""
    if isinstance(value, str):
        return (" ".join(value.split()) if not value.isprintable() else value.strip()) or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def texts(values: Iterable[Any]) -> tuple[str, ...]:
    """The texts among some values."""
    return tuple(found for found in map(text, values) if found is not None)


def each(value: Any) -> list[Any]:
    """A list as it is, nothing for null, and one value as a list of it."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; one object is a list of it."""
    return [item for item in each(value) if isinstance(item, dict)]


def object_(value: Any) -> dict[str, Any]:
    """An object, empty when it is none."""
    return value if isinstance(value, dict) else {}


def first(values: Iterable[T]) -> T | None:
    """The first value that is not empty, None without one."""
    return next((value for value in values if value), None)


def year(value: Any) -> int | None:
    """The first year from 1000 to 2199 in a text or number."""
    found = text(value)
    match = _YEAR.search(found) if found else None
    return int(match[1]) if match else None


def number(value: Any) -> int | None:
    """A whole number that is not negative, also one written as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
