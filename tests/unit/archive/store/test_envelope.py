"""The record in a shard: its keys, their order, and what is left out."""

import orjson
import pytest

from archive.store import envelope

WHOLE = (
    "oai:x:1",
    "2020-01-01",
    False,
    ("a", "a:b"),
    "oai_dc",
    "application/xml",
    "https://x.example",
    "2026-01-01T00:00:00Z",
    "0" * 64,
    {"title": ["ü\u2028\x1e"]},
    "<dc>ü\x1e</dc>",
    ("<about/>",),
)
BARE = (
    "oai:x:1",
    "2020-01-01",
    True,
    (),
    "oai_dc",
    "application/xml",
    "https://x.example",
    "2026-01-01T00:00:00Z",
    None,
    None,
    None,
    (),
)


@pytest.mark.parametrize("values", [WHOLE, BARE])
def test_a_record_is_read_back(values: tuple[object, ...]):
    record = envelope.decode(envelope.encode(*values))  # type: ignore[arg-type]
    assert record == envelope.Record(*values)  # type: ignore[arg-type]


def test_the_keys_stand_in_one_order_and_what_is_not_there_is_left_out():
    keys = [
        "identifier",
        "datestamp",
        "deleted",
        "sets",
        "format",
        "media_type",
        "url",
        "retrieved",
        "sha256",
        "metadata",
    ]
    assert list(orjson.loads(envelope.encode(*WHOLE))) == [*keys, "original", "about"]  # type: ignore[arg-type]
    assert list(orjson.loads(envelope.encode(*BARE))) == keys  # type: ignore[arg-type]


def test_no_control_character_of_a_value_stands_in_the_text():
    text = envelope.encode(*WHOLE)  # type: ignore[arg-type]
    assert b"\x1e" not in text
    assert b"\n" not in text


@pytest.mark.parametrize("text", [b"{}", b"[]", b"1", b"{", b'{"identifier":"a","sets":null}', b"null"])
def test_what_is_no_record_raises(text: bytes):
    with pytest.raises((ValueError, KeyError, TypeError)):
        envelope.decode(text)
