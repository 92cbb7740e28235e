"""Numbers in a release: however they were sent, the quick way of writing them is the slow one."""

import json
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from archive.formats import canonical
from archive.releases.entries import entry_text
from archive.store import envelope

DIGITS = st.text("0123456789", min_size=1, max_size=22)
NUMBERS = st.one_of(
    st.floats(-1e6, 1e6).map(repr),
    st.integers(-(10**25), 10**25).map(str),
    st.builds("{}.{}".format, st.integers(-99, 99), DIGITS),
    st.builds("{}e{}".format, st.integers(-(10**19), 10**19), st.integers(-30, 30)),
    st.sampled_from(["-0.0", "1.0", "0.000001", "1e21", "123456789012345.6", "9007199254740993e0"]),
)


@given(st.lists(NUMBERS, max_size=4), st.lists(NUMBERS, max_size=3), st.text("0123456789. ,", max_size=40))
def test_each_number_of_a_record_is_written_as_if_it_had_been_read_by_itself(
    some: list[str], others: list[str], words: str
):
    body = f'{{"a":[{",".join(some)}],"b":{{"c":[[{",".join(others)}]],"d":{json.dumps(words)}}}}}'.encode()
    text = envelope.encode_json("i", "d", False, (), "json", "application/json", "u", "r", body)
    written: Any = orjson.loads(entry_text("bare", text, envelope.decode(text)))
    assert entry_text("bare", text, envelope.decode(text)) == canonical.encode(canonical.reread(body))
    assert written["b"]["d"] == words
