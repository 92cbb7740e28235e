"""The files of records, read back by verify: what is changed, missing or besides is named."""

import hashlib
from pathlib import Path

import pytest
from support import archive_builder

from archive.disk import checkpoints
from archive.disk.checkpoints import Checked
from archive.files.checksums import FileDigests
from archive.files.store import FileRow, FileStore, keep
from archive.findings import VerifyReport
from archive.integrity.verify import verify

BODIES = [b"", b"one", b"x" * (2 << 20)]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of one record with three files, and one more that has the content of the first."""
    folder = tmp_path / "archive"
    made, channel, (window,) = archive_builder.begun(folder)
    made.put(archive_builder.answer(channel, window.window, ["oai:x:1"]))
    made.commit()
    stored, rows = [], []
    (folder / "downloads").mkdir()
    for number, body in enumerate([*BODIES, BODIES[0]]):
        digests = FileDigests()
        digests.update(body)
        part = folder / "downloads" / str(number)
        part.write_bytes(body)
        stored.append(keep(folder, part, digests))
        sha256 = hashlib.sha256(body).hexdigest()
        rows.append(
            FileRow(
                "oai:x:1", str(number), archive_builder.URL, len(body), None, None, "", "read", None, sha256, len(body)
            )
        )
    store = FileStore(made.ledger, folder, 1)
    store.list_record("oai:x:1", 1, [], 0, "2026-03-04T05:06:07Z")
    store.settle(rows, stored, "2026-03-04T05:06:07Z")
    made.finish("complete")
    made.close()
    return folder


def contents(archive: Path) -> list[Path]:
    return sorted(path for path in (archive / "files").rglob("*") if path.is_file())


def of_files(report: VerifyReport) -> set[tuple[str, str]]:
    return {(problem.kind, problem.file) for problem in report.problems if problem.file.startswith("files/")}


def test_files_as_they_were_written_pass(archive: Path):
    report = verify(archive)
    assert of_files(report) == set()
    assert (report.files, report.file_bytes) == (3, sum(map(len, BODIES)))
    assert len(contents(archive)) == 3


def test_a_changed_a_cut_and_a_missing_file_are_named(archive: Path):
    for path in contents(archive):
        body, name = path.read_bytes(), path.relative_to(archive).as_posix()
        if body:
            path.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
            assert of_files(verify(archive)) == {("damaged", name)}
            assert of_files(verify(archive, quick=True)) == set()
            path.write_bytes(body[:-1])
            assert of_files(verify(archive, quick=True)) == {("damaged", name)}
        path.unlink()
        for quick in (True, False):
            assert of_files(verify(archive, quick=quick)) == {("missing", name)}
        path.write_bytes(body)


def test_what_no_record_has_is_named(archive: Path):
    digest = hashlib.sha256(b"left").hexdigest()
    left = archive / "files" / digest[:2] / digest[2:4] / digest
    for path in (left, archive / "files/notes", contents(archive)[0].with_name("notes")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"left")
    assert {(kind, Path(name).name) for kind, name in of_files(verify(archive))} == {
        ("left-over", digest),
        ("extra", "notes"),
    }


def test_what_was_read_is_not_read_again(archive: Path, monkeypatch: pytest.MonkeyPatch):
    now = checkpoints.time.time() + 10
    monkeypatch.setattr(checkpoints.time, "time", lambda: now)
    monkeypatch.setattr(checkpoints, "_WORTH_SECONDS", 0)
    checked = Checked(archive, "1")
    first = verify(archive, checked=checked)
    checked.flush()
    monkeypatch.setattr("archive.integrity.verify.check_shard", pytest.fail)
    asked: list[object] = []
    monkeypatch.setattr("archive.files.account.hash_all", lambda tasks, step: iter(asked.extend(tasks) or ()))
    assert verify(archive, checked=Checked(archive, "1")) == first
    assert asked == []
