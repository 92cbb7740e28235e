"""Canonical JSON: one text for one value, as RFC 8785 writes it, and no number with fewer digits than were sent.

RFC 8785 takes every number for a double. Here an integer of any size, and a decimal that no double holds, stays as it
was sent; all else is as the RFC has it: keys sorted by UTF-16, no white space, numbers as ECMAScript prints them.
"""

import json
import math
import re
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

import orjson

# how UTF-8 begins what is beyond the BMP, and U+E000 to its end: UTF-16 sorts them the other way round
_ASTRAL = (b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")
_LATE = (b"\xee", b"\xef")
# from within a string to behind the quotation mark that ends it
_STRING_REST = re.compile(rb'(?:[^"\\]++|\\.)*+"')
# a double prints these as digits, everything beyond with an exponent (ECMA-262, Number::toString)
_DIGITS_MOST, _ZEROS_MOST = 21, 6


class Number(float):
    """A number as it was sent: `text` has all of its digits, the float that it also is may have fewer."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> "Number":
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[type["Number"], tuple[str]]:
        return Number, (self.text,)


# digits and points as they are, all else white space; so many of them in a row are more than 15 digits
_DIGITS = bytes(ord("0") if chr(byte) in "0123456789." else ord(" ") for byte in range(256))
_RUN = b"0" * 16
# a float below this is zero, or may be one of those with fewer digits than others have (IEEE 754, subnormal)
_TINY = 1e-290
_FAR_EXPONENT = re.compile(rb"[eE]-0*[0-9]{3}")
# integers of 64 bits, which orjson writes, have so many characters at most
_INTEGER_MOST = 20


def parse(text: bytes) -> Any:
    """Read JSON: numbers are int, or else `Number`; never float.

    Raises ValueError, also for a number beyond all doubles (1e400): no record of an archive has one in its JSON.
    """
    value = orjson.loads(text)
    return reread(text) if isinstance(value, float) or holders(value) else value


def holders(value: Any) -> list[Any]:
    """The objects and lists, in JSON that orjson has read, that have a float among their values.

    A float is any number but an integer of 64 bits, and may have lost digits.
    """
    found = []
    nested = [value] if isinstance(value, dict | list) else []
    for inner in nested:  # it grows meanwhile
        holds = False
        for item in inner.values() if type(inner) is dict else inner:
            kind = type(item)
            if kind is dict or kind is list:
                nested.append(item)
            elif kind is float:
                holds = True
        if holds:
            found.append(inner)
    return found


def has_long_run(text: bytes) -> bool:
    """Whether there may be a number in a JSON text of more digits than a double holds (15): in a string as well."""
    return _RUN in text.translate(_DIGITS)


def loses_digits(holding: Iterable[Any], text: bytes) -> bool:
    """Whether a float in `holding`, as orjson read them in `text`, may be another number than the one that was sent.

    That is so for more digits than a double holds, and for numbers next to zero, which have fewer.
    """
    return has_long_run(text) or (
        any(
            type(item) is float and abs(item) < _TINY
            for inner in holding
            for item in (inner.values() if type(inner) is dict else inner)
        )
        and _FAR_EXPONENT.search(text) is not None
    )


def write_doubles(holding: Iterable[Any]) -> None:
    """Put in place of each float what is to be written of it."""
    for inner in holding:
        for key, item in list(inner.items() if type(inner) is dict else enumerate(inner)):
            if type(item) is float:
                inner[key] = _written(item)


def reread(text: bytes) -> Any:
    """Read JSON, each number that is not an integer of 64 bits as it was sent. Raises ValueError."""
    return _DECODER.decode(text.decode())


def reread_leniently(text: bytes) -> Any:
    """Read JSON as `reread` does, also after a byte order mark; NaN and Infinity are None. Raises ValueError."""
    return _LENIENT.decode(text.decode("utf-8-sig"))


def encode_as_sent(value: Any) -> bytes:
    """Write JSON on one line, in the order of its keys, each `Number` as it was sent.

    One beyond all doubles (1e400) is written as a text: with such a number in it most readers of JSON refuse the
    whole record.
    """
    return orjson.dumps(value, as_sent)


def as_sent(value: Any) -> Any:
    """Write a `Number`: for the `default` of orjson."""
    if not isinstance(value, Number):
        raise TypeError(f"{type(value).__name__} is not JSON")
    return orjson.Fragment(value.text) if math.isfinite(value) else value.text


def encode(value: Any) -> bytes:
    """The canonical text of what `parse` or `reread` has read."""
    try:
        text = orjson.dumps(value, _fragment, orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer beyond 64 bits
        return _write(value).encode()
    if any(lead in text for lead in _LATE) and _has_astral_key(text):
        return _write(value).encode()
    return text


def _whole(text: str) -> int | Number:
    if len(text) > _INTEGER_MOST or text == "-0":
        return Number(text)
    value = int(text)
    return value if -(1 << 63) <= value < 1 << 64 else Number(text)


_DECODER = json.JSONDecoder(parse_float=Number, parse_int=_whole)
_LENIENT = json.JSONDecoder(parse_float=Number, parse_int=_whole, parse_constant=lambda _: None)


@lru_cache(maxsize=4096)  # of most records the same few: counts, coordinates
def _written(value: float) -> Number:
    return Number(_double(value))


def _fragment(number: Number) -> orjson.Fragment:
    return orjson.Fragment(_number(number.text))


def _has_astral_key(text: bytes) -> bool:
    """Whether a key of a canonical text is beyond the BMP: after a string that is a key stands a colon."""
    for lead in _ASTRAL:
        place = text.find(lead)
        while place >= 0:
            end = _end_of_string(text, place)
            if text[end : end + 1] == b":":
                return True
            place = text.find(lead, end)
    return False


def _end_of_string(text: bytes, place: int) -> int:
    found = _STRING_REST.match(text, place)
    assert found is not None
    return found.end()


def _write(value: Any) -> str:
    if isinstance(value, dict):
        keys = sorted(value, key=_utf16)
        return "{" + ",".join(f"{encode_basestring(key)}:{_write(value[key])}" for key in keys) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_write, value)) + "]"
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _number(value.text) if isinstance(value, Number) else orjson.dumps(value).decode()


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


@lru_cache(maxsize=4096)  # of most records the same few: counts, coordinates
def _number(text: str) -> str:
    if text.lstrip("-").isdecimal():  # an integer of any size stays as it is
        return "0" if text == "-0" else text
    value = float(text)
    return _double(value) if repr(value) == text or _holds(value, text) else text


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
    if "e" not in (plain := repr(value)):  # of 16 digits at most, and no more than four zeros behind the point
        return plain.removesuffix(".0")
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
