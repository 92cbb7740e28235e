"""archive/migrations/names.py: what records of each platform are called."""

import json
from pathlib import Path

import pytest
from support import migration_builder

from archive.migrations.names import (
    alternates_of,
    dois_of,
    key_of,
    known_names,
    own_names,
    url_finder,
    urls_of,
    version_of,
)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("https://doi.org/10.5281/ZENODO.1", "10.5281/zenodo.1"),
        ("HTTP://Old.Example/A/", "old.example/A"),
        ("https://old.example/r?id=1", "old.example/r?id=1"),
        ("oai:x:1", "oai:x:1"),
        (" BR001 ", "BR001"),
    ],
)
def test_names_have_one_form(name: str, key: str):
    assert key_of(name) == key


def test_an_eprint_is_known_by_both_of_its_urls():
    name, metadata, _ = migration_builder.eprint(12)
    assert urls_of(metadata) == ("http://cedadocs.example/12/", "http://cedadocs.example/id/eprint/12")
    assert own_names(name, metadata) == (name, "cedadocs.example/12", "cedadocs.example/id/eprint/12")


def test_a_mere_number_is_the_name_of_nothing():
    assert "12" not in own_names("oai:x:12", {})
    assert "BR12" in own_names("oai:x:BR12", {})


def test_a_specimen_is_known_by_barcode_file_and_title():
    _, metadata, _ = migration_builder.specimen(101, "BR001")
    names = known_names(metadata)
    assert {"BR001", "BR001.jpg", "Record 101", "10.5281/zenodo.101"} <= set(names)
    assert "101" not in names


@pytest.mark.parametrize(
    ("metadata", "names"),
    [
        ({"schemaVersion": "x", "alternateIdentifiers": [{"alternateIdentifier": "B1"}]}, ("B1",)),
        ({"title": ["t"], "identifier": ["http://a.example/1", "B1"]}, ("a.example/1", "B1")),
        (
            {
                "metadata": {
                    "alternate_identifiers": [{"identifier": "B1"}],
                    "related_identifiers": [
                        {"identifier": "B2", "relation": "isAlternateIdentifier"},
                        {"identifier": "B3", "relation": "cites"},
                    ],
                }
            },
            ("B1", "B2"),
        ),
        ({"leader": "", "fields": [{"035": {"ind1": " ", "ind2": " ", "subfields": [{"a": "B1"}]}}]}, ("B1",)),
        ({"@context": "x", "identifier": {"value": "B1"}, "sameAs": ["B2"]}, ("B1", "B2")),
        (None, ()),
    ],
)
def test_alternate_names_of_every_form(metadata: dict[str, object] | None, names: tuple[str, ...]):
    assert alternates_of(metadata) == names


def test_versions_are_counted_from_one_on_every_platform(corpus: Path):
    _, metadata, _ = migration_builder.rdm(2, concept=1, version=3)
    assert (version_of(metadata, None).concept, version_of(metadata, None).position) == ("1", 3)
    legacy = json.loads((corpus / "zenodo/legacy-rest-http/200-records_7078768.json").read_bytes())
    assert (version_of(legacy, None).concept, version_of(legacy, None).position) == ("7078767", 1)
    assert "10.5281/zenodo.7078768" in dois_of(legacy, None)
    assert urls_of(legacy) == ("https://zenodo.org/record/7078768",)
    assert version_of(migration_builder.eprint(2, succeeds=1)[1], None).previous == ("1",)


def test_real_exports_of_eprints_have_their_pages(corpus: Path):
    export = json.loads((corpus / "eprints/json-export/eprint-pittpreprint.json").read_bytes())
    assert urls_of(export)[0] == "https://philsci-archive.pitt.edu/23254/"


@pytest.mark.parametrize(
    ("pattern", "body", "ids"),
    [
        ("http://x.example/{id}/", "see https://x.example/12/ and http://X.example/13.", ["12", "13"]),
        ("http://x.example/{id}/", r'"http:\/\/x.example\/12"', ["12"]),
        ("http://x.example/{id}/", "http://y.example/12/ x.example/9 http://ax.example/1", []),
        ("https://x.example/r?id={id}&v=1", "https://x.example/r?id=7&v=1 https://x.example/r?id=7&v=12", ["7"]),
        ("BR-{id}", "BR-0012, ABR-13", ["0012"]),
    ],
)
def test_a_url_pattern_finds_whole_ids(pattern: str, body: str, ids: list[str]):
    assert list(url_finder(pattern)(body)) == ids


@pytest.mark.parametrize("pattern", ["http://x.example/", "{id}{id}"])
def test_a_pattern_has_one_id(pattern: str):
    with pytest.raises(ValueError, match="pattern"):
        url_finder(pattern)
