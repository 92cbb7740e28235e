"""Whatever a schema allows, each text of it is in the JSON that is made, or named there as left out."""

import json
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from support.xsd_documents import Schema

from archive.conversions.schemas import Schemas, declared
from archive.crosswalks.errors import ConversionError
from archive.crosswalks.forms import form_of
from archive.crosswalks.iso2709 import Fault, read_bytes
from archive.crosswalks.registry import convert
from archive.crosswalks.targets import written
from archive.crosswalks.unread import unread
from archive.formats.canonical import encode_as_sent
from archive.store import envelope

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

WORD = re.compile(r"Word\d+")
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


# --- EPrints XML: no schema is published, so any elements that look like its own, and some that do not

EP3 = "http://eprints.org/ep2/data/2.0"
NAMES = st.sampled_from(
    ["title", "creators", "item", "name", "family", "documents", "document", "files", "file", "date", "eprint", "uri"]
)
TAGS = st.one_of(NAMES.map(lambda name: f"{{{EP3}}}{name}"), NAMES, st.just("{http://other.example/}title"))
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["id", "lang", "{http://other.example/}id", "{http://www.w3.org/XML/1998/namespace}lang"]),
    WORDS,
    max_size=2,
)


def _element(parts: tuple[str, dict[str, str], str, list[etree._Element], str]) -> etree._Element:
    tag, attributes, text, children, tail = parts
    element = etree.Element(tag, attributes)
    element.text = text
    for child in children:
        child.tail = tail
        element.append(child)
    return element


SPACES = st.sampled_from(["", "\n  "])
LEAVES = st.tuples(TAGS, ATTRIBUTES, WORDS, st.just([]), st.just("")).map(_element)
TREES = st.recursive(
    LEAVES,
    lambda inside: st.tuples(
        TAGS, ATTRIBUTES, st.one_of(SPACES, WORDS), st.lists(inside, min_size=1, max_size=4), st.one_of(SPACES, WORDS)
    ).map(_element),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=200)
@given(st.lists(st.lists(TREES, min_size=1, max_size=5), min_size=1, max_size=2), SPACES)
def test_each_text_of_an_eprint_is_in_its_json(eprints: list[list[etree._Element]], space: str):
    root = etree.Element(f"{{{EP3}}}eprints", nsmap={None: EP3})
    for children in eprints:
        record = etree.SubElement(root, f"{{{EP3}}}eprint")
        record.text = space
        record.extend(children)
    root = etree.fromstring(etree.tostring(root))
    try:
        made = texts_of(convert(root))
    except ConversionError:
        return
    words = Counter(WORD.findall(etree.tostring(root, encoding="unicode")))
    assert words <= Counter(WORD.findall(made)), etree.tostring(root)


# --- ISO 2709: what JSON has comes back from it, or the record is refused

MARC_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x1b\x1d\x1e\x1f"), max_size=12)
MARC_CODE = st.sampled_from("abcxyz019")
MARC_FIELD = st.one_of(
    st.tuples(st.sampled_from(["001", "005", "008"]), MARC_TEXT).map(lambda pair: {pair[0]: pair[1]}),
    st.tuples(
        st.sampled_from(["245", "700", "856", "9XX", "99"]),
        st.fixed_dictionaries({
            "ind1": st.sampled_from(" 01"), "ind2": st.sampled_from(" 01"),
            "subfields": st.lists(st.tuples(MARC_CODE, MARC_TEXT).map(lambda pair: {pair[0]: pair[1]}), max_size=4),
        }),
    ).map(lambda pair: {pair[0]: pair[1]}),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(MARC_FIELD, max_size=8), st.sampled_from(["00000nam a2200000 a 4500", "00000cas  2200000   4500"]))
def test_a_record_comes_back_from_iso_2709_or_is_refused(fields: list[Json], leader: str):
    record = {"leader": leader, "fields": fields}
    try:
        [back] = read_bytes(written("marc", "x", record))
    except ConversionError:
        return
    assert not isinstance(back, Fault)
    assert back["fields"] == fields
    # lengths and addresses are computed, and what is written is UTF-8
    assert (back["leader"][5:9], back["leader"][9], back["leader"][17:]) == (leader[5:9], "a", leader[17:])
