"""A walk through the pages of a slice, and what becomes of the slice."""

from datetime import UTC, datetime, timedelta

import pytest

from harvester.oaipmh import cutting
from harvester.oaipmh.cutting import Span, Traits
from harvester.oaipmh.windows import Again, Decision, Done, Lost, Split
from harvester.rest import paging, searchends
from harvester.rest.paging import Paging
from harvester.rest.search import STYLES, DecodedHits
from harvester.rest.searchends import Walked

START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 12, 31, 23, 59, 59, tzinfo=UTC)
YEAR, SECOND, OPEN = Span(START, END), Span(START, START), Span(START, None)
TRAITS = Traits(paging.GRANULE, START, END)


def page(count: int, total: int | None, *, first: int = 0, cursor: str | None = None, stamp: str = "") -> DecodedHits:
    rows = tuple((str(first + n), stamp or f"2024-02-03T{n // 60:02}:{n % 60:02}:00Z") for n in range(count))
    return DecodedHits(rows, (), total, None, cursor, (), dates=tuple(date for _, date in rows))


def walk(style: str = "invenio", size: int = 25, limit: int | None = 100, splits: bool = True) -> Paging:
    return Paging(STYLES[style], size, limit, splits)


def decided(end: str, walked: Paging, distinct: int, span: Span = YEAR, attempts: int = 1) -> Decision:
    return searchends.decide(Walked(end, span, walked, distinct, attempts), TRAITS)


def codes(decision: Decision) -> list[str]:
    assert isinstance(decision, Done | Lost | Split)
    return [note.code for note in decision.findings]


def test_pages_go_on_to_the_stated_total():
    walked = walk()
    assert [walked.take(page(25, 60)), walked.place] == [None, "2"]
    assert [walked.take(page(25, 60, first=25)), walked.place] == [None, "3"]
    assert walked.take(page(10, 60, first=50)) == paging.LISTED
    assert decided(paging.LISTED, walked, 60) == Done()


def test_a_size_that_was_cut_counts_from_then_on():
    walked = walk(size=100)
    assert walked.take(page(25, 60)) is None
    assert (walked.size, walked.size_cut) == (25, False), "the total may count more than is shown"
    assert walked.take(page(25, 60, first=25)) is None
    assert (walked.size, walked.size_cut) == (25, True)


@pytest.mark.parametrize("total", [100, 101, 5000, 10**7])
def test_more_than_the_window_is_cut(total: int):
    walked = walk()
    assert walked.take(page(25, total)) == paging.TOO_LARGE
    decision = decided(paging.TOO_LARGE, walked, 25)
    assert isinstance(decision, Split)
    assert 2 <= len(decision.spans) <= searchends.PARTS_MOST
    assert (decision.spans[0].from_, decision.spans[-1].until) == (START, END)
    for before, after in zip(decision.spans, decision.spans[1:], strict=False):
        assert before.until is not None
        assert after.from_ == before.until + paging.GRANULE


def test_what_cannot_be_cut_is_read_as_far_as_the_window_opens_and_lost():
    walked = walk(splits=False)
    ends = [walked.take(page(25, 130, first=25 * n)) for n in range(4)]
    assert ends == [None, None, None, paging.OVERFLOW]
    decision = decided(paging.OVERFLOW, walked, 100, SECOND)
    assert isinstance(decision, Lost)
    (note,) = decision.findings
    assert (note.code, note.expected, note.found) == ("search-window-overflow", 130, 100)


def test_a_total_that_moved_is_listed_again_even_when_the_count_agrees():
    walked = walk()
    walked.take(page(25, 51))
    walked.take(page(25, 50, first=25))
    assert decided(paging.LISTED, walked, 50) == Again()
    again = decided(paging.LISTED, walked, 50, attempts=2)
    assert isinstance(again, Split)
    assert again.fit_page


def test_in_an_open_slice_more_may_come():
    walked = walk()
    walked.take(page(25, 50))
    walked.take(page(25, 51, first=25))
    assert decided(paging.LISTED, walked, 50, OPEN) == Again()
    assert decided(paging.LISTED, walked, 50, OPEN, attempts=2) == Done()
    assert decided(paging.LISTED, walked, 49, OPEN, attempts=2) != Done()


def test_too_few_or_too_many_records_are_cut_to_pages_and_in_one_page_a_finding_with_both_numbers():
    for found in (48, 52):
        walked = walk()
        walked.take(page(25, 50))
        walked.take(page(25, 50, first=25))
        assert isinstance(decided(paging.LISTED, walked, found, attempts=2), Split)
    single = walk()
    single.take(page(12, 14))
    single.take(page(0, 14))
    decision = decided(paging.LISTED, single, 12, attempts=2)
    assert isinstance(decision, Done)
    assert [(note.expected, note.found) for note in decision.findings] == [(14, 12)]


def test_pages_that_bring_nothing_new_are_passed_over_while_the_total_says_more():
    for nothing in (page(0, 300), page(25, 300)):
        walked = walk(splits=False, limit=None)
        walked.take(page(25, 300))
        assert [walked.take(nothing), walked.place] == [None, "3"]
        assert walked.take(page(25, 300, first=50)) is None
        ends = [walked.take(nothing) for _ in range(paging.STALE_MOST)]
        assert ends[-1] in (paging.EMPTY, paging.REPEATED, paging.LISTED)
        assert decided(ends[-1] or "", walked, 50) == Again()


def test_a_full_page_at_the_stated_end_is_followed_by_another_question():
    walked = walk(limit=None)
    walked.take(page(25, 50))
    assert walked.take(page(25, 50, first=25)) is None
    assert (walked.probing, walked.place) == (True, "3")
    assert walked.take(page(25, 50, first=50)) is None, "and what it brings is read as well"
    assert walked.take(page(0, 50)) == paging.LISTED
    assert decided(paging.LISTED, walked, 75) == Again()


def test_a_slice_that_lost_records_between_its_pages_is_cut_at_once_where_the_rest_was_empty():
    walked = walk(limit=None)
    walked.take(page(25, 300))
    ends = [walked.take(page(0, 300)) for _ in range(3)]
    assert ends[-1] == paging.EMPTY
    assert isinstance(decided(paging.EMPTY, walked, 25), Split)


def test_a_cursor_that_starts_again_ends_the_walk():
    walked = walk("datacite")
    assert walked.take(page(25, 60, cursor="a")) is None
    assert walked.take(page(25, 60, first=25, cursor="a")) == paging.REPEATED
    assert walk("datacite").take(page(25, 60)) == paging.LISTED
    assert isinstance(decided(paging.REPEATED, walked, 25), Split)


def test_records_outside_of_the_slice_show_that_its_bounds_are_ignored():
    stray = page(25, 60, stamp="2019-01-01T00:00:00Z")
    assert paging.count_outside(stray, YEAR) == 25
    assert paging.count_outside(stray, Span(None, None)) == 0
    assert paging.count_outside(page(3, 3, stamp="no date"), YEAR) == 0
    assert paging.count_outside(page(1, 1, stamp="2024-12-31T23:59:59.999+00:00"), YEAR) == 0
    walked = walk()
    assert walked.take(stray, 25) == paging.IGNORED
    assert isinstance(decided(paging.IGNORED, walked, 25), Lost)
    assert isinstance(searchends.decide(Walked(paging.IGNORED, OPEN, walked, 25, 1, tail=True), TRAITS), Done)


def test_a_list_without_a_total_ends_with_an_empty_page():
    walked = walk("figshare", size=10, limit=30)
    assert walked.take(page(10, None)) is None
    assert walked.take(page(3, None, first=10)) is None
    assert walked.take(page(0, None)) == paging.LISTED
    on = Span(datetime(2024, 2, 3, tzinfo=UTC), None)
    assert decided(paging.LISTED, walked, 13, Span(None, None)) == Split((on,)), "its end is where nothing follows"
    assert decided(paging.LISTED, walked, 13, on) == Done()


def test_a_listing_without_a_total_that_ends_at_a_round_number_of_one_day_is_not_proven():
    on = Span(datetime(2024, 2, 3, tzinfo=UTC), None)
    walked = walk("figshare", size=10, limit=None)
    for n in range(10):
        assert walked.take(page(10, None, first=10 * n)) is None
    assert walked.take(page(0, None)) == paging.LISTED
    assert codes(decided(paging.LISTED, walked, 100, on)) == ["window-unproven"]
    longer = Walked(paging.LISTED, on, walked, 100, 1, longest=200)
    assert searchends.decide(longer, TRAITS) == Done()


def test_a_listing_out_of_the_order_of_its_dates_is_not_proven():
    walked = walk("figshare", size=10, limit=None)
    walked.take(page(10, None, stamp="2024-03-04T00:00:00Z"))
    walked.take(page(3, None, first=10, stamp="2024-03-01T00:00:00Z"))
    walked.take(page(0, None))
    assert codes(decided(paging.LISTED, walked, 13, Span(None, None))) == ["window-unproven"]


def test_nothing_at_all_is_not_proven_and_nothing_since_a_date_is():
    walked = walk("figshare", size=10, limit=None)
    assert walked.take(page(0, None)) == paging.LISTED
    assert codes(decided(paging.LISTED, walked, 0, Span(None, None))) == ["window-unproven"]
    assert decided(paging.LISTED, walked, 0, OPEN) == Done()


def test_a_list_in_the_order_of_its_dates_goes_on_from_the_last_one():
    walked = walk("figshare", size=10, limit=10)
    assert walked.take(page(10, None, stamp="2024-03-04T05:06:07Z")) == paging.OVERFLOW
    assert decided(paging.OVERFLOW, walked, 10, Span(None, None)) == Split(
        (Span(datetime(2024, 3, 4, tzinfo=UTC), None),)
    )
    same_day = decided(paging.OVERFLOW, walked, 10, Span(datetime(2024, 3, 4, tzinfo=UTC), None))
    assert codes(same_day) == ["search-window-overflow"]


def test_offsets_follow_what_came():
    walked = walk("dataverse", size=10, limit=None)
    assert [walked.take(page(10, 25)), walked.place] == [None, "10"]
    assert [walked.take(page(8, 25, first=10)), walked.place] == [None, "18"]
    assert walked.take(page(7, 25, first=18)) == paging.LISTED


def test_a_sample_ends_where_it_has_enough():
    walked = Paging(STYLES["invenio"], 25, 100, True, sample=20)
    assert walked.take(page(25, 5000)) == paging.SAMPLED
    assert codes(decided(paging.SAMPLED, walked, 25)) == ["sample"]


def test_a_slice_without_a_usable_page_is_lost():
    for end in (paging.PAGE_LOST, paging.PAGE_REFUSED):
        assert codes(decided(end, walk(), 0)) == ["window-lost"]


def test_any_total_is_cut_until_it_fits():
    """Cutting ends: each part is shorter, down to one second."""
    span, depth = YEAR, 0
    while cutting.can_split(span, TRAITS):
        walked = walk()
        walked.take(page(25, 10**6))
        decision = decided(paging.TOO_LARGE, walked, 25, span)
        assert isinstance(decision, Split)
        span, depth = decision.spans[0], depth + 1
    assert depth < 10
    assert span.until is not None
    assert span.until - (span.from_ or START) < timedelta(seconds=1)
