"""ISO 2709: what pymarc reads of it is what is read here, and what was cut or changed is named, never shortened."""

import io
from pathlib import Path
from typing import Any

import pymarc
import pytest

from archive.crosswalks import iso2709 as binary
from archive.crosswalks.errors import ConversionError
from archive.crosswalks.iso2709 import Fault, iso2709
from archive.crosswalks.marc8 import unicode_of
from harvester.errors import Unreadable
from harvester.inputs.convertible import Item, iter_items

LEADER = "00000nam a2200000 a 4500"


def record(number: str = "BV1", title: str = "A title: äöü 日本語", **changed: Any) -> dict[str, Any]:
    return {
        "leader": LEADER,
        "fields": [{"001": number}, {"245": {"ind1": "1", "ind2": "0", "subfields": [{"a": title}, {"c": "B"}]}}],
    } | changed


def data_field(tag: str, ind1: str = " ", **subfields: Any) -> dict[str, Any]:
    return {tag: {"ind1": ind1, "ind2": " ", "subfields": [{code: text} for code, text in subfields.items()]}}


def read(body: bytes) -> list[Any]:
    return binary.read_bytes(body)


def marc8(title: bytes, number: bytes = b"m8", leader_9: bytes = b" ") -> bytes:
    fields = [(b"001", number + b"\x1e"), (b"245", b"10\x1fa" + title + b"\x1e")]
    directory, data = b"", b""
    for tag, value in fields:
        directory += b"%s%04d%05d" % (tag, len(value), len(data))
        data += value
    base = 24 + len(directory) + 1
    head = b"%05dnam %s22%05d a 4500" % (base + len(data) + 1, leader_9, base)
    return head + directory + b"\x1e" + data + b"\x1d"


def test_a_record_comes_back_and_pymarc_reads_the_same():
    body = iso2709(record()) + iso2709(record("BV2"))
    assert [one["fields"] for one in read(body)] == [record()["fields"], record("BV2")["fields"]]
    theirs = [one.as_dict()["fields"] for one in pymarc.MARCReader(body) if one is not None]
    assert theirs == [record()["fields"], record("BV2")["fields"]]
    assert read(body)[0]["leader"][5:9] == "nam "
    assert read(body)[0]["leader"][9] == "a"


@pytest.mark.parametrize(
    ("marc_8", "text"),
    [
        (b"plain", "plain"),
        (b"\xe8a\xe2e", "äé"),
        (b"\x1b(NABC\x1b(B d", "абц d"),
        (b"\x1b$1!0!\x1b(B", "一"),
        (b"H\x1bb2\x1bsO", "H₂O"),
        (b"\x88The \x89end", "\x98The \x9cend"),
        (b"\xc3 1990", "© 1990"),
    ],
)
def test_marc_8_is_read(marc_8: bytes, text: str):
    assert unicode_of(marc_8) == text
    (found,) = read(marc8(marc_8))
    assert found["fields"][1]["245"]["subfields"] == [{"a": text}]
    assert found["leader"][9] == "a"


@pytest.mark.parametrize("marc_8", [b"\xff!", b"\x1b(?a", b"\x1b", b"\xe8", b"\x1b$1!0", b"\x1b(N\x1bt"])
def test_what_is_no_marc_8_is_named_and_not_replaced(marc_8: bytes):
    (fault,) = read(marc8(marc_8))
    assert isinstance(fault, Fault)
    assert "001 'm8', field 245 $a" in fault.reason


def test_a_leader_that_names_the_wrong_encoding_is_named():
    for title, leader_9 in (("ä".encode(), b" "), (b"\xe8a", b"a"), (b"\xe4", b"a"), (b"\xe4", b"x")):
        (fault,) = read(marc8(title, leader_9=leader_9))
        assert isinstance(fault, Fault)
        assert "leader/09" in fault.reason, title


def test_what_is_cut_anywhere_is_never_a_shorter_file():
    body = iso2709(record()) + iso2709(record("BV2"))
    ends = {0, len(iso2709(record()))}
    for end in range(len(body)):
        found = read(body[:end])
        assert end in ends or any(isinstance(one, Fault) and one.damaged for one in found), end


def test_a_flipped_mark_is_found_and_the_next_record_still_read():
    """Text has no checksum in ISO 2709; its length, directory, indicators and terminators have to agree."""
    first, second = iso2709(record(title="plain")), iso2709(record("BV2"))
    marks = [*range(5), *range(12, 17), *range(27, 36), *(at for at, byte in enumerate(first) if byte in b"\x1d\x1e")]
    for at in marks:
        flipped = first[:at] + bytes([first[at] ^ 1]) + first[at + 1 :]
        found = read(flipped + second)
        assert isinstance(found[0], Fault), at
        if first[at : at + 1] != b"\x1d":
            assert found[-1]["fields"] == record("BV2")["fields"], at


def test_bytes_that_no_directory_entry_names_are_not_dropped():
    body = iso2709(record())
    base = int(body[12:17])
    without = body[:24] + body[36 : base - 1] + body[base - 1 :]
    fixed = b"%05d" % len(without) + without[5:12] + b"%05d" % (base - 12) + without[17:]
    (fault,) = read(fixed)
    assert isinstance(fault, Fault)
    assert "belong to no field" in fault.reason


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"leader": LEADER[:-1]}, "leader: it has 23 characters"),
        ({"leader": ""}, "leader: it has 0"),
        ({"fields": [{"001": "BV1"}, data_field("245", a="a\x0bb")]}, "field 245 $a: U+000B"),
        ({"fields": [{"001": "BV1"}, data_field("245", a="a\x1db")]}, "field 245 $a: U+001D"),
        ({"fields": [{"001": "BV1"}, data_field("245", a="a\ud800b")]}, "field 245 $a: U+D800 is a lone surrogate"),
        ({"fields": [{"001": "BV1"}, {"008": "\x00"}]}, "field 008: U+0000"),
        ({"fields": [{"001": "BV1"}, data_field("245", ind1="", a="T")]}, "field 245: ind1"),
        ({"fields": [{"001": "BV1"}, data_field("245", ind1="12", a="T")]}, "field 245: ind1"),
        ({"fields": [{"001": "BV1"}, data_field("24", a="T")]}, "field '24'"),
        ({"fields": [{"001": "BV1"}, data_field("245", ab="T")]}, "field 245: the subfield code"),
        ({"fields": [{"001": "BV1"}, data_field("245", a=None)]}, "field 245 $a"),
        ({"fields": [{"001": "BV1"}, data_field("245", a="x" * 9_995)]}, "field 245: 10,000 bytes"),
        ({"fields": [{"001": "BV1"}, *[data_field("500", a="x" * 9_000)] * 12]}, "99,999"),
        ({"fields": [{"001": "BV1"}, {"FMT": "MU"}]}, "field FMT"),
        ({"fields": [{"001": "BV1"}, data_field("006", a="x")]}, "field 006"),
    ],
)
def test_what_readers_would_not_accept_is_named_with_its_001_and_field(changed: dict[str, Any], said: str):
    with pytest.raises(ConversionError) as raised:
        iso2709(record(**changed))
    assert "001 'BV1'" in str(raised.value)
    assert said in str(raised.value)


def test_the_largest_field_and_record_that_fit_are_written():
    largest = record(fields=[{"001": "BV1"}, data_field("245", a="x" * 9_994)])
    assert read(iso2709(largest))[0]["fields"] == largest["fields"]


def items(path: Path, body: bytes) -> list[Item]:
    path.write_bytes(body)
    return list(iter_items(path))


def test_a_file_is_read_as_what_it_is_whatever_stands_between_its_records(tmp_path: Path):
    one, two = iso2709(record()), iso2709(record("BV2"))
    for body in (
        one + two,
        b"\xef\xbb\xbf" + one + two,
        one + b"\r\n" + two + b"\n",
        one + two + b"\x1a",
        one + two + bytes(9),
    ):
        assert [item.reason for item in items(tmp_path / "x.mrc", body)] == ["", ""], body[-4:]


def test_damage_at_the_beginning_is_still_known_as_iso_2709(tmp_path: Path):
    one, two = iso2709(record()), iso2709(record("BV2"))
    for body in (b"x" + one[1:] + two, one[:20] + b"xx" + one[22:] + two, one[:12] + b"x" + one[13:] + two):
        assert items(tmp_path / "x.mrc", body)[-1].metadata is not None
    for body in (one[:12], one[:40]):
        assert [item.metadata for item in items(tmp_path / "x.mrc", body)] == [None]
    with pytest.raises(Unreadable):
        items(tmp_path / "x.mrc", b"12345 is a number, and this is a text of some length")


def test_reading_begins_where_the_file_stands():
    assert len(list(binary.read(io.BytesIO(iso2709(record()))))) == 1
    assert list(binary.read(io.BytesIO(b""))) == []
