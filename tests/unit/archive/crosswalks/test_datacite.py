"""DataCite XML to DataCite JSON: every element and attribute in its place, for kernels 2.2 to 4.6."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from lxml import etree

from archive.crosswalks.fields import index_fields
from archive.crosswalks.registry import convert

NAMESPACE = "http://datacite.org/schema/kernel-4"


def datacite(inside: str, namespace: str = NAMESPACE) -> dict[str, Any]:
    found = convert(etree.fromstring(f'<resource xmlns="{namespace}">{inside}</resource>'))
    assert found is not None
    assert found.pop("schemaVersion") == namespace
    return found


# what is inside a <resource>, and the JSON of it
CASES: list[tuple[str, str]] = [
    ('<identifier identifierType="DOI"> 10.5281/X </identifier>', '{"doi": "10.5281/X"}'),
    (
        '<identifier identifierType="URL">u</identifier>',
        '{"identifiers": [{"identifier": "u", "identifierType": "URL"}]}',
    ),
    (
        """<creators><creator><creatorName nameType="Personal">A, B</creatorName><givenName>B</givenName>
        <nameIdentifier nameIdentifierScheme="ORCID" schemeURI="s">0</nameIdentifier>
        <affiliation affiliationIdentifier="r">U</affiliation></creator></creators>""",
        """{"creators": [{"name": "A, B", "nameType": "Personal", "givenName": "B",
        "nameIdentifiers": [{"nameIdentifier": "0", "nameIdentifierScheme": "ORCID", "schemeUri": "s"}],
        "affiliation": [{"name": "U", "affiliationIdentifier": "r"}]}]}""",
    ),
    (
        '<titles><title xml:lang="en">T</title><title titleType="Subtitle">S</title></titles>',
        '{"titles": [{"title": "T", "lang": "en"}, {"title": "S", "titleType": "Subtitle"}]}',
    ),
    (
        '<publisher publisherIdentifier="r">P</publisher><publicationYear> 2020 </publicationYear>',
        '{"publisher": {"name": "P", "publisherIdentifier": "r"}, "publicationYear": "2020"}',
    ),
    (
        '<resourceType resourceTypeGeneral="Dataset">D</resourceType>',
        '{"types": {"resourceTypeGeneral": "Dataset", "resourceType": "D"}}',
    ),
    ('<resourceType resourceTypeGeneral="Dataset"/>', '{"types": {"resourceTypeGeneral": "Dataset"}}'),
    (
        '<subjects><subject valueURI="v" schemeURI="s">x</subject><!-- c --></subjects>',
        '{"subjects": [{"subject": "x", "valueUri": "v", "schemeUri": "s"}]}',
    ),
    (
        """<contributors><contributor contributorType="Editor"><contributorName>E</contributorName></contributor>
        </contributors>""",
        '{"contributors": [{"name": "E", "contributorType": "Editor"}]}',
    ),
    (
        '<dates><date dateType="Issued" dateInformation="i">2020</date></dates>',
        '{"dates": [{"date": "2020", "dateType": "Issued", "dateInformation": "i"}]}',
    ),
    ("<sizes><size>1 B</size><size/></sizes><formats/>", '{"sizes": ["1 B"]}'),
    (
        '<rightsList><rights rightsURI="u" rightsIdentifier="cc">CC</rights></rightsList>',
        '{"rightsList": [{"rights": "CC", "rightsUri": "u", "rightsIdentifier": "cc"}]}',
    ),
    ('<rights rightsURI="u">CC</rights>', '{"rightsList": [{"rights": "CC", "rightsUri": "u"}]}'),
    (
        '<descriptions><description descriptionType="Abstract">a<br/>b <i>c</i></description></descriptions>',
        '{"descriptions": [{"description": "a<br>b c", "descriptionType": "Abstract"}]}',
    ),
    (
        """<geoLocations><geoLocation><geoLocationPlace>P</geoLocationPlace><geoLocationPoint>
        <pointLongitude>1.5</pointLongitude><pointLatitude>x</pointLatitude></geoLocationPoint></geoLocation>
        </geoLocations>""",
        """{"geoLocations": [{"geoLocationPlace": "P",
        "geoLocationPoint": {"pointLongitude": 1.5, "pointLatitude": "x"}}]}""",
    ),
    (
        """<geoLocations><geoLocation><geoLocationPoint>31 -67</geoLocationPoint>
        <geoLocationBox>1 2 3 nan</geoLocationBox></geoLocation></geoLocations>""",
        """{"geoLocations": [{"geoLocationPoint": {"pointLatitude": 31.0, "pointLongitude": -67.0},
        "geoLocationBox": {"text": "1 2 3 nan"}}]}""",
    ),
    (
        """<fundingReferences><fundingReference><funderName>F</funderName><awardNumber awardURI="u">1</awardNumber>
        </fundingReference></fundingReferences>""",
        '{"fundingReferences": [{"funderName": "F", "awardNumber": "1", "awardUri": "u"}]}',
    ),
    (
        """<relatedItems><relatedItem relatedItemType="Book">
        <relatedItemIdentifier relatedItemIdentifierType="DOI">d</relatedItemIdentifier>
        <titles><title>T</title></titles><number numberType="Chapter">3</number><volume>1</volume></relatedItem>
        </relatedItems>""",
        """{"relatedItems": [{"relatedItemType": "Book", "titles": [{"title": "T"}], "number": "3",
        "numberType": "Chapter", "volume": "1", "relatedItemIdentifier":
        {"relatedItemIdentifier": "d", "relatedItemIdentifierType": "DOI"}}]}""",
    ),
]


@pytest.mark.parametrize(("inside", "wanted"), CASES, ids=range(len(CASES)))
def test_an_element_has_its_place(inside: str, wanted: str):
    assert datacite(inside) == orjson.loads(wanted)


def test_what_no_kernel_has_is_kept_as_xml():
    (kept,) = datacite('<novelty a="b">x</novelty>')["unmapped"]
    assert etree.fromstring(kept).text == "x"


@pytest.mark.parametrize(
    "inside", ['<titles><title title="no">T</title></titles>', "<titles><title>T</title></titles>"]
)
def test_an_attribute_never_takes_the_place_of_a_value(inside: str):
    assert datacite(inside)["titles"][0]["title"] == "T"


@pytest.mark.parametrize("namespace", [f"http://datacite.org/schema/kernel-{n}" for n in ("2.2", "3", "4", "5")])
def test_every_kernel_is_read(namespace: str):
    assert datacite("<version>1</version>", namespace) == {"version": "1"}


def test_the_envelope_of_oai_datacite_vanishes():
    inner = f'<resource xmlns="{NAMESPACE}"><version>1</version></resource>'
    for payload, wanted in ((inner, "1"), ("", None)):
        found = convert(
            etree.fromstring(
                f'<oai_datacite xmlns="http://schema.datacite.org/oai/oai-1.1/"><payload>{payload}</payload></oai_datacite>'
            )
        )
        assert (found or {}).get("version") == wanted


def test_every_datacite_file_of_the_corpus_is_json_with_index_fields(corpus: Path):
    count = 0
    for path in [*(corpus / "datacite").rglob("*.xml"), *(corpus / "invenio-rdm").rglob("*.xml")]:
        try:
            found = convert(etree.parse(path).getroot())
        except etree.XMLSyntaxError:
            continue
        if found is not None:
            assert orjson.loads(orjson.dumps(found)) == found
            index_fields("oai:x:1", found)
            count += 1
    assert count > 20


def test_a_full_record_says_in_the_index_what_it_is(corpus: Path):
    (path, *_) = sorted((corpus / "datacite").rglob("datacite-example-full-v4*.xml")) or [None]
    if path is None:
        pytest.skip("no full example of kernel 4 in the corpus")
    fields = index_fields("oai:x:1", convert(etree.parse(path).getroot()))
    assert fields.doi is not None
    assert fields.title
    assert fields.resource_type
    assert fields.publication_year
    assert fields.creators
