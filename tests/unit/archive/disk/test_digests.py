"""Digests of files and of their beginnings."""

import hashlib
from pathlib import Path

import pytest

from archive.disk.digests import BLOCK_BYTES, Digests, digests_of, sha256_of
from archive.errors import DiskFailed


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, 2 * BLOCK_BYTES + 7])
def test_the_digest_is_that_of_all_bytes_or_of_so_many(tmp_path: Path, size: int):
    content = (b"0123456789" * (size // 10 + 1))[:size]
    (tmp_path / "a").write_bytes(content)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(content).hexdigest()
    for length in (0, 1, size // 2, size, size + 5):
        assert sha256_of(tmp_path / "a", length) == hashlib.sha256(content[:length]).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 2 * BLOCK_BYTES + 7])
def test_two_digests_are_taken_in_one_pass(tmp_path: Path, size: int):
    content = (b"0123456789" * (size // 10 + 1))[:size]
    (tmp_path / "a").write_bytes(content)
    taken = digests_of(tmp_path / "a")
    assert (taken.sha256, taken.sha512) == (hashlib.sha256(content).hexdigest(), hashlib.sha512(content).hexdigest())


def test_digests_go_on_after_they_were_asked():
    digests = Digests()
    digests.update(b"ab")
    assert digests.sha256_so_far() == hashlib.sha256(b"ab").digest()
    digests.update(b"c")
    assert (digests.sha256, digests.sha512) == (hashlib.sha256(b"abc").hexdigest(), hashlib.sha512(b"abc").hexdigest())


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path):
    with pytest.raises(DiskFailed, match="missing"):
        sha256_of(tmp_path / "missing")
