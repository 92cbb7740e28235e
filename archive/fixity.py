"""Digests: of files, and of bytes while they are written."""

import hashlib
from pathlib import Path

from archive.durable import translated

BLOCK_BYTES = 1 << 20


def sha256_of(path: Path, length: int | None = None) -> str:
    """SHA-256 of a file, or of its first `length` bytes, in lower-case hex."""
    digest = hashlib.sha256()
    left = length
    with translated(path, "reading"), path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES if left is None else min(BLOCK_BYTES, left)):
            digest.update(block)
            left = None if left is None else left - len(block)
    return digest.hexdigest()
