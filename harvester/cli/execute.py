"""Run SQL so that Ctrl-C ends the query, not the program; parameters are bound, never pasted into the text."""

import json
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import duckdb

from archive.errors import BadQuery

T = TypeVar("T")

_KINDS = duckdb.StatementType
# What writes files, or may be hiding something that does. An index is opened so that there is nothing to write to; a
# release without one is read from its own files, and DuckDB knows no path that may be read and not be written.
_WRITING = (
    _KINDS.COPY,
    _KINDS.EXPORT,
    _KINDS.PREPARE,
    _KINDS.EXECUTE,
    _KINDS.ATTACH,
    _KINDS.LOAD,
    _KINDS.COPY_DATABASE,
)
_WRITING_WORD = re.compile(r"\b(?:copy|export|prepare|execute)\b", re.IGNORECASE)


def execute(db: duckdb.DuckDBPyConnection, statement: str, values: Mapping[str, Any]) -> None:
    """Execute one statement. Raises BadQuery, also for a parameter without a value; KeyboardInterrupt when stopped."""
    try:
        _refuse_writing(db, statement)
        interruptible(db, lambda: db.execute(statement, bound(db, statement, values)))
    except duckdb.Error as cause:
        raise BadQuery(one_line(cause)) from cause


def bound(db: duckdb.DuckDBPyConnection, statement: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `values` that a statement asks for. Raises BadQuery when there is none for one of them."""
    names = {name for parsed in db.extract_statements(statement) for name in parsed.named_parameters}
    if missing := sorted(names - values.keys()):
        raise BadQuery(f"the query has parameters without a value; give it with -p {missing[0]}=VALUE")
    return {name: values[name] for name in sorted(names)}


def interruptible(db: duckdb.DuckDBPyConnection, work: Callable[[], T]) -> T:
    """Do `work` on a connection in a thread: Python sees no Ctrl-C while DuckDB computes in the main one."""
    results: list[T] = []
    errors: list[BaseException] = []
    # not Thread.join: interrupted, that of Python 3.11 takes a thread that runs for one that has ended
    ended = threading.Event()

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:
            errors.append(error)
        finally:
            ended.set()

    threading.Thread(target=run, daemon=True).start()
    try:
        ended.wait()
    except KeyboardInterrupt:
        db.interrupt()
        while not ended.wait(0.05):  # again and again: it is not heard before the query has begun
            db.interrupt()
        raise
    if errors:
        raise errors[0]
    return results[0]


def parameters(words: tuple[str, ...]) -> dict[str, Any]:
    """`name=value` each: a number, true, false, null or a text in quotation marks is that, all else a text as it is.

    Raises BadQuery.
    """
    values: dict[str, Any] = {}
    for word in words:
        name, found, text = word.partition("=")
        if not found or not name.isidentifier():
            raise BadQuery(f"-p {word}: a parameter is NAME=VALUE, and the query says $NAME")
        if values.setdefault(name, _value(text)) != _value(text):
            raise BadQuery(f"-p {word}: ${name} has a value already, {values[name]!r}; name each parameter once")
    return values


def one_line(error: Exception) -> str:
    """What DuckDB says, on one line: what is wrong, and where."""
    return " ".join(line.strip() for line in str(error).splitlines() if line.strip(" ^"))


def _refuse_writing(db: duckdb.DuckDBPyConnection, statement: str) -> None:
    for parsed in db.extract_statements(statement):
        explained = parsed.type == _KINDS.EXPLAIN and _WRITING_WORD.search(statement)  # EXPLAIN ANALYZE does it
        if explained or parsed.type in _WRITING:
            raise BadQuery("only questions are asked here; --csv and --parquet write the answer to one")


def _value(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if value is None or isinstance(value, str | int | float | bool) else text
