"""Errors and empty results with HTTP status 200: told from records by their content, in every form."""

import json
from typing import Any

import pytest

from archive.store import envelope
from harvester.rest.answers import Received, settle
from harvester.rest.errorbodies import judge_json

JSON, XML, BIBTEX, RIS = (
    "application/json",
    "application/xml",
    "application/x-bibtex",
    "application/x-research-info-systems",
)
SRU = "http://www.loc.gov/zing/srw/"
OAI = "http://www.openarchives.org/OAI/2.0/"


def outcome(body: bytes, accept: str = JSON, status: int = 200, media_type: str | None = None) -> tuple[str, bool]:
    answer = Received("7", "https://x.example/7", status, media_type or accept, "", "", body)
    settled, text = settle(answer, "form", accept, "2026-01-01T00:00:00Z")
    assert (text is not None) == (settled.state in ("read", "deleted"))
    return settled.state, settled.again


@pytest.mark.parametrize(
    ("record", "state"),
    [
        ({"status": 404, "message": "The persistent identifier does not exist."}, "absent"),
        ({"status": "404", "title": "Not Found", "type": "about:blank"}, "absent"),
        ({"status": "404 NOT FOUND", "error": "x"}, "absent"),
        ({"message": "x", "code": 404}, "absent"),
        ({"statusCode": 404, "error": "Not Found", "message": "x"}, "absent"),
        ({"error": {"code": 404, "message": "x"}}, "absent"),
        ({"errors": [{"status": "404", "title": "The resource you are looking for doesn't exist."}]}, "absent"),
        ({"timestamp": "2024-01-01T00:00:00", "status": 404, "error": "Not Found", "path": "/api/7"}, "absent"),
        ({"response": {"numFound": 0, "start": 0, "docs": []}}, "absent"),
        ({"responseHeader": {"status": 0, "QTime": 1}, "response": {"numFound": 0, "docs": []}}, "absent"),
        ({"_index": "records", "_id": "7", "found": False}, "absent"),
        ({"took": 3, "timed_out": False, "hits": {"total": 0, "hits": []}}, "absent"),
        ({"took": 3, "hits": {"total": {"value": 0, "relation": "eq"}, "max_score": None, "hits": []}}, "absent"),
        ({"status": "ok", "message": {"total-results": 0, "items": []}}, "refused"),
        ({"total": 0, "items": [], "links": {"self": "https://x.example"}}, "absent"),
        ({"page": {"size": 20, "totalElements": 0, "totalPages": 0, "number": 0}}, "absent"),
        ({"status": 410, "message": "Record deleted", "tombstone": {"removal_date": "2024-05-06"}}, "deleted"),
        ({"status": 403, "message": "Permission denied."}, "forbidden"),
        ({"status": 503, "message": "try later"}, "lost"),
        ({"status": 500, "message": "x"}, "refused"),
        ({"status": "ERROR", "message": "Dataset with id 7 not found."}, "refused"),
        ({"status": "error", "message": "x", "data": None}, "refused"),
        ({"error": "record 7 not found"}, "refused"),
        ({"id": 7, "error": "no such record"}, "refused"),
        ({"success": False, "message": "x"}, "refused"),
        ({"success": False}, "refused"),
        ({"errors": ["no such record"]}, "refused"),
        ({"detail": "Not found."}, "refused"),
        ({"message": "Not Found"}, "refused"),
        ({"status": "OK", "data": {}}, "refused"),
        ({"data": None}, "refused"),
        ({"record": {"title": "", "creators": []}}, "refused"),
        ({"took": 1}, "refused"),
        ({}, "refused"),
    ],
)
def test_an_error_or_nothing_in_json_is_no_record(record: dict[str, Any], state: str):
    assert outcome(json.dumps(record).encode())[0] == state
    # in whatever form it was asked for
    assert outcome(json.dumps(record).encode(), BIBTEX, media_type=JSON)[0] != "read"


@pytest.mark.parametrize("text", [b"null", b"[]", b'""', b'"not found"', b"0", b"false", b" ", b""])
def test_json_that_is_no_object_is_no_record(text: bytes):
    assert outcome(text) == ("refused", True)


@pytest.mark.parametrize(
    "record",
    [
        {"id": 7},
        {"id": 7, "status": "published"},
        {"id": 7, "status": 200, "title": "x"},
        {"status": "OK", "data": {"id": 7, "latestVersion": {"title": "x"}}},
        {"status": "error-prone", "title": "Errors in measurement"},
        {"title": "x", "error": "0.5 mm", "creators": ["y"]},
        {"id": 7, "title": "x", "error": "0.5 mm"},
        {"id": 7, "metadata": {"title": "x"}, "errors": [{"field": "metadata.title", "messages": ["too short"]}]},
        {"id": 7, "metadata": {"title": "404"}, "status": 404},
        {"id": 7, "message": "Hello", "title": "A letter"},
        {"id": 7, "code": 404, "name": "Room 404", "details": ["x"]},
        {"id": 7, "title": "x", "found": False},
        {"id": 7, "title": "x", "count": 0, "items": []},
        {"response": {"numFound": 1, "docs": [{"id": 7}]}},
        {"found": True, "_source": {"title": "x"}},
        {"success": True, "data": {"id": 7}},
        {"success": False, "result": {"id": 7, "title": "x", "creators": []}},
        {"type": "FeatureCollection", "features": []},
        {"eprint_status": "archive", "eprintid": 7},
        {"error": None, "errors": [], "title": "x"},
        {"message": {"DOI": "10.5555/7", "title": ["x"]}, "status": "ok", "message-type": "work"},
    ],
)
def test_a_record_with_a_member_called_status_error_or_message_is_a_record(record: dict[str, Any]):
    assert outcome(json.dumps(record).encode())[0] == "read"


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (f'<OAI-PMH xmlns="{OAI}"><error code="idDoesNotExist">x</error></OAI-PMH>', "absent"),
        (f'<OAI-PMH xmlns="{OAI}"><!-- x --><error code="badArgument">x</error></OAI-PMH>', "refused"),
        (f'<OAI-PMH xmlns="{OAI}"><GetRecord/></OAI-PMH>', "refused"),
        (
            (
                f'<OAI-PMH xmlns="{OAI}"><GetRecord><record><header status="deleted"><identifier>7</identifier>'
                "<datestamp>2024-01-01</datestamp></header></record></GetRecord></OAI-PMH>"
            ),
            "deleted",
        ),
        ("<errors><error>The resource doesn't exist.</error></errors>", "refused"),
        ("<error><code>404</code><message>x</message></error>", "absent"),
        ('<error status="404"/>', "absent"),
        ("<Error><Code>NoSuchKey</Code><Key>7</Key></Error>", "absent"),
        ("<errorResponse>x</errorResponse>", "refused"),
        (
            (
                '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultstring>x</faultstring>'
                "</s:Fault></s:Body></s:Envelope>"
            ),
            "refused",
        ),
        (
            (
                '<response><lst name="responseHeader"><int name="status">0</int></lst>'
                '<result name="response" numFound="0" start="0"/></response>'
            ),
            "absent",
        ),
        ('<response><lst name="error"><str name="msg">x</str><int name="code">400</int></lst></response>', "refused"),
        ("<response><error>no such record</error></response>", "refused"),
        (
            (
                f'<z:searchRetrieveResponse xmlns:z="{SRU}"><z:numberOfRecords>0</z:numberOfRecords>'
                "</z:searchRetrieveResponse>"
            ),
            "absent",
        ),
        (
            (
                f'<searchRetrieveResponse xmlns="{SRU}"><version>1.1</version><diagnostics><diagnostic '
                'xmlns="http://www.loc.gov/zing/srw/diagnostic/"><uri>info:srw/diagnostic/1/7</uri></diagnostic></diagnostics>'
                "</searchRetrieveResponse>"
            ),
            "refused",
        ),
        ('<collection xmlns="http://www.loc.gov/MARC21/slim"/>', "refused"),
        ('<collection xmlns="http://www.loc.gov/MARC21/slim"><record/></collection>', "refused"),
        ('<modsCollection version="3.7"> </modsCollection>', "refused"),
        ('<records count="0"/>', "absent"),
    ],
)
def test_an_error_or_nothing_in_xml_is_no_record(body: str, state: str):
    assert outcome(f'<?xml version="1.0"?>{body}'.encode(), XML)[0] == state


@pytest.mark.parametrize(
    "body",
    [
        '<record xmlns="http://www.loc.gov/MARC21/slim"><leader>00000nam</leader></record>',
        '<response><item id="7"><downloads count="0"/></item></response>',
        (
            f'<z:searchRetrieveResponse xmlns:z="{SRU}"><z:numberOfRecords>1</z:numberOfRecords><z:records><z:record>'
            "<z:recordData><a>x</a></z:recordData></z:record></z:records></z:searchRetrieveResponse>"
        ),
        '<RDF><Description about="https://x.example/7"/></RDF>',
        "<resource><error>0.5 mm</error><title>x</title></resource>",
    ],
)
def test_xml_with_content_is_a_record(body: str):
    assert outcome(body.encode(), XML)[0] == "read"


@pytest.mark.parametrize(
    ("body", "accept", "state"),
    [
        (b"@misc{x, title={y}}", BIBTEX, "read"),
        (b"\xef\xbb\xbf\n% a comment\n@article {x, title={y}}", BIBTEX, "read"),
        (b"Not Found", BIBTEX, "refused"),
        (b"% nothing", BIBTEX, "refused"),
        (b"TY  - DATA\nT1  - Record 7\nER  -\n", RIS, "read"),
        (b"\xef\xbb\xbfTY  - DATA\r\nER  - \r\n", RIS, "read"),
        (b"ER  -\n", RIS, "refused"),
        (b"<html><body>Log in</body></html>", RIS, "refused"),
        (b"<error><code>404</code></error>", RIS, "absent"),
        (b"Miller, A. (2020). A title.", "text/x-bibliography", "read"),
    ],
)
def test_a_text_form_is_known_by_how_its_records_begin(body: bytes, accept: str, state: str):
    assert outcome(body, accept)[0] == state


def test_a_deletion_inside_a_200_is_a_tombstone_with_its_date():
    body = b'{"status": 410, "tombstone": {"removal_date": "2024-05-06", "removal_reason": {"id": "spam"}}}'
    settled, text = settle(Received("7", "u", 200, JSON, "", "", body), "json", JSON, "now")
    assert text is not None
    assert (settled.state, settled.reason, settled.datestamp) == ("deleted", "spam", "2024-05-06")
    assert envelope.decode(text).deleted


def test_names_of_members_are_the_same_in_any_spelling():
    assert judge_json({"status_code": 404, "message": "x"}) == judge_json({"StatusCode": 404, "message": "x"})
