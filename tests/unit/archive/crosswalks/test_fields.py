"""Index fields: from any of the JSON forms, and never an error."""

from typing import Any

import pytest

from archive.crosswalks.fields import Fields, index_doi, index_fields

DATACITE: dict[str, Any] = {
    "doi": "10.5281/ZENODO.1", "titles": [{"title": "Sub", "titleType": "Subtitle"}, {"title": "Main"}],
    "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Table"}, "publicationYear": "2020",
    "creators": [{"name": "A, B"}, {"givenName": "x"}], "version": "v1", "schemaVersion": "s",
    "rightsList": [{"rightsUri": "info:eu-repo/semantics/openAccess"}, {"rights": "CC", "rightsUri": "https://cc"}],
    "relatedIdentifiers": [
        {"relatedIdentifier": "10.5281/zenodo.9", "relationType": "Cites", "relatedIdentifierType": "DOI"},
        {"relatedIdentifier": "10.5281/zenodo.0", "relationType": "IsVersionOf", "relatedIdentifierType": "DOI"},
    ],
}  # fmt: skip
DC: dict[str, Any] = {
    "title": [{"value": "T", "lang": "en"}, "U"],
    "identifier": ["https://x.example/1", "doi:10.1234/A"],
    "type": ["", "Text"],
    "date": ["no date", "12 May 1999", "2001"],
    "creator": ["A", "", {"value": "B"}],
    "rights": ["info:eu-repo/semantics/openAccess", "CC BY"],
}
MARC: dict[str, Any] = {
    "leader": "", "fields": [
        {"001": "1"}, {"024": {"subfields": [{"a": "10.1234/b"}]}}, {"245": {"subfields": [{"a": "T"}]}},
        {"260": {"subfields": [{"c": "c1987."}]}}, {"100": {"subfields": [{"a": "A"}]}},
        {"700": {"subfields": [{"a": "B"}, {"a": "C"}]}}, {"540": {"subfields": [{"u": "https://cc"}, {"a": "CC"}]}},
        {"980": {"subfields": [{"a": "THESIS"}]}}],
}  # fmt: skip


def test_datacite():
    assert index_fields("oai:zenodo.org:1", DATACITE) == Fields(
        "1", "10.5281/zenodo.1", "Main", "Dataset", 2020, ("A, B", "x"), "https://cc", "v1", "10.5281/zenodo.0"
    )


def test_dublin_core():
    assert index_fields("1", DC) == Fields("1", "10.1234/a", "T", "Text", 1999, ("A", "B"), "CC BY")


def test_marc():
    assert index_fields("1", MARC) == Fields("1", "10.1234/b", "T", "THESIS", 1987, ("A", "B", "C"), "https://cc")


@pytest.mark.parametrize("metadata", [None, {}])
def test_no_metadata_is_only_an_id(metadata: Any):
    assert index_fields("oai:x:7", metadata) == Fields("7")


def test_a_title_with_a_type_is_better_than_none():
    assert index_fields("1", {"titles": [{"title": "S", "titleType": "Subtitle"}]}).title == "S"


@pytest.mark.parametrize(
    "metadata",
    [
        {"titles": ["T"]},
        {"titles": "T"},
        {"titles": None, "schemaVersion": None},
        {"schemaVersion": ["x"]},
        {"fields": ["x"], "leader": ["y"]},
        {"fields": None, "leader": ""},
        {"fields": [{"245": "x"}], "leader": ""},
        {"collection": [MARC]},
        {"title": "T"},
        {"title": [1, None, ["x"]]},
        {"titles": [{"title": ["T"]}]},
        {"schemaVersion": "s", "types": "x", "creators": {"name": "x"}, "rightsList": ["x"], "relatedIdentifiers": [1]},
        {"schemaVersion": "s", "doi": 5, "publicationYear": [2020], "version": ["1"], "creators": [{"name": ["A"]}]},
    ],
)
def test_json_of_any_shape_has_fields_of_the_right_types(metadata: dict[str, Any]):
    fields = index_fields("1", metadata)
    for value in (fields.doi, fields.title, fields.resource_type, fields.license, fields.version, fields.concept):
        assert value is None or isinstance(value, str)
    assert fields.publication_year is None or isinstance(fields.publication_year, int)
    assert all(isinstance(name, str) for name in fields.creators)


@pytest.mark.parametrize("metadata", [DATACITE, DC, MARC, {}, None, {"identifiers": [{"identifier": "10.1/x"}]}])
def test_the_doi_alone_is_the_same(metadata: dict[str, Any] | None):
    assert index_doi(metadata) == index_fields("1", metadata).doi
