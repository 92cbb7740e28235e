"""Files of identifiers: text with one a line, CSV, or JSON lines; each id with its datestamp and state, where given."""

import csv
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from archive.durable import translated
from archive.errors import BadIdFile

IDENTIFIER_NAMES = ("identifier", "oai_identifier", "id", "recid")
DATESTAMP_NAMES = ("datestamp", "updated")
# longer than any identifier, and short enough that a binary file is noticed before it fills the memory
LINE_MOST = 1 << 20


@dataclass(frozen=True, slots=True)
class WantedId:
    """An id that should be held; None where the file does not say."""

    identifier: str
    datestamp: str | None = None
    deleted: bool | None = None


def iter_ids(path: Path) -> Iterator[WantedId]:
    """The ids of a file in its order; `.csv`, `.tsv`, `.jsonl` and `.ndjson` by their names, anything else as text.

    A line that begins with # is a remark in text. Raises BadIdFile naming the line, DiskFailed when it cannot be read.
    """
    readers = {".csv": _iter_csv, ".tsv": _iter_csv, ".jsonl": _iter_json, ".ndjson": _iter_json}
    with translated(path, "reading"):
        try:
            yield from readers.get(path.suffix.lower(), _iter_text)(path)
        except UnicodeDecodeError as cause:
            raise BadIdFile(f"{path} is not UTF-8 text ({cause})") from None


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8-sig", newline=None) as file:
        for number in itertools.count(1):
            line = file.readline(LINE_MOST)
            if not line:
                return
            if len(line) == LINE_MOST:
                raise BadIdFile(f"{path}, line {number}: longer than {LINE_MOST} characters; is this a file of ids?")
            yield number, line.rstrip("\n")


def _iter_text(path: Path) -> Iterator[WantedId]:
    for _, line in _lines(path):
        if (name := line.strip()) and not name.startswith("#"):
            yield WantedId(name)


def _iter_csv(path: Path) -> Iterator[WantedId]:
    """With a header that names a column of ids; without one the first column is taken."""
    rows = csv.reader((line for _, line in _lines(path)), delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
    first = next(rows, None)
    if first is None:
        return
    names = [cell.strip().lower() for cell in first]
    headed = any(name in IDENTIFIER_NAMES for name in names)
    for number, row in enumerate(rows if headed else itertools.chain([first], rows), 2 if headed else 1):
        if any(cell.strip() for cell in row):
            values = dict(zip(names, row, strict=False)) if headed else {"identifier": row[0]}
            yield _wanted(values, path, number)


def _iter_json(path: Path) -> Iterator[WantedId]:
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as cause:
            raise BadIdFile(f"{path}, line {number}: not JSON ({cause})") from None
        yield _wanted(value if isinstance(value, dict) else {"identifier": value}, path, number)


def _wanted(values: Mapping[str, Any], path: Path, number: int) -> WantedId:
    identifier = next((values[name] for name in IDENTIFIER_NAMES if values.get(name) not in (None, "")), None)
    if not isinstance(identifier, str | int) or not str(identifier).strip():
        raise BadIdFile(f"{path}, line {number}: no id; its column or key is one of {', '.join(IDENTIFIER_NAMES)}")
    datestamp = next((values[name] for name in DATESTAMP_NAMES if values.get(name)), None)
    return WantedId(str(identifier).strip(), str(datestamp) if datestamp else None, _deleted(values))


def _deleted(values: Mapping[str, Any]) -> bool | None:
    """From a column or key `deleted`, or `status` as OAI-PMH writes it."""
    if (value := values.get("deleted")) not in (None, ""):
        return value is True or str(value).strip().lower() in ("true", "1", "t", "yes")
    if (status := values.get("status")) not in (None, ""):
        return str(status).strip().lower() == "deleted"
    return None
