"""archive/audits/capture_recapture.py: populations of a known size, seen in part; the intervals cover the rest."""

import random
from collections import Counter
from math import comb, inf

import pytest

from archive.audits.capture_recapture import Unseen, unseen
from archive.audits.loglinear import Cell

# 2.5 % of a normal deviate on each side of 0.95 in so many rounds is 0.03: below 0.90 an interval is too short
ROUNDS, LEAST = 150, 0.90


def seen_by(chances: tuple[float, ...], size: int, dice: random.Random, copies: float = 0.0) -> Counter[Cell]:
    """Who saw each member; with `copies` the second capture has so many more of what the first has."""
    cells: Counter[Cell] = Counter()
    for _ in range(size):
        cell = [dice.random() < chance for chance in chances]
        cell[1] = cell[1] or (cell[0] and dice.random() < copies)
        cells[tuple(cell)] += 1
    return cells


def covered(chances: tuple[float, ...], size: int, copies: float = 0.0, rounds: int = ROUNDS) -> float:
    dice, hits = random.Random(5), 0
    for _ in range(rounds):
        cells = seen_by(chances, size, dice, copies)
        found = unseen(cells)
        hits += found.low <= cells[(False,) * len(chances)] <= found.high
    return hits / rounds


def test_chapmans_estimate_is_the_published_one():
    # Seber 1982, 3.1: 200 marked, 150 caught, 30 of them marked
    found = unseen({(True, True): 30, (True, False): 170, (False, True): 120})
    assert found.estimate == pytest.approx(201 * 151 / 31 - 1 - 320)
    assert found.seen == 320
    assert found.low < found.estimate < found.high


@pytest.mark.parametrize(("chances", "size"), [((0.8, 0.7), 300), ((0.3, 0.2), 400), ((0.95, 0.9), 1500)])
def test_the_interval_of_two_captures_covers_the_truth(chances: tuple[float, float], size: int):
    assert covered(chances, size) >= LEAST


def test_the_exact_interval_is_that_of_the_hypergeometric_distribution():
    found = unseen({(True, True): 5, (True, False): 5, (False, True): 5})

    # both ends by counting: 10 marked, 10 caught, 5 of them marked
    def at_least(size: int) -> float:
        return sum(comb(10, k) * comb(size - 10, 10 - k) for k in range(5, 11)) / comb(size, 10)

    def at_most(size: int) -> float:
        return sum(comb(10, k) * comb(size - 10, 10 - k) for k in range(max(0, 20 - size), 6)) / comb(size, 10)

    sizes = [size for size in range(15, 200) if at_least(size) >= 0.025 and at_most(size) >= 0.025]
    assert (found.low, found.high) == (sizes[0] - 15, sizes[-1] - 15)


def test_captures_that_share_nothing_bound_nothing():
    found = unseen({(True, False): 100, (False, True): 100})
    assert found.high == inf
    assert len(found.warnings) == 2


def test_two_captures_always_come_with_the_warning_that_they_cannot_judge_themselves():
    assert unseen({(True, True): 900, (True, False): 50, (False, True): 50}).warnings
    assert unseen({(True, True): 900, (True, False): 50, (False, True): 50}).p_value is None


@pytest.mark.parametrize("chances", [(0.6, 0.5, 0.4), (0.8, 0.7, 0.9)])
def test_the_interval_of_three_captures_covers_the_truth(chances: tuple[float, ...]):
    assert covered(chances, 600, rounds=80) >= LEAST


def test_the_interval_of_three_captures_covers_the_truth_when_two_of_them_depend_on_each_other():
    assert covered((0.6, 0.5, 0.4), 800, copies=0.6, rounds=80) >= LEAST


def test_a_dependence_is_found_named_and_allowed_for():
    dice = random.Random(3)
    cells = seen_by((0.6, 0.3, 0.5), 3000, dice, copies=0.7)
    found = unseen(cells, ("oaipmh", "exporter", "idrange"))
    assert (0, 1) in found.dependent
    assert found.p_value is not None
    assert found.p_value < 0.001
    assert any("oaipmh and exporter" in warning for warning in found.warnings)
    truth = cells[(False, False, False)]
    assert found.low <= truth <= found.high
    # what two of them alone would have made of it: the unseen are far more than they say
    two: Counter[Cell] = Counter()
    for cell, count in cells.items():
        two[cell[:2]] += count
    assert unseen(two).high < two[(False, False)]


def test_independent_captures_are_not_accused():
    cells = seen_by((0.6, 0.5, 0.4), 4000, random.Random(8))
    found = unseen(cells)
    assert found.p_value is not None
    assert found.p_value > 0.05


def test_four_captures_are_fitted_as_well():
    cells = seen_by((0.6, 0.5, 0.4, 0.3), 1500, random.Random(2), copies=0.5)
    found = unseen(cells)
    assert (0, 1) in found.dependent
    assert found.low <= cells[(False,) * 4] <= found.high


def test_counts_of_millions_are_no_trouble():
    two = unseen({(True, True): 4_900_000, (True, False): 60_000, (False, True): 40_000})
    assert two.estimate == pytest.approx(490, abs=1)
    assert 430 < two.low < two.estimate < two.high < 550
    three = unseen(
        {
            (True, True, True): 4_800_000,
            (True, True, False): 50_000,
            (True, False, True): 40_000,
            (False, True, True): 45_000,
            (True, False, False): 900,
            (False, True, False): 800,
            (False, False, True): 700,
        }
    )
    assert 0 <= three.low <= three.estimate <= three.high < 10_000


@pytest.mark.parametrize(
    "cells",
    [
        {(True, True): 1000},
        {(True, True, True): 1000},
        {(True, True): 400, (True, False): 600},
        {(True, True, True): 1000, (True, True, False): 10},
    ],
)
def test_captures_that_saw_all_the_same_leave_nothing_unseen(cells: dict[Cell, int]):
    found = unseen(cells)
    assert found.estimate == pytest.approx(0, abs=1e-6)
    assert found.low == 0
    assert found.completeness == pytest.approx(1)


@pytest.mark.parametrize("cells", [{}, {(True,): 5}, {(True, True): 5, (True, False, True): 5}, {(True, False): 5}])
def test_what_is_no_table_of_captures_is_refused(cells: dict[Cell, int]):
    with pytest.raises(ValueError, match="capture"):
        unseen(cells)


def test_the_cell_that_nobody_saw_is_not_looked_at():
    cells = {(True, True): 30, (True, False): 20, (False, True): 20}
    assert unseen(cells) == unseen({**cells, (False, False): 999})
    assert Unseen(0, 0.0, 0.0, 0.0, "none").completeness == 1.0
