"""Tokens: whatever was put in comes out, for one key and one verb, and nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.errors import ProviderError
from harvester.serving.tokens import make_token, read_token

states = st.lists(st.none() | st.integers(-(2**62), 2**62) | st.text(st.characters(exclude_categories=["Cs"])))


@given(states, st.binary(min_size=1), st.sampled_from(["ListRecords", "ListSets"]))
def test_a_state_comes_back(state: list[object], key: bytes, verb: str):
    token = make_token(key, verb, state)
    assert read_token(key, verb, token) == state
    for other_key, other_verb in ((key + b"x", verb), (key, verb + "x")):
        with pytest.raises(ProviderError, match="badResumptionToken"):
            read_token(other_key, other_verb, token)


@given(st.text())
def test_any_text_is_a_bad_token(text: str):
    with pytest.raises(ProviderError, match="badResumptionToken"):
        read_token(b"key", "ListRecords", text)


@given(st.integers(0, 10_000), st.characters())
def test_a_token_with_one_other_character_is_bad(place: int, character: str):
    token = make_token(b"key", "ListRecords", ["oai_dc", None, 17, "oai:x:1"])
    place %= len(token)
    changed = token[:place] + character + token[place + 1 :]
    if changed != token:
        with pytest.raises(ProviderError, match="badResumptionToken"):
            read_token(b"key", "ListRecords", changed)
