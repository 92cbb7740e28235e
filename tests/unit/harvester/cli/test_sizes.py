"""Sizes as people write them."""

import click
import pytest

from harvester.cli.sizes import Size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4096", 4096),
        ("1B", 1),
        ("50GB", 50_000_000_000),
        ("1.5 TB", 1_500_000_000_000),
        ("512MiB", 512 << 20),
        ("2k", 2000),
        ("1KiB", 1024),
        (7, 7),
    ],
)
def test_a_size_is_a_number_of_bytes(text: str | int, size: int):
    assert Size().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "0", "0.0001B", "-1", "GB", "5 apples", "1e9", "٣GB", "1,5GB"])
def test_what_is_no_size_is_usage(text: str):
    with pytest.raises(click.BadParameter):
        Size().convert(text, None, None)
