"""Waits as the ledger keeps them: each order when it begins, and the pace as long stretches."""

from harvester.ratelimit.waits import STRETCH_SECONDS, Wait, Waits

NOW = 1772600767.0
TEXT = "2026-03-04T05:06:07Z"


def test_an_order_is_told_when_it_begins_and_once():
    waits = Waits()
    waits.ordered("x", "429, as ordered", NOW, 30.0)
    waits.ordered("x", "429, as ordered", NOW, 0.5)
    assert waits.take(NOW) == [Wait("x", TEXT, 30.0, "429, as ordered")]
    assert waits.take(NOW) == []


def test_a_pace_is_one_stretch_until_nobody_waits_any_more():
    waits = Waits()
    for second in range(20):
        waits.paced("x", "60 a minute", NOW + second, 0.9)
    assert waits.take(NOW + 20) == []
    [wait] = waits.take(NOW + 30)
    assert (wait.reason, round(wait.seconds)) == ("60 a minute", 18)


def test_a_long_stretch_is_told_in_parts_and_the_rest_at_the_end():
    waits, seconds = Waits(), 0.0
    for second in range(int(2.5 * STRETCH_SECONDS)):
        waits.paced("x", "60 a minute", NOW + second, 0.5)
        seconds += sum(wait.seconds for wait in waits.take(NOW + second))
    waits.end()
    rest = waits.take(NOW)
    assert seconds + rest[0].seconds == 0.5 * int(2.5 * STRETCH_SECONDS)
    assert waits.take(NOW) == []
