"""Mappings of fields between two platforms: read from a file, and applied to the values of records.

A line is `OLD = NEW`, followed after a bar by how both values are normalised before they are compared:

    # legacy                    InvenioRDM
    metadata.title            = metadata.title | strip_html
    doi                       = pids.doi.identifier | doi
    metadata.creators[*].name = metadata.creators[*].person_or_org.name | lower

A path names keys of the JSON, `[*]` all items of a list, `[0]` one of them; a list without brackets stands for all of
its items. `@doi`, `@title`, `@type`, `@year`, `@license`, `@creators` and `@id` are the fields of the index, in any
format.
"""

import html
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from archive.crosswalks import Fields, normalise_doi, normalise_orcid, normalise_url, without_scheme
from archive.disk import translated
from archive.formats import canonical

# a longer value is stored as its beginning and a digest: enough to compare and to show
KEPT = 200
# how many characters of a difference are shown as code points
_POINTS = 8
_STEP = re.compile(r"([^.\[\]]+)|\[(\*|\d+)\]")
_TAGS = re.compile(r"<[^<>]*>")
_DAY = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,9})?", re.ASCII)
# a number with more digits before or after the point is written with an exponent
_PLAIN_DIGITS = 40
# enough digits for any number in a record: even one longer than a line of text is not rounded
_EXACT = Context(prec=1 << 20, Emax=MAX_EMAX, Emin=MIN_EMIN)
_SETTINGS = ("match", "old_format", "new_format")

Path_ = tuple[str | int | None, ...]
Values = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a mapping; `how` are names of `NORMALISERS`, applied in order."""

    old: str
    new: str
    how: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.old} = {self.new}"


@dataclass(frozen=True, slots=True)
class Mapping:
    """The content of a mapping file; None for what is not given.

    `match` is a rule; the formats are those whose records are compared.
    """

    fields: tuple[Field, ...]
    match: str | None = None
    old_format: str | None = None
    new_format: str | None = None


def read_mapping(path: Path) -> Mapping:
    """Read a file of lines, or TOML (`.toml`) with tables `[[field]]` of old, new and as.

    Raises ValueError naming the line or the table, also if it is not UTF-8.
    """
    with translated(path, "reading"):
        body = path.read_text(encoding="utf-8-sig")
    return parse_toml(body) if path.suffix.lower() == ".toml" else parse_lines(body)


def parse_lines(body: str) -> Mapping:
    """Parse the lines of a mapping; `match = RULE`, `old_format = X` and `new_format = X` are settings.

    A field of the old JSON with the name of a setting must be written in TOML. Raises ValueError naming the line.
    """
    settings: dict[str, str] = {}
    fields = []
    for number, line in enumerate(body.splitlines(), 1):
        if not (said := line.split(" #")[0].strip()) or said.startswith("#"):
            continue
        old, equals, rest = (part.strip() for part in said.partition("="))
        if not equals or not old or not rest:
            raise ValueError(f"line {number} is not OLD = NEW: {said}")
        if old in _SETTINGS:
            settings[old] = rest
            continue
        new, *how = (part.strip() for part in rest.split("|"))
        try:
            fields.append(_field(old, new, tuple(how)))
        except ValueError as cause:
            raise ValueError(f"line {number}: {cause}") from None
    return _mapping(fields, settings)


def parse_toml(body: str) -> Mapping:
    """Parse a mapping in TOML. Raises ValueError."""
    read = tomllib.loads(body)
    tables = read.pop("field", [])
    if unknown := sorted(read.keys() - set(_SETTINGS)):
        raise ValueError(f"{', '.join(unknown)}: known are {', '.join(_SETTINGS)} and [[field]]")
    fields = []
    for number, entry in enumerate(tables, 1):
        how = entry.get("as", [])
        if not isinstance(entry.get("old"), str) or not isinstance(entry.get("new"), str):
            raise ValueError(f"field {number} has no old or no new, which are paths in quotes")
        fields.append(_field(entry["old"], entry["new"], tuple([how] if isinstance(how, str) else how)))
    return _mapping(fields, read)


def take(path: str, metadata: Any, fields: Fields) -> Values:
    """Return the values at a path, as text, in order; missing values, null and empty texts are left out.

    `fields` are those of the index, whose names begin with @.
    """
    if path.startswith("@"):
        found = getattr(fields, _INDEX_FIELDS[path])
        return tuple(_texts(list(found) if isinstance(found, tuple) else found))
    values = [metadata]
    for step in parse_path(path):
        values = [inner for value in values for inner in _inner(value, step)]
    return tuple(found for value in values for found in _texts(value))


def normalised(values: Values, how: Sequence[str]) -> Values:
    """Normalise values for comparison. White space always becomes one blank: EPrints has CRLF in titles."""
    for name in how:
        if name == "sort":
            values = tuple(sorted(values))
        elif name == "first":
            values = values[:1]
        else:
            values = tuple(NORMALISERS[name](value) for value in values)
    return tuple(squeezed for value in values if (squeezed := " ".join(value.split())))


def kept(value: str) -> str:
    """Return a value, or its beginning and digest if it is long."""
    return value if len(value) <= KEPT else f"{value[:KEPT]}... (SHA-256 {sha256(value.encode()).hexdigest()})"


def code_points(old: str, new: str) -> str:
    """Show the characters in which two texts that look alike differ: `U+0065 U+0301 / U+00E9`; empty if they do not.

    Texts look alike if they are equal in the compatibility form of Unicode (NFKC), without characters of zero width,
    and with any blank as a space.
    """
    if old == new or _looks(old) != _looks(new):
        return ""
    start = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    # a combining character belongs to the letter before it
    while start and any(unicodedata.combining(text[start]) for text in (old, new) if start < len(text)):
        start -= 1
    return " / ".join(
        " ".join(f"U+{ord(one):04X}" for one in text[start : len(text) - end][:_POINTS]) or "nothing"
        for text in (old, new)
    )


def _looks(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return " ".join("".join(one for one in plain if unicodedata.category(one) != "Cf").split())


@lru_cache(maxsize=1024)
def parse_path(path: str) -> Path_:
    """Parse a path into steps: a key, the number of an item, None for all items. Raises ValueError."""
    steps: list[str | int | None] = []
    place = 0
    while place < len(path):
        match = _STEP.match(path, place)
        if match is None:
            raise ValueError(f"{path!r} is no path: names with dots between, [*] or [0] behind a list")
        steps.append(match[1] if match[1] is not None else None if match[2] == "*" else int(match[2]))
        place = match.end()
        if path[place : place + 1] == "." and place + 1 < len(path):
            place += 1
    if not steps:
        raise ValueError("a path is empty")
    return tuple(steps)


def _mapping(fields: list[Field], settings: dict[str, str]) -> Mapping:
    if not fields:
        raise ValueError("no field is mapped; write lines as metadata.title = title")
    return Mapping(tuple(fields), **settings)


def _field(old: str, new: str, how: tuple[str, ...]) -> Field:
    for path in (old, new):
        if path.startswith("@") and path not in _INDEX_FIELDS:
            raise ValueError(f"{path} is no field of the index: {', '.join(_INDEX_FIELDS)}")
        parse_path(path)
    if unknown := [name for name in how if name not in NAMES]:
        raise ValueError(f"{unknown[0]!r} is nothing that can be done with a value: {', '.join(NAMES)}")
    return Field(old, new, how)


def _inner(value: Any, step: str | int | None) -> Iterator[Any]:
    if isinstance(step, str):
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, dict) and step in item:
                yield item[step]
    elif isinstance(value, list):
        yield from value if step is None else value[step : step + 1]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        yield canonical.encode(value).decode()
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str | int | float) and (found := str(value).strip()):
        yield found


def _strip_html(value: str) -> str:
    return html.unescape(_TAGS.sub(" ", value))


def _date(value: str) -> str:
    """Return the day, month or year at the beginning of a text, without a time; the text itself if there is none."""
    match = _DAY.match(value.strip())
    return match[0] if match else value


def _number(value: str) -> str:
    """Normalise a number: EPrints prints what looks like one as a number, volume 007 as 7. No digit is lost."""
    if _NUMBER.fullmatch(value.strip()) is None:
        return value
    number = Decimal(value.strip()).normalize(_EXACT)
    if not number:
        return "0"
    return format(number, "f") if abs(number.adjusted()) < _PLAIN_DIGITS else str(number)


def _url(value: str) -> str:
    url = normalise_url(value)
    return value.strip() if url is None else without_scheme(url)


NORMALISERS: dict[str, Callable[[str], str]] = {
    "date": _date,
    "doi": lambda value: normalise_doi(value) or value,
    "lower": str.casefold,
    "number": _number,
    "orcid": lambda value: normalise_orcid(value) or value,
    "strip_html": _strip_html,
    "nfc": lambda value: unicodedata.normalize("NFC", value),
    "url": _url,
    "year": lambda value: value.strip()[:4],
}
# normalisers of single values, and two of lists
NAMES = (*NORMALISERS, "sort", "first")
_INDEX_FIELDS = {
    "@doi": "doi",
    "@title": "title",
    "@type": "resource_type",
    "@year": "publication_year",
    "@license": "license",
    "@creators": "creators",
    "@id": "local_id",
}
