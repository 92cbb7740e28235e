"""Records of any path as a table for SQL, where no index of them can be: files, bags, parts."""

import tempfile
from pathlib import Path

import duckdb
import orjson

from archive import canonical, durable
from archive.bags.bagcheck import is_bag
from archive.duck import translated_duckdb
from archive.errors import BadQuery
from archive.folder import Layout
from archive.indexes.indexfile import open_index
from archive.questions import question
from archive.releases.release import is_release
from harvester.convertible import Item
from harvester.errors import Unreadable
from harvester.recordsets import in_bag, iter_records, payload


def open_records(path: Path, may_write: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Open what can be asked of a path: its index, or a table `records` that is made of what it holds.

    Raises as `open_index` and `iter_records`; BadQuery where a file cannot be read to its end: half of it would answer
    as if it were all.
    """
    path = payload(path)
    if is_release(path):
        return open_index(path, may_write)
    if Layout(path).description.exists():
        # an index is never made in a bag, whose files its manifests name
        without = in_bag(path) and not Layout(path).index.exists()
        return _loaded(path, may_write) if without else open_index(path, may_write)
    return _loaded(path, may_write) if path.is_file() or is_bag(path) else open_index(path, may_write)


def _loaded(path: Path, may_write: Path | None) -> duckdb.DuckDBPyConnection:
    with tempfile.TemporaryDirectory(prefix="harvester-sql-") as work:
        lines = Path(work, "records.jsonl")
        with durable.translated(lines, "writing"), lines.open("wb") as file:
            longest = 0
            try:
                for number, item in enumerate(iter_records(path), 1):
                    longest = max(longest, file.write(_line(number, item)))
            except Unreadable as error:
                raise BadQuery(f"{path}: {error}") from None
        db = duckdb.connect()
        with translated_duckdb(lines):
            db.execute(question("load_records"), {"path": str(lines), "longest": max(longest + 1, 1 << 24)})
    if may_write is not None:
        db.execute("SET allowed_paths = ?", [[str(may_write)]])
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")
    return db


def _line(number: int, item: Item) -> bytes:
    metadata = None if item.metadata is None else canonical.encode(item.metadata).decode()
    row = {
        "number": number, "identifier": item.identifier or None, "name": item.name,
        "deleted": item.metadata is None and not item.reason, "metadata": metadata, "reason": item.reason or None,
    }  # fmt: skip
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
