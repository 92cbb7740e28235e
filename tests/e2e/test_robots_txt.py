"""robots.txt in a harvest: obeyed, or left aside in words that the archive keeps."""

import itertools
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from support.echo_provider import echoing
from support.harvest_runs import Harvest, Hostile

from archive.store.layout import Layout

BECAUSE = "OAI-PMH is made for programs, as its documentation says"


def findings(archive: Path) -> dict[str, str]:
    rows = sqlite3.connect(Layout(archive).ledger).execute("SELECT code, severity FROM findings").fetchall()
    return {code: severity for code, severity in rows if code.startswith("robots")}


def source(tmp_path: Path, robots: str) -> str:
    path = tmp_path / "source.toml"
    path.write_text(f'[oaipmh]\nurl = "http://127.0.0.1/oai"\n[robots]\n{robots}\nbecause = "{BECAUSE}"\n')
    return f"source={path}"


def test_an_endpoint_that_robots_txt_closes_is_not_asked(hostile: Callable[..., Hostile], harvest: Harvest):
    server = hostile("--records", "20", "--robots", "disallow")
    assert harvest.run(server.url) == 2
    assert "Disallow: /oai2d" in harvest.output
    assert 'asks_anyway = ["/oai2d"]' in harvest.output
    assert not harvest.archive.exists()
    assert not server.stats().get("verbs")


def test_one_that_the_source_speaks_of_is_asked_and_the_archive_says_so(
    hostile: Callable[..., Hostile], harvest: Harvest, tmp_path: Path
):
    server = hostile("--records", "20", "--robots", "disallow")
    assert harvest.run(server.url, source(tmp_path, 'asks_anyway = ["/oai2d"]')) == 0, harvest.output
    assert findings(harvest.archive) == {"robots-closed": "info"}
    assert BECAUSE in harvest.output


def test_a_crawl_delay_is_kept_and_left_aside_only_in_words(
    hostile: Callable[..., Hostile], harvest: Harvest, tmp_path: Path
):
    server = hostile("--records", "20", "--robots", "delay")
    assert harvest.run(server.url, source(tmp_path, 'crawl_delay = "ignored"')) == 0, harvest.output
    assert findings(harvest.archive) == {"robots-delay": "info"}
    server.get("/__reset")
    again = Harvest(tmp_path / "again")
    assert again.run(server.url) == 0, again.output
    assert findings(again.archive) == {}
    log = [json.loads(line) for line in server.get("/__log?n=100").splitlines()]
    times = [entry[0] for entry in log if entry[3].startswith("/oai2d")]
    # from below only: a slow machine makes gaps longer
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) > 1.5


@pytest.mark.parametrize("robots", ["", "User-agent: *\nDisallow: /api\n", "<html>no such page</html>"])
def test_robots_txt_is_asked_once_and_first(robots: str, harvest: Harvest):
    with echoing(robots=robots) as provider:
        assert harvest.run(provider.url) == 0, harvest.output
        paths = [path for path, _ in provider.seen]
    assert paths[0] == "/robots.txt"
    assert paths.count("/robots.txt") == 1


def test_a_robots_txt_elsewhere_is_not_fetched(harvest: Harvest):
    with echoing(robots="User-agent: *\nDisallow: /") as other, echoing(away=f"http://{other.host}") as provider:
        provider.robots = "elsewhere"
        assert harvest.run(provider.url) == 0, harvest.output
        assert other.seen == []


def test_a_robots_txt_that_cannot_be_read_closes_everything(harvest: Harvest):
    with echoing(robots="broken") as provider:
        assert harvest.run(provider.url) == 3
        paths = {path for path, _ in provider.seen}
    assert paths == {"/robots.txt"}
    assert not harvest.archive.exists()
