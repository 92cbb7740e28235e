"""Any two archives: their sketches name exactly what differs, or say that it is too much."""

from hypothesis import given
from hypothesis import strategies as st

from archive.audits.sketch import Sketch, differences, key_of, name_of, version

NAMES = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
VERSIONS = st.builds(
    lambda seconds, live: version(seconds, live=live), st.none() | st.integers(-(10**11), 10**12), st.booleans()
)
ROWS = st.dictionaries(NAMES, VERSIONS, max_size=40)


def sketched(rows: dict[str, int]) -> Sketch:
    made = Sketch(603)
    made.fill(rows.items())
    return made


@given(ROWS, ROWS, ROWS)
def test_what_is_named_is_exactly_what_differs(both: dict[str, int], here: dict[str, int], there: dict[str, int]):
    here, there = both | here, both | there
    found = differences(sketched(here), sketched(there))
    if isinstance(found, int):  # two items in the same three cells, two times in a thousand at most: nothing is named
        return
    expected = [
        {(name_of(key_of(name)), seen) for name, seen in one.items() if other.get(name) != seen}
        for one, other in ((here, there), (there, here))
    ]
    named = [
        {(item.identifier, version(item.seconds, live=item.live)) for item in side}
        for side in (found.here, found.there)
    ]
    assert named == expected
    assert (len(found.here), len(found.there)) == tuple(map(len, expected))
