"""The short way through a page gives what the long way gives, or does not take the page."""

import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from lxml import etree

from harvester.oaipmh.slicing import _slice_any, _slice_plain

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"

TEXT = st.sampled_from(["", " ", "x", "\n  ", "!", "?", "a ! b ? c", "<", ">", "</metadata>", "&amp;"])
ATTRIBUTES = st.sampled_from(
    ["", ' a="b"', " a='</metadata>'", ' a=">"', ' xmlns="u"', " a = 'x'\n b=\"'\"", ' status="deleted"']
)
NAMES = st.sampled_from(["a", "record", "metadata", "about", "header", "metadata2", "abouts", "OAI-PMH", "ListRecords"])
REMARKS = st.sampled_from(["", "", "", "", "<!-- </metadata> -->", "<![CDATA[</record>]]>", "<?p </about>?>"])


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


@st.composite
def elements(draw: st.DrawFn, depth: int = 0) -> str:
    name = draw(NAMES)
    if draw(st.integers(0, 5)) == 0:
        return f"<{name}{escaped_attributes(draw(ATTRIBUTES))}/>"
    inside = [escaped(draw(TEXT)) + draw(REMARKS)]
    if depth < 3:
        inside += draw(st.lists(elements(depth + 1), max_size=3))
    return f"<{name}{escaped_attributes(draw(ATTRIBUTES))}>{''.join(inside)}</{name}{draw(st.sampled_from(['', ' ']))}>"


def escaped_attributes(text: str) -> str:
    return text.replace("<", "&lt;")


@st.composite
def pages(draw: st.DrawFn) -> bytes:
    """A page, most of it as pages are."""
    records = []
    for _ in range(draw(st.integers(0, 4))):
        parts = [f"<header{draw(ATTRIBUTES).replace('<', '&lt;')}><identifier>i</identifier></header>"]
        for name in draw(st.lists(st.sampled_from(["metadata", "metadata", "about", "other"]), max_size=3)):
            parts.append(f"<{name}>{draw(elements() | TEXT.map(escaped))}</{name}>")
        records.append(f"<record>{draw(st.sampled_from(['', ' ', chr(10)]))}{''.join(parts)}</record>{draw(REMARKS)}")
    token = draw(st.sampled_from(["", "<resumptionToken/>", "<resumptionToken cursor='1'>t</resumptionToken>"]))
    start = draw(st.sampled_from(["", "<?xml version='1.0'?>", "<?xml version='1.0'?><?style <record>?>"]))
    verb = draw(st.sampled_from(["ListRecords", "GetRecord"]))
    body = f"{start}<OAI-PMH><request>r</request><{verb}>{''.join(records)}{token}</{verb}></OAI-PMH>\n"
    return body.encode()


def is_xml(body: bytes) -> bool:
    try:
        etree.fromstring(body)
    except etree.XMLSyntaxError:
        return False
    return True


@given(pages() | elements().map(lambda text: f"<OAI-PMH>{text}</OAI-PMH>".encode()))
def test_the_short_way_gives_what_the_long_way_gives(body: bytes):
    assume(is_xml(body))
    plain = _slice_plain(body)
    assert plain is None or plain == _slice_any(body)


def test_an_ordinary_page_takes_the_short_way():
    record = "<record><header status='x'>h</header><metadata><a>1</a></metadata><about>\n<b/></about></record>"
    body = f"<?xml version='1.0'?><OAI-PMH a='b'><ListRecords>{record * 3}</ListRecords></OAI-PMH>".encode()
    assert _slice_plain(body) == _slice_any(body)
    assert len(_slice_any(body)) == 3


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the sample files are not beside the repository")
def test_most_real_pages_take_the_short_way_and_none_comes_out_different():
    pages = taken = 0
    for path in sorted(CORPUS.rglob("*.xml")):
        body = path.read_bytes()
        if re.search(b"<(ListRecords|GetRecord)[ >]", body) and b"<record" in body and is_xml(body):
            found = _slice_plain(body)
            assert found is None or found == _slice_any(body), path
            taken += found is not None
            pages += 1
    assert taken > pages * 0.8 > 50
