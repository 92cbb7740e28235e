"""Digests of files and of their beginnings."""

import hashlib
from pathlib import Path

import pytest

from archive.errors import DiskFailed
from archive.fixity import BLOCK_BYTES, sha256_of


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, 2 * BLOCK_BYTES + 7])
def test_the_digest_is_that_of_all_bytes_or_of_so_many(tmp_path: Path, size: int):
    content = (b"0123456789" * (size // 10 + 1))[:size]
    (tmp_path / "a").write_bytes(content)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(content).hexdigest()
    for length in (0, 1, size // 2, size, size + 5):
        assert sha256_of(tmp_path / "a", length) == hashlib.sha256(content[:length]).hexdigest()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path):
    with pytest.raises(DiskFailed, match="missing"):
        sha256_of(tmp_path / "missing")
