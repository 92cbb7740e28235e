"""Answers to a request for one id: what each means, and that no bad one passes for a record."""

import gzip
import json
import zlib
from pathlib import Path

import pytest

from archive.formats import jsonseq
from archive.store import envelope
from archive.store.ledger import NOT_MODIFIED
from harvester.rest.answers import Received, Unusable, decode_block, settle, unpacked

JSON, MARC, BIBTEX = "application/vnd.zenodo.v1+json", "application/marcxml+xml", "application/x-bibtex"
RECORD = b'{"id": 5, "updated": "2024-01-02T03:04:05.6+00:00", "metadata": {"title": "\xc3\xa9"}}'
XML = b'<record xmlns="http://www.loc.gov/MARC21/slim"><leader>00000nam</leader></record>'


def received(body: bytes = RECORD, status: int = 200, media_type: str = JSON, encoding: str = "") -> Received:
    return Received("5", "https://x.example/5", status, media_type, encoding, "Tue, 02 Jan 2024 03:04:05 GMT", body)


def state(answer: Received, accept: str = JSON, name: str = "zenodo-json") -> tuple[str, str | None, bool]:
    settled, _ = settle(answer, name, accept, "2026-01-01T00:00:00Z")
    return settled.state, settled.reason, settled.again


def record(answer: Received, accept: str = JSON, name: str = "zenodo-json") -> envelope.Record:
    settled, text = settle(answer, name, accept, "2026-01-01T00:00:00Z")
    assert text is not None
    assert envelope.sent_bytes(text) == unpacked(answer.body, answer.encoding)
    found = envelope.decode(text)
    assert found.deleted == (settled.state == "deleted")
    assert found.datestamp == settled.datestamp
    return found


def test_a_record_is_kept_with_its_own_datestamp_and_its_exact_bytes():
    found = record(received())
    assert (found.identifier, found.format, found.datestamp) == ("5", "zenodo-json", "2024-01-02T03:04:05.6+00:00")
    assert found.metadata == json.loads(RECORD)


def test_xml_is_kept_as_sent_and_turned_into_json():
    found = record(received(XML, media_type=MARC), MARC, "marcxml")
    assert (found.format, found.datestamp, found.original) == ("marcxml", "2024-01-02T03:04:05Z", XML.decode())
    assert found.metadata is not None
    assert found.metadata["leader"] == "00000nam"


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-16"])
def test_xml_in_another_encoding_can_be_had_again(encoding: str):
    field = '<controlfield tag="001">é</controlfield>'
    body = f'<?xml version="1.0" encoding="{encoding}"?>{XML.decode()[:-9]}{field}</record>'
    found = record(received(body.encode(encoding), media_type=MARC), MARC, "marcxml")
    assert found.metadata is not None
    assert found.metadata["fields"] == [{"001": "é"}]


def test_text_is_kept_as_text():
    found = record(received(b"@misc{x, title={\xc3\xa9}}", media_type=BIBTEX), BIBTEX, "bibtex")
    assert (found.metadata, found.original) == (None, "@misc{x, title={é}}")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (304, ("read", NOT_MODIFIED, False)),
        (404, ("absent", None, False)),
        (401, "forbidden"),
        (403, "forbidden"),
        (451, "forbidden"),
        (406, "refused"),
        (415, "refused"),
        (400, "refused"),
        (500, "refused"),
        (502, "lost"),
        (503, "lost"),
        (504, "lost"),
        (204, "refused"),
        (418, "refused"),
    ],
)
def test_a_status_is_a_state(status: int, expected: object):
    found = state(received(b'{"message": "no"}', status))
    assert found == expected or found[0] == expected
    assert found[2] == (status in (500, 502, 503, 504))


def test_a_tombstone_is_kept_json_or_not():
    body = b'{"status":410,"tombstone":{"removal_reason":{"id":"spam"},"removal_date":"2024-05-06T07:08:09Z"}}'
    found = record(received(body, 410, "application/json"))
    assert (found.deleted, found.format, found.datestamp) == (True, "zenodo-json", "2024-05-06T07:08:09Z")
    assert state(received(body, 410))[1] == "spam"
    page = record(received(b"<html>Gone</html>", 410, "text/html"))
    assert (page.deleted, page.metadata, page.original) == (True, None, "<html>Gone</html>")
    assert record(received(b"", 410, "")).original == ""


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"", JSON),
        (b"  \n", JSON),
        (RECORD[:-1], JSON),
        (b"[1]", JSON),
        (b'"x"', JSON),
        (b"<!DOCTYPE html><p>", JSON),
        (b"<html></html>", "text/html"),
        (b"  <!-- x --> <HTML>", JSON),
        (RECORD + RECORD, JSON),
        (b"\xff\xfe", JSON),
        (b'{"a": "\x1e"}', JSON),
        (b"Service unavailable", "text/plain"),
        (b"<a>", "application/xml"),
    ],
)
def test_what_is_no_record_is_refused_and_tried_again(body: bytes, media_type: str):
    found = state(received(body, media_type=media_type))
    assert (found[0], found[2]) == ("refused", True)


def test_a_record_cut_short_anywhere_is_never_a_record():
    for body, media_type in ((RECORD, JSON), (XML, MARC)):
        for packed, encoding in ((body, ""), (gzip.compress(body), "gzip"), (zlib.compress(body), "deflate")):
            assert state(received(packed, 200, media_type, encoding), media_type)[0] == "read"
            for cut in range(len(packed)):
                assert state(received(packed[:cut], 200, media_type, encoding), media_type)[0] == "refused", (
                    cut,
                    encoding,
                )


def test_packed_bodies_are_unpacked_whole_or_not_at_all():
    raw = zlib.compressobj(wbits=-15)
    assert unpacked(raw.compress(RECORD) + raw.flush(), "deflate") == RECORD
    assert unpacked(gzip.compress(b"a") + gzip.compress(b"b"), "x-gzip") == b"ab"
    for bad in (b"no gzip", gzip.compress(b"a") + b"rest", gzip.compress(RECORD) + gzip.compress(RECORD)[:9]):
        with pytest.raises(Unusable):
            unpacked(bad, "gzip")
    with pytest.raises(Unusable):
        unpacked(b"@article{x}", "br")


@pytest.mark.parametrize(
    ("body", "declared", "accept", "format_", "problem"),
    [
        (RECORD, "application/json", JSON, "json", "other-media-type"),
        (RECORD, "application/json", MARC, "json", "other-media-type"),
        (RECORD, MARC, MARC, "json", "other-media-type"),
        (XML, "text/html", MARC, "asked", "other-media-type"),
        (XML, "application/xml", MARC, "xml", "other-media-type"),
        (XML, MARC, JSON, "marcxml", "other-media-type"),
        (RECORD, JSON + "; charset=utf-8", JSON, "asked", None),
        (RECORD, "", JSON, "asked", "other-media-type"),
    ],
)
def test_another_type_is_kept_as_what_it_is_and_said(
    body: bytes, declared: str, accept: str, format_: str, problem: str | None
):
    settled, text = settle(received(body, media_type=declared), "asked", accept, "now")
    assert text is not None
    assert settled.state == "read"
    assert envelope.decode(text).format == format_
    assert (settled.problem[0] if settled.problem else None) == problem


def test_a_record_that_calls_itself_by_another_id_is_said():
    assert settle(received(b'{"id": 6}'), "json", JSON, "now")[0].problem == ("answer-names-another", "6")
    text = Received("10.5/a", "u", 200, JSON, "", "", b'{"id": 77}')
    assert settle(text, "json", JSON, "now")[0].problem is None
    for body in (b'{"id": "5"}', b'{"recid": 5}', b'{"id": "oai:x:5"}', b'{"id": null}', b'{"id": {"a": 1}}'):
        assert settle(received(body), "json", JSON, "now")[0].problem is None


def test_the_records_of_a_block_are_those_of_its_answers_in_their_order():
    answers = [
        Received(
            str(number),
            f"u{number}",
            404 if number % 5 == 0 else 410 if number % 7 == 0 else 200,
            JSON,
            "",
            "",
            b'{"id": %d}' % number,
        )
        for number in range(1, 200)
    ]
    block = decode_block(answers, "json", "application/json", "now")
    states = [settled.state for settled in block.settled]
    texts = jsonseq.parse(content for content, _ in block.payload)
    records = [envelope.decode(text.text).identifier for text in texts if isinstance(text, jsonseq.Text)]
    kept = [answer.identifier for answer, one in zip(answers, states, strict=True) if one in ("read", "deleted")]
    assert sum(count for _, count in block.payload) == len(kept)
    assert records == kept


@pytest.mark.parametrize("name", ["zenodo", "invenio-rdm", "eprints", "datacite"])
def test_real_records_of_each_platform_are_read(corpus: Path, name: str):
    count = 0
    for path in sorted((corpus / name).rglob("*.json")):
        body = path.read_bytes()
        # errors are bodies of another kind, judged in tests/protocol/test_corpus_answers.py
        if path.name.endswith((".http.json", "-empty.json")) or "schema" in str(path):
            continue
        if path.parent.name == "constructed" or path.name.startswith(("403-", "404-")):
            continue
        try:
            parsed = envelope.parse_json(body)
        except envelope.NotJson:
            continue
        if isinstance(parsed.value, dict):
            assert record(received(body, media_type="application/json"), "application/json", "json").sha256
            count += 1
    assert count > 3


def test_a_row_of_comments_is_looked_at_once():
    body = b"<!---->" * 500 + b"x"
    settled, _ = settle(Received("1", "u", 200, "application/json", "", "", body), "json", "application/json", "t")
    assert settled.state == "refused"


def test_a_body_that_unpacks_to_more_than_the_limit_is_refused():
    body = gzip.compress(b'{"a": "' + b"x" * 1000 + b'"}')
    answer = Received("1", "u", 200, "application/json", "gzip", "", body)
    assert decode_block([answer], "json", "application/json", "t", 3, 2000).settled[0].state == "read"
    (settled,) = decode_block([answer], "json", "application/json", "t", 3, 1000).settled
    assert (settled.state, "1000" in (settled.reason or "")) == ("refused", True)
