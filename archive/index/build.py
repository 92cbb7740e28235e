"""The index of an archive: everything it knows, in one DuckDB file derived from its shards and its ledger.

Deleting it loses nothing. It stores a fingerprint of the state it was built from, and is refused if that has changed.
It is built under a temporary name and renamed when it is whole. `index.lookup`, built with it, finds one record by its
id.
"""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb

from archive.disk import durable, sha256_of
from archive.duck import translated_duckdb
from archive.errors import ArchiveError, Damaged, NotAnArchive, StaleIndex
from archive.index.compare import Difference, differences
from archive.index.file import (
    IndexReport,
    check_index_digest,
    check_size,
    index_digest,
    open_index,
    open_read_only,
    read_counts,
    shards_of,
)
from archive.index.fill import Indexing, Meanwhile, Progress, connect, fill
from archive.index.lookup import index_lookup, ledger_at_rest, put_in_place, write_index_lookup
from archive.index.renewal import NotRenewable, Renewal, plan_renewal
from archive.queries import Queries
from archive.store import Layout, check_lookup, only_one, read_description, read_stamp, snapshot, stamp_digest

_SQL = Queries(__package__)

__all__ = ["IndexReport", "check_index", "check_index_digest", "index", "index_digest", "open_index"]


_AGAIN = "run `harvester index` again"


def index(folder: Path, progress: Progress | None = None, *, full: bool = False) -> IndexReport:
    """Build the index of an archive, also during a harvest: it holds what was counted when it started.

    If there is an index already, only what came since is read, unless `full`. `progress` is called with the records
    read so far and their total. Raises NotAnArchive; Damaged if a shard is not what was written or does not match the
    ledger; Busy if another process builds this index.
    """
    began = time.monotonic()
    layout, description = Layout(folder), read_description(folder)
    with _alone(layout) as work, snapshot(layout) as ledger:
        at_rest = ledger_at_rest(layout)
        stamp = read_stamp(ledger, description["id"])
        renewal = _renewal(layout, ledger, stamp, full)
        read = 0
        if renewal.afresh or not _is_current(layout, stamp, at_rest):
            made, lookup = work / layout.index.name, work / index_lookup(layout).name

            def look_up(db: duckdb.DuckDBPyConnection) -> None:
                write_index_lookup(db, lookup, stamp, at_rest if at_rest == ledger_at_rest(layout) else None)

            with translated_duckdb(made, _AGAIN):
                read = _make(Indexing(layout, ledger, stamp, renewal, work, progress), made, look_up)
            _put_in_place(made, layout)
            put_in_place(lookup, layout)
    with closing(open_read_only(layout.index)) as db:
        counts = read_counts(db)
    size = layout.index.stat().st_size
    return IndexReport(layout.index, *counts, read, size, time.monotonic() - began)


def check_index(folder: Path, progress: Progress | None = None) -> list[Difference]:
    """Rebuild the index of an archive beside the existing one, and list the differences; empty if they are equal.

    Raises as `index` and `open_index`, and Damaged if the bytes of the existing index have changed.
    """
    layout, description = Layout(folder), read_description(folder)
    with _alone(layout) as work, snapshot(layout) as ledger:
        open_index(folder).close()
        check_index_digest(layout)
        made = work / layout.index.name
        renewal = Renewal(tuple(shards_of(ledger)))
        task = Indexing(layout, ledger, read_stamp(ledger, description["id"]), renewal, work, progress)
        with translated_duckdb(made, _AGAIN):
            _make(task, made)
            return differences(layout.index, made, work)


# --- building


@contextmanager
def _alone(layout: Layout) -> Iterator[Path]:
    """Yield an exclusive working folder, emptied of what a killed process left there."""
    if not layout.shards.is_dir():
        raise NotAnArchive(f"{layout.shards} is missing; nothing was harvested into this archive yet")
    work = layout.root / ".index"
    with only_one(layout.shards, f"another process makes the index of {layout.root}; wait for it to end"):
        shutil.rmtree(work, ignore_errors=True)
        durable.make_folder(work)
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _make(task: Indexing, made: Path, meanwhile: Meanwhile | None = None) -> int:
    """Build an index under another name, as `fill`: from the old one if that can be renewed."""
    if not task.renewal.afresh:
        try:
            with durable.translated(made, "copying the index"):
                shutil.copyfile(task.layout.index, made)
            with closing(connect(made, task.work)) as db:
                return fill(db, task, meanwhile)
        except NotRenewable:
            made.unlink(missing_ok=True)
            task = replace(task, renewal=Renewal(tuple(shards_of(task.ledger))))
    with closing(connect(made, task.work)) as db:
        return fill(db, task, meanwhile)


def _renewal(layout: Layout, ledger: sqlite3.Connection, stamp: dict[str, str], full: bool) -> Renewal:
    """Find what has to be read: everything, unless the existing index is intact and of this archive."""
    shards = shards_of(ledger)
    try:
        if not full and layout.index.exists() and check_index_digest(layout):
            for shard in shards:
                check_size(layout, shard)
            return plan_renewal(layout.index, ledger, shards, stamp)
    except (NotRenewable, Damaged, StaleIndex):
        pass
    return Renewal(tuple(shards))


def _is_current(layout: Layout, stamp: dict[str, str], at_rest: str | None) -> bool:
    """Return whether index and lookup match this state of the ledger and can be opened."""
    try:
        with closing(open_index(layout.root)) as db:
            found = dict(db.execute(_SQL["stamp"]).fetchall())
        lookup = check_lookup(index_lookup(layout))
    except ArchiveError:
        return False
    return found == stamp and lookup.about.get("ledger") == at_rest and lookup.about.get("stamp") == stamp_digest(stamp)


def _put_in_place(made: Path, layout: Layout) -> None:
    """Rename the index, then write its digest: an index without one is used, but its bytes cannot be verified."""
    line = f"{sha256_of(made)}  {layout.index.name}\n"
    durable.remove(index_digest(layout))
    durable.rename(made, layout.index, "index")
    durable.write_new(index_digest(layout), line.encode(), "index-digest")
