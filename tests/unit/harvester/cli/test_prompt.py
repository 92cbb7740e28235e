"""What TAB offers."""

import pytest

from archive.index.example_queries import examples
from harvester.cli.prompt import Schema, candidates

SCHEMA = Schema(
    {
        "records": (("identifier", "VARCHAR"), ("format", "VARCHAR")),
        "runs": (("run", "INTEGER"), ("started", "TIMESTAMP")),
    }
)


@pytest.mark.parametrize(
    ("line", "word", "offered"),
    [
        (".sch", ".sch", [".schema"]),
        (".schema r", "r", ["records", "runs"]),
        (".mode ", "", ["table", "csv", "jsonl"]),
        (".run gap", "gap", ["gaps"]),
        (".help x", "x", []),
        ("FROM ", "", ["records", "runs"]),
        ("SELECT * from re", "re", ["records"]),
        ("FROM runs JOIN rec", "rec", ["records"]),
        ("SELECT records.f", "records.f", ["records.format"]),
        ("SELECT nothing.f", "nothing.f", []),
        ("FROM runs WHERE sta", "sta", ["started"]),
        ("SEL", "SEL", ["SELECT"]),
        ("sel", "sel", ["select"]),
    ],
)
def test_what_can_follow_is_offered(line: str, word: str, offered: list[str]):
    assert candidates(SCHEMA, line, word) == offered


def test_columns_are_those_of_the_tables_that_are_named():
    assert "identifier" not in candidates(SCHEMA, "FROM runs SELECT ", "")
    assert "identifier" in candidates(SCHEMA, "SELECT ", "")


def test_examples_are_offered_by_name():
    assert candidates(SCHEMA, ".run ", "") == list(examples())
