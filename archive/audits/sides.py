"""The two sides of an audit, in DuckDB: what ledgers, lists of ids and releases say of each id, one row an id.

Channels are compared by a name without their kind ("oai_dc", "oai_dc:SET"), by a format, or by "" for everything.
What an index says of records is used only while the shards are unchanged.
"""

import csv
import itertools
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import duckdb

from archive.audits.idfiles import GONE_STATES, TRUE_WORDS, WantedId, iter_ids, parquet_columns
from archive.audits.result import Wish
from archive.disk import translated
from archive.duck import translated_duckdb, working_database
from archive.errors import BadIdFile, StaleIndex
from archive.index import check_proofs, copy_ledger, open_read_only
from archive.queries import Queries
from archive.store import Layout, newest_of, read_description, read_looks, read_stamp, snapshot

_SQL = Queries(__package__)
_INDEX_SQL = Queries("archive.index")

# memory of DuckDB on a machine with 24 GiB: a larger join goes to the disk
MEMORY_LIMIT = "1500MB"
# ids in one temporary file
BATCH_ROWS = 500_000
# rows of both sides that are compared at once, so that their join fits into memory
PART_ROWS = 32_000_000
HERE, THERE = 0, 1
# ids are compared by channel, by format, all together, or all together by their local parts
CHANNEL, FORMAT, IDENTIFIER, LOCAL = "channel", "format", "identifier", "local"


class Sides:
    """Both sides, loaded into a database in a folder; `by` is what is compared."""

    def __init__(self, work: Path, by: str) -> None:
        self.work, self.by = work, by
        self.db = working_database(work / "audit.duckdb", MEMORY_LIMIT)
        self.db.execute("SET TimeZone = 'UTC'")
        self._said: dict[str, bool | int] = {}
        self._say(
            keyed=by == LOCAL,
            parts=1,
            part=0,
            finished=True,
            days=True,
            odds=True,
            stamped=True,
            by_window=False,
            only_newer=False,
        )
        self.db.execute(_SQL["audit_tables"])
        self._names: dict[str, int] = {}
        self._ledgers: list[Path] = []

    def _say(self, **variables: bool | int) -> None:
        self._said |= variables
        _set(self.db, variables)

    # --- names

    def _name(self, text: str, set_spec: str | None = None, since: str | None = None) -> int:
        """Return the number of a name; the last harvest counts if several channels have it."""
        if text not in self._names:
            self._names[text] = len(self._names)
            self.db.execute(_SQL["audit_add_name"], [self._names[text], text, set_spec])
        if since is not None:
            self.db.execute(
                _SQL["audit_name_since"],
                {"since": since, "name": self._names[text]},
            )
        return self._names[text]

    def _name_channels(self, ledger: sqlite3.Connection, number: int, formats: Sequence[str] | None) -> None:
        for channel, name, format_, set_spec, since in ledger.execute(_SQL["audit_channels"]).fetchall():
            if formats is not None and format_ not in formats:
                continue
            by = {CHANNEL: name.partition(":")[2], FORMAT: format_}.get(self.by, "")
            known = self._name(by, set_spec if self.by == CHANNEL else None, since if number == HERE else None)
            self.db.execute(_SQL["audit_add_channel"], [number, channel, known])

    # --- loading a side

    def add_ledger(
        self,
        layout: Layout,
        side_of: Callable[[int, str], int | None],
        formats: Sequence[str] | None = None,
        *,
        windows: bool = False,
    ) -> None:
        """Add the runs of a ledger, each on the side that `side_of` returns for its number and mode (None: on neither).

        Only of these formats, None: of all. `windows`: they can be grouped by window.
        """
        number = len(self._ledgers)
        self._ledgers.append(layout.root)
        with snapshot(layout) as ledger:
            self._name_channels(ledger, number, formats)
            runs = [(int(run), side_of(run, mode)) for run, mode in ledger.execute(_SQL["audit_runs"])]
        sides = {run: side for run, side in runs if side is not None}
        copy_ledger(
            db=self.db,
            layout=layout,
            ledger=number,
            sides=sides,
            skipped=[run for run, side in runs if side is None],
            work=self.work,
            windows=windows,
        )

    def add_ids(self, path: Path) -> None:
        """Add the ids of a file. Raises BadIdFile as `iter_ids`."""
        name = self._name("")
        if path.suffix.lower() == ".parquet":
            self._add_parquet(path, name)
            return
        rows = _rows(iter_ids(path))
        for number in itertools.count():
            spill = self.work / f"ids-{number}"
            with translated(spill, "writing"), spill.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                batch = list(itertools.islice(rows, BATCH_ROWS))
                writer.writerows(batch)
            if batch:
                self.db.execute(_SQL["audit_load_ids"], {"path": str(spill), "name": name})
            spill.unlink()
            if len(batch) < BATCH_ROWS:
                return

    def _add_parquet(self, path: Path, name: int) -> None:
        """Let DuckDB read the file; only the names of its columns have to be found."""
        columns = parquet_columns(path)
        words = {"true_words": list(TRUE_WORDS), "gone_states": list(GONE_STATES)}
        self.db.execute(
            _SQL["audit_load_parquet"],
            {"path": str(path), "name": name, **words}
            | {f"{word}_column": column or "none of these" for word, column in columns.items()},
        )
        row = self.db.execute(_SQL["audit_nameless"]).fetchone()
        if row is not None:
            raise BadIdFile(f"{path}, row {row[0] + 1}: no id in the column {columns['id']}")

    def add_release(self, index: Path, formats: Iterable[str]) -> None:
        """Add the records of a release, from its index."""
        for format_ in formats:
            self._name(format_)
        self.db.execute(_SQL["audit_load_release"], {"path": str(index)})

    def add_index(self, index: Path, side: int) -> None:
        """Add what a current index knows of the records on a side."""
        self.db.execute("ATTACH $path AS known (READ_ONLY)", {"path": str(index)})
        self.db.execute(_SQL["audit_items"], {"side": side})
        self.db.execute("DETACH known")

    # --- one row an id

    def settle(self, *, finished: bool, own: bool, stamped: bool, only_newer: bool, by_window: bool) -> None:
        """Reduce both sides to one row an id.

        `finished`: all of the target is known; `own`: the archive's ledger is its own target; `stamped`: the datestamps
        of what is deleted there can be compared; `only_newer`: datestamps differ only if the one there is later.
        """
        days, odds = self.db.execute(_SQL["audit_kinds"]).fetchone() or (False, False)
        self._say(
            finished=finished,
            stamped=stamped,
            days=bool(days),
            odds=bool(odds),
            by_window=by_window,
            only_newer=only_newer,
        )
        for _ in self._parts():
            self.db.execute(_SQL["audit_several"])
        if self.count(_SQL["audit_several_count"]):
            self._choose()
            self.db.execute(_SQL["audit_sides"])
            self.db.execute(_SQL["audit_twice"])
        else:
            self.db.execute(_SQL["audit_sides_once"])
        if own:
            self.db.execute(_SQL["audit_own"])
        self.db.execute(_SQL["audit_paired"])

    def _choose(self) -> None:
        """Find the ids whose latest state is not that of their last copy."""
        with ExitStack() as stack:
            ledgers = [stack.enter_context(snapshot(Layout(folder))) for folder in self._ledgers]
            looks = [read_looks(ledger) for ledger in ledgers]
            in_turn = all(look.in_turn for look in looks)
            for number, side, outcomes in self.db.execute(_SQL["audit_doubtful"], {"in_turn": in_turn}).fetchall():
                outcome = newest_of(ledgers[number], looks[number], outcomes)
                if outcome != outcomes[-1]:
                    self.db.execute(_SQL["audit_choose"], [side, outcome])

    def compare(self) -> None:
        """Find the mark of every id; those that differ go into a table, all are in the view `every`."""
        for _ in self._parts():
            self.db.execute(_SQL["audit_compare"])
        self.db.execute(_SQL["audit_marked"])
        if self.count(_SQL["audit_target_digests"]):
            self.db.execute(_SQL["audit_digests"])
        self.db.execute(_SQL["audit_every"])

    def _parts(self) -> Iterator[int]:
        """Set the partition that the views expose, one after another, and then all of them."""
        rows = self.count(_SQL["audit_rows_to_compare"])
        parts = 1 + rows // PART_ROWS
        for part in range(parts):
            self._say(parts=parts, part=part)
            yield part
        self._say(parts=1, part=0)

    def rows(self, name: str, parameters: dict[str, Any] | None = None) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query, a few thousand in memory."""
        with translated_duckdb(self.work):
            cursor = self.db.cursor()
            _set(cursor, self._said)
            found = cursor.execute(_SQL[name], parameters)
            while batch := found.fetchmany(10_000):
                yield from batch

    def count(self, query: str) -> int:
        """Return the single number of a query."""
        row = self.db.execute(query).fetchone()
        assert row is not None
        return int(row[0])


def _set(db: duckdb.DuckDBPyConnection, variables: Mapping[str, bool | int]) -> None:
    """Set the variables of the views, which are per connection."""
    for name, value in variables.items():
        db.execute(f"SET VARIABLE {name} = ?", [value])


def _rows(ids: Iterable[WantedId]) -> Iterator[tuple[str, str | None, bool | None, str | None, int]]:
    for place, wanted in enumerate(ids):
        yield wanted.identifier, wanted.datestamp, wanted.deleted, wanted.sha256, place


def useful_indexes(folder: Path, other: Path | None, wish: Wish, *, hashed: bool) -> dict[int, Path]:
    """Return the indexes that an audit can use, by side.

    `hashed`: the target has digests of what was sent. Raises StaleIndex if the index of the archive, which some groups
    need, is of other records.
    """
    found = {}
    needed = bool({"year", "type"} & set(wish.by)) or ("set" in wish.by and not _has_sets(folder))
    for side, archive in ((HERE, folder), (THERE, other)):
        useful = needed or other is not None or hashed or "set" in wish.by
        if archive is None or not useful:
            continue
        try:
            found[side] = index_of_records(archive)
        except StaleIndex:
            if needed and side == HERE:
                raise
    return found


def index_of_records(folder: Path) -> Path:
    """Return the index, if its records are those of the shards; a census, which brings none, may have run since.

    Raises StaleIndex as `archive.index.open_index`, Damaged.
    """
    layout, description = Layout(folder), read_description(folder)
    if not layout.index.exists():
        raise StaleIndex(f"{folder} has no index; make it: harvester index {folder}")
    with snapshot(layout) as ledger:
        expected = read_stamp(ledger, description["id"])
    with closing(open_read_only(layout.index, None)) as db:
        try:
            found = dict(db.execute(_INDEX_SQL["stamp"]).fetchall())
        except duckdb.Error as cause:
            raise StaleIndex(f"{layout.index} cannot be read ({cause}); run `harvester index {folder}`") from cause
        if any(found.get(name) != expected[name] for name in ("index_version", "archive", "shard")):
            raise StaleIndex(f"{folder} has other records than its index; run `harvester index {folder}`")
        check_proofs(db, folder)
    return layout.index


def _has_sets(folder: Path) -> bool:
    """Return whether an archive was harvested set by set: then its channels say which set an id is in."""
    with snapshot(Layout(folder)) as ledger:
        return ledger.execute(_SQL["audit_has_sets"]).fetchone() is not None
