"""Decisions on windows: what becomes of a window, whatever way it ended."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from harvester.oaipmh import tokens
from harvester.oaipmh.cutting import (
    Span,
    Traits,
    calendar,
    can_split,
    count_outside,
    cut,
    describe,
    on_granule,
    part_of,
    record_limit,
)
from harvester.oaipmh.windows import (
    ATTEMPTS_MOST,
    BARREN_MOST,
    GET_RECORD,
    LIST_IDENTIFIERS,
    LIST_RECORDS,
    Again,
    Beginnings,
    BySet,
    Done,
    Ended,
    Lost,
    Queue,
    Singly,
    Split,
    decide,
    distrust_empty,
)

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


def day(number: int, **more: int) -> datetime:
    return datetime(2020, 1, number, tzinfo=UTC).replace(**more)  # type: ignore[arg-type]


WHOLE = Span(None, None)
YEAR = Span(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 12, 31, 23, 59, 59, tzinfo=UTC))
POINT = Span(day(5), day(5))


def traits(**more: Any) -> Traits:
    return Traits(**{"granule": SECOND, "earliest": day(1), "newest": day(31), **more})


def ended(end: str = tokens.EMPTY_TOKEN, span: Span = YEAR, **more: Any) -> Ended:
    values: dict[str, Any] = {
        "verb": LIST_RECORDS,
        "attempts": 1,
        "listed": 50,
        "distinct": 50,
        "pages": 5,
        "page_size": 10,
    }
    return Ended(**{"span": span, "end": end, **values, **more})


def codes(decision: Any) -> list[str]:
    return [found.code for found in decision.findings]


def covers(spans: tuple[Span, ...], span: Span, granule: timedelta) -> bool:
    """The windows follow each other without gap and overlap, from the first bound to the last."""
    return (
        (spans[0].from_, spans[-1].until) == (span.from_, span.until)
        and all(one.until is not None and one.until + granule == two.from_ for one, two in pairwise(spans))
        and all(s.from_ <= s.until for s in spans if s.from_ is not None and s.until is not None)
    )


# --- lists that were walked to their end


def test_a_list_of_exactly_the_stated_size_is_believed():
    assert decide(ended(stated_first=50, stated_last=50), traits()) == Done()
    assert decide(ended(stated_first=50, stated_last=50, reissued=True), traits()) == Done()


def test_a_list_without_a_stated_size_is_believed():
    assert decide(ended(), traits()) == Done()
    assert decide(ended(tokens.NO_RECORDS, listed=0, distinct=0, pages=1), traits()) == Done()


def test_one_response_is_believed_and_says_when_it_holds_another_number():
    decision = decide(ended(pages=1, stated_first=60, stated_last=60), traits())
    assert codes(decision) == ["list-size-differs"]
    assert (decision.findings[0].expected, decision.findings[0].found) == (60, 50)  # type: ignore[union-attr]


def test_a_list_of_another_size_than_stated_is_listed_again_and_then_said():
    odd = {"stated_first": 49, "stated_last": 49}
    assert decide(ended(**odd), traits()) == Again()
    assert codes(decide(ended(attempts=2, **odd), traits())) == ["list-size-differs"]


def test_a_list_that_lacks_much_is_cut_into_windows_of_a_page():
    decision = decide(ended(attempts=2, stated_first=500, stated_last=500), traits())
    assert isinstance(decision, Split)
    assert covers(decision.spans, YEAR, SECOND)
    assert len(decision.spans) == 75


def test_a_size_that_moved_is_cut_where_it_can_be_and_else_read_again():
    moved = {"stated_first": 50, "stated_last": 51}
    assert isinstance(decide(ended(**moved), traits()), Split)
    assert decide(ended(span=POINT, **moved), traits()) == Again()


def test_a_list_whose_token_was_sent_twice_starts_again():
    again = ended(reissued=True, stated_first=60, stated_last=60)
    assert decide(again, traits()) == Again()
    last = {"reissued": True, "attempts": ATTEMPTS_MOST}
    assert isinstance(decide(ended(**last), traits()), Split)
    assert decide(ended(span=POINT, **last), traits()) == Singly()
    assert codes(decide(ended(span=POINT, verb=LIST_IDENTIFIERS, **last), traits())) == ["window-unproven"]


def test_an_empty_window_is_not_believed_where_bounds_are_not_honoured():
    empty = {"end": tokens.NO_RECORDS, "listed": 0, "distinct": 0, "pages": 1}
    for known, span, attempts, expected in (
        (True, YEAR, 1, []),
        (None, YEAR, 1, []),
        (False, WHOLE, 1, []),
        (False, YEAR, 2, ["window-unproven"]),
    ):
        one = ended(span=span, attempts=attempts, **empty)
        decision = distrust_empty(decide(one, traits(ranges=known)), one, traits(ranges=known))
        assert codes(decision) == expected
    one = ended(**empty)
    assert distrust_empty(Done(), one, traits(ranges=False)) == Again()


def test_noRecordsMatch_for_a_token_is_believed_only_with_all_that_was_stated():
    whole = ended(tokens.TOKEN_NO_RECORDS, stated_first=50, stated_last=50)
    assert codes(decide(whole, traits())) == ["token-no-records"]
    assert decide(ended(tokens.TOKEN_NO_RECORDS), traits()) == Again()
    assert isinstance(decide(ended(tokens.TOKEN_NO_RECORDS, attempts=2), traits()), Split)


def test_a_window_that_cannot_be_cut_is_sought_by_set_before_it_is_given_up():
    stuck = {"span": POINT, "verb": GET_RECORD, "attempts": 3}
    lost = ended(tokens.TOKEN_LOOP, stated_first=60, stated_last=60, **stuck)
    assert isinstance(decide(lost, traits()), Lost)
    assert decide(lost, traits(sets=("a", "b"))) == BySet(("a", "b"))
    assert codes(decide(ended(tokens.TOKEN_LOOP, **stuck), traits(sets=("a",)))) == ["window-unproven"]
    assert isinstance(decide(replace(lost, in_set=True), traits(sets=("a", "b"))), Lost)


# --- lists that walk in circles


@pytest.mark.parametrize("end", sorted(tokens.CIRCULAR_ENDS))
def test_a_circle_is_believed_only_with_all_it_stated(end: str):
    assert codes(decide(ended(end, stated_first=50, stated_last=50), traits())) == [end]
    assert isinstance(decide(ended(end, stated_first=51, stated_last=51), traits()), Split)
    assert isinstance(decide(ended(end), traits()), Split)
    for attempts, decision in ((1, Again()), (2, Again()), (3, Singly())):
        assert decide(ended(end, POINT, attempts=attempts), traits()) == decision
    census = decide(ended(end, POINT, attempts=3, verb=LIST_IDENTIFIERS), traits())
    assert codes(census) == ["window-unproven"]


def test_a_token_that_forgets_is_done_without():
    decision = decide(ended(tokens.TOKEN_FORGETS, stated_first=50, stated_last=9000), traits())
    assert isinstance(decision, Split)
    assert decision.fit_page
    assert codes(decision) == ["list-size-jumps"]
    assert decide(ended(tokens.TOKEN_FORGETS, POINT, attempts=3), traits()) == Singly()


def test_a_list_that_is_too_large_is_cut_by_its_stated_size():
    decision = decide(ended(tokens.TOO_LARGE, stated_first=50_000, stated_last=50_000), traits())
    assert isinstance(decision, Split)
    assert len(decision.spans) == 10
    assert covers(decision.spans, YEAR, SECOND)
    assert len(decide(ended(tokens.TOO_LARGE), traits()).spans) == 8  # type: ignore[union-attr]


# --- lists that failed


@pytest.mark.parametrize("end", sorted(tokens.FAILED_ENDS))
def test_a_list_that_failed_is_cut_and_at_one_granule_asked_for_by_name(end: str):
    first = decide(ended(end, listed=0, distinct=0, pages=0), traits())
    assert isinstance(first, Again if end in (tokens.TOKEN_EXPIRED, tokens.TOKEN_NO_RECORDS) else Split)
    second = decide(ended(end, attempts=2, listed=0, distinct=0, pages=0), traits())
    assert isinstance(second, Split)
    assert covers(second.spans, YEAR, SECOND)
    assert decide(ended(end, POINT), traits()) == Again()
    assert decide(ended(end, POINT, attempts=2), traits()) == Singly()
    assert codes(decide(ended(end, POINT, attempts=2, verb=LIST_IDENTIFIERS), traits())) == ["window-lost"]


def test_a_provider_that_ignores_ranges_is_not_cut():
    assert decide(ended(tokens.PAGE_LOST, attempts=2), traits(ranges=False)) == Singly()


def test_a_provider_that_does_not_answer_is_not_asked_in_ever_smaller_pieces():
    barren = traits(barren=BARREN_MOST + 1)
    decision = decide(ended(tokens.PAGE_LOST), barren)
    assert isinstance(decision, Lost)
    assert codes(decision) == ["window-lost"]


def test_few_names_in_a_window_that_failed_are_asked_for_one_by_one():
    named = {"stamps": (day(2), day(9)), "named": 2, "listed": 0}
    assert decide(ended(tokens.PAGE_UNREADABLE, **named), traits()) == Singly()
    assert decide(ended(tokens.PAGE_UNREADABLE, stamps=(day(2),), named=500), traits()) == Singly()


def test_a_window_that_failed_is_cut_where_its_names_are():
    stamps = tuple(day(n) for n in range(1, 21))
    decision = decide(ended(tokens.PAGE_UNREADABLE, stamps=stamps, named=20, listed=0), traits())
    assert decision == Split((Span(YEAR.from_, day(11) - SECOND), Span(day(11), YEAR.until)))


# --- record by record


def test_records_asked_for_by_name_are_done_or_lost_after_some_tries():
    single = {"verb": GET_RECORD, "span": POINT}
    assert decide(ended(tokens.LIST_COMPLETE, **single), traits()) == Done()
    assert decide(ended(tokens.PAGE_LOST, attempts=2, **single), traits()) == Again()
    assert codes(decide(ended(tokens.PAGE_LOST, attempts=3, **single), traits())) == ["window-lost"]
    assert codes(decide(ended(tokens.TOKEN_LOOP, attempts=3, **single), traits())) == ["window-unproven"]


# --- cutting


@pytest.mark.parametrize("granule", [SECOND, DAY])
@pytest.mark.parametrize("span", [YEAR, WHOLE, Span(day(3), None), Span(None, day(9)), Span(day(3), day(4))])
def test_the_parts_of_a_window_are_the_window(span: Span, granule: timedelta):
    for parts in (2, 3, 7, 64, 1000):
        spans = cut(span, parts, traits(granule=granule))
        assert covers(spans, span, granule)
        assert 2 <= len(spans) <= parts
    assert len(cut(YEAR, 12, traits())) == 12
    assert len(cut(Span(day(3), day(4)), 12, traits(granule=DAY))) == 2


def test_a_window_of_one_granule_is_not_cut():
    assert not can_split(POINT, traits())
    assert can_split(Span(day(5), day(5) + SECOND), traits())
    assert not can_split(Span(day(5), day(5) + SECOND), traits(granule=DAY))
    assert not can_split(YEAR, traits(ranges=False))
    assert can_split(YEAR, traits(ranges=True))


@pytest.mark.parametrize(("unit", "count"), [("day", 366), ("month", 12), ("year", 1)])
def test_calendar_windows_begin_where_the_calendar_says(unit: str, count: int):
    spans = calendar(YEAR, unit, traits())
    assert len(spans) == count
    assert covers(spans, YEAR, SECOND)
    assert all(span.from_ is not None and span.from_.time().isoformat() == "00:00:00" for span in spans)


@pytest.mark.parametrize("unit", ["day", "month", "year"])
def test_the_calendar_begins_and_ends_with_time(unit: str):
    last = Span(datetime(9999, 11, 5, tzinfo=UTC), datetime.max.replace(microsecond=0, tzinfo=UTC))
    first = Span(datetime(1, 1, 1, tzinfo=UTC), datetime(1, 2, 3, tzinfo=UTC))
    for span in (first, last):
        for granule in (SECOND, DAY):
            assert covers(calendar(span, unit, traits(granule=granule)), span, granule)


def in_time(spans: Iterable[Span]) -> tuple[Span, ...]:
    return tuple(sorted(spans, key=lambda span: span.from_ or datetime.min.replace(tzinfo=UTC)))


@pytest.mark.parametrize("parts", [1, 2, 8, 12, 13, 300, 1000])
def test_the_parts_that_several_machines_harvest_are_the_window(parts: int):
    spans = [span for number in range(1, parts + 1) for span in part_of(YEAR, number, parts, traits())]
    assert covers(in_time(spans), YEAR, SECOND)


def test_parts_that_start_at_different_times_leave_nothing_between_them():
    open_end = Span(None, None)
    early, late = traits(newest=datetime(2020, 5, 3, tzinfo=UTC)), traits(newest=datetime(2020, 8, 9, tzinfo=UTC))
    spans = [*part_of(open_end, 1, 2, early), *part_of(open_end, 2, 2, late)]
    for moment in (datetime(2020, month, 2, tzinfo=UTC) for month in range(1, 6)):
        assert any(
            (span.from_ is None or span.from_ <= moment) and (span.until is None or moment <= span.until)
            for span in spans
        )


def test_the_limit_of_a_list_follows_what_is_known():
    assert record_limit(POINT, traits()) is None
    assert record_limit(YEAR, traits(ranges=False)) is None
    assert record_limit(YEAR, traits(fit_page=True)) == 0
    assert record_limit(YEAR, traits(target=100)) == 200


# --- what a list should not have given


def row(stamp: str, *sets: str) -> tuple[str, str, bool, tuple[str, ...]]:
    return ("oai:x:1", stamp, False, sets)


@pytest.mark.parametrize(
    ("stamp", "outside"),
    [
        ("2020-01-05T00:00:00Z", 0),
        ("2020-01-04T23:59:59Z", 0),
        ("2020-01-04T23:59:58Z", 1),
        ("2020-01-05T00:00:01Z", 0),
        ("2020-01-05T00:00:02Z", 1),
        ("no date", 0),
    ],
)
def test_datestamps_outside_of_a_window_are_counted_with_a_granule_to_spare(stamp: str, outside: int):
    assert count_outside([row(stamp)], POINT, None, traits()) == outside
    assert count_outside([row(stamp)], WHOLE, None, traits()) == 0


@pytest.mark.parametrize(
    ("sets", "outside"), [((), 0), (("a",), 0), (("a:b",), 0), (("b", "a"), 0), (("b",), 1), (("ab",), 1)]
)
def test_sets_that_were_not_asked_for_are_counted(sets: tuple[str, ...], outside: int):
    assert count_outside([row("2020-01-05", *sets)], WHOLE, "a", traits()) == outside


def test_windows_at_the_ends_of_time_are_windows():
    times = Span(datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(microsecond=0, tzinfo=UTC))
    for granule in (SECOND, DAY):
        assert (
            count_outside([row("0001-01-01"), row("9999-12-31T23:59:59Z")], times, None, traits(granule=granule)) == 0
        )
        assert covers(cut(times, 9, traits(granule=granule)), times, granule)


# --- the rest


def test_a_window_is_described_for_people():
    assert describe(WHOLE) == "the whole list"
    assert describe(Span(day(1), None)) == "2020-01-01T00:00:00Z to the end"
    assert describe(Span(None, day(1))) == "the beginning to 2020-01-01T00:00:00Z"
    assert describe(Span(datetime(1, 1, 1, tzinfo=UTC), day(1))) == "0001-01-01T00:00:00Z to 2020-01-01T00:00:00Z"


def test_a_moment_lies_on_a_granule():
    moment = datetime(2020, 1, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert on_granule(moment, traits()) == moment.replace(microsecond=0)
    assert on_granule(moment, traits(granule=DAY)) == day(5)


def test_what_was_seen_widens_what_is_known():
    known = traits()
    for moment in (day(10), datetime(1999, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)):
        known.seen(moment)
    assert (known.earliest.year, known.newest.year) == (1999, 2030)


def test_windows_are_taken_by_channel_then_time_and_the_tail_of_a_channel_last():
    queue = Queue()
    queue.add(1, 2, Span(day(1), None), tail=False)
    queue.add(2, 1, Span(day(1), None), tail=True)
    queue.add(3, 1, Span(day(9), None), tail=False)
    queue.add(4, 1, WHOLE, tail=False)
    queue.add(5, 1, Span(day(2), None), tail=False)
    assert [queue.take() for _ in range(6)] == [4, 5, 3, 2, 1, None]


def test_windows_apart_that_begin_with_the_same_records_are_one_list():
    def year(number: int) -> Span:
        return Span(datetime(number, 1, 1, tzinfo=UTC), datetime(number, 12, 31, tzinfo=UTC))

    beginnings = Beginnings()
    whole = Span(None, None)
    assert not beginnings.repeats(1, ["a", "b"], whole)
    # parts of a window begin as it does, and as their own parts do
    assert not any(beginnings.repeats(1, ["a", "b"], Span(None, year(n).until)) for n in range(2020, 2000, -1))
    assert not any(beginnings.repeats(1, ["a", "b"], year(n)) for n in (2021, 2022))
    assert not beginnings.repeats(2, ["a", "b"], year(2023))
    assert not beginnings.repeats(1, ["c", "a", "d"], year(2023))
    assert beginnings.repeats(1, ["b", "a"], year(2024))


def test_windows_apart_that_share_half_of_their_first_records_are_one_list():
    def day(number: int) -> Span:
        return Span(datetime(2020, 1, number, tzinfo=UTC), datetime(2020, 1, number, 23, tzinfo=UTC))

    beginnings = Beginnings()
    lists = [["a", "b", "c"], ["b", "d", "a"], ["a", "e", "b"], ["f", "b", "a"]]
    assert [beginnings.repeats(1, names, day(n)) for n, names in enumerate(lists, 1)] == [False, False, False, True]
    # one busy record in every list is no proof
    assert not any(beginnings.repeats(1, ["x", f"y{n}", f"z{n}"], day(n)) for n in range(1, 20))
