"""archive/migrations/fields.py: mapping files, paths and what is made of values."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.crosswalks.fields import index_fields
from archive.migrations.fields import (
    KEPT,
    Field,
    code_points,
    kept,
    normalised,
    parse_lines,
    parse_path,
    parse_toml,
    read_mapping,
    take,
)

RECORD: dict[str, Any] = {
    "doi": "10.5281/ZENODO.1",
    "n": 7,
    "flag": False,
    "none": None,
    "metadata": {
        "title": "A\r\n title",
        "creators": [{"name": "Gray, A."}, {"name": "Ray, B."}, {}],
        "resource_type": {"type": "x"},
    },
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("doi", ("10.5281/ZENODO.1",)),
        ("n", ("7",)),
        ("flag", ("false",)),
        ("none", ()),
        ("no.such", ()),
        ("metadata.creators[*].name", ("Gray, A.", "Ray, B.")),
        ("metadata.creators.name", ("Gray, A.", "Ray, B.")),
        ("metadata.creators[1].name", ("Ray, B.",)),
        ("metadata.creators[9].name", ()),
        ("doi[*]", ()),
        ("metadata.resource_type", ('{"type":"x"}',)),
        ("@doi", ("10.5281/zenodo.1",)),
        ("@title", ("A title",)),
        ("@creators", ("Gray, A.", "Ray, B.")),
        ("@id", ("1",)),
    ],
)
def test_a_path_takes_values_in_their_order(path: str, values: tuple[str, ...]):
    assert take(path, RECORD, index_fields("oai:x:1", RECORD)) == values


def test_values_are_compared_in_the_form_that_is_asked_for():
    assert normalised(("A\r\n <b>Title</b> &amp; more",), ("strip_html", "lower")) == ("a title & more",)
    assert normalised(("https://doi.org/10.1234/ABC",), ("doi",)) == ("10.1234/abc",)
    assert normalised(("2012-03-04T05:06:07Z",), ("date",)) == ("2012-03-04",)
    assert normalised(("007", "7.0", "vii"), ("number",)) == ("7", "7", "vii")
    assert normalised(("b", "a"), ("sort",)) == ("a", "b")
    assert normalised(("b", "a"), ("first",)) == ("b",)
    assert normalised(("HTTP://x.example/a/",), ("url",)) == ("x.example/a",)
    assert normalised((" ", "\r\n"), ()) == ()


def test_lines_and_toml_say_the_same(tmp_path: Path):
    lines = "# remark\nmatch = doi\nold_format = zenodo-json\n\nmetadata.title = title | strip_html | lower # another\n"
    toml = (
        'match = "doi"\nold_format = "zenodo-json"\n[[field]]\nold = "metadata.title"\nnew = "title"\n'
        'as = ["strip_html", "lower"]\n'
    )
    (tmp_path / "m.map").write_text(lines)
    (tmp_path / "m.toml").write_text(toml)
    found = read_mapping(tmp_path / "m.map")
    assert found.fields == (Field("metadata.title", "title", ("strip_html", "lower")),)
    assert (found.match, found.old_format, found.new_format) == ("doi", "zenodo-json", None)
    assert read_mapping(tmp_path / "m.toml") == found == parse_toml(toml)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("title", "line 1"),
        ("a = b\nc =", "line 2"),
        ("a = b | polish", "polish"),
        ("a..b = c", "path"),
        ("@colour = c", "@colour"),
        ("", "no field"),
        ("a[x] = b", "path"),
    ],
)
def test_what_is_no_mapping_is_refused_with_its_line(body: str, said: str):
    with pytest.raises(ValueError, match=said):
        parse_lines(body)


@pytest.mark.parametrize("body", ['colour = "x"', "[[field]]\nold = 1\nnew = 2", "a = = b", '[[field]]\nold = "a"'])
def test_toml_that_is_no_mapping_is_refused(body: str):
    with pytest.raises(ValueError, match=r"\w"):
        parse_toml(body)


def test_steps_of_a_path():
    assert parse_path("a.b[*].c[0]") == ("a", "b", None, "c", 0)


@given(st.text(max_size=500), st.text(max_size=500))
def test_long_values_stay_different(one: str, other: str):
    assert (kept(one) == kept(other)) == (one == other)
    assert len(kept(one)) <= KEPT + 90


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=15,
)


@given(_JSON, st.sampled_from(["a", "a.b", "a[*].b", "a[0]", "b.c[*]", "@title", "@doi", "@creators"]))
def test_any_json_gives_texts(value: Any, path: str):
    metadata = value if isinstance(value, dict) else {"a": value}
    assert all(isinstance(found, str) and found.strip() for found in take(path, metadata, index_fields("x", metadata)))


def test_numbers_are_compared_digit_by_digit():
    values = ("18446744073709551616", "18446744073709551617", "1e400", "1E+401", "52.12345678901234567", "010", "-0")
    made = normalised(values, ("number",))
    assert made[0] != made[1]
    assert made[2] != made[3]
    assert made[4:] == ("52.12345678901234567", "10", "0")


def test_normal_forms_are_one_where_that_is_asked_for():
    assert normalised(("E\u0301te\u0301",), ("nfc",)) == ("Été",)
    assert normalised(("https://EXAMPLE.org:443/%7Ea/",), ("url",)) == ("example.org/~a",)


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("Zu\u0308rich", "Zürich", "U+0075 U+0308 / U+00FC"),
        ("a b", "a\u00a0b", "U+0020 / U+00A0"),
        ("ab", "a\u200bb", "nothing / U+200B"),
        ("a", "b", ""),
        ("a", "a", ""),
    ],
)
def test_texts_that_look_alike_are_told_apart_by_their_code_points(old: str, new: str, shown: str):
    assert code_points(old, new) == shown
