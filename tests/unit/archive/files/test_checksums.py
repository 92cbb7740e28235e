"""Checksums as providers write them, and digests that grow with a file."""

import base64
import hashlib
import zlib
from pathlib import Path

import pytest

from archive.files.checksums import ALGORITHMS, Checksum, FileDigests, parse_checksum, stated_checksum

DATA = b"harvested" * 1000
MD5 = hashlib.md5(DATA).hexdigest()


@pytest.mark.parametrize(
    ("text", "algorithm", "found"),
    [
        (f"md5:{MD5}", None, Checksum("md5", MD5)),
        (f"MD5:{MD5.upper()}", None, Checksum("md5", MD5)),
        (MD5, None, Checksum("md5", MD5)),
        (MD5, "MD5", Checksum("md5", MD5)),
        ("a" * 40, "SHA-1", Checksum("sha1", "a" * 40)),
        ("sha256:" + "b" * 64, None, Checksum("sha256", "b" * 64)),
        ("c" * 128, "SHA-512", Checksum("sha512", "c" * 128)),
        ("crc32:0badcafe", None, Checksum("crc32", "0badcafe")),
        ("a" * 40, None, Checksum("sha1", "a" * 40)),
        ("b" * 64, None, Checksum("sha256", "b" * 64)),
        ("c" * 128, "", Checksum("sha512", "c" * 128)),
        ("sha-256=" + "b" * 64, None, Checksum("sha256", "b" * 64)),
        ("urn:sha1:" + "a" * 40, None, Checksum("sha1", "a" * 40)),
        (f'"{MD5}"', None, Checksum("md5", MD5)),
        (base64.b64encode(bytes.fromhex(MD5)).decode(), None, Checksum("md5", MD5)),
        (base64.b64encode(bytes.fromhex(MD5)).decode(), "MD5", Checksum("md5", MD5)),
        (f"sha256-{base64.b64encode(b'x' * 32).decode()}", None, Checksum("sha256", b"x".hex() * 32)),
        (f"sha-512=:{base64.b64encode(b'x' * 64).decode()}:", None, Checksum("sha512", b"x".hex() * 64)),
    ],
)
def test_a_checksum_is_read_in_each_form(text: str, algorithm: str | None, found: Checksum):
    assert parse_checksum(text, algorithm) == found
    assert parse_checksum(str(found)) == found


@pytest.mark.parametrize(
    ("text", "algorithm"),
    [
        ("", None),
        (None, None),
        (12345, "MD5"),
        ("md5:", None),
        ("xyz:" + "a" * 32, None),
        ("a" * 40, "MD5"),
        ("md5:" + "g" * 32, None),
        ("multi:" + "a" * 32, None),
        ("0badcafe", None),
        ("a" * 31, None),
        ("etag-1", None),
        ("a" * 64, "blake3"),
    ],
)
def test_what_cannot_be_checked_is_none(text: object, algorithm: str | None):
    assert parse_checksum(text, algorithm) is None


def test_what_is_stated_and_cannot_be_checked_is_kept_as_such():
    found = stated_checksum(("blake3:" + "a" * 64, None))
    assert found is not None
    assert not found.is_checked
    assert "blake3" in found.value
    assert parse_checksum(str(found)) is None
    assert stated_checksum((None, "md5"), ("", None), (True, None)) is None
    assert stated_checksum(("etag", None), (MD5, "md5")) == Checksum("md5", MD5)
    digests = FileDigests(found)
    digests.update(DATA)
    assert digests.wrong() is None


def expected(name: str) -> str:
    if name in ("crc32", "adler32"):
        return f"{getattr(zlib, name)(DATA):08x}"
    return hashlib.new(name, DATA).hexdigest()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_each_algorithm_tells_the_right_file_from_a_wrong_one(name: str):
    for cut in (0, 1, 5000, len(DATA)):
        digests = FileDigests(Checksum(name, expected(name)))
        assert digests.wrong() is not None
        digests.update(DATA[:cut])
        digests.update(memoryview(DATA)[cut:])
        assert digests.wrong() is None
        assert (digests.sha256, digests.length) == (hashlib.sha256(DATA).hexdigest(), len(DATA))
        digests.update(b"x")
        assert expected(name) in (digests.wrong() or "")


def test_what_was_written_before_is_read_once(tmp_path: Path):
    path = tmp_path / "x.part"
    digests = FileDigests(Checksum("md5", MD5))
    digests.catch_up(path)
    assert digests.length == 0
    path.write_bytes(DATA)
    digests.catch_up(path)
    assert digests.wrong() is None
    path.write_bytes(b"?" * len(DATA))  # as long as what was hashed: not read again
    digests.catch_up(path)
    assert digests.wrong() is None
    digests.restart()
    digests.catch_up(path)
    assert digests.wrong() is not None
