import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.http.encoding import CUT, TOO_MUCH, WHOLE, NotPacked, inflated

GZIP = 31


@given(st.lists(st.binary(max_size=3000), max_size=4), st.integers(0, 4000))
def test_streams_one_after_the_other_are_unpacked_up_to_the_limit(parts: list[bytes], most: int):
    plain = b"".join(parts)
    found, end = inflated(b"".join(map(gzip.compress, parts)), GZIP, most)
    assert (found, end) == ((plain, WHOLE) if len(plain) <= most else (plain[:most], TOO_MUCH))


@given(st.binary(min_size=1, max_size=3000), st.integers(1))
def test_a_stream_that_is_cut_is_never_whole(plain: bytes, cut: int):
    packed = gzip.compress(plain)
    found, end = inflated(packed[: cut % (len(packed) - 1) + 1], GZIP)
    assert end == CUT or found == plain
    assert end == (WHOLE if cut % (len(packed) - 1) + 1 == len(packed) else CUT)
    assert plain.startswith(found)


def test_the_limit_holds_at_the_end_of_a_stream_that_ends_at_it():
    # zlib takes a limit of 0 for none: what follows would be unpacked to the whole memory
    packed = gzip.compress(b"a" * 1000) + gzip.compress(bytes(1 << 24))
    assert inflated(packed, GZIP, 1000) == (b"a" * 1000, TOO_MUCH)


def test_many_empty_streams_are_passed_in_time_that_grows_with_their_number():
    assert inflated(gzip.compress(b"") * 50_000, GZIP) == (b"", WHOLE)


def test_what_is_no_stream_says_so_with_what_came_before():
    with pytest.raises(NotPacked) as caught:
        inflated(zlib.compress(b"abc") + b"no stream", 15)
    assert caught.value.args[1] == b"abc"
