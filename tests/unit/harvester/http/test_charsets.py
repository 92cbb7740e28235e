"""Charsets: a document is read in the one that its bytes show; a header alone is believed where nothing contradicts."""

import pytest

from harvester.http.charsets import as_declared
from harvester.oaipmh.xml import parse_document

TEXT = "École à Nîmes"


def document(declared: str = "") -> str:
    return f"{declared}<a>{TEXT}</a>"


def declaration(encoding: str) -> str:
    return f"<?xml version='1.0' encoding='{encoding}' standalone='yes'?>"


@pytest.mark.parametrize(
    ("declared", "codec", "content_type"),
    [
        ("", "utf-8", "text/xml"),
        ("", "utf-8", "text/xml; charset=UTF-8"),
        ("", "utf-8", "text/xml; charset=ISO-8859-1"),
        ("", "utf-8-sig", "text/xml; charset=ISO-8859-1"),
        ("", "latin-1", "text/xml; charset=ISO-8859-1"),
        ("", "latin-1", 'application/xml;charset="iso-8859-1"'),
        ("", "cp1252", "text/xml; charset=windows-1252"),
        ("", "utf-16", "text/xml; charset=ISO-8859-1"),
        ("", "utf-16", "text/xml; charset=UTF-16"),
        ("", "utf-16-le", "text/xml; charset=UTF-16"),
        ("", "utf-16-be", "text/xml; charset=utf-16"),
        ("<?xml version='1.0'?>", "latin-1", "text/xml; charset=latin1"),
        (declaration("UTF-8"), "utf-8", "text/xml; charset=ISO-8859-1"),
        (declaration("UTF-8"), "latin-1", "text/xml; charset=ISO-8859-1"),
        (declaration("ISO-8859-1"), "latin-1", "text/xml"),
        (declaration("ISO-8859-1"), "latin-1", "text/xml; charset=UTF-8"),
        (declaration("ISO-8859-1"), "utf-8", "text/xml; charset=UTF-8"),
        (declaration("windows-1252"), "cp1252", "text/xml; charset=ISO-8859-1"),
        (declaration("no-such"), "latin-1", "text/xml; charset=ISO-8859-1"),
    ],
)
def test_a_document_is_read_in_the_charset_that_its_bytes_show(declared: str, codec: str, content_type: str):
    body = document(declared).encode(codec)
    assert parse_document(as_declared(body, content_type)).text == TEXT


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/xml",
        "text/xml; charset=",
        "text/xml; charset=no-such",
        "text/xml; charset=utf8",
        "text/xml; charset=idna",
        "text/xml;charset=hex",
        "text/xml; charset=unicode_escape",
        "text/xml; charset='utf-8'",
    ],
)
def test_a_body_stays_as_it_is_where_the_header_adds_nothing(content_type: str):
    body = document(declaration("UTF-8")).encode()
    assert as_declared(body, content_type) is body


def test_bytes_that_are_in_no_charset_stay_as_they_are():
    body = b"<a>\xff\xfe</a>"
    assert as_declared(body, "text/xml; charset=ascii") is body
