"""Fields of records are counted by path."""

from typing import Any

import pytest

from archive.profiles.fieldwalk import ANY, ITEM, MOST_NAMES, FieldWalk, Tally, written


def walked(*records: Any) -> dict[str, Tally]:
    walk = FieldWalk()
    for record in records:
        walk.add(record)
    return {written(path): tally for path, tally in walk.tallies().items()}


def test_a_field_counts_once_a_record_and_its_values_each():
    found = walked(
        {"creators": [{"name": "A"}, {"name": "B"}, {"name": "A"}]}, {"creators": [{"name": "A"}]}, {"other": 1}
    )
    name = found["creators[].name"]
    assert (name.present, dict(name.texts), dict(name.types)) == (2, {"A": 3, "B": 1}, {"string": 4})
    assert {path: tally.present for path, tally in found.items()} == {
        "creators": 2,
        "creators[]": 2,
        "creators[].name": 2,
        "other": 1,
    }


@pytest.mark.parametrize("nothing", [None, "", [], {}, [None], [""], {"b": None}, {"b": [{"c": ""}]}])
def test_what_says_nothing_is_no_coverage_but_has_a_type(nothing: Any):
    found = walked({"a": nothing})
    assert found["a"].present == 0
    assert found["a"].types.total() == 1


def test_zero_and_false_say_something():
    found = walked({"a": 0, "b": False, "c": 0.0})
    assert [found[name].present for name in "abc"] == [1, 1, 1]
    assert [dict(found[name].types) for name in "abc"] == [{"integer": 1}, {"boolean": 1}, {"number": 1}]
    assert dict(found["b"].scalars) == {"false": 1}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("a", "b"), "a.b"),
        (("a", ITEM, "b", ITEM, ITEM), "a[].b[][]"),
        (("a.b", "c"), '"a.b".c'),
        (("",), '""'),
        (("a", "*"), 'a."*"'),
        (("a", ANY), "a.*"),
        (("cern:x", "245"), "cern:x.245"),
        (("é", 'q"'), 'é."q\\""'),
        (("[]",), '"[]"'),
    ],
)
def test_a_path_can_be_read_in_one_way(path: tuple[str | int, ...], text: str):
    assert written(path) == text


def test_names_without_end_are_one_field():
    found = walked(*({"files": {f"{number}.pdf": {"size": number}}} for number in range(MOST_NAMES + 50)))
    assert found["files.*.size"].present == 50
    assert len(found) == 1 + 2 * (MOST_NAMES + 1)


def test_a_record_deeper_than_any_stack_is_counted():
    deep: Any = "x"
    for _ in range(250):
        deep = {"a": [deep]}
    assert walked({"a": deep})["a"].present == 1


@pytest.mark.parametrize("metadata", [None, [], "text", {}])
def test_a_record_without_fields_counts_as_a_record(metadata: Any):
    walk = FieldWalk()
    walk.add(metadata)
    assert (walk.records, walk.tallies()) == (1, {})
