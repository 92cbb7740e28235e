"""EPrints XML (EP3): the JSON that EPrints exports, each value as it was sent, and nothing left out silently."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from archive.crosswalks.errors import ConversionError
from archive.crosswalks.fields import index_fields
from archive.crosswalks.forms import form_of
from archive.crosswalks.links import index_links
from archive.crosswalks.registry import convert, has_crosswalk, payloads, unmapped
from archive.files.metadata import files_in
from harvester.inputs.convertible import flattened, iter_items

NAMESPACE = "http://eprints.org/ep2/data/2.0"
FULL = """
<eprintid>12</eprintid><rev_number>007</rev_number><type>article</type><title>A <!-- x -->title</title>
<creators><item><name><family>Doe</family><given>J.</given></name><orcid>0000-0002-1825-0097</orcid></item></creators>
<corp_creators><item>An Institute</item></corp_creators><date>2012</date><doi>10.1234/AB</doi><subjects><item>QA</item>
</subjects><related_url><item><url>https://example.org/x</url><type>pub</type></item></related_url>
<documents><document id="https://r.example/id/document/1"><license>cc_by</license><files>
<file id="https://r.example/id/file/3"><filename>p.pdf</filename><filesize>18</filesize><hash>60d8</hash>
<hash_type>MD5</hash_type><mime_type>application/pdf</mime_type><url>https://r.example/12/1/p.pdf</url></file></files>
</document></documents>"""


def eprints(*inside: str) -> etree._Element:
    made = "".join(f'<eprint id="https://r.example/id/eprint/12">{one}</eprint>' for one in inside)
    return etree.fromstring(f'<eprints xmlns="{NAMESPACE}">{made}</eprints>')


def made(inside: str) -> dict[str, Any]:
    found = convert(eprints(inside))
    assert found is not None
    return found


def test_it_is_the_json_of_eprints_with_each_value_as_it_was_sent():
    found = made(FULL)
    assert form_of(found) == ("eprints", found)
    assert unmapped(found) == []
    assert found["uri"] == "https://r.example/id/eprint/12"
    assert (found["eprintid"], found["rev_number"], found["title"]) == ("12", "007", "A title")
    assert found["creators"] == [{"name": {"family": "Doe", "given": "J."}, "orcid": "0000-0002-1825-0097"}]
    assert found["documents"][0]["files"][0]["uri"] == "https://r.example/id/file/3"


def test_the_index_has_its_fields_and_files():
    found = made(FULL)
    fields = index_fields("oai:r.example:12", found)
    assert (fields.doi, fields.title, fields.publication_year) == ("10.1234/ab", "A title", 2012)
    assert fields.creators == ("Doe, J.", "An Institute")
    assert (fields.resource_type, fields.license) == ("article", "cc_by")
    (file,) = index_links(found).files
    assert (file.name, file.size_bytes) == ("p.pdf", 18)
    (file_of_record,) = files_in(found, "https://r.example/12", None).files
    assert file_of_record.url == "https://r.example/12/1/p.pdf"


def test_one_eprint_alone_and_several_are_read():
    one = eprints("<title>T</title>")[0]
    assert has_crosswalk(one)
    found = convert(one)
    assert found == {"eprintid": None, "uri": "https://r.example/id/eprint/12", "title": "T"}
    several = eprints("<title>T</title>", "<title>U</title>")
    assert [child.findtext(f"{{{NAMESPACE}}}title") for child in payloads(several)] == ["T", "U"]
    converted = convert(several)
    assert converted is not None
    assert [one["title"] for one in converted["collection"]] == ["T", "U"]


@pytest.mark.parametrize(
    "inside",
    [
        "<title>a <b>bold</b> one</title>",
        '<title xml:lang="de">T</title>',
        '<title>T</title><x xmlns="http://other.example/">y</x>',
        "<title>T</title>beside",
        '<subjects id="s"><item>QA</item></subjects>',
        "<title>T</title><uri>another</uri>",
    ],
)
def test_what_has_no_place_is_named(inside: str):
    assert unmapped(made(inside))


def test_what_is_there_twice_stays_twice():
    assert made("<title>T</title><title>U</title>")["title"] == ["T", "U"]
    assert made('<title id="x">T</title>')["title"] == {"uri": "x", "value": "T"}


@pytest.mark.parametrize("text", ["", "<other/>", "<eprint/>"])
def test_what_holds_no_eprint_is_refused(text: str):
    with pytest.raises(ConversionError):
        convert(etree.fromstring(f'<eprints xmlns="{NAMESPACE}">{text}</eprints>'))


def test_each_text_of_a_real_eprint_is_in_its_json_or_named(corpus: Path):
    paths = [*(corpus / "eprints" / "ep3xml").glob("*.xml*"), *(corpus / "eprints").glob("*pairs/*.xml")]
    read = 0
    for path in paths:
        body = path.read_bytes()
        root = etree.fromstring(gzip.decompress(body) if path.suffix == ".gz" else body)
        if etree.QName(root).namespace != NAMESPACE:
            continue
        found = convert(root)
        said = json.dumps(found, ensure_ascii=False)
        for element in root.iter(etree.Element):
            if element.text and element.text.strip():
                assert json.dumps(element.text, ensure_ascii=False)[1:-1] in said, path.name
        items = list(flattened(iter_items(path)))
        assert len(items) == len(root)
        assert all(item.metadata is not None for item in items), path.name
        read += len(items)
    assert read >= 30
