"""One form for a DOI, and what an identifier is in its repository."""

import pytest

from archive.crosswalks.schemes import local_id, normalise_doi


@pytest.mark.parametrize(
    "text",
    [
        "10.5281/ZENODO.123",
        "doi:10.5281/zenodo.123",
        "DOI: 10.5281/zenodo.123",
        "https://doi.org/10.5281/zenodo.123",
        "http://dx.doi.org/10.5281/Zenodo.123",
        " www.doi.org/10.5281/zenodo.123\n",
    ],
)
def test_every_way_to_write_a_doi_is_one(text: str):
    assert normalise_doi(text) == "10.5281/zenodo.123"


@pytest.mark.parametrize("text", ["10.1000.10/1", "10.12345/a(b)c;d<e>", "10.1234/ü", "10.1000/" + "x" * 500])
def test_unusual_dois_are_dois(text: str):
    assert normalise_doi(text) == text


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "10.5281",
        "10.5281/",
        "11.5281/x",
        "10.12/x",
        "https://example.org/10.5281/x",
        "10.5281/a b",
        "x 10.5281/a",
    ],
)
def test_what_is_no_doi_is_none(text: str | None):
    assert normalise_doi(text) is None


@pytest.mark.parametrize(
    ("identifier", "local"),
    [
        ("oai:zenodo.org:123", "123"),
        ("oai:x:a:b/c", "a:b/c"),
        ("oai:x:", "oai:x:"),
        ("oai:x", "oai:x"),
        ("", ""),
        ("OAI:x:1", "OAI:x:1"),
        ("http://x.example/1", "http://x.example/1"),
        ("oai::1", "1"),
    ],
)
def test_what_follows_the_host_is_the_local_id(identifier: str, local: str):
    assert local_id(identifier) == local
