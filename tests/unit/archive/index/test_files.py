"""The files of records in the index: which are held, which are not and why; only new rows are read again."""

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import archive_builder

from archive.errors import StaleIndex
from archive.files.store import FileRow, FileStore, StoredFile, path_of
from archive.index import build as index
from archive.index import fill
from archive.index.example_queries import example
from archive.index.file import open_index
from archive.store.layout import Layout

SHA256 = hashlib.sha256(b"content").hexdigest()
ROW = FileRow("oai:x:1", "a", "https://x.example/a", 7, "md5:" + "0" * 32, "text/csv", "2020-01-01")
READ = replace(ROW, state="read", sha256=SHA256, bytes=7)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    archive_builder.ended(tmp_path / "archive", [["oai:x:1", "oai:x:2"]])
    return tmp_path / "archive"


def filed(archive: Path, *ended: FileRow, listed: Sequence[FileRow] | None = None) -> None:
    """A run that lists some files and says how they ended."""
    made = archive_builder.writer(archive)
    made.begin("files", "full", {"files": "true"}, archive_builder.SOFTWARE)
    store = FileStore(made.ledger, archive, made.run_number)
    rows = [replace(row, state="open", sha256=None, bytes=None, reason=None) for row in listed or ended]
    store.list_record("oai:x:1", 1, rows, 0, "2026-03-04T05:06:07Z")
    store.settle(ended, [StoredFile(path_of(SHA256), 7, SHA256, "0" * 128)], "2026-03-04T05:06:08Z")
    made.finish("complete")
    made.close()


def asked(archive: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(open_index(archive)) as db:
        return db.execute(query).fetchall()


def test_sql_answers_which_files_are_not_held_and_why(archive: Path):
    gone = replace(ROW, key="b", state="absent", reason="HTTP status 404")
    filed(archive, READ, gone, listed=[READ, gone, replace(ROW, key="c")])
    index.index(archive)
    assert asked(archive, "SELECT key, state, reason, bytes, path FROM downloads ORDER BY key") == [
        ("a", "read", None, 7, path_of(SHA256)),
        ("b", "absent", "HTTP status 404", None, None),
        ("c", "open", None, None, None),
    ]
    assert asked(archive, "SELECT count(*) FROM download_rows") == [(5,)]
    assert asked(archive, example("files-not-held").sql) == [
        ("absent", "HTTP status 404", 1, 7, "oai:x:1"),
        ("open", None, 1, 7, "oai:x:1"),
    ]


def test_of_the_files_only_new_rows_are_read(archive: Path, monkeypatch: pytest.MonkeyPatch):
    filed(archive, replace(ROW, state="lost", reason="no answer"))
    index.index(archive)
    spilled, spill = [], fill.spill_table

    def counting(*words: Any) -> Any:
        made = spill(*words)
        spilled.append((made.table, made.rows))
        return made

    monkeypatch.setattr(fill, "spill_table", counting)
    filed(archive, READ)
    with pytest.raises(StaleIndex):
        open_index(archive)
    assert index.index(archive).read == 0
    assert ("download_rows", 2) in spilled
    assert asked(archive, "SELECT state, run FROM downloads") == [("read", 3)]
    assert asked(archive, "SELECT file, state FROM download_rows ORDER BY file") == [
        (1, "open"),
        (2, "lost"),
        (3, "open"),
        (4, "read"),
    ]
    assert index.check_index(archive) == []


def test_a_file_that_ended_in_a_run_that_goes_on_makes_the_index_stale(archive: Path):
    filed(archive, READ)
    index.index(archive)
    with closing(sqlite3.connect(Layout(archive).ledger)) as db, db:
        db.execute(
            "INSERT INTO files SELECT 9, run, identifier, key, url, size, checksum, media_type, version, state, "
            "reason, sha256, bytes, etag, at FROM files WHERE file = 2"
        )
    with pytest.raises(StaleIndex):
        open_index(archive)


def test_files_of_another_history_are_read_anew(archive: Path):
    filed(archive, READ)
    index.index(archive)
    with closing(sqlite3.connect(Layout(archive).ledger)) as db, db:
        db.execute("UPDATE files SET key = 'other'")
        db.execute("INSERT INTO findings (run, code, severity, message, at) VALUES (1, 'c', 'info', 'm', '2026-01-01')")
    index.index(archive)
    assert asked(archive, "SELECT key FROM downloads") == [("other",)]
    assert index.check_index(archive) == []


def test_an_archive_from_before_there_were_files_has_an_index(archive: Path):
    with closing(sqlite3.connect(Layout(archive).ledger)) as db:
        for table in ("files", "filelists", "contents"):
            db.execute(f"DROP TABLE {table}")
    index.index(archive)
    assert asked(archive, "SELECT count(*) FROM downloads") == [(0,)]
