"""Windows: however a span is cut, its parts are the span; whatever a walk brought, there is an end to asking."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.example_counts import amount

from harvester.oaipmh import datestamps, tokens
from harvester.oaipmh.cutting import (
    Span,
    Traits,
    calendar,
    can_split,
    count_outside,
    cut,
    describe,
    part_of,
    record_limit,
)
from harvester.oaipmh.windows import (
    ATTEMPTS_MOST,
    GET_RECORD,
    LIST_IDENTIFIERS,
    LIST_RECORDS,
    Again,
    Ended,
    Split,
    decide,
)

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0))
NEAR = st.datetimes(datetime(2019, 12, 30), datetime(2020, 1, 3), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)


@st.composite
def cases(draw: st.DrawFn, moments: st.SearchStrategy[datetime] = MOMENTS | NEAR) -> tuple[Span, Traits]:
    """A window as the spider makes them, on granules, and what is known of the provider."""
    granule = draw(st.sampled_from([SECOND, DAY]))
    earliest, newest = sorted((draw(moments), draw(moments)))
    bounds = [floor(draw(moments), granule) if draw(st.booleans()) else None for _ in range(2)]
    if None not in bounds:
        bounds.sort()  # type: ignore[type-var]
    traits = Traits(granule, earliest, newest, page_size=draw(st.integers(0, 100)), fit_page=draw(st.booleans()))
    return Span(*bounds), traits


def floor(moment: datetime, granule: timedelta) -> datetime:
    return moment.replace(hour=0, minute=0, second=0) if granule == DAY else moment


def tiles(spans: tuple[Span, ...], span: Span, granule: timedelta) -> None:
    """The windows follow each other without gap and overlap from the first bound to the last, and none is empty."""
    assert (spans[0].from_, spans[-1].until) == (span.from_, span.until)
    for one, two in pairwise(spans):
        assert one.until is not None
        assert two.from_ is not None
        assert one.until + granule == two.from_
    for part in spans:
        assert part.from_ is None or part.until is None or part.from_ <= part.until


@given(cases(), st.integers(2, 600))
def test_a_cut_covers_the_span_without_gap_and_overlap(case: tuple[Span, Traits], parts: int):
    span, traits = case
    assume(can_split(span, traits))
    spans = cut(span, parts, traits)
    tiles(spans, span, traits.granule)
    assert 2 <= len(spans) <= parts


@given(cases(NEAR), st.sampled_from(["day", "month", "year"]))
def test_calendar_windows_cover_the_span_without_gap_and_overlap(case: tuple[Span, Traits], unit: str):
    span, traits = case
    spans = calendar(span, unit, traits)
    tiles(spans, span, traits.granule)
    for part in spans[1:]:
        assert part.from_ is not None
        assert (part.from_.hour, part.from_.minute, part.from_.second) == (0, 0, 0)
        assert unit == "day" or part.from_.day == 1


@given(cases(MOMENTS))
def test_calendar_windows_cover_the_ages(case: tuple[Span, Traits]):
    tiles(calendar(case[0], "year", case[1]), case[0], case[1].granule)


@settings(max_examples=amount(25, 1000))
@given(cases(), st.integers(1, 40))
def test_what_several_machines_harvest_is_the_span(case: tuple[Span, Traits], parts: int):
    span, traits = case
    spans = [piece for number in range(1, parts + 1) for piece in part_of(span, number, parts, traits)]
    tiles(tuple(sorted(spans, key=lambda piece: piece.from_ or datetime.min.replace(tzinfo=UTC))), span, traits.granule)


@given(cases(), st.data())
def test_a_moment_of_the_span_is_in_one_part(case: tuple[Span, Traits], data: st.DataObject):
    span, traits = case
    assume(can_split(span, traits))
    spans = cut(span, data.draw(st.integers(2, 50)), traits)
    moment = floor(data.draw(MOMENTS), traits.granule)
    inside = [
        s for s in (span, *spans) if (s.from_ is None or s.from_ <= moment) and (s.until is None or moment <= s.until)
    ]
    assert len(inside) == (2 if span in inside else 0)


ENDS = sorted(
    tokens.COMPLETE_ENDS | tokens.CIRCULAR_ENDS | tokens.FAILED_ENDS | {tokens.TOKEN_FORGETS, tokens.TOO_LARGE}
)


@st.composite
def walks(draw: st.DrawFn, span: Span, granule: timedelta) -> Ended:
    count = st.integers(0, 100_000)
    stamps = sorted({floor(moment, granule) for moment in draw(st.lists(NEAR, max_size=9))})
    return Ended(
        span,
        draw(st.sampled_from([LIST_RECORDS, LIST_IDENTIFIERS, GET_RECORD])),
        draw(st.sampled_from(ENDS)),
        draw(st.integers(1, 5)),
        draw(count),
        draw(count),
        draw(st.integers(0, 9)),
        draw(st.integers(0, 500)),
        draw(st.none() | count),
        draw(st.none() | count),
        draw(st.booleans()),
        tuple(stamps),
        len(stamps),
        draw(st.none() | NEAR),
    )


@given(cases(), st.data())
def test_whatever_a_walk_brought_its_window_is_settled_in_the_end(case: tuple[Span, Traits], data: st.DataObject):
    span, traits = case
    walk = data.draw(walks(span, traits.granule))
    traits.barren = data.draw(st.sampled_from([0, 1000]))
    traits.ranges = data.draw(st.sampled_from([None, True, False]))
    assume(walk.end != tokens.TOO_LARGE or record_limit(span, traits) is not None)
    decision = decide(walk, traits)
    if isinstance(decision, Again):
        assert walk.attempts < ATTEMPTS_MOST
    if isinstance(decision, Split):
        assert can_split(span, traits)
        tiles(decision.spans, span, traits.granule)
        assert len(decision.spans) >= 2


@given(st.text() | st.datetimes().map(str))
def test_any_text_is_a_datestamp_or_none(text: str):
    moment = datestamps.parse(text)
    assert moment is None or moment.tzinfo is UTC


@given(MOMENTS)
def test_what_is_sent_is_read_back(moment: datetime):
    assert datestamps.parse(datestamps.as_argument(moment)) == moment
    assert datestamps.parse(datestamps.as_argument(moment, datestamps.DAY)) == floor(moment, DAY)
    assert datestamps.as_argument(moment) in describe(Span(moment, None))


@given(cases(), st.lists(st.tuples(st.text() | MOMENTS.map(datestamps.as_argument), st.lists(st.text()))))
def test_headers_outside_of_a_window_can_be_counted(case: tuple[Span, Traits], headers: list[tuple[str, list[str]]]):
    rows = [("oai:x:1", stamp, False, tuple(sets)) for stamp, sets in headers]
    assert 0 <= count_outside(rows, case[0], None, case[1]) <= len(rows)
