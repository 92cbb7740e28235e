"""Where slices of a search are cut, and what its whole is compared with."""

import itertools
from datetime import UTC, datetime, timedelta

from harvester.oaipmh.cutting import Span, Traits
from harvester.oaipmh.windows import Done, Lost
from harvester.rest import searchends
from harvester.rest.paging import GRANULE, IGNORED, Paging
from harvester.rest.search import STYLES
from harvester.rest.searchends import Walked

START, END = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 12, 31, tzinfo=UTC)
TRAITS = Traits(GRANULE, START, END)
ALL = Span(None, None)


def covers(parts: tuple[Span, ...], span: Span) -> None:
    assert len(parts) >= 2
    assert (parts[0].from_, parts[-1].until) == (span.from_, span.until)
    for before, after in itertools.pairwise(parts):
        assert before.until is not None
        assert after.from_ == before.until + GRANULE
        assert after.until is None or after.from_ <= after.until


def test_a_slice_is_cut_between_the_dates_that_were_seen():
    stamps = [START + timedelta(hours=n) for n in range(40)]
    for span in (Span(START, END), ALL, Span(START, None)):
        parts = searchends.cut_between(span, stamps, 10, TRAITS)
        covers(parts, span)
        for part in parts:
            inside = [s for s in stamps if (part.from_ or s) <= s <= (part.until or s)]
            assert len(inside) <= 10


def test_a_crowded_second_becomes_a_slice_of_its_own():
    crowd = START + timedelta(days=3)
    stamps = [START, *[crowd] * 30, END]
    parts = searchends.cut_between(Span(START, END), stamps, 10, TRAITS)
    covers(parts, Span(START, END))
    assert Span(crowd, crowd) in parts


def test_without_dates_a_slice_is_cut_in_two():
    covers(searchends.cut_between(Span(START, END), [], 10, TRAITS), Span(START, END))


def test_a_total_that_is_the_same_without_the_first_records_is_a_cap():
    """The part leaves out the first date that came: of a search that counts on it has fewer."""
    stamps = [f"2024-01-01T00:00:{n:02}Z" for n in (3, 3, 4, 5)]
    part = searchends.part_to_compare(stamps, ALL)
    assert part is not None
    assert (part.span, part.records, part.left_out) == (Span(START + timedelta(seconds=4), None), 2, 2)
    turned = searchends.part_to_compare(stamps[::-1], ALL)
    assert turned is not None
    assert (turned.span, turned.records) == (Span(None, START + timedelta(seconds=4)), 3)


def test_dates_that_do_not_tell_leave_nothing_to_compare():
    assert searchends.part_to_compare(["2024-01-01"] * 3, ALL) is None
    assert searchends.part_to_compare(["2024-01-01", "soon", "2024-01-02"], ALL) is None


def test_parts_that_ignore_their_bounds_are_lost_and_a_listing_that_cannot_be_asked_on_is_unproven():
    for style, kind, code in (("invenio", Lost, "window-lost"), ("figshare", Done, "window-unproven")):
        walked = Walked(IGNORED, Span(START, END), Paging(STYLES[style], 25, 50, False), 25, 1, follows=True)
        decision = searchends.decide(walked, TRAITS)
        assert isinstance(decision, kind)
        assert code in [note.code for note in decision.findings]
