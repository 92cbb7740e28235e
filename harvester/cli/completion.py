"""What can stand where the cursor is: tables, their columns, keywords, names of examples, commands of the prompt."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from archive.indexes.examples import examples

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
    found = db.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal "
        "ORDER BY table_name, column_index"
    ).fetchall()
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
    return _starting([*_columns(schema, before), *sorted(schema.tables), *KEYWORDS], word)


def _of_command(schema: Schema, command: str) -> Iterable[str]:
    return {".mode": MODES, ".run": examples(), ".schema": sorted(schema.tables)}.get(command, ())


def _columns(schema: Schema, line: str) -> list[str]:
    """Those of the tables that a line names, or of all."""
    named = [table for table in schema.tables if re.search(rf"\b{re.escape(table)}\b", line)]
    return sorted({column for table in named or schema.tables for column, _ in schema.tables[table]})


def _starting(words: Iterable[str], prefix: str) -> list[str]:
    """Words in the case of what was typed, where case makes no difference."""
    found = dict.fromkeys(word for word in words if word.lower().startswith(prefix.lower()))
    return [word.lower() if prefix and prefix.islower() else word for word in found][:_MOST]
