"""Read files of identifiers: text with one on each line, CSV, JSON lines or Parquet.

Each id comes with what the file says of it.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from archive.disk import translated
from archive.errors import BadIdFile
from archive.formats import delimiter_of, iter_lines, iter_rows, open_text, plain_name
from archive.queries import Queries

_SQL = Queries(__package__)

# Names of columns and keys, the best first, as `plain_name` returns them.
IDENTIFIER_NAMES = (
    "identifier",
    "oaiidentifier",
    "oaiid",
    "id",
    "recid",
    "recordid",
    "recordidentifier",
    "itemid",
    "eprintid",
    "zenodoid",
    "zenodorecordid",
    "localid",
    "doi",
    "doiname",
    "handle",
    "pid",
    "persistentidentifier",
    "ark",
    "urn",
    "accession",
)
DATESTAMP_NAMES = ("datestamp", "updated", "lastmodified", "modified", "dateupdated", "updatedat")
DELETED_NAMES = ("deleted", "isdeleted", "withdrawn", "iswithdrawn")
STATE_NAMES = ("status", "state", "recordstatus")
# a date in one of these columns means that the record was removed
REMOVAL_NAMES = ("removaldate", "removedat", "deletedat", "deletiondate", "datedeleted", "dateremoved", "withdrawnat")
DIGEST_NAMES = ("sha256",)
# states of records that are gone; DataCite's registered and draft DOIs are not findable: their records are not public
GONE_STATES = (
    "deleted",
    "gone",
    "removed",
    "withdrawn",
    "tombstone",
    "tombstoned",
    "destroyed",
    "retired",
    "registered",
    "draft",
)
TRUE_WORDS = ("true", "1", "t", "yes", "y")
_ROLES = {
    "id": IDENTIFIER_NAMES,
    "stamp": DATESTAMP_NAMES,
    "deleted": DELETED_NAMES,
    "status": STATE_NAMES,
    "removed": REMOVAL_NAMES,
    "digest": DIGEST_NAMES,
}
_SHOWN_NAMES = "identifier, oai_identifier, id, recid, record_id, item_id, eprint_id, doi, handle"
# the first cell of a table without a header is an id; all ids seen so far contain one of these
_LIKE_AN_ID = re.compile(r"[\d:/]")
# blanks that editors put around an id; any other character is part of it
_BLANKS = " \t\r\n"


@dataclass(frozen=True, slots=True)
class WantedId:
    """An id that should be held; None for what the file does not say. `sha256` is that of what the provider sent."""

    identifier: str
    datestamp: str | None = None
    deleted: bool | None = None
    sha256: str | None = None


def iter_ids(path: Path) -> Iterator[WantedId]:
    """Yield the ids of a file in order, by its extension: CSV, JSON lines, JSON, Parquet, others as text.

    The extension of a file compressed by gzip is the one before `.gz`. Text may be in UTF-8, UTF-16 or windows-1252. In
    text, a line that begins with # is a comment, and a first line that names a column of ids makes it a table. Raises
    BadIdFile naming the line, DiskFailed if the file cannot be read.
    """
    readers = {
        ".csv": _iter_csv,
        ".tsv": _iter_csv,
        ".jsonl": _iter_json,
        ".ndjson": _iter_json,
        ".json": _iter_json_file,
        ".parquet": _iter_parquet,
    }
    suffix = next((suffix for suffix in reversed(path.suffixes) if suffix.lower() != ".gz"), "")
    with translated(path, "reading"):
        yield from readers.get(suffix.lower(), _iter_text)(path)


def parquet_columns(path: Path) -> dict[str, str | None]:
    """Return the names of the columns of a Parquet file by role: id, stamp, deleted, status, removed and digest.

    Raises BadIdFile if none has ids, or it is not Parquet.
    """
    import duckdb

    try:
        with translated(path, "reading"), closing(duckdb.connect()) as db:
            found = db.execute(_SQL["idfile_names"], {"path": str(path)}).description or ()
    except duckdb.Error as cause:
        raise BadIdFile(f"{path} cannot be read as Parquet ({str(cause).splitlines()[0]})") from None
    names = [str(column[0]) for column in found]
    columns = _columns_of(names)
    if columns["id"] is None:
        raise _no_column(path, names)
    return columns


def _columns_of(names: Sequence[str]) -> dict[str, str | None]:
    """Find the column of each role, by the best of the known names."""
    plain = {plain_name(name): name for name in reversed(names)}
    return {role: next((plain[name] for name in known if name in plain), None) for role, known in _ROLES.items()}


def _no_column(path: Path, names: Iterable[str]) -> BadIdFile:
    listed = ", ".join(f"{name[:60]!a}" for name in itertools.islice(names, 40))
    return BadIdFile(f"{path}: none of its columns ({listed}) is known as one of ids; name one of them {_SHOWN_NAMES}")


def _iter_text(path: Path) -> Iterator[WantedId]:
    lines = (line.strip(_BLANKS) for _, line in iter_lines(path))
    names = (line for line in lines if line and not line.startswith("#"))
    first = next(names, None)
    if first is None:
        return
    delimiter = delimiter_of(path)
    if any(plain_name(cell) in IDENTIFIER_NAMES for cell in first.split(delimiter)):
        yield from _iter_csv(path)
        return
    yield WantedId(first)
    yield from map(WantedId, names)


def _iter_csv(path: Path) -> Iterator[WantedId]:
    """Read by a header that names a column of ids; if the first cell is an id, there is no header."""
    rows = iter_rows(path, delimiter_of(path))
    rows = ((number, row) for number, row in rows if not row[0].startswith("#"))
    begin = next(rows, None)
    if begin is None:
        return
    first, header = begin
    names = [cell.strip() for cell in header]
    columns = _columns_of(names)
    if columns["id"] is None:
        if not _LIKE_AN_ID.search(names[0]):
            raise _no_column(path, names)
        for number, row in itertools.chain([(first, header)], rows):
            yield _wanted({"id": row[0]}, path, number)
        return
    places = {role: names.index(name) for role, name in columns.items() if name is not None}
    for number, row in rows:
        if any(cell.strip() for cell in row[len(names) :]):
            raise BadIdFile(
                f"{path}, line {number}: {len(row)} cells under a header of {len(names)}; "
                "quote a cell that holds the delimiter"
            )
        yield _wanted({role: row[place] for role, place in places.items() if place < len(row)}, path, number)


def _iter_json(path: Path) -> Iterator[WantedId]:
    for number, line in iter_lines(path):
        if not line.strip():
            continue
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as cause:
            raise BadIdFile(f"{path}, line {number}: not JSON ({cause})") from None
        yield _wanted(_by_role(value) if isinstance(value, dict) else {"id": value}, path, number)


def _iter_json_file(path: Path) -> Iterator[WantedId]:
    """Read a JSON array, whole or an element on each line, or JSON lines with another extension."""
    with open_text(path) as file:
        begins = file.read(4096).lstrip()
    if not begins.startswith("["):
        yield from _iter_json(path)
        return
    with open_text(path) as file:
        try:
            values = orjson.loads(file.read())
        except orjson.JSONDecodeError as cause:
            raise BadIdFile(f"{path} is not JSON ({cause})") from None
    for number, value in enumerate(values, 1):
        yield _wanted(_by_role(value) if isinstance(value, dict) else {"id": value}, path, number)


def _by_role(value: Mapping[str, Any]) -> dict[str, Any]:
    """Map roles to the members of an object, the first with a value of each."""
    plain: dict[str, Any] = {}
    for name, member in value.items():
        plain.setdefault(_plain(name), member)
    known = (
        (role, [plain[name] for name in names if plain.get(name) not in (None, "")]) for role, names in _ROLES.items()
    )
    return {role: members[0] for role, members in known if members}


def _iter_parquet(path: Path) -> Iterator[WantedId]:
    # imports DuckDB, which takes longer than reading most files of ids
    import duckdb

    columns = {name: role for role, name in parquet_columns(path).items() if name is not None}
    try:
        with closing(duckdb.connect(config={"threads": 1, "memory_limit": "1GB"})) as db:
            rows = db.execute(_SQL["idfile_columns"], {"path": str(path), "names": list(columns)})
            roles = [columns[column[0]] for column in rows.description or ()]
            number = 0
            while batch := rows.fetchmany(10_000):
                for row in batch:
                    number += 1
                    yield _wanted(dict(zip(roles, row, strict=True)), path, number)
    except duckdb.Error as cause:
        raise BadIdFile(f"{path} cannot be read as Parquet ({str(cause).splitlines()[0]})") from None


def _wanted(values: Mapping[str, Any], path: Path, number: int) -> WantedId:
    """Make an id from its values by role: id, stamp, deleted, status, removed, digest."""
    identifier = values.get("id")
    if isinstance(identifier, bool) or not isinstance(identifier, str | int) or not str(identifier).strip(_BLANKS):
        raise BadIdFile(f"{path}, line {number}: no id; its column or key is one of {_SHOWN_NAMES}")
    datestamp, digest = values.get("stamp"), values.get("digest")
    stamp = datestamp.isoformat(" ", "seconds") if isinstance(datestamp, datetime) else datestamp
    return WantedId(
        identifier=str(identifier).strip(_BLANKS),
        datestamp=str(stamp) if stamp else None,
        deleted=_deleted(values),
        sha256=digest.lower() if isinstance(digest, str) and digest else None,
    )


def _deleted(values: Mapping[str, Any]) -> bool | None:
    """Read a column `deleted`, a state as OAI-PMH and DataCite write it, or a date of removal; None without any."""
    if (deleted := values.get("deleted")) not in (None, ""):
        return deleted is True or str(deleted).strip().lower() in TRUE_WORDS
    if (state := values.get("status")) not in (None, ""):
        return str(state).strip().lower() in GONE_STATES
    return True if str(values.get("removed") or "").strip() else None


_plain = lru_cache(1 << 10)(plain_name)
