"""What a harvest will cost: the numbers of the facts about Zenodo, limits, and what nobody knows."""

from typing import Any

import pytest

from harvester.planning.forecast import Answers, Cost, channel_costs, from_counts, pace, step_cost, total
from harvester.ratelimit.headers import Budget, covers
from harvester.sources.model import MixStep, Source, read_values

HOUR, DAY = 3600, 86400
RECORDS, HIGHEST = 8_091_746, 20_750_437


@pytest.fixture
def zenodo() -> Source:
    return Source.checked(read_values("zenodo"), "zenodo")


def by_spider(costs: tuple[Cost, ...]) -> dict[str, Cost]:
    return {cost.spider: cost for cost in costs}


def made(**values: Any) -> Source:
    return Source.model_validate({"oaipmh": {"url": "https://x.example/oai", "page_records": 50}, **values})


def test_all_of_zenodo_over_oai_pmh_takes_90_hours(zenodo: Source):
    cost = by_spider(channel_costs(zenodo, Answers(listed=RECORDS)))["oaipmh"]
    assert (cost.requests, cost.pace) == (161_835, "30 a minute")
    assert cost.seconds is not None
    assert round(cost.seconds / HOUR) == 90


def test_probing_all_ids_of_zenodo_takes_108_days_and_those_of_2019_took_18(zenodo: Source):
    whole = by_spider(channel_costs(zenodo, Answers()))["idrange"]
    assert whole.requests == HIGHEST
    assert whole.seconds is not None
    assert round(whole.seconds / DAY) == 108
    part = by_spider(channel_costs(zenodo, Answers(), ids=3_450_000))["idrange"]
    assert part.seconds is not None
    assert round(part.seconds / DAY) == 18


def test_the_mix_for_zenodo_is_its_dump_and_what_changed_since_and_takes_some_hours(zenodo: Source):
    steps = [step_cost(zenodo, from_counts(zenodo), step) for step in zenodo.mix]
    assert [step.spider for step in steps] == ["exporter", "oaipmh"]
    requests, seconds, size = total(steps)
    assert requests is not None
    assert requests < 10_000
    assert seconds is not None
    assert 1 * HOUR < seconds < 8 * HOUR
    assert size is not None
    assert 4e9 < size < 10e9


def test_a_channel_says_what_it_cannot_see(zenodo: Source):
    costs = by_spider(channel_costs(zenodo, from_counts(zenodo)))
    assert "deletions" in costs["oaipmh"].blind[0]
    assert "deletions" in costs["search"].blind
    assert any("changed since" in blind for blind in costs["exporter"].blind)
    assert any(f"{HIGHEST:,}" in blind for blind in costs["idrange"].blind)
    kept = made(oaipmh={"url": "https://x.example/oai", "deletions": True})
    assert channel_costs(kept, Answers(deleted_record="no"))[0].blind == ()
    assert channel_costs(made(), Answers(deleted_record="persistent"))[0].blind == ()
    assert "transient" in channel_costs(made(), Answers(deleted_record="transient"))[0].blind[0]


@pytest.mark.parametrize(
    ("budgets", "seconds", "words"),
    [
        ([(30, 60)], 2.0, "30 a minute"),
        ([(133, 60), (8000, 3600)], 60 / 133, "133 a minute"),
        ([(100, 60), (2000, 3600)], 1.8, "2,000 an hour"),
        ([(1, 3)], 3.0, "1 in 3 s"),
        ([], 0.25, "as fast as it answers"),
        ([(1000, 1)], 0.25, "as fast as it answers"),
    ],
)
def test_the_strictest_limit_rules(budgets: list[tuple[int, int]], seconds: float, words: str):
    source = made(budgets=[{"requests": number, "seconds": time} for number, time in budgets])
    found = pace(source, "https://x.example/oai", 0.25)
    assert (found.seconds, found.words) == (pytest.approx(seconds), words)


def test_a_limit_holds_for_its_path_its_host_and_who_has_a_token():
    source = made(
        hosts=["y.example"],
        budgets=[
            {"requests": 1, "seconds": 10, "path": "/api"},
            {"requests": 1, "seconds": 20, "token": True},
            {"requests": 1, "seconds": 30, "host": "y.example"},
        ],
    )
    assert pace(source, "https://x.example/oai", 0.1).seconds == 0.1
    assert pace(source, "https://x.example/api/records", 0.1).seconds == 10
    assert pace(source, "https://x.example/oai", 0.1, has_token=True).seconds == 20
    assert pace(source, "https://y.example/oai", 0.1).seconds == 30


def test_a_limit_of_the_search_is_none_of_the_records_below_it(zenodo: Source):
    assert covers("", "/api/records")
    assert covers("/api", "/api/records")
    assert covers("/api/records$", "/api/records")
    assert not covers("/api/records$", "/api/records/1")
    assert pace(zenodo, "https://zenodo.org/api/records", 0.1).seconds == 2.0
    assert pace(zenodo, "https://zenodo.org/api/records/1", 0.1).seconds < 0.5


def test_what_answers_named_counts_where_it_is_stricter(zenodo: Source):
    seen = (Budget(10, 60, "/oai2d"),)
    assert pace(zenodo, "https://zenodo.org/oai2d", 0.1, seen=seen).seconds == 6.0


def test_slow_answers_are_the_pace_unless_several_are_asked_for_at_once():
    slow = Answers(listed=1000, page_seconds=4.0)
    alone, three = made(), made(oaipmh={"url": "https://x.example/oai", "page_records": 50, "windows": 2})
    assert [channel_costs(source, slow)[0].seconds for source in (alone, three)] == [80.0, 40.0]


def test_what_is_not_known_is_not_guessed():
    cost = channel_costs(made(), Answers())[0]
    assert (cost.records, cost.requests, cost.seconds, cost.bytes) == (None, None, None, None)
    assert total([cost]) == (None, None, None)
    unknown_page = made(oaipmh={"url": "https://x.example/oai"})
    assert channel_costs(unknown_page, Answers(listed=10))[0].requests is None


def test_what_is_assumed_is_said_and_only_where_it_matters(zenodo: Source):
    assert channel_costs(made(), Answers(listed=1))[0].assumed
    assert not channel_costs(zenodo, Answers(listed=1))[0].assumed
    assert by_spider(channel_costs(zenodo, from_counts(zenodo)))["exporter"].assumed


def test_each_prefix_is_a_list_of_its_own():
    source = made(oaipmh={"url": "https://x.example/oai", "page_records": 50, "prefixes": ["oai_dc", "marc"]})
    cost = channel_costs(source, Answers(listed=100, list_record_bytes=10.0))[0]
    assert (cost.requests, cost.records, cost.bytes) == (4, 200, 2000)


def test_ids_of_a_list_are_asked_for_in_the_forms_of_the_step():
    source = Source.checked(read_values("eprints"), "eprints", "https://x.example")
    cost = step_cost(source, Answers(listed=1249, page_records=100), source.mix[0])
    assert (cost.records, cost.requests) == (1249, 1249 + 13)
    both = MixStep(spider="idrange", arguments={"ids": "census"}, because="both forms")
    assert step_cost(source, Answers(listed=1249, page_records=100), both).requests == 2 * 1249 + 13


def test_a_search_beyond_its_window_pays_for_finding_its_slices(zenodo: Source):
    small = by_spider(channel_costs(zenodo, Answers(found=10_000)))["search"]
    large = by_spider(channel_costs(zenodo, Answers(found=100_000)))["search"]
    assert small.requests == 400
    assert large.requests is not None
    assert 4_000 < large.requests < 4_100
    token = by_spider(channel_costs(zenodo, Answers(found=10_000), has_token=True))["search"]
    assert token.requests == 100
