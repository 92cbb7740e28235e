"""Sums of fields add up however the records were cut."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.profiles.fieldsums import MOST_HASHES, MOST_VALUES, FieldSum, add, field_sum, fold
from archive.profiles.fieldwalk import ANY, MOST_NAMES, FieldWalk


def summed(values: list[object]) -> FieldSum:
    walk = FieldWalk()
    for value in values:
        walk.add({"a": value})
    return field_sum(walk.tallies()[("a",)])


SCALARS = st.one_of(st.text(max_size=3), st.integers(-3, 3), st.booleans(), st.none(), st.sampled_from([0.5, 1.5]))


@given(st.lists(SCALARS, min_size=1), st.lists(SCALARS, min_size=1))
def test_the_sum_of_two_is_that_of_all(one: list[object], other: list[object]):
    both, all_ = add(summed(one), summed(other)), summed([*one, *other])
    assert (both.present, both.types, both.top, both.missed, both.distinct) == (
        all_.present,
        all_.types,
        all_.top,
        all_.missed,
        all_.distinct,
    )
    assert (both.lengths, both.shortest, both.longest, both.low, both.high) == (
        all_.lengths,
        all_.shortest,
        all_.longest,
        all_.low,
        all_.high,
    )


@pytest.mark.parametrize("number", [10, 400, 5_000, 60_000])
def test_distinct_values_are_estimated_within_their_error(number: int):
    total = summed(["x"])
    for begin in range(0, number, 1000):
        total = add(total, summed([f"10.5281/zenodo.{n}" for n in range(begin, min(begin + 1500, number))]))
    exact = number + 1
    assert total.distinct == exact if exact < MOST_HASHES else abs(total.distinct / exact - 1) < 0.2


def test_a_frequent_value_is_never_lost_and_off_by_no_more_than_is_said():
    truth: Counter[str] = Counter()
    total = None
    for part in range(40):
        values = ["often"] * 30 + [f"{part}-{n % 900}" for n in range(2_000)] + ["also"] * (part % 5)
        truth.update(values)
        total = summed(list(values)) if total is None else add(total, summed(list(values)))
    assert total is not None
    assert len(total.top) <= MOST_VALUES
    assert total.top["often"] <= truth["often"] <= total.top["often"] + total.missed
    assert all(count <= truth[str(value)] for value, count in total.top.items())


def test_texts_and_numbers_that_read_alike_are_two_values():
    assert summed(["1", 1]).distinct == 2


def test_a_map_is_one_field_whoever_counted_it():
    walks = []
    for part in range(2):
        walk = FieldWalk()
        for number in range(MOST_NAMES - 50):
            walk.add({"files": {f"{part}-{number}": {"size": 1}}, "few": {"a": 1}})
        walks.append({path: field_sum(tally) for path, tally in walk.tallies().items()})
    both = {
        path: add(walks[0][path], walks[1][path])
        if path in walks[0] and path in walks[1]
        else walks[0].get(path) or walks[1][path]
        for path in {**walks[0], **walks[1]}
    }
    assert fold(walks[0]) == walks[0]
    folded = fold(both)
    assert set(folded) == {("files",), ("files", ANY), ("files", ANY, "size"), ("few",), ("few", "a")}
    assert folded["files", ANY, "size"].present == 2 * (MOST_NAMES - 50)
