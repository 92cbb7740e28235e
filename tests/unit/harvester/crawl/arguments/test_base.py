"""Arguments: read or refused before anything is asked; an error names the argument and what it takes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from harvester.crawl.arguments.base import parse_arguments
from harvester.errors import UsageError

LEAST = {"url": "https://x.example/oai", "archive": "a"}


def test_the_least_is_a_url_and_an_archive():
    found = parse_arguments(LEAST)
    assert (found.source.url, found.archive, found.mode, found.slices) == (LEAST["url"], Path("a"), "full", "auto")
    assert found.channels == [("oai_dc", None)]
    assert (found.from_, found.until, found.sample, found.shard, found.windows) == (None, None, None, None, 1)


def test_every_argument_is_read():
    found = parse_arguments(
        LEAST
        | {
            "prefix": "oai_dc, marc21,,oai_dc",
            "set": "a,b:c",
            "from": "2020-01-01",
            "until": "2020-12-31",
            "mode": "census",
            "sample": "10",
            "shard": "2/8",
            "windows": "4",
            "slices": "month",
        }
    )
    assert found.channels == [("oai_dc", "a"), ("oai_dc", "b:c"), ("marc21", "a"), ("marc21", "b:c")]
    assert (found.from_, found.until) == (
        datetime(2020, 1, 1, tzinfo=UTC),
        datetime(2020, 12, 31, 23, 59, 59, tzinfo=UTC),
    )
    assert (found.mode, found.sample, found.shard, found.windows, found.slices) == ("census", 10, (2, 8), 4, "month")


def test_seconds_are_bounds_as_they_are():
    found = parse_arguments(LEAST | {"from": "2020-01-01T00:00:01Z", "until": "2020-01-01T00:00:01Z"})
    assert found.from_ == found.until == datetime(2020, 1, 1, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"prefx": "a"}, "prefx"),
        ({"archive": ""}, "archive"),
        ({"url": ""}, "url"),
        ({"url": "ftp://x.example"}, "url"),
        ({"url": "x.example/oai"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "http://[::1"}, "url"),
        ({"url": "http://x.example:port/"}, "url"),
        ({"url": "http://x.example:99999/"}, "url"),
        ({"from": "yesterday"}, "from"),
        ({"until": "2020-02-30"}, "until"),
        ({"from": "2020"}, "from"),
        ({"from": "2020-01-02", "until": "2020-01-01"}, "from"),
        ({"from": "2020-01-01T00:00:00+01:00"}, "from"),
        ({"mode": "incremental", "from": "2020-01-01"}, "incremental"),
        ({"mode": "fast"}, "mode"),
        ({"slices": "week"}, "slices"),
        ({"sample": "0"}, "sample"),
        ({"sample": "-1"}, "sample"),
        ({"sample": "1.5"}, "sample"),
        ({"sample": "²"}, "sample"),
        ({"sample": "9" * 5000}, "sample"),
        ({"windows": "x"}, "windows"),
        ({"windows": ""}, "windows"),
        ({"shard": "1"}, "shard"),
        ({"shard": "0/2"}, "shard"),
        ({"shard": "3/2"}, "shard"),
        ({"shard": "a/b"}, "shard"),
        ({"shard": "²/³"}, "shard"),
        ({"shard": "1/2/3"}, "shard"),
        ({"shard": "1/" + "9" * 5000}, "shard"),
        ({"source": "no-such-source"}, "no-such-source"),
        ({"source": "missing.toml"}, "missing.toml"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, str], word: str):
    with pytest.raises(UsageError, match=word):
        parse_arguments(LEAST | wrong)


def test_a_harvest_is_resumed_by_the_same_words_whatever_they_look_like():
    one = parse_arguments(LEAST | {"from": "2020-01-01", "prefix": "a,b", "archive": "x"}).identity
    two = parse_arguments(
        LEAST | {"from": "2020-01-01T00:00:00Z", "prefix": " a , b ", "archive": "y", "windows": "3"}
    ).identity
    assert one == two
    assert one != parse_arguments(LEAST | {"from": "2020-01-01", "prefix": "b,a"}).identity
    assert one != parse_arguments(LEAST | {"from": "2020-01-01", "prefix": "a,b", "shard": "1/2"}).identity


def test_a_source_file_gives_what_the_words_do_not(tmp_path: Path):
    file = tmp_path / "x.toml"
    file.write_text(
        '[oaipmh]\nurl = "https://x.example/oai"\nprefixes = ["marc21"]\nsets = ["a"]\nwindows = 3\nslices = "day"\n'
    )
    found = parse_arguments({"source": str(file), "archive": "a"})
    assert (found.channels, found.windows, found.slices) == ([("marc21", "a")], 3, "day")
    found = parse_arguments(
        {"source": str(file), "archive": "a", "prefix": "oai_dc", "windows": "1", "url": "https://y.example/"}
    )
    assert (found.channels, found.windows, found.source.url) == ([("oai_dc", "a")], 1, "https://y.example/")
