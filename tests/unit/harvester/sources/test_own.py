"""The source of an archive is named again as it was named, and not by what it is called."""

import tomllib
from dataclasses import replace
from pathlib import Path

from harvester.cli.census import Asked, what_to_ask
from harvester.cli.probe import asked_anyway
from harvester.planning import probing
from harvester.planning.template import source_text
from harvester.sources.model import Source
from harvester.sources.own import own_source, own_source_at

SITE = "https://eprints.example"
EPRINTS = {
    "name": "EPrints",
    "url": f"{SITE}/cgi/oai2",
    "hosts": ["eprints.example"],
    "source": "eprints",
    "site": SITE,
}


def test_the_arguments_of_the_harvest_are_kept():
    assert own_source(EPRINTS) == {"source": "eprints", "site": SITE}
    assert own_source({"name": "Mine", "hosts": ["x.example"], "source": "my.toml"}) == {"source": "my.toml"}
    assert own_source({"name": "", "url": "https://x.example/oai", "hosts": ["x.example"]}) == {}


def test_an_archive_from_before_is_known_by_the_name_of_its_site():
    assert own_source({"name": "Zenodo", "hosts": ["zenodo.org"]}) == {"source": "zenodo"}
    assert own_source({"name": "Zenodo", "hosts": ["mirror.example"]}) == {}
    assert own_source({"name": "EPrints", "hosts": ["eprints.example"]}) == {}


def test_it_holds_for_urls_at_its_hosts_only(tmp_path: Path):
    assert own_source_at(EPRINTS, "EPRINTS.example") == {"source": "eprints", "site": SITE}
    assert own_source_at(EPRINTS, "other.example") == {}
    gone = {"name": "Mine", "hosts": ["x.example"], "source": str(tmp_path / "gone.toml")}
    assert own_source_at(gone, "x.example") == {}


def test_a_platform_is_audited_at_its_site():
    asked = Asked("oaipmh", f"{SITE}/cgi/oai2", "eprints", SITE)
    assert what_to_ask("eprints", None, words={"site": SITE}) == asked
    assert what_to_ask("eprints", None, own=EPRINTS) == asked
    assert what_to_ask(f"{SITE}/cgi/oai2", None, own=EPRINTS) == asked


def test_eprints_is_asked_although_its_robots_txt_closes_cgi():
    source = Source.named("eprints", SITE)
    assert source.oaipmh is not None
    assert source.idrange is not None
    for url in (source.oaipmh.url, *(source.idrange.url,)):
        assert url.removeprefix(SITE).startswith(source.robots.asks_anyway)
    assert len(source.robots.because.split()) > 10


def test_probe_says_what_the_platform_s_source_asks_anyway():
    url, rule = f"{SITE}/cgi/oai2", "Disallow: /cgi/"
    seen = probing.Seen(SITE, closed=((url, rule), (f"{SITE}/secret/x", "Disallow: /secret/")))
    verdict = probing.Verdict("eprints", "sure", ("its path",))
    [(asked, said)] = asked_anyway(seen, verdict)
    assert (asked, said.because) == (url, Source.named("eprints", SITE).robots.because)
    assert asked_anyway(seen, probing.Verdict("", "unknown", ())) == ()
    draft = source_text(replace(seen, closed=seen.closed[:1], asked_anyway=((url, said),)), verdict, "2026-01-02")
    assert tomllib.loads(draft)["robots"]["asks_anyway"] == list(said.asks_anyway)
