"""Files of records in whatever they are packed: read to their end or refused, never a shorter file."""

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from harvester.errors import Unreadable
from harvester.inputs.convertible import Item, iter_items

LINES = b"".join(b'{"id": %d, "title": ["T%d"]}\n' % (number, number) for number in range(50))
TITLES = [f"T{number}" for number in range(50)]


def read(tmp_path: Path, body: bytes, name: str = "file") -> list[Item]:
    (tmp_path / name).write_bytes(body)
    return list(iter_items(tmp_path / name))


def titles(items: list[Item]) -> list[str]:
    return [item.metadata["title"][0] for item in items if item.metadata]


def skippable(body: bytes = b"pzstd") -> bytes:
    return struct.pack("<II", 0x184D2A50, len(body)) + body


def in_tar(body: bytes, mode: str = "w", count: int = 2) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for number in range(count):
            member = tarfile.TarInfo(f"folder/{number}")
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return out.getvalue()


def in_zip(body: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/one.jsonl", body)
    return out.getvalue()


def zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(body)


HALF = LINES.index(b'{"id": 25')
PACKED: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: gzip.compress(LINES),
    "two gzip members": lambda: gzip.compress(LINES[:HALF]) + gzip.compress(LINES[HALF:]),
    "xz": lambda: lzma.compress(LINES),
    "two xz streams": lambda: lzma.compress(LINES[:HALF]) + lzma.compress(LINES[HALF:]),
    "bzip2": lambda: bz2.compress(LINES), "zstd": lambda: zstd(LINES),
    "zstd as pzstd writes it": lambda: skippable() + zstd(LINES[:HALF]) + skippable() + zstd(LINES[HALF:]),
    "zstd without size and checksum": lambda: zstandard.ZstdCompressor(
        write_content_size=False, write_checksum=False).compress(LINES),
    "tar": lambda: in_tar(LINES, count=1), "tar.gz": lambda: in_tar(LINES, "w:gz", count=1),
    "tar.zst": lambda: zstd(in_tar(LINES, count=1)), "gzip in tar": lambda: in_tar(gzip.compress(LINES), count=1),
    "zip": lambda: in_zip(LINES),
}  # fmt: skip


@pytest.mark.parametrize("name", PACKED)
def test_every_record_is_read_however_it_is_packed(tmp_path: Path, name: str):
    assert titles(read(tmp_path, PACKED[name]())) == TITLES


@pytest.mark.parametrize("name", PACKED)
def test_what_is_cut_anywhere_is_never_a_shorter_file(tmp_path: Path, name: str):
    body = PACKED[name]()
    # a tar archive is whole with the first block of zeros after its last file
    most = len(body.rstrip(b"\0")) - 1
    for cut in sorted({*range(8, most, max(1, len(body) // 40)), most}):
        whole = name.startswith(("two", "zstd as")) and titles_or_none(tmp_path, body[:cut]) == TITLES[:25]
        if whole:
            continue  # at the end of a stream nothing shows that another one followed
        assert titles_or_none(tmp_path, body[:cut]) is None, cut


def titles_or_none(tmp_path: Path, body: bytes) -> list[str] | None:
    try:
        items = read(tmp_path, body)
    except Unreadable:
        return None
    return None if any(item.reason for item in items) else titles(items)


@pytest.mark.parametrize("name", ["gzip", "xz", "bzip2", "zstd", "zip"])
def test_what_was_changed_never_passes(tmp_path: Path, name: str):
    body = bytearray(PACKED[name]())
    body[len(body) // 2] ^= 0x10
    assert titles_or_none(tmp_path, bytes(body)) is None


def test_zeros_that_fill_a_block_are_passed_over_and_other_bytes_are_not(tmp_path: Path):
    assert titles(read(tmp_path, gzip.compress(LINES) + bytes(700))) == TITLES
    for body in (gzip.compress(LINES) + b"x", zstd(LINES) + b"more bytes", bz2.compress(LINES) + b"rest"):
        with pytest.raises(Unreadable):
            read(tmp_path, body)


def test_what_cannot_be_opened_is_refused_by_its_name(tmp_path: Path):
    deep = LINES
    for _ in range(6):
        deep = gzip.compress(deep)
    with pytest.raises(Unreadable, match="times"):
        read(tmp_path, deep)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(Unreadable, match="link is a link"):
        read(tmp_path, out.getvalue())


def test_a_file_in_an_archive_that_holds_no_record_is_named_and_the_others_are_read(tmp_path: Path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("README", "text")
        archive.writestr("records", LINES)
    items = read(tmp_path, out.getvalue())
    assert items[0].name == "README"
    assert items[0].reason
    assert titles(items) == TITLES


@pytest.mark.parametrize("name", ["records-00001.json-seq.zst", "tombstones-00001.jsonl.zst"])
def test_a_part_of_ours_without_its_end_is_refused(tmp_path: Path, name: str):
    with pytest.raises(Unreadable, match="seek table"):
        read(tmp_path, zstd(b"\x1e{}\n"), name)
