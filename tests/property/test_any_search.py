"""Whatever a search does with caps, totals, orders, sizes and duplicates: a walk brings all records, or reports."""

import math
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harvester.oaipmh import cutting, datestamps
from harvester.oaipmh.cutting import Span, Traits
from harvester.oaipmh.windows import Again, Done, Lost, Split
from harvester.rest import paging, searchends
from harvester.rest.hits import Count
from harvester.rest.paging import GRANULE, Paging
from harvester.rest.search import FIRST, OFFSET, STYLES, DecodedHits
from harvester.rest.searchends import Walked

START = datetime(2024, 1, 1, tzinfo=UTC)
BOUND = START + timedelta(days=3)
REQUESTS_MOST = 1500


@dataclass
class Engine:
    """A search over (id, moment) in memory, and what is wrong with it."""

    style: str
    records: list[tuple[str, datetime]]
    cap: int | None = None  # results that are opened, and counted
    counts_all: bool = False  # the total is true although fewer are opened
    total: str = "right"  # right, none, once, plus, minus, page, gte, wobbles
    order: str = "ascending"  # ascending, descending, replicas
    size_most: int = 1000
    by_asked_size: bool = False  # offsets are reckoned by the size that was asked for
    hole: int | None = None  # a page that is empty
    twice: int | None = None  # a page that shows the one before it
    beyond: str = "empty"  # empty, last, refused
    requests: int = 0

    def found(self, span: Span) -> list[tuple[str, datetime]]:
        low, high = span.from_, span.until
        if STYLES[self.style].since and low is not None:
            low = low.replace(hour=0, minute=0, second=0)
        return [one for one in self.records if (low is None or one[1] >= low) and (high is None or one[1] <= high)]

    def count(self, span: Span, page_hits: int = 1, number: int = 1) -> Count | None:
        seen = len(self.found(span))
        shown = seen if self.cap is None or self.counts_all else min(seen, self.cap)
        totals: dict[str, Count | None] = {
            "right": Count(shown),
            "none": None,
            "once": Count(shown) if number == 1 else None,
            "plus": Count(shown + 3),
            "minus": Count(max(0, shown - 3)),
            "page": Count(page_hits),
            "gte": Count(shown, self.cap is None or seen < self.cap),
            "wobbles": Count(shown + number % 2),
        }
        return None if STYLES[self.style].total is None else totals[self.total]

    def page(self, span: Span, place: str, size: int, turned: bool) -> DecodedHits | None:
        """None where it refuses."""
        self.requests += 1
        style = STYLES[self.style]
        served = min(size, self.size_most)
        number = int(place) if style.paging != OFFSET else 1 + int(place) // size
        found = sorted(self.found(span), key=lambda one: (one[1], one[0]), reverse=self.order == "descending")
        if turned:
            found = found[::-1]
        if self.order == "replicas":
            found = sorted(found, key=lambda one: (int(one[0]) * (7919 if number % 2 else 104_729)) % 1009)
        opened = found if self.cap is None else found[: self.cap]
        shown = number - 1 if self.twice == number else number
        start = int(place) if style.paging == OFFSET else (shown - 1) * (size if self.by_asked_size else served)
        if start >= len(opened) and start:
            if self.beyond == "refused":
                return None
            if self.beyond == "last":
                start = max(0, len(opened) - served)
        part = [] if number == self.hole else opened[start : start + served]
        total = self.count(span, len(part), number)
        rows = tuple((name, datestamps.as_argument(moment)) for name, moment in part)
        return DecodedHits(
            rows,
            (),
            total.value if total else None,
            None,
            None,
            (),
            exact=total is None or total.exact,
            dates=tuple(stamp for _, stamp in rows),
        )


@dataclass
class Harvest:
    """What the spider does with an engine, without a network."""

    engine: Engine
    size: int
    limit: int | None
    got: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    lost: bool = False
    ends: list[str] = field(default_factory=list)
    depth: int | None = None
    cap: int | None = None
    longest: int = 0

    def run(self) -> None:
        style = STYLES[self.engine.style]
        self.traits = Traits(GRANULE, START - timedelta(days=1), BOUND)
        whole = self.engine.count(Span(None, None))
        if whole is not None and not whole.exact:
            self.cap = whole.value
        self.walk_all(Span(None, BOUND) if style.sliced else Span(None, None))
        if style.sliced and not self.lost:
            self.prove(whole)

    def prove(self, whole: Count | None) -> None:
        part = None if len(self.ends) > 1 else searchends.part_to_compare(list(self.got.values()), Span(None, None))
        if part is not None and whole is not None:
            there = self.engine.count(part.span)
            if there is not None and there.value > part.records:
                self.cap, before = whole.value, len(self.got)
                self.walk_all(Span(None, BOUND))
                if len(self.got) == before:
                    self.notes.append("list-size-differs")
        if whole is None or whole.value == len(self.got):
            if part is None and len(self.ends) == 1 and paging.is_round(len(self.got)):
                self.notes.append("window-unproven")
            return
        if len(self.got) < whole.value or (whole.exact and whole.value not in (self.cap, self.limit)):
            self.notes.append("list-size-differs")

    def walk_all(self, span: Span) -> None:
        queue = deque([(span, False, False, None)])
        while queue:
            assert self.engine.requests < REQUESTS_MOST, "the walk does not end"
            one, fit, gathered, stated = queue.popleft()
            attempts, union, openings = 0, set(), set()
            while True:
                attempts += 1
                end, walked_paging, names = self.walk(one, fit, gathered, attempts, stated)
                union = union | names if gathered else names
                openings.add(walked_paging.opening)
                self.longest = max(self.longest, walked_paging.distinct)
                steady = not gathered or stated == walked_paging.last_total
                walked = Walked(
                    end,
                    one,
                    walked_paging,
                    len(union),
                    attempts,
                    gathered=gathered,
                    follows=one != span,
                    longest=self.longest,
                    orders=len(openings),
                    steady=steady,
                )
                decision = searchends.decide(walked, self.traits)
                if not isinstance(decision, Again):
                    break
            self.ends.append(end)
            assert isinstance(decision, Done | Lost | Split)
            self.notes += [note.code for note in decision.findings if note.severity != "info"]
            self.lost = self.lost or isinstance(decision, Lost)
            torn = end in (paging.BEYOND, paging.EMPTY) and not walked_paging.in_one_page
            if torn and walked_paging.splits and walked_paging.listed:
                self.depth = min(self.depth or walked_paging.listed, walked_paging.listed)
            if isinstance(decision, Split):
                again = decision.spans == (one,)
                queue.extend((part, decision.fit_page, again, walked_paging.last_total) for part in decision.spans)

    def walk(
        self, span: Span, fit: bool, gathered: bool, attempt: int, stated: int | None
    ) -> tuple[str, Paging, set[str]]:
        style, size, turned = STYLES[self.engine.style], self.size, False
        if gathered:
            kind = attempt % searchends.GATHERED_MOST
            turned = kind == 2 and bool(style.turned)
            size = {1: max(size, min(stated or 1000, 1000)), 3: max(1, size * 2 // 3)}.get(kind, size)
        splits = style.sliced and cutting.can_split(span, self.traits)
        limits = [limit for limit in (self.limit, self.depth) if limit is not None]
        walk = Paging(style, size, min(limits, default=None), splits, cap=self.cap, fit=fit)
        names: set[str] = set()
        assert walk.place == FIRST[style.paging]
        while True:
            page = self.engine.page(span, walk.place, walk.size, turned)
            if page is None:
                end = paging.LISTED if walk.probing else paging.BEYOND if walk.pages else paging.PAGE_REFUSED
                return end, walk, names
            names.update(name for name, _ in page.rows)
            self.got.update(page.rows)
            if (found := walk.take(page, paging.count_outside(page, span, style))) is not None:
                return found, walk, names


def check(harvest: Harvest) -> None:
    harvest.run()
    missing = {name for name, _ in harvest.engine.records} - set(harvest.got)
    assert not missing or harvest.notes or harvest.lost, f"{len(missing)} of {len(harvest.engine.records)}, silently"


def times(spread: str, count: int) -> list[datetime]:
    steps = {"seconds": 1, "minutes": 60, "hours": 1800, "one": 0}
    if spread == "crowd":
        return [START + timedelta(seconds=n if n % 3 else 50) for n in range(count)]
    return [START + timedelta(seconds=steps[spread] * n) for n in range(count)]


def engine(style: str, draw: st.DrawFn, totals: list[str]) -> Engine:
    """An engine with some of its faults; what counts falsely and loses as many is beyond any proof."""
    spread = draw(st.sampled_from(["seconds", "minutes", "one", "crowd"]))
    records = [(str(n), moment) for n, moment in enumerate(times(spread, draw(st.integers(0, 130))))]
    made = Engine(
        style,
        records,
        total=draw(st.sampled_from(totals)),
        beyond=draw(st.sampled_from(["empty", "last", "refused"])),
        order=draw(st.sampled_from(["ascending", "descending", "replicas"])),
        size_most=draw(st.sampled_from([10, 1000])),
        by_asked_size=draw(st.booleans()),
    )
    if draw(st.booleans()):  # a search stops counting at round numbers, of more than a page
        made.cap, made.counts_all = draw(st.sampled_from([30, 50, 100])), draw(st.booleans())
    elif made.total not in ("none", "once", "minus", "page"):
        made.hole, made.twice = draw(st.none() | st.integers(1, 6)), draw(st.none() | st.integers(2, 6))
    return made


@pytest.fixture(autouse=True)
def small_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Searches of some hundred records: where they stop counting is a multiple of ten."""
    monkeypatch.setattr(paging, "ROUND", 10)


TOTALS = ["right", "none", "once", "plus", "minus", "page", "gte", "wobbles"]
QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUIET
@given(st.data(), st.sampled_from([5, 10, 25]), st.sampled_from([None, 50, 100]))
def test_a_walk_brings_all_or_reports(data: st.DataObject, size: int, limit: int | None):
    check(Harvest(engine("invenio", data.draw, TOTALS), size, limit))


@QUIET
@given(st.data(), st.sampled_from(["dspace", "dataverse"]), st.sampled_from([5, 10, 25]))
def test_a_walk_that_cannot_be_cut_brings_all_or_reports(data: st.DataObject, style: str, size: int):
    check(Harvest(engine(style, data.draw, ["right", "none", "plus", "minus", "gte", "wobbles"]), size, None))


@QUIET
@given(st.data(), st.sampled_from([5, 10, 25]))
def test_a_listing_without_a_total_brings_all_or_reports(data: st.DataObject, size: int):
    made = engine("figshare", data.draw, ["none"])
    made.records = [(name, START + 40 * (moment - START)) for name, moment in made.records]
    check(Harvest(made, size, None))


def test_a_sound_search_is_done_without_a_word():
    for count in (0, 1, 25, 63, 131):
        for style in ("invenio", "dspace", "dataverse"):
            records = [(str(n), moment) for n, moment in enumerate(times("minutes", count))]
            harvest = Harvest(Engine(style, records), 25, None)
            harvest.run()
            assert (len(harvest.got), harvest.notes, harvest.lost) == (count, [], False)
            assert harvest.engine.requests <= math.ceil(count / 25) + 1
