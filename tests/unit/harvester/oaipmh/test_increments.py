"""harvester/oaipmh/increments.py: the form to ask for changes in, and the records that prove the answer."""

from datetime import UTC, datetime

import pytest

from harvester.oaipmh.datestamps import DAY, SECOND
from harvester.oaipmh.increments import Known, begin_at, candidates, form_for, shows

EXACT = "2026-11-30T19:45:05Z"
MOMENT = datetime(2026, 11, 30, 19, 45, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("claimed", "stamps", "form"),
    [
        (SECOND, [], SECOND),
        (SECOND, [EXACT, "2026-11-30T19:45:05.123Z"], SECOND),
        (SECOND, [EXACT, "2026-11-30"], DAY),
        (SECOND, ["2026-11-30T20:45:05+01:00"], DAY),
        (SECOND, ["2026-11-30T19:45:05"], DAY),
        (SECOND, ["2026-11-30 19:45:05"], DAY),
        (DAY, [EXACT], DAY),
    ],
)
def test_changes_are_asked_for_in_the_form_that_records_are_stamped_in(claimed: str, stamps: list[str], form: str):
    assert form_for(claimed, stamps) == form


def test_a_day_begins_at_its_midnight():
    assert begin_at(MOMENT, DAY) == datetime(2026, 11, 30, tzinfo=UTC)
    assert begin_at(MOMENT, SECOND) == MOMENT


def test_the_newest_live_records_prove_an_increment_and_tombstones_come_last():
    outcomes: list[tuple[str, str | None, str]] = [
        ("d", EXACT, "deleted"),
        ("a", "2026-01-01", "read"),
        ("b", "2026-03-01", "read"),
        ("c", "soon", "read"),
        ("a", "2026-09-01", "read"),
        ("e", None, "lost"),
    ]
    assert [(one.identifier, one.live) for one in candidates(outcomes)] == [("b", True), ("a", True), ("d", False)]


def test_a_list_shows_a_known_record_by_its_name_or_its_granule():
    known = Known("a", MOMENT)
    assert shows(known, [("a", "whatever")], SECOND)
    assert shows(known, [("b", EXACT)], SECOND)
    assert shows(known, [("b", "2026-11-30T01:00:00Z")], DAY)
    assert not shows(known, [("b", "2026-11-30T01:00:00Z")], SECOND)
    assert not shows(known, [], SECOND)


def test_a_later_record_shows_a_list_only_where_more_is_to_follow():
    later = [("b", "2026-12-01T00:00:00Z")]
    assert not shows(Known("a", MOMENT), later, SECOND)
    assert shows(Known("a", MOMENT), later, SECOND, more=True)
