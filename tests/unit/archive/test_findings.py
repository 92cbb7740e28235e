"""Findings: every code has a severity and a sentence, and no word of it is missing."""

import string

import pytest

from archive.findings import CODES, DOUBTS, SEVERITIES, Finding, finding


def words(code: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(CODES[code][1]) if name}


@pytest.mark.parametrize("code", CODES)
def test_every_finding_can_be_said(code: str):
    values = {name: f"<{name}>" for name in words(code) - {"identifier", "expected", "found"}}
    said = finding(code, identifier="oai:x:1", expected=3, found=2, **values)
    assert (said.code, said.severity, said.identifier, said.expected, said.found) == (
        code,
        CODES[code][0],
        "oai:x:1",
        3,
        2,
    )
    assert all(word in said.message for word in values.values())
    assert said.severity in SEVERITIES
    assert "{" not in said.message


def test_the_numbers_and_names_stand_in_the_sentence():
    assert finding("list-size-differs", window="2020 to 2021", expected=10, found=9) == Finding(
        "list-size-differs", "warning", "2020 to 2021: the provider stated 10 records and 9 came, twice", None, 10, 9
    )


def test_an_unknown_code_or_a_missing_word_is_an_error_of_the_programmer():
    with pytest.raises(KeyError):
        finding("no-such-code")
    with pytest.raises(KeyError):
        finding("window-lost", window="2020 to 2021")


def test_what_says_that_records_may_be_missing_is_a_warning_at_least():
    assert CODES.keys() >= DOUBTS
    assert {CODES[code][0] for code in DOUBTS} <= {"warning", "error"}
