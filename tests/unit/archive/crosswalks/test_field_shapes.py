"""A field in another shape is still the field: documented shapes of each form, as fields, details and claims."""

from typing import Any

import orjson
import pytest

from archive.crosswalks.claims import claims_of
from archive.crosswalks.fields import index_doi, index_fields
from archive.crosswalks.forms import form_of
from archive.crosswalks.targets import written
from archive.crosswalks.unread import unread
from archive.index.columns import columns_of

Json = dict[str, Any]

ORCID = "0000-0002-1825-0097"
WANTED = {
    "title": "A title",
    "doi": "10.5555/a1",
    "publication_year": 2020,
    "all_creators": [
        {"name": "Rye, Alex", "given": "Alex", "family": "Rye", "orcid": ORCID, "affiliations": ["Univ"]},
        {"name": "Doe, Jane"},
    ],
}
KERNEL = {"schemaVersion": "http://datacite.org/schema/kernel-4"}

# of each form: the base, and for each field the shapes that it may have
DATACITE_PEOPLE: list[Any] = [
    [
        {
            "givenName": "Alex",
            "familyName": "Rye",
            "affiliation": [{"name": "Univ"}],
            "nameIdentifiers": [{"nameIdentifier": f"https://orcid.org/{ORCID}", "nameIdentifierScheme": "ORCID"}],
        },
        {"name": "Doe, Jane"},
    ],
    [
        {
            "name": "Rye, Alex",
            "givenName": "Alex",
            "familyName": "Rye",
            "affiliation": ["Univ"],
            "nameIdentifiers": {"nameIdentifier": ORCID},
        },
        "Doe, Jane",
    ],
    [
        {
            "creatorName": "Rye, Alex",
            "givenName": "Alex",
            "familyName": "Rye",
            "affiliations": "Univ",
            "nameIdentifiers": [
                {"nameIdentifier": "0000 0001 2103 2683", "nameIdentifierScheme": "ISNI"},
                {"nameIdentifier": ORCID, "nameIdentifierScheme": "https://orcid.org/"},
            ],
        },
        {"creatorName": {"creatorName": "Doe, Jane", "nameType": "Personal"}},
    ],
    [
        {
            "name": {"#text": "Rye, Alex"},
            "givenName": ["Alex"],
            "familyName": "Rye",
            "affiliation": {"name": "Univ"},
            "nameIdentifiers": [
                {"nameIdentifier": ORCID, "nameIdentifierScheme": "x", "schemeUri": "https://orcid.org"}
            ],
        },
        {"name": ["Doe, Jane"]},
    ],
]
CSL_PEOPLE: list[Any] = [
    [
        {"given": "Alex", "family": "Rye", "ORCID": f"http://orcid.org/{ORCID}", "affiliation": [{"name": "Univ"}]},
        {"literal": "Doe, Jane"},
    ],
    [{"given": "Alex", "family": "Rye", "ORCID": ORCID, "affiliation": "Univ"}, {"name": "Doe, Jane"}],
    [{"given": "Alex", "family": "Rye", "ORCID": ORCID, "affiliation": ["Univ"]}, "Doe, Jane"],
]
SCHEMA_PEOPLE: list[Any] = [
    [
        {
            "@type": "Person",
            "givenName": "Alex",
            "familyName": "Rye",
            "@id": f"https://orcid.org/{ORCID}",
            "affiliation": {"@type": "Organization", "name": "Univ"},
        },
        {"name": "Doe, Jane"},
    ],
    {
        "@list": [
            {
                "name": "Rye, Alex",
                "givenName": "Alex",
                "familyName": "Rye",
                "affiliation": "Univ",
                "identifier": {"@type": "PropertyValue", "propertyID": "ORCID", "value": ORCID},
            },
            "Doe, Jane",
        ]
    },
    [
        {
            "@type": "Role",
            "creator": {
                "name": {"@value": "Rye, Alex"},
                "givenName": "Alex",
                "familyName": "Rye",
                "affiliation": [{"legalName": "Univ"}],
                "sameAs": [f"https://orcid.org/{ORCID}"],
            },
        },
        {"@type": "Person", "name": [{"@value": "Doe, Jane", "@language": "en"}]},
    ],
]
ZENODO_PEOPLE: list[Any] = [
    [{"given_name": "Alex", "family_name": "Rye", "orcid": ORCID, "affiliation": "Univ"}, {"name": "Doe, Jane"}],
    [{"name": "Rye, Alex", "given": "Alex", "family": "Rye", "orcid": ORCID, "affiliation": ["Univ"]}, "Doe, Jane"],
]
RDM_PEOPLE: list[Any] = [
    [
        {
            "person_or_org": {
                "given_name": "Alex",
                "family_name": "Rye",
                "type": "personal",
                "identifiers": [{"scheme": "orcid", "identifier": ORCID}],
            },
            "affiliations": [{"name": "Univ"}],
        },
        {"person_or_org": {"name": "Doe, Jane"}},
    ],
    [
        {
            "person_or_org": {
                "name": "Rye, Alex",
                "given_name": "Alex",
                "family_name": "Rye",
                "identifiers": {"scheme": "orcid", "identifier": ORCID},
            },
            "affiliations": {"id": "Univ"},
        },
        {"name": "Doe, Jane"},
    ],
]
EPRINTS_PEOPLE: list[Any] = [
    [{"name": {"family": "Rye", "given": "Alex"}, "orcid": ORCID, "affiliation": "Univ"}, {"name": "Doe, Jane"}],
    [
        {"name": {"family": "Rye", "given": "Alex", "honourific": None}, "orcid": ORCID, "affiliation": ["Univ"]},
        "Doe, Jane",
    ],
]
TEXTS: list[Any] = [
    "A title",
    ["A title"],
    {"value": "A title"},
    [{"@value": "A title", "@language": "en"}],
    {"en": "A title"},
    {"@list": ["A title"]},
]
YEARS: list[Any] = [2020, "2020", "2020-03-01", [2020], {"@value": "2020-03"}, "20200301", "2020-03-01T00:00:00Z"]
DOIS: list[Any] = ["10.5555/A1", "https://doi.org/10.5555/a1", ["doi:10.5555/a1"], {"@value": "10.5555/a1"}]

SHAPES: dict[str, tuple[Json, dict[str, list[Any]]]] = {
    "datacite": (
        {
            **KERNEL,
            "doi": "10.5555/a1",
            "titles": [{"title": "A title"}],
            "publicationYear": 2020,
            "creators": DATACITE_PEOPLE[0],
        },
        {
            "doi": DOIS,
            "creators": DATACITE_PEOPLE,
            "publicationYear": YEARS,
            "titles": [
                {"title": "A title"},
                "A title",
                ["A title"],
                [{"title": ["A title"]}],
                [{"title": {"#text": "A title"}}],
                [{"title": "Sub", "titleType": "Subtitle"}, "A title"],
            ],
        },
    ),
    "csl": (
        {"DOI": "10.5555/a1", "title": "A title", "issued": {"date-parts": [[2020, 1]]}, "author": CSL_PEOPLE[0]},
        {
            "DOI": DOIS,
            "author": CSL_PEOPLE,
            "title": TEXTS,
            "issued": [
                *YEARS,
                {"date-parts": [["2020", "1"]]},
                {"date-parts": [2020, 1]},
                {"raw": "1 May 2020"},
                {"literal": "2020"},
                {"date-time": "2020-01-01T00:00:00Z"},
            ],
        },
    ),
    "schema-org": (
        {
            "@context": "https://schema.org",
            "@type": "Dataset",
            "name": "A title",
            "datePublished": "2020",
            "identifier": "https://doi.org/10.5555/a1",
            "creator": SCHEMA_PEOPLE[0],
        },
        {
            "name": TEXTS,
            "datePublished": YEARS,
            "creator": SCHEMA_PEOPLE,
            "identifier": [
                *DOIS,
                {"@type": "PropertyValue", "propertyID": "doi", "value": "doi:10.5555/a1"},
                [{"@id": "https://doi.org/10.5555/a1"}],
                {"@list": ["10.5555/a1"]},
            ],
        },
    ),
    "zenodo": (
        {
            "doi": "10.5555/a1",
            "metadata": {"title": "A title", "publication_date": "2020-01-01", "creators": ZENODO_PEOPLE[0]},
        },
        {"doi": DOIS, "metadata/title": TEXTS, "metadata/publication_date": YEARS, "metadata/creators": ZENODO_PEOPLE},
    ),
    "rdm": (
        {
            "pids": {"doi": {"identifier": "10.5555/a1", "provider": "datacite"}},
            "metadata": {"title": "A title", "publication_date": "2020-01-01", "creators": RDM_PEOPLE[0]},
        },
        {"metadata/title": TEXTS, "metadata/publication_date": YEARS, "metadata/creators": RDM_PEOPLE},
    ),
    "eprints": (
        {"eprintid": 5, "doi": "10.5555/a1", "title": "A title", "date": "2020-01-01", "creators": EPRINTS_PEOPLE[0]},
        {
            "doi": DOIS,
            "title": [*TEXTS, [{"text": "A title", "lang": "en"}]],
            "date": YEARS,
            "creators": EPRINTS_PEOPLE,
        },
    ),
    "dublin-core": (
        {
            "title": ["A title"],
            "identifier": ["https://doi.org/10.5555/a1"],
            "date": ["2020-01-01"],
            "creator": DATACITE_PEOPLE[1],
        },
        {
            "title": TEXTS,
            "date": YEARS,
            "creator": [CSL_PEOPLE[2], SCHEMA_PEOPLE[0], RDM_PEOPLE[0]],
            "identifier": [
                *DOIS,
                ["shelf 3", {"value": "doi:10.5555/a1", "type": "x"}],
                [{"identifier": "10.5555/a1", "identifierType": "DOI"}],
                {"doi": "10.5555/a1"},
            ],
        },
    ),
}
CASES = [
    (form, path, number)
    for form, (_, shapes) in SHAPES.items()
    for path in shapes
    for number in range(len(shapes[path]))
]


def with_shape(form: str, path: str, number: int) -> Json:
    base, shapes = SHAPES[form]
    made: Json = orjson.loads(orjson.dumps(base))
    *above, key = path.split("/")
    inner = made
    for name in above:
        inner = inner[name]
    inner[key] = shapes[path][number]
    return made


@pytest.mark.parametrize(("form", "path", "number"), CASES)
def test_a_field_is_read_in_each_of_its_shapes(form: str, path: str, number: int):
    record = with_shape(form, path, number)
    assert form_of(record)[0] == form
    row = orjson.loads(orjson.dumps(columns_of("x", record, None, None)))
    assert {name: row.get(name) for name in WANTED} == WANTED
    assert {"scheme": "doi", "value": "10.5555/a1"} in row["all_identifiers"]
    fields, claims = index_fields("x", record), claims_of(record)
    assert (fields.title, fields.doi, fields.publication_year) == ("A title", "10.5555/a1", 2020)
    assert fields.creators == ("Rye, Alex", "Doe, Jane")
    assert index_doi(record) == "10.5555/a1"
    assert ("10.5555/a1" in claims.dois, "A title" in claims.titles) == (True, True)
    assert any(date.startswith("2020") for date in claims.dates)
    assert "unmapped" not in orjson.loads(written("index-json", "x", record))


def test_expanded_json_ld_has_the_fields_of_schema_org():
    schema = "http://schema.org/"
    record = {
        "@id": "https://doi.org/10.5555/a1",
        "@type": [f"{schema}Dataset"],
        f"{schema}name": [{"@value": "A title"}],
        f"{schema}datePublished": [{"@value": "2020", "@type": f"{schema}Date"}],
        f"{schema}creator": [
            {"@list": [{f"{schema}familyName": [{"@value": "Rye"}], f"{schema}givenName": [{"@value": "Alex"}]}]}
        ],
    }
    fields = index_fields("x", record)
    assert (fields.title, fields.doi, fields.publication_year) == ("A title", "10.5555/a1", 2020)
    assert (fields.resource_type, fields.creators) == ("Dataset", ("Rye, Alex",))


@pytest.mark.parametrize(
    ("record", "doi"),
    [
        ({**KERNEL, "identifier": {"identifier": "10.5555/A1", "identifierType": "DOI"}}, "10.5555/a1"),
        ({**KERNEL, "identifiers": {"identifier": "10.5555/A1", "identifierType": "doi"}}, "10.5555/a1"),
        ({**KERNEL, "identifiers": ["10.5555/A1"]}, "10.5555/a1"),
        ({**KERNEL, "id": "https://doi.org/10.5555/A1"}, "10.5555/a1"),
        ({"metadata": {"prereserve_doi": {"doi": "10.5555/A1"}}}, "10.5555/a1"),
        ({"title": "T", "doi": "10.5555/A1"}, "10.5555/a1"),
        ({"dc:identifier": "doi:10.5555/A1"}, "10.5555/a1"),
        ({**KERNEL, "identifiers": [{"identifier": "10.5555/A1", "identifierType": "Handle"}]}, None),
    ],
)
def test_a_doi_is_found_as_text_object_or_list(record: Json, doi: str | None):
    assert index_fields("x", record).doi == doi
    assert index_doi(record) == doi
    assert columns_of("x", record, None, None).get("doi") == doi


def test_a_number_of_another_scheme_is_not_an_orcid():
    numbers = [
        {"nameIdentifiers": [{"nameIdentifier": "0000000121032683", "nameIdentifierScheme": "ISNI"}]},
        {"identifier": {"@type": "PropertyValue", "propertyID": "ISNI", "value": "0000000121032683"}},
        {"identifiers": [{"identifier": "0000000121032683", "scheme": "isni"}]},
    ]
    record = {**KERNEL, "creators": [{"name": "A", **one} for one in numbers]}
    assert all("orcid" not in row for row in columns_of("x", record, None, None)["all_creators"])


@pytest.mark.parametrize(
    ("record", "places"),
    [
        ({**KERNEL, "titles": [{"title": "T"}], "creators": [{"nameType": "Personal", "role": "x"}]}, ["/creators/0"]),
        ({**KERNEL, "titles": [{"heading": "T"}], "doi": "10.5555/a"}, ["/titles/0"]),
        ({"DOI": "10.5555/a", "title": {"main": "T"}}, ["/title"]),
        ({"DOI": "10.5555/a", "title": "T", "issued": {"season": 1}}, ["/issued"]),
        ({"metadata": {"title": "T", "creators": [{"name": "A"}, {"who": "B"}]}}, ["/metadata/creators/1"]),
        ({"title": ["T"], "date": ["soon"], "creator": [{"who": "x"}, "A"]}, ["/creator/0", "/date/0"]),
        ({"@context": "x", "name": "T", "author": {"x": "A"}}, ["/author"]),
        ({"eprintid": 1, "title": "T", "date": "forthcoming"}, ["/date"]),
        ({**KERNEL, "titles": [{"title": "T"}], "creators": [], "subjects": None, "publicationYear": ""}, []),
    ],
)
def test_what_cannot_be_read_is_named_by_its_place(record: Json, places: list[str]):
    assert unread(record) == places
    found = orjson.loads(written("index-json", "x", record))
    assert found.get("unmapped", []) == places
