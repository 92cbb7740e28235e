"""`harvester sql`: ask the index a question, several, or one after the other at a prompt."""

import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import duckdb

from archive.disk import durable
from archive.errors import BadQuery
from archive.index import example, release_index
from archive.releases import is_release
from harvester.cli.execute import bound, execute, interruptible, one_line, parameters
from harvester.cli.params import command
from harvester.cli.refresh import no_refresh_option, refresh
from harvester.cli.rows import answer_of, print_answer
from harvester.cli.statements import cut, is_blank
from harvester.exits import DONE
from harvester.inputs import open_records


def _print_examples(ctx: click.Context, _: click.Parameter, given: bool) -> None:
    if given:
        from harvester.cli.prompt import print_examples

        print_examples()
        ctx.exit(DONE)


@command()
@click.argument("folder", metavar="PATH", type=click.Path(path_type=Path))
@click.argument("query", required=False)
@click.option("--example", "named", metavar="NAME", help="ask one of the questions that --examples names")
@click.option(
    "--file",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="read the query from a file; several, if a semicolon ends each",
)
@click.option("-p", "given", metavar="NAME=VALUE", multiple=True, help="the value of $NAME in the query")
@click.option("--json", "form", flag_value="json", help="print an array of objects, one a line")
@click.option("--jsonl", "form", flag_value="jsonl", help="print an object a line")
@click.option("--csv", "form", flag_value="csv", help="print CSV with a header")
@click.option(
    "--parquet", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False), help="write Parquet to a new file"
)
@no_refresh_option
@click.option(
    "--examples",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_examples,
    help="name questions that any archive answers, and leave",
)
def sql(
    folder: Path,
    query: str | None,
    named: str | None,
    file: Path | None,
    given: tuple[str, ...],
    form: str | None,
    parquet: Path | None,
    no_refresh: bool,
) -> int:
    """Ask the index of an archive, or of a release, a question in DuckDB's SQL.

    Of a file of records (in any form and packing that convert reads), or of a bag without an index, there is one table,
    records: number, identifier, name, deleted, metadata (JSON) and reason, why a record has none.

    \b
    Tables: records (the latest version of each), versions, identifiers, creators, subjects,
    relations, files, downloads, tombstones, outcomes, requests, windows, runs, findings, waits,
    shards, frames, quarantine, census, account.

    Without a query there is a prompt, with history and completion; where no terminal is, statements are read from
    stdin. An index that is older than the archive is made current first. It can be read and nothing else: a query
    reaches neither the archive nor any other file. As a table no more than 1000 rows are shown; --csv, --json and
    --jsonl print all.
    """
    text = _text(query, named, file)
    values = parameters(given)
    refresh(folder, no_refresh)
    if text is None and parquet is None and sys.stdin.isatty() and sys.stdout.isatty():
        from harvester.cli.prompt import Prompt

        with closing(open_records(folder)) as db:
            Prompt(db, values, form or "table", str(folder)).run()
        return DONE
    statements = _statements(sys.stdin.read() if text is None else text)
    try:
        if parquet is not None:
            _write_parquet(folder, statements, values, parquet)
        else:
            with closing(open_records(folder)) as db:
                _answer(db, statements, values, form or "table")
    except BadQuery as error:
        if not is_release(folder) or release_index(folder).exists():
            raise
        raise BadQuery(f"{error}; a release has more tables once it has an index: harvester index {folder}") from error
    return DONE


def _text(query: str | None, named: str | None, file: Path | None) -> str | None:
    """What to ask; None when nothing says it."""
    if sum(way is not None for way in (query, named, file)) > 1:
        raise BadQuery("a query, --example and --file are different questions; ask one of them")
    if named is not None:
        return example(named).sql
    if file is not None:
        with durable.translated(file, "reading"):
            return file.read_text(encoding="utf-8", errors="replace")
    return query


def _statements(text: str) -> list[str]:
    done = cut(text)
    found = [statement for statement in (*done.statements, done.rest) if not is_blank(statement)]
    if not found:
        raise BadQuery("the query is empty; name a table: SELECT * FROM records LIMIT 10")
    return found


def _answer(db: duckdb.DuckDBPyConnection, statements: Iterable[str], values: Mapping[str, Any], form: str) -> None:
    for statement in statements:
        execute(db, statement, values)
        try:
            print_answer(answer_of(db), form)
        except duckdb.Error as cause:
            raise BadQuery(one_line(cause)) from cause


def _write_parquet(folder: Path, statements: list[str], values: Mapping[str, Any], path: Path) -> None:
    """Under another name first: a file that has its name is the whole answer."""
    if len(statements) != 1:
        raise BadQuery(f"{len(statements)} queries do not go into one Parquet file")
    if path.exists():
        raise BadQuery(f"{path} exists; name a new file")
    beside = path.absolute().with_name(f".{path.name}.part")
    try:
        with closing(open_records(folder, may_write=beside)) as db:
            _copy(db, statements[0], values, beside)
        durable.rename(beside, path, "parquet")
    finally:
        beside.unlink(missing_ok=True)


def _copy(db: duckdb.DuckDBPyConnection, statement: str, values: Mapping[str, Any], path: Path) -> None:
    try:
        if any(parsed.type != duckdb.StatementType.SELECT for parsed in db.extract_statements(statement)):
            raise BadQuery("only the answer to a SELECT can be written")
        relation = db.sql(statement, params=bound(db, statement, values))
        interruptible(db, lambda: relation.write_parquet(str(path), compression="zstd"))
    except duckdb.Error as cause:
        raise BadQuery(one_line(cause)) from cause
