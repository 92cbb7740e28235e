"""application/marc by its id: the bytes are kept, their JSON is made, and a body that is cut or changed is refused."""

import base64

import pytest

from archive.crosswalks.fields import index_fields
from archive.crosswalks.iso2709 import iso2709
from archive.store import envelope
from harvester.rest.answers import Received, Settled, settle

MARC = "application/marc"
RECORD = {
    "leader": "00000nam a2200000 a 4500",
    "fields": [
        {"001": "5"},
        {"024": {"ind1": "7", "ind2": " ", "subfields": [{"a": "10.1234/AB"}, {"2": "doi"}]}},
        {"245": {"ind1": "1", "ind2": "0", "subfields": [{"a": "Über T"}]}},
    ],
}
BODY = iso2709(RECORD)


def settled(body: bytes, media_type: str = MARC, accept: str = MARC) -> tuple[Settled, envelope.Record | None]:
    answer = Received("5", "https://x.example/5", 200, media_type, "", "", body)
    found, text = settle(answer, accept, accept, "2026-01-01T00:00:00Z")
    if text is None:
        return found, None
    assert envelope.sent_bytes(text) == body
    return found, envelope.decode(text)


@pytest.mark.parametrize("media_type", [MARC, "application/marc; charset=utf-8", "application/x-marc"])
def test_it_is_kept_as_its_bytes_with_its_json(media_type: str):
    found, record = settled(BODY, media_type)
    assert (found.state, found.problem) == ("read", None)
    assert record is not None
    assert (record.encoding, record.original) == ("base64", base64.b64encode(BODY).decode())
    assert record.metadata is not None
    fields = index_fields("5", record.metadata)
    assert (fields.doi, fields.title) == ("10.1234/ab", "Über T")


@pytest.mark.parametrize(
    "body", [BODY[:-1], BODY[:30], BODY[:12], b"9" + BODY[1:], BODY + BODY[:40], b"plain words", b""]
)
def test_what_is_cut_or_changed_or_something_else_is_refused_and_asked_for_again(body: bytes):
    found, record = settled(body)
    assert (found.state, found.again, record) == ("refused", True, None)


def test_what_cannot_be_read_in_it_is_kept_with_a_finding():
    found, record = settled(BODY.replace(b"\xc3\x9c", b"\xff\xff"))
    assert found.problem is not None
    assert found.problem[0] == "conversion-failed"
    assert "001 '5', field 245 $a" in found.problem[1]
    assert record is not None
    assert record.metadata is None


def test_several_records_are_a_finding():
    found, record = settled(BODY + BODY)
    assert found.problem == ("answer-holds-several", "2 records")
    assert record is not None
    assert record.metadata is not None
    assert len(record.metadata["collection"]) == 2


def test_what_comes_as_something_else_is_kept_as_that():
    found, record = settled(BODY, "application/octet-stream")
    assert found.problem == ("other-media-type", "application/octet-stream for application/marc")
    assert record is not None
    assert record.metadata is not None
    json, xml = b'{"id": 5, "title": "T"}', b"<metadata><title>T</title></metadata>"
    for body, media_type, kind in ((json, "application/json", "json"), (xml, "application/xml", "xml")):
        found, record = settled(body, media_type)
        assert record is not None
        assert (record.format, found.problem and found.problem[0]) == (kind, "other-media-type")
    found, record = settled(BODY, MARC, "application/json")
    assert record is not None
    assert record.format == "marc"
    assert record.metadata is not None
