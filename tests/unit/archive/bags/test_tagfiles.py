"""The text files of a bag: what is written is what readers understand."""

import pytest

from archive.bags import tagfiles
from archive.errors import NotBaggable


def test_of_a_path_only_percent_and_line_ends_are_encoded():
    assert tagfiles.encoded_path("data/a b/ü\t*.txt") == "data/a b/ü\t*.txt"
    assert tagfiles.encoded_path("data/100%\r\n%0A") == "data/100%25%0D%0A%250A"


def test_a_manifest_has_a_line_for_each_file():
    assert tagfiles.manifest([("ab", "data/x"), ("cd", "data/y%")]) == "ab  data/x\ncd  data/y%25\n"
    assert tagfiles.manifest([]) == ""


def test_a_line_of_fetch_txt_has_a_url_without_white_space():
    line = tagfiles.fetch_line("https://example.org/a/", "data/b c/100%~ü.txt", 5)
    assert line == "https://example.org/a/b%20c/100%25~%C3%BC.txt 5 data/b c/100%25~ü.txt\n"


def test_long_lines_are_folded_where_there_is_a_blank():
    value = " ".join(["word"] * 40)
    lines = tagfiles.bag_info([("External-Description", value), ("Next", "short")]).splitlines()
    assert max(map(len, lines)) <= tagfiles.TAG_LINE_MOST
    assert all(line.startswith(" w") for line in lines[1:-1])
    assert lines[-1] == "Next: short"
    assert " ".join(line.strip() for line in lines[:-1]) == f"External-Description: {value}"


def test_a_word_that_is_too_long_for_a_line_stays_whole():
    long = "x" * 200
    assert tagfiles.bag_info([("Label", f"a {long} b")]) == f"Label: a\n {long}\n b\n"
    assert tagfiles.bag_info([("Label", f"{long} b")]) == f"Label: {long}\n b\n"


@pytest.mark.parametrize("label", ["", " a", "a ", "a:b", "a\nb", "a\x00"])
def test_a_label_that_bag_info_cannot_hold_is_refused(label: str):
    assert tagfiles.checked_info([("A label", "v")]) == (("A label", "v"),)
    with pytest.raises(NotBaggable):
        tagfiles.checked_info([(label, "v")])


@pytest.mark.parametrize("value", ["", "  ", "a\nb", "a\rb", "a\x1bb"])
def test_a_value_that_is_no_line_of_text_is_refused(value: str):
    with pytest.raises(NotBaggable):
        tagfiles.checked_info([("Label", value)])


@pytest.mark.parametrize("label", ["Payload-Oxum", "bag-count", "Bagging-Date", "BagIt-Profile-Identifier"])
def test_what_is_counted_cannot_be_named(label: str):
    with pytest.raises(NotBaggable):
        tagfiles.checked_info([(label, "1.1")])


def test_what_a_person_named_takes_the_place_of_what_is_known():
    known = [("External-Description", "known"), ("External-Identifier", "urn:a"), ("Contact-Email", "")]
    named = (("external-description", "one"), ("External-Description", "two"))
    assert tagfiles.merged_info(known, named) == (*named, ("External-Identifier", "urn:a"))


@pytest.mark.parametrize("text", ["2026-02-30", "2026-1-1", "20260101", "yesterday", "2026-01-01T00:00:00Z", ""])
def test_a_date_that_is_none_is_refused(text: str):
    assert tagfiles.checked_date("2026-02-28") == "2026-02-28"
    with pytest.raises(NotBaggable):
        tagfiles.checked_date(text)


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (2 << 30, "2.1 GB"),
        (10**19, "10000.0 PB"),
    ],
)
def test_a_size_is_shown_in_the_largest_unit_that_fits(size: int, shown: str):
    assert tagfiles.shown_size(size) == shown
