"""A source file to begin with: whatever a provider calls itself, it can be read, and says where to decide."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester.planning.probing import OaiSeen, RestSeen, Seen, Verdict, judge
from harvester.planning.template import source_text
from harvester.sources.model import Source

ROOT = "https://x.example"
OAI = OaiSeen(
    f"{ROOT}/oai2d",
    "X",
    f"{ROOT}/oai2d",
    "persistent",
    "YYYY-MM-DD",
    "2000-01-01",
    ("oai_dc", "oai_datacite"),
    3,
    True,
    "oai:x:1",
    50,
    1234,
)
REST = RestSeen(
    "invenio",
    f"{ROOT}/api/records",
    1300,
    "ab1cd-ef2gh",
    f"{ROOT}/api/records/{{id}}",
    ("application/json", "application/vnd.inveniordm.v1+json", "application/marcxml+xml"),
)


def drafted(seen: Seen, verdict: Verdict | None = None) -> tuple[Source, str]:
    text = source_text(seen, verdict or judge(seen, {}), "2026-01-02")
    return Source.checked(tomllib.loads(text), "draft"), text


def test_what_was_seen_is_in_the_file():
    source, _ = drafted(Seen(ROOT, OAI, REST, exporter_keys=("records-json.tar.gz", "records-deleted.csv.gz")))
    assert source.oaipmh is not None
    assert source.idrange is not None
    assert source.search is not None
    assert (source.platform, source.oaipmh.url, source.oaipmh.prefixes) == (
        "invenio-rdm",
        f"{ROOT}/oai2d",
        ("oai_datacite",),
    )
    assert (source.oaipmh.page_records, source.oaipmh.deletions) == (50, True)
    assert [channel.accept for channel in source.idrange.channels] == [
        "application/vnd.inveniordm.v1+json",
        "application/marcxml+xml",
    ]
    assert (source.idrange.pattern, source.search.size, source.search.window) == ("[0-9a-z]{5}-[0-9a-z]{5}", 25, 10_000)
    assert source.exporter is not None
    assert source.exporter.records == ("records-json.tar.gz",)
    assert source.counts is not None
    assert (source.counts.seen, source.counts.listed, source.counts.found) == ("2026-01-02", 1234, 1300)
    assert source.facts


def test_two_shapes_under_one_media_type_are_told_apart():
    legacy = RestSeen("invenio", REST.url, 1, "7", REST.template, ("application/json",), legacy=True)
    source, _ = drafted(Seen(ROOT, OAI, legacy))
    assert source.idrange is not None
    assert [(channel.accept, channel.name) for channel in source.idrange.channels] == [
        ("application/json", "zenodo-json")
    ]
    assert source.idrange.pattern == "[0-9]+"


def test_eprints_is_asked_for_the_json_of_each_listed_id():
    source, _ = drafted(Seen(ROOT, OAI, eprints_id="12"))
    assert source.idrange is not None
    assert source.idrange.url == f"{ROOT}/cgi/export/eprint/{{id}}/JSON/export.js"
    assert [(step.spider, step.arguments) for step in source.mix] == [("idrange", {"ids": "census"})]


def test_what_a_person_must_decide_is_said_and_not_decided():
    closed = Seen(
        ROOT, OAI, closed=((f"{ROOT}/oai2d", "Disallow: /"),), crawl_delay=10.0, budgets=(("x-ratelimit-limit", "60"),)
    )
    source, text = drafted(closed)
    assert source.robots.asks_anyway == ()
    assert source.budgets == ()
    assert "Disallow: /" in text
    assert "x-ratelimit-limit: 60" in text
    assert text.lower().count("decide") >= 3


@pytest.mark.parametrize("said", ["no", "transient", "persistent", "", "yes\nurl = 5"])
def test_deletions_are_what_identify_says_where_it_says_it_plainly(said: str):
    oai = OaiSeen(**{**{name: getattr(OAI, name) for name in OAI.__slots__}, "deleted_record": said})
    source, _ = drafted(Seen(ROOT, oai))
    assert source.oaipmh is not None
    assert source.oaipmh.deletions == {"no": False, "persistent": True}.get(said)


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)


@given(TEXT, TEXT, TEXT, st.lists(TEXT.filter(bool), max_size=3), TEXT, TEXT)
def test_no_word_of_a_provider_breaks_out_of_its_place(
    name: str, said: str, granularity: str, prefixes: list[str], rule: str, limit: str
):
    oai = OaiSeen(f"{ROOT}/oai", name, said, said, granularity, said, tuple(prefixes), identifier=name, listed=1)
    seen = Seen(ROOT, oai, closed=((f"{ROOT}/oai", rule),), budgets=(("x-ratelimit-limit", limit),))
    values: dict[str, Any] = tomllib.loads(source_text(seen, Verdict("", "unknown", (rule,)), "2026-01-02"))
    assert Source.checked(values, "draft").name == (name or "x.example")
    assert values.keys() == {"name", "platform", "homepage", "oaipmh", "counts", "facts"}
    assert values["facts"][0]["says"] == rule
