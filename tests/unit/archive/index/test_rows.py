"""A record's row: its metadata as they stand in the shard, and a hash that anybody can compute again."""

import hashlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.formats.canonical import encode as canonical
from archive.index.rows import metadata_text, parse_record, row_line
from archive.store import envelope

TRICKY = st.sampled_from(
    [
        "",
        ',"original":"',
        '","original":"x"',
        ',"metadata":',
        '"}',
        "\\",
        '\\",\\"original\\":\\"',
        "é",
        "\x00",
        "}{",
        "original",
        "metadata",
        "about",
    ]
)
JSON = st.recursive(
    st.one_of(TRICKY, st.integers(-5, 5), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TRICKY, inner, max_size=3)),
    max_leaves=8,
)
METADATA = st.dictionaries(TRICKY, JSON, max_size=3)


def encoded(identifier: str, metadata: Any, original: str | None, about: tuple[str, ...]) -> bytes:
    return envelope.encode(
        identifier,
        "2020-01-01",
        False,
        (identifier, "b"),
        "f",
        "m",
        "u",
        "2020-01-01T00:00:00Z",
        None,
        metadata,
        original,
        about,
    )


@given(TRICKY, st.none() | METADATA, st.none() | TRICKY, st.lists(TRICKY, max_size=2).map(tuple))
def test_metadata_are_found_wherever_they_look_like_something_else(
    identifier: str, metadata: Any, original: str | None, about: tuple[str, ...]
):
    text = encoded(identifier, metadata, original, about)
    whole = orjson.loads(text)
    for form in (text, canonical(whole)):
        parsed = parse_record(form)
        assert (None if parsed.metadata is None else orjson.loads(parsed.metadata)) == metadata
        assert {name: parsed.values[name] for name in ("identifier", "datestamp", "sets", "sha256", "metadata")} == {
            name: whole[name] for name in ("identifier", "datestamp", "sets", "sha256", "metadata")
        }
        if metadata is None:
            assert parsed.values == whole
        else:
            assert orjson.loads(metadata_text(whole if form == text else orjson.loads(form), form)) == metadata


def test_metadata_that_were_sent_stay_as_they_are():
    body = b'{"metadata": {"size": 1.50, "original":"x", "n": 12345678901234567890}}'
    text = envelope.encode_json("1", "", False, (), "json", "application/json", "u", "r", body)
    parsed = parse_record(text)
    assert parsed.metadata == body
    assert body in row_line(parsed, 1, 2, 3, 4, 5)


def test_the_hash_is_the_beginning_of_the_sha256_of_the_text():
    text = encoded("oai:x:1", {"title": ["T"]}, "<a/>", ())
    assert parse_record(text).hash == int(hashlib.sha256(text).hexdigest()[:16], 16)


def test_a_row_says_where_the_record_is_and_when_it_came():
    row = orjson.loads(row_line(parse_record(encoded("oai:x:1", {"title": ["T"]}, None, ())), 1, 2, 3, 4, 5))
    assert {name: row[name] for name in ("shard", "frame", "position", "run", "outcome")} == {
        "shard": 1,
        "frame": 2,
        "position": 3,
        "run": 4,
        "outcome": 5,
    }
    assert (row["datestamp"], row["stamp"], row["title"]) == ("2020-01-01 00:00:00", "2020-01-01", "T")


@pytest.mark.parametrize("text", [b"{}", b"[]", b'{"metadata":1', b"", b'{"identifier":"x","metadata":null}'])
def test_what_is_no_record_is_refused(text: bytes):
    with pytest.raises((KeyError, TypeError, ValueError)):
        row_line(parse_record(text), 1, 1, 1, 1, 1)
