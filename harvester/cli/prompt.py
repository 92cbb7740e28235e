"""What can stand where the cursor is: tables, their columns, keywords, names of examples, commands of the prompt."""

import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import duckdb

from archive.errors import ArchiveError, BadQuery
from archive.index import example, examples
from archive.queries import Queries
from harvester.cli.execute import execute, one_line
from harvester.cli.output import cell, print_table, say, table
from harvester.cli.rows import Answer, answer_of, print_answer, table_lines
from harvester.cli.statements import cut, is_blank

_SQL = Queries(__package__)

COMMANDS = (".examples", ".help", ".mode", ".quit", ".run", ".schema", ".tables")
MODES = ("table", "csv", "jsonl")
KEYWORDS = (
    "ALL", "AND", "ANTI", "AS", "ASC", "BETWEEN", "BY", "CASE", "CROSS", "DESC", "DESCRIBE", "DISTINCT", "ELSE", "END",
    "EXCEPT", "EXISTS", "FALSE", "FILTER", "FROM", "GROUP", "HAVING", "ILIKE", "IN", "INNER", "INTERSECT", "IS", "JOIN",
    "LEFT", "LIKE", "LIMIT", "NOT", "NULL", "OFFSET", "ON", "OR", "ORDER", "OVER", "PARTITION", "QUALIFY", "SELECT",
    "SEMI", "SUMMARIZE", "THEN", "TRUE", "UNION", "UNNEST", "USING", "VALUES", "WHEN", "WHERE", "WITH",
    "count", "sum", "min", "max", "avg", "list", "arg_max", "arg_min", "coalesce", "date_trunc", "strftime", "len",
)  # fmt: skip
# after these a table follows
_BEFORE_A_TABLE = re.compile(r"\b(?:from|join|describe|summarize|using sample)\s+$", re.IGNORECASE)
_MOST = 200


@dataclass(frozen=True, slots=True)
class Schema:
    """Tables and views by name, each with its columns in their order."""

    tables: Mapping[str, tuple[tuple[str, str], ...]]


def read_schema(db: duckdb.DuckDBPyConnection) -> Schema:
    """What can be asked in the index."""
    found = db.execute(_SQL["columns"]).fetchall()
    tables: dict[str, list[tuple[str, str]]] = {}
    for name, column, kind in found:
        tables.setdefault(name, []).append((column, kind))
    return Schema({name: tuple(columns) for name, columns in tables.items()})


def candidates(schema: Schema, line: str, word: str) -> list[str]:
    """What `word`, the last one of `line`, can become; in an order a person looks through."""
    before = line[: len(line) - len(word)]
    if not before.strip() and word.startswith("."):
        return _starting(COMMANDS, word)
    if line.startswith("."):
        return _starting(_of_command(schema, before.split()[0]), word)
    if _BEFORE_A_TABLE.search(before):
        return _starting(sorted(schema.tables), word)
    table, dot, _ = word.rpartition(".")
    if dot:
        return _starting((f"{table}.{column}" for column, _ in schema.tables.get(table, ())), word)
    return _starting([*_columns_in(schema, before), *sorted(schema.tables), *KEYWORDS], word)


def _of_command(schema: Schema, command: str) -> Iterable[str]:
    return {".mode": MODES, ".run": examples(), ".schema": sorted(schema.tables)}.get(command, ())


def _columns_in(schema: Schema, line: str) -> list[str]:
    """Those of the tables that a line names, or of all."""
    named = [table for table in schema.tables if re.search(rf"\b{re.escape(table)}\b", line)]
    return sorted({column for table in named or schema.tables for column, _ in schema.tables[table]})


def _starting(words: Iterable[str], prefix: str) -> list[str]:
    """Words in the case of what was typed, where case makes no difference."""
    found = dict.fromkeys(word for word in words if word.lower().startswith(prefix.lower()))
    return [word.lower() if prefix and prefix.islower() else word for word in found][:_MOST]


# lines of history; what a person looks back at
_HISTORY = 2000
# where a word begins for completion: a name with its table is one word, and so is a command
_DELIMITERS = " \t\n,;()[]{}=<>+*/%'\"|!"
_HELP = """\
SELECT …;            a statement of DuckDB's SQL, over as many lines as it takes, up to a semicolon
.tables              what can be asked
.schema TABLE        its columns
.examples            questions with a name
.run NAME            ask one of them
.mode table|csv|jsonl  how answers are printed
.help  .quit         this; leave (Ctrl-D as well)
Ctrl-C ends a query that runs, or forgets what was typed. TAB completes. Nothing is ever written."""


def history_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where statements are remembered: in the user's folder for state (XDG base directories)."""
    state = environment.get("XDG_STATE_HOME", "")
    # a relative path there is to be ignored, says the specification
    folder = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return folder / "harvester" / "sql_history"


class Prompt:
    """A dialogue over an open index; `values` are bound to the parameters of every statement."""

    def __init__(self, db: duckdb.DuckDBPyConnection, values: Mapping[str, Any], form: str, where: str) -> None:
        self._db, self._values, self._form, self._where = db, values, form, where
        self._schema = read_schema(db)
        self._typed = ""

    def run(self) -> None:
        """Ask until the person leaves."""
        say(f"{self._where}, read only. .help says what can be typed, Ctrl-D leaves.", err=True)
        with _Readline(self._schema):
            while self._asked():
                pass

    def _asked(self) -> bool:
        """Whether to go on."""
        try:
            return self._ask()
        except EOFError:
            click.echo()
            return False
        except KeyboardInterrupt:
            click.echo()
            self._typed = ""
            return True

    def _ask(self) -> bool:
        line = input("harvester> " if not self._typed else "      ...> ")
        if not self._typed and line.lstrip().startswith("."):
            return self._command(line.split())
        self._typed += line + "\n"
        done = cut(self._typed)
        self._typed = "" if is_blank(done.rest) else done.rest
        for statement in done.statements:
            if not is_blank(statement) and not self._answer(statement):
                break
        return True

    def _answer(self, statement: str) -> bool:
        """Whether it could be answered; an error is one line, and the dialogue goes on."""
        try:
            execute(self._db, statement, self._values)
            self._print(answer_of(self._db))
        except duckdb.Error as error:
            say(f"error: {cell(one_line(error)).plain}", err=True)
        except ArchiveError as error:
            say(f"error: {cell(str(error)).plain}", err=True)
        else:
            return True
        return False

    def _print(self, answer: Answer) -> None:
        if self._form != "table":
            print_answer(answer, self._form)
            sys.stdout.flush()
            return
        show(table_lines(answer))

    def _command(self, words: list[str]) -> bool:
        match words:
            case [".quit" | ".exit"]:
                return False
            case [".help"]:
                click.echo(_HELP)
            case [".tables"]:
                show(_tables(self._schema))
            case [".schema", name] if name in self._schema.tables:
                show(_column_lines(self._schema, name))
            case [".examples"]:
                print_examples()
            case [".mode", mode] if mode in MODES:
                self._form = mode
            case [".run", name]:
                self._run(name)
            case _:
                say(f"error: {cell(' '.join(words)).plain} is no command here; .help names them", err=True)
        return True

    def _run(self, name: str) -> None:
        try:
            asked = example(name)
        except BadQuery as error:
            say(f"error: {cell(str(error)).plain}", err=True)
            return
        click.echo(asked.sql.rstrip())
        self._answer(asked.sql)


def show(lines: list[str]) -> None:
    """Lines on stdout; through $PAGER where that is a terminal and they do not fit on it."""
    columns, rows = shutil.get_terminal_size()
    if sys.stdout.isatty() and (len(lines) >= rows or any(len(line) > columns for line in lines)):
        # long lines are cut and can be scrolled, as a table has to be
        os.environ.setdefault("LESS", "-FSX")
        click.echo_via_pager("\n".join(lines), color=False)
    else:
        say("\n".join(lines))


def print_examples() -> None:
    """Names and titles of the examples."""
    made = table("name", "question")
    for one in examples().values():
        made.add_row(cell(one.name), cell(one.title))
    print_table(made)


def _tables(schema: Schema) -> list[str]:
    rows = ((name, ", ".join(column for column, _ in columns)) for name, columns in schema.tables.items())
    return table_lines(Answer([("table", "VARCHAR"), ("columns", "VARCHAR")], iter(rows)))


def _column_lines(schema: Schema, name: str) -> list[str]:
    return table_lines(Answer([("column", "VARCHAR"), ("type", "VARCHAR")], iter(schema.tables[name])))


class _Readline:
    """History and completion for `input`, put back as they were; without the readline module there are none."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._path = history_file()
        self._found: list[str] = []

    def __enter__(self) -> None:
        try:
            import readline
        except ImportError:
            return
        self._before = (readline.get_completer(), readline.get_completer_delims())
        readline.set_completer(self._complete)
        readline.set_completer_delims(_DELIMITERS)
        # libedit, which macOS has in its place, has another language
        libedit = "libedit" in (readline.__doc__ or "")
        readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
        readline.set_history_length(_HISTORY)
        readline.clear_history()
        try:
            readline.read_history_file(self._path)
        except OSError:
            pass  # there is none yet

    def __exit__(self, *_: object) -> None:
        try:
            import readline
        except ImportError:
            return
        completer, delimiters = self._before
        readline.set_completer(completer)
        readline.set_completer_delims(delimiters)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # queries are nobody else's: the file is made before there is anything in it
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
            readline.write_history_file(self._path)
        except OSError as error:
            say(f"harvester: the history could not be kept: {error}", err=True)

    def _complete(self, word: str, state: int) -> str | None:
        import readline

        if state == 0:
            line = readline.get_line_buffer()[: readline.get_endidx()]
            self._found = candidates(self._schema, line, word)
        return self._found[state] if state < len(self._found) else None
