"""Open whatever a path names that holds records: archives, releases, bags of them, and files made by other software.

Where no index of the records can exist (files, bags, parts) they are loaded into a table for SQL.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import orjson

from archive.bags import is_bag
from archive.crosswalks import iso2709
from archive.disk import durable, translated
from archive.duck import translated_duckdb
from archive.errors import ArchiveError, BadQuery, NotAnArchive
from archive.findings import Problem, VerifyReport
from archive.formats import canonical
from archive.index import open_index
from archive.profiles import iter_live
from archive.queries import Queries
from archive.releases import (
    DEAD,
    ENVELOPE,
    INDEX,
    MANIFEST,
    Contents,
    Manifest,
    Selection,
    is_release,
    iter_entries,
    iter_index,
    iter_texts,
    make_plan,
    open_contents,
    read_manifest,
)
from archive.store import Layout, snapshot
from harvester.errors import Unreadable, UsageError
from harvester.inputs.convertible import Item, item_of, item_of_text, iter_items
from harvester.inputs.opening import is_shard, opened

_SQL = Queries(__package__)


def payload(path: Path) -> Path:
    """Resolve a path: a manifest or description to its folder, and a bag of ours to its data."""
    if path.name in (MANIFEST, "archive.json") and path.is_file():
        path = path.parent
    data = path / "data"
    if path.is_dir() and not _is_ours(path) and is_bag(path) and _is_ours(data):
        return data
    return path


def iter_records(path: Path) -> Iterator[Item]:
    """Iterate over the records of anything.

    Of an archive: the latest version of each live record, by its index; of a release or a delta: all of its records and
    tombstones, verified against its index; of a bag: those of its data. Raises UsageError if it has no records,
    Unreadable if it cannot be read any further.
    """
    path = payload(path)
    if not path.is_dir():
        yield from _of_file(path)
    elif Layout(path).description.exists():
        without = in_bag(path) and not Layout(path).index.exists()
        yield from _of_archive(path) if without else map(item_of, iter_live(path))
    elif is_release(path):
        yield from _of_release(path)
    elif is_bag(path):
        yield from _of_folder(path / "data")
    else:
        raise UsageError(
            f"{path} is neither an archive nor a release nor a bag of records; name the files in it one by one"
        )


def in_bag(path: Path) -> bool:
    """Return whether a folder is the data of a bag, where nothing may be written."""
    folder = path.resolve()
    return folder.name == "data" and is_bag(folder.parent)


def is_part(path: Path) -> bool:
    """Return whether a file is a part of the release in whose folder it is."""
    if not is_release(path.parent):
        return False
    return read_manifest(path.parent).part(path.name) is not None


def is_of_others(path: Path) -> bool:
    """Return whether a file is neither a shard nor a part beside its manifest."""
    return path.is_file() and not (path.parent / MANIFEST).is_file() and not is_shard(path)


def _is_ours(folder: Path) -> bool:
    return folder.is_dir() and (Layout(folder).description.exists() or is_release(folder))


def _of_file(path: Path) -> Iterator[Item]:
    if path.is_file() and is_part(path):
        yield from _of_part(path, read_manifest(path.parent))
    else:
        yield from iter_items(path)


def _of_archive(folder: Path) -> Iterator[Item]:
    """Yield the latest version of each live record, without an index: by the ledger, in the order of identifiers."""
    with tempfile.TemporaryDirectory(prefix="harvester-records-") as work:
        with snapshot(Layout(folder)) as ledger:
            plan = make_plan(ledger, Layout(folder), Path(work), ENVELOPE, Selection())
        for entry in iter_entries(plan, Path(work)):
            if not entry.deleted:
                yield item_of_text(entry.text, entry.identifier)


def check_file(path: Path) -> VerifyReport:
    """Read a file of records of other software to its end. Raises NotAnArchive if it has no records."""
    report = VerifyReport(path, kind="file", bytes=path.stat().st_size)
    try:
        _refuse_other(path)
        for item in iter_items(path):
            report.records += item.metadata is not None
            if item.reason:
                report.problems.append(Problem("damaged", path.name, f"{item.name}: {item.reason}"))
    except Unreadable as error:
        report.problems.append(Problem("damaged", path.name, str(error)))
    return report


def _refuse_other(path: Path) -> None:
    with translated(path, "reading"), closing(opened(path)) as files:
        first = next(files, None)
        start = b"" if first is None else first.head.lstrip(b"\xef\xbb\xbf \t\r\n")
        is_text = start[:1] in (b"{", b"[", b"<", b"\x1e") or start[:2] in (b"\xff\xfe", b"\xfe\xff")
        if first is None or not (is_text or iso2709.looks_like(first.head)):
            raise NotAnArchive(
                f"{path} is no archive, release, shard or bag, and no file of records: it begins {start[:20]!r}"
            )


# --- releases and deltas


def _of_release(folder: Path) -> Iterator[Item]:
    contents = open_contents(folder)
    for kind in dict.fromkeys(part.kind for part in contents.manifest.content.parts):
        yield from _of_kind(contents, kind)


def _of_kind(contents: Contents, kind: str) -> Iterator[Item]:
    read = _reader(contents.manifest, kind)
    for entry in contents.entries(kind):
        yield read(entry.text, entry.identifier)


def _of_part(path: Path, manifest: Manifest) -> Iterator[Item]:
    """Yield the records of one part, with the identifiers of the index if it exists."""
    found = manifest.part(path.name)
    assert found is not None
    part, making = found
    read, names = _reader(manifest, part.kind), _names(path)
    try:
        for frame, _, _, texts in iter_texts(path.parent, part, making):
            for position, text in enumerate(texts):
                yield read(text, next(names, "") or f"frame {frame}, record {position + 1}")
    except ArchiveError as error:
        raise Unreadable(str(error)) from None


def _names(path: Path) -> Iterator[str]:
    if (path.parent / INDEX).is_file():
        yield from (row.identifier for row in iter_index(path.parent, path.name))


def _reader(manifest: Manifest, kind: str) -> Callable[[bytes, str], Item]:
    """Return the function that makes a record from a text and its identifier."""
    form = "envelope" if kind in DEAD else manifest.content.making.form
    if form == "envelope":
        return _of_envelope
    return _of_entry if form == "migrator" else _of_bare


def _of_envelope(text: bytes, name: str) -> Item:
    if orjson.loads(text).get("gone") is True:
        return Item(name, None, identifier=name)
    return item_of_text(text, name)


def _of_bare(text: bytes, name: str) -> Item:
    item = item_of_text(text, name)
    return Item(name, item.metadata, item.reason, item.identifier or name)


def _of_entry(text: bytes, name: str) -> Item:
    """Read the native JSON in an entry for invenio-rdm-migrator."""
    return _of_bare(canonical.encode(canonical.reread(text)["record"]["json"]), name)


# --- files in folders


def _of_folder(folder: Path) -> Iterator[Item]:
    """Yield the records of each file in a folder, in the order of names; a file without records is reported."""
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(root, name)
            where = str(path.relative_to(folder))
            try:
                for item in iter_items(path):
                    yield item if item.identifier else Item(f"{where}: {item.name}", item.metadata, item.reason)
            except Unreadable as error:
                yield Item(where, None, str(error))


def open_records(path: Path, may_write: Path | None = None) -> duckdb.DuckDBPyConnection:
    """Open a path for queries: its index, or a table `records` that is filled with its records.

    Raises as `open_index` and `iter_records`; BadQuery if a file cannot be read to its end: half of it would answer as
    if it were all.
    """
    path = payload(path)
    if is_release(path):
        return open_index(path, may_write)
    if Layout(path).description.exists():
        # an index is never created in a bag, because its manifests list all of its files
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
            db.execute(_SQL["load_records"], {"path": str(lines), "longest": max(longest + 1, 1 << 24)})
    if may_write is not None:
        db.execute("SET allowed_paths = ?", [[str(may_write)]])
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")
    return db


def _line(number: int, item: Item) -> bytes:
    metadata = None if item.metadata is None else canonical.encode(item.metadata).decode()
    row = {
        "number": number,
        "identifier": item.identifier or None,
        "name": item.name,
        "deleted": item.metadata is None and not item.reason,
        "metadata": metadata,
        "reason": item.reason or None,
    }
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
