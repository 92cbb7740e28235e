"""Canonical JSON: one text for one value, as RFC 8785 writes it, and no number with fewer digits than were sent.

RFC 8785 takes every number for a double. Here an integer of any size, and a decimal that no double holds, stays as it
was sent; all else is as the RFC has it: keys sorted by UTF-16, no white space, numbers as ECMAScript prints them.
"""

import json
import math
from dataclasses import dataclass
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any

import orjson

# how UTF-8 begins what is beyond the BMP: only there do UTF-16 and the code points sort otherwise
_ASTRAL = (b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")
# a double prints these as digits, everything beyond with an exponent (ECMA-262, Number::toString)
_DIGITS_MOST, _ZEROS_MOST = 21, 6


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it was sent."""

    text: str


def parse(text: bytes) -> Any:
    """Read JSON: numbers are int where that says all, else `Number`; never float.

    Raises ValueError, also for a number beyond all doubles (1e400): no record of an archive has one in its JSON.
    """
    value = orjson.loads(text)
    return reread(text) if has_float(value) else value


def has_float(value: Any) -> bool:
    """Whether JSON that orjson has read holds a number that may have lost digits: no integer of 64 bits."""
    if isinstance(value, float):
        return True
    nested = [value] if isinstance(value, dict | list) else []
    for inner in nested:  # it grows meanwhile
        for item in inner.values() if type(inner) is dict else inner:
            kind = type(item)
            if kind is dict or kind is list:
                nested.append(item)
            elif kind is float:
                return True
    return False


def reread(text: bytes) -> Any:
    """Read JSON, each number as it was sent."""
    return json.loads(text, parse_float=Number, parse_int=Number)


def encode(value: Any) -> bytes:
    """The canonical text of what `parse` has read."""
    text = orjson.dumps(value, _fragment, orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS)
    if not text.isascii() and any(lead in text for lead in _ASTRAL) and _has_astral_key(value):
        return _write(value).encode()
    return text


def _fragment(number: Number) -> orjson.Fragment:
    return orjson.Fragment(_number(number.text))


def _has_astral_key(value: Any) -> bool:
    nested = [value] if isinstance(value, dict | list) else []
    for inner in nested:  # it grows meanwhile
        if type(inner) is dict and not (keys := "".join(inner)).isascii() and max(keys) > "\uffff":
            return True
        items = inner.values() if type(inner) is dict else inner
        nested.extend(item for item in items if type(item) is dict or type(item) is list)
    return False


def _write(value: Any) -> str:
    if isinstance(value, dict):
        keys = sorted(value, key=_utf16)
        return "{" + ",".join(f"{encode_basestring(key)}:{_write(value[key])}" for key in keys) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_write, value)) + "]"
    if isinstance(value, str):
        return encode_basestring(value)
    return _number(value.text) if isinstance(value, Number) else orjson.dumps(value).decode()


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


def _number(text: str) -> str:
    if not any(mark in text for mark in ".eE"):
        return "0" if text == "-0" else text
    value = float(text)
    return _double(value) if _holds(value, text) else text


def _holds(value: float, text: str) -> bool:
    """Whether the shortest text of a double is the number that was sent."""
    if not math.isfinite(value):
        return False
    if value == 0:
        return not any(digit in text.lower().partition("e")[0] for digit in "123456789")
    return Decimal(repr(value)) == Decimal(text)


def _double(value: float) -> str:
    """A double as ECMAScript prints it (RFC 8785, section 3.2.2.3)."""
    if value == 0:
        return "0"
    _, found, exponent = Decimal(repr(abs(value))).as_tuple()
    assert isinstance(exponent, int)
    all_digits = "".join(map(str, found))
    digits = all_digits.rstrip("0")
    point = len(all_digits) + exponent
    sign = "-" if value < 0 else ""
    if len(digits) <= point <= _DIGITS_MOST:
        return sign + digits.ljust(point, "0")
    if 0 < point <= _DIGITS_MOST:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -_ZEROS_MOST < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{point - 1:+d}"
