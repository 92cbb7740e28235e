"""`harvester index` and `harvester sql`: make the index, and ask it."""

import csv
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import duckdb

from archive.errors import BadQuery
from archive.index import open_index
from harvester.cli import DONE
from harvester.cli.output import advancing, cell, counted, plain, print_json, print_table, table

# so many rows a table shows: a person does not read more, and a table must be held in memory
TABLE_ROWS = 1000
_FETCHED = 10_000
_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL", "UTINYINT",
            "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT")  # fmt: skip

Rows = Iterator[tuple[Any, ...]]


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def index(folder: Path, as_json: bool) -> int:
    """Make DIR/index.duckdb from the shards and the ledger of the archive DIR.

    The index is derived: deleting it loses nothing. Every byte that goes into it is checked.
    """
    from archive.index import index as make

    with advancing("indexing", "records") as progress:
        report = make(folder, progress)
    if as_json:
        print_json({
            "path": str(report.path), "records": report.records, "versions": report.versions,
            "harvested": report.harvested, "outcomes": report.outcomes, "shards": report.shards,
            "bytes": report.size_bytes, "seconds": round(report.seconds, 3),
        })  # fmt: skip
    else:
        click.echo(
            f"{report.path}: {counted(report.records, 'record')}, {counted(report.versions, 'version')}, "
            f"{counted(report.outcomes, 'outcome')} from {counted(report.shards, 'shard')}; "
            f"{counted(report.size_bytes, 'byte')} in {report.seconds:.1f} s"
        )
    return DONE


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.argument("query")
@click.option("--json", "form", flag_value="json", help="print an array of objects, one a line")
@click.option("--csv", "form", flag_value="csv", help="print CSV with a header")
def sql(folder: Path, query: str, form: str | None) -> int:
    """Ask the index of the archive DIR a question in DuckDB's SQL.

    \b
    Tables: records (the latest version of each), versions, outcomes, requests, windows, runs,
    findings, waits, shards, frames, quarantine, census, account.

    It can be read and nothing else: neither the archive nor any other file is written or reached. As a table no
    more than 1000 rows are shown; --json and --csv print all.
    """
    with closing(open_index(folder)) as db:
        try:
            if not db.extract_statements(query):
                raise BadQuery("the query is empty; name a table: SELECT * FROM records LIMIT 10")
            db.execute(query)
            columns = [(name, str(kind)) for name, kind, *_ in db.description or ()]
            _PRINTERS[form](columns, _rows(db))
        except duckdb.Error as cause:
            raise BadQuery(str(cause)) from cause
    return DONE


def _rows(db: duckdb.DuckDBPyConnection) -> Rows:
    while rows := db.fetchmany(_FETCHED):
        yield from rows


def _print_table(columns: list[tuple[str, str]], rows: Rows) -> None:
    made = table(*(name for name, _ in columns), numbers=tuple(name for name, kind in columns if _is_number(kind)))
    for number, row in enumerate(rows):
        if number == TABLE_ROWS:
            click.echo(f"harvester: there are more than {TABLE_ROWS} rows; --json or --csv print all", err=True)
            break
        made.add_row(*map(cell, row))
    print_table(made, fold=True)


def _print_json(columns: list[tuple[str, str]], rows: Rows) -> None:
    """One object a line, so that what is larger than memory can be written and read."""
    names = _distinct([name for name, _ in columns])
    is_json = [kind == "JSON" for _, kind in columns]
    before = "[\n"
    for row in rows:
        values = (_parsed(value) if embedded else value for value, embedded in zip(row, is_json, strict=True))
        line = json.dumps(plain(dict(zip(names, values, strict=True))), ensure_ascii=False)
        sys.stdout.write(f"{before}{line}")
        before = ",\n"
    sys.stdout.write("[]\n" if before == "[\n" else "\n]\n")


def _print_csv(columns: list[tuple[str, str]], rows: Rows) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([name for name, _ in columns])
    writer.writerows([_field(value) for value in row] for row in rows)


_PRINTERS: dict[str | None, Callable[[list[tuple[str, str]], Rows], None]] = {
    None: _print_table,
    "json": _print_json,
    "csv": _print_csv,
}


def _is_number(kind: str) -> bool:
    return kind.split("(")[0] in _NUMBERS


def _distinct(names: list[str]) -> list[str]:
    """Names as keys: one that was there before gets a number."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return out


def _parsed(value: str | None) -> Any:
    return None if value is None else json.loads(value)


def _field(value: Any) -> Any:
    if isinstance(value, list | tuple | dict):
        return json.dumps(plain(value), ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else plain(value)
