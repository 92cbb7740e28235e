"""The end of a shard: what is written is read back, and nothing else is taken for it."""

import struct

import pytest

from archive.store import seektable
from archive.store.seektable import Entry

ENTRIES = [Entry(100, 5000, 0xDEADBEEF), Entry(1, 2, 3), Entry(0xFFFFFFFF, 0xFFFFFFFF, 0)]


def test_a_table_is_as_the_seekable_format_lays_it_out():
    table = seektable.encode(ENTRIES[:2])
    assert table == struct.pack("<IIIIIIIIIBI", 0x184D2A5E, 33, 100, 5000, 0xDEADBEEF, 1, 2, 3, 2, 0x80, 0x8F92EAB1)


@pytest.mark.parametrize("count", range(4))
def test_a_table_is_read_back(count: int):
    table = seektable.encode(ENTRIES[:count])
    assert seektable.table_bytes(table[-9:]) == len(table)
    assert seektable.decode(table) == ENTRIES[:count]


def test_no_cut_and_no_changed_header_of_a_table_is_a_table():
    table = seektable.encode(ENTRIES)
    for cut in range(len(table)):
        for part in (table[:cut], table[len(table) - cut :]):
            with pytest.raises(ValueError):
                seektable.decode(part)
    entries = range(8, len(table) - 9)
    for place in range(len(table)):
        changed = table[:place] + bytes([table[place] ^ 0x40]) + table[place + 1 :]
        if place in entries:
            assert seektable.decode(changed) != ENTRIES
        else:
            with pytest.raises(ValueError):
                seektable.decode(changed)
    with pytest.raises(ValueError):
        seektable.decode(table + b"\0")


def test_what_ends_no_file_of_ours_ends_no_table():
    for footer in (b"", b"12345678", b"123456789", seektable.encode([])[-9:-1] + b"\0"):
        with pytest.raises(ValueError):
            seektable.table_bytes(footer)


def test_a_digest_frame_is_skippable_and_read_back():
    frame = seektable.encode_digest(7, b"d" * 32)
    assert len(frame) == seektable.DIGEST_FRAME_BYTES
    assert struct.unpack_from("<II", frame) == (0x184D2A5D, len(frame) - 8)
    assert seektable.decode_digest(frame) == (7, b"d" * 32)


def test_no_cut_of_a_digest_frame_and_no_other_kind_is_one():
    frame = seektable.encode_digest(7, b"d" * 32)
    for bad in [frame[:cut] for cut in range(len(frame))] + [
        frame + b"\0",
        b"x" + frame[1:],
        frame.replace(b"HVST", b"HVSU"),
    ]:
        with pytest.raises(ValueError):
            seektable.decode_digest(bad)
