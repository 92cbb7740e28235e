"""A lookup has what was put into it, whatever that is; and its bytes say nothing of the order it came in."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support.example_counts import amount

from archive.store.lookup_file import Lookup, LookupWriter, Place, check_lookup

KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PLACES = st.tuples(st.integers(0, 2), st.integers(0, 2**63), st.integers(1, 2**32 - 1), st.integers(0, 2**32 - 1))
NAMES = ["a", "b/c", "Ä\u2028"]


def written(path: Path, rows: list[tuple[str, tuple[int, int, int, int]]]) -> bytes:
    writer = LookupWriter(path, NAMES)
    for key, place in rows:
        writer.add(key, *place)
    writer.finish()
    assert check_lookup(path).entries == len(rows)
    return path.read_bytes()


@settings(max_examples=amount(30, 1000))
@given(st.data())
def test_whatever_is_put_in_is_found_and_nothing_else(tmp_path_factory, data):
    rows = data.draw(st.lists(st.tuples(KEYS, PLACES), max_size=300))
    path = tmp_path_factory.mktemp("lookup") / "lookup.idx"
    body = written(path, rows)
    lookup = Lookup(lambda offset, length: body[offset : offset + length], "lookup.idx")
    for key in {key for key, _ in rows} | {data.draw(KEYS)}:
        expected = sorted({place for other, place in rows if other == key})
        assert lookup.find(key) == tuple(Place(NAMES[file], *rest) for file, *rest in expected)
    assert written(path, data.draw(st.permutations(rows))) == body
