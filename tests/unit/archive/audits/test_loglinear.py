"""archive/audits/loglinear.py: the fits of Poisson regressions whose answers are known."""

import pytest

from archive.audits.loglinear import Cell, fitted


def table(**counts: int) -> dict[Cell, int]:
    """`table(k110=5)`: five seen by the first two of three."""
    return {tuple(digit == "1" for digit in name[1:]): count for name, count in counts.items()}


def test_exactly_independent_counts_are_fitted_exactly():
    # chances of 1/2, 1/3 and 1/4 of 2,400: the cell that nobody saw has 600
    counts = table(k100=600, k010=300, k001=200, k110=300, k101=200, k011=100, k111=100)
    fits = fitted(counts, 3)
    assert fits.independent.estimate == pytest.approx(600)
    assert fits.independent.deviance == pytest.approx(0, abs=1e-6)
    assert fits.p_value == pytest.approx(1)
    low, high = fits.interval(fits.independent)
    assert low < 600 < high


def test_a_model_with_a_pair_has_its_closed_form():
    # captures 1 and 2 depend on each other: given the third they are one; x000 = (x100 + x010 + x110) x001 / their x..1
    counts = table(k100=40, k010=30, k110=500, k101=60, k011=55, k111=700, k001=33)
    fits = fitted(counts, 3)
    pair = next(fit for fit in fits.models if fit.pairs == ((0, 1),))
    assert pair.estimate == pytest.approx((40 + 30 + 500) * 33 / (60 + 55 + 700), rel=1e-6)


def test_all_sets_of_dependences_are_tried_that_leave_a_cell_to_judge_by():
    counts = table(k100=40, k010=30, k110=50, k101=60, k011=55, k111=70, k001=33)
    assert len(fitted(counts, 3).models) == 7
    assert {fit.parameters for fit in fitted(counts, 3).models} == {4, 5, 6}


def test_five_captures_are_fitted_one_dependence_after_the_other():
    cells: dict[Cell, int] = {}
    for number in range(1, 32):
        cell = tuple(bool(number >> place & 1) for place in range(5))
        cells[cell] = 10 * 2 ** sum(cell) * (5 if cell[0] and cell[1] else 1)
    best = fitted(cells, 5).models[0]
    assert best.pairs == ((0, 1),)
    # counts of 10 times 2 for each capture are those of independence, with 10 unseen
    assert best.estimate == pytest.approx(10, rel=1e-4)
