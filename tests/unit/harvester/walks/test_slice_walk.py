"""The rules of a search's slices: what follows each page and failure, one row a decision."""

from datetime import UTC, datetime
from typing import Any

import pytest

from archive.store.ledger import WindowRow
from harvester.crawl.arguments.bulk import SearchArguments, parse_search
from harvester.oaipmh import windows
from harvester.oaipmh.cutting import Traits
from harvester.oaipmh.windows import Decision
from harvester.rest import paging
from harvester.rest.hits import Count
from harvester.rest.paging import PAGE_LOST, PAGE_REFUSED
from harvester.rest.search import STYLES, Asking, DecodedHits, RefusedHit
from harvester.walks.replies import Reply, Unusable
from harvester.walks.slice_walk import GATHERED, VERB, AskAgain, GiveUp, Over, SliceRules

URL = "https://x.example/api/records"
AT = "2026-01-01T00:00:00Z"
SLICE = WindowRow(7, 1, None, VERB, "2024-01-01T00:00:00Z", "2024-12-31T00:00:00Z", "open", 0)
AGAIN = WindowRow(8, 1, 7, GATHERED, SLICE.from_, SLICE.until, "open", 0)


def arguments(**words: str) -> SearchArguments:
    return parse_search({"url": URL, "archive": "a", **words})


def rules(style: str = "invenio", size: int = 25, **words: str) -> SliceRules:
    given = arguments(**words)
    assert given.from_ is None
    start, end = (datetime(2024, month, 1, tzinfo=UTC) for month in (1, 12))
    return SliceRules(
        given, STYLES[style], Asking(URL, style, "", STYLES[style].sort, size), Traits(paging.GRANULE, start, end)
    )


def page(*names: str, total: int | None = None, refused: tuple[RefusedHit, ...] = (), **more: Any) -> DecodedHits:
    rows = tuple((name, "2024-02-03T00:00:00Z") for name in names)
    return DecodedHits(rows, refused, total, None, None, ((b"x", len(names)),), **more)


def reply(status: int = 200, body: bytes = b"{}") -> Reply:
    return Reply(URL, status, (), body)


def failed(status: int | None, end: str = PAGE_REFUSED) -> Unusable:
    return Unusable(end, "why", status, reply(status) if status is not None else None)


@pytest.mark.parametrize(
    ("unusable", "row", "pages", "tries", "follows"),
    [
        (failed(500), SLICE, 0, 0, AskAgain()),
        (failed(500), SLICE, 0, 4, GiveUp(PAGE_REFUSED, ask_first=False)),
        (failed(None, PAGE_LOST), SLICE, 0, 3, AskAgain()),
        (failed(None, PAGE_LOST), SLICE, 0, 4, GiveUp(PAGE_LOST, ask_first=True)),
        (failed(502, PAGE_LOST), SLICE, 1, 4, GiveUp(PAGE_LOST, ask_first=False)),
        (failed(400), SLICE, 0, 0, AskAgain()),
        (failed(400), AGAIN, 0, 0, GiveUp(PAGE_REFUSED, ask_first=False)),
        (failed(400), SLICE, 1, 0, GiveUp(paging.BEYOND, ask_first=False)),
        (failed(403), SLICE, 1, 0, AskAgain()),
        (failed(403), SLICE, 1, 4, GiveUp(paging.BEYOND, ask_first=False)),
    ],
)
def test_what_follows_a_failure(
    unusable: Unusable, row: WindowRow, pages: int, tries: int, follows: AskAgain | Over | GiveUp
):
    the_rules = rules()
    walk = the_rules.begin(row, 1, None)
    walk.paging.pages, walk.tries = pages, tries
    assert the_rules.unusable(walk, unusable) == follows


def test_a_refusal_behind_the_stated_end_agrees_with_it():
    the_rules = rules()
    walk = the_rules.begin(SLICE, 1, None)
    walk.paging.probing = True
    assert the_rules.unusable(walk, failed(404)) == Over(paging.LISTED)


@pytest.mark.parametrize(("style", "sizes"), [("datacite", [100, 50, 25]), ("invenio", [100, 100, 100])])
def test_pages_by_cursor_that_fail_are_asked_for_in_smaller_pieces(style: str, sizes: list[int]):
    the_rules, seen = rules(style, 100), []
    walk = the_rules.begin(SLICE, 1, None)
    for _ in range(3):
        the_rules.unusable(walk, failed(500))
        seen.append(walk.paging.size)
    assert seen == sizes


@pytest.mark.parametrize(
    ("status", "body", "size", "changed", "asked"),
    [
        (400, b"", 100, True, (25, "oldest")),
        (400, b"", 25, False, (25, "oldest")),
        (400, b"Sort: no", 25, True, (25, "")),
        (404, b"Sort: no", 100, False, (100, "oldest")),
    ],
)
def test_a_first_page_that_is_refused_is_asked_for_otherwise(
    status: int, body: bytes, size: int, changed: bool, asked: tuple[int, str]
):
    the_rules = rules(size=size)
    walk = the_rules.begin(SLICE, 1, None)
    assert the_rules.begin_smaller(walk, reply(status, body)) is changed
    assert (the_rules.asking.size, the_rules.asking.sort) == asked
    assert walk.paging.size == asked[0]
    walk.paging.pages = 1
    assert not the_rules.begin_smaller(walk, reply(400, b"sort"))


def test_a_page_and_the_hits_that_are_none_are_kept_together():
    the_rules = rules()
    walk = the_rules.begin(SLICE, 1, None)
    walk.tries = 2
    bad = RefusedHit("c", b"{", "no object")
    batch = the_rules.answers(walk, reply(), page("a", "b", "a", refused=(bad,), left_out=frozenset({1})), AT)
    records, refused = batch.answers
    assert [(one.identifier, one.reason) for one in records.outcomes] == [
        ("a", None),
        ("b", "not modified"),
        ("a", None),
    ]
    assert ([note.code for note in records.notes], records.attempts) == (["ids-refused", "hit-twice"], 3)
    assert (refused.outcomes[0].state, refused.refused_identifier, refused.bare) == ("refused", "c", True)
    assert the_rules.page(walk, page("a", refused=(bad,), total=2)) == paging.LISTED
    assert (walk.answers, walk.tries) == (2, 0)


def test_a_census_keeps_no_records():
    the_rules = rules(mode="census")
    (answer,) = the_rules.answers(the_rules.begin(SLICE, 1, None), reply(), page("a"), AT).answers
    assert (answer.bare, answer.payload, answer.outcomes[0].state) == (True, (), "read")


@pytest.mark.parametrize(("end", "state"), [(PAGE_LOST, "lost"), (PAGE_REFUSED, "refused")])
def test_a_page_that_no_try_brought_is_kept_as_lost_or_refused(end: str, state: str):
    the_rules = rules()
    answer = the_rules.failure(the_rules.begin(SLICE, 1, None), URL, failed(500, end), AT)
    assert (answer.state, answer.bare, answer.refused is not None) == (state, True, True)


def test_pages_that_are_cut_are_reported_and_asked_for_as_they_come():
    the_rules = rules(size=100)
    walk = the_rules.begin(SLICE, 1, None)
    walk.paging.size, walk.paging.size_cut = 25, True
    assert [found.code for found in the_rules.remarks(walk, URL, page(), None)] == ["search-size-cut"]
    assert the_rules.asking.size == 25
    assert not the_rules.remarks(walk, URL, page(), None)


def test_a_link_to_another_page_than_the_next_is_reported():
    the_rules = rules()
    walk = the_rules.begin(SLICE, 1, None)
    walk.paging.place = "2"
    for number, codes in (("2", []), ("3", ["next-link-lies"])):
        linked = DecodedHits((), (), 5, f"{URL}?page={number}", None, ())
        assert [found.code for found in the_rules.remarks(walk, URL, linked, None)] == codes
        assert not the_rules.remarks(walk, URL, linked, paging.LISTED)


@pytest.mark.parametrize(
    ("decision", "lost"), [(windows.Done(), False), (windows.Lost(), True), (windows.Split(()), False)]
)
def test_a_slice_that_is_given_up_leaves_the_search_unproven(decision: Decision, lost: bool):
    the_rules = rules()
    the_rules.settle(the_rules.begin(SLICE, 1, None), paging.LISTED, decision, ())
    assert the_rules.lost is lost
    assert the_rules.is_whole() is not lost


def test_a_listing_that_broke_off_limits_those_that_follow_and_its_parts_must_fit_a_page():
    the_rules = rules()
    walk = the_rules.begin(SLICE, 1, None)
    walk.paging.listed = walk.paging.first_hits = 25
    the_rules.settle(walk, paging.BEYOND, windows.Split((), fit_page=True), [AGAIN])
    assert the_rules.depth == 25
    following = the_rules.begin(AGAIN, 1, None)
    assert (following.paging.limit, following.paging.fit) == (25, True)


@pytest.mark.parametrize(
    ("stated", "found", "cap", "cut", "code"),
    [
        (None, 0, None, False, "window-unproven"),
        (Count(5), 5, None, True, "window-unproven"),
        (Count(5), 4, None, True, "list-size-differs"),
        (Count(5), 6, 5, True, "search-total-capped"),
        (Count(5), 6, 5, False, "list-size-differs"),
        (Count(5, exact=False), 6, None, True, "search-total-capped"),
    ],
)
def test_how_the_whole_differs_from_its_slices(stated: Count | None, found: int, cap: int | None, cut: bool, code: str):
    the_rules = rules()
    the_rules.cap = cap
    assert the_rules.compare(stated, found, cut=cut, ignored=False).code == code


def test_a_slice_that_states_another_total_each_time_is_not_steady_when_it_is_gathered():
    the_rules = rules()
    for attempt, total in ((1, 3), (2, 2), (3, 2), (4, 2)):
        walk = the_rules.begin(AGAIN, attempt, None)
        assert the_rules.next_url(walk).startswith(f"{URL}?q=")
        end = the_rules.page(walk, page("a", "b", total=total)) or paging.EMPTY
        decision = the_rules.decide(walk, end, 2, tail=False)
        the_rules.settle(walk, end, decision, ())
    assert isinstance(decision, windows.Done)
    assert [found.code for found in decision.findings] == ["window-unproven"]
    assert walk.over(end).stated == 2


def test_a_problem_of_all_records_of_a_page_is_reported_once():
    the_rules = rules()
    records, *_ = the_rules.answers(
        the_rules.begin(SLICE, 1, None), reply(), page("a", "b", problem=("unknown-status", "x")), AT
    ).answers
    assert [(note.code, note.found) for note in records.notes] == [("unknown-status", 2)]
