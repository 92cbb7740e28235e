"""Lines with checksums: whole ones are read back, and damage costs no more than the lines it is in."""

from hypothesis import given
from hypothesis import strategies as st

from archive.disk.checkpoints import Lines, read_lines, seal

TEXTS = st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",))), max_size=6)


@given(TEXTS)
def test_what_is_written_is_read(texts: list[str]):
    assert read_lines(b"".join(map(seal, texts))) == Lines(texts, [], 0)


@given(TEXTS.filter(bool), st.data())
def test_a_flipped_bit_costs_its_line(texts: list[str], data: st.DataObject):
    body = bytearray(b"".join(map(seal, texts)))
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] ^= 1 << data.draw(st.integers(0, 7))
    found = read_lines(bytes(body))
    assert found.damaged or found.torn
    assert len(found.texts) >= len(texts) - 2
    assert set(found.texts) <= set(texts)


@given(TEXTS.filter(bool), st.data())
def test_a_torn_end_costs_the_last_line(texts: list[str], data: st.DataObject):
    last = seal(texts[-1])
    cut = data.draw(st.integers(1, len(last) - 1))
    assert read_lines(b"".join(map(seal, texts[:-1])) + last[:cut]) == Lines(texts[:-1], [], cut)
