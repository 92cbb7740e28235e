"""Paths of manifests: what they mean, and which are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.bags.files import folded, is_plain, is_portable, normal, read_path

OUT = [
    "",
    "..",
    "../x",
    "data/..",
    "data/../x",
    "/x",
    "//x",
    "~",
    "~/x",
    "~root/x",
    "C:/x",
    "c:x",
    "\\x",
    "\\\\server\\x",
    "\\\\?\\C:\\x",
    "data\\..\\x",
    "data/..\\x",
    "file:///x",
    "http://x.example/",
    "data/\x00",
    "./../x",
    ".//../x",
]


@pytest.mark.parametrize("path", OUT)
@pytest.mark.parametrize("percent", [True, False])
def test_a_path_that_leads_out_is_refused(path: str, percent: bool):
    assert read_path("data/x", percent=percent) is not None
    assert read_path(path, percent=percent) is None


@given(st.text(alphabet="./\\~%0ADd25:aC", max_size=12))
def test_whatever_is_let_through_stays_below(text: str):
    path = read_path(text, percent=True)
    if path is not None:
        for name in (path.name, path.raw):
            assert not name.startswith(("/", "\\", "~"))
            assert ".." not in name.replace("\\", "/").split("/")


def test_only_line_ends_and_percent_are_decoded():
    def name(text: str, percent: bool) -> str:
        path = read_path(text, percent=percent)
        assert path is not None
        return path.name

    assert name("data/a%0Ab%0dc%25d%7Ee%", True) == "data/a\nb\rc%d%7Ee%"
    assert name("data/a%0Ab%25", False) == "data/a\nb%25"
    assert name("data/%2525", True) == "data/%25"


@given(st.text(alphabet="ab%\r\n%02 5DA~", min_size=1, max_size=20))
def test_what_is_encoded_is_decoded(name: str):
    coded = name.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")
    path = read_path(f"data/{coded}", percent=True)
    assert path is not None
    assert (path.name, path.loose_percent) == (f"data/{name}", False)


@pytest.mark.parametrize("name", ["data/a.txt", "data/é", "data/.keep", "data/console", "data/" + "x" * 255])
def test_plain_names_are_portable(name: str):
    assert is_portable(name)
    assert is_plain(name)


@pytest.mark.parametrize(
    "name",
    [
        "data/a:b",
        "data/a?",
        "data/nul",
        "data/COM1.txt",
        "data/lpt²",
        "data/a.",
        "data/a /b",
        "data/a\\b",
        "data/" + "x" * 256,
        "data/" + "é" * 128,
        "data/a\n",
    ],
)
def test_names_that_other_systems_refuse_are_not_portable(name: str):
    assert not is_portable(name)


@pytest.mark.parametrize("name", ["data//a", "data/./a", "data/a/", "data/."])
def test_names_written_in_two_ways_are_not_plain(name: str):
    assert not is_plain(name)


def test_names_are_compared_in_one_form():
    assert normal("e\u0301") == "\u00e9"
    assert folded("STRASSE\u00c9") == folded("straße\u00e9") == folded("Straßee\u0301")
