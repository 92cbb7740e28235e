"""Indexes that an audit reads: what they know of records counts for as long as the shards are the same."""

from contextlib import closing
from pathlib import Path

import duckdb

from archive.audits.auditreport import Wish
from archive.audits.auditsides import HERE, THERE
from archive.errors import StaleIndex
from archive.folder import Layout, read_description
from archive.indexes.indexfile import open_read_only
from archive.indexes.indexing import check_proofs
from archive.questions import question
from archive.reading import snapshot
from archive.stamp import read_stamp


def useful_indexes(folder: Path, other: Path | None, wish: Wish, *, hashed: bool) -> dict[int, Path]:
    """The indexes that an audit of an archive, against another or not, can use, by their side.

    `hashed`: the target knows digests of what was sent. Raises StaleIndex when the one of the archive, which some
    groups need, is of other records.
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
    """The index, if the records in it are those of the shards; a census, which brings none, may have come since.

    Raises StaleIndex as `archive.index.open_index`, Damaged.
    """
    layout, description = Layout(folder), read_description(folder)
    if not layout.index.exists():
        raise StaleIndex(f"{folder} has no index; make it: harvester index {folder}")
    with snapshot(layout) as ledger:
        expected = read_stamp(ledger, description["id"])
    with closing(open_read_only(layout.index, None)) as db:
        try:
            found = dict(db.execute(question("audit_stamp")).fetchall())
        except duckdb.Error as cause:
            raise StaleIndex(f"{layout.index} cannot be read ({cause}); run `harvester index {folder}`") from cause
        if any(found.get(name) != expected[name] for name in ("index_version", "archive", "shard")):
            raise StaleIndex(f"{folder} has other records than its index; run `harvester index {folder}`")
        check_proofs(db, folder)
    return layout.index


def _has_sets(folder: Path) -> bool:
    """Whether an archive was harvested set by set: then its channels say which set an id is of."""
    with snapshot(Layout(folder)) as ledger:
        return ledger.execute("SELECT 1 FROM channels WHERE set_spec IS NOT NULL LIMIT 1").fetchone() is not None
