"""Digests of many files: those that hashlib gives, whatever their number and size, and nothing but files is read."""

import hashlib
import os
from pathlib import Path

import pytest

from archive.disk import digests as hashing
from archive.disk.digests import NotRegular, ToHash, hash_all, hash_file


def made(folder: Path, sizes: list[int]) -> list[ToHash]:
    tasks = []
    for number, size in enumerate(sizes):
        path = folder / str(number)
        path.write_bytes(os.urandom(size))
        tasks.append(ToHash(str(path), size, ("sha256", "sha512")))
    return tasks


@pytest.mark.parametrize("few", [0, hashing.FEW_FILES])
def test_every_file_is_read_once_and_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int):
    monkeypatch.setattr(hashing, "FEW_FILES", few)
    monkeypatch.setattr(hashing, "BATCH_FILES", 7)
    monkeypatch.setattr("archive.disk.parallel._is_single", lambda: True)
    tasks = made(tmp_path, [0, 1, 511, 512, 1 << 20, (1 << 20) + 1, 3 << 20, *range(20)])
    seen: list[int] = []
    found = dict(hash_all(tasks, seen.append))
    assert sorted(found) == list(range(len(tasks)))
    for place, task in enumerate(tasks):
        body = Path(task.path).read_bytes()
        expected = {name: hashlib.new(name, body).hexdigest() for name in task.algorithms}
        assert (found[place].digests, found[place].bytes, found[place].problem) == (expected, len(body), None)
    assert sum(seen) == sum(task.bytes for task in tasks)


def test_a_file_that_grew_is_read_to_its_end(tmp_path: Path):
    (task,) = made(tmp_path, [10])
    with Path(task.path).open("ab") as file:
        file.write(bytes(3 << 20))
    [(_, hashed)] = hash_all([task])
    assert hashed.bytes == 10 + (3 << 20)


@pytest.mark.parametrize("size", [0, 9, 11, hashing.LARGE_BYTES - 1])
def test_a_small_file_that_is_not_as_long_as_was_said_is_read_as_it_is(tmp_path: Path, size: int):
    (task,) = made(tmp_path, [10])
    body = os.urandom(size)
    Path(task.path).write_bytes(body)
    [(_, hashed)] = hash_all([task])
    assert (hashed.bytes, hashed.digests["sha512"]) == (size, hashlib.sha512(body).hexdigest())


def test_a_file_that_is_not_there_says_why(tmp_path: Path):
    tasks = [*made(tmp_path, [3]), ToHash(str(tmp_path / "nothing"), 3, ("md5",))]
    found = dict(hash_all(tasks))
    assert found[0].problem is None
    assert found[1].problem


def test_nothing_but_a_file_is_read(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for name in ("pipe", "", "link"):
        with pytest.raises(OSError):
            hash_file(tmp_path / name, ("md5",))
    with pytest.raises(NotRegular):
        hash_file(tmp_path / "pipe", ("md5",))


def test_it_waits_after_each_block(tmp_path: Path):
    (task,) = made(tmp_path, [(2 << 20) + 5])
    counts: list[int] = []
    assert hash_file(task.path, ("md5",), counts.append, cached=False).bytes == task.bytes
    assert counts == [1 << 20, 1 << 20, 5]
