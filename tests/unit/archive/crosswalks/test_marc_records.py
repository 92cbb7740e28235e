"""MARCXML and MARC-in-JSON: the same as pymarc makes, and the same back again, for real records and for any."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pymarc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from archive.crosswalks.errors import ConversionError
from archive.crosswalks.marc import NAMESPACE, datafields, marc_json, marc_xml
from archive.crosswalks.registry import convert, unmapped

Json = dict[str, Any]
CORPUS = Path(__file__).resolve().parents[5] / "shared" / "corpus"
MARC = CORPUS / "marc"
with_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the sample files are not beside the repository")
# not MARCXML: fields without a tag, elements that it does not have
NO_MARC = frozenset(
    {
        "1474920681_KOHA_LFL_6_with_comment.xml",
        "chabon-bad-subfields-element.xml",
        "chabon-missing-controlfield-tag.xml",
        "chabon-missing-datafield-tag.xml",
    }
)
# records that pymarc refuses: a leader of another length, a subfield without a code
NOT_FOR_PYMARC = frozenset({"marcxml_from3", "gpo_ebooks.xml", "chabon-missing-subfield-code.xml"})


def record(inside: str, attributes: str = "") -> etree._Element:
    return etree.fromstring(f'<record xmlns="{NAMESPACE}"{attributes}><leader>L</leader>{inside}</record>')


def records() -> Iterator[tuple[str, etree._Element]]:
    """(file, <record>) of every MARC record in the corpus, also those inside pages, each as its own document."""
    for path in sorted([*CORPUS.rglob("*.xml"), *(MARC / "natlibfi-serializers").glob("marcxml*")]):
        try:
            root = etree.parse(path).getroot()
        except etree.XMLSyntaxError:
            continue
        for found in root.iter(f"{{{NAMESPACE}}}record", "record"):
            if found.find("leader") is not None or etree.QName(found).namespace:
                yield path.name, etree.fromstring(etree.tostring(found, with_tail=False))


def content(element: etree._Element) -> list[Any]:
    """What a record says: (name, attributes, text or what is inside), without white space between elements."""
    return [
        (
            etree.QName(child).localname,
            {name: value for name, value in child.items() if not name.startswith("{")},
            content(child) if etree.QName(child).localname == "datafield" else child.text or "",
        )
        for child in element.iterchildren(etree.Element)
    ]


@with_corpus
def test_every_real_record_is_what_pymarc_makes_of_it():
    compared = 0
    for name, element in records():
        if name in NO_MARC | NOT_FOR_PYMARC:
            continue
        (theirs,) = pymarc.parse_xml_to_array(io.BytesIO(etree.tostring(element)))
        ours = marc_json(element)
        assert (ours["leader"], ours["fields"]) == (theirs.as_dict()["leader"], theirs.as_dict()["fields"]), name
        assert unmapped(ours) == []
        compared += 1
    assert compared >= 40


@with_corpus
def test_every_real_record_says_the_same_when_it_comes_back():
    for name, element in records():
        if name not in NO_MARC | {"chabon-missing-subfield-code.xml"}:  # whose missing codes come back as empty ones
            back = etree.fromstring(marc_xml(marc_json(element)))
            assert content(back) == content(element), name
            assert {k: v for k, v in element.items() if not k.startswith("{")} == dict(back.items())


@with_corpus
def test_real_records_that_are_no_marcxml_are_said_to_be_none():
    for name, element in records():
        if name in NO_MARC:
            with pytest.raises(ConversionError):
                marc_json(element)


@with_corpus
@pytest.mark.parametrize(
    ("xml", "json"),
    [("marc4j/summerland.xml", "marc4j/summerland-marc-in-json.json"), ("pymarc/batch.xml", "pymarc/batch.json")],
)
def test_what_others_wrote_as_json_is_what_we_make_of_their_xml(xml: str, json: str):
    if not (MARC / xml).exists():
        pytest.skip(f"{xml} is not in the corpus")
    theirs = orjson.loads((MARC / json).read_bytes())
    ours = marc_json(etree.parse(MARC / xml).getroot())
    assert ours.get("collection", [ours]) == (theirs if isinstance(theirs, list) else [theirs])


@with_corpus
@pytest.mark.parametrize("json", ["pymarc/one.json", "pymarc/batch.json", "marc4j/summerland-marc-in-json.json"])
def test_what_others_wrote_as_json_comes_back_from_xml(json: str):
    theirs = orjson.loads((MARC / json).read_bytes())
    for one in theirs if isinstance(theirs, list) else [theirs]:
        assert marc_json(etree.fromstring(marc_xml(one))) == one
        (read,) = pymarc.parse_xml_to_array(io.BytesIO(marc_xml(one)))
        assert read.as_dict()["fields"] == one["fields"]


# what XML can hold: no control characters, and a carriage return only as it comes back, which is as one
CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from(
    " \t\n\r"
)
TEXT = st.text(CHARACTERS, max_size=12)
SUBFIELDS = st.lists(
    st.fixed_dictionaries({}).flatmap(lambda _: st.tuples(TEXT, TEXT).map(lambda p: {p[0]: p[1]})), max_size=4
)
DATA = st.fixed_dictionaries({"ind1": TEXT, "ind2": TEXT, "subfields": SUBFIELDS})
FIELDS = st.tuples(st.text(CHARACTERS, min_size=1, max_size=3), TEXT | DATA).map(lambda pair: {pair[0]: pair[1]})
RECORDS = st.fixed_dictionaries({"leader": TEXT, "fields": st.lists(FIELDS, max_size=5)}, optional={"type": TEXT})


@given(RECORDS | st.fixed_dictionaries({"collection": st.lists(RECORDS, max_size=3)}))
def test_any_record_comes_back_from_xml(json: Json):
    element = etree.fromstring(marc_xml(json))
    assert marc_json(element) == json
    assert convert(element) == json


@pytest.mark.parametrize(
    "json",
    [
        {"leader": "a\x00", "fields": []},
        {"leader": "", "fields": [{"001": "\x1e"}]},
        {"fields": []},
        {"leader": ""},
        {"leader": "", "fields": ["x"]},
        {"leader": "", "fields": [{"245": {"subfields": []}}]},
        {"collection": [1]},
        {"leader": "", "fields": [{"245": {"ind1": 1, "ind2": " ", "subfields": []}}]},
        {"leader": 1, "fields": []},
        {"leader": "", "fields": [{"245": ["x"]}]},
        {"leader": "", "fields": [], "type": 1},
    ],
)
def test_json_that_is_no_marc_is_said_to_be_none(json: Json):
    with pytest.raises(ConversionError):
        marc_xml(json)


@pytest.mark.parametrize(
    ("inside", "name"),
    [
        ('text<controlfield tag="001">1</controlfield>', "record"),
        ('<controlfield tag="001" id="i">1</controlfield>', "controlfield"),
        ('<datafield tag="245" ind1=" " ind2=" ">Title</datafield>', "datafield"),
        ('<datafield tag="245" ind1=" " ind2=" "><subfield code="a">A</subfield>and</datafield>', "datafield"),
        ('<datafield tag="245" ind1=" " ind2=" " ind3="x"/>', "datafield"),
        ('<datafield tag="245" ind1=" " ind2=" "><subfield code="a" id="i">A</subfield></datafield>', "subfield"),
    ],
)
def test_what_has_no_place_is_kept_as_xml(inside: str, name: str):
    assert [etree.QName(etree.fromstring(xml)).localname for xml in unmapped(marc_json(record(inside)))] == [name]


@pytest.mark.parametrize(
    "inside",
    [
        "<leader>again</leader>",
        '<subfield code="a">A</subfield>',
        "<record/>",
        '<datafield tag="245"><leader/></datafield>',
        '<x:datafield xmlns:x="x:x" tag="245"><x:other/></x:datafield>',
    ],
)
def test_an_element_in_a_wrong_place_is_no_marc(inside: str):
    with pytest.raises(ConversionError):
        marc_json(record(inside))


def test_the_type_of_a_record_stays_with_it():
    element = record("", ' type="Bibliographic" id="i"')
    assert marc_json(element) == {"leader": "L", "fields": [], "type": "Bibliographic", "id": "i"}
    assert dict(etree.fromstring(marc_xml(marc_json(element))).items()) == {"type": "Bibliographic", "id": "i"}


def test_remarks_and_white_space_are_no_content():
    field = '<datafield tag="1" ind1="" ind2="2"> <!-- c --><subfield code="a">A<!-- c -->B</subfield>\n</datafield>'
    remarks = f"<!-- c --><?p i?>\n{field}"
    assert marc_json(record(remarks)) == {
        "leader": "L",
        "fields": [{"1": {"ind1": "", "ind2": "2", "subfields": [{"a": "AB"}]}}],
    }


def test_values_of_data_fields_are_in_order_by_tag_and_code():
    fields = [
        {"001": "1"},
        {"700": {"subfields": [{"a": "A"}, {"u": "U"}, {"a": " B "}]}},
        {"700": {"subfields": None}},
        {"653": "x"},
        "y",
        {"980": {"subfields": [{"a": None}, {"a": 5}]}},
    ]
    assert datafields({"fields": fields}) == [
        ("700", {"a": ["A", "B"], "u": ["U"]}),
        ("700", {}),
        ("980", {"a": ["5"]}),
    ]
    assert datafields({}) == []
