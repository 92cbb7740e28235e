"""Tokens as a state machine: every way a list can end has its name."""

from collections.abc import Sequence

import pytest

from harvester.oaipmh import tokens
from harvester.oaipmh.tokens import PageFacts, TokenChain


def page(listed: int = 10, token: str | None = None, digest: str = "", **more: object) -> PageFacts:
    """A page; without a digest of its own it is unlike all others."""
    page.count += 1  # type: ignore[attr-defined]
    values = {"has_token_element": token is not None, "digest": (digest or f"#{page.count}").encode(), **more}  # type: ignore[attr-defined]
    return PageFacts(listed=listed, token=token, **values)  # type: ignore[arg-type]


page.count = 0  # type: ignore[attr-defined]


def walk(*pages: PageFacts, limit: int | None = None) -> tuple[str | None, TokenChain]:
    """Take pages until one ends the list; every page but the last must go on."""
    chain = TokenChain(limit)
    for taken in pages[:-1]:
        assert chain.take(taken) is None, chain
    return chain.take(pages[-1]), chain


def growing(sizes: Sequence[int], **more: object) -> list[PageFacts]:
    return [page(10, f"t{n}", stated=size, **more) for n, size in enumerate(sizes)]


def test_pages_are_counted_and_the_token_to_send_is_the_last_one_that_came():
    end, chain = walk(
        page(10, "a", stated=30), page(12, "b", stated=30), page(8, None, has_token_element=True, stated=30)
    )
    assert end == tokens.EMPTY_TOKEN
    assert (chain.pages, chain.listed, chain.page_size, chain.token) == (3, 30, 12, None)
    assert (chain.stated_first, chain.stated_last) == (30, 30)
    end, chain = walk(page(10, "a"), page(10, "b"))
    assert (end, chain.token) == (None, "b")


@pytest.mark.parametrize(
    ("pages", "end"),
    [
        ([page(0)], tokens.NO_RECORDS),
        ([page(0, has_token_element=True)], tokens.NO_RECORDS),
        ([page(3)], tokens.LIST_COMPLETE),
        ([page(3, has_token_element=True)], tokens.LIST_COMPLETE),
        ([page(3, "a"), page(2)], tokens.LIST_COMPLETE),
        ([page(3, "a"), page(2, has_token_element=True)], tokens.EMPTY_TOKEN),
        ([page(3, "a"), page(0, has_token_element=True)], tokens.LAST_PAGE_EMPTY),
        ([page(3, "a"), page(0)], tokens.LAST_PAGE_EMPTY),
        ([page(0, "a"), page(0, "b"), page(3)], tokens.LIST_COMPLETE),
    ],
)
def test_a_list_that_the_provider_ends(pages: list[PageFacts], end: str):
    assert walk(*pages)[0] == end
    assert end in tokens.COMPLETE_ENDS


def test_a_token_that_leads_to_itself():
    assert walk(page(10, "a"), page(10, "a"))[0] == tokens.TOKEN_REPEATED
    assert walk(page(10, "a"), page(10, "b"), page(10, "b"))[0] == tokens.TOKEN_REPEATED


def test_tokens_that_lead_back():
    assert walk(page(10, "a"), page(10, "b"), page(10, "a"))[0] == tokens.TOKEN_LOOP
    assert walk(page(10, "a"), page(10, "b"), page(10, "c"), page(10, "b"))[0] == tokens.TOKEN_LOOP


def test_a_page_that_comes_again_under_a_new_token():
    assert walk(page(10, "a", "x"), page(10, "b", "y"), page(10, "c", "x"))[0] == tokens.PAGE_REPEATED
    assert walk(page(0, "a", "x"), page(0, "b", "x"), page(1))[0] == tokens.LIST_COMPLETE


def test_the_last_page_may_be_one_that_came_before_and_the_provider_has_the_word():
    assert walk(page(10, "a", "x"), page(10, None, "x", has_token_element=True))[0] == tokens.EMPTY_TOKEN


def test_empty_pages_go_on_for_a_while():
    some = [page(0, f"t{n}") for n in range(tokens.EMPTY_PAGES_MOST)]
    assert walk(*some)[0] is None
    assert walk(*some, page(0, "last"))[0] == tokens.EMPTY_PAGES
    assert walk(*some, page(1, "more"), *(page(0, f"u{n}") for n in range(tokens.EMPTY_PAGES_MOST)))[0] is None


def test_a_list_without_end_is_left_when_it_is_far_longer_than_was_said():
    most = (2 * 100 + tokens.ENDLESS_PAGES * 10) // 10
    assert walk(*growing([100] * most))[0] is None
    assert walk(*growing([100] * (most + 1)))[0] == tokens.ENDLESS


def test_a_list_without_end_is_left_also_when_its_size_grows_as_fast(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tokens, "PAGES_MOST", 500)
    for stated in (lambda n: None, lambda n: 10 * n + 50):
        pages = [page(10, f"t{n}", stated=stated(n)) for n in range(500)]
        assert walk(*pages)[0] == tokens.ENDLESS


def test_a_list_may_grow_and_shrink_while_it_is_read():
    end, chain = walk(*growing([100, 101, 105, 104, 90]), page(10, stated=91, has_token_element=True))
    assert end == tokens.EMPTY_TOKEN
    assert (chain.stated_first, chain.stated_last) == (100, 91)


def test_a_size_that_jumps_shows_a_token_that_forgets():
    assert walk(*growing([100, 100, 100_000]))[0] == tokens.TOKEN_FORGETS
    assert walk(*growing([100]), page(10, None, stated=5000))[0] == tokens.TOKEN_FORGETS
    assert walk(*growing([100, None, 120]))[0] is None  # type: ignore[list-item]


def test_records_that_were_not_asked_for_show_a_token_that_forgets_unless_the_first_page_had_them_too():
    assert walk(page(10, "a"), page(10, "b", outside=1))[0] == tokens.TOKEN_FORGETS
    assert walk(page(10, "a", outside=1), page(10, "b", outside=9))[0] is None
    assert walk(page(10, "a"), page(10, None, outside=1))[0] == tokens.TOKEN_FORGETS


def test_a_list_longer_than_a_window_should_be_is_too_large():
    assert walk(page(10, "a"), page(9, "b"), limit=20)[0] is None
    assert walk(page(10, "a"), page(10, "b"), limit=20)[0] == tokens.TOO_LARGE
    assert walk(page(10, "a", stated=21), limit=20)[0] == tokens.TOO_LARGE
    assert walk(page(10, "a", stated=20), limit=20)[0] is None
    assert walk(page(10, "a"), limit=0)[0] == tokens.TOO_LARGE
    assert walk(page(10, None, stated=5000), limit=20)[0] == tokens.LIST_COMPLETE


def test_the_ends_are_sorted_into_kinds_that_share_none():
    kinds = [tokens.COMPLETE_ENDS, tokens.CIRCULAR_ENDS, tokens.FAILED_ENDS]
    assert len(frozenset.union(*kinds)) == sum(map(len, kinds))


def test_tokens_are_opaque():
    for token in ("%7B%22a%22%7D", "x" * 5000, "a b&c=d", "ü", "0"):
        chain = TokenChain()
        assert chain.take(page(10, token)) is None
        assert chain.token == token
