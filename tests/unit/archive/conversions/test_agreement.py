"""Representations of one id: what is a disagreement, and what is only another way to say the same."""

from pathlib import Path

import pytest

from archive.conversions.validate import disagreements, letters
from archive.crosswalks.claims import Claims, claims_of

A = Claims(("10.1/a",), ("A title",), ("2020-01-05",))


@pytest.mark.parametrize(
    "other",
    [
        Claims(),
        A,
        Claims(("10.1/b", "10.1/a"), ("Other", "A title"), ("2020",)),
        Claims((), ("<b>A</b>  title",), ("2020-01",)),
        Claims((), ("a&amp;nbsp;TITLE",)),
        Claims((), ("A title.",)),
    ],
)
def test_another_way_to_say_the_same_is_no_disagreement(other: Claims):
    assert list(disagreements([("x", A), ("y", other)])) == []


@pytest.mark.parametrize(
    ("other", "field"),
    [
        (Claims(("10.1/b",)), "DOI"),
        (Claims((), ("A titles",)), "title"),
        (Claims((), (), ("2020-01-06",)), "date"),
        (Claims((), (), ("2021",)), "date"),
    ],
)
def test_what_both_say_otherwise_is_one(other: Claims, field: str):
    (found,) = disagreements([("x", A), ("y", Claims()), ("z", other)])
    assert found.field == field
    assert [format_ for format_, _ in found.values] == ["x", "z"]


def test_texts_without_letters_are_compared_as_they_are():
    assert letters("???") != letters("!!!")
    assert letters("中文 <i>題</i>") == letters("中文題")


DATE = "2020-01-05"


@pytest.mark.parametrize(
    "metadata",
    [
        {
            "doi": "10.1000/A",
            "titles": [{"title": "T"}],
            "publicationYear": "2020",
            "dates": [{"date": DATE, "dateType": "Issued"}, {"date": "1999", "dateType": "Created"}],
        },
        {
            "titles": [{"title": "T"}],
            "identifiers": [{"identifier": "10.1000/A", "identifierType": "DOI"}],
            "dates": [{"date": DATE, "dateType": "Issued"}],
        },
        {"title": ["T"], "identifier": ["https://doi.org/10.1000/A", "x"], "date": [DATE, "info:eu-repo/date/x/2031"]},
        {
            "leader": "",
            "fields": [
                {"024": {"subfields": [{"a": "10.1000/A"}]}},
                {"245": {"subfields": [{"a": "T"}]}},
                {"260": {"subfields": [{"c": DATE}]}},
            ],
        },
        {"doi": "10.1000/A", "metadata": {"title": "T", "publication_date": DATE}},
        {"id": "x", "pids": {"doi": {"identifier": "10.1000/A"}}, "metadata": {"title": "T", "publication_date": DATE}},
        {"eprintid": 1, "id_number": "10.1000/A", "title": "T", "date": DATE},
        {"@context": "https://schema.org", "@id": "https://doi.org/10.1000/A", "name": "T", "datePublished": DATE},
        {"DOI": "10.1000/A", "title": "T", "issued": {"date-parts": [[2020, 1, 5]]}},
    ],
)
def test_every_form_says_the_same_of_one_record(metadata: dict[str, object]):
    found = claims_of(metadata)
    assert found.dois == ("10.1000/a",)
    assert found.titles == ("T",)
    assert DATE in found.dates
    assert set(found.dates) <= {"2020", DATE}


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {},
        {"titles": True},
        {"metadata": {"title": []}},
        {"@graph": None},
        {"DOI": [], "issued": {"date-parts": [None, [None]]}},
    ],
)
def test_json_of_any_shape_claims_something_or_nothing(metadata: dict[str, object] | None):
    assert claims_of(metadata) == Claims()


def test_the_representations_of_a_real_record_agree(corpus: Path):
    from harvester.inputs.convertible import flattened, iter_items

    paths = [path for path in (corpus / "invenio-rdm").glob("full-record.*") if path.suffix in (".xml", ".json")]
    said = [(path.name, claims_of(item.metadata)) for path in sorted(paths) for item in flattened(iter_items(path))]
    assert sum(bool(claims.dois and claims.titles) for _, claims in said) >= 7
    assert list(disagreements([one for one in said if one[1].titles])) == []
