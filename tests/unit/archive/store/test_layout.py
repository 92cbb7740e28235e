"""An archive as a folder: described once, by one process, and never taken for something else."""

import fcntl
import json
import os
import threading
from pathlib import Path
from typing import Any

import orjson
import pytest
from support import archive_builder

from archive.errors import ArchiveError, Busy, Damaged, DiskFailed, NotAnArchive, OtherArchive
from archive.store import layout as folder
from archive.store.layout import Layout, WriteLock, create, read_description

CREATED = "2026-03-04T05:06:07Z"


def made(path: Path) -> dict[str, Any]:
    return create(path, {**archive_builder.SOURCE, "name": "Müller & Söhne"}, archive_builder.SOFTWARE, CREATED)


def rewritten(path: Path, **changes: Any) -> None:
    """Write a description again that agrees with its own digest."""
    description = orjson.loads(path.read_bytes())
    del description["sha256"]
    description |= changes
    description["sha256"] = folder._digest(description)
    path.write_text(json.dumps(description, indent=2, ensure_ascii=False) + "\n")


def test_what_was_described_is_read_back(tmp_path: Path):
    description = made(tmp_path / "a" / "b")
    assert read_description(tmp_path / "a" / "b") | {"sha256": description["sha256"]} == description
    assert (description["format"], description["format_version"]) == (folder.FORMAT, folder.FORMAT_VERSION)
    assert "Müller" in (tmp_path / "a" / "b" / "archive.json").read_text(encoding="utf-8")


def test_the_paths_of_an_archive_are_those_of_the_format(tmp_path: Path):
    layout = Layout(tmp_path)
    names = [layout.description, layout.ledger, layout.ledger_digest, layout.shards, layout.quarantine, layout.index]
    assert [path.name for path in names] == [
        "archive.json",
        "ledger.sqlite",
        "ledger.sqlite.sha256",
        "shards",
        "quarantine",
        "index.duckdb",
    ]


def test_an_archive_is_not_put_among_other_files(tmp_path: Path):
    (tmp_path / "letter.txt").touch()
    with pytest.raises(NotAnArchive, match="not empty"):
        made(tmp_path)
    with pytest.raises(NotAnArchive, match="is a file"):
        made(tmp_path / "letter.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_what_an_interrupted_creation_left_behind_is_in_nobodys_way(tmp_path: Path):
    (tmp_path / ".archive.json.4711").write_bytes(b"{")
    made(tmp_path)
    assert read_description(tmp_path)["created"] == CREATED


def test_of_two_that_make_an_archive_at_once_the_second_takes_the_first_ones(tmp_path: Path):
    ids: list[str] = []
    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    threads = [threading.Thread(target=lambda: ids.append(made(tmp_path)["id"])) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert not (tmp_path / "archive.json").exists()
    os.close(held)
    for thread in threads:
        thread.join()
    assert ids == [read_description(tmp_path)["id"]] * 2


def test_a_folder_that_is_no_archive_is_said_to_be_none(tmp_path: Path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "missing", tmp_path / "file"):
        with pytest.raises(NotAnArchive):
            read_description(path)
    for body in (b'{"format": "another"}', b"[]", b"12"):
        (tmp_path / "archive.json").write_bytes(body)
        with pytest.raises(NotAnArchive):
            read_description(tmp_path)


def test_a_description_that_cannot_be_read_is_named(tmp_path: Path):
    (tmp_path / "archive.json").mkdir()
    with pytest.raises(DiskFailed, match=r"archive\.json"):
        read_description(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(DiskFailed, match="below"):
        made(tmp_path / "file" / "below")


def test_a_newer_format_is_left_alone(tmp_path: Path):
    made(tmp_path)
    rewritten(tmp_path / "archive.json", format_version=folder.FORMAT_VERSION + 1)
    with pytest.raises(OtherArchive, match="format version 2"):
        read_description(tmp_path)
    rewritten(tmp_path / "archive.json", format_version=folder.FORMAT_VERSION)
    assert read_description(tmp_path)["format_version"] == folder.FORMAT_VERSION


def test_every_changed_byte_and_every_cut_of_the_description_is_found(tmp_path: Path):
    made(tmp_path)
    path = tmp_path / "archive.json"
    body = path.read_bytes()
    others = [body[:place] + bytes([byte ^ 1]) + body[place + 1 :] for place, byte in enumerate(body)]
    others += [body[:cut] for cut in range(len(body))] + [body + b" ", body + body]
    for other in others:
        path.write_bytes(other)
        with pytest.raises(ArchiveError):
            read_description(tmp_path)
    path.write_bytes(json.dumps(orjson.loads(body), ensure_ascii=False).encode())
    with pytest.raises(Damaged, match="not the bytes"):
        read_description(tmp_path)


def test_only_one_writes(tmp_path: Path):
    made(tmp_path)
    lock = WriteLock(tmp_path)
    with pytest.raises(Busy, match="another process"):
        WriteLock(tmp_path)
    lock.release()
    WriteLock(tmp_path).release()
