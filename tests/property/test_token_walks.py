"""Tokens: whatever pages come, a walk has an end, and what it counted is what came."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.oaipmh import tokens
from harvester.oaipmh.tokens import PageFacts, TokenChain

ENDS = {value for name, value in vars(tokens).items() if name.isupper() and isinstance(value, str)}
MOST = 120
TOKENS = st.none() | st.sampled_from(["a", "b", "c", "d"]) | st.text(max_size=3)
PAGES = st.builds(
    PageFacts,
    st.integers(0, 20),
    TOKENS,
    st.booleans(),
    st.binary(max_size=2),
    st.none() | st.integers(0, 500),
    st.integers(0, 3),
)


@pytest.fixture(autouse=True, scope="module")
def soon() -> object:
    """Limits that a test can reach."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "PAGES_MOST", MOST)
        patch.setattr(tokens, "EMPTY_PAGES_MOST", 20)
        yield


@given(st.lists(PAGES, min_size=1, max_size=6), st.booleans(), st.none() | st.integers(0, 300))
def test_no_pages_make_a_walk_without_end(pages: list[PageFacts], fresh: bool, limit: int | None):
    """A provider that answers with these pages in turn for ever, its tokens and records all new or not."""
    chain = TokenChain(limit)
    listed = 0
    for number, page in enumerate(itertools.cycle(pages)):
        if fresh and page.token is not None:
            page = PageFacts(
                page.listed, f"{page.token}{number}", True, b"%d" % number, page.stated and page.stated + 50 * number
            )
        listed += page.listed
        end = chain.take(page)
        assert (chain.pages, chain.listed) == (number + 1, listed)
        if end is not None:
            assert end in ENDS
            break
        assert page.token is not None
        assert number < MOST
    assert number < MOST


@given(st.lists(st.integers(1, 20), min_size=1, max_size=30), st.booleans(), st.booleans())
def test_a_list_in_order_is_walked_to_its_end(sizes: list[int], stated: bool, empty_token: bool):
    chain = TokenChain()
    total = sum(sizes)
    for number, size in enumerate(sizes):
        last = number == len(sizes) - 1
        page = PageFacts(
            size, None if last else f"t{number}", empty_token or not last, b"%d" % number, total if stated else None
        )
        end = chain.take(page)
        assert (end is None) == (not last)
    assert end in tokens.COMPLETE_ENDS
    assert chain.listed == total
    assert chain.stated_first == chain.stated_last


@given(st.lists(st.integers(1, 20), min_size=2, max_size=20), st.integers(0))
def test_a_list_that_leads_back_is_not_taken_for_complete(sizes: list[int], back: int):
    chain = TokenChain()
    target = back % len(sizes)
    ends = []
    for number, size in enumerate(sizes):
        following = target if number == len(sizes) - 1 else number + 1
        ends.append(chain.take(PageFacts(size, f"t{following}", True, b"%d" % number)))
    if ends[-1] is None:  # it leads to a page whose token was never sent: the first one
        assert target == 0
        ends.append(chain.take(PageFacts(sizes[0], "t1", True, b"0")))
    assert ends[-1] in tokens.CIRCULAR_ENDS
    assert set(ends[:-1]) == {None}
