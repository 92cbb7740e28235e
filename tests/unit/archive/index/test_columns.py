"""The columns of the index: what is read in one pass is what the crosswalks say, whatever the JSON is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from archive.crosswalks.errors import ConversionError
from archive.crosswalks.fields import index_fields
from archive.crosswalks.forms import form_of
from archive.crosswalks.registry import convert
from archive.files.metadata import files_in
from archive.index.columns import columns_of, generic_columns
from archive.index.details import details_of

Json = dict[str, Any]
OAI = "{http://www.openarchives.org/OAI/2.0/}metadata"


def said(row: Json) -> Json:
    """A row as the index has it: what is not there is NULL."""
    return {name: value for name, value in orjson.loads(orjson.dumps(row)).items() if name != "all_files" and value}


def check(metadata: Json, name: str = "") -> None:
    """Both ways give the same, and the names of creators are those of the index fields."""
    once, generic = columns_of("oai:x:1", metadata, "https://x.example/1", None), generic_columns("oai:x:1", metadata)
    assert said(once) == said(generic), name
    files = files_in(metadata, "https://x.example/1", None).files
    assert [row["key"] for row in once.get("all_files", ())] == [file.key for file in files], name
    assert [row["name"] for row in once["all_creators"]] == [*index_fields("oai:x:1", metadata).creators], name


def inside(found: Any) -> Iterator[Json]:
    for one in found if isinstance(found, list) else [found]:
        if isinstance(one, dict):
            yield one
            hits = one.get("hits")
            yield from inside(hits.get("hits") if isinstance(hits, dict) else None)


def converted(body: bytes) -> Iterator[Json]:
    root = etree.fromstring(body)
    for element in (root, *(child for holder in root.iter(OAI) for child in holder)):
        try:
            found = convert(element)
        except (ConversionError, TypeError):
            continue
        if found:
            yield found


def test_every_record_of_the_corpus(corpus: Path):
    forms = set()
    for path in sorted(path for path in corpus.rglob("*") if path.suffix in (".json", ".jsonld", ".xml")):
        try:
            body = path.read_bytes()
            found = [*(converted(body) if path.suffix == ".xml" else inside(orjson.loads(body)))]
        except (ValueError, etree.XMLSyntaxError, OSError):
            continue
        for metadata in found:
            forms.add(form_of(metadata)[0])
            check(metadata, str(path))
    assert forms == {"csl", "datacite", "dublin-core", "eprints", "marc", "rdm", "schema-org", "zenodo"}


TEXTS = st.sampled_from(
    [
        "",
        " ",
        "A title",
        " a\nb ",
        "10.5072/ABC",
        "doi:10.5072/x",
        "https://doi.org/10.5072/y",
        "oai:x:1",
        "2020-01-02",
        "https://x.example/1",
        "info:eu-repo/semantics/openAccess",
        "0000-0001-8135-3489",
        "1999",
        "DOI",
        "doi",
        "ORCID",
        "IsVersionOf",
        "isNewVersionOf",
        "URL",
        "cc-by-4.0",
        "\u00a0x\u200b",
    ]
)
ANY = st.recursive(
    st.one_of(TEXTS, st.none(), st.booleans(), st.integers(0, 3000), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=5,
)


def objects(*names: str) -> st.SearchStrategy[Any]:
    """A list of objects with these keys, mostly; or anything."""
    one = st.dictionaries(st.sampled_from(names), st.one_of(TEXTS, TEXTS, ANY), max_size=len(names))
    return st.one_of(st.lists(one, max_size=3), one, ANY)


PEOPLE = st.lists(
    st.fixed_dictionaries(
        {"name": st.one_of(TEXTS, ANY)},
        optional={
            "givenName": ANY, "familyName": TEXTS, "affiliation": objects("name", "affiliationIdentifier"),
            "nameIdentifiers": objects("nameIdentifier", "nameIdentifierScheme"),
        },
    ),
    max_size=3,
)  # fmt: skip
DATACITE = st.fixed_dictionaries(
    {"schemaVersion": st.just("http://datacite.org/schema/kernel-4")},
    optional={
        "doi": st.one_of(TEXTS, ANY), "titles": objects("title", "titleType"), "creators": st.one_of(PEOPLE, ANY),
        "identifiers": objects("identifier", "identifierType"), "publicationYear": st.one_of(TEXTS, ANY),
        "alternateIdentifiers": objects("alternateIdentifier", "alternateIdentifierType"),
        "types": st.one_of(objects("resourceTypeGeneral", "resourceType"), ANY), "version": ANY,
        "rightsList": objects("rights", "rightsUri", "rightsIdentifier"),
        "subjects": objects("subject", "subjectScheme", "valueUri", "valueURI"),
        "relatedIdentifiers": objects("relatedIdentifier", "relatedIdentifierType", "relationType"),
    },
)  # fmt: skip
VALUES = st.one_of(
    st.lists(st.one_of(TEXTS, st.fixed_dictionaries({"value": TEXTS, "lang": TEXTS}), ANY), max_size=4), ANY
)
DUBLIN_CORE = st.dictionaries(
    st.sampled_from([
        "title", "titles", "dcterms:title", "creator", "creators", "identifier", "identifiers", "date", "dates", "type",
        "dcterms:issued", "subject", "rights", "relation", "dcterms:relation", "dcterms:license", "data", "files",
    ]),
    VALUES,
)  # fmt: skip


@given(st.one_of(DATACITE, DUBLIN_CORE))
def test_whatever_a_provider_sends(metadata: Json):
    check(metadata)


def test_nothing_is_made_of_nothing():
    assert said(columns_of("oai:x:1", None, "u", None)) == {"local_id": "1"}
    assert said(columns_of("oai:x:1", {}, "u", None)) == {"local_id": "1"}


def test_xml_that_was_not_converted_may_name_files():
    original = (
        '<eprint xmlns="http://eprints.org/ep2/data/2.0"><documents><document><files><file><filename>a.pdf</filename>'
        "<url>https://x.example/a.pdf</url><filesize>12</filesize></file></files></document></documents></eprint>"
    )
    [file] = columns_of("oai:x:1", None, "https://x.example/1", original)["all_files"]
    assert (file["key"], file["size"], file["url"]) == ("a.pdf", 12, "https://x.example/a.pdf")


@pytest.mark.parametrize(
    ("metadata", "identifiers", "creators", "subjects"),
    [
        (
            {
                "schemaVersion": "k",
                "doi": "10.5072/A",
                "identifiers": [{"identifier": "7", "identifierType": "Grid"}],
                "creators": [
                    {
                        "name": "B, A",
                        "givenName": "A",
                        "familyName": "B",
                        "affiliation": [{"name": "X"}, "Y"],
                        "nameIdentifiers": [{"nameIdentifier": "https://orcid.org/0000-0001-8135-3489"}],
                    }
                ],
                "subjects": [{"subject": "Maps", "subjectScheme": "LCSH", "valueUri": "u:1"}],
            },
            [{"scheme": "doi", "value": "10.5072/a"}, {"scheme": "grid", "value": "7"}],
            [{"name": "B, A", "given": "A", "family": "B", "orcid": "0000-0001-8135-3489", "affiliations": ["X", "Y"]}],
            [{"subject": "Maps", "scheme": "LCSH", "uri": "u:1"}],
        ),
        (
            {
                "identifier": ["https://doi.org/10.5072/A", "10.5072/a", "oai:x:1", "https://x.example/1", "shelf 3"],
                "creator": ["B, A"],
                "subject": ["Maps", ""],
            },
            [
                {"scheme": "doi", "value": "10.5072/a"},
                {"scheme": "oai", "value": "oai:x:1"},
                {"scheme": "url", "value": "https://x.example/1"},
                {"value": "shelf 3"},
            ],
            [{"name": "B, A"}],
            [{"subject": "Maps"}],
        ),
        (
            {
                "leader": "",
                "fields": [
                    {"024": {"subfields": [{"a": "10.5072/A"}, {"2": "doi"}]}},
                    {"700": {"subfields": [{"a": "C, D"}, {"4": "oth"}]}},
                    {"700": {"subfields": [{"a": "E"}]}},
                    {"100": {"subfields": [{"a": "B, A"}, {"0": "(orcid)0000-0001-8135-3489"}, {"u": "X"}]}},
                    {"650": {"subfields": [{"a": "cc-by-4.0"}, {"2": "spdx"}]}},
                    {"653": {"subfields": [{"a": "Maps"}]}},
                ],
            },
            [{"scheme": "doi", "value": "10.5072/a"}],
            [{"name": "B, A", "orcid": "0000-0001-8135-3489", "affiliations": ["X"]}, {"name": "E"}],
            [{"subject": "Maps"}],
        ),
        (
            {
                "doi": "10.5072/A",
                "metadata": {
                    "title": "t",
                    "keywords": ["Maps"],
                    "creators": [{"name": "B, A", "affiliation": "X", "orcid": "0000-0001-8135-3489"}],
                    "alternate_identifiers": [{"identifier": "https://x.example/1", "scheme": "url"}],
                },
            },
            [{"scheme": "doi", "value": "10.5072/a"}, {"scheme": "url", "value": "https://x.example/1"}],
            [{"name": "B, A", "orcid": "0000-0001-8135-3489", "affiliations": ["X"]}],
            [{"subject": "Maps"}],
        ),
        (
            {
                "eprintid": 7,
                "official_url": "https://doi.org/10.5072/A",
                "keywords": "maps, charts",
                "subjects": ["G"],
                "creators": [{"name": {"family": "B", "given": "A"}}],
                "corp_creators": ["X"],
            },
            [{"scheme": "doi", "value": "10.5072/a"}],
            [{"name": "B, A", "given": "A", "family": "B"}, {"name": "X"}],
            [{"subject": "G"}, {"subject": "maps, charts"}],
        ),
    ],
)
def test_details_have_one_shape_whatever_the_form(metadata: Json, identifiers: Any, creators: Any, subjects: Any):
    found = details_of(metadata)
    assert orjson.loads(orjson.dumps([found.identifiers, found.creators, found.subjects])) == [
        identifiers,
        creators,
        subjects,
    ]
