"""A budget, metered: never more than it holds in any window, all of it in each, and less when others spend it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.ratelimit.headers import Budget
from harvester.ratelimit.meter import Meter


def granted(meter: Meter, until: float, dice: random.Random | None = None) -> list[float]:
    """When requests leave for somebody who always has one, or with `dice` sometimes does something else."""
    clock, times = 0.0, []
    while clock < until:
        if (wait := meter.wait_seconds(clock)) > 0:
            clock += max(wait, 1e-6)
            continue
        meter.grant(clock)
        times.append(clock)
        if dice is not None and dice.random() < 0.1:
            clock += dice.expovariate(10 / meter.budget.seconds)
    return times


@given(st.integers(1, 200), st.sampled_from([1.0, 10.0, 60.0, 300.0]), st.randoms(use_true_random=False))
def test_no_window_of_any_place_holds_more_than_the_budget(requests: int, seconds: float, dice: random.Random):
    times = granted(Meter(Budget(requests, seconds)), 4 * seconds, dice)
    for first, after in zip(times, times[requests:], strict=False):
        assert after - first >= seconds


@pytest.mark.parametrize(("requests", "seconds"), [(60, 60.0), (30, 60.0), (133, 60.0), (8000, 3600.0), (500, 300.0)])
def test_all_of_a_budget_is_used(requests: int, seconds: float):
    times = granted(Meter(Budget(requests, seconds)), 10 * seconds)
    assert len(times) >= 0.985 * 10 * requests


def test_requests_are_spread_with_a_small_burst():
    times = granted(Meter(Budget(60, 60.0)), 60.0)
    assert times[5] == 0.0
    assert times[6] > 0.0
    assert 20 < times[30] < 30


def test_when_others_spend_it_the_providers_count_is_followed():
    meter = Meter(Budget(60, 60.0))
    meter.grant(0.0)
    meter.heard(0.1, 2, 40.0, 1)
    times = granted(meter, 45.0)
    assert [at for at in times if at < 40.1] == times[:2]
    assert times[2] >= 40.1


def test_what_own_requests_explain_is_no_reason_to_wait_longer():
    meter, other = Meter(Budget(60, 60.0)), Meter(Budget(60, 60.0))
    for number in range(60):
        for one in (meter, other):
            one.grant(number / 2)
    meter.heard(30.0, 0, 30.0, 60)
    assert meter.wait_seconds(31.0) == other.wait_seconds(31.0)


def test_an_answer_that_was_overtaken_says_nothing_new():
    meter = Meter(Budget(60, 60.0))
    for _ in range(3):
        meter.grant(0.0)
    meter.heard(0.2, 1, 50.0, 3)
    meter.heard(0.3, 55, 50.0, 1)
    assert meter.left == 1


def test_requests_that_are_on_their_way_are_taken_off():
    meter = Meter(Budget(60, 60.0))
    for _ in range(5):
        meter.grant(0.0)
    meter.heard(0.2, 10, 50.0, 2)
    assert meter.left == 7


def test_meeting_the_wall_near_the_limit_widens_the_margin_up_to_a_bound():
    near, far = Meter(Budget(10, 10.0)), Meter(Budget(10, 10.0))
    near.add(0.0, 10)
    before = near.wait_seconds(1.0)
    far.add(0.0, 2)
    for _ in range(20):
        near.met_the_wall()
        far.met_the_wall()
    assert before < near.wait_seconds(1.0) <= before + 1.0
    assert far.margin == Meter(Budget(10, 10.0)).margin


def test_its_state_goes_on_where_it_was_on_another_clock():
    meter = Meter(Budget(60, 60.0, "/oai2d"))
    for number in range(30):
        meter.grant(100.0 + number)
    meter.heard(130.0, 5, 20.0, 30)
    again = Meter.of(meter.state(1000.0), 900.0, 230.0)
    assert again.budget == meter.budget
    assert again.wait_seconds(230.0) == pytest.approx(meter.wait_seconds(130.0), abs=0.01)
    assert again.free == meter.free
    assert again.left == meter.left


def test_a_clock_that_was_set_back_makes_nobody_wait_for_longer_than_a_window():
    meter = Meter(Budget(60, 60.0))
    for _ in range(60):
        meter.grant(100000.0)
    meter.heard(100000.0, 0, 50.0, 60)
    assert Meter.of(meter.state(0.0), 0.0, 10.0).wait_seconds(10.0) < 70.0


@pytest.mark.parametrize(
    "change", [{"requests": 0}, {"seconds": 0}, {"seconds": -1}, {"log": 5}, {"log": [[1]]}, {"left": "x"}]
)
def test_what_is_no_state_raises(change: dict[str, object]):
    with pytest.raises((KeyError, TypeError, ValueError)):
        Meter.of(Meter(Budget(1, 1.0)).state(0.0) | change, 0.0, 0.0)


def test_nothing_left_for_longer_than_the_window_seemed_to_be_is_followed():
    meter = Meter(Budget(10, 10.0))
    meter.add(0.0, 10)
    meter.heard(1.0, 0, 9.0, 0)
    assert meter.wait_seconds(1.0) < 9.1
    meter.heard(1.0, 0, 39.0, 0)
    assert meter.wait_seconds(1.0) > 38
