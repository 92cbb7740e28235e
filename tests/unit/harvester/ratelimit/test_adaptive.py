"""The pace for a limit that nobody tells: halved on a refusal, back below the wall, slowly on, and free in the end."""

import pytest

from harvester.ratelimit.adaptive import DOUBLE_SECONDS, NEAR, Climb


def sure(wall: float = 1.0) -> Climb:
    return Climb(wall, 0.0, wall / 2, wall, sure=True)


def test_a_refusal_halves_the_pace_once():
    climb = sure()
    before = climb.rate(100.0)
    climb.refused(100.0)
    assert climb.rate(100.0) == pytest.approx(before / 2)


def test_it_rises_without_a_step_back():
    climb = sure()
    rates = [climb.rate(float(second)) for second in range(600)]
    assert rates == sorted(rates)
    assert rates[0] == 0.5
    assert 0.93 < rates[15] < 0.96
    assert 0.97 < rates[90] < 1.0


def test_a_limit_that_is_gone_is_left_behind():
    assert sure().rate(3600.0) > 10


def test_before_two_looks_agreed_it_doubles_and_then_it_does_not():
    climb = Climb.begun(0.0, 60, 60.0)
    assert climb.rate(15.0 + DOUBLE_SECONDS) == pytest.approx(2 * NEAR)
    climb.refused(60.0)
    climb.recovered(60.0, 60, 60.0)
    assert climb.sure
    assert climb.rate(60.0 + 15 + DOUBLE_SECONDS) < 1.1


def test_the_wall_is_found_from_far_above_and_far_below():
    for first in (0.1, 10.0):
        climb, clock = Climb.begun(0.0, int(60 * first), 60.0), 0.0
        for _ in range(12):
            rate = climb.rate(clock)
            while rate < 1.05 and clock < 10000:
                clock += 1
                rate = climb.rate(clock)
            seconds = max(60.0, clock - climb.since)
            climb.refused(clock)
            climb.recovered(clock + 1, int(seconds), seconds)
            clock += 1
        assert 0.85 < climb.wall < 1.15


def test_refusals_far_below_what_was_let_through_before_bring_it_down_slowly():
    climb = sure(10.0)
    climb.refused(50.0)
    climb.recovered(51.0, 100, 100.0)
    assert climb.wall >= 3.5


def test_its_grants_keep_the_pace():
    climb, clock, grants = sure(2.0), 100.0, 0
    while clock < 160.0:
        clock += climb.wait_seconds(clock)
        climb.grant(clock)
        grants += 1
    assert 110 < grants < 130


def test_its_state_goes_on_where_it_was_on_another_clock():
    climb = sure(3.0)
    climb.refused(20.0)
    again = Climb.of(climb.state(500.0), 400.0, 120.0)
    assert again.rate(125.0) == climb.rate(25.0)
    with pytest.raises(ValueError, match="a pace of"):
        Climb.of(climb.state(0.0) | {"wall": 0.0}, 0.0, 0.0)
