"""The rows that a query gives, on stdout: as a table for people, as JSON, JSON lines or CSV for programs."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import islice
from typing import Any

import duckdb

from archive.formats import reread
from harvester.cli.execute import interruptible
from harvester.cli.output import cell, json_text, plain, print_table, say, table

# so many rows a table shows: a person does not read more, and a table must be held in memory
TABLE_ROWS = 1000
_FETCHED = 10_000
_NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gives: names and types of the columns, and the rows, which can be taken once."""

    columns: list[tuple[str, str]]
    rows: Iterator[tuple[Any, ...]]


def answer_of(db: duckdb.DuckDBPyConnection) -> Answer:
    """The answer to what was executed last."""
    return Answer([(name, str(kind)) for name, kind, *_ in db.description or ()], _rows(db))


def print_answer(answer: Answer, form: str) -> None:
    """Print all of an answer; of a table the first 1000 rows."""
    _PRINTERS[form](answer)


def table_lines(answer: Answer) -> list[str]:
    """A table as lines of any width, without anything that steers a terminal."""
    with redirect_stdout(io.StringIO()) as text:
        _print_table(answer)
    return text.getvalue().splitlines()


def _rows(db: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := interruptible(db, lambda: db.fetchmany(_FETCHED)):
        yield from rows


def _print_table(answer: Answer) -> None:
    numbers = tuple(name for name, kind in answer.columns if kind.split("(")[0] in _NUMBERS)
    made = table(*(_shown(name) for name, _ in answer.columns), numbers=numbers)
    for row in islice(answer.rows, TABLE_ROWS):
        made.add_row(*map(cell, row))
    if next(answer.rows, None) is not None:
        say(f"harvester: more than {TABLE_ROWS} rows; --csv, --jsonl (.mode csv) print all", err=True)
    print_table(made)


def _shown(name: str) -> str:
    """The name of a column is whatever a query calls it."""
    return cell(name).plain


def _print_json(answer: Answer) -> None:
    """One object a line, so that what is larger than memory can be written and read."""
    before = "[\n"
    for line in _json_lines(answer):
        _write(f"{before}{line}")
        before = ",\n"
    _write("[]\n" if before == "[\n" else "\n]\n")


def _print_jsonl(answer: Answer) -> None:
    for line in _json_lines(answer):
        _write(f"{line}\n")


def _json_lines(answer: Answer) -> Iterator[str]:
    names = _distinct([name for name, _ in answer.columns])
    is_json = [kind == "JSON" for _, kind in answer.columns]
    for row in answer.rows:
        values = (_parsed(value) if embedded else value for value, embedded in zip(row, is_json, strict=True))
        yield json_text(dict(zip(names, values, strict=True)))


def _print_csv(answer: Answer) -> None:
    writer = csv.writer(_Out(), lineterminator="\n")
    writer.writerow([name for name, _ in answer.columns])
    writer.writerows([_field(value) for value in row] for row in answer.rows)


class _Out:
    """What the module csv writes to."""

    def write(self, text: str) -> None:
        _write(text)


def _write(text: str) -> None:
    """Programs get every character as it is; on a terminal none steers it."""
    if sys.stdout.isatty():
        text = "\n".join(cell(line).plain for line in text.split("\n"))
    sys.stdout.write(text)


_PRINTERS: dict[str, Callable[[Answer], None]] = {
    "table": _print_table,
    "json": _print_json,
    "jsonl": _print_jsonl,
    "csv": _print_csv,
}
FORMS = tuple(_PRINTERS)


def _distinct(names: list[str]) -> list[str]:
    """Names as keys: one that was there before gets a number."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return out


def _parsed(value: str | None) -> Any:
    return None if value is None else reread(value.encode())


def _field(value: Any) -> Any:
    if isinstance(value, list | tuple | dict):
        return json.dumps(plain(value), ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else plain(value)
