"""The files in an archive: each content once, rows that say how each file ended, and what they add up to."""

import hashlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from support import archive_builder

from archive.errors import Damaged
from archive.files.account import file_accounts, files_standing, read_files
from archive.files.checksums import FileDigests
from archive.files.store import FileRow, FileStore, StoredFile, check_file, keep, stored_files
from archive.store.writer import ArchiveWriter

AT = "2026-03-04T05:06:07Z"
ROW = FileRow("oai:x:1", "a.txt", "https://x.example/a", 5, "md5:5d41402abc4b2a76b9719d911017c592", "text/plain", "v1")


@pytest.fixture
def writer(tmp_path: Path) -> ArchiveWriter:
    """An archive with one record, outcome 1, and a run of files that is open."""
    archive_builder.ended(tmp_path / "archive", [["oai:x:1"]])
    made = archive_builder.writer(tmp_path / "archive")
    made.begin("files", "full", {"files": "true"}, archive_builder.SOFTWARE)
    return made


def store(writer: ArchiveWriter) -> FileStore:
    return FileStore(writer.ledger, writer.layout.root, writer.run_number)


def stored(writer: ArchiveWriter, content: bytes = b"hello") -> StoredFile:
    """A content that came."""
    part = writer.layout.root / "x.part"
    part.write_bytes(content)
    digests = FileDigests()
    digests.catch_up(part)
    return keep(writer.layout.root, part, digests)


def read(row: FileRow, content: StoredFile) -> FileRow:
    return replace(row, state="read", sha256=content.sha256, bytes=content.bytes)


def test_a_content_has_its_name_by_what_it_is(writer: ArchiveWriter):
    one = stored(writer)
    digest = hashlib.sha256(b"hello").hexdigest()
    assert one == StoredFile(
        f"files/{digest[:2]}/{digest[2:4]}/{digest}", 5, digest, hashlib.sha512(b"hello").hexdigest()
    )
    assert (writer.layout.root / one.path).read_bytes() == b"hello"
    assert not (writer.layout.root / "x.part").exists()
    assert stored(writer) == one
    check_file(writer.layout.root, one)


def test_a_changed_or_missing_content_is_told(writer: ArchiveWriter):
    one = stored(writer)
    path = writer.layout.root / one.path
    for wrong in (b"hellO", b"hell", b""):
        path.write_bytes(wrong)
        with pytest.raises(Damaged):
            check_file(writer.layout.root, one)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        check_file(writer.layout.root, one)


def test_a_file_is_open_until_an_answer_settles_it(writer: ArchiveWriter):
    files = store(writer)
    assert files.listing("oai:x:1") is None
    other = replace(ROW, key="b.txt")
    files.list_record("oai:x:1", 1, [ROW, other], 3, AT)
    assert files.listing("oai:x:1") == (1, [ROW, other])
    files.settle([read(ROW, stored(writer))], [stored(writer)], AT)
    files.settle([replace(other, state="lost", reason="no answer")], [], AT)
    assert files.listing("oai:x:1") == (1, [replace(other, state="lost", reason="no answer")])
    (account,) = file_accounts(writer.ledger.db)
    assert (account.listed, account.left_out, account.bytes) == (2, 3, 5)
    assert (account.states["read"], account.states["lost"], account.balanced, account.complete) == (1, 1, True, False)
    files.settle([replace(other, state="absent")], [], AT)
    assert file_accounts(writer.ledger.db)[0].complete
    assert [one.bytes for one in stored_files(writer.ledger.db)] == [5]


def test_what_is_held_is_linked_and_what_is_gone_from_the_disk_is_not(writer: ArchiveWriter):
    files, content = store(writer), stored(writer)
    bare = replace(ROW, key="bare", checksum=None)
    files.list_record("oai:x:1", 1, [ROW, bare], 0, AT)
    files.settle([read(ROW, content), read(bare, content)], [content], AT)
    elsewhere = replace(ROW, identifier="oai:x:2", key="other", url="https://x.example/other")
    found = files.held(elsewhere)
    assert found is not None
    assert (found.state, found.sha256, found.key) == ("read", content.sha256, "other")
    assert files.held(replace(elsewhere, size=6)) is None
    assert files.held(bare) is not None
    for changed in ({"version": "v2"}, {"version": ""}, {"url": "https://x.example/b"}, {"key": "c"}, {"size": 6}):
        assert files.held(replace(bare, **changed)) is None  # type: ignore[arg-type]
    assert [row.state for row in files.held_of([elsewhere, replace(elsewhere, size=6)])] == ["read", "open"]
    (writer.layout.root / content.path).write_bytes(b"hell")
    assert files.held(elsewhere) is None
    (writer.layout.root / content.path).unlink()
    assert files.held(elsewhere) is None


def test_a_row_that_is_missing_is_found(writer: ArchiveWriter):
    store(writer).list_record("oai:x:1", 1, [ROW, replace(ROW, key="b")], 0, AT)
    assert file_accounts(writer.ledger.db)[0].balanced
    writer.ledger.db.execute("DELETE FROM files WHERE key = 'b'")
    (account,) = file_accounts(writer.ledger.db)
    assert not account.balanced
    assert "oai:x:1" in account.off[0]


def test_a_file_is_not_read_without_its_content(writer: ArchiveWriter):
    for row in (replace(ROW, state="read"), replace(ROW, state="read", sha256="0" * 64, bytes=1)):
        with pytest.raises(Damaged):
            store(writer).settle([row], [], AT)


def test_an_archive_from_before_there_were_files_has_none(tmp_path: Path):
    db = sqlite3.connect(":memory:")
    assert list(stored_files(db)) == []
    assert files_standing(db) is None
    archive_builder.ended(tmp_path / "archive", [["1"]])
    assert read_files(tmp_path / "archive") is None
