"""Whatever a schema allows, each text of it is in the JSON that is made, or named there as left out."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from xsddraw import Schema

from archive import envelope
from archive.canonical import encode_as_sent
from archive.conversions.validity import Schemas, declared
from archive.crosswalks import convert
from archive.crosswalks.errors import ConversionError
from archive.crosswalks.forms import form_of
from archive.crosswalks.targets import written
from archive.crosswalks.unread import unread

Json = dict[str, Any]

SLOW = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
KERNELS = ("2.2", "3", "3.1", "4.0", "4.1", "4.2", "4.3", "4.4", "4.5", "4.6")
XSDS = [(f"datacite/kernel-{kernel}/metadata.xsd", "resource") for kernel in KERNELS]
XSDS += [("oai-pmh-folio/MARC21slim.xsd", "record"), ("oai-pmh-folio/MARC21slim.xsd", "collection")]
XSDS += [("oai-pmh-folio/oai_dc.xsd", "dc")]


@cache
def schema(path: Path) -> Schema:
    return Schema(path)


def texts_of(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize(("path", "name"), XSDS)
def test_each_text_of_a_document_is_in_its_json(corpus: Path, path: str, name: str):
    xsd = schema(corpus / "xsd" / path)

    @SLOW
    @given(st.data())
    def check(data: Any) -> None:
        element, texts = xsd.drawn(data.draw, name)
        assert not xsd.faults(element)
        made = convert(element)
        found = json.dumps(json.loads(encode_as_sent(made), parse_float=str), ensure_ascii=False)
        # that an identifier is a DOI is said by where it is
        lost = [text for text in texts if text != "DOI" and not all(word in found for word in text.split())]
        assert not lost, etree.tostring(element)

    check()


@pytest.mark.parametrize("kernel", [kernel for kernel in KERNELS if kernel >= "4"])
def test_what_the_xsd_accepts_is_valid(corpus: Path, kernel: str):
    pytest.importorskip("jsonschema_rs")
    pytest.importorskip("datacite")
    xsd, schemas = schema(corpus / f"xsd/datacite/kernel-{kernel}/metadata.xsd"), Schemas()

    @SLOW
    @given(st.data())
    def check(data: Any) -> None:
        element, _ = xsd.drawn(data.draw, "resource")
        assert not xsd.faults(element)
        original = etree.tostring(element, encoding="unicode")
        text = envelope.encode("i", "", False, (), "f", "m", "u", "r", "0", convert(element), original, ())
        record = envelope.decode(text)
        what = declared(record)
        assert what is not None
        assert record.metadata is not None
        assert schemas.faults(what, record.metadata) == []

    check()


# --- index fields of JSON, each field in any shape: read, or named

WORDS = st.integers(1, 99).map(lambda number: f"Word{number}")
LEAF = st.one_of(
    WORDS,
    WORDS.map(lambda word: [word]),
    WORDS.map(lambda word: {"@value": word}),
    WORDS.map(lambda word: {"en": word}),
    WORDS.map(lambda word: {"odd_key": word}),
)
PERSON = st.one_of(
    LEAF,
    st.fixed_dictionaries(
        {},
        optional={
            "name": LEAF,
            "familyName": LEAF,
            "givenName": LEAF,
            "family": LEAF,
            "given": LEAF,
            "literal": LEAF,
            "creatorName": LEAF,
            "odd": LEAF,
        },
    ),
    LEAF.map(lambda name: {"person_or_org": {"name": name}}),
)
PEOPLE = st.one_of(PERSON, st.lists(PERSON, max_size=3), st.lists(PERSON, max_size=2).map(lambda some: {"@list": some}))
TITLES = st.one_of(LEAF, st.lists(st.one_of(LEAF, LEAF.map(lambda title: {"title": title})), max_size=3))
DATES = st.one_of(
    st.sampled_from([2020, "2020-01-01", [2020], {"date-parts": [[2020]]}, {"raw": "2020"}, "soon", {"odd": "2020"}]),
    LEAF,
)
FORMS = {
    "datacite": ({"schemaVersion": "x"}, {"titles": TITLES, "creators": PEOPLE, "publicationYear": DATES}),
    "csl": ({"DOI": "10.5555/a"}, {"title": TITLES, "author": PEOPLE, "issued": DATES}),
    "schema-org": ({"@context": "x"}, {"name": TITLES, "creator": PEOPLE, "datePublished": DATES}),
    "eprints": ({"eprintid": 1}, {"title": TITLES, "creators": PEOPLE, "date": DATES}),
    "dublin-core": ({"language": ["en"]}, {"title": TITLES, "creator": PEOPLE, "date": DATES}),
    "zenodo": ({}, {"title": TITLES, "creators": PEOPLE, "publication_date": DATES}),
    "rdm": ({}, {"title": TITLES, "creators": PEOPLE, "publication_date": DATES}),
}
AROUND: dict[str, Any] = {
    "zenodo": lambda inner: {"metadata": inner},
    "rdm": lambda inner: {"pids": {"doi": {"identifier": "10.5555/a"}}, "metadata": inner},
}


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
@pytest.mark.parametrize("form", FORMS)
def test_what_index_json_has_not_read_of_a_field_it_names(form: str, data: Any):
    base, fields = FORMS[form]
    inner = {**base, **data.draw(st.fixed_dictionaries({}, optional=fields))}
    record = AROUND.get(form, lambda same: same)(inner)
    if form_of(record)[0] != form or not inner:
        return
    try:
        found = json.loads(written("index-json", "x", record))
    except ConversionError:
        return
    places = found.get("unmapped", [])
    assert places == unread(record)
    prefix = "/metadata" if form in AROUND else ""
    title, creators, date = fields
    for key, taken in ((title, found["title"]), (creators, found["creators"]), (date, found["publication_year"])):
        if "Word" in texts_of(inner.get(key)) or "2020" in texts_of(inner.get(key)):
            named = any(place.startswith(f"{prefix}/{key}") for place in places)
            assert taken or named, (record, found)
    if isinstance(people := inner.get(creators), list):
        empty = sum("Word" not in texts_of(one) for one in people)
        assert len(found["creators"]) + len(places) >= len(people) - empty
