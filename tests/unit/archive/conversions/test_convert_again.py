"""One record's metadata, made once more of its original: replaced, kept, and never anything else of it touched."""

import hashlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.conversions.convert import redone
from archive.crosswalks.iso2709 import iso2709
from archive.store import envelope
from archive.store.envelope import decode, encode, encode_bytes

DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
XML = f'<dc xmlns="{DC}" xmlns:d="http://purl.org/dc/elements/1.1/"><d:title>T</d:title></dc>'
MADE = {"title": ["T"]}


def record(original: str | None, metadata: dict[str, Any] | None, *, deleted: bool = False) -> bytes:
    sha256 = hashlib.sha256(original.encode()).hexdigest() if original else None
    return encode(
        "oai:x:1",
        "2020",
        deleted,
        ("a",),
        "oai_dc",
        "application/xml",
        "u",
        "r",
        sha256,
        metadata,
        original,
        ('<about>,"original":</about>',),
    )


def kind(text: bytes) -> tuple[str, dict[str, Any] | None]:
    new, what = redone(text, decode(text))
    before, after = orjson.loads(text), orjson.loads(new)
    assert list(before) == list(after)
    assert {**before, "metadata": None} == {**after, "metadata": None}
    return what.kind, after["metadata"]


@pytest.mark.parametrize(
    ("metadata", "wanted"),
    [
        (MADE, "same"),
        ({"title": ["S"]}, "otherwise"),
        ({"original": "x"}, "otherwise"),
        (None, "new"),
        ({"b": 1, "title": ["T"]}, "otherwise"),
    ],
)
def test_metadata_is_what_the_converter_makes_now(metadata: dict[str, Any] | None, wanted: str):
    assert kind(record(XML, metadata)) == (wanted, MADE)
    assert kind(record(f'<?xml version="1.0" encoding="iso-8859-1"?>\n{XML}', metadata)) == (wanted, MADE)


def test_a_record_that_comes_out_the_same_keeps_its_bytes():
    text = record(XML, MADE)
    assert redone(text, decode(text))[0] is text


@pytest.mark.parametrize(
    ("original", "metadata", "wanted"),
    [
        ("<novelty/>", {"kept": 1}, "no_longer"),
        ("<novelty/>", None, "other"),
        ('<record xmlns="http://www.loc.gov/MARC21/slim"><x/></record>', None, "not"),
        ('<record xmlns="http://www.loc.gov/MARC21/slim"><x/></record>', {"kept": 1}, "no_longer"),
        ("1,10.1/x,removed", {"row": "kept"}, "other"),
        ("<!DOCTYPE html><dc/>", None, "other"),
        ("<html><p>no XML</html>", None, "other"),
        ("", None, "other"),
        (None, {"json": "sent"}, "other"),
    ],
)
def test_what_does_not_convert_keeps_what_it_has(original: str | None, metadata: dict[str, Any] | None, wanted: str):
    assert kind(record(original, metadata)) == (wanted, metadata)


def test_elements_nested_too_deep_are_said_and_lose_nothing():
    deep = f'<dc xmlns="{DC}" xmlns:d="http://purl.org/dc/elements/1.1/">' + "<d:x>" * 300 + "</d:x>" * 300 + "</dc>"
    text = record(deep, None)
    assert redone(text, decode(text))[1].kind in ("new", "not")


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "utf-16"])
def test_the_encoding_of_the_document_makes_no_difference(encoding: str):
    body = f'<?xml version="1.0" encoding="{encoding}"?>{XML.replace(">T<", ">Tü<")}'.encode(encoding)
    text = encode_bytes("1", "", False, (), "dc", "application/xml", "u", "r", body, encoding, {"title": ["old"]})
    assert kind(text) == ("otherwise", {"title": ["Tü"]})


def test_json_that_was_sent_is_never_touched():
    for body in (b'{"a": 1}', b'{\n"a": 1}', b'{"a": 1, "a": 2}'):
        text = envelope.encode_json("1", "", False, (), "json", "application/json", "u", "r", body)
        assert redone(text, decode(text))[0] is text


ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9) | st.just("original"), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text() | st.sampled_from(["original", 'x","original":"', "metadata"]), ANY))
def test_whatever_the_metadata_were_only_they_change(metadata: dict[str, Any]):
    assert kind(record(XML, metadata))[1] == MADE


@pytest.mark.parametrize("encoding", ["utf-8", "base64"])
@pytest.mark.parametrize(("metadata", "wanted"), [(None, "new"), ({"leader": "old", "fields": []}, "otherwise")])
def test_iso_2709_that_was_kept_as_text_has_json_then(encoding: str, metadata: dict[str, Any] | None, wanted: str):
    field = {"245": {"ind1": "1", "ind2": "0", "subfields": [{"a": "T"}]}}
    body = iso2709({"leader": "00000nam a2200000 a 4500", "fields": [{"001": "1"}, field]})
    made = encode_bytes("x:1", "", False, (), "marc", "application/marc", "u", "r", body, encoding, metadata)
    found, after = kind(made)
    assert (found, after and after["fields"]) == (wanted, [{"001": "1"}, field])
    cut = encode_bytes("x:1", "", False, (), "marc", "application/marc", "u", "r", body[:-1], encoding, metadata)
    assert kind(cut) == ("not" if metadata is None else "no_longer", metadata)
