"""Statements end at semicolons that are not within a text, a name or a comment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.cli.statements import cut, is_blank

STATEMENTS = (
    "SELECT 1;",
    "SELECT 'a;b''c;';",
    'SELECT "a;""b";',
    "SELECT 1 -- no; end\n+ 2;",
    "/* a;b */ SELECT 1;",
    "SELECT $$ a;b $$;",
    "SELECT $x$ ; $$ ; $x$;",
    "SELECT e'it\\'s;';",
    "SELECT a$b;",
    "SELECT $name;",
    ";",
)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_ends_at_its_own_semicolon(statement: str):
    assert cut(statement).statements == (statement,)
    assert cut(statement).rest == ""


@given(st.lists(st.sampled_from(STATEMENTS)), st.sampled_from(["", "SELECT 'open; ", "SELECT $$;", "/*;", "--;"]))
def test_many_are_cut_where_each_ends(statements: list[str], rest: str):
    found = cut("\n".join([*statements, rest]))
    assert [statement.lstrip("\n") for statement in found.statements] == statements
    assert found.rest.strip("\n") == rest


@given(st.text(alphabet="a;'\"$-*/\n eE\\", max_size=40))
def test_nothing_is_lost_in_cutting(text: str):
    found = cut(text)
    assert "".join(found.statements) + found.rest == text


@pytest.mark.parametrize("text", ["", " \n", ";", "-- a", "/* ; */ ;", "--\n;;"])
def test_comments_and_semicolons_are_nothing_to_run(text: str):
    assert is_blank(text)


@pytest.mark.parametrize("text", ["1", "'", "x -- a", "/* a */ SELECT", "$$$$", "+"])
def test_anything_else_is(text: str):
    assert not is_blank(text)
