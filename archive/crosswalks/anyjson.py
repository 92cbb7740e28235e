"""Read JSON of any shape: a value of another type than the requested one counts as missing.

Providers send numbers for texts, a single object for a list, and null for anything.
"""

import re
from collections.abc import Iterable
from typing import Any, TypeVar

T = TypeVar("T")

# the year of a date, also without hyphens (20240131)
_YEAR = re.compile(r"(?<!\d)(1[0-9]{3}|20[0-9]{2}|21[0-9]{2})(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))?(?!\d)")


def text(value: Any) -> str | None:
    """Return a text on one line, a number as text; None for an empty text and for other types."""
    if isinstance(value, str):
        return (" ".join(value.split()) if not value.isprintable() else value.strip()) or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def texts(values: Iterable[Any]) -> tuple[str, ...]:
    """Return the texts among some values."""
    return tuple(found for found in map(text, values) if found is not None)


def each(value: Any) -> list[Any]:
    """Return a list unchanged, nothing for null, and a single value as a list of one."""
    if isinstance(value, list):
        return value
    return [] if value is None else [value]


def objects(value: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; a single object counts as a list of one."""
    return [item for item in each(value) if isinstance(item, dict)]


def object_(value: Any) -> dict[str, Any]:
    """Return an object, or an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def first(values: Iterable[T]) -> T | None:
    """Return the first value that is not empty, None without one."""
    return next((value for value in values if value), None)


def year(value: Any) -> int | None:
    """Return the first year from 1000 to 2199 in a text or number."""
    found = text(value)
    match = _YEAR.search(found) if found else None
    return int(match[1]) if match else None


def number(value: Any) -> int | None:
    """Return a whole number that is not negative, also if it is written as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
