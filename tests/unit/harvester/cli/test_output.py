"""harvester/cli/output.py: tables fit a terminal, and no column breaks a word."""

import io
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harvester.cli.output import cell, fitting, print_table, stacked, table

STATES = ("read", "deleted", "absent", "moved", "forbidden", "refused", "lost", "open")


def drawn(rows: list[tuple[str, ...]], width: int, numbers: tuple[str, ...] = ()) -> list[str]:
    made = table("what", "where", "how many", numbers=numbers)
    for row in rows:
        made.add_row(*map(cell, row))
    if (widths := fitting(made, width)) is None:
        return list(stacked(made, width))
    for column, one in zip(made.columns, widths, strict=True):
        column.width = one
    out = io.StringIO()
    Console(file=out, width=width).print(made)
    return out.getvalue().splitlines()


def test_a_sentence_is_folded_at_its_blanks():
    lines = drawn([("the target was not listed to its end because of a timeout", "oaipmh:oai_dc", "12")], 40)
    words = " ".join(lines).split()
    for word in ("target", "listed", "timeout", "oaipmh:oai_dc", "many", "12"):
        assert word in words
    assert all(len(line) <= 40 for line in lines)


def test_a_url_is_folded_only_where_nothing_else_helps():
    url = "https://repository.example/api/records?" + "x" * 80
    lines = drawn([("a sentence of words", url, "1")], 60)
    assert all(len(line) <= 60 for line in lines)
    assert "sentence" in " ".join(lines)
    assert url in "".join(part for line in lines for part in line.split() if part in url)


def test_what_fits_is_left_alone():
    assert drawn([("a", "b", "1")], 80) == ["what  where  how many", "a     b      1       "]


def test_a_table_of_many_numbers_becomes_pairs():
    made = table("run", "channel", "listed", *STATES, "balanced", numbers=("listed", *STATES))
    made.add_row("1", "oaipmh:oai_dc", "12,345,678", *["1,234,567"] * 8, "yes")
    assert fitting(made, 80) is None
    lines = list(stacked(made, 80))
    assert all(len(line) <= 80 for line in lines)
    text = " ".join(lines)
    assert "channel oaipmh:oai_dc" in text
    assert "forbidden 1,234,567" in text


def test_no_terminal_no_folding(capsys: pytest.CaptureFixture[str]):
    made = table("what")
    made.add_row("word " * 60)
    print_table(made)
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert not sys.stdout.isatty()


@given(
    st.lists(st.tuples(*[st.text(st.sampled_from("ab "), max_size=40)] * 3), min_size=1, max_size=4),
    st.integers(30, 100),
)
def test_words_of_sentences_stay_whole(rows: list[tuple[str, ...]], width: int):
    rows = [tuple(" ".join(text.split()) for text in row) for row in rows]
    made = table("what", "where", "how many")
    for row in rows:
        made.add_row(*map(cell, row))
    if (widths := fitting(made, width)) is None:
        return
    assert sum(widths) + 2 * (len(widths) - 1) <= width
    for number, one in enumerate(widths):
        for text in (row[number] for row in rows):
            assert " " not in text or all(len(word) <= one for word in text.split())
    assert not [pair for pair in pairwise(widths) if min(pair) < 1]
