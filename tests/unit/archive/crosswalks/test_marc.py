"""MARCXML to MARC-in-JSON and back: nothing is stripped, moved or lost."""

import io
import json
from pathlib import Path

import pymarc
import pytest
from lxml import etree

from archive.crosswalks.errors import ConversionError
from archive.crosswalks.marc import marc_json, marc_xml
from archive.crosswalks.registry import convert
from archive.crosswalks.targets import written

XML = """<record xmlns="http://www.loc.gov/MARC21/slim"><leader>00000nam a2200000 a 4500</leader>
<controlfield tag="001"> 12 </controlfield><controlfield tag="008">x   </controlfield>
<datafield tag="245" ind1="1" ind2=" "><subfield code="a">Title </subfield><subfield code="b">rest</subfield>
<subfield code="a">again</subfield></datafield>
<datafield tag="700" ind1=" " ind2=" "></datafield></record>"""
JSON = {
    "leader": "00000nam a2200000 a 4500",
    "fields": [
        {"001": " 12 "}, {"008": "x   "},
        {"245": {"ind1": "1", "ind2": " ", "subfields": [{"a": "Title "}, {"b": "rest"}, {"a": "again"}]}},
        {"700": {"ind1": " ", "ind2": " ", "subfields": []}},
    ],
}  # fmt: skip


def test_order_repeats_and_blanks_stay():
    assert marc_json(etree.fromstring(XML)) == JSON
    assert convert(etree.fromstring(XML)) == JSON


def test_it_is_what_pymarc_makes_of_it():
    (record,) = pymarc.parse_xml_to_array(io.BytesIO(XML.encode()))
    assert json.loads(record.as_json())["fields"][2] == JSON["fields"][2]  # type: ignore[index]


def test_json_and_xml_are_made_from_each_other():
    assert marc_json(etree.fromstring(marc_xml(JSON))) == JSON
    collection = {"collection": [JSON, JSON]}
    assert marc_json(etree.fromstring(marc_xml(collection))) == collection


def test_a_record_without_namespace_is_read_as_well():
    element = etree.fromstring(XML.replace(' xmlns="http://www.loc.gov/MARC21/slim"', ""))
    assert convert(element) == JSON


@pytest.mark.parametrize(
    "bad", ["<datafield><subfield/></datafield>", '<controlfield tag="">1</controlfield>', "<title>T</title>"]
)
def test_what_marcxml_does_not_have_is_said(bad: str):
    with pytest.raises(ConversionError):
        marc_json(etree.fromstring(f'<record xmlns="http://www.loc.gov/MARC21/slim">{bad}</record>'))


def test_every_record_of_the_corpus_makes_the_round_trip(corpus: Path):
    count = 0
    for path in (corpus / "marc").rglob("*.xml"):
        try:
            element = etree.parse(path).getroot()
            found = convert(element)
        except (etree.XMLSyntaxError, ConversionError):
            continue
        if found is not None and ("fields" in found or "collection" in found):
            assert marc_json(etree.fromstring(marc_xml(found))) == found
            count += 1
    assert count > 3


def test_a_fault_is_named_with_its_001_and_field():
    field = '<datafield tag="245" ind1=" " ind2=" "><subfields/></datafield>'
    text = f'<record xmlns="http://www.loc.gov/MARC21/slim"><controlfield tag="001">BV1</controlfield>{field}</record>'
    with pytest.raises(ConversionError, match=r"001 'BV1': .*inside a MARC data field 245"):
        marc_json(etree.fromstring(text))


TAGGED = {
    "leader": JSON["leader"],
    "fields": [
        {"tag": "001", "value": " 12 "}, {"tag": "008", "value": "x   "},
        {"tag": "245", "ind1": "1", "ind2": " ",
         "subfields": [{"code": "a", "value": "Title "}, {"code": "b", "value": "rest"},
                       {"code": "a", "value": "again"}]},
        {"tag": "700", "ind1": " ", "ind2": " ", "subfields": []},
    ],
}  # fmt: skip


def test_fields_that_name_their_tag_are_the_same_record():
    assert json.loads(written("marc-json", "x", TAGGED)) == JSON
    assert written("marcxml", "x", TAGGED) == written("marcxml", "x", JSON)
    assert json.loads(written("index-json", "x", TAGGED)) == json.loads(written("index-json", "x", JSON))


@pytest.mark.parametrize(
    "field",
    [
        {"tag": "245", "value": "x", "more": 1},
        {"tag": "245", "ind1": " ", "subfields": {"code": "a", "value": "x"}},
        {"tag": "245", "subfields": [{"code": "a", "value": "x"}, "y"]},
    ],
)
def test_a_field_that_is_neither_is_not_written(field: object):
    with pytest.raises(ConversionError):
        written("marcxml", "x", {"leader": JSON["leader"], "fields": [{"tag": "001", "value": "1"}, field]})
