"""Files of identifiers: text with one a line, CSV, JSON lines or Parquet; each id with what the file says of it."""

import csv
import itertools
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from archive.durable import translated
from archive.errors import BadIdFile
from archive.questions import question

IDENTIFIER_NAMES = ("identifier", "oai_identifier", "id", "recid")
DATESTAMP_NAMES = ("datestamp", "updated")
# longer than any identifier, and short enough that a binary file is noticed before it fills the memory
LINE_MOST = 1 << 20


@dataclass(frozen=True, slots=True)
class WantedId:
    """An id that should be held; None where the file does not say. `sha256` is of what the provider sent."""

    identifier: str
    datestamp: str | None = None
    deleted: bool | None = None
    sha256: str | None = None


def iter_ids(path: Path) -> Iterator[WantedId]:
    """The ids of a file in its order: `.csv`, `.tsv`, `.jsonl`, `.ndjson`, `.parquet` by their names, others as text.

    A line that begins with # is a remark in text. Raises BadIdFile naming the line, DiskFailed when it cannot be read.
    """
    readers = {
        ".csv": _iter_csv, ".tsv": _iter_csv, ".jsonl": _iter_json, ".ndjson": _iter_json, ".parquet": _iter_parquet,
    }  # fmt: skip
    with translated(path, "reading"):
        try:
            yield from readers.get(path.suffix.lower(), _iter_text)(path)
        except UnicodeDecodeError as cause:
            raise BadIdFile(f"{path} is not UTF-8 text ({cause})") from None


def parquet_columns(path: Path) -> dict[str, str | None]:
    """What the columns of a Parquet file are called that say the id, stamp, deleted, status and digest of each row.

    Raises BadIdFile when there is none of ids, or it is no Parquet.
    """
    import duckdb

    try:
        with translated(path, "reading"), closing(duckdb.connect()) as db:
            found = db.execute(question("idfile_names"), {"path": str(path)}).description or ()
    except duckdb.Error as cause:
        raise BadIdFile(f"{path} cannot be read as Parquet ({str(cause).splitlines()[0]})") from None
    names = {str(column[0]).lower(): str(column[0]) for column in reversed(found)}
    wanted = {"id": IDENTIFIER_NAMES, "stamp": DATESTAMP_NAMES, "deleted": ("deleted",), "status": ("status",),
              "digest": ("sha256",)}  # fmt: skip
    columns = {word: next((names[name] for name in known if name in names), None) for word, known in wanted.items()}
    if columns["id"] is None:
        raise BadIdFile(f"{path} has no column of ids; it is one of {', '.join(IDENTIFIER_NAMES)}")
    return columns


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


def _iter_parquet(path: Path) -> Iterator[WantedId]:
    # brings DuckDB, which takes longer to import than most files of ids to read
    import duckdb

    names = [*IDENTIFIER_NAMES, *DATESTAMP_NAMES, "deleted", "status", "sha256"]
    try:
        with closing(duckdb.connect(config={"threads": 1, "memory_limit": "1GB"})) as db:
            rows = db.execute(question("idfile_columns"), {"path": str(path), "names": names})
            known = [column[0].lower() for column in rows.description or ()]
            number = 0
            while batch := rows.fetchmany(10_000):
                for row in batch:
                    number += 1
                    yield _wanted(dict(zip(known, row, strict=True)), path, number)
    except duckdb.BinderException:
        raise BadIdFile(f"{path} has no column of ids; it is one of {', '.join(IDENTIFIER_NAMES)}") from None
    except duckdb.Error as cause:
        raise BadIdFile(f"{path} cannot be read as Parquet ({str(cause).splitlines()[0]})") from None


def _wanted(values: Mapping[str, Any], path: Path, number: int) -> WantedId:
    identifier = next((values[name] for name in IDENTIFIER_NAMES if values.get(name) not in (None, "")), None)
    if not isinstance(identifier, str | int) or not str(identifier).strip():
        raise BadIdFile(f"{path}, line {number}: no id; its column or key is one of {', '.join(IDENTIFIER_NAMES)}")
    datestamp = next((values[name] for name in DATESTAMP_NAMES if values.get(name)), None)
    stamp = datestamp.isoformat(" ", "seconds") if isinstance(datestamp, datetime) else datestamp
    digest = values.get("sha256")
    return WantedId(
        str(identifier).strip(), str(stamp) if stamp else None, _deleted(values),
        digest.lower() if isinstance(digest, str) and digest else None,
    )  # fmt: skip


def _deleted(values: Mapping[str, Any]) -> bool | None:
    """From a column or key `deleted`, or `status` as OAI-PMH writes it."""
    if (value := values.get("deleted")) not in (None, ""):
        return value is True or str(value).strip().lower() in ("true", "1", "t", "yes")
    if (status := values.get("status")) not in (None, ""):
        return str(status).strip().lower() == "deleted"
    return None
