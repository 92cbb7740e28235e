"""Records that were sent as JSON, or as anything else: their exact bytes can be had again."""

import hashlib
import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.formats import jsonseq
from archive.store import envelope
from archive.store.envelope import NotJson, decode, encode_bytes, encode_json, parse_json, sent_bytes

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def made(body: bytes) -> bytes:
    return encode_json("1", "", False, (), "json", "application/json", "u", "now", body)


@given(values, st.booleans(), st.sampled_from([None, 2]))
def test_the_bytes_that_were_sent_can_be_had_again(value: Any, escaped: bool, indent: int | None):
    body = json.dumps({"metadata": value, ',"metadata":': value}, ensure_ascii=escaped, indent=indent)
    try:
        sent = body.encode()
    except UnicodeEncodeError:
        return
    text = made(sent)
    assert sent_bytes(text) == sent
    assert not {*b"\n\r\x1e"} & {*text}
    assert decode(text).sha256 == hashlib.sha256(sent).hexdigest()


def test_plain_json_is_embedded_and_not_kept_twice():
    text = made(b'{"a": 1.50, "b":"\\u00e9"}')
    assert b'"metadata":{"a": 1.50, "b":"\\u00e9"}}' in text
    assert decode(text).original is None


@pytest.mark.parametrize(
    ("body", "metadata"),
    [
        (b'{"a": 1,\n"b": 2}', {"a": 1, "b": 2}),
        (b'{"a": 1}\r\n', {"a": 1}),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'{"x": {"a": 1, "b": {"a": 3, "a": 4}}}', {"x": {"a": 1, "b": {"a": 4}}}),
        (b'{"a": NaN, "b": -Infinity, "c": 1e400}', {"a": None, "b": None, "c": "1e400"}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": "\\ud800x"}', {"a": "\ufffdx"}),
    ],
)
def test_what_cannot_stand_there_as_it_is_is_kept_as_it_was(body: bytes, metadata: dict[str, Any]):
    text = made(body)
    record = decode(text)
    assert record.original is not None
    assert record.metadata == metadata
    assert sent_bytes(text) == body
    assert jsonseq.encode(text).count(b"\n") == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{} {}",
        b"\xff",
        b'{"a": "\x1e"}',
        b"<html>",
        b'{"a": "\xe9"}',
        b"[" * 5000 + b"]" * 5000,
        b"[" * 1024 + b"]" * 1024,
    ],
)
def test_what_is_no_json_is_refused(body: bytes):
    with pytest.raises(NotJson):
        parse_json(body)


def test_a_record_as_deep_as_can_be_read_can_be_read_again():
    for depth, end in [(depth, end) for depth in (250, 253, 254, 255, 256, *range(1015, 1025)) for end in (b"", b"\n")]:
        body = b"[" * depth + b"]" * depth + end
        try:
            text = made(body)
        except NotJson:
            continue
        orjson.dumps({"metadata": decode(text).metadata})
        assert sent_bytes(text) == body


@pytest.mark.parametrize(
    ("body", "encoding", "kept"),
    [
        ("<a>é</a>".encode(), "utf-8", "utf-8"),
        ("<a>é</a>".encode("latin-1"), "iso-8859-1", "iso-8859-1"),
        ("<a>é</a>".encode("latin-1"), "utf-8", "base64"),
        ("\ufeff<a/>".encode("utf-16-le"), "utf-16-le", "utf-16-le"),
        (b"\x00\xff", "no-such-encoding", "base64"),
        (b"", "utf-8", "utf-8"),
    ],
)
def test_any_other_bytes_are_kept_as_text_or_as_base64(body: bytes, encoding: str, kept: str):
    text = encode_bytes("1", "", False, (), "xml", "application/xml", "u", "now", body, encoding, None)
    assert sent_bytes(text) == body
    assert decode(text).encoding == kept


def test_a_record_without_metadata_was_sent_without():
    text = envelope.encode("1", "", True, (), "f", "m", "u", "now", None, None, None, ())
    assert sent_bytes(text) is None


def test_parsing_cases_of_other_people(corpus: Path):
    cases = sorted((corpus / "json").rglob("[yni]_*.json"))
    assert len(cases) > 100
    for case in cases:
        body = case.read_bytes()
        try:
            text = made(body)
        except NotJson:
            assert not case.name.startswith("y_"), case.name
            continue
        assert sent_bytes(text) == body, case.name
        lenient = body.startswith(b"\xef\xbb\xbf") or b"NaN" in body or b"Infinity" in body
        assert not case.name.startswith("n_") or lenient, case.name
