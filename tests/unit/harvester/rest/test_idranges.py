"""Ranges of ids: what they hold, in which order, however they were written."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.errors import UsageError
from harvester.rest.idranges import AT_EACH, GALLOPS, GAP, IdRange, IdRanges, gallop

spans = st.tuples(st.integers(0, 300), st.integers(0, 40)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def walked(ranges: IdRanges, size: int, most: int = 10_000) -> list[int]:
    """All ids of ranges, as a harvest comes by them."""
    found: list[int] = []
    last = None
    while (chunk := ranges.chunk_after(last, size)) is not None and len(found) < most:
        assert chunk.last is not None
        assert chunk.last - chunk.first < size
        found.extend(range(chunk.first, chunk.last + 1))
        last = chunk.last
    return found


@given(st.lists(spans, min_size=1, max_size=8), st.integers(1, 50))
def test_every_id_comes_once_and_in_order_however_ranges_were_written(parts: list[tuple[int, int]], size: int):
    ranges = IdRanges.parse(", ".join(f"{first}-{last}" if first < last else str(first) for first, last in parts))
    wanted = sorted({number for first, last in parts for number in range(first, last + 1)})
    assert walked(ranges, size) == wanted
    assert ranges.count == len(wanted)
    assert [number for number in range(345) if number in ranges] == wanted
    assert IdRanges.parse(str(ranges)) == ranges


@given(st.lists(spans, min_size=1, max_size=8), st.integers(1, 60))
def test_a_sample_is_spread_over_all_of_them(parts: list[tuple[int, int]], count: int):
    ranges = IdRanges.parse(",".join(f"{first}-{last}" for first, last in parts))
    wanted = walked(ranges, 100)
    sample = list(ranges.spread(count))
    assert len(sample) == len(set(sample)) == min(count, len(wanted))
    assert sample == sorted(sample)
    assert set(sample) <= set(wanted)
    places = [wanted.index(number) for number in sample]
    assert all(b - a <= len(wanted) // len(sample) + 1 for a, b in itertools.pairwise(places))


def test_a_range_without_an_end_swallows_what_is_above_it():
    ranges = IdRanges.parse("7001-,1-5000,9000-9100")
    assert ranges.ranges == (IdRange(1, 5000), IdRange(7001, None))
    assert (ranges.open_from, ranges.count, str(ranges)) == (7001, None, "1-5000,7001-")
    assert [number in ranges for number in (0, 1, 5000, 5001, 7000, 7001, 10**17)] == [
        False,
        True,
        True,
        False,
        False,
        True,
        True,
    ]
    assert ranges.chunk_after(5000, 10) == IdRange(7001, 7010)
    assert ranges.chunk_after(10**15, 10) == IdRange(10**15 + 1, 10**15 + 10)


def test_ranges_that_touch_are_one():
    assert IdRanges.parse("1-5,6-9,3").ranges == (IdRange(1, 9),)


@pytest.mark.parametrize("text", ["a", "1-2-3", "-5", "5-1", "1,,2", "1;2", "²", "1-" + "9" * 19, "1.5"])
def test_what_is_no_range_is_named(text: str):
    with pytest.raises(UsageError, match="ids="):
        IdRanges.parse(text)


def test_the_ids_above_a_top_are_looked_for_at_growing_distances():
    found = gallop(50)
    assert len(found) == len(set(found)) == AT_EACH * (GALLOPS + 1)
    assert (found[0], found[-1]) == (50 + GAP, 50 + GAP * 2**GALLOPS + AT_EACH - 1)
