"""Checksums as providers state them, and the digests of a file that grow while it is written."""

import hashlib
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from archive.durable import translated
from archive.fixity import BLOCK_BYTES, Digests

# name: how many hexadecimal digits it has
ALGORITHMS = {
    "md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128, "crc32": 8, "adler32": 8,
}  # fmt: skip
_SUMS = {"crc32": (zlib.crc32, 0), "adler32": (zlib.adler32, 1)}
_HEX = re.compile(r"[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Checksum:
    """A checksum that can be checked: `algorithm` of `ALGORITHMS`, `value` in lower-case hex."""

    algorithm: str
    value: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value}"


def parse_checksum(text: object, algorithm: object = None) -> Checksum | None:
    """`md5:…` of Invenio, or a bare value with the name of its algorithm beside it; 32 bare digits are an MD5.

    None for what cannot be checked: no text, an algorithm that is not known, a value of another length.
    """
    if not isinstance(text, str):
        return None
    name, colon, value = text.strip().partition(":")
    if not colon:
        name, value = algorithm if isinstance(algorithm, str) else "md5", name
    name, value = name.strip().lower().replace("-", "").replace("_", ""), value.strip().lower()
    if _HEX.fullmatch(value) and ALGORITHMS.get(name) == len(value):
        return Checksum(name, value)
    return None


class FileDigests:
    """SHA-256, SHA-512 and one more of what was written to a file so far; `length` counts its bytes."""

    def __init__(self, stated: Checksum | None = None) -> None:
        self._stated = stated
        self.restart()

    def restart(self) -> None:
        """Begin anew, with an empty file."""
        self._own, self.length = Digests(), 0
        name = self._stated.algorithm if self._stated else ""
        self._other = hashlib.new(name) if name in ("md5", "sha1", "sha224", "sha384") else None
        self._sum = _SUMS[name][1] if name in _SUMS else 0

    def update(self, data: bytes | memoryview) -> None:
        """Add what is written next."""
        self._own.update(data)
        self.length += len(data)
        if self._other is not None:
            self._other.update(data)
        elif self._stated is not None and self._stated.algorithm in _SUMS:
            self._sum = _SUMS[self._stated.algorithm][0](data, self._sum)

    def catch_up(self, path: Path) -> None:
        """Read what an earlier process wrote to a file; nothing where it was written by this one."""
        size = path.stat().st_size if path.exists() else 0
        if size == self.length:
            return
        self.restart()
        with translated(path, "reading"), path.open("rb", buffering=0) as file:
            while block := file.read(BLOCK_BYTES):
                self.update(block)

    @property
    def sha256(self) -> str:
        return self._own.sha256

    @property
    def sha512(self) -> str:
        return self._own.sha512

    def wrong(self) -> str | None:
        """What is wrong with the file by the checksum that was stated, None when it is right or none was."""
        if self._stated is None:
            return None
        found = self._found(self._stated.algorithm)
        if found == self._stated.value:
            return None
        return f"its {self._stated.algorithm} is {found}, {self._stated.value} is stated"

    def _found(self, algorithm: str) -> str:
        if algorithm in _SUMS:
            return f"{self._sum:08x}"
        if self._other is not None:
            return self._other.hexdigest()
        return self.sha512 if algorithm == "sha512" else self.sha256
