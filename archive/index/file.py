"""The index file of an archive or a release: open it, and refuse one that is of another state."""

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import duckdb

from archive.disk import sha256_of
from archive.duck import MEMORY_LIMIT
from archive.errors import Damaged, StaleIndex
from archive.index.fill import check_proofs
from archive.queries import Queries
from archive.releases import INDEX, MANIFEST, is_release, read_manifest
from archive.store import INDEX_VERSION, Layout, ShardToRead, read_description, read_stamp, snapshot

_SQL = Queries(__package__)
_STORE_SQL = Queries("archive.store")

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "memory_limit": MEMORY_LIMIT,
    "python_enable_replacements": False,
}
_CLOSED: dict[str, bool] = {"enable_external_access": False, "lock_configuration": True}


class Counts(NamedTuple):
    """Rows of an index: `harvested` counts every copy in the shards, `versions` and `records` each one once."""

    records: int
    versions: int
    harvested: int
    outcomes: int
    shards: int


@dataclass(frozen=True, slots=True)
class IndexReport:
    """The size of an index: `harvested` counts every copy in the shards, `versions` and `records` each one once.

    `read` is the number of records read in this run.
    """

    path: Path
    records: int
    versions: int
    harvested: int
    outcomes: int
    shards: int
    read: int
    size_bytes: int
    seconds: float


def open_index(folder: Path, may_write: Path | None = None, *, strict: bool = False) -> duckdb.DuckDBPyConnection:
    """Open the index read-only; a query can reach nothing but the index, and the file `may_write`.

    A release without an index beside it is queried through its own files. An index that lacks only censuses is opened
    unless `strict`: a census brings no record. Raises NotAnArchive; StaleIndex if there is no index or it was built
    from other shards or another ledger; Damaged if it does not hold what it was built from.
    """
    if is_release(folder):
        return open_release(folder, may_write)
    layout, description = Layout(folder), read_description(folder)
    if not layout.index.exists():
        raise StaleIndex(f"{folder} has no index; make it: harvester index {folder}")
    with snapshot(layout) as ledger:
        expected, shards = read_stamp(ledger, description["id"]), shards_of(ledger)
        censuses = _censuses(ledger)
    for shard in shards:
        check_size(layout, shard)
    db = open_read_only(layout.index, may_write)
    try:
        found = _stamp_of(db, folder)
        if strict or not _brings_no_record(found, expected, censuses):
            _compare(found, expected, folder)
        check_proofs(db, folder)
    except BaseException:
        db.close()
        raise
    return db


def check_current(folder: Path) -> None:
    """Check that the index of an archive has all that its ledger has. Raises as `open_index`."""
    open_index(folder, strict=True).close()


def release_index(folder: Path) -> Path:
    """Return the path of the index of a release: beside it, because a release is never changed."""
    return folder.absolute().with_name(f"{folder.absolute().name}.duckdb")


def release_stamp(folder: Path) -> dict[str, str]:
    """Return the fingerprint of an index of this release, by name."""
    return {"index_version": str(INDEX_VERSION), "manifest": sha256_of(folder / MANIFEST)}


def open_release(folder: Path, may_write: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Open the index of a release like `open_index`.

    Without one there are only `records`, with the columns of index.parquet, and `shard_records`.
    """
    read_manifest(folder)
    if not (path := release_index(folder)).exists():
        return _open_files(folder.absolute(), may_write)
    db = open_read_only(path, may_write)
    try:
        _compare(_stamp_of(db, folder), release_stamp(folder), folder)
        check_proofs(db, folder)
    except BaseException:
        db.close()
        raise
    return db


def _open_files(folder: Path, may_write: Path | None) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect(config={**_CONFIG})
    db.execute(_SQL["release_views"].format(path=str(folder / INDEX).replace("'", "''")))
    db.execute(_SQL["shard_records"])
    db.execute("SET allowed_directories = ?", [[f"{folder}/"]])
    if may_write is not None:
        db.execute("SET allowed_paths = ?", [[str(may_write)]])
    for name, value in _CLOSED.items():
        db.execute(f"SET {name} = {value}")
    return db


def read_counts(db: duckdb.DuckDBPyConnection) -> Counts:
    """Return the counts of an index."""
    [counts] = db.execute(_SQL["index_counts"]).fetchall()
    return Counts(*counts)


def index_digest(layout: Layout) -> Path:
    """Return the path of the SHA-256 of the index."""
    return layout.index.with_name(f"{layout.index.name}.sha256")


def check_index_digest(layout: Layout) -> bool:
    """Return whether the index has a digest. Raises Damaged if it has one that does not match."""
    path = index_digest(layout)
    if not path.exists():
        return False
    if path.read_bytes() != f"{sha256_of(layout.index)}  {layout.index.name}\n".encode():
        raise Damaged(
            f"{layout.index} does not match {path.name}: bytes were changed since it was made; nothing is lost, make "
            f"it again: harvester index {layout.root}"
        )
    return True


def shards_of(ledger: sqlite3.Connection) -> list[ShardToRead]:
    """List the shards with records that count."""
    return [
        ShardToRead(number, name, state == "sealed", *rest)
        for number, name, state, *rest in ledger.execute(_STORE_SQL["shards_to_read"])
    ]


def _stamp_of(db: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, str]:
    try:
        return dict(db.execute(_SQL["stamp"]).fetchall())
    except duckdb.Error as cause:
        raise StaleIndex(f"{folder}: index.duckdb cannot be read ({cause}); run `harvester index {folder}`") from cause


def _censuses(ledger: sqlite3.Connection) -> frozenset[int]:
    return frozenset(run for (run,) in ledger.execute(_SQL["census_runs"]))


def _brings_no_record(found: dict[str, str], expected: dict[str, str], censuses: frozenset[int]) -> bool:
    """Return whether all runs that the index lacks are censuses, and the others are unchanged."""
    if any(found.get(name) != expected[name] for name in ("index_version", "archive", "shard")):
        return False
    before, after = ({run: rest for run, *rest in json.loads(stamp.get("run", "[]"))} for stamp in (found, expected))
    changed = {run for run, rest in after.items() if before.get(run) != rest}
    return before.keys() <= after.keys() and bool(changed) and changed <= censuses


def _compare(found: dict[str, str], expected: dict[str, str], folder: Path) -> None:
    names = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if names:
        raise StaleIndex(
            f"{folder}: the archive has changed since its index was made ({', '.join(names)}); "
            f"run `harvester index {folder}`"
        )


def check_size(layout: Layout, shard: ShardToRead) -> None:
    """Check that a shard exists and is as long as the ledger says; one that is being written may be longer.

    Raises StaleIndex otherwise.
    """
    path = layout.shard(shard.name, sealed=shard.sealed)
    size = path.stat().st_size if path.exists() else None
    if size is None or size < shard.believed or (shard.sealed and size != shard.believed):
        raise StaleIndex(
            f"{path} is {'missing' if size is None else f'{size} bytes long'}, the index was made of {shard.believed} "
            f"bytes; run `harvester verify {layout.root}`, then `harvester index {layout.root}`"
        )


def open_read_only(path: Path, may_write: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file so that a query can reach nothing else but `may_write`. Raises StaleIndex."""
    try:
        if may_write is None:
            return duckdb.connect(path, read_only=True, config={**_CONFIG, **_CLOSED})
        db = duckdb.connect(path, read_only=True, config={**_CONFIG})
        # DuckDB accepts this only after it has started, and not once external access is disabled
        db.execute("SET allowed_paths = ?", [[str(may_write)]])
        for name, value in _CLOSED.items():
            db.execute(f"SET {name} = {value}")
    except duckdb.Error as cause:
        raise StaleIndex(f"{path} cannot be opened ({cause}); run `harvester index {path.parent}`") from cause
    return db
