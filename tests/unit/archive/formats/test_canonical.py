"""Canonical JSON is that of RFC 8785, and no number loses a digit."""

import json
from decimal import Decimal

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from archive.formats.canonical import encode, parse

SAFE = 2**53 - 1
texts = st.text(st.characters(codec="utf-8"))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


def canonical(text: str) -> str:
    return encode(parse(text.encode())).decode()


@given(values)
def test_it_is_what_the_rfc_writes_wherever_that_applies(value: object):
    assert encode(parse(json.dumps(value).encode())) == rfc8785.dumps(value)


@given(values)
def test_it_stays_as_it_is_when_done_again(value: object):
    once = encode(parse(json.dumps(value).encode()))
    assert encode(parse(once)) == once


@pytest.mark.parametrize(
    "number",
    [
        "9007199254740993",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
        "9" * 300,
        "0.10000000000000000001",
        "12345678901234567890.0",
        "1e-400",
        "1.0000000000000000000000001e5",
    ],
)
def test_a_number_that_no_double_holds_stays_as_it_was_sent(number: str):
    assert canonical(f'{{"n":[{number}]}}') == f'{{"n":[{number}]}}'
    assert canonical(f'{{"n":{number},"\U0001f600":1.0}}') == f'{{"n":{number},"\U0001f600":1}}'


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("1.0", "1"),
        ("1e2", "100"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0e5", "0"),
        ("1E21", "1e+21"),
        ("1e20", "1" + "0" * 20),
        ("4.50", "4.5"),
        ("1e-6", "0.000001"),
        ("1e-7", "1e-7"),
        ("1.50e-7", "1.5e-7"),
        ("0.0001", "0.0001"),
        ("0.00001", "0.00001"),
        ("1234567890123456.0", "1234567890123456"),
        ("12345678901234567", "12345678901234567"),
        ("1e16", "10000000000000000"),
        ("-100.0", "-100"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("-12.25e3", "-12250"),
    ],
)
def test_numbers_are_printed_as_ecmascript_prints_them(sent: str, written: str):
    assert canonical(sent) == written


@given(st.decimals(allow_nan=False, allow_infinity=False, places=25) | st.integers())
def test_no_number_changes_its_value(number: Decimal | int):
    assert Decimal(canonical(str(number))) == Decimal(str(number))


def test_keys_are_sorted_by_utf16_beyond_the_bmp_as_well():
    assert canonical('{"\ufb33":1,"\U0001f600":2,"é":3,"a":4}') == '{"a":4,"é":3,"\U0001f600":2,"\ufb33":1}'
    assert canonical('[{"a\ufb33":1,"a\U0001f600":2}]') == '[{"a\U0001f600":2,"a\ufb33":1}]'
    assert canonical('{"\ufb33":1,"\U0001f600\\"b\\\\":2}') == '{"\U0001f600\\"b\\\\":2,"\ufb33":1}'
    assert canonical('{"\ufb33":"\U0001f600\\":","\U00100000":2}') == '{"\U00100000":2,"\ufb33":"\U0001f600\\":"}'


@pytest.mark.parametrize("text", ["", "{", '{"a":1', "[1 2]", "NaN", "1e400", '"\\ud800"'])
def test_what_is_no_json_is_refused(text: str):
    with pytest.raises(ValueError):
        parse(text.encode())
