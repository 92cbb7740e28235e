"""Writes: in order, synced, whole or not at all, and every failure one of our errors."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archive.disk import durable
from archive.disk.durable import AppendFile
from archive.errors import DiskFailed, DiskFull


@pytest.fixture
def points() -> Iterator[list[str]]:
    """The named points in the order they are reached."""
    reached: list[str] = []
    durable.watch = reached.append
    yield reached
    durable.watch = None


def failing(number: int, after: int = 0) -> Callable[..., Any]:
    """A system call that fails with an errno; `os.write` takes `after` bytes first."""
    real = os.write

    def instead(*arguments: Any, **_: Any) -> Any:
        if after:
            real(arguments[0], arguments[1][:after])
        raise OSError(number, os.strerror(number))

    return instead


def test_a_file_grows_by_what_is_written_and_knows_its_length(tmp_path: Path):
    file = AppendFile(tmp_path / "a", "x")
    file.write(b"one")
    file.write(b"")
    file.write(b"two")
    file.sync()
    file.close()
    file.close()
    assert (file.length, (tmp_path / "a").read_bytes()) == (6, b"onetwo")


def test_a_file_goes_on_at_its_end_or_begins_anew(tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    file = AppendFile(path, "x")
    assert file.length == 5
    file.truncate(3)
    file.write(b"!")
    file.close()
    assert (file.length, path.read_bytes()) == (4, b"123!")
    file = AppendFile(path, "x", truncate=True)
    file.close()
    assert (file.length, path.read_bytes()) == (0, b"")


def test_a_write_that_fails_half_way_leaves_what_was_whole_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = AppendFile(tmp_path / "a", "x")
    file.write(b"whole")
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", failing(errno.ENOSPC, after=2))
        with pytest.raises(DiskFull, match="no room left while writing"):
            file.write(b"torn")
    assert (file.length, (tmp_path / "a").read_bytes()) == (5, b"whole")
    file.write(b"!")
    assert (tmp_path / "a").read_bytes() == b"whole!"
    file.close()


@pytest.mark.parametrize(
    ("number", "error"), [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EIO, DiskFailed)]
)
@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_an_error_of_the_system_is_one_of_ours_and_names_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, error: type[Exception]
):
    path = tmp_path / "whole"
    durable.write_new(path, b"before", "x")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(number))
        with pytest.raises(error, match="whole"):
            durable.write_new(path, b"after", "x")
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_opened_synced_made_or_removed_is_one_of_our_errors(tmp_path: Path):
    with pytest.raises(DiskFailed):
        AppendFile(tmp_path / "missing" / "a", "x")
    with pytest.raises(DiskFailed):
        durable.sync_folder(tmp_path / "missing")
    with pytest.raises(DiskFailed):
        durable.make_folder(tmp_path / "missing" / "b")
    with pytest.raises(DiskFailed):
        durable.remove(tmp_path)


def test_a_folder_is_made_once_and_a_file_removed_once(tmp_path: Path):
    for _ in range(2):
        durable.make_folder(tmp_path / "a")
    assert (tmp_path / "a").is_dir()
    (tmp_path / "b").touch()
    for _ in range(2):
        durable.remove(tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_a_new_file_passes_its_points_in_order(tmp_path: Path, points: list[str]):
    durable.write_new(tmp_path / "a", b"x", "new")
    steps = ["opening", "opened", "writing", "written", "syncing", "synced", "renaming", "renamed"]
    assert points == [f"new-{step}" for step in steps]


def test_readers_never_see_a_part_of_a_new_file(tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    seen = set()
    durable.watch = lambda point: seen.add(path.read_bytes())
    try:
        durable.write_new(path, b"new", "x")
    finally:
        durable.watch = None
    assert seen == {b"old", b"new"}


def test_a_watcher_may_raise_what_a_full_disk_raises(tmp_path: Path):
    def full(point: str) -> None:
        if point == "x-writing":
            raise OSError(errno.ENOSPC, "full")

    durable.watch = full
    try:
        with pytest.raises(DiskFull):
            durable.write_new(tmp_path / "a", b"x", "x")
    finally:
        durable.watch = None
    assert list(tmp_path.iterdir()) == []


def test_a_file_and_its_folder_are_synced_before_and_after_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    order = []
    real = os.fsync

    def fsync(fd: int) -> None:
        order.append(("folder" if Path(f"/proc/self/fd/{fd}").is_dir() else "file", (tmp_path / "a").exists()))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    durable.write_new(tmp_path / "a", b"x", "x")
    assert order == [("file", False), ("folder", True)]
