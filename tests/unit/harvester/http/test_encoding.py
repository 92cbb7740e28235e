"""Content codings: bodies as they are packed, whatever the header says; one that is cut short is never a whole one."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.http.encoding import NotDecoded, TooLong, decoded

PAGE = b"<?xml version='1.0'?><a>" + bytes(range(65, 91)) * 20 + b"</a>"


def gzipped(plain: bytes) -> bytes:
    """Pack by gzip, the same bytes at any time: each process that runs tests must name them alike."""
    return gzip.compress(plain, mtime=0)


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
        (gzipped(PAGE), "gzip"),
        (gzipped(PAGE), "X-GZIP"),
        (gzipped(PAGE), "none"),
        (gzipped(PAGE), "deflate"),
        (gzipped(gzipped(PAGE)), "gzip"),
        (gzipped(gzipped(PAGE)), "gzip, gzip"),
        (gzipped(PAGE), "gzip, gzip"),
        (gzipped(PAGE), "gzip, identity"),
        (gzipped(zlib.compress(PAGE)), "deflate, gzip"),
        (gzipped(PAGE[:40]) + gzipped(PAGE[40:]), "gzip"),
        (gzipped(PAGE) + bytes(7), "gzip"),
        (gzipped(PAGE) + b"\r\n", "gzip"),
        (gzipped(PAGE) + b"<br />Notice", "gzip"),
        (zlib.compress(PAGE), "deflate"),
        (zlib.compress(PAGE, 1), "deflate"),
        (raw_deflate(PAGE), "deflate"),
        (zlib.compressobj(wbits=-9).compress(b"") + PAGE, "deflate"),
    ],
)
def test_a_body_is_what_its_bytes_are(body: bytes, encoding: str):
    assert decoded(body, encoding).strip(b"\xef\xbb\xbf \n") == PAGE


def test_gzip_that_is_not_named_is_taken_off_where_that_is_wanted():
    packed = gzipped(PAGE)
    assert decoded(packed, "", undeclared=True) == PAGE
    assert decoded(packed, "") == packed


@given(st.sampled_from(["gzip", "x-gzip", "deflate", "deflate-raw", "gzip, gzip", "none"]), st.integers(1))
def test_a_body_that_is_cut_is_never_a_shorter_body(coding: str, cut: int):
    packed = {
        "deflate": zlib.compress(PAGE),
        "deflate-raw": raw_deflate(PAGE),
        "gzip, gzip": gzipped(gzipped(PAGE)),
    }.get(coding, gzipped(PAGE))
    piece = packed[: cut % (len(packed) - 1) + 1]
    try:
        found = decoded(piece, coding.removesuffix("-raw"))
    except NotDecoded:
        return
    # what has not even the signature of its coding stays what it is, and is no document
    assert found == PAGE or not found.startswith(b"<")


def test_a_second_member_that_is_damaged_is_not_left_out():
    for bad in (gzipped(b"b")[:9], b"\x1f\x8b\x08", gzipped(b"b")[:-3]):
        with pytest.raises(NotDecoded):
            decoded(gzipped(PAGE) + bad, "gzip")


def test_text_without_an_end_of_its_own_is_not_believed():
    for body, coding in ((b"@article{x}", "gzip"), (gzipped(b"text") + b"rest", "gzip"), (b"text", "br")):
        with pytest.raises(NotDecoded):
            decoded(body, coding)


def test_the_limit_holds_for_each_layer():
    for body in (gzipped(bytes(2000)), gzipped(gzipped(bytes(2000)))):
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
