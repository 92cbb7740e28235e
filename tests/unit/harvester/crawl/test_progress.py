"""The progress of a harvest, in one line and on a terminal."""

import io

import pytest
from rich.console import Console

from harvester.crawl.progress import Snapshot, display, duration, plain_line
from harvester.ratelimit.limiters import WaitOn


def snapshot(**more: object) -> Snapshot:
    values: dict[str, object] = {
        "seconds": 10.0,
        "windows_done": 2,
        "windows_open": 3,
        "records": 500,
        "held_before": 0,
        "expected": 2000,
        "states": {"read": 490, "deleted": 10, "lost": 0},
        "waited_seconds": 65.0,
        "waiting": None,
        "requests": 7,
    }
    return Snapshot(**{**values, **more})  # type: ignore[arg-type]


def shown(now: Snapshot) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(display(now))
    return out.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "?"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h 0 min"),
        (25920, "7 h 12 min"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float | None, text: str):
    assert duration(seconds) == text


def test_rate_and_time_left_follow_from_the_numbers():
    assert (snapshot().rate, snapshot().eta_seconds) == (50.0, 30.0)
    assert snapshot(expected=None).eta_seconds is None
    assert snapshot(records=0).eta_seconds is None
    assert snapshot(records=3000).eta_seconds == 0.0
    assert snapshot(seconds=0.0).rate == 0.0


def test_one_line_says_it_all():
    line = plain_line(snapshot(waiting=WaitOn("x.example", "429, as ordered", 12.3)))
    assert line == (
        "10 s: windows 2 done, 3 open; 500 of 2000 records (50/s, 30 s left); 490 read, 10 deleted; waited 1 min 5 s; "
        "x.example: 429, as ordered, next request in 12 s"
    )
    assert "nothing yet" in plain_line(snapshot(states={}, records=0, expected=None))


def test_the_display_has_the_same_numbers():
    text = shown(snapshot(waiting=WaitOn("x.example", "429, as ordered", 12.3)))
    for word in ("2 done, 3 open", "500 of 2,000", "50/s", "30 s", "read 490", "deleted 10", "next request in 12 s"):
        assert word in text
    assert "lost" not in text
    assert "unknown" in shown(snapshot(expected=None))


def test_ids_are_counted_where_ids_are_asked_for():
    now = snapshot(
        expected=None,
        expected_ids=4000,
        settled_before=1000,
        states={"read": 490, "absent": 500, "moved": 10, "open": 9},
    )
    assert now.settled == 1000
    assert now.eta_seconds == pytest.approx(20.0)
    assert "2000 of 4000 ids, 500 records" in plain_line(now)
    assert "2,000 of 4,000" in shown(now)
    assert snapshot(expected=None, expected_ids=4000, states={}).eta_seconds is None
