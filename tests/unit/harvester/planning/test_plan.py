"""The mix of a source: its steps, their words, and how far the runs of a ledger have come along them."""

import pytest

from harvester.errors import UsageError
from harvester.planning import plan
from harvester.planning.plan import PastRun, Place, Words, place_in, steps_of, words_of
from harvester.sources.model import MixStep, Source, read_values, source_names

A, B = Words("exporter", "full", {"url": "x"}), Words("oaipmh", "incremental", {"url": "y"})
OAI = {"url": "https://x.example/oai"}


def run(number: int, words: Words, state: str = "complete") -> PastRun:
    return PastRun(number, words, state)


def source(**parts: object) -> Source:
    return Source.model_validate(parts)


@pytest.mark.parametrize(
    ("parts", "spiders"),
    [
        ({"oaipmh": OAI, "exporter": {"url": "https://x.example/e"}}, ["exporter", "oaipmh"]),
        ({"oaipmh": OAI, "search": {"url": "https://x.example/s", "style": "invenio"}}, ["oaipmh"]),
        ({"search": {"url": "https://x.example/s", "style": "invenio"}}, ["search"]),
        ({"exporter": {"url": "https://x.example/e"}}, ["exporter"]),
    ],
)
def test_without_a_word_of_the_source_the_fewest_requests_are_taken(parts: dict[str, object], spiders: list[str]):
    assert [step.spider for step in steps_of(source(**parts))] == spiders


def test_what_changed_since_the_dump_comes_after_the_dump():
    steps = steps_of(source(oaipmh=OAI, exporter={"url": "https://x.example/e"}))
    assert steps[1].arguments == {"mode": "incremental"}


def test_ids_that_nobody_lists_are_no_mix():
    with pytest.raises(UsageError, match="ids="):
        steps_of(source(idrange={"url": "https://x.example/{id}"}))


def test_every_source_that_comes_with_the_project_has_a_mix_of_endpoints_it_has():
    for name in source_names():
        found = Source.checked(read_values(name), name, "https://site.example")
        steps = steps_of(found)
        assert steps
        assert {step.spider for step in found.mix} <= set(found.parts), name


def test_eprints_is_harvested_as_ceda_did_it():
    eprints = Source.checked(read_values("eprints"), "eprints", "https://x.example")
    (step,) = steps_of(eprints)
    assert (step.spider, step.arguments["ids"]) == ("idrange", "census")
    assert eprints.idrange is not None
    assert eprints.idrange.url == "https://x.example/cgi/export/eprint/{id}/JSON/export.js"


def test_each_step_gets_what_all_share_what_the_mix_says_and_what_is_its_own():
    steps = (
        MixStep(spider="exporter", because="x"),
        MixStep(spider="oaipmh", arguments={"mode": "incremental"}, because="x"),
    )
    given = {"archive": "A", "source": "zenodo", "oaipmh.prefix": "oai_dc"}
    assert words_of(steps, given) == [
        {"archive": "A", "source": "zenodo"},
        {"archive": "A", "source": "zenodo", "mode": "incremental", "prefix": "oai_dc"},
    ]
    for wrong in ("prefix", "search.query", "url", ".x"):
        with pytest.raises(UsageError, match="known are"):
            words_of(steps, {"archive": "A", wrong: "1"})


def test_an_archive_that_is_not_there_stands_before_the_first_step():
    assert place_in([A, B], []) == Place(2)


@pytest.mark.parametrize("state", ["open", "unfinished"])
def test_a_step_that_is_not_done_is_the_next_one(state: str):
    place = place_in([A, B], [run(1, A, state)])
    assert (place.next, place.rounds, place.over) == (0, 0, False)
    assert place_in([A, B], [run(1, A), run(2, B, state)]).next == 1


def test_steps_that_are_done_are_skipped_and_the_last_one_ends_the_round():
    assert place_in([A, B], [run(1, A, "findings")]).next == 1
    place = place_in([A, B], [run(1, A), run(2, B)])
    assert place.over
    assert (place.rounds, [found.run for found in place.runs]) == (1, [1, 2])


def test_a_round_that_is_over_is_not_begun_again_unless_asked_for():
    over = place_in([A, B], [run(1, A), run(2, B)])
    assert over.again() == Place(2, rounds=1)
    under_way = place_in([A, B], [run(1, A), run(2, B), run(3, A)])
    assert under_way.again() == under_way
    assert (under_way.rounds, under_way.next, [found.run for found in under_way.runs]) == (1, 1, [3])


def test_runs_of_other_words_do_not_count():
    others = [run(2, Words("oaipmh", "full", {"url": "y"})), run(3, Words("oaipmh", "incremental", {"url": "z"}))]
    assert place_in([A, B], [run(1, A), *others]).next == 1


def test_a_later_step_alone_is_not_taken_for_the_round():
    assert place_in([A, B], [run(1, B)]).next == 0


def test_the_worst_code_wins():
    assert [plan.worst(codes) for codes in ([], [0, 1], [1, 3], [3, 4, 0], [3, 2])] == [0, 1, 3, 4, 2]
    assert [plan.code_of(run(1, A, state)) for state in ("complete", "findings", "unfinished", "open")] == [0, 1, 3, 3]
