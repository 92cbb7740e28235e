"""Members of a .tar.gz as they pass by: all of them, and never fewer because the stream ended."""

import gzip
import io
import tarfile
from collections.abc import Iterable, Sequence

import pytest

from harvester.errors import MalformedPage
from harvester.rest.tar import BLOCK, SHOWN, Member, gunzip, iter_members

MEMBERS = [("1.json", b"x" * 511), ("2.json", b"y" * 512), ("empty.json", b""), ("3.json", b"z" * 100_000)]
LONG = ("d" * 90 + "/" + "\u00e9" * 60 + ".json", b"long")
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def tar(members: Sequence[tuple[str, bytes]], kind: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind) as made:
        for name, body in members:
            info = tarfile.TarInfo(name)
            info.size = len(body)
            made.addfile(info, io.BytesIO(body))
    return buffer.getvalue()


def read(pieces: Iterable[bytes], most: int = 1 << 20) -> list[Member]:
    return list(iter_members(gunzip(pieces), most))


def end_of(plain: bytes) -> int:
    """Where the two empty blocks end that close a tar."""
    return len(plain.rstrip(b"\0")) // BLOCK * BLOCK + 3 * BLOCK


@pytest.mark.parametrize("kind", FORMATS)
def test_all_members_come_in_their_order(kind: str):
    members = MEMBERS if kind == "ustar" else [*MEMBERS, LONG]
    found = read([gzip.compress(tar(members, FORMATS[kind]))])
    assert [(member.name, member.body) for member in found] == members
    assert all(member.is_file for member in found)
    assert all(member.whole for member in found)


def test_a_stream_cut_short_is_never_a_shorter_one():
    packed = gzip.compress(tar(MEMBERS[:3]))
    assert len(read([packed])) == 3
    for cut in range(len(packed)):
        with pytest.raises(MalformedPage):
            read([packed[:cut]])


def test_a_tar_without_its_end_is_refused_though_its_gzip_is_whole():
    plain = tar(MEMBERS[:3])
    assert len(read([gzip.compress(plain[: end_of(plain)])])) == 3
    for cut in range(0, end_of(plain), 128):
        with pytest.raises(MalformedPage, match="byte"):
            read([gzip.compress(plain[:cut])])


def test_what_follows_the_end_is_refused_unless_it_is_empty():
    plain = tar(MEMBERS[:1])
    assert len(read([gzip.compress(plain + bytes(10 * BLOCK))])) == 1
    for more in (tar(MEMBERS[1:2]), b"x", bytes(5000) + b"x"):
        with pytest.raises(MalformedPage, match="follows"):
            read([gzip.compress(plain + more)])


def test_a_flipped_byte_is_found():
    packed = bytearray(gzip.compress(tar(MEMBERS[:2]), 0))
    for place in range(20, len(packed), 97):
        broken = bytearray(packed)
        broken[place] ^= 1
        with pytest.raises(MalformedPage):
            read([bytes(broken)])


def test_a_header_that_does_not_match_its_checksum_names_its_place():
    plain = bytearray(tar(MEMBERS[:2], tarfile.USTAR_FORMAT))
    plain[2 * BLOCK] ^= 1
    with pytest.raises(MalformedPage, match=f"byte {2 * BLOCK}"):
        read([gzip.compress(bytes(plain))])


def test_gzip_in_several_streams_is_one_stream():
    plain = tar(MEMBERS)
    packed = gzip.compress(plain[:700]) + bytes(64) + gzip.compress(plain[700:]) + bytes(64)
    pieces = [packed[place : place + 50] for place in range(0, len(packed), 50)]
    assert [member.name for member in read(pieces)] == [name for name, _ in MEMBERS]


def test_a_member_too_large_is_named_and_not_held():
    members = [("1.json", b"a" * 10), ("huge.json", b"b" * 900_000), ("2.json", b"c" * 10)]
    found = read([gzip.compress(tar(members))], most=100_000)
    assert [(member.name, member.whole) for member in found] == [
        ("1.json", True),
        ("huge.json", False),
        ("2.json", True),
    ]
    assert (found[1].size, len(found[1].body)) == (900_000, SHOWN)


def test_sizes_beyond_octal_digits_are_read():
    plain = bytearray(tar([("1.json", b"a" * 10)], tarfile.USTAR_FORMAT))
    plain[124:136] = b"\x80" + (10).to_bytes(11, "big")
    plain[148:156] = b"%06o\0 " % sum(plain[:148] + b" " * 8 + plain[156:BLOCK])
    assert read([gzip.compress(bytes(plain))])[0].body == b"a" * 10


@pytest.mark.parametrize(
    "content", [b"", b"no gzip", gzip.compress(b"", mtime=0), gzip.compress(b"no tar" * 200, mtime=0), bytes(100)]
)
def test_what_is_no_tar_gz_is_refused(content: bytes):
    with pytest.raises(MalformedPage):
        read([content])
