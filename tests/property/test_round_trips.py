"""What is written is read back, whatever it is and however it is cut into pieces."""

import tempfile
from pathlib import Path
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from archive.crosswalks.marc import marc_json, marc_xml
from archive.formats import jsonseq
from archive.formats.jsonseq import Parser, Text
from archive.store import envelope, seektable, shards
from archive.store.shard_salvage import Damage, salvage

LINES = st.characters(exclude_categories=["Cs"])
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(LINES, max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(LINES, max_size=5), inner, max_size=4),
    max_leaves=15,
)
OBJECTS = st.dictionaries(st.text(LINES, max_size=8), JSON, max_size=5)
TEXTS = st.lists(JSON.map(orjson.dumps), max_size=12)
# bytes that a parser of sequences trips over, more often than others
SEQUENCES = st.lists(
    st.sampled_from([b"\x1e", b"\n", b" ", b"{}", b"[", b"1", b"tru", b"e", b'"', b"\\", b"\xff", b"null"]), max_size=40
).map(b"".join)


def pieces(data: st.DataObject, whole: bytes) -> list[bytes]:
    """The bytes, cut anywhere."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    return [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


@given(TEXTS)
def test_texts_are_read_back_from_a_sequence(texts: list[bytes]):
    found = list(jsonseq.parse([b"".join(map(jsonseq.encode, texts))]))
    assert [item.text for item in found if isinstance(item, Text)] == texts
    assert len(found) == len(texts)


@given(SEQUENCES | st.binary(max_size=60), st.data())
def test_any_split_of_a_sequence_gives_the_same_texts(sequence: bytes, data: st.DataObject):
    assert list(jsonseq.parse(pieces(data, sequence))) == list(jsonseq.parse([sequence]))
    parser = Parser()
    by_byte = [item for n in range(len(sequence)) for item in parser.feed(sequence[n : n + 1])]
    assert [*by_byte, *parser.close()] == list(jsonseq.parse([sequence]))


@given(SEQUENCES | st.binary(max_size=60))
def test_any_bytes_are_texts_or_bad_texts_that_stand_where_they_are_said_to(sequence: bytes):
    for item in jsonseq.parse([sequence]):
        if isinstance(item, Text):
            assert sequence[item.offset : item.offset + 1] == b"\x1e"
            assert sequence[item.offset + 1 :].lstrip(b" \t\r\n").startswith(item.text)
            orjson.loads(item.text)


@given(TEXTS, st.integers(0), st.binary(max_size=9))
def test_damage_costs_no_text_but_the_ones_it_is_in(texts: list[bytes], place: int, noise: bytes):
    whole = b"".join(map(jsonseq.encode, texts))
    place %= len(whole) + 1
    damaged = whole[:place] + noise + whole[place:]
    found = [item.text for item in jsonseq.parse([damaged]) if isinstance(item, Text)]
    hit = whole[:place].count(b"\x1e") - 1
    assert found[: max(0, hit)] == texts[: max(0, hit)]
    after = len(texts) - hit - 1
    assert after <= 0 or found[-after:] == texts[-after:]


@settings(max_examples=40)
@given(st.lists(st.lists(OBJECTS.map(orjson.dumps), min_size=1, max_size=4), max_size=5), st.sampled_from([1, 3, 19]))
def test_records_are_read_back_from_a_shard_in_their_frames(frames: list[list[bytes]], level: int):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.json-seq.zst"
        writer = shards.ShardWriter(path, level)
        for texts in frames:
            writer.append(b"".join(map(jsonseq.encode, texts)), len(texts))
            writer.flush()
        entries = writer.take_frames()
        seal = writer.seal()
        assert [frame.texts() for frame in shards.iter_frames(path)] == frames
        assert shards.check_shard(path) == seal
        assert [frame.texts() for frame in salvage(path) if isinstance(frame, shards.Frame)] == frames
        for entry, texts in zip(entries, frames, strict=True):
            assert shards.read_frame(path, entry.frame).texts() == texts
            assert shards.read_frame_at(path, entry.frame, entry.offset, entry.length).texts() == texts


@settings(max_examples=60)
@given(st.lists(OBJECTS.map(orjson.dumps), min_size=1, max_size=6), st.integers(0), st.integers(1, 255), st.booleans())
def test_a_shard_that_was_changed_is_never_whole(texts: list[bytes], place: int, mask: int, cut: bool):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.json-seq.zst"
        writer = shards.ShardWriter(path)
        for text in texts:
            writer.append(jsonseq.encode(text), 1)
            writer.flush()
        writer.seal()
        body = bytearray(path.read_bytes())
        place %= len(body)
        body[place] ^= mask
        path.write_bytes(body[:place] if cut else body)
        found = list(salvage(path))
        assert any(isinstance(item, Damage) for item in found)
        salvaged = [text for item in found if isinstance(item, shards.Frame) for text in item.texts()]
        assert salvaged == [text for text in texts if text in salvaged] or len(set(texts)) < len(texts)
        assert set(salvaged) <= set(texts)
        if not cut:
            assert len(salvaged) >= len(texts) - 1


@given(st.lists(st.builds(seektable.Entry, *[st.integers(0, 2**32 - 1)] * 3), max_size=20))
def test_a_seek_table_is_read_back(entries: list[seektable.Entry]):
    assert seektable.decode(seektable.encode(entries)) == entries


@given(st.binary(max_size=80))
def test_any_bytes_are_a_seek_table_or_a_value_error(body: bytes):
    for read in (seektable.decode, seektable.decode_digest, seektable.table_bytes):
        try:
            read(body)
        except ValueError:
            pass


@given(
    st.text(LINES, min_size=1),
    st.text(LINES),
    st.booleans(),
    st.lists(st.text(LINES)),
    st.none() | OBJECTS,
    st.none() | st.text(LINES),
    st.lists(st.text(LINES)),
)
def test_a_record_is_read_back(
    identifier: str, stamp: str, deleted: bool, sets: list[str], metadata: Any, original: str | None, about: list[str]
):
    values = (identifier, stamp, deleted, tuple(sets), "f", "m", "u", "t", None, metadata, original, tuple(about))
    text = envelope.encode(*values)
    assert b"\x1e" not in text
    assert envelope.decode(text) == envelope.Record(*values)


XML_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=20)
FIELDS = st.tuples(st.from_regex(r"[0-9]{3}", fullmatch=True), XML_TEXT).map(
    lambda pair: {pair[0]: pair[1]}
) | st.tuples(
    st.from_regex(r"[0-9A-Z]{3}", fullmatch=True),
    st.sampled_from(" 019a"),
    st.sampled_from(" 019a"),
    st.lists(st.tuples(st.sampled_from("abcx9"), XML_TEXT).map(lambda pair: dict([pair])), max_size=4),
).map(lambda f: {f[0]: {"ind1": f[1], "ind2": f[2], "subfields": f[3]}})


@given(XML_TEXT, st.lists(FIELDS, max_size=6))
def test_marc_makes_the_round_trip(leader: str, fields: list[dict[str, Any]]):
    record = {"leader": leader, "fields": fields}
    assert marc_json(etree.fromstring(marc_xml(record))) == record
