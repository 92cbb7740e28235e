"""What is asked again: only what is refused, lost or open, in the words that were used."""

from typing import Any

from harvester.crawl.retry import Step, Told, ask_again, words_of

OAI: dict[str, Any] = {
    "url": "http://x/oai",
    "prefix": ["oai_dc", "marc21"],
    "set": [],
    "from": "2020-01-01T00:00:00Z",
    "until": None,
    "sample": None,
    "shard": [2, 3],
}
IDS: dict[str, Any] = {
    "url": "http://x/{id}",
    "ids": "1-5",
    "accept": ["application/json", "text/x at http://x/{id}/y"],
    "oai": None,
    "sample": None,
    "shard": None,
}


def run(
    spider: str,
    arguments: dict[str, Any],
    state: str = "complete",
    newest: bool = True,
    channels: str = "",
    mode: str = "full",
) -> Told:
    return Told(spider, mode, arguments, state, newest, tuple(channels.split()))


def test_the_words_of_a_run_are_those_it_was_told():
    assert words_of(OAI) == {
        "url": "http://x/oai",
        "prefix": "oai_dc,marc21",
        "from": "2020-01-01T00:00:00Z",
        "shard": "2/3",
    }


def test_an_unfinished_run_goes_on_and_its_channels_are_left_to_it():
    runs = [run("oaipmh", OAI, "unfinished", channels="oaipmh:oai_dc", mode="incremental")]
    again = ask_again(runs, {"oaipmh:oai_dc": {"lost": 3}})
    assert [(step.spider, step.words["mode"]) for step in again.steps] == [("oaipmh", "incremental")]
    assert ask_again([run("oaipmh", OAI, "unfinished", newest=False)], {}).steps == ()


def test_ids_that_were_refused_or_lost_are_asked_for_in_their_channel():
    runs = [
        run("oaipmh", OAI, "findings", channels="oaipmh:oai_dc:a:b oaipmh:marc21"),
        run("idrange", IDS, "findings", channels="idrange:json idrange:x"),
    ]
    again = ask_again(
        runs,
        {
            "oaipmh:oai_dc:a:b": {"refused": 2},
            "oaipmh:marc21": {"read": 5},
            "idrange:json": {"lost": 1},
            "idrange:x": {"refused": 1, "open": 2},
        },
    )
    assert again.steps == (
        Step(
            "oaipmh",
            {"url": "http://x/oai", "prefix": "oai_dc", "mode": "retry", "set": "a:b"},
            "oaipmh:oai_dc:a:b: 2 refused",
        ),
        Step(
            "idrange", {"url": "http://x/{id}", "accept": "application/json", "mode": "retry"}, "idrange:json: 1 lost"
        ),
        Step(
            "idrange", {"url": "http://x/{id}/y", "accept": "text/x", "mode": "retry"}, "idrange:x: 1 refused, 2 open"
        ),
    )


def test_what_nobody_can_ask_again_is_said():
    runs = [
        run("idrange", IDS | {"ids": "sha256:abc"}, "unfinished", channels="idrange:json"),
        run("search", {"url": "u"}, "findings", channels="search:json"),
    ]
    again = ask_again(runs, {"idrange:json": {"lost": 1}, "search:json": {"refused": 4}})
    assert [step.words["mode"] for step in again.steps] == ["retry"]
    assert len(again.cannot) == 2


def test_nothing_is_asked_again_where_all_is_settled():
    assert (
        ask_again([run("oaipmh", OAI, "findings", channels="oaipmh:oai_dc")], {"oaipmh:oai_dc": {"read": 1}}).steps
        == ()
    )
