"""Index fields and links from the JSON of every platform: right, alike for one record, and never an error."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from archive.crosswalks.errors import ConversionError
from archive.crosswalks.fields import Fields, index_fields
from archive.crosswalks.forms import form_of
from archive.crosswalks.links import File, Links, Related, index_links, related
from archive.crosswalks.registry import convert

Json = dict[str, Any]
CORPUS = Path(__file__).resolve().parents[5] / "shared" / "corpus"
with_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason="the sample files are not beside the repository")


def read(name: str) -> Json:
    path = CORPUS / name
    if path.suffix == ".xml":
        made = convert(etree.parse(path).getroot())
        assert made is not None
        return made
    found: Json = orjson.loads(path.read_bytes())
    return found


FULL = "invenio-rdm/full-record"
ONE_RECORD = [
    f"{FULL}.api.json",
    f"{FULL}.datacite45.json",
    f"{FULL}.datacite45.xml",
    f"{FULL}.marcxml.xml",
    f"{FULL}.dc.json",
    f"{FULL}.dc.xml",
    f"{FULL}.schemaorg.jsonld",
    f"{FULL}.csl.json",
]


@with_corpus
@pytest.mark.parametrize("name", ONE_RECORD)
def test_one_record_is_the_same_in_every_form(name: str):
    fields = index_fields("oai:invenio-rdm.com:12345-abcde", read(name))
    assert (fields.local_id, fields.doi, fields.title, fields.publication_year, fields.creators) == (
        "12345-abcde",
        "10.1234/12345-abcde",
        "InvenioRDM",
        2018,
        ("Nielsen, Lars Holm", "Tom, Blabin"),
    )
    assert fields.resource_type
    assert fields.license or name.endswith("csl.json")  # which has none
    assert fields.version in ("v1.0", None)
    assert fields.concept in ("10.1234/pgfpj-at058", None)


@with_corpus
@pytest.mark.parametrize("name", ONE_RECORD[:6])
def test_what_a_record_points_to_is_the_same_in_every_form(name: str):
    links = index_links(read(name))
    assert ("10.1234/foo.bar", "doi") in {(link.identifier, link.scheme) for link in links.related}
    assert {link.relation for link in links.related} <= {"IsCitedBy", "IsVersionOf", None}


@with_corpus
def test_the_old_json_of_zenodo():
    record = read("zenodo/legacy-rest-http/200-records_7077932.json")
    assert index_fields("7077932", record) == Fields(
        "7077932",
        "10.5281/zenodo.7077932",
        "Frictionless Data Test Dataset Zip -2",
        "dataset",
        2022,
        ("FD Testing",),
        "CC-BY-4.0",
        None,
        "10.5281/zenodo.7077931",
    )
    url = "https://zenodo.org/api/files/4a77abd1-9e03-4d8e-abfc-f1d1e8df820a/files.zip"
    assert index_links(record) == Links(
        (Related("10.5281/zenodo.7077931", "IsVersionOf", "doi"),),
        (File("files.zip", 960, "md5:b0b0b9aba440cfe24fdf2bc78c587da6", url),),
    )


@with_corpus
def test_the_json_of_inveniordm():
    fields = index_fields("12345-abcde", read(f"{FULL}.api.json"))
    assert (fields.resource_type, fields.license) == ("image-photo", "https://customlicense.org/licenses/by/4.0/")
    assert index_links(read(f"{FULL}.api.json")).files == (
        File("test.txt", 9, "md5:e795abeef2c38de2b064be9f6364ceae", None),
    )


@with_corpus
def test_the_json_of_eprints():
    eprint = read("eprints/json-export/eprint-published-article.json")
    title = "Is More Different?  Emergent Properties in Physics"
    assert index_fields("8339", eprint) == Fields(
        "8339", None, title, "published_article", 2006, ("Mainwood, Paul",), None, None, None
    )
    assert index_links(eprint).files == (
        File(
            "Is_more_different_2006.pdf",
            1843369,
            "md5:7b3230900da3350dba8e212884f7f792",
            "https://philsci-archive.pitt.edu/id/file/11918",
        ),
    )


@with_corpus
def test_schema_org_with_files():
    thing = read("dataverse/native-and-exports/croissant_max_in_datasetSchemaDotOrg.json")
    fields = index_fields("x", thing)
    assert (fields.doi, fields.title, fields.resource_type) == ("10.5072/fk2/vqtyhd", "Max Schema.org", "Dataset")
    assert (fields.publication_year, fields.creators, fields.version) == (2024, ("Durbin, Philip", "IQSS"), "3")
    links = index_links(thing)
    assert links.related == (Related("10.5281/zenodo.10843668", "Cites", "doi"),)
    assert [(file.name, file.size_bytes) for file in links.files] == [("data.tab", 27), ("README.md", 34)]


@with_corpus
def test_the_rest_api_of_datacite_is_datacite_in_an_envelope():
    folder = "zenodo/record-8347772-many-formats"
    answer = read(f"{folder}/18-200-api.datacite.org_dois_10.5281_zenodo.8347772.json")
    negotiated = read(f"{folder}/14-200-data.crosscite.org_10.5281_2Fzenodo.8347772.json")
    assert index_fields("x", answer) == index_fields("x", negotiated)
    assert index_links(answer).related == index_links(negotiated).related
    fields = index_fields("x", answer)
    made = index_fields("x", read(f"{folder}/18-decoded-datacite.xml"))
    assert (made.doi, made.title, made.resource_type, made.publication_year, made.concept, made.version) == (
        fields.doi,
        fields.title,
        fields.resource_type,
        fields.publication_year,
        fields.concept,
        fields.version,
    )


MARC: Json = {
    "leader": "", "fields": [
        {"024": {"subfields": [{"a": "isbn"}]}}, {"024": {"subfields": [{"2": "doi"}, {"a": "10.1/x"}]}},
        {"100": {"subfields": [{"a": "A"}]}}, {"700": {"subfields": [{"a": "B"}]}},
        {"700": {"subfields": [{"a": "C"}, {"4": "ctb"}]}}, {"700": {"subfields": [{"a": "D"}, {"4": "AUT"}]}},
        {"540": {"subfields": [{"a": "info:eu-repo/semantics/openAccess"}]}}, {"540": {"subfields": [{"a": "CC"}]}},
        {"980": {"subfields": [{"a": "user-x"}]}}, {"980": {"subfields": [{"a": "image"}, {"b": "photo"}]}},
        {"773": {"subfields": [{"a": "10.1234/P"}, {"i": "Is Version Of"}, {"n": "DOI"}]}},
        {"773": {"subfields": [{"i": "cites"}]}}, {"856": {"subfields": [{"u": "https://x/y/f.pdf"}, {"s": "12"}]}},
        {"856": {"subfields": [{"u": "https://x/page"}]}}, {"856": {"subfields": [{"z": "md5:1"}]}}],
}  # fmt: skip


def test_marc_names_makers_types_versions_and_files():
    fields = index_fields("1", MARC)
    assert (fields.creators, fields.resource_type, fields.license) == (("A", "B", "D"), "image-photo", "CC")
    assert fields.concept == "10.1234/p"
    assert index_links(MARC) == Links(
        (Related("10.1234/p", "IsVersionOf", "doi"),), (File("f.pdf", 12, None, "https://x/y/f.pdf"),)
    )


def test_several_marc_records_are_indexed_by_the_first():
    assert index_fields("1", {"collection": [MARC, {}]}) == index_fields("1", MARC)
    assert index_links({"collection": [MARC]}) == index_links(MARC)


@pytest.mark.parametrize(
    ("metadata", "wanted"),
    [
        ({"doi": "10.1234/A", "identifiers": [], "schemaVersion": "s"}, "10.1234/a"),
        (
            {"identifiers": [{"identifier": "10.1234/B", "identifierType": "DOI"}], "titles": [{"title": "T"}]},
            "10.1234/b",
        ),
        ({"identifiers": [{"identifier": "10.1234/B", "identifierType": "URL"}], "schemaVersion": "s"}, None),
        ({"identifier": ["oai:x:1", {"value": "https://doi.org/10.1234/C"}]}, "10.1234/c"),
        ({"identifiers": ["https://doi.org/10.1234/C"], "titles": ["T"]}, "10.1234/c"),
        ({"pids": {"doi": {"identifier": "10.1234/D"}}, "metadata": {}}, "10.1234/d"),
        ({"pids": {}, "metadata": {"identifiers": [{"identifier": "10.1234/E", "scheme": "doi"}]}}, "10.1234/e"),
        ({"metadata": {"doi": "10.1234/F"}}, "10.1234/f"),
        ({"eprintid": 1, "id_number": "doi:10.1234/G"}, "10.1234/g"),
        ({"eprintid": 1, "id_number": 12, "official_url": "https://dx.doi.org/10.1234/G"}, "10.1234/g"),
        ({"@context": "x", "identifier": {"@type": "PropertyValue", "value": "10.1234/H"}}, "10.1234/h"),
        ({"@context": "x", "identifier": ["a", "10.1234/H"], "@id": "10.1234/I"}, "10.1234/h"),
        ({"@context": "x", "@id": "https://doi.org/10.1234/I"}, "10.1234/i"),
        ({"@graph": [{"@id": "x"}, {"@id": "10.1234/J", "name": "N", "author": "A"}]}, "10.1234/j"),
        ({"DOI": "10.1234/K"}, "10.1234/k"),
    ],
)
def test_a_doi_is_found_where_a_form_has_it(metadata: Json, wanted: str | None):
    assert index_fields("1", metadata).doi == wanted


@pytest.mark.parametrize(
    ("metadata", "names"),
    [
        (
            {
                "eprintid": 1,
                "creators": [{"name": {"family": "F", "given": "G"}}, {"name": {"family": "H"}}],
                "corp_creators": ["Body", {"name": "Other"}],
            },
            ("F, G", "H", "Body", "Other"),
        ),
        ({"@context": "x", "author": {"name": "A"}}, ("A",)),
        ({"@context": "x", "creator": ["A", {"familyName": "B", "givenName": "C"}, {"@type": "P"}]}, ("A", "B, C")),
        ({"DOI": "x", "author": [{"literal": "L"}, {"family": "F", "given": "G"}, {"given": "G"}]}, ("L", "F, G", "G")),
        ({"metadata": {"creators": [{"name": "A"}, {"orcid": "x"}]}}, ("A",)),
        ({"dcterms:creator": ["B"], "creator": ["A"]}, ("A", "B")),
    ],
)
def test_creators_are_names_in_their_order(metadata: Json, names: tuple[str, ...]):
    assert index_fields("1", metadata).creators == names


@pytest.mark.parametrize(
    ("metadata", "year"),
    [
        ({"eprintid": 1, "date": 2012}, 2012),
        ({"eprintid": 1, "datestamp": "2001-03-24"}, 2001),
        ({"metadata": {"publication_date": "2018/2020-09"}}, 2018),
        ({"@context": "x", "datePublished": 2019}, 2019),
        ({"DOI": "x", "issued": {"date-parts": [["2018"], ["2020", "09"]]}}, 2018),
        ({"DOI": "x", "issued": {"date-parts": [[None]], "raw": "May 1999"}}, 1999),
        ({"dcterms:issued": ["2003"], "date": ["1999"]}, 2003),
        ({"schemaVersion": "s", "publicationYear": 2011}, 2011),
        ({"schemaVersion": "s", "publicationYear": "tba"}, None),
    ],
)
def test_years_are_found_in_texts_numbers_and_parts(metadata: Json, year: int | None):
    assert index_fields("1", metadata).publication_year == year


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ({"metadata": {"license": "cc-zero"}}, "cc-zero"),
        ({"metadata": {"license": {"id": "mit"}}}, "mit"),
        ({"pids": {}, "metadata": {"rights": [{"title": {"en": "Own"}}]}}, "Own"),
        ({"pids": {}, "metadata": {"rights": [{}, {"id": "cc-by-4.0"}]}}, "cc-by-4.0"),
        ({"eprintid": 1, "documents": [{}, {"license": "cc_by"}]}, "cc_by"),
        ({"@context": "x", "license": [{"@id": "https://cc"}]}, "https://cc"),
        ({"dcterms:license": ["L"], "rights": ["R"]}, "L"),
    ],
)
def test_licences_are_found_where_a_form_has_them(metadata: Json, licence: str):
    assert index_fields("1", metadata).license == licence


@pytest.mark.parametrize(
    ("metadata", "concept"),
    [
        ({"conceptrecid": "7", "metadata": {}}, "7"),
        ({"conceptdoi": "10.1234/C", "conceptrecid": "7", "metadata": {}}, "10.1234/c"),
        ({"parent": {"id": "p"}, "metadata": {}}, "p"),
        ({"parent": {"id": "p", "pids": {"doi": {"identifier": "10.1234/P"}}}, "metadata": {}}, "10.1234/p"),
    ],
)
def test_the_concept_is_its_doi_or_its_id(metadata: Json, concept: str):
    assert index_fields("1", metadata).concept == concept


def test_titles_are_on_one_line():
    assert index_fields("1", {"eprintid": 1, "title": "A\r\n  B "}).title == "A B"
    assert index_fields("1", {"eprintid": 1, "title": [{"text": "T", "lang": "en"}]}).title == "T"
    assert index_fields("1", {"@context": "x", "name": [{"@value": "N", "@language": "en"}]}).title == "N"


@pytest.mark.parametrize(
    ("parts", "wanted"),
    [
        (("https://doi.org/10.1234/A", "isVersionOf", "doi"), Related("10.1234/a", "IsVersionOf", "doi")),
        (("10.1234/A", "Is cited by", None), Related("10.1234/a", "IsCitedBy", "doi")),
        (("https://x", "iscitedby", "URL"), Related("https://x", "IsCitedBy", "url")),
        (("no DOI", None, "DOI"), Related("no DOI", None, "doi")),
        (("https://x", "newRelation", None), Related("https://x", "newRelation", None)),
        (("", "cites", "doi"), None),
        ((None, "cites", "doi"), None),
    ],
)
def test_related_identifiers_have_one_form(parts: tuple[Any, Any, Any], wanted: Related | None):
    assert related(*parts) == wanted


def test_files_of_inveniordm_come_as_an_object_or_a_list():
    file = {"key": "a.txt", "size": "3", "checksum": "md5:1", "links": {"self": "s", "content": "c"}}
    wanted = (File("a.txt", 3, "md5:1", "c"),)
    for entries in ({"a.txt": file}, [file, {"size": 1}]):
        assert index_links({"pids": {}, "metadata": {}, "files": {"entries": entries}}).files == wanted


# --- never an error


@with_corpus
def test_every_json_file_of_the_corpus_has_fields_and_links():
    forms = set()
    for name, metadata in corpus_json():
        forms.add(form_of(metadata)[0])
        check(metadata, name)
    assert forms == {"csl", "datacite", "dublin-core", "eprints", "marc", "rdm", "schema-org", "zenodo"}


def corpus_json() -> Iterator[tuple[str, Json]]:
    for path in sorted([*CORPUS.rglob("*.json"), *CORPUS.rglob("*.jsonld"), *CORPUS.rglob("*.xml")]):
        try:
            found = read(str(path.relative_to(CORPUS)))
        except (ValueError, RecursionError, AssertionError, ConversionError, etree.XMLSyntaxError, OSError):
            continue
        for metadata in found if isinstance(found, list) else [found]:
            if isinstance(metadata, dict):
                yield str(path), metadata


def check(metadata: Json, name: str = "") -> None:
    """Fields and links have the types that they say, whatever the JSON is."""
    fields, links = index_fields("oai:x:1", metadata), index_links(metadata)
    texts = [fields.doi, fields.title, fields.resource_type, fields.license, fields.version, fields.concept]
    for link in links.related:
        texts += [link.identifier, link.relation, link.scheme]
    for file in links.files:
        texts += [file.name, file.checksum, file.url]
        assert file.size_bytes is None or (isinstance(file.size_bytes, int) and file.size_bytes >= 0), name
    assert all(text is None or (isinstance(text, str) and text) for text in texts), (name, texts)
    assert all(isinstance(creator, str) and creator for creator in fields.creators), name
    assert fields.publication_year is None or 1000 <= fields.publication_year < 2200, name
    assert isinstance(hash((fields, links)), int)


KEYS = st.sampled_from(
    ["doi", "DOI", "title", "titles", "name", "creators", "creator", "author", "metadata", "pids", "parent", "files",
     "entries", "rights", "license", "id", "identifier", "identifiers", "@context", "@graph", "@id", "@type", "@value",
     "eprintid", "documents", "leader", "fields", "subfields", "245", "773", "856", "a", "u", "s", "schemaVersion",
     "types", "rightsList", "relatedIdentifiers", "relatedIdentifier", "related_identifiers", "relation", "data",
     "attributes", "collection", "distribution", "contentUrl", "contentSize", "size", "issued", "date-parts", "date",
     "resource_type", "relation_type", "person_or_org", "links", "content", "value", "license", "citation", "version"]
)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["", " ", "x", "10.1234/A", "2020", "12"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=15
)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_json_of_any_shape_has_fields_and_links(metadata: Json):
    check(metadata)
