"""Sizes, rates and durations as text: one grammar, whichever argument or option has them."""

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.formats import size_text
from harvester.cli.dump import dump
from harvester.cli.params import ByteRate, Size
from harvester.crawl.arguments.files import parse_filter
from harvester.errors import UsageError
from harvester.text import duration, estimated_duration, parse_byte_rate, parse_size

SIZES = {
    "4096": 4096,
    "1B": 1,
    "50GB": 50_000_000_000,
    "50gb": 50_000_000_000,
    "1.5GB": 1_500_000_000,
    "1.5 TB": 1_500_000_000_000,
    "512MiB": 512 << 20,
    "512mi": 512 << 20,
    "2k": 2000,
    "1KiB": 1024,
    " 4 GiB ": 4 << 30,
    "1P": 10**15,
    "1.2345678kB": 1234,
}
NO_SIZES = ["", "0", "0.0001B", "-1", "GB", "5 apples", "1e9", "٣GB", "1,5GB", "0.5B", "5 iB", "1.GB"]


@pytest.mark.parametrize(("text", "size"), SIZES.items())
def test_a_size_is_a_number_of_bytes(text: str, size: int):
    assert parse_size(text, "--max-bytes") == size
    assert Size().convert(text, None, None) == size
    assert int(parse_byte_rate(f"{text}/s", "--rate")) == int(ByteRate().convert(text, None, None)) == size


@pytest.mark.parametrize("text", NO_SIZES)
def test_anything_else_is_a_usage_error_that_names_the_argument(text: str):
    with pytest.raises(UsageError, match=r"^--max-bytes must be a size such as 500MB, 1.5GB or 512MiB, not '"):
        parse_size(text, "--max-bytes")


@pytest.mark.parametrize("text", ["1.5GB", "50gb", "2MiB"])
def test_every_option_reads_the_same_sizes(text: str):
    with click.Context(dump) as context:
        part = next(param for param in dump.params if param.name == "part_bytes")
        assert part.type_cast_value(context, text) == parse_size(text, "")
    assert str(parse_size(text, "")) in str(parse_filter(f"size<={text}"))


@pytest.mark.parametrize(
    ("text", "rate"), [("0.5", 0.5), ("0.0001kB/s", 0.1), ("1.2345MB/s", 1_234_500), ("0.0MB/s", 0)]
)
def test_a_slow_rate_is_not_taken_for_no_bound(text: str, rate: float):
    assert parse_byte_rate(text, "--rate") == rate


@pytest.mark.parametrize("text", ["", "fast", "50MB/h", "-1MB/s", "50/sMB", "5/s0MB", "5MB/s/s"])
def test_a_rate_is_a_size_a_second_or_nothing(text: str):
    assert parse_byte_rate("0", "--rate") == 0
    with pytest.raises(UsageError, match=r"^--rate must be a rate such as 50MB/s"):
        parse_byte_rate(text, "--rate")


@given(st.integers(1, 999), st.sampled_from(["", "k", "M", "G", "T", "P"]), st.sampled_from(["", "B", "i", "iB"]))
def test_units_are_powers(number: int, prefix: str, ending: str):
    base = 1024 if "i" in ending and prefix else 1000
    text = f"{number}{prefix}{ending if prefix else 'B'}"
    assert parse_size(text, "") == number * base ** " kMGTP".index(prefix or " ")


@given(st.integers(1, 10**17))
def test_a_size_that_was_written_is_read_as_nearly_the_same(size: int):
    text = size_text(size).replace("bytes", "").replace(",", "")
    assert abs(parse_size(text, "") - size) <= size / 20


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (120_000_000, "120 MB"), (2 * 10**15, "2.0 PB")],
)
def test_a_size_is_written_in_decimal_units(size: int, text: str):
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "passed", "forecast"),
    [
        (None, "?", "?"),
        (42, "42 s", "42 s"),
        (185, "3 min 5 s", "3 min"),
        (7 * 3600 + 720, "7 h 12 min", "7.2 h"),
        (9 * 86400, "216 h 0 min", "9 days"),
    ],
)
def test_a_duration_is_written_with_two_units_and_a_forecast_with_one(
    seconds: float | None, passed: str, forecast: str
):
    assert (duration(seconds), estimated_duration(seconds)) == (passed, forecast)
