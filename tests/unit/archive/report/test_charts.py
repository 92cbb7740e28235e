"""archive/report: what is drawn sums to what was counted, and every list has an end."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.report import charts
from archive.report.charts import CELLS, PERIODS, SLOTS, cell_width, cells_of, periods_of, slot_width, slots_of
from archive.report.values import GapMap, Period, Tally
from archive.report.words import floored, share

COUNTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=10)
TALLIES = st.builds(Tally, *(st.integers(0, 1000) for _ in range(5)))


@given(COUNTS)
def test_shares_sum_to_exactly_one(counts: list[int]):
    parts = charts.shares(counts)
    assert sum(parts) == (1_000_000 if sum(counts) else 0)
    assert all(
        abs(part - 1_000_000 * count / max(1, sum(counts))) < 1 for part, count in zip(parts, counts, strict=True)
    )


@given(COUNTS)
def test_a_bar_has_no_hole_and_no_overlap(counts: list[int]):
    pieces = charts.segments({str(place): count for place, count in enumerate(counts)})
    x = 0.0
    for piece in pieces:
        assert piece.x == pytest.approx(x, abs=1e-6)
        assert piece.width > 0
        x = piece.x + piece.width
    assert not pieces or x == pytest.approx(100)
    assert sum(piece.count for piece in pieces) == sum(counts)


@given(st.integers(0, 10**17), st.integers(0, 10**17))
def test_a_range_of_any_width_has_a_bounded_number_of_cells(first: int, more: int):
    last = first + more
    width = cell_width(first, last)
    cells = cells_of(first, last, width, {0: Tally(same=1)})
    assert len(cells) <= CELLS
    assert (cells[0].first, cells[-1].last) == (first, last)
    assert all(before.last + 1 == after.first for before, after in pairwise(cells))
    assert cells[0].tally.same == 1


@pytest.mark.parametrize(
    ("tally", "level"),
    [
        (Tally(), "empty"),
        (Tally(extra=1), "extra"),
        (Tally(same=5), "whole"),
        (Tally(missing=5), "all"),
        (Tally(same=9999, missing=1), "m1"),
        (Tally(same=99, missing=1), "m1"),
        (Tally(same=9, missing=1), "m2"),
        (Tally(same=1, missing=1), "m3"),
        (Tally(differs=1, missing=2), "m4"),
        (Tally(differs=3), "whole"),
    ],
)
def test_a_cell_with_one_gap_among_thousands_is_never_drawn_as_whole(tally: Tally, level: str):
    assert charts.level(tally) == level


def test_the_map_draws_every_cell_once_within_its_width():
    cells = cells_of(1, 999, cell_width(1, 999), {7: Tally(missing=2)})
    boxes = charts.map_boxes(GapMap("oai:x:", cells, (), 0, 1.0))
    assert len({(box.x, box.y) for box in boxes}) == len(cells) == len(boxes)
    assert max(box.x + box.width for box in boxes) <= 100.001
    assert [box.kind for box in boxes].count("c-all") == 1
    assert "2 missing" in boxes[7].told


@given(st.integers(0, 10**8))
def test_a_run_of_any_length_has_a_bounded_number_of_intervals(seconds: int):
    width = slot_width(seconds)
    assert seconds // width + 1 <= SLOTS


@given(st.lists(st.tuples(st.floats(0, 900), st.floats(0, 500)), max_size=20))
def test_a_wait_is_spread_over_its_intervals_and_none_of_it_is_lost(waits: list[tuple[float, float]]):
    slots = slots_of(1500, 15, {3: (5, 4, 9)}, waits)
    assert sum(slot.waited_seconds for slot in slots) == pytest.approx(sum(seconds for _, seconds in waits), abs=1e-6)
    assert (slots[3].requests, slots[3].read, slots[3].ids) == (5, 4, 9)


def test_a_wait_of_three_intervals_is_in_three():
    waited = [slot.waited_seconds for slot in slots_of(50, 10, {}, [(5, 20)])]
    assert waited == [5, 10, 5, 0, 0, 0]


MONTHS = st.dictionaries(
    st.none() | st.builds("{:04d}-{:02d}".format, st.integers(1, 9999), st.integers(1, 12)), TALLIES, max_size=200
)


@given(MONTHS)
def test_no_id_gets_lost_between_months_and_periods(months: dict[str | None, Tally]):
    periods = periods_of(months)
    assert sum((period.tally for period in periods), Tally()) == sum(months.values(), Tally())
    labels = [period.label for period in periods if period.label is not None]
    assert labels == sorted(labels)
    assert len(labels) <= max(PERIODS, 201)
    assert None not in [period.label for period in periods[:-1]]


def test_months_without_ids_are_seen_as_such():
    periods = periods_of({"2023-11": Tally(same=1), "2024-02": Tally(missing=1), None: Tally(extra=3)})
    assert [period.label for period in periods] == ["2023-11", "2023-12", "2024-01", "2024-02", None]
    assert periods[1].tally == Tally()


@given(st.lists(st.builds(Period, st.just("2024-01"), TALLIES), min_size=1, max_size=30))
def test_columns_stand_on_zero_and_end_below_the_top(periods: list[Period]):
    top = charts.ceiling(max(period.tally.expected for period in periods))
    assert top >= max(period.tally.expected for period in periods)
    for box in charts.period_boxes(periods, top):
        assert -0.011 <= box.y <= box.y + box.height <= charts.BAR_PIXELS + 0.011
    held = [box for box in charts.period_boxes(periods, top) if box.kind == "b-held"]
    assert all(math.isclose(box.y + box.height, charts.BAR_PIXELS, abs_tol=0.011) for box in held)


@given(st.floats(0, 10**12))
def test_an_axis_ends_at_or_above_what_it_shows(number: float):
    assert charts.ceiling(number) >= number


@pytest.mark.parametrize(("percent", "text"), [(100.0, "100.00"), (99.9999, "99.99"), (99.03, "99.03"), (0.0, "0.00")])
def test_what_is_not_complete_is_never_rounded_up_to_it(percent: float, text: str):
    assert floored(percent) == text


def test_a_share_has_four_digits():
    assert [share(parts) for parts in (1, 999_999, 1_000_000)] == ["0.0001 %", "99.9999 %", "100.0000 %"]
