"""DataCite XML and JSON of the same DOI, from three services: what we make of the one is the other.

The JSON is not made from the XML by a rule that could be repeated: most of it is what DataCite's own reader made of
it, which guesses, tidies and looks things up, and some is in the shapes of older kernels. Each of these changes is a
reason below; a difference that has no reason fails, and so does a reason that no pair needs.
"""

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from lxml import etree

from archive.crosswalks.registry import convert
from archive.crosswalks.schemes import normalise_doi

Json = dict[str, Any]
CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the sample files are not beside the repository")
NEGOTIATED = "zenodo/record-8347772-many-formats"
# the properties of kernel 4; a service adds its own beside them (state, url, container, ...)
KERNEL = frozenset(
    """doi creators titles publisher publicationYear types subjects contributors dates language alternateIdentifiers
    relatedIdentifiers sizes formats version rightsList descriptions geoLocations fundingReferences relatedItems
    schemaVersion""".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Pair:
    """The XML and the JSON of one DOI."""

    xml: Path
    json: Path

    @property
    def name(self) -> str:
        """Where the XML is in the corpus."""
        return str(self.xml.relative_to(CORPUS))

    def made(self) -> Json:
        """The JSON that we make of the XML."""
        found = convert(etree.parse(self.xml).getroot())
        assert found is not None
        return found

    def given(self) -> Json:
        """The JSON of the pair, out of the envelope of the REST API."""
        found: Json = orjson.loads(self.json.read_bytes())
        while "data" in found or "attributes" in found:
            found = found.get("data") or found["attributes"]
        return found


def find_pairs() -> Iterator[Pair]:
    for xml in sorted((CORPUS / "datacite").rglob("*.xml")):
        if (beside := xml.with_suffix(".json")).exists():
            yield Pair(xml, beside)
    yield Pair(CORPUS / "invenio-rdm/full-record.datacite45.xml", CORPUS / "invenio-rdm/full-record.datacite45.json")
    answer = "18-200-api.datacite.org_dois_10.5281_zenodo.8347772.json"
    yield Pair(CORPUS / NEGOTIATED / "18-decoded-datacite.xml", CORPUS / NEGOTIATED / answer)


PAIRS = list(find_pairs()) if CORPUS.is_dir() else []
each_pair = pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.name)


# --- shapes: the same said in older kernels, or as the REST API prints it


def in_our_shape(given: Json) -> Json:
    """The JSON of any kernel in the shape of 4.5, without what is empty and what a service adds."""
    found = _spelled(given)
    found.setdefault("doi", _doi_in_list(given))
    found.setdefault("types", found.get("resourceType"))
    for person in [*found.get("creators", ()), *found.get("contributors", ())]:
        person.setdefault("name", person.pop("creatorName", None) or person.pop("contributorName", None))
        person["affiliation"] = _affiliations(person.pop("affiliations", person.pop("affiliation", ())))
    for place in found.get("geoLocations", ()):
        polygons = place.pop("geoLocationPolygons", place.pop("geoLocationPolygon", None))
        place["geoLocationPolygon"] = _polygon(polygons[0] if _is_of_polygons(polygons) else polygons)
    if isinstance(found.get("publisher"), str):
        found["publisher"] = {"name": found["publisher"]}
    if isinstance(found.get("publicationYear"), int):
        found["publicationYear"] = str(found["publicationYear"])
    return {key: value for key, value in _without_empty(found).items() if key in KERNEL}


def _spelled(value: Any) -> Any:
    """schemeURI and its like as schemeUri."""
    if isinstance(value, dict):
        return {re.sub("URI$", "Uri", key): _spelled(inner) for key, inner in value.items()}
    return [_spelled(inner) for inner in value] if isinstance(value, list) else value


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        inner = {key: _without_empty(found) for key, found in value.items()}
        return {key: found for key, found in inner.items() if found not in (None, "", [], {})}
    return [_without_empty(found) for found in value] if isinstance(value, list) else value


def _doi_in_list(given: Json) -> str | None:
    """The DOI of kernels 4.0 (one object) to 4.3 (a list of identifiers)."""
    several = given.get("identifiers") or [given.get("identifier") or {}]
    return next((i["identifier"] for i in several if i.get("identifierType") == "DOI"), None)


def _affiliations(given: Any) -> list[Json]:
    """Affiliations: a string, strings, or objects of kernel 4.2."""
    several = given if isinstance(given, list | tuple) else [given]
    as_objects = [{"name": item} if isinstance(item, str) else dict(item) for item in several]
    return [{("name" if key == "affiliation" else key): value for key, value in item.items()} for item in as_objects]


def _is_of_polygons(given: Any) -> bool:
    return isinstance(given, list) and bool(given) and "polygonPoints" in given[0]


def _polygon(given: Any) -> Any:
    """A polygon of kernel 4.0 to 4.2, where its points are a list of their own."""
    if not isinstance(given, dict):
        return given
    points = [{"polygonPoint": point} for point in given["polygonPoints"]]
    return points + ([{"inPolygonPoint": given["inPolygonPoint"]}] if "inPolygonPoint" in given else [])


# --- differences


@dataclass(frozen=True)
class Difference:
    """Two values at a path without positions (`creators/name`); None is for nothing."""

    path: str
    made: Any
    given: Any
    pair: Json  # all of the JSON that was given


def differences(made: Any, given: Any, pair: Json, path: str = "") -> Iterator[Difference]:
    if isinstance(made, dict) and isinstance(given, dict):
        for key in sorted(made.keys() | given.keys()):
            yield from differences(made.get(key), given.get(key), pair, f"{path}/{key}".lstrip("/"))
    elif isinstance(made, list) and isinstance(given, list) and len(made) == len(given):
        for ours, theirs in zip(made, given, strict=True):
            yield from differences(ours, theirs, pair, path)
    elif made != given and not _same_number(made, given):
        yield Difference(path, made, given, pair)


def _same_number(made: Any, given: Any) -> bool:
    """Kernels 4.2 and 4.3 have coordinates as text."""
    return isinstance(made, float) and isinstance(given, str | int) and float(given) == made


# --- reasons


def letters(text: str) -> str:
    """The letters and digits of a text: without markup, entities, white space, case and order of words."""
    plain = html.unescape(html.unescape(re.sub(r"<[^>]*>", " ", html.unescape(text))))
    return "".join(sorted(re.sub(r"<[^>]*>|[\W_]", "", plain).casefold()))


def same_letters(found: Difference) -> bool:
    return isinstance(found.made, str) and isinstance(found.given, str) and letters(found.made) == letters(found.given)


def only_given(found: Difference) -> bool:
    return found.made is None


def only_made(found: Difference) -> bool:
    return found.given is None


def same_end(found: Difference) -> bool:
    """An identifier and its URL."""
    return isinstance(found.given, str) and found.given.rstrip("/").endswith(
        str(found.made).strip("/").rpartition("/")[2]
    )


def same_address(found: Difference) -> bool:
    ends = [re.sub(r"^https?://|/$|/legalcode$|/$", "", str(value)) for value in (found.made, found.given)]
    return ends[0] == ends[1]


def same_doi(found: Difference) -> bool:
    dois = [normalise_doi(value) if isinstance(value, str) else None for value in (found.made, found.given)]
    return dois[0] is not None and dois[0] == dois[1]


def issued_added(found: Difference) -> bool:
    """`dates` with one more: the year of publication, as the date of issue."""
    added = {"date": str(found.pair.get("publicationYear")), "dateType": "Issued"}
    return [date for date in found.given if date != added] == (found.made or [])


def fields_of_science_added(found: Difference) -> bool:
    """`subjects` with more of them in the OECD's scheme, and each once."""
    named = {letters(subject["subject"]) for subject in found.made}
    given = {letters(s["subject"]) for s in found.given if not s["subject"].startswith("FOS:")}
    return given <= named and len(named - given) <= len(found.made) - len(given)


def looked_up(found: Difference) -> bool:
    """`rightsList` with licences of SPDX, known by their URL."""
    return any(rights.get("rightsIdentifierScheme") == "SPDX" for rights in found.pair["rightsList"])


def short_language(found: Difference) -> bool:
    return found.given is not None and found.given == TWO_LETTERS.get(found.made)


def general_type(found: Difference) -> bool:
    return found.made is None and found.given == found.pair["types"]["resourceTypeGeneral"]


def of_isni(found: Difference) -> bool:
    return found.given is None and {item["nameIdentifierScheme"] for item in found.made} == {"ISNI"}


TWO_LETTERS = {"deu": "de", "eng": "en", "en-us": "en", "fre": "fr"}
PERSON = "(relatedItems/)?(creators|contributors)/"
# what DataCite's reader does to any record: (why, where, which differences are of it)
REASONS: list[tuple[str, str, Callable[[Difference], bool]]] = [
    ("DOIs are in lower case and without resolver", "doi|relatedIdentifiers/relatedIdentifier", same_doi),
    ("a year of publication is a date of issue as well", "dates", issued_added),
    ("what kind of name it is, and its parts, are guessed", PERSON + "(nameType|givenName|familyName)", only_given),
    ("names are taken apart and put together again", PERSON + "(name|givenName)", same_letters),
    ("the language of a name is left out", PERSON + "lang", only_made),
    ("name identifiers become URLs", PERSON + "nameIdentifiers/nameIdentifier", same_end),
    ("and say their scheme by that", PERSON + "nameIdentifiers/schemeUri", only_made),
    ("a scheme's address is tidied", PERSON + "nameIdentifiers/schemeUri", same_address),
    ("those of contributors are left out", "contributors/nameIdentifiers", only_made),
    ("those of ISNI are left out when they are no URL", "creators/nameIdentifiers", of_isni),
    ("affiliations are their names alone in the default view", PERSON + "affiliation/.*", only_made),
    ("identifiers of affiliations become URLs", PERSON + "affiliation/affiliationIdentifier", same_end),
    ("some kinds of contributors were left out", "contributors/contributorType", only_made),
    ("an organisation was a research group", "contributors/contributorType", lambda d: d.given == "ResearchGroup"),
    ("publishers are their names alone", "publisher/.*", only_made),
    ("white space, markup and entities are tidied", "(titles|subjects|descriptions|types)/[a-zA-Z]*", same_letters),
    ("white space, markup and entities are tidied", PERSON + "affiliation/name", same_letters),
    ("types of other vocabularies are added", "types/(ris|bibtex|citeproc|schemaOrg)", only_given),
    ("the general type is the free one as well", "types/resourceType", general_type),
    ("languages have two letters", "language", short_language),
    ("subjects of the OECD's scheme are added", "subjects", fields_of_science_added),
    ("addresses of subjects' schemes were left out", "subjects/(schemeUri|valueUri)", only_made),
    ("licences are looked up", "rightsList/.*", looked_up),
    ("and lost what is not found", "rightsList/(rightsIdentifier|rightsIdentifierScheme|schemeUri)", only_made),
    ("those of kernel 2 were left out", "rightsList", only_made),
    ("the address of a licence is tidied", "rightsList/rightsUri", same_address),
    ("identifiers of funders become URLs", "fundingReferences/funderIdentifier", same_end),
    ("and say their scheme by that", "fundingReferences/schemeUri", only_made),
    ("alternate identifiers are among the identifiers", "alternateIdentifiers", only_made),
    ("the schema version was not always known", "schemaVersion", only_made),
    ("nor the version", "version", only_made),
]
# pairs whose JSON was not made of this XML, or says something else than it: (path, why)
EXCEPTIONS: dict[str, list[tuple[str, str]]] = {
    "datacite/bolognese-fixtures/datacite.xml": [
        ("creators/.*", "an older JSON of its own, with `id` and `type`"),
        ("descriptions", "it has another series information"),
        ("relatedIdentifiers/.*", "they stand in another order"),
    ],
    "datacite/lupo-fixtures/lupo-datacite.xml": [
        ("creators/.*", "an older JSON of its own, with `id` and `type`"),
        ("relatedIdentifiers/.*", "they stand in another order"),
        ("doi", "the XML was given another DOI for a test"),
        ("subjects/classificationCode", "and a classification code"),
    ],
    "datacite/json-xml-pairs/4.2/datacite-example-DateRange-v4.xml": [
        ("alternateIdentifiers", "written at another time"),
        ("descriptions/description", "written at another time: its counts of views differ"),
        ("publicationYear", "written at another time"),
    ],
    "datacite/json-xml-pairs/datacite-v4.0-full-example.xml": [
        ("creators/(affiliation|nameIdentifiers)", "the JSON has more of them than the XML"),
        ("fundingReferences", "only in the JSON"),
        ("geoLocations/geoLocationPoint/.*", "longitude and latitude are exchanged in the JSON"),
        ("geoLocations/geoLocationPolygon", "only in the JSON"),
        ("subjects/valueUri", "only in the JSON"),
    ],
    "datacite/json-xml-pairs/datacite-v4.2-full-example.xml": [
        ("unmapped", "its second polygon in one place: the shape of 4.5 has no place for that"),
    ],
    "datacite/json-xml-pairs/datacite-v4.5-full-example.xml": [("dates", "2021/12-31 is no date, and was dropped")],
    "datacite/rest-api-doi/200-10.17182_hepdata.77274.v1.xml": [
        ("relatedIdentifiers/relatedIdentifier", "lost where the XML has white space around them"),
        ("dates/.*", "2017-04-07 15:04:22 is no date, and was dropped"),
    ],
    "datacite/rest-api-doi/200-10.22002_d1.694.xml": [
        ("creators/affiliation", "left out"),
        ("rightsList/rightsUri", "www.google.com is no URI, and was dropped"),
    ],
    "datacite/rest-api-doi/200-10.24350_cirm.v.19028803.xml": [
        ("alternateIdentifiers", "they stand in another order, and one is a URL"),
        ("language", "ENG is no language there"),
    ],
    "datacite/rest-api-doi/200-10.26102_2310-6018_2019.24.1.006.xml": [
        ("alternateIdentifiers", "the JSON has a DOI that the XML does not have"),
    ],
    "datacite/rest-api-doi/200-10.70048_290320201351.xml": [("relatedItems", "the answer is of before kernel 4.4")],
    "datacite/rest-page-pairs/10.14454_07243.2013.001.xml": [("language", "only in the JSON")],
    "datacite/rest-page-pairs/10.14454_07243.2014.001.xml": [("language", "only in the JSON")],
    "datacite/rest-page-pairs/10.5438_0012.xml": [("contributors/name", "misspelled in the JSON")],
    "datacite/rest-page-pairs/10.5438_0013.xml": [("contributors/name", "misspelled in the JSON")],
    "datacite/rest-page-pairs/10.5438_6423.xml": [("creators/name", "misspelled in the JSON")],
    "invenio-rdm/full-record.datacite45.xml": [
        ("fundingReferences/awardUri", "its XML writer left it out"),
        ("rightsList", "its XML writer left it out"),
        ("subjects/valueUri", "its XML writer left it out"),
    ],
}


def explained(found: Difference) -> list[str]:
    return [why for why, where, is_of_it in REASONS if re.fullmatch(where, found.path) and is_of_it(found)]


def excepted(pair: Pair, found: Difference) -> list[str]:
    return [why for where, why in EXCEPTIONS.get(pair.name, ()) if re.fullmatch(where, found.path)]


def differences_of(pair: Pair) -> list[Difference]:
    given = in_our_shape(pair.given())
    return list(differences(_without_empty(pair.made()), given, given))


@each_pair
def test_what_we_make_of_the_xml_is_the_json_of_the_pair(pair: Pair):
    left = [found for found in differences_of(pair) if not explained(found) and not excepted(pair, found)]
    assert [(found.path, found.made, found.given) for found in left] == []


def test_every_reason_and_every_exception_is_needed():
    reasons, exceptions = set(), set()
    for pair in PAIRS:
        for found in differences_of(pair):
            whys = explained(found)
            reasons.update(whys)
            if not whys:
                exceptions.update((pair.name, why) for why in excepted(pair, found))
    assert {why for why, _, _ in REASONS} - reasons == set()
    assert {(name, why) for name, listed in EXCEPTIONS.items() for _, why in listed} - exceptions == set()
    assert len(PAIRS) == 99


def test_a_difference_that_has_no_reason_is_seen():
    pair = next(pair for pair in PAIRS if pair.name.endswith("4.5/datacite-example-relateditem3-v4.xml"))
    assert not [found for found in differences_of(pair) if not explained(found)]
    made, given = _without_empty(pair.made()), in_our_shape(pair.given())
    for damage in (
        lambda made: made["relatedItems"][0].pop("lastPage"),
        lambda made: made["relatedItems"][0]["titles"].append({"title": "x"}),
        lambda made: made["titles"][0].pop("lang"),
        lambda made: made["creators"][0].update(name="x"),
        lambda made: made.update(doi="10.1234/x"),
        lambda made: made.update(new="x"),
    ):
        damaged = orjson.loads(orjson.dumps(made))
        damage(damaged)
        assert [found for found in differences(damaged, given, given) if not explained(found)]
