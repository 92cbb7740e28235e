"""What an interrupted check has read: known again while a file is the same, for a day, and for who read it."""

import os
import time
from pathlib import Path

import pytest

from archive.disk import checkpoints
from archive.disk.checkpoints import TRUSTED_SECONDS, Checked


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    (folder / "file").write_bytes(b"one")
    long_ago = time.time() - 1000
    os.utime(folder / "file", (long_ago, long_ago))
    return folder


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of the last change of an inode cannot be set back: let the clock be later instead."""
    now = time.time() + 10
    monkeypatch.setattr(checkpoints.time, "time", lambda: now)
    monkeypatch.setattr(checkpoints, "_WORTH_SECONDS", 0)


def noted(target: Path, version: str = "1") -> None:
    checked = Checked(target, version)
    checked.add("file", target / "file", {"sha256": "x"})
    checked.flush()


def test_what_was_read_is_known_again(target: Path):
    noted(target)
    again = Checked(target, "1")
    assert again.known("file", target / "file") == {"sha256": "x"}
    assert again.known("other", target / "file") is None
    assert (again.files, again.bytes) == (1, 3)
    again.done()
    assert Checked(target, "1").known("file", target / "file") is None
    assert os.listdir(target.parent) == ["target"]  # noqa: PTH208


def test_what_takes_no_time_is_not_noted(target: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checkpoints, "_WORTH_SECONDS", 60)
    noted(target)
    assert not (target.parent / ".target.verifying").exists()


def test_it_is_kept_beside_and_not_inside(target: Path):
    noted(target)
    assert sorted(path.name for path in target.parent.iterdir()) == [".target.verifying", "target"]
    assert (target.parent / ".target.verifying").stat().st_mode & 0o077 == 0


def test_a_changed_file_is_read_again(target: Path):
    noted(target)
    (target / "file").write_bytes(b"two")
    assert Checked(target, "1").known("file", target / "file") is None


def test_a_replaced_file_is_read_again(target: Path):
    noted(target)
    before = (target / "file").stat()
    (target / "new").write_bytes(b"two")
    os.utime(target / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
    (target / "new").rename(target / "file")
    assert Checked(target, "1").known("file", target / "file") is None


def test_a_file_changed_only_just_now_is_not_noted(target: Path, monkeypatch: pytest.MonkeyPatch):
    now = (target / "file").stat().st_ctime + 1
    monkeypatch.setattr(checkpoints.time, "time", lambda: now)
    noted(target)
    assert Checked(target, "1").known("file", target / "file") is None


def test_it_is_trusted_for_a_day_and_by_one_version(target: Path):
    noted(target)
    now = checkpoints.time.time()
    assert Checked(target, "1", now=now + TRUSTED_SECONDS - 60).since is not None
    assert Checked(target, "1", now=now + TRUSTED_SECONDS + 60).since is None
    assert Checked(target, "1", now=now - 60).since is None
    assert Checked(target, "2").since is None
    assert Checked(target, "1", fresh=True).since is None
    assert Checked(target, "1").since is None


def test_what_another_user_says_is_not_believed(target: Path, monkeypatch: pytest.MonkeyPatch):
    noted(target)
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    assert Checked(target, "1").since is None


def test_flips_and_torn_ends_are_not_believed(target: Path):
    noted(target)
    state = target.parent / ".target.verifying"
    body = state.read_bytes()
    for place in range(0, len(body), 5):
        state.write_bytes(body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :])
        assert Checked(target, "1").known("file", target / "file") is None
        state.write_bytes(body[:place])
        assert Checked(target, "1").known("file", target / "file") is None


def test_a_link_is_not_followed(target: Path):
    outside = target.parent / "outside"
    outside.write_bytes(b"")
    (target.parent / ".target.verifying").symlink_to(outside)
    noted(target)
    assert outside.read_bytes() == b""
