"""index.lookup: the place of each version that an archive holds, found by its id without DuckDB or SQLite.

It is built with index.duckdb, from it and for the same state of the ledger. Deleting it loses nothing.
"""

from pathlib import Path

import duckdb

from archive.disk import durable
from archive.errors import Damaged
from archive.queries import Queries
from archive.store import (
    Layout,
    LookupWriter,
    check_current,
    check_lookup,
    read_description,
    read_stamp,
    snapshot,
    stamp_digest,
)

_SQL = Queries(__package__)

_FETCHED = 10_000


def index_lookup(layout: Layout) -> Path:
    """Return the path of the lookup of an archive."""
    return layout.index.with_name("index.lookup")


def ledger_at_rest(layout: Layout) -> str | None:
    """Return the SHA-256 of the ledger as it was closed; None during a harvest, or after one was killed."""
    try:
        return layout.ledger_digest.read_text().split()[0]
    except (OSError, UnicodeDecodeError, IndexError):
        return None


def write_index_lookup(db: duckdb.DuckDBPyConnection, path: Path, stamp: dict[str, str], at_rest: str | None) -> None:
    """Write the lookup of an index.

    A key is an identifier, its local id, or a DOI. `stamp` is the fingerprint of the index; `at_rest` the SHA-256 of
    the ledger, if it was the same before and after the index was built.
    """
    names = [name for (name,) in db.execute(_SQL["index_shard_names"]).fetchall()]
    numbers = {name: number for number, name in enumerate(names)}
    latest = [[numbers[name], *place] for name, *place in db.execute(_SQL["index_latest"]).fetchall()]
    about = {"archive": stamp["archive"], "stamp": stamp_digest(stamp), "ledger": at_rest, "latest": latest}
    writer = LookupWriter(path, names, about)
    try:
        rows = db.execute(_SQL["index_places"])
        while fetched := rows.fetchmany(_FETCHED):
            for *keys, name, offset, length, position in fetched:
                for key in dict.fromkeys(filter(None, keys)):
                    writer.add(key, numbers[name], offset, length, position)
        writer.finish()
    finally:
        writer.close()


def put_in_place(made: Path, layout: Layout) -> None:
    """Rename the lookup to its final name."""
    durable.rename(made, index_lookup(layout), "index-lookup")


def check_index_lookup(layout: Layout) -> None:
    """Read the whole lookup of an archive. Raises Damaged; StaleIndex if it is of another state of the archive."""
    try:
        lookup = check_lookup(index_lookup(layout))
    except Damaged as error:
        raise Damaged(f"{error}; nothing is lost, make it again: harvester index {layout.root}") from error
    with snapshot(layout) as ledger:
        check_current(lookup.about, read_stamp(ledger, read_description(layout.root)["id"]), layout.root)
