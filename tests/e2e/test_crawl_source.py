"""sources, probe, plan, and `crawl SOURCE`, as a user types them."""

import contextlib
import json
import os
import signal
import subprocess
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import fork_server
from support.harvest_runs import HARVESTER, Hostile, environment

from archive.errors import ArchiveError
from archive.store.accounting import read_work
from harvester.sources.model import Source, source_names

MIX = """
[[mix]]
spider = "oaipmh"
because = "all of it"

[[mix]]
spider = "oaipmh"
arguments = { mode = "incremental" }
because = "what changed meanwhile"
"""


def harvester(*words: str, cwd: Path | None = None, **more: str) -> "subprocess.CompletedProcess[str]":
    return fork_server.run(
        [HARVESTER, *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={**environment(), **more},
    )


def source_file(folder: Path, server: Hostile, more: str = "") -> str:
    path = folder / "bed.toml"
    path.write_text(f'name = "Bed"\n[oaipmh]\nurl = "{server.url}"\nprefixes = ["oai_dc"]\n{more}')
    return path.name


def asked_by_us(server: Hostile) -> int:
    return sum(count for agent, count in server.stats()["user_agents"].items() if agent.startswith("harvester/"))


def test_all_sources_are_listed_and_each_is_shown_with_its_facts():
    listed = json.loads(harvester("sources", "--json").stdout)
    assert [row["source"] for row in listed] == source_names()
    assert {row["source"] for row in listed if row["needs_site"]} == {
        "dataverse",
        "dspace",
        "eprints",
        "invenio-rdm",
        "ojs",
        "zenodo-legacy",
    }
    assert all(row["facts"] for row in listed)
    shown = json.loads(harvester("sources", "zenodo", "--json").stdout)
    assert shown["counts"]["listed"] == 8_091_746
    assert harvester("sources", "zenodo").returncode == harvester("sources").returncode == 0
    assert harvester("sources", "nowhere").returncode == 2


def test_the_plan_for_zenodo_is_that_of_the_facts_and_needs_no_network():
    done = harvester("plan", "zenodo", "--offline", "--json")
    plan = json.loads(done.stdout)
    seconds = {channel["spider"]: channel["seconds"] for channel in plan["channels"]}
    assert done.returncode == 0
    assert (round(seconds["oaipmh"] / 3600), round(seconds["idrange"] / 86400)) == (90, 108)
    assert [step["spider"] for step in plan["mix"]] == ["exporter", "oaipmh"]
    assert plan["total"]["seconds"] < 8 * 3600
    assert plan["counted"] == "2026-08-13"
    assert "deletions" in plan["channels"][0]["cannot_see"][0]


def test_nobody_is_asked_without_a_contact():
    for words in (("plan", "zenodo"), ("probe", "https://repository.example"), ("crawl", "arxiv", "-a", "archive=A")):
        done = harvester(*words)
        assert (done.returncode, "who is harvesting" in done.stderr) == (2, True)


def test_a_probe_writes_a_source_file_that_a_plan_takes(hostile: Callable[..., Hostile], tmp_path: Path):
    server = hostile("--records", "300", "--rate", "8000:3600")
    done = harvester("probe", f"http://127.0.0.1:{server.port}", "--out", "found.toml", "--json", cwd=tmp_path)
    assert done.returncode == 0
    seen = json.loads(done.stdout)
    assert (seen["platform"], seen["sure"], seen["oaipmh"]["listed"]) == ("invenio-rdm", "certain", 300)
    assert seen["oaipmh"]["deleted_record"] == "persistent"
    assert seen["limits"]["x-ratelimit-limit"].startswith("8000")
    assert "application/marcxml+xml" in seen["rest"]["media_types"]
    source = Source.checked(tomllib.loads((tmp_path / "found.toml").read_text()), "found.toml")
    assert set(source.parts) == {"oaipmh", "idrange", "search"}
    plan = json.loads(harvester("plan", "found.toml", "--json", cwd=tmp_path).stdout)
    assert {channel["spider"]: channel["records"] for channel in plan["channels"]}["oaipmh"] == 300
    assert plan["unanswered"] == []
    assert harvester("probe", server.url, "--out", "found.toml", cwd=tmp_path).returncode == 2


def test_a_probe_visits_no_other_host(hostile: Callable[..., Hostile], tmp_path: Path):
    server = hostile("--records", "100", "--p-redirect-other-host", "0.5", "--identify-other-host")
    harvester("probe", f"http://127.0.0.1:{server.port}", cwd=tmp_path)
    assert not server.stats().get("probe_hits")


def test_a_mix_is_run_step_by_step_and_then_is_done(hostile: Callable[..., Hostile], tmp_path: Path):
    server = hostile("--records", "300")
    name = source_file(tmp_path, server, MIX)
    done = harvester("crawl", name, "-a", "archive=A", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [(run.mode, run.state) for run in read_work(tmp_path / "A")] == [
        ("full", "complete"),
        ("incremental", "complete"),
    ]
    assert "300" in done.stdout
    before = asked_by_us(server)
    assert harvester("crawl", name, "-a", "archive=A", cwd=tmp_path).returncode == 0
    assert asked_by_us(server) == before
    assert harvester("crawl", name, "-a", "archive=A", "--again", cwd=tmp_path).returncode == 0
    assert len(read_work(tmp_path / "A")) == 4


def test_a_list_and_then_each_of_its_ids_end_in_one_archive(hostile: Callable[..., Hostile], tmp_path: Path):
    server = hostile("--records", "300")
    census = (
        f'[idrange]\nurl = "http://127.0.0.1:{server.port}/api/records/{{id}}"\npattern = "[0-9]+"\n'
        '[[mix]]\nspider = "oaipmh"\nbecause = "the list"\n'
        '[[mix]]\nspider = "idrange"\narguments = { ids = "census" }\nbecause = "the substance"\n'
    )
    done = harvester("crawl", source_file(tmp_path, server, census), "-a", "archive=A", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    held = json.loads(harvester("status", "A", "--json", cwd=tmp_path).stdout)
    by_channel = {channel["channel"]: channel["listed"] for channel in held["channels"]}
    assert (by_channel["oaipmh:oai_dc"], by_channel["idrange:json"]) == (300, 300)
    assert held["balanced"]


def test_a_mix_that_was_killed_goes_on_where_its_ledger_says(hostile: Callable[..., Hostile], tmp_path: Path):
    server = hostile("--records", "2000", "--page-size", "20", "--latency-ms", "40")
    name = source_file(tmp_path, server, MIX)
    process = fork_server.Process(
        [HARVESTER, "crawl", name, "-a", "archive=A"],
        cwd=tmp_path,
        env=environment(),
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(2400):
        time.sleep(0.05)
        runs: list[Any] = []
        with contextlib.suppress(ArchiveError):  # a ledger without its tables yet
            runs = list(read_work(tmp_path / "A")) if (tmp_path / "A" / "ledger.sqlite").exists() else []
        if runs and runs[0].requests > 20:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert [(run.mode, run.state) for run in read_work(tmp_path / "A")] == [("full", "open")]
    done = harvester("crawl", name, "-a", "archive=A", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    runs = read_work(tmp_path / "A")
    assert [(run.run, run.mode, run.state) for run in runs] == [(1, "full", "complete"), (2, "incremental", "complete")]
    held: dict[str, Any] = json.loads(harvester("status", "A", "--json", cwd=tmp_path).stdout)
    assert (held["listed"], held["complete"], held["balanced"]) == (2000, True, True)


def test_a_step_that_is_not_done_ends_the_round(hostile: Callable[..., Hostile], tmp_path: Path):
    server = hostile("--records", "300")
    name = source_file(
        tmp_path, server, MIX.replace('because = "all', 'arguments = { prefix = "nothing" }\nbecause = "all')
    )
    done = harvester("crawl", name, "-a", "archive=A", cwd=tmp_path)
    assert (done.returncode, "step 2" in done.stderr) == (2, False)


@pytest.mark.parametrize("word", ["prefix=oai_dc", "search.query=x", "url=http://127.0.0.1/"])
def test_a_word_that_no_step_knows_is_refused_before_anything_is_asked(word: str, tmp_path: Path):
    (tmp_path / "x.toml").write_text('[oaipmh]\nurl = "http://127.0.0.1:9/oai"\n')
    done = harvester("crawl", "x.toml", "-a", "archive=A", "-a", word, cwd=tmp_path)
    assert (done.returncode, "known are" in done.stderr, (tmp_path / "A").exists()) == (2, True, False)
