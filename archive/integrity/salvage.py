"""Salvage rows of a damaged ledger: everything still readable in each table, and which tables were read to their end.

SQLite stops at the first page it cannot read; here reading continues after it. If the first page, which says where each
table begins, is gone, that of an empty ledger replaces it: all ledgers are created in the same order.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from archive.queries import Queries

_SQL = Queries(__package__)

_PAGE_BYTES = 4096
# every row of a table, with its share of a page, is larger than this
_ROW_BYTES_LEAST = 4
_TYPES: dict[str, tuple[type, ...]] = {"INTEGER": (int,), "TEXT": (str,), "REAL": (float, int)}
_UNREADABLE = (sqlite3.DatabaseError, UnicodeDecodeError, OverflowError)
# SQLite's messages for disk errors, which must not be taken for damage
_DISK = ("I/O", "full", "unable to open", "out of memory")


@dataclass(frozen=True, slots=True)
class Salvaged:
    """What was read: the number of rows by table, and the tables of which nothing seems to be missing."""

    rows: dict[str, int]
    whole: frozenset[str]

    @property
    def complete(self) -> bool:
        return self.whole == frozenset(self.rows)


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class _Table:
    """A table as this software creates it; `numbered`: its rows have numbers (rowid) by which they can be reached."""

    name: str
    columns: tuple[_Column, ...]
    key: tuple[str, ...]
    numbered: bool

    def fits(self, row: tuple[object, ...]) -> bool:
        """Return whether the values can be those of a row: a damaged page may read as something else."""
        return all(
            not column.required if value is None else isinstance(value, _TYPES[column.type])
            for value, column in zip(row, self.columns, strict=True)
        )


def salvage_rows(damaged: Path, into: Path, model: Path) -> Salvaged:
    """Copy the readable rows of `damaged` into the new file `into`, in plain tables of the same names.

    `damaged` is a copy that may be changed, its write-ahead log beside it; `model` an empty ledger.
    """
    rows, whole = {}, set()
    with closing(_opened(damaged, model)) as source, closing(sqlite3.connect(into, isolation_level=None)) as target:
        target.execute("PRAGMA synchronous = OFF")
        most = max(damaged.stat().st_size, 1) // _ROW_BYTES_LEAST + 1
        for table in _tables(model):
            reader = _Reader(source, table, most)
            names = ", ".join(f'"{column.name}"' for column in table.columns)
            keys = ", ".join(f'"{name}"' for name in table.key)
            target.execute(f"CREATE TABLE {table.name} ({names}, PRIMARY KEY ({keys}))")
            marks = ", ".join("?" * len(table.columns))
            target.execute("BEGIN")
            target.executemany(f"INSERT OR IGNORE INTO {table.name} VALUES ({marks})", reader)
            rows[table.name] = int(target.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0])
            target.execute("COMMIT")
            if reader.whole and rows[table.name] == reader.count:
                whole.add(table.name)
    return Salvaged(rows, frozenset(whole))


# --- helpers


def _opened(damaged: Path, model: Path) -> sqlite3.Connection:
    # SQLite reads the missing part of a torn page as zeros, and so a row in it as another one
    with damaged.open("r+b") as file:
        file.truncate(damaged.stat().st_size // _PAGE_BYTES * _PAGE_BYTES)
    for replace_first_page in (False, True):
        if replace_first_page:
            _replace_first_page(damaged, model)
        db = sqlite3.connect(damaged, isolation_level=None)
        try:
            # a truncated file is read as far as it goes
            db.execute("PRAGMA writable_schema = ON")
            if db.execute(_SQL["salvage_table_count"]).fetchone()[0]:
                return db
        except _UNREADABLE as error:
            _check_disk(error)
        db.close()
    return sqlite3.connect(":memory:")


def _check_disk(error: Exception) -> None:
    """Raise the error again if it is the disk's."""
    if any(words in str(error) for words in _DISK):
        raise error


def _replace_first_page(damaged: Path, model: Path) -> None:
    """Write the first page of an empty ledger, with the size of this file (SQLite's file format, section 1.3)."""
    page = bytearray(model.read_bytes()[:_PAGE_BYTES])
    page[28:32] = (damaged.stat().st_size // _PAGE_BYTES).to_bytes(4, "big")
    page[32:40] = bytes(8)
    with damaged.open("r+b") as file:
        file.write(page)


def _tables(model: Path) -> Iterator[_Table]:
    with closing(sqlite3.connect(model)) as db:
        for name, numbered in db.execute(_SQL["salvage_tables"]).fetchall():
            info = db.execute(_SQL["salvage_keys"], (name,)).fetchall()
            columns = tuple(_Column(column, type_, bool(required)) for column, type_, required, _ in info)
            key = tuple(column for place, column in sorted((place, column) for column, _, _, place in info) if place)
            yield _Table(name, columns, key, bool(numbered) and len(key) == 1)


class _Reader:
    """Iterates over the rows of one table; afterwards `whole` says whether nothing was skipped."""

    def __init__(self, source: sqlite3.Connection, table: _Table, most: int) -> None:
        self._source, self._table, self._most = source, table, most
        self.whole, self.count = True, 0
        self._names = ""

    def __iter__(self) -> Iterator[tuple[object, ...]]:
        try:
            info = self._source.execute(_SQL["salvage_columns"], (self._table.name,))
            has = {name for (name,) in info}
        except _UNREADABLE as error:
            _check_disk(error)
            has = set()
        if not has:
            self.whole = False
            return
        self._names = ", ".join(f'"{c.name}"' if c.name in has else "NULL" for c in self._table.columns)
        for row in self._by_number() if self._table.numbered else self._from_both_ends():
            if self._table.fits(row):
                self.count += 1
                yield row
            else:
                self.whole = False

    def _by_number(self) -> Iterator[tuple[object, ...]]:
        last = 0
        while True:
            try:
                for number, *row in self._rows(last):
                    if not last < number <= self._most:
                        raise sqlite3.DatabaseError("numbers that do not rise")
                    last = number
                    yield tuple(row)
                return
            except _UNREADABLE as error:
                _check_disk(error)
                self.whole = False
            following = self._next_readable(last)
            if following is None:
                return
            last = following - 1

    def _rows(self, after: int) -> Iterator[tuple[int, ...]]:
        return self._source.execute(
            f"SELECT rowid, {self._names} FROM {self._table.name} NOT INDEXED WHERE rowid > ? ORDER BY rowid", (after,)
        )

    def _next_readable(self, last: int) -> int | None:
        """Find a number after the unreadable rows from which on rows can be read; None if there is none."""
        bad, step = last + 1, 1
        while (good := bad + step) <= self._most:
            found = self._readable(good)
            if found is None:
                return None
            if found:
                break
            step *= 2
        else:
            return None
        while bad + 1 < good:
            middle = (bad + good) // 2
            if self._readable(middle):
                good = middle
            else:
                bad = middle
        return good

    def _readable(self, number: int) -> bool | None:
        """Return whether the first row from this number on can be read; None if there is no row."""
        try:
            row = next(self._rows(number - 1), None)
        except _UNREADABLE as error:
            _check_disk(error)
            return False
        return None if row is None else number <= row[0] <= self._most

    def _from_both_ends(self) -> Iterator[tuple[object, ...]]:
        for direction in ("ASC", "DESC"):
            order = ", ".join(f'"{name}" {direction}' for name in self._table.key)
            try:
                rows = self._source.execute(f"SELECT {self._names} FROM {self._table.name} ORDER BY {order}")
                yield from rows
                return
            except _UNREADABLE as error:
                _check_disk(error)
                self.whole = False
