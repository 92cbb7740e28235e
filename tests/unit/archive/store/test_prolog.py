import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.store.envelope import first_tag

PIECES = st.lists(st.sampled_from(["<!--", "-->", "<?", "?>", " ", "\n", "x", "-", "<", ">", "?"]), max_size=20)
# what is meant, for texts that are short
MEANT = re.compile(r"(?:\s|<\?(?:(?!\?>).)*\?>|<!--(?:(?!-->).)*-->)*", re.DOTALL)


@given(PIECES.map("".join))
def test_white_space_comments_and_instructions_are_passed_over_and_nothing_else(text: str):
    match = MEANT.match(text)
    assert match is not None
    rest = text[match.end() :]
    expected = len(text) if rest.startswith(("<!--", "<?")) else match.end()
    assert first_tag(text) == first_tag(text.encode()) == expected


@pytest.mark.parametrize("piece", [b" ", b"<!---->", b"<??>", b"<!--", b"<!-- -"])
def test_each_byte_is_looked_at_once_however_many_there_are(piece: bytes):
    body = piece * (1 << 18)
    assert first_tag(body) == len(body)
    assert first_tag(body + b"<a>") in (len(body), len(body) + 3)
