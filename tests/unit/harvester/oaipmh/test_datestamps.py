"""Datestamps: whatever providers send is read or is None, and what we send is legal."""

from datetime import UTC, datetime

import pytest

from harvester.oaipmh.datestamps import DAY, SECOND, as_argument, granularity_of, parse

MOMENT = datetime(2020, 2, 29, 12, 34, 56, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2020-02-29T12:34:56Z",
        " 2020-02-29T12:34:56Z\n",
        "2020-02-29 12:34:56Z",
        "2020-02-29T12:34:56",
        "2020-02-29T12:34:56.789Z",
        "2020-02-29T12:34:56,7Z",
        "2020-02-29T12:34:56+00:00",
        "2020-02-29T14:34:56+02:00",
        "2020-02-29T07:04:56-0530",
    ],
)
def test_a_second_is_read_in_every_form_in_use(text: str):
    assert parse(text) == MOMENT


def test_a_day_is_its_midnight_and_a_minute_its_first_second():
    assert parse("2020-02-29") == datetime(2020, 2, 29, tzinfo=UTC)
    assert parse("2020-02-29T12:34Z") == datetime(2020, 2, 29, 12, 34, tzinfo=UTC)


def test_an_offset_may_lead_into_another_day_or_out_of_time():
    assert parse("2020-02-29T23:00:00-02:00") == datetime(2020, 3, 1, 1, tzinfo=UTC)
    assert parse("0001-01-01T00:00:00+01:00") is None
    assert parse("9999-12-31T23:59:59-01:00") is None


def test_the_first_years_are_read_with_and_without_an_offset():
    first = datetime(1, 1, 1, tzinfo=UTC)
    for text in ("0001-01-01", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00", "0001-01-01T01:00:00+01:00"):
        assert parse(text) == first


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-13-45T25:61:00Z",
        "2021-02-29",
        "0000-01-01",
        "2020-1-1",
        "20200101",
        "2020-02-29T",
        "2020-02-29Z",
        "2020-02-29T12Z",
        "2020-02-29T12:34:60Z",
        "2020-02-29T12:34:56+99:99",
        "today",
        "٢٠٢٠-٠٢-٢٩",
        "2020-02-29T12:34:56ZZ",
        "12020-01-01",
    ],
)
def test_what_is_no_moment_is_none(text: str):
    assert parse(text) is None


@pytest.mark.parametrize(
    ("moment", "second", "day"),
    [
        (MOMENT, "2020-02-29T12:34:56Z", "2020-02-29"),
        (datetime(1, 2, 3, tzinfo=UTC), "0001-02-03T00:00:00Z", "0001-02-03"),
    ],
)
def test_arguments_are_sent_in_the_granularity_of_the_provider(moment: datetime, second: str, day: str):
    assert (as_argument(moment), as_argument(moment, SECOND), as_argument(moment, DAY)) == (second, second, day)


@pytest.mark.parametrize(
    ("text", "granularity"),
    [
        ("YYYY-MM-DD", DAY),
        (" yyyy-mm-dd ", DAY),
        ("YYYY-MM-DDThh:mm:ssZ", SECOND),
        ("", SECOND),
        (None, SECOND),
        ("x", SECOND),
    ],
)
def test_the_granularity_is_seconds_unless_it_is_days(text: str | None, granularity: str):
    assert granularity_of(text) == granularity
