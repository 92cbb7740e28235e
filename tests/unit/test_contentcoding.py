"""Content codings: bodies as they are packed, whatever the header says; one that is cut short is never a whole one."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.contentcoding import NotDecoded, TooLong, decoded

PAGE = b"<?xml version='1.0'?><a>" + bytes(range(65, 91)) * 20 + b"</a>"


def raw_deflate(plain: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(plain) + packer.flush()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (PAGE, ""),
        (PAGE, "identity"),
        (PAGE, "gzip"),
        (PAGE, "deflate"),
        (PAGE, "br"),
        (PAGE, "none"),
        (PAGE, "UTF-8"),
        (b"\xef\xbb\xbf \n" + PAGE, "gzip"),
        (gzip.compress(PAGE), "gzip"),
        (gzip.compress(PAGE), "X-GZIP"),
        (gzip.compress(PAGE), "none"),
        (gzip.compress(PAGE), "deflate"),
        (gzip.compress(gzip.compress(PAGE)), "gzip"),
        (gzip.compress(gzip.compress(PAGE)), "gzip, gzip"),
        (gzip.compress(PAGE), "gzip, gzip"),
        (gzip.compress(PAGE), "gzip, identity"),
        (gzip.compress(zlib.compress(PAGE)), "deflate, gzip"),
        (gzip.compress(PAGE[:40]) + gzip.compress(PAGE[40:]), "gzip"),
        (gzip.compress(PAGE) + bytes(7), "gzip"),
        (gzip.compress(PAGE) + b"\r\n", "gzip"),
        (gzip.compress(PAGE) + b"<br />Notice", "gzip"),
        (zlib.compress(PAGE), "deflate"),
        (zlib.compress(PAGE, 1), "deflate"),
        (raw_deflate(PAGE), "deflate"),
        (zlib.compressobj(wbits=-9).compress(b"") + PAGE, "deflate"),
    ],
)
def test_a_body_is_what_its_bytes_are(body: bytes, encoding: str):
    assert decoded(body, encoding).strip(b"\xef\xbb\xbf \n") == PAGE


def test_gzip_that_is_not_named_is_taken_off_where_that_is_wanted():
    packed = gzip.compress(PAGE)
    assert decoded(packed, "", undeclared=True) == PAGE
    assert decoded(packed, "") == packed


@given(st.sampled_from(["gzip", "x-gzip", "deflate", "deflate-raw", "gzip, gzip", "none"]), st.integers(1))
def test_a_body_that_is_cut_is_never_a_shorter_body(coding: str, cut: int):
    packed = {
        "deflate": zlib.compress(PAGE),
        "deflate-raw": raw_deflate(PAGE),
        "gzip, gzip": gzip.compress(gzip.compress(PAGE)),
    }.get(coding, gzip.compress(PAGE))
    piece = packed[: cut % (len(packed) - 1) + 1]
    try:
        found = decoded(piece, coding.removesuffix("-raw"))
    except NotDecoded:
        return
    # what has not even the signature of its coding stays what it is, and is no document
    assert found == PAGE or not found.startswith(b"<")


def test_a_second_member_that_is_damaged_is_not_left_out():
    for bad in (gzip.compress(b"b")[:9], b"\x1f\x8b\x08", gzip.compress(b"b")[:-3]):
        with pytest.raises(NotDecoded):
            decoded(gzip.compress(PAGE) + bad, "gzip")


def test_text_without_an_end_of_its_own_is_not_believed():
    for body, coding in ((b"@article{x}", "gzip"), (gzip.compress(b"text") + b"rest", "gzip"), (b"text", "br")):
        with pytest.raises(NotDecoded):
            decoded(body, coding)


def test_the_limit_holds_for_each_layer():
    for body in (gzip.compress(bytes(2000)), gzip.compress(gzip.compress(bytes(2000)))):
        with pytest.raises(TooLong):
            decoded(body, "gzip", 1000)


def test_other_codings_are_decoded_by_whoever_knows_them():
    def backwards(body: bytes, most: int) -> bytes:
        if body[:1] != b">":
            raise KeyError
        return body[::-1]

    others = {"br": backwards}
    assert decoded(PAGE[::-1], "br", others=others) == PAGE
    assert decoded(PAGE, "br", others=others) == PAGE
    with pytest.raises(NotDecoded):
        decoded(b"x", "br", others=others)
