"""The gate: what the provider orders is obeyed, what merely fails backs off, and neither lasts for ever."""

import math
import random
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from harvester.ratelimit.adaptive import Climb
from harvester.ratelimit.headers import Budget, Stated
from harvester.ratelimit.limiter import (
    BACKOFF_MOST_SECONDS,
    LONGEST_WAIT_SECONDS,
    PATIENCE_SECONDS,
    TRIAL_SECONDS,
    Gate,
    backoff_seconds,
    parse_retry_after,
)
from harvester.ratelimit.limits import SILENT_MOST

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("99999999999", 99999999999.0),
        ("9" * 5000, math.inf),
        ("Wed, 04 Mar 2026 05:06:37 GMT", 30.0),
        ("Wednesday, 04-Mar-26 05:06:37 GMT", 30.0),
        ("Wed Mar  4 05:06:37 2026", 30.0),
        ("Wed, 04 Mar 2026 06:06:37 +0100", 30.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float):
    assert parse_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "-5",
        "1.5",
        "٥",
        "²",
        "Wed, 04 Mar 2026 05:06:07 GMT",
        "Wed, 04 Mar 2020 05:06:07 GMT",
        "Wed, 99 Mar 2026 05:06:07 GMT",
        "Mon, 01 Jan 99999 00:00:00 GMT",
        "Mon, 01 Jan 2030 00:00:00 +" + "9" * 30,
        "Mon, 01 Jan 0001 00:00:00 +2300",
        "Mon, 31 Dec 9999 23:59:59 -2300",
        "\0",
        "," * 100,
    ],
)
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


def test_all_that_was_on_its_way_is_refused_once():
    gate = Gate("x", _random=random.Random(1))
    for number in range(8):
        gate.refused(100.0 + number / 100, 429, None, sent=99.0)
    assert gate.not_before < 120.0
    assert gate.refused(120.0, 429, 30.0, sent=99.0) == 30.0
    assert gate.wait_seconds(121.0) == 29.0


def test_after_a_refusal_one_request_goes_ahead_and_the_others_follow_its_answer():
    gate = Gate("x")
    gate.refused(100.0, 429, 10.0)
    assert gate.wait_seconds(110.0) == 0.0
    gate.asked(110.0)
    assert gate.wait_seconds(110.1) > 0
    gate.answered(110.2, sent=95.0)
    assert gate.wait_seconds(110.2) > 0
    gate.answered(110.3, sent=110.0)
    assert gate.wait_seconds(110.3) == 0.0


@pytest.mark.parametrize("end", ["lost", "time"])
def test_nobody_waits_for_ever_for_the_one_that_went_ahead(end: str):
    gate = Gate("x", shy=True)
    gate.asked(100.0)
    assert gate.wait_seconds(100.1) > 0
    if end == "lost":
        gate.lost()
    assert gate.wait_seconds(100.2 if end == "lost" else 100.0 + TRIAL_SECONDS) == 0.0


def test_a_ban_waits_longer_each_time_and_says_so():
    gate, clock, waits = Gate("x", _random=random.Random(1)), 1000.0, []
    gate.bans.told(999.0)
    for _ in range(4):
        assert gate.bans.judge(clock, "u", clock, "text/html", b"blocked", ordered=False) == "ban"
        waits.append(gate.banned(clock, 403, None) or 0.0)
        assert gate.reason == "banned (403)"
        clock += waits[-1]
    assert all(late > 1.5 * early for early, late in pairwise(waits))


def test_nobody_waits_for_the_end_of_a_ban_for_ever():
    gate, clock = Gate("x"), 0.0
    gate.bans.told(0.0)
    while True:
        assert gate.bans.judge(clock, "u", clock, "text/html", b"banned", ordered=False) == "ban"
        if (wait := gate.banned(clock, 403, None)) is None:
            break
        clock += wait
    assert PATIENCE_SECONDS - LONGEST_WAIT_SECONDS * 1.1 < clock <= PATIENCE_SECONDS


def heard(gate: Gate, path: str, limit: int, remaining: int, reset: float, clock: float = 100.0) -> None:
    gate.heard(clock, path, [Stated(limit, None, remaining, reset)], gate.asked(clock, path))


def budgets(gate: Gate, path: str) -> set[tuple[int, float]]:
    return {(meter.budget.requests, meter.budget.seconds) for meter in gate.limits.metering(path)}


def test_a_limit_that_headers_tell_holds_for_its_part_of_the_host_and_for_parts_that_say_nothing():
    gate = Gate("x")
    heard(gate, "/api/records/1", 133, 132, 60.0)
    assert budgets(gate, "/oai2d") == {(133, 60.0)}
    heard(gate, "/oai2d", 30, 29, 60.0)
    assert budgets(gate, "/oai2d") == {(30, 60.0)}
    assert budgets(gate, "/api/records/2") == {(133, 60.0)}
    assert budgets(gate, "/other") == {(133, 60.0), (30, 60.0)}


def test_several_limits_of_one_path_hold_at_once():
    gate = Gate("x")
    heard(gate, "/api/1", 133, 100, 60.0)
    heard(gate, "/api/1", 8000, 99, 3500.0)
    assert budgets(gate, "/api/2") == {(133, 60.0), (8000, 3600.0)}


def test_what_headers_tell_of_a_budget_of_the_source_is_no_second_one():
    gate = Gate("x", budgets=(Budget(133, 60.0), Budget(30, 60.0, "/oai2d")))
    heard(gate, "/oai2d", 30, 29, 60.0)
    heard(gate, "/api/1", 133, 29, 60.0)
    assert not gate.limits.learned
    heard(gate, "/api/1", 60, 59, 60.0)
    assert budgets(gate, "/api/2") == {(133, 60.0), (60, 60.0)}


def test_a_window_turns_out_to_be_longer_than_it_seemed():
    gate = Gate("x")
    heard(gate, "/api/1", 60, 59, 7.0)
    assert budgets(gate, "/api/1") == {(60, 10.0)}
    heard(gate, "/api/1", 60, 59, 58.0, clock=107.0)
    assert budgets(gate, "/api/1") == {(60, 60.0)}
    assert next(iter(gate.limits.metering("/api/1"))).free == 58


def test_a_limit_that_headers_do_not_tell_of_any_more_is_gone():
    gate = Gate("x")
    heard(gate, "/api/1", 60, 59, 60.0)
    for _ in range(SILENT_MOST):
        assert gate.limits.learned
        gate.limits.heard_nothing("/api/1")
    assert not gate.limits.learned


def test_a_limit_is_found_where_nothing_is_told_and_not_where_refusals_come_by_chance():
    gate, clock = Gate("x", _random=random.Random(3)), 0.0
    for _ in range(60):
        clock += 0.1
        gate.answered(clock, clock)
    while clock < 60.0:
        clock += gate.refused(clock, 429, None, clock) or 0.0
    gate.answered(clock, clock)
    assert gate.climb is not None
    assert 0.5 < gate.climb.wall < 2.0
    chance, dice, clock = Gate("x", _random=random.Random(3)), random.Random(5), 0.0
    for _ in range(2000):
        clock += 0.1
        if dice.random() < 0.05:
            clock += chance.refused(clock, 429, dice.choice([None, 1.0]), clock) or 0.0
        chance.answered(clock, clock)
    assert chance.climb is None


def test_calm_means_that_nothing_is_known():
    gate = Gate("x")
    gate.settle()
    assert gate.calm
    for other in (Gate("x", budgets=(Budget(1, 1.0),)), Gate("x", delay_seconds=1.0), Gate("x", shy=True)):
        other.settle()
        assert not other.calm


def test_its_state_goes_on_in_another_process_with_budgets_of_its_own():
    gate = Gate("x", budgets=(Budget(30, 60.0, "/oai2d"),))
    heard(gate, "/api/1", 60, 10, 40.0)
    gate.asked(100.0, "/oai2d")
    gate.refused(101.0, 429, 20.0)
    other = Gate("x", budgets=(Budget(30, 60.0, "/oai2d"), Budget(5, 1.0)))
    other.take_over(gate.state(1000.0), 900.0, 201.0)
    assert other.wait(201.0, "/api/2") == (pytest.approx(20.0), "429, as ordered")
    assert [meter.free for meter in other.limits.metering("/oai2d")] == [29, 5, 58]
    assert budgets(other, "/api/1") == {(60, 60.0), (5, 1.0)}


def test_what_was_learned_is_forgotten_after_days():
    gate = Gate("x", climb=Climb.begun(100.0, 60, 60.0))
    heard(gate, "/api/1", 60, 10, 40.0)
    gate.limits.heard_words(100.0, "/b/1", Budget(7, 1.0))
    gate.climb = Climb.begun(100.0, 60, 60.0)
    gate.forget(100.0 + 86400 / 2)
    assert len(gate.limits.learned) == 2
    assert gate.climb is not None
    gate.forget(100.0 + 2 * 86400)
    assert len(gate.limits.learned) == 1
    assert gate.climb is None
    gate.forget(100.0 + 8 * 86400)
    assert not gate.limits.learned
