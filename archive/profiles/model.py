"""Profiles as values: which fields records have, how often, and their values; saved as JSON and read back."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from archive.disk import translated
from archive.errors import NotAnArchive

FORMAT, FORMAT_VERSION = "harvester-profile", 1
# a field of the metadata, or a column of the index, which is of any format
METADATA, COLUMN = "metadata", "column"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a format. `top` has its most frequent values with their counts, each at most `missed` too low.

    `present` counts the records that have a value there; `values` texts that are not empty, numbers and booleans, of
    which `distinct` are different. `lengths` counts texts by the bit length of their number of characters.
    """

    format: str
    kind: str
    path: str
    present: int
    values: int
    distinct: int
    missed: int
    types: dict[str, int]
    lengths: dict[int, int]
    shortest: int | None
    longest: int | None
    low: float | None
    high: float | None
    top: tuple[tuple[str | int | float, int], ...]
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile: `records` counts the live records of each format, `looked_at` those of them that were read."""

    of: str
    records: dict[str, int]
    looked_at: dict[str, int]
    fields: tuple[Field, ...]


def as_json(made: Profile) -> dict[str, Any]:
    """Convert a profile to JSON; `coverage` in percent is for people."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "of": made.of,
        "records": made.records,
        "looked_at": made.looked_at,
        "fields": [_field_json(made, field) for field in made.fields],
    }


def coverage(made: Profile, field: Field) -> float:
    """Compute the percentage of the records that were read that have the field."""
    return 100.0 * field.present / max(1, made.looked_at.get(field.format, 0))


def read_profile(path: Path) -> Profile:
    """Read a profile that was saved as JSON. Raises NotAnArchive if the file is not one."""
    with translated(path, "reading"):
        body = path.read_bytes()
    try:
        found = orjson.loads(body)
        if found["format"] != FORMAT or found["format_version"] > FORMAT_VERSION:
            raise ValueError(f"{found['format']}, version {found['format_version']}")
        return Profile(found["of"], found["records"], found["looked_at"], tuple(map(_read_field, found["fields"])))
    except (ValueError, KeyError, TypeError) as cause:
        raise NotAnArchive(
            f"{path} is neither an archive nor a release nor a profile ({cause!r}); harvester profile PATH --json "
            "writes one"
        ) from cause


def save_profile(made: Profile) -> str:
    """Encode a profile for `read_profile`."""
    return json.dumps(as_json(made), ensure_ascii=False, indent=1) + "\n"


def _field_json(made: Profile, field: Field) -> dict[str, Any]:
    return {
        "format": field.format,
        "kind": field.kind,
        "path": field.path,
        "coverage": round(coverage(made, field), 4),
        "present": field.present,
        "values": field.values,
        "distinct": field.distinct,
        "missed": field.missed,
        "types": field.types,
        "lengths": {str(bits): count for bits, count in field.lengths.items()},
        "shortest": field.shortest,
        "longest": field.longest,
        "low": field.low,
        "high": field.high,
        "top": [list(pair) for pair in field.top],
        "examples": list(field.examples),
    }


def _read_field(found: dict[str, Any]) -> Field:
    return Field(
        found["format"],
        found["kind"],
        found["path"],
        found["present"],
        found["values"],
        found["distinct"],
        found["missed"],
        found["types"],
        {int(bits): count for bits, count in found["lengths"].items()},
        found["shortest"],
        found["longest"],
        found["low"],
        found["high"],
        tuple((value, count) for value, count in found["top"]),
        tuple(found["examples"]),
    )
