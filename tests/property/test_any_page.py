"""Pages: any bytes give a page or one of our errors; metadata is kept byte for byte wherever it stands."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape, quoteattr

from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from archive.crosswalks.fields import index_fields
from archive.crosswalks.registry import convert
from harvester.errors import HarvestError, MalformedPage
from harvester.oaipmh import protocol
from harvester.oaipmh.decode import decode_get_record, decode_list_identifiers, decode_list_records
from harvester.oaipmh.protocol import parse_list_records, peek_token
from harvester.ratelimit.limiter import parse_retry_after

NAMESPACE = "http://www.openarchives.org/OAI/2.0/"
CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXT = st.text(CHARACTERS, max_size=12)
NAMES = st.sampled_from(["a", "record", "metadata", "about", "header", "identifier", "dc", "title"])
PREFIXES = st.sampled_from(["", "d:", "e:"])
VALUES = TEXT | st.sampled_from([" xmlns=x", "xmlns:d='y'", "</metadata>", "d:T", "<record>", "]]>"])
LITERALS = st.sampled_from(
    [
        "<!-- <metadata> </metadata> </record> -->",
        "<![CDATA[</metadata></record>]]>",
        "<?pi </metadata> ?>",
        "&#233;&amp;",
        "\r\n\t",
    ]
)
DECLARED = st.sampled_from(
    ["", ' xmlns="u:1"', ' xmlns=""', ' xmlns:d="u:2"', " xmlns:e='u:3'", ' xmlns = "u:4" xmlns:d\n="u:5"']
)
WORDS = b"""< > /> </ <record> </record> <metadata> </metadata> <header> <about/> <!-- --> <![CDATA[ ]]> &amp; & <? ?> =
" ' x <OAI-PMH> </OAI-PMH> <ListRecords> </ListRecords> <identifier> </identifier> <!DOCTYPE x> xmlns="""
FRAGMENTS = st.lists(st.sampled_from([*WORDS.split(), b" ", b"\xc3", b"\0"]), max_size=40).map(b"".join)


@st.composite
def elements(draw: st.DrawFn, depth: int = 0) -> str:
    """An element, its prefixes declared somewhere."""
    name = draw(PREFIXES) + draw(NAMES)
    attributes = "".join(
        f" {n}={quoteattr(draw(VALUES))}" for n in draw(st.lists(st.sampled_from(["b", "c", "d:x"]), unique=True))
    )
    inside = [
        draw(LITERALS | TEXT.map(escape)) if depth > 2 or draw(st.booleans()) else draw(elements(depth + 1))
        for _ in range(draw(st.integers(0, 3)))
    ]
    return f"<{name}{draw(DECLARED)}{attributes}>{''.join(inside)}</{name}>"


def page(*contents: str, prefix: str = "", root: str = ' xmlns:d="o:1" xmlns:e="o:2"') -> bytes:
    p = prefix
    records = "".join(
        f"<{p}record><{p}header><{p}identifier>i{n}</{p}identifier></{p}header><{p}metadata>{content}</{p}metadata></{p}record>"
        for n, content in enumerate(contents)
    )
    declared = f' xmlns:{p[:-1]}="{NAMESPACE}"' if p else f' xmlns="{NAMESPACE}"'
    return f"<{p}OAI-PMH{declared}{root}><{p}ListRecords>{records}</{p}ListRecords></{p}OAI-PMH>".encode()


def said(element: etree._Element) -> Any:
    """What an element says, whatever it looks like."""
    inside = [(said(child), child.tail or "") for child in element]
    return (element.tag, sorted(element.items()), element.text or "", inside)


@given(st.lists(elements(), min_size=1, max_size=3), st.sampled_from(["", "oai:", "d.-_1:"]))
def test_metadata_stands_alone_and_says_what_it_said_in_its_page(contents: list[str], prefix: str):
    body = page(*contents, prefix=prefix)
    records = parse_list_records(body).records
    assert len(records) == len(contents)
    for record, content in zip(records, contents, strict=True):
        assert record.metadata is not None
        assert record.element is not None
        assert said(etree.fromstring(record.metadata)) == said(record.element)
        after_name = content.encode()[content.index(">") :]
        assert record.metadata.endswith(after_name)


@given(st.lists(elements(), min_size=1, max_size=2), st.integers(0), st.integers(1, 40), FRAGMENTS)
def test_a_page_with_anything_in_it_is_a_page_or_one_of_our_errors(
    contents: list[str], place: int, length: int, noise: bytes
):
    body = page(*contents)
    place %= len(body)
    for mangled in (body[:place] + noise + body[place + length :], body[:place] + noise + body[place:], noise):
        for decode in (
            lambda b: decode_list_records(b, "u", "f", "t"),
            lambda b: decode_get_record(b, "u", "f", "t"),
            decode_list_identifiers,
        ):
            try:
                decode(mangled)
            except HarvestError:
                pass
        peek_token(mangled)


@given(st.lists(elements(), min_size=1, max_size=2), st.integers(0))
def test_no_prefix_of_a_page_is_a_page(contents: list[str], cut: int):
    body = page(*contents)
    try:
        parse_list_records(body[: cut % len(body)])
    except MalformedPage:
        return
    raise AssertionError


@given(elements())
def test_dublin_core_of_any_shape_has_index_fields(content: str):
    body = page(f'<dc xmlns="http://purl.org/dc/elements/1.1/">{content}</dc>')
    found = decode_list_records(body, "u", "oai_dc", "t")
    assert len(found.rows) == 1
    (record,) = parse_list_records(body).records
    assert record.element is not None
    index_fields("i", convert(record.element))


@given(st.text(), st.text())
def test_arguments_are_encoded_once(base: str, value: str):
    try:
        url = protocol.resume_url("https://x.example/oai?base=1", "ListRecords", value)
    except UnicodeEncodeError:
        return  # half a surrogate pair comes from no page
    assert dict(parse_qsl(urlsplit(url).query, keep_blank_values=True, encoding="utf-8"))["resumptionToken"] == value


@given(
    st.text() | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{1,6} [0-9:]{1,9} ([+-][0-9]{1,30}|GMT)")
)
def test_any_retry_after_is_a_wait_or_none(value: str):
    seconds = parse_retry_after(value, datetime(2026, 1, 1, tzinfo=UTC))
    assert seconds is None or seconds >= 0
