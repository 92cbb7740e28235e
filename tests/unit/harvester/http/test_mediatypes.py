"""Media types: their names, and what kind of bytes each must be."""

import pytest

from harvester.http.mediatypes import essence, kind_of, parameters, same, short_name


@pytest.mark.parametrize(
    ("media_type", "name", "kind"),
    [
        ("application/json", "json", "json"),
        ("application/json; charset=utf-8", "json", "json"),
        ("Application/JSON", "json", "json"),
        ("application/vnd.zenodo.v1+json", "zenodo-json", "json"),
        ("application/vnd.datacite.datacite+xml", "datacite-xml", "xml"),
        ("text/xml", "xml", "xml"),
        ("application/x-bibtex", "bibtex", "text"),
        ("text/html; charset=utf-8", "html", "html"),
        ("application/x-dc+xml", "dc-xml", "xml"),
        ("application/vnd.codemeta.ld+json", "codemeta.ld-json", "json"),
        ('application/ld+json;profile="https://x.example/2.0/datapackage.json"', "jsonld-datapackage", "json"),
        ("", "unnamed", "text"),
        ("nonsense", "unnamed", "text"),
        ("text/csv", "csv", "text"),
    ],
)
def test_a_media_type_has_a_name_and_a_kind(media_type: str, name: str, kind: str):
    assert (short_name(media_type), kind_of(media_type)) == (name, kind)


def test_the_type_without_its_parameters_is_its_essence():
    assert essence(" Text/XML ; charset=x") == "text/xml"
    assert [essence(bad) for bad in ("", "a", "a/b/c", "a b/c", "/", "ü/x")] == [""] * 6
    assert parameters('a/b; q=0.5; Charset="UTF-8"; x=1') == {"charset": "UTF-8", "x": "1"}


@pytest.mark.parametrize(
    ("asked", "answered", "is_same"),
    [
        ("application/json", "application/json;charset=UTF-8", True),
        ("application/x-datacite+xml", "application/vnd.datacite.datacite+xml", True),
        ("application/ld+json", "application/vnd.schemaorg.ld+json", True),
        ("text/x-bibliography", "text/plain; charset=utf-8", True),
        ("application/vnd.zenodo.v1+json", "application/json", False),
        ("application/marcxml+xml", "application/xml", False),
        ("application/json", "", False),
    ],
)
def test_one_form_under_two_names_is_one_form(asked: str, answered: str, is_same: bool):
    assert same(asked, answered) == is_same
