"""Formats: the record shows what it is, the prefix only where there is none."""

import pytest

from harvester.oaipmh.formats import format_of, is_prefix, is_xml

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
OAI_DC = ("http://www.openarchives.org/OAI/2.0/oai_dc.xsd", "http://www.openarchives.org/OAI/2.0/oai_dc/")
KERNEL_4 = "http://datacite.org/schema/kernel-4"


@pytest.mark.parametrize(
    ("prefix", "original", "schema", "namespace"),
    [
        ("oai_dc", None, *OAI_DC),
        ("oai_dc", "<x xmlns='urn:something-else'/>", *OAI_DC),
        (
            "datacite",
            f"<resource xmlns='{KERNEL_4}'/>",
            "http://schema.datacite.org/meta/kernel-4/metadata.xsd",
            KERNEL_4,
        ),
        (
            "own",
            f"<r xmlns='urn:r' {XSI} xsi:schemaLocation='urn:s s.xsd\n urn:r http://e.org/r.xsd'/>",
            "http://e.org/r.xsd",
            "urn:r",
        ),
        ("own", f"<r xmlns='urn:r' {XSI} xsi:schemaLocation='urn:r'/>", "urn:r", "urn:r"),
        ("own", "<p:r xmlns:p='urn:r'/>", "urn:r", "urn:r"),
        ("own", "<r xmlns='http://}r'><s xmlns='q'/></r>", "http://}r", "http://}r"),
        ("own", "no XML", "", ""),
        ("own", "<r", "", ""),
        ("own", "\ud800", "", ""),
        ("own", "<r/>", "", ""),
        ("own", None, "", ""),
        (
            "MARC21",
            None,
            "http://www.loc.gov/standards/marcxml/schema/MARC21slim.xsd",
            "http://www.loc.gov/MARC21/slim",
        ),
    ],
)
def test_schema_and_namespace_of_a_prefix(prefix: str, original: str | None, schema: str, namespace: str):
    found = format_of(prefix, original)
    assert (found.prefix, found.schema, found.namespace) == (prefix, schema, namespace)


@pytest.mark.parametrize(
    ("media_type", "xml"),
    [
        ("application/xml", True),
        ("text/xml; charset=utf-8", True),
        ("application/marcxml+xml", True),
        ("application/vnd.datacite.datacite+xml", True),
        ("application/json", False),
        ("text/html", False),
        ("", False),
        ("application/json; profile=x+xml", False),
    ],
)
def test_which_media_types_are_xml(media_type: str, xml: bool):
    assert is_xml(media_type) == xml


def test_a_prefix_has_only_characters_that_the_protocol_allows():
    assert all(map(is_prefix, ("oai_dc", "a", "oai-datacite.4~!*'()")))
    assert not any(map(is_prefix, ("", "a b", "a:b", "a/b", "é", "a\n")))
