"""Dublin Core to JSON: every value of every real record in order, with its language, simple and qualified."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from archive.crosswalks.dublincore import plain_texts
from archive.crosswalks.registry import convert

Json = dict[str, Any]
CORPUS = Path(__file__).resolve().parents[5] / "shared" / "corpus"
with_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the sample files are not beside the repository")
DC, TERMS = "http://purl.org/dc/elements/1.1/", "http://purl.org/dc/terms/"
OAI_DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def records() -> Iterator[tuple[str, etree._Element]]:
    for path in sorted(CORPUS.rglob("*.xml")):
        try:
            root = etree.parse(path).getroot()
        except etree.XMLSyntaxError:
            continue
        for element in root.iter(f"{{{OAI_DC}}}dc", "{*}qualifieddc"):
            yield str(path.relative_to(CORPUS)), element


def values(found: Any) -> list[tuple[str, str | None]]:
    """(text, language) of each value."""
    return [(v["value"], v.get("lang")) if isinstance(v, dict) else (v, None) for v in found]


@with_corpus
def test_every_value_of_every_real_record_is_there_in_order_with_its_language():
    count = 0
    for name, element in records():
        found = convert(element)
        assert found is not None, name
        said: dict[str, list[tuple[str, str | None]]] = {}
        for child in element.iterchildren(etree.Element):
            tag = etree.QName(child)
            language = child.get(LANG, child.get("lang"))
            said.setdefault(tag.localname, []).append(("".join(child.itertext(etree.Element)), language))
        assert {key.rpartition(":")[2]: values(inner) for key, inner in found.items()} == said, name
        assert orjson.loads(orjson.dumps(found)) == found
        count += 1
    assert count > 300


@with_corpus
def test_the_xml_and_the_json_of_one_record_say_the_same():
    """InvenioRDM writes Dublin Core as JSON as well, with names in the plural."""
    made = convert(etree.parse(CORPUS / "invenio-rdm/full-record.dc.xml").getroot())
    theirs = orjson.loads((CORPUS / "invenio-rdm/full-record.dc.json").read_bytes())
    assert made is not None
    plural = {name: f"{name}s" for name in made} | {"rights": "rights"}
    del theirs["locations"]  # which its XML writer leaves out
    assert {plural[name]: found for name, found in made.items()} == theirs


ELEMENTS = ["title", "creator", "date", "relation"]
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=10)
VALUES = st.tuples(
    st.sampled_from([DC, TERMS]), st.sampled_from(ELEMENTS), TEXTS, st.none() | st.sampled_from(["en", "de"])
)


@given(st.lists(VALUES, max_size=8), st.sampled_from([f"{{{OAI_DC}}}dc", "qualifieddc", f"{{{TERMS}}}dcterms"]))
def test_any_record_is_its_values_in_order(said: list[tuple[str, str, str, str | None]], root: str):
    element = etree.Element(root)
    wanted: Json = {}
    for namespace, name, text, language in said:
        child = etree.SubElement(element, f"{{{namespace}}}{name}")
        child.text = text
        if language:
            child.set(LANG, language)
        value = {"value": text, "lang": language} if language else text
        wanted.setdefault(name if namespace == DC else f"dcterms:{name}", []).append(value)
    assert convert(etree.fromstring(etree.tostring(element))) == wanted


@pytest.mark.parametrize("prefix", ["dcterms", "dct", "ns2"])
def test_terms_have_one_name_whatever_their_prefix(prefix: str):
    xml = f'<dc xmlns="{OAI_DC}" xmlns:{prefix}="{TERMS}"><{prefix}:issued>2020</{prefix}:issued></dc>'
    assert convert(etree.fromstring(xml)) == {"dcterms:issued": ["2020"]}


@pytest.mark.parametrize(
    ("xml", "wanted"),
    [
        (f'<dc xmlns:d="{DC}"><d:title>T</d:title></dc>', {"title": ["T"]}),
        (f'<x:dc xmlns:x="x:x" xmlns:d="{TERMS}"><!-- c --><d:title>T</d:title></x:dc>', {"dcterms:title": ["T"]}),
        ("<qualifieddc><title lang='fi'>T</title></qualifieddc>", {"title": [{"value": "T", "lang": "fi"}]}),
        ("<dc><title>T</title></dc>", None),
        ("<dc/>", None),
        (f'<other xmlns:d="{DC}"><d:title>T</d:title></other>', None),
    ],
)
def test_dublin_core_is_known_by_its_namespaces(xml: str, wanted: Json | None):
    assert convert(etree.fromstring(xml)) == wanted


def test_texts_come_name_after_name_without_languages_and_empty_ones():
    metadata = {"a": ["1", {"value": "2", "lang": "en"}, "", {"lang": "en"}, None, 3], "b": "no list", "c": [" 4\n5 "]}
    assert plain_texts(metadata, "c", "b", "a", "x") == ("4 5", "no list", "1", "2", "3")
