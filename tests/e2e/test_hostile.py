"""One misbehaviour at a time: the archive equals the truth, or a finding or an outcome names what differs."""

from collections.abc import Callable
from pathlib import Path

import pytest
import truth as truths
from harvests import Harvest, Hostile

from archive.ledger import read_only

# name: (options of the provider, arguments of the harvest, exit codes that are right)
WORLDS: dict[str, tuple[str, str, set[int]]] = {
    "plain": ("", "", {0}),
    "offset tokens in pages of 20": ("--page-size 20", "", {0}),
    "keyset tokens": ("--paging keyset", "", {0}),
    "snapshot tokens": ("--paging snapshot", "", {0}),
    "scroll tokens with lost answers": ("--paging scroll --p-reset .1 --p-cut .1 --page-size 50", "", {0}),
    "overlapping pages": ("--overlap 3 --page-size 50", "", {0, 1}),
    "a depth limit": ("--deep-limit 300 --page-size 50", "", {0}),
    "no list size": ("--no-list-size --page-size 50", "", {0}),
    "a list size too large": ("--list-size-lie 7 --page-size 50", "", {1}),
    "a list size too small": ("--list-size-lie -7 --page-size 50", "", {1}),
    "tokens in need of encoding": ("--token-style nasty --page-size 50", "", {0}),
    "long tokens": ("--token-style long --page-size 50", "", {0}),
    "tokens in white space": ("--token-style ws --page-size 50", "", {0}),
    "tokens used once": ("--token-single-use --page-size 50 --p-cut .1", "", {0}),
    "tokens that loop": ("--token-loop-at 4 --page-size 50", "", {0, 1}),
    "tokens that repeat": ("--token-repeat-at 4 --page-size 50", "", {0, 1}),
    "tokens that loop, no list size": ("--token-loop-at 4 --page-size 50 --no-list-size", "", {0, 1}),
    "tokens refused once": ("--token-expire-at 3,7 --page-size 50", "", {0}),
    "lists that end early": ("--truncate-at 3 --page-size 50", "", {0, 1}),
    "empty pages": ("--empty-page-at 2,5 --page-size 50", "", {0}),
    "granularity of a day": ("--granularity day --page-size 50", "", {0}),
    "a day of granularity and poison": ("--granularity day --page-size 50 --kinds xml_badchar:2", "", {1}),
    "no sets": ("--no-sets", "", {0}),
    "earliest datestamp of year 1": ("--earliest 0001-01-01T00:00:00Z --deep-limit 300 --page-size 50", "", {0}),
    "earliest datestamp far too late": ("--earliest 2024-01-01T00:00:00Z --deep-limit 300 --page-size 50", "", {0}),
    "errors with status 422": ("--oai-error-status 422 --deep-limit 300 --page-size 50", "", {0}),
    "errors with status 500": ("--oai-error-status 500 --deep-limit 300 --page-size 50", "", {0}),
    "until leaves its second out": ("--until-exclusive --deep-limit 300 --page-size 50", "", {0}),
    "a clock an hour ahead": ("--clock-skew 3600", "", {0}),
    "a clock an hour behind": ("--clock-skew -3600", "", {0}),
    "a base URL elsewhere": ("--identify-other-host", "", {0}),
    "deletions not said": ("--deleted-claim no", "", {0}),
    "gzip": ("--gzip", "", {0}),
    "sent as HTML": ("--oai-content-type text/html", "", {0}),
    "a burst larger than a window": ("--burst-share .9 --page-size 50 --deep-limit 400", "", {0, 1, 3}),
    "500s": ("--p-500 .2 --page-size 50", "", {0}),
    "502s and 504s": ("--p-502 .1 --p-504 .1 --page-size 50", "", {0}),
    "bad characters on the way": ("--p-badchars .1 --page-size 50", "", {0}),
    "bad encoding on the way": ("--p-badenc .1 --page-size 50", "", {0}),
    "gzip cut short": ("--p-truncgzip .2 --gzip --page-size 50", "", {0}),
    "pages of HTML": ("--p-html200 .1 --p-htmlxml .1 --page-size 50", "", {0}),
    "empty answers": ("--p-empty .2 --page-size 50", "", {0}),
    "redirects in a circle": ("--p-redirect-loop .1 --page-size 50", "", {0}),
    "redirects to another host": ("--p-redirect-other-host .1 --page-size 50", "", {0}),
    "connections refused": ("--p-refuse .1 --page-size 50", "", {0}),
    "slow answers": ("--p-drip .1 --drip-chunks 4 --drip-delay 0.05 --page-size 50", "", {0}),
    "Retry-After as a date": ("--p-429 .2 --retry-after date --retry-after-secs 1 --page-size 50", "", {0}),
    "Retry-After that is garbage": ("--p-429 .2 --retry-after garbage --page-size 50", "", {0}),
    "Retry-After in the past": ("--p-503 .2 --retry-after past --page-size 50", "", {0}),
    "Retry-After of zero": ("--p-429 .2 --retry-after zero --page-size 50", "", {0}),
    "Retry-After below zero": ("--p-429 .2 --retry-after negative --page-size 50", "", {0}),
    "Retry-After as a fraction": ("--p-429 .2 --retry-after float --page-size 50", "", {0}),
    "Retry-After of a year": ("--p-429 .9 --retry-after huge --fault-burst 0 --page-size 50", "", {3}),
    "one request at a time": ("--max-inflight 1 --page-size 50", "windows=4 slices=year", {0}),
    "windows at once": ("--page-size 50", "windows=4 slices=year", {0}),
    "a budget": ("--rate 30:1 --rate-retry-after --page-size 20", "", {0}),
    "no list size and months": ("--no-list-size --page-size 50", "slices=month", {0}),
}


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_is_harvested_whole_or_says_what_is_missing(
    name: str, hostile: Callable[..., Hostile], harvest: Harvest
):
    options, words, codes = WORLDS[name]
    server = hostile("--records", "800", *options.split())
    code = harvest.run(server.url, *words.split())
    assert code in codes, harvest.output[-3000:]
    if code == 3:
        return
    found = truths.compare(harvest.archive, server.truth())
    for kind in ("unexpected", "datestamp", "status", "sets", "content"):
        assert not found[kind], (kind, found[kind][:5])
    assert not set(found["missing"]) - set(found["named"])
    assert not server.stats().get("probe_hits")
    findings = read_only(harvest.archive / "ledger.sqlite").execute("SELECT code FROM findings").fetchall()
    assert code == 0 or findings


def test_the_comparison_sees_a_difference(hostile: Callable[..., Hostile], harvest: Harvest, tmp_path: Path):
    server = hostile("--records", "50")
    assert harvest.run(server.url) == 0
    truth = server.truth()
    assert not truths.compare(harvest.archive, truth)["missing"]
    live = next(line for line in truth if line["status"] == "live")
    found = truths.compare(harvest.archive, [*truth, {**live, "identifier": "oai:hostile.example:0"}])
    assert found["missing"] == ["oai:hostile.example:0"]
    assert truths.compare(harvest.archive, [{**live, "datestamp": "2001-01-01T00:00:00Z"}])["datestamp"]
