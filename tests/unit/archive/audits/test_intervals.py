"""archive/audits/intervals.py: the intervals are those of the literature, and cover what they say they cover."""

import random

import pytest

from archive.audits.intervals import Interval, Stratum, stratified, wilson


def covered(share: float, asked: int, rounds: int = 2000) -> float:
    dice = random.Random(7)
    found = [wilson(sum(dice.random() < share for _ in range(asked)), asked) for _ in range(rounds)]
    return sum(one.low <= share <= one.high for one in found) / rounds


def strata_covered(sizes: list[float], truths: list[float], asked: list[int], rounds: int = 1500) -> float:
    dice, hits = random.Random(11), 0
    share = sum(size * truth for size, truth in zip(sizes, truths, strict=True)) / sum(sizes)
    for _ in range(rounds):
        parts = [
            Stratum(str(n), size, number, sum(dice.random() < truth for _ in range(number)))
            for n, (size, truth, number) in enumerate(zip(sizes, truths, asked, strict=True))
        ]
        found = stratified(parts)
        hits += found.low <= share <= found.high
    return hits / rounds


def test_wilsons_interval_is_the_published_one():
    # Newcombe 1998, Statistics in Medicine 17, 857: table I, method 3
    assert wilson(81, 263) == Interval(81 / 263, pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert wilson(15, 148).low == pytest.approx(0.0624, abs=5e-5)
    assert wilson(0, 20).high == pytest.approx(0.1611, abs=5e-5)


def test_few_misses_have_the_poisson_end_that_brown_cai_and_dasgupta_advise():
    # half of the 5 % quantile of chi-square with 2, 4 and 6 degrees of freedom
    for misses, mean in ((1, 0.0513), (2, 0.3554), (3, 0.8177)):
        assert wilson(1000 - misses, 1000).high == pytest.approx(1 - mean / 1000, abs=1e-6)
        assert wilson(misses, 1000).low == pytest.approx(mean / 1000, abs=1e-6)


@pytest.mark.parametrize("asked", [1, 7, 400])
def test_the_interval_holds_its_estimate_and_stays_between_0_and_1(asked: int):
    for hits in range(asked + 1):
        found = wilson(hits, asked)
        assert 0 <= found.low <= found.estimate <= found.high <= 1
        mirrored = wilson(asked - hits, asked)
        assert (found.low, found.high) == pytest.approx((1 - mirrored.high, 1 - mirrored.low))


def test_a_bound_is_reached_only_by_all_or_none():
    assert wilson(400, 400).high == 1.0
    assert wilson(399, 400).high < 1.0
    assert wilson(0, 400).low == 0.0
    assert wilson(1, 400).low > 0.0


def test_nothing_asked_says_nothing_and_more_hits_than_asked_is_an_error():
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)
    with pytest.raises(ValueError, match="2 hits of 1"):
        wilson(2, 1)
    with pytest.raises(ValueError, match="confidence"):
        wilson(1, 2, 1.5)


# 2,000 rounds of 0.95 have a standard error of 0.5 %; Wilson's own coverage swings between 0.92 and 0.99 with the share
@pytest.mark.parametrize(("share", "asked"), [(0.5, 60), (0.9, 100), (0.99, 300), (0.998, 1000), (0.9995, 1000)])
def test_wilsons_interval_covers_the_truth_in_95_of_100_samples(share: float, asked: int):
    assert covered(share, asked, 600 if asked == 1000 else 2000) >= 0.92


@pytest.mark.parametrize(
    ("sizes", "truths", "asked"),
    [
        ([1000.0] * 3, [0.9, 0.95, 0.99], [50] * 3),
        ([10000.0, 1000.0, 100.0], [0.99, 0.9, 0.5], [100, 30, 20]),
        ([5000.0] * 10, [0.99] * 10, [20] * 10),
        ([5000.0] * 5 + [500.0] * 5, [0.99] * 5 + [0.7] * 5, [40] * 5 + [20] * 5),
    ],
)
def test_the_stratified_interval_covers_the_truth(sizes: list[float], truths: list[float], asked: list[int]):
    assert strata_covered(sizes, truths, asked) >= 0.92


def test_strata_are_weighted_by_their_size_and_not_by_how_many_were_asked():
    found = stratified([Stratum("large", 9000, 10, 10), Stratum("small", 1000, 90, 0)])
    assert found.estimate == pytest.approx(0.9)
    assert found.low < 0.9 < found.high


def test_one_stratum_is_a_plain_sample():
    found, plain = stratified([Stratum("all", 500, 80, 60)]), wilson(60, 80)
    assert (found.estimate, found.low, found.high) == pytest.approx((plain.estimate, plain.low, plain.high), abs=1e-3)


def test_a_part_that_nobody_was_asked_of_may_have_any_share():
    alone = stratified([Stratum("asked", 90, 50, 50)])
    found = stratified([Stratum("asked", 90, 50, 50), Stratum("unasked", 10, 0, 0)])
    assert found.estimate == alone.estimate
    assert found.low == pytest.approx(0.9 * alone.low)
    assert found.high == 1.0
    nothing = stratified([Stratum("unasked", 10, 0, 0)])
    assert (nothing.low, nothing.high) == (0.0, 1.0)
    with pytest.raises(ValueError, match="without members"):
        stratified([])
