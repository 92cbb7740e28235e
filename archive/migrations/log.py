"""The log of an uploader, CSV or SQLite: what it says became of each item, line by line.

Nothing in it is trusted: `archive.migrations.uploads` compares it with what the target holds.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from archive.crosswalks import local_id
from archive.disk import translated
from archive.errors import BadIdFile
from archive.formats import plain_name, read_table
from archive.migrations.names import key_of
from archive.queries import Queries

_SQL = Queries(__package__)

DONE, FAILED, PENDING = "done", "failed", "pending"
_SQLITE = b"SQLite format 3\x00"
# names of columns, the best first; compared without case, blanks and punctuation
COLUMNS: dict[str, tuple[str, ...]] = {
    "item": ("item", "itemid", "specimen", "specimenid", "barcode", "catalognumber", "occurrenceid", "sourceid",
             "source", "sourceidentifier", "oldid", "eprintid", "filename", "file", "identifier", "key", "name", "id"),
    "status": ("status", "state", "result", "outcome", "success", "succeeded", "ok", "uploaded", "published",
               "httpstatus", "statuscode", "responsecode", "code", "exitcode", "returncode"),
    "target": ("target", "targetid", "recordid", "recid", "record", "zenodoid", "newid", "depositionid", "depositid",
               "doi", "url", "link", "newurl"),
    "reason": ("reason", "error", "errorcode", "errormessage", "message", "exception", "detail", "httpstatus",
               "statuscode", "responsecode"),
}  # fmt: skip
# columns in which 0 means success, and 1 does not
_EXIT_CODES = frozenset({"exitcode", "returncode"})
_WORDS = {
    DONE: frozenset([
        "done", "ok", "okay", "success", "successful", "succeeded", "true", "yes", "published", "uploaded", "complete",
        "completed", "created", "finished",
    ]),
    FAILED: frozenset([
        "failed", "fail", "failure", "error", "errored", "false", "no", "timeout", "refused", "rejected", "exception",
        "aborted", "lost",
    ]),
    PENDING: frozenset([
        "", "pending", "planned", "queued", "open", "new", "todo", "waiting", "none", "null", "not tried", "untried",
        "skipped",
    ]),
}  # fmt: skip
# words for a failure that also say why
_REASONS = frozenset(["timeout", "refused", "rejected", "aborted", "lost"])


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line, counted from 1: the item, its status in the log, why it failed, which record it became."""

    line: int
    item: str
    said: str
    reason: str | None = None
    target: str | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys by which the target may know the item."""
        return tuple(dict.fromkeys((self.item, key_of(self.item), local_id(self.item))))

    @property
    def targets(self) -> tuple[str, ...]:
        """Return the keys by which the target may know the record.

        They are an id, an identifier, a DOI or the last part of a URL.
        """
        if not self.target:
            return ()
        tail = self.target.rstrip("/").rpartition("/")[2]
        return tuple(dict.fromkeys((self.target, key_of(self.target), local_id(self.target), tail)))


@dataclass(frozen=True, slots=True)
class Wording:
    """How a log is read: `columns` by role as the operator named them, `words` of its own for done and failed.

    `table` is the one to read in an SQLite file.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, frozenset[str]] = field(default_factory=dict)
    table: str | None = None


def parse_wording(said: Sequence[str]) -> Wording:
    """Parse NAME=VALUE: item, status, target and reason name columns, done and failed words, table a table.

    Raises ValueError.
    """
    columns: dict[str, str] = {}
    words: dict[str, frozenset[str]] = {}
    table = None
    for pair in said:
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not value:
            raise ValueError(f"{pair!r} is not NAME=COLUMN")
        if name in COLUMNS:
            columns[name] = value
        elif name in (DONE, FAILED, PENDING):
            words[name] = frozenset(word.strip().lower() for word in value.split(","))
        elif name == "table":
            table = value
        else:
            raise ValueError(f"{name!r} is nothing of a log: {', '.join(COLUMNS)}, done, failed, pending, table")
    return Wording(columns, words, table)


def iter_log(path: Path, wording: Wording) -> Iterator[LogLine]:
    """Yield the lines of a log in order. Raises BadIdFile with the line, and the option that makes it readable."""
    with translated(path, "reading"):
        try:
            with path.open("rb") as file:
                is_sqlite = file.read(len(_SQLITE)) == _SQLITE
            names, rows = _of_sqlite(path, wording) if is_sqlite else _of_csv(path)
            found = columns_of(names, wording.columns)
            for number, row in rows:
                if any(value not in (None, "") for value in row):
                    yield _line(path, number, dict(zip(names, row, strict=False)), found, wording)
        except sqlite3.Error as cause:
            raise BadIdFile(f"{path} cannot be read as a log: {cause}") from None
        except _NoColumn as cause:
            raise BadIdFile(f"{path}: {cause}") from None


def columns_of(names: Sequence[str], said: Mapping[str, str]) -> dict[str, str]:
    """Find the column of each role. Raises ValueError if a named or required one is missing."""
    found = dict(said)
    if absent := sorted(set(said.values()) - set(names)):
        raise _NoColumn(f"there is no column {absent[0]!r}; there are {', '.join(names)}")
    plain = {plain_name(name): name for name in reversed(names)}
    for role, words in COLUMNS.items():
        taken = set(found.values()) if role != "reason" else {found.get("item"), found.get("target")}
        hits = (plain[word] for word in words if word in plain and plain[word] not in taken)
        if role not in found and (hit := next(hits, None)) is not None:
            found[role] = hit
    if "item" not in found or ("status" not in found and "reason" not in found):
        lacking = "item" if "item" not in found else "status"
        raise _NoColumn(f"no column says the {lacking}; name it with --column {lacking}=ONE of {', '.join(names)}")
    return found


def said_by(value: Any, column: str, words: Mapping[str, frozenset[str]]) -> str | None:
    """Interpret a status: done, failed or pending; None if it is unknown."""
    text = "" if value is None else str(value).strip().lower()
    for own in (words, _WORDS):
        if (said := next((said for said, known in own.items() if text in known), None)) is not None:
            return said
    if not re.fullmatch(r"-?\d{1,3}(?:\.0)?", text):
        return None
    number = int(float(text))
    if number in (0, 1):
        return DONE if (number == 1) != (plain_name(column) in _EXIT_CODES) else FAILED
    if plain_name(column) in _EXIT_CODES:
        return FAILED
    return DONE if 200 <= number < 300 else FAILED if 300 <= number < 600 else None


class _NoColumn(ValueError):
    """A role without a column."""


def _line(path: Path, number: int, row: dict[str, Any], found: Mapping[str, str], wording: Wording) -> LogLine:
    item = str(row.get(found["item"]) or "").strip()
    if not item:
        raise BadIdFile(f"{path}, line {number}: no item in its column {found['item']!r}")
    reason, target = (str(row.get(found[role]) or "").strip() if role in found else "" for role in ("reason", "target"))
    if "status" not in found:
        return LogLine(number, item, FAILED if reason else DONE, reason or None, target or None)
    said = said_by(row.get(found["status"]), found["status"], wording.words)
    if said is None:
        raise BadIdFile(
            f"{path}, line {number}: the status {row.get(found['status'])!r} is neither done nor failed; "
            "say so: --column done=WORD,... or --column failed=WORD,..."
        )
    if said == FAILED and not reason:
        # a status that says more than that it failed is the reason, such as an HTTP status code
        status = str(row.get(found["status"]) or "").strip()
        reason = "" if status.lower() in _WORDS[FAILED] - _REASONS or status in ("0", "1") else status
    return LogLine(number, item, said, reason if said == FAILED and reason else None, target or None)


def _of_csv(path: Path) -> tuple[list[str], Iterator[tuple[int, Sequence[Any]]]]:
    """Return the names of columns, and rows with their line numbers."""
    table = read_table(path)
    return list(table.names), table.rows


def _of_sqlite(path: Path, wording: Wording) -> tuple[list[str], Iterator[tuple[int, Sequence[Any]]]]:
    """Return the same for a table: the one that was named, or the only one that has the columns."""
    with closing(_open(path)) as db:
        tables = [name for (name,) in db.execute(_SQL["log_tables"])]
        columns = {name: [row[0] for row in db.execute(_SQL["log_columns"], (name,))] for name in tables}
    named = [name for name in tables if name == wording.table]
    fitting = named or [name for name in tables if wording.table is None and _fits(columns[name], wording)]
    if len(fitting) != 1:
        raise _NoColumn(f"which table is the log? --column table=ONE of {', '.join(tables)}")
    (table,) = fitting

    def rows() -> Iterator[tuple[int, Sequence[Any]]]:
        with closing(_open(path)) as db:
            # a name from the schema itself, quoted as an SQL identifier
            yield from enumerate(db.execute(f'SELECT * FROM "{table.replace(chr(34), chr(34) * 2)}"'), 1)

    return columns[table], rows()


def _fits(names: Sequence[str], wording: Wording) -> bool:
    try:
        columns_of(names, wording.columns)
    except ValueError:
        return False
    return True


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)
