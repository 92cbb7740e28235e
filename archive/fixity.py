"""Digests: of files, and of bytes while they are written."""

import hashlib
import re
from pathlib import Path

from archive.durable import translated

BLOCK_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_sha256(text: str) -> bool:
    """Whether a text is one as it is written here, in lower-case hex."""
    return _SHA256.fullmatch(text) is not None


class Digests:
    """SHA-256 and SHA-512 of bytes that pass by, both in lower-case hex."""

    def __init__(self, sha256: "hashlib._Hash | None" = None, sha512: "hashlib._Hash | None" = None) -> None:
        """Begin anew, or go on with digests that were begun elsewhere."""
        self._sha256, self._sha512 = sha256 or hashlib.sha256(), sha512 or hashlib.sha512()

    def update(self, data: bytes | memoryview) -> None:
        self._sha256.update(data)
        self._sha512.update(data)

    def sha256_so_far(self) -> bytes:
        """The 32 bytes of the SHA-256 of what has passed."""
        return self._sha256.digest()

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def sha512(self) -> str:
        return self._sha512.hexdigest()


def digests_of(path: Path) -> Digests:
    """Both digests of a file, read once."""
    digests = Digests()
    with translated(path, "reading"), path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES):
            digests.update(block)
    return digests


def sha256_of(path: Path, length: int | None = None) -> str:
    """SHA-256 of a file, or of its first `length` bytes, in lower-case hex."""
    digest = hashlib.sha256()
    left = length
    with translated(path, "reading"), path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES if left is None else min(BLOCK_BYTES, left)):
            digest.update(block)
            left = None if left is None else left - len(block)
    return digest.hexdigest()
