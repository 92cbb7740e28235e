"""A mapping of fields between two platforms: read from a file, and the values of records under it.

A line is `OLD = NEW`, with what to make of both values before they are compared behind a bar:

    # legacy                    InvenioRDM
    metadata.title            = metadata.title | strip_html
    doi                       = pids.doi.identifier | doi
    metadata.creators[*].name = metadata.creators[*].person_or_org.name | lower

A path names keys of the JSON, `[*]` all of a list, `[0]` one of it; a list without brackets is taken whole as well.
`@doi`, `@title`, `@type`, `@year`, `@license`, `@creators` and `@id` are the fields of the index, whatever the form.
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

# a longer value is kept as its beginning and a digest: enough to compare and to show
KEPT = 200
# characters of a difference that are shown as code points
_POINTS = 8
_STEP = re.compile(r"([^.\[\]]+)|\[(\*|\d+)\]")
_TAGS = re.compile(r"<[^<>]*>")
_DAY = re.compile(r"\d{4}(?:-\d{2}(?:-\d{2})?)?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,9})?", re.ASCII)
# a number with more digits before or behind the point is written with an exponent
_PLAIN_DIGITS = 40
# digits enough for any number that stands in a record: what is longer than a line of text is not rounded either
_EXACT = Context(prec=1 << 20, Emax=MAX_EMAX, Emin=MIN_EMIN)
_SETTINGS = ("match", "old_format", "new_format")

Path_ = tuple[str | int | None, ...]
Values = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a mapping; `how` are names of `NORMALISERS`, applied in their order."""

    old: str
    new: str
    how: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.old} = {self.new}"


@dataclass(frozen=True, slots=True)
class Mapping:
    """All of a mapping file; `match` is a rule, the formats are those whose records are compared. None: not said."""

    fields: tuple[Field, ...]
    match: str | None = None
    old_format: str | None = None
    new_format: str | None = None


def read_mapping(path: Path) -> Mapping:
    """Read a file of lines, or TOML (`.toml`) with tables `[[field]]` of old, new and as.

    Raises ValueError naming the line or the table, also for what is not UTF-8.
    """
    with translated(path, "reading"):
        body = path.read_text(encoding="utf-8-sig")
    return parse_toml(body) if path.suffix.lower() == ".toml" else parse_lines(body)


def parse_lines(body: str) -> Mapping:
    """Read the lines of a mapping; `match = RULE`, `old_format = X` and `new_format = X` are settings.

    A field of the old JSON that has the name of a setting is written in TOML.
    Raises ValueError naming the line.
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
    """Read a mapping in TOML. Raises ValueError."""
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
    """The values at a path, as text, in their order; none where there is nothing, or null, or an empty text.

    `fields` are those of the index, which begin with an at.
    """
    if path.startswith("@"):
        found = getattr(fields, _INDEX_FIELDS[path])
        return tuple(_texts(list(found) if isinstance(found, tuple) else found))
    values = [metadata]
    for step in parse_path(path):
        values = [inner for value in values for inner in _inner(value, step)]
    return tuple(found for value in values for found in _texts(value))


def normalised(values: Values, how: Sequence[str]) -> Values:
    """Values in the form in which they are compared. White space is always one blank: EPrints has CRLF in titles."""
    for name in how:
        if name == "sort":
            values = tuple(sorted(values))
        elif name == "first":
            values = values[:1]
        else:
            values = tuple(NORMALISERS[name](value) for value in values)
    return tuple(squeezed for value in values if (squeezed := " ".join(value.split())))


def kept(value: str) -> str:
    """A value, or what stands for a long one."""
    return value if len(value) <= KEPT else f"{value[:KEPT]}... (SHA-256 {sha256(value.encode()).hexdigest()})"


def code_points(old: str, new: str) -> str:
    """Show the characters in which two texts differ that look alike: `U+0065 U+0301 / U+00E9`; empty if they do not.

    Texts look alike that are the same in the compatibility form of Unicode (NFKC), without characters that have no
    width, and with any blank as a space.
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
    """The steps of a path: a key, the number of an item, None for all items. Raises ValueError."""
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
    """The day, month or year with which a text begins, without a time; as it is when it does not."""
    match = _DAY.match(value.strip())
    return match[0] if match else value


def _number(value: str) -> str:
    """EPrints prints what looks like a number as one: volume 007 as 7. No digit is lost on the way."""
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
# those of single values, and two of a list of them
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
