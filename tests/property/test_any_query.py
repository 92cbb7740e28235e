"""Whatever is asked of the provider, the answer is an OAI-PMH response: well-formed, with an error of the protocol.

Tokens are forged with the provider's own key, which is no secret: what they hold is checked as an argument is.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from support import serving_archive
from support.example_counts import amount, tried

from harvester.serving import tokens
from harvester.serving.holdings import ArchiveHoldings
from harvester.serving.provider import Repository, respond

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CODES = {
    "badArgument",
    "badResumptionToken",
    "badVerb",
    "cannotDisseminateFormat",
    "idDoesNotExist",
    "noRecordsMatch",
    "noMetadataFormats",
    "noSetHierarchy",
    None,
}
KEY = b"key"
VERBS = ["Identify", "ListMetadataFormats", "ListSets", "GetRecord", "ListIdentifiers", "ListRecords"]
TEXT = st.text(st.characters(codec=None), max_size=30)
NAMES = st.sampled_from(["metadataPrefix", "identifier", "from", "until", "set"]) | TEXT
WORDS = st.sampled_from(
    ["oai_dc", "odd", "odd:1", "2020-01-01", "2020-01-01T00:00:05Z", "oai:repository.example:00007", "0000-00-00"]
)
VALUES = WORDS | TEXT
PARTS = (
    st.none()
    | WORDS
    | st.text(max_size=20)
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.integers(-10, 10)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.lists(st.integers(0, 9), max_size=2)
)
# such a state as the provider makes, with something else in its places
STATES = st.lists(PARTS, max_size=9) | st.tuples(
    st.just("oai_dc") | PARTS,
    st.none() | PARTS,
    st.none() | PARTS,
    st.none() | PARTS,
    st.integers(-(1 << 40), 1 << 40) | PARTS,
    st.text(max_size=20) | PARTS,
    st.integers(0, 9) | PARTS,
    st.integers(0, 9) | PARTS,
)


@pytest.fixture(scope="module")
def holdings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArchiveHoldings]:
    held = ArchiveHoldings(
        serving_archive.archive(tmp_path_factory.mktemp("any") / "archive", [serving_archive.many(30)])
    )
    yield held
    held.close()


def code(holdings: ArchiveHoldings, *query: tuple[str, str]) -> str | None:
    """The error that is answered, None for an answer without one."""
    repository = Repository("x", "http://127.0.0.1/oai", ("a@example.org",), KEY, 7, 2)
    root = etree.fromstring(respond(query, NOW, repository, holdings))
    assert root.tag == "{http://www.openarchives.org/OAI/2.0/}OAI-PMH"
    error = root.find("{*}error")
    return None if error is None else error.get("code")


@given(verb=st.sampled_from(VERBS) | TEXT, arguments=st.lists(st.tuples(NAMES, VALUES), max_size=5))
@settings(max_examples=amount(150, 50_000), deadline=None)
def test_any_query_is_answered(holdings: ArchiveHoldings, verb: str, arguments: list[tuple[str, str]]):
    tried("queries to the provider")
    assert code(holdings, ("verb", verb), *arguments) in CODES


@given(verb=st.sampled_from(["ListSets", "ListRecords", "ListIdentifiers"]), state=STATES)
@settings(max_examples=amount(150, 50_000), deadline=None)
def test_any_token_is_a_page_or_a_bad_token(holdings: ArchiveHoldings, verb: str, state: Any):
    tried("tokens forged with the key")
    token = tokens.make_token(KEY, verb, list(state))
    assert code(holdings, ("verb", verb), ("resumptionToken", token)) in {
        None,
        "badResumptionToken",
        "badArgument",
        "cannotDisseminateFormat",
    }


def test_a_token_that_is_signed_and_means_nothing_is_a_bad_token(holdings: ArchiveHoldings):
    good = ["oai_dc", None, None, None, 0, "", 7, 30]
    wrong: list[Any] = [[], good[:7], [*good, 1]]
    wrong += [[*good[:place], {}, *good[place + 1 :]] for place in range(8)]
    wrong += [[*good[:4], 1 << 62, *good[5:]], ["x y", *good[1:]], [None, *good[1:]]]
    token = tokens.make_token(KEY, "ListRecords", good)
    assert code(holdings, ("verb", "ListRecords"), ("resumptionToken", token)) is None
    for state in wrong:
        token = tokens.make_token(KEY, "ListRecords", state)
        assert code(holdings, ("verb", "ListRecords"), ("resumptionToken", token)) == "badResumptionToken", state
    token = tokens.make_token(KEY, "ListSets", [1, "x"])
    assert code(holdings, ("verb", "ListSets"), ("resumptionToken", token)) == "badResumptionToken"
