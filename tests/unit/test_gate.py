"""The gate: what the provider orders is obeyed, what merely fails backs off, and neither lasts for ever."""

import math
import random
from datetime import UTC, datetime

import pytest

from harvester.gate import (
    BACKOFF_MOST_SECONDS,
    LONGEST_WAIT_SECONDS,
    PATIENCE_SECONDS,
    Gate,
    backoff_seconds,
    parse_retry_after,
)

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0.0), ("120", 120.0), (" 7 ", 7.0), ("99999999999", 99999999999.0), ("9" * 5000, math.inf),
     ("Wed, 04 Mar 2026 05:06:37 GMT", 30.0), ("Wednesday, 04-Mar-26 05:06:37 GMT", 30.0),
     ("Wed Mar  4 05:06:37 2026", 30.0),
     ("Wed, 04 Mar 2026 06:06:37 +0100", 30.0)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float):
    assert parse_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-5", "1.5", "٥", "²", "Wed, 04 Mar 2026 05:06:07 GMT", "Wed, 04 Mar 2020 05:06:07 GMT",
     "Wed, 99 Mar 2026 05:06:07 GMT",
     "Mon, 01 Jan 99999 00:00:00 GMT", "Mon, 01 Jan 2030 00:00:00 +" + "9" * 30, "Mon, 01 Jan 0001 00:00:00 +2300",
     "Mon, 31 Dec 9999 23:59:59 -2300", "\0", "," * 100],
)  # fmt: skip
def test_what_orders_nothing_is_none(value: str):
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or seconds > 1e11


def test_backing_off_doubles_up_to_a_limit_and_spreads():
    for chance in (0.0, 0.5, 0.999):
        waits = [backoff_seconds(failures, chance) for failures in range(1, 2000)]
        assert waits == sorted(waits)
        assert waits[-1] <= BACKOFF_MOST_SECONDS
    assert backoff_seconds(3, 0.0) == 2 * backoff_seconds(2, 0.0) == 4 * backoff_seconds(1, 0.0)
    assert backoff_seconds(1, 0.0) < backoff_seconds(1, 0.9)


def test_requests_keep_their_distance():
    gate = Gate("x", delay_seconds=2.0)
    assert gate.wait_seconds(100.0) == 0.0
    gate.asked(100.0)
    assert gate.wait_seconds(100.5) == 1.5
    assert gate.wait_seconds(103.0) == 0.0


def test_an_order_is_obeyed_to_the_second_and_no_answer_takes_it_back():
    gate = Gate("x")
    assert gate.refused(100.0, 429, 30.0) == 30.0
    assert gate.reason == "429, as ordered"
    assert gate.wait_seconds(110.0) == 20.0
    assert gate.refused(110.0, 503, 5.0) == 5.0
    assert gate.wait_seconds(110.0) == 20.0
    gate.answered(111.0)
    assert gate.reason == ""
    assert gate.wait_seconds(111.0) == 19.0


def test_without_an_order_it_backs_off_and_begins_anew_after_an_answer():
    gate = Gate("x", _random=random.Random(1))
    waits = [gate.refused(1000.0 * n, 429, None) or 0.0 for n in range(5)]
    assert gate.reason == "429, backing off"
    assert waits[4] > waits[2] > waits[0]
    gate.answered(6000.0)
    assert (gate.refused(6001.0, 429, None) or 99.0) <= 1.0


def test_orders_of_no_wait_are_no_circle():
    gate = Gate("x")
    clock, asked = 0.0, 0
    while (wait := gate.refused(clock, 429, 0.0)) is not None:
        assert asked == 0 or wait > 0
        clock, asked = clock + wait, asked + 1
    assert clock <= PATIENCE_SECONDS
    assert asked < 30_000


@pytest.mark.parametrize("order", [LONGEST_WAIT_SECONDS + 1, 1e12, math.inf])
def test_nobody_waits_for_ever_for_one_answer(order: float):
    gate = Gate("x")
    assert gate.refused(0.0, 429, order) is None
    assert gate.not_before == 0.0


def test_nobody_waits_in_vain_for_ever():
    gate = Gate("x")
    clock = 0.0
    while (wait := gate.refused(clock, 503, 3000.0)) is not None:
        clock += wait
    assert PATIENCE_SECONDS - 3000 < clock <= PATIENCE_SECONDS
