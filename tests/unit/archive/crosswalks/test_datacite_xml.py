"""DataCite XML to JSON: nothing is lost whatever the XML is, and what is valid as XML is valid as JSON."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from archive.crosswalks.places import KERNELS
from archive.crosswalks.registry import convert, unmapped
from harvester.oaipmh.decode import decode_list_records

Json = dict[str, Any]
CORPUS = Path(__file__).resolve().parents[5] / "shared" / "corpus"
KERNEL_4 = "http://datacite.org/schema/kernel-4"
NUMBER = r"[+-]?\d+\.?\d*(?:e-?\d+)?"
NUMBERS = re.compile(rf"{NUMBER}(?:\s+{NUMBER})*")
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
with_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the sample files are not beside the repository")


def resource(inside: str, namespace: str = KERNEL_4, attributes: str = "") -> etree._Element:
    xsi = XSI.strip("{}")
    return etree.fromstring(f'<resource xmlns="{namespace}" xmlns:xsi="{xsi}"{attributes}>{inside}</resource>')


def made(element: etree._Element) -> Json:
    found = convert(element)
    assert found is not None
    return found


def resources() -> Iterator[tuple[str, etree._Element]]:
    """(file, <resource>) of every one in the corpus, also those inside pages, each as a document of its own."""
    for path in sorted(CORPUS.rglob("*.xml")):
        try:
            root = etree.parse(path).getroot()
        except etree.XMLSyntaxError:
            continue
        for found in root.iter("{*}resource"):
            if "datacite.org/" in (etree.QName(found).namespace or ""):
                yield str(path.relative_to(CORPUS)), etree.fromstring(etree.tostring(found, with_tail=False))


# --- nothing is lost


def said(element: etree._Element) -> Counter[str]:
    """Every text and attribute of an element, but how to read them: schema locations, types, empty ones."""
    pieces = [text.strip(" \t\r\n") for text in element.itertext(etree.Element)]
    for inner in element.iter(etree.Element):
        own = (value for name, value in inner.items() if not name.startswith(XSI))
        pieces += (value for value in own if etree.QName(inner).localname != "identifier" or value != "DOI")
    return Counter(piece for piece in pieces if piece)


def kept(value: Any) -> Iterator[str]:
    """Every text of the JSON; what is under `unmapped` is XML."""
    if isinstance(value, dict):
        for xml in value.get("unmapped", ()):
            yield from said(etree.fromstring(xml)).elements()
        for key, inner in value.items():
            if key != "unmapped":
                yield from kept(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from kept(inner)
    else:
        yield str(value)


def lost(element: etree._Element, found: Json) -> dict[str, int]:
    """Texts that the XML has more often than the JSON."""
    everything = "\0".join(kept(found))
    numbers = Counter(float(number) for text in kept(found) if NUMBERS.fullmatch(text) for number in text.split())
    missing = {}
    for text, count in said(element).items():
        here = everything.count(text)
        if here < count and NUMBERS.fullmatch(text):  # kernel 3 has two or four in one text
            here = min(numbers[float(number)] for number in text.split())
        if here < count:
            missing[text] = count - here
    return missing


@with_corpus
def test_no_text_and_no_attribute_of_any_real_record_is_lost():
    count = 0
    for name, element in resources():
        assert lost(element, made(element)) == {}, name
        count += 1
    assert count > 450


NAMES = [
    "identifier", "creators", "creator", "creatorName", "givenName", "familyName", "nameIdentifier", "affiliation",
    "titles", "title", "publisher", "publicationYear", "resourceType", "subjects", "subject", "contributors",
    "contributor", "contributorName", "dates", "date", "language", "alternateIdentifiers", "alternateIdentifier",
    "relatedIdentifiers", "relatedIdentifier", "sizes", "size", "formats", "format", "version", "rightsList", "rights",
    "descriptions", "description", "br", "geoLocations", "geoLocation", "geoLocationPlace", "geoLocationPoint",
    "pointLongitude", "geoLocationBox", "geoLocationPolygon", "polygonPoint", "inPolygonPoint", "fundingReferences",
    "fundingReference", "funderName", "funderIdentifier", "awardNumber", "relatedItems", "relatedItem",
    "relatedItemIdentifier", "number", "volume", "novelty", "resource",
]  # fmt: skip
CHILDREN = {
    "creators": ["creator"],
    "creator": NAMES[3:8],
    "titles": ["title"],
    "geoLocations": ["geoLocation"],
    "geoLocation": NAMES[37:43],
    "geoLocationPolygon": ["polygonPoint", "inPolygonPoint"],
    "relatedItems": ["relatedItem"],
    "relatedItem": ["creators", "titles", *NAMES[51:55]],
}
ATTRIBUTES = ["nameType", "titleType", "schemeURI", "schemeUri", "lang", "xml:lang", "name", "title", "strange", "k:x"]


@st.composite
def trees(draw: st.DrawFn, name: str = "resource", depth: int = 0) -> tuple[str, list[str], list[Any]]:
    """(name, attributes, what is inside): texts are True, remarks are False, elements are of this kind again."""
    attributes = draw(st.lists(st.sampled_from(ATTRIBUTES), max_size=2, unique=True))
    names = st.sampled_from(CHILDREN.get(name, NAMES) * 3 + NAMES) if depth else st.sampled_from(NAMES)
    inside: list[Any] = draw(st.lists(st.booleans(), max_size=2))
    if depth < 4:
        inside += [draw(trees(draw(names), depth + 1)) for _ in range(draw(st.integers(0, 3 if depth else 5)))]
    return name, attributes, draw(st.permutations(inside))


def rendered(tree: tuple[str, list[str], list[Any]], tokens: Iterator[int]) -> str:
    """The tree as XML, each text and attribute of which is said once."""
    name, attributes, inside = tree
    parts = (
        f"~{next(tokens)}~" if part is True else "<!-- c -->" if part is False else rendered(part, tokens)
        for part in inside
    )
    start = " ".join([name, *(f"{attribute}='~{next(tokens)}~'" for attribute in attributes)])
    return f"<{start}>{''.join(parts)}</{name}>"


@given(trees(), st.sampled_from([*KERNELS, "http://datacite.org/schema/kernel-9"]))
def test_nothing_is_lost_whatever_stands_where(tree: tuple[str, list[str], list[Any]], namespace: str):
    name, attributes, inside = tree
    text = rendered((name, [*attributes], inside), itertools.count())
    element = etree.fromstring(text.replace("<resource", f'<resource xmlns="{namespace}" xmlns:k="k:k"', 1))
    found = made(element)
    assert lost(element, found) == {}
    assert orjson.loads(orjson.dumps(found)) == found


LEFT_OVER = [
    ("<creators><creator><creatorName>A</creatorName><creatorName>B</creatorName></creator></creators>", "creatorName"),
    ("<creators><creator>A</creator></creators>", "creator"),
    ("<creators>A<creator><creatorName>B</creatorName></creator></creators>", "creators"),
    ("<titles><title>A</title><name>B</name></titles>", "name"),
    ("<titles lang='en'><title>A</title></titles>", "titles"),
    ("<version>1</version><version>2</version>", "version"),
    ("<version a='1'>1</version>", "version"),
    ("<publisher>A</publisher><publisher>B</publisher>", "publisher"),
    ("<titles><title title='x'>A</title></titles>", "title"),
    ("<titles><title lang='de' xml:lang='en'>A</title></titles>", "title"),
    ("<descriptions><description>A <a href='h'>B</a></description></descriptions>", "description"),
    ("<identifier identifierType='DOI'>10.1/a</identifier><identifier identifierType='DOI'>10.1/b</identifier>",
     "identifier"),
    (("<geoLocations><geoLocation><geoLocationPlace>A</geoLocationPlace><geoLocationPlace>B</geoLocationPlace>"
     "</geoLocation></geoLocations>"), "geoLocationPlace"),
    ("text", "resource"),
]  # fmt: skip


@pytest.mark.parametrize(("inside", "name"), LEFT_OVER)
def test_what_has_no_place_is_kept_as_the_smallest_element_that_holds_it(inside: str, name: str):
    assert [etree.QName(etree.fromstring(xml)).localname for xml in unmapped(made(resource(inside)))] == [name]


@pytest.mark.parametrize("comment", ["<!-- c -->", "<?p i?>", "\n  "])
def test_remarks_and_white_space_are_no_content(comment: str):
    inside = "<creators>{0}<creator>{0}<creatorName>A{0}</creatorName>{0}</creator>{0}</creators>{0}<sizes>{0}</sizes>"
    assert made(resource(inside.format(comment))) == {"creators": [{"name": "A"}], "schemaVersion": KERNEL_4}


def test_what_has_no_place_is_a_problem_of_its_record():
    page = """<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><ListRecords>{}</ListRecords></OAI-PMH>""".format(
        "".join(
            f"""<record><header><identifier>{n}</identifier><datestamp>2020-01-01</datestamp></header><metadata>
            <resource xmlns="{KERNEL_4}"><{name}>1</{name}></resource></metadata></record>"""
            for n, name in enumerate(("version", "novelty", "language"))
        )
    )
    problems = decode_list_records(page.encode(), "u", "datacite", "now").problems
    assert [(identifier, code) for identifier, code, _ in problems] == [("1", "conversion-partial")]
    assert "novelty" in problems[0][2]


# --- places


def polygon(points: str) -> list[Json]:
    inside = f"<geoLocations><geoLocation>{points}</geoLocation></geoLocations>"
    found: list[Json] = made(resource(inside))["geoLocations"]
    return found


POINT = "<{0}><pointLatitude>{1}</pointLatitude><pointLongitude>{2}</pointLongitude></{0}>"


def test_polygons_are_points_in_their_order():
    points = [POINT.format("polygonPoint", n, -n) for n in range(4)] + [POINT.format("inPolygonPoint", 1.5, 1)]
    assert polygon(f"<geoLocationPolygon>{''.join(points)}</geoLocationPolygon>") == [
        {
            "geoLocationPolygon": [{"polygonPoint": {"pointLatitude": n, "pointLongitude": -n}} for n in range(4)]
            + [{"inPolygonPoint": {"pointLatitude": 1.5, "pointLongitude": 1}}]
        }
    ]


def test_a_second_polygon_in_one_place_has_no_form_in_json():
    one = f"<geoLocationPolygon>{POINT.format('polygonPoint', 1, 2)}</geoLocationPolygon>"
    found = made(resource(f"<geoLocations><geoLocation>{one}{one}</geoLocation></geoLocations>"))
    assert len(found["geoLocations"][0]["geoLocationPolygon"]) == 1
    assert [etree.QName(etree.fromstring(xml)).localname for xml in unmapped(found)] == ["geoLocationPolygon"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1.0),
        ("-67.302", -67.302),
        ("+123.", 123.0),
        (".5", 0.5),
        ("1e2", 100.0),
        (" 1 ", 1.0),
        ("1_0", "1_0"),
        ("nan", "nan"),
        ("1e999", "1e999"),
        ("12° N", "12° N"),
        ("1,5", "1,5"),
        ("٣", "٣"),
    ],
)
def test_coordinates_are_numbers_when_json_has_them(text: str, value: Any):
    found = polygon(POINT.format("geoLocationPoint", text, 0))
    assert found == [{"geoLocationPoint": {"pointLatitude": value, "pointLongitude": 0.0}}]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("31.233 -67.302", {"pointLatitude": 31.233, "pointLongitude": -67.302}),
        ("31 x", {"text": "31 x"}),
        ("1", {"text": "1"}),
        ("1 nan", {"text": "1 nan"}),
    ],
)
def test_a_point_of_kernel_3_has_the_names_of_kernel_4(text: str, wanted: Json):
    assert polygon(f"<geoLocationPoint>{text}</geoLocationPoint>") == [{"geoLocationPoint": wanted}]


def test_every_kind_of_identifier_and_of_attribute_has_its_name():
    inside = """<relatedItems><relatedItem relatedItemType="Book" relationType="IsPartOf" relationTypeInformation="i">
        <relatedItemIdentifier relatedItemIdentifierType="DOI" schemeURI="s" schemeType="t">d</relatedItemIdentifier>
        <publisher>P</publisher></relatedItem></relatedItems><publisher publisherIdentifierScheme="ROR" schemeURI="s"
        publisherIdentifier="r" xml:lang="en">Q</publisher>"""
    assert made(resource(inside, attributes=' metadataVersionNumber="3"')) == {
        "relatedItems": [
            {
                "relatedItemType": "Book",
                "relationType": "IsPartOf",
                "relationTypeInformation": "i",
                "relatedItemIdentifier": {
                    "relatedItemIdentifier": "d",
                    "relatedItemIdentifierType": "DOI",
                    "schemeURI": "s",
                    "schemeType": "t",
                },
                "publisher": "P",
            }
        ],
        "publisher": {
            "name": "Q",
            "publisherIdentifierScheme": "ROR",
            "schemeUri": "s",
            "publisherIdentifier": "r",
            "lang": "en",
        },
        "schemaVersion": KERNEL_4,
        "metadataVersionNumber": "3",
    }


def test_values_are_kept_as_they_are():
    inside = """<version>1.0</version><publicationYear>2020</publicationYear><dates><date dateType="x y">2020-01-01/..
        </date></dates><titles><title>\u00a0A\n  B\u2003</title></titles><language> en </language>"""
    assert made(resource(inside)) == {
        "version": "1.0",
        "publicationYear": "2020",
        "dates": [{"date": "2020-01-01/..", "dateType": "x y"}],
        "titles": [{"title": "\u00a0A\n  B\u2003"}],
        "language": "en",
        "schemaVersion": KERNEL_4,
    }


def test_a_prefix_and_a_foreign_namespace_make_no_difference():
    plain = made(resource("<titles><title>A</title></titles>"))
    prefixed = f'<d:resource xmlns:d="{KERNEL_4}"><d:titles><d:title>A</d:title></d:titles></d:resource>'
    mixed = f'<resource xmlns="{KERNEL_4}"><titles xmlns=""><title xmlns="x:y">A</title></titles></resource>'
    assert made(etree.fromstring(prefixed)) == made(etree.fromstring(mixed)) == plain


@pytest.mark.parametrize(
    "envelope",
    [
        (
            '<oai_datacite xmlns="http://schema.datacite.org/oai/oai-1.1/"><schemaVersion>4</schemaVersion>'
            "<datacentreSymbol>D</datacentreSymbol><payload>{}</payload></oai_datacite>"
        ),
        (
            '<oai_datacite xmlns="http://schema.datacite.org/oai/oai-1.0/"><payload>{}</payload>'
            "<isReferenceQuality>true</isReferenceQuality></oai_datacite>"
        ),
        (
            '<o:oai_datacite xmlns:o="http://schema.datacite.org/oai/oai-1.1/"><!-- c --><o:payload>\n<!-- c -->{}\n'
            "</o:payload></o:oai_datacite>"
        ),
        '<oai_datacite xmlns="http://oai.datacite.org/other/">{}</oai_datacite>',
    ],
)
def test_the_envelope_makes_no_difference(envelope: str):
    inside = f'<resource xmlns="{KERNEL_4}"><version>1</version></resource>'
    assert convert(etree.fromstring(envelope.format(inside))) == {"version": "1", "schemaVersion": KERNEL_4}
    assert convert(etree.fromstring(envelope.format(""))) is None


# --- valid as XML, valid as JSON

# (where, what the validator says, why) of JSON that the schema of 4.5 refuses though the XSD of 4.6 takes the XML
ONLY_IN_XML = [
    (r".*", r"is not one of", "a value of kernel 4.6"),
    (r"relatedIdentifiers/\d+", r"\('relationType' (was|were) unexpected\)", "a relation of kernel 4.6"),
    (r"relatedIdentifiers/\d+/.*", r"False schema", "a metadata scheme with a relation that needs none"),
    (r".*", r"has non-unique elements", "said twice"),
    (r"fundingReferences/\d+", r"\('schemeUri' was unexpected\)", "the schema has no scheme of a funder's identifier"),
    (r"relatedItems/\d+/relatedItemIdentifier", r"schem", "nor of a related item's"),
]


@with_corpus
def test_what_is_valid_as_xml_is_valid_as_json_but_for_what_json_schema_does_not_know():
    """The JSON is in the shape of 4.5, the latest schema there is, and kernel 4 names all its versions alike."""
    schema = orjson.loads((CORPUS / "datacite/json-schema/datacite-v4.5.json").read_bytes())
    json_schema = jsonschema_rs.validator_for(schema)
    xsd = etree.XMLSchema(etree.parse(CORPUS / "xsd/datacite/kernel-4/metadata.xsd"))
    valid, reasons = 0, Counter[str]()
    for name, element in resources():
        if etree.QName(element).namespace != KERNEL_4 or not xsd.validate(element):
            continue
        found = {key: value for key, value in made(element).items() if key != "unmapped"}
        errors = list(json_schema.iter_errors(found))
        valid += not errors
        for error in errors:
            where = "/".join(map(str, error.instance_path))
            whys = [y for path, what, y in ONLY_IN_XML if re.fullmatch(path, where) and re.search(what, error.message)]
            assert whys, (name, where, error.message)
            reasons[whys[0]] += 1
    assert valid > 320
    assert set(reasons) == {why for _, _, why in ONLY_IN_XML}


@with_corpus
@pytest.mark.parametrize(("kernel", "least"), [("3", 39), ("2.2", 9)])
def test_older_kernels_come_out_in_the_same_shape(kernel: str, least: int):
    schema = orjson.loads((CORPUS / "datacite/json-schema/datacite-v4.5.json").read_bytes())
    json_schema = jsonschema_rs.validator_for(schema)
    xsd = etree.XMLSchema(etree.parse(CORPUS / f"xsd/datacite/kernel-{kernel}/metadata.xsd"))
    namespace = f"http://datacite.org/schema/kernel-{kernel}"
    found = [made(e) for _, e in resources() if etree.QName(e).namespace == namespace and xsd.validate(e)]
    assert {json["schemaVersion"] for json in found} == {namespace}
    # what is not valid has a value that kernel 4 took out (Funder, StartDate), no type, or says something twice
    errors = [list(json_schema.iter_errors(json | {"schemaVersion": KERNEL_4})) for json in found]
    assert sum(not each for each in errors) >= least
    assert all(re.search("is not one of|required property|non-unique", e.message) for each in errors for e in each)
