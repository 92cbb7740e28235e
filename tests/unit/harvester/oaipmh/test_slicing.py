"""Metadata cut out of a page byte for byte, wherever it stands and whatever it holds."""

from typing import Any

import pytest
from lxml import etree

from harvester.oaipmh.protocol import parse_list_records
from harvester.oaipmh.slicing import Slices, slice_records

NAMESPACE = "http://www.openarchives.org/OAI/2.0/"


def page(*records: str, root: str = f'xmlns="{NAMESPACE}"', declaration: str = "") -> bytes:
    return f"{declaration}<OAI-PMH {root}><ListRecords>{''.join(records)}</ListRecords></OAI-PMH>".encode()


def record(inside: str) -> str:
    return f"<record><header><identifier>i</identifier><datestamp>2020-01-01</datestamp></header>{inside}</record>"


def metadata(inside: str, **more: str) -> bytes | None:
    (found,) = parse_list_records(page(record(f"<metadata>{inside}</metadata>"), **more)).records
    if found.metadata is not None:
        assert found.element is not None
        alone = etree.fromstring(found.metadata)
        assert canonical(alone) == canonical(found.element)
    return found.metadata


def canonical(element: etree._Element) -> Any:
    """What an element says, whatever it looks like: names with their namespaces, attributes, text, what is inside."""
    inside = [(canonical(child), child.tail or "") for child in element]
    return (element.tag, sorted(element.items()), element.text or "", inside)


VERBATIM = [
    '<a xmlns="x"/>', '<a xmlns="x">&#228;&amp;&#x1F600; \t\r\n</a>', "<a xmlns='x' b='\"' c=\"'\">x</a>",
    '<a xmlns="x"><![CDATA[</metadata><record>]]></a>', '<a xmlns="x"><!-- </metadata></record> --></a>',
    '<a xmlns="x"><?pi </metadata>?></a>', '<a xmlns="x"><metadata>m</metadata><record/><about/></a>',
    '<metadata xmlns="x"><metadata/></metadata>', '<record xmlns="http://www.loc.gov/MARC21/slim"><leader/></record>',
    '<a xmlns="x" b="</metadata>"/>'.replace("<", "&lt;", 2).replace("&lt;", "<", 1),
    '<m:record xmlns:m="http://www.loc.gov/MARC21/slim"><m:metadata>1</m:metadata></m:record>',
    '<a xmlns="x" b=">"><c d="a>b">é</c></a  >', '<a\n xmlns="x"\n/>', '<x:a xmlns:x="y" x:b="c"/>',
]  # fmt: skip


@pytest.mark.parametrize("text", VERBATIM)
def test_what_stands_by_itself_is_kept_to_the_byte(text: str):
    assert metadata(text) == text.encode()
    assert metadata(f"\n  {text}\n") == text.encode()


@pytest.mark.parametrize(
    ("root", "text", "alone"),
    [
        ("", "<a><b/></a>", '<a xmlns="{oai}"><b/></a>'),
        (' xmlns:d="u"', "<d:a/>", '<d:a xmlns:d="u"/>'),
        (' xmlns:d="u"', '<d:a b="1">d:x</d:a>', '<d:a xmlns:d="u" b="1">d:x</d:a>'),
        (' xmlns:d="u"', "<d:a><b/></d:a>", '<d:a xmlns="{oai}" xmlns:d="u"><b/></d:a>'),
        (' xmlns:d="u" xmlns:e="v"', "<d:a/>", '<d:a xmlns:d="u"/>'),
        (" xmlns:d=\"u?a=1&amp;b='2'\"", "<d:a/>", "<d:a xmlns:d=\"u?a=1&amp;b='2'\"/>"),
        (' xmlns:x="u"', '<a xmlns="y" t="x:T"/>', '<a xmlns:x="u" xmlns="y" t="x:T"/>'),
        (' xmlns:d="u"', '<d:a xmlns:d="other"/>', '<d:a xmlns:d="other"/>'),
        (' xmlns:d="u"', "<!-- c --><?p i?><d:a/>", '<!-- c --><?p i?><d:a xmlns:d="u"/>'),
    ],
)
def test_what_uses_namespaces_from_further_out_declares_them(root: str, text: str, alone: str):
    found = metadata(text, root=f'xmlns="{NAMESPACE}"{root}')
    assert found is not None
    assert sorted(found.decode().split()) == sorted(alone.format(oai=NAMESPACE).split())


@pytest.mark.parametrize(
    "text",
    [
        '<a title=" xmlns = x"/>',
        "<a title='&#9;xmlns=x'><b/></a>",
        '<d:a t=" xmlns:d=x"/>',
        '<d:a t="x"><e xmlns=""/></d:a>',
        "<a><d:b xmlns:d='v'/><d:c/></a>",
        "<d:a><![CDATA[<b>]]></d:a>",
        "<d:a><!-- <b> --></d:a>",
        "<d:a d:b='1'/>",
    ],
)
def test_what_only_looks_like_a_declaration_is_none(text: str):
    assert metadata(text, root=f'xmlns="{NAMESPACE}" xmlns:d="u"') is not None


def test_a_default_namespace_that_is_taken_back_stays_taken_back():
    root = f'xmlns:o="{NAMESPACE}"'
    body = page(record("<metadata><a/></metadata>"), root=root)
    for name in ("OAI-PMH", "ListRecords", "record", "header", "identifier", "datestamp", "metadata"):
        body = body.replace(f"<{name}".encode(), f"<o:{name}".encode()).replace(
            f"</{name}".encode(), f"</o:{name}".encode()
        )
    (found,) = parse_list_records(body).records
    assert found.metadata == b"<a/>"


def test_what_follows_the_root_is_kept_with_it():
    for text in ("<a xmlns='x'>1</a>text", "<a xmlns='x'>1</a><b xmlns='y'/>"):
        (found,) = parse_list_records(page(record(f"<metadata>{text}</metadata>"))).records
        assert found.element is not None
        assert (found.element.tag, found.metadata) == ("{x}a", text.encode())


def test_text_before_the_root_is_no_reason_to_lose_the_root():
    (found,) = parse_list_records(page(record("<metadata>text<a xmlns='x'>1</a></metadata>"))).records
    assert found.metadata == b'<a xmlns="x">1</a>'


def test_metadata_of_another_namespace_is_not_the_records():
    for order in ("{0}{1}", "{1}{0}"):
        inside = order.format(
            "<metadata><a xmlns='x'>ours</a></metadata>", "<o:metadata xmlns:o='o'><a xmlns='x'>not</a></o:metadata>"
        )
        (found,) = parse_list_records(page(record(inside))).records
        assert b"ours" in (found.metadata or b"")
        inside = order.format(
            "<metadata><a xmlns='x'>ours</a></metadata>", "<metadata xmlns='o'><a xmlns='x'>not</a></metadata>"
        )
        (found,) = parse_list_records(page(record(inside))).records
        assert b"ours" in (found.metadata or b"")


def test_abouts_are_kept_in_order():
    inside = "<metadata><a xmlns='x'/></metadata><about><b xmlns='y'>1</b></about><about>\n<c xmlns='z'/>\n</about>"
    (found,) = parse_list_records(page(record(inside))).records
    assert (found.metadata, found.about) == (b"<a xmlns='x'/>", (b"<b xmlns='y'>1</b>", b"<c xmlns='z'/>"))


@pytest.mark.parametrize(
    "inside", ["", "<metadata/>", "<metadata></metadata>", "<metadata> <!-- c --> </metadata>", "<about/>"]
)
def test_no_metadata_is_none(inside: str):
    (found,) = parse_list_records(page(record(inside))).records
    assert (found.metadata, found.element, found.about) == (None, None, ())


def test_each_record_has_its_own():
    records = [record(f"<metadata><a xmlns='x'>{n}</a></metadata>" if n % 3 else "") for n in range(10)]
    found = [r.metadata for r in parse_list_records(page(*records)).records]
    assert found == [f"<a xmlns='x'>{n}</a>".encode() if n % 3 else None for n in range(10)]


def test_pages_in_other_encodings_are_serialised_instead():
    text = "<a xmlns='x'>é</a>"
    declared = page(record(f"<metadata>{text}</metadata>"), declaration="<?xml version='1.0' encoding='iso-8859-1'?>")
    assert slice_records(declared, "iso-8859-1") is None
    (found,) = parse_list_records(declared.decode().encode("latin-1")).records
    assert found.metadata == '<a xmlns="x">é</a>'.encode()
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        body = page(record(f"<metadata>{text}</metadata>"), declaration="<?xml version='1.0' encoding='UTF-16'?>")
        (found,) = parse_list_records(body.decode().encode(encoding)).records
        assert found.metadata is not None
        assert etree.fromstring(found.metadata).text == "é"


def test_slices_are_none_of_a_record_in_a_comment():
    body = page("<!-- <record><metadata>x</metadata></record> -->", record("<metadata><a xmlns='x'/></metadata>"))
    assert slice_records(body, None) == [Slices(b"<a xmlns='x'/>", ())]
