"""Checksums as providers declare them, and digests of a file that are updated while it is written."""

import base64
import hashlib
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from archive.disk import BLOCK_BYTES, Digests, translated

# name: number of hexadecimal digits
ALGORITHMS = {
    "md5": 32,
    "sha1": 40,
    "sha224": 56,
    "sha256": 64,
    "sha384": 96,
    "sha512": 128,
    "crc32": 8,
    "adler32": 8,
}
_SUMS = {"crc32": (zlib.crc32, 0), "adler32": (zlib.adler32, 1)}
_HEX = re.compile(r"[0-9a-f]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
# number of hexadecimal digits of a bare value: its algorithm. Eight are ambiguous
_BY_LENGTH = {digits: name for name, digits in ALGORITHMS.items() if digits > 8}
# `md5:...`, `sha-256=...`, `SHA-256=:...:` of HTTP, `sha256-...` of subresource integrity
_NAMED = re.compile(r"(?:urn:)?([A-Za-z][A-Za-z0-9]*(?:[-_][0-9]+)?)\s*(?:=:|[:=-])\s*(.+?):?", re.DOTALL)
# prefix of declared checksums that cannot be checked; no algorithm has this name
_UNCHECKED = "unchecked"
_STATED_MOST = 200


@dataclass(frozen=True, slots=True)
class Checksum:
    """A declared checksum: `algorithm` of `ALGORITHMS`, and `value` in lower-case hex.

    If it cannot be checked, the algorithm is `unchecked` and the value is the declared text.
    """

    algorithm: str
    value: str

    @property
    def is_checked(self) -> bool:
        return self.algorithm in ALGORITHMS

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.value}"


def parse_checksum(text: object, algorithm: object = None) -> Checksum | None:
    """Parse `md5:...` of Invenio, other prefixes, or a bare value whose algorithm is given or follows from its length.

    The value is hexadecimal or base64. Returns None if it cannot be checked: not a text, an unknown algorithm, a value
    of another length, or eight digits without an algorithm.
    """
    if not isinstance(text, str):
        return None
    value, name = text.strip().strip('"'), _name(algorithm)
    if named := _NAMED.fullmatch(value):
        return _checksum(named[2].strip(), _name(named[1]))
    return _checksum(value, name)


def stated_checksum(*stated: tuple[object, object]) -> Checksum | None:
    """Return the first (text, algorithm) that can be checked, else the first declared one; None if there is none."""
    for text, algorithm in stated:
        if (found := parse_checksum(text, algorithm)) is not None:
            return found
    for text, algorithm in stated:
        if isinstance(text, str | int) and not isinstance(text, bool) and (said := str(text).strip()):
            named = f"{algorithm} {said}" if isinstance(algorithm, str) and algorithm.strip() else said
            return Checksum(_UNCHECKED, named.removeprefix(f"{_UNCHECKED}:")[:_STATED_MOST])
    return None


def _name(algorithm: object) -> str | None:
    """Normalise the name of an algorithm; None if there is none."""
    return re.sub(r"[-_ ]", "", algorithm.strip().lower()) or None if isinstance(algorithm, str) else None


def _checksum(value: str, name: str | None) -> Checksum | None:
    digits = value.lower()
    if not _HEX.fullmatch(digits) or len(digits) not in ALGORITHMS.values():
        digits = _digits_of_base64(value)
    name = name or _BY_LENGTH.get(len(digits))
    return Checksum(name, digits) if name and ALGORITHMS.get(name) == len(digits) else None


def _digits_of_base64(value: str) -> str:
    """Convert base64 to hexadecimal digits; "" if it is not base64."""
    if not _BASE64.fullmatch(value):
        return ""
    plain = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).hex()
    except ValueError:
        return ""


class FileDigests:
    """SHA-256, SHA-512 and the declared checksum of what was written to a file so far; `length` counts its bytes."""

    def __init__(self, stated: Checksum | None = None) -> None:
        self._stated = stated if stated is not None and stated.is_checked else None
        self.restart()

    def restart(self) -> None:
        """Start again, with an empty file."""
        self._own, self.length = Digests(), 0
        name = self._stated.algorithm if self._stated else ""
        self._other = hashlib.new(name) if name in ("md5", "sha1", "sha224", "sha384") else None
        self._sum = _SUMS[name][1] if name in _SUMS else 0

    def update(self, data: bytes | memoryview) -> None:
        """Add the bytes that are written next."""
        self._own.update(data)
        self.length += len(data)
        if self._other is not None:
            self._other.update(data)
        elif self._stated is not None and self._stated.algorithm in _SUMS:
            self._sum = _SUMS[self._stated.algorithm][0](data, self._sum)

    def catch_up(self, path: Path) -> None:
        """Read what an earlier process wrote to a file; does nothing if this process wrote it."""
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
        """Describe how the file differs from the declared checksum; None if it matches or there is none."""
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
