"""`harvester why` as a user types it, over archives that were harvested and over those that are damaged."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import making
import pytest
from harvests import Harvest, Hostile
from typed import Typed

from archive.findings import Finding
from archive.folder import Layout
from archive.ledger import NewWindow
from harvester.cli import COMMANDS


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    making.ended(tmp_path / "archive", [["oai:x:1", "oai:x:2"], ["oai:x:3"]])
    return tmp_path / "archive"


def settled(folder: Path, identifier: str, state: str, *notes: Finding, ending: str = "findings") -> None:
    """Another run, in which one id ended in a state."""
    made = making.writer(folder)
    made.begin("oaipmh", "full", {"url": making.URL}, making.SOFTWARE)
    channel = made.ledger.channel(*making.CHANNEL)
    more: dict[str, Any] = {} if state == "read" else {"outcomes": [(identifier, None, state, "why")], "payload": ()}
    made.put(making.answer(channel, None, [identifier], notes=notes, **more))
    made.finish(ending)
    made.close()


def test_it_explains_itself(typed: Typed):
    said = typed("why", "--help")
    assert (said.code, said.err) == (0, "")
    assert "why" in COMMANDS


def test_the_keys_that_programs_rely_on(archive: Path, typed: Typed):
    said = typed("why", archive, "oai:x:3", "--json")
    assert (said.code, said.err) == (0, "")
    assert list(said.json) == [
        "archive", "id", "state", "searched", "identifiers", "others", "channels", "requests", "versions",
        "quarantine", "findings", "nearest", "elsewhere", "damaged", "next",
    ]  # fmt: skip
    [version] = said.json["versions"]
    assert version == {
        "version": 1, "run": 1, "channel": "oaipmh:oai_dc", "identifier": "oai:x:3",
        "datestamp": "2020-01-01T00:00:00Z", "deleted": False, "sha256": "0" * 64, "shard": "00001.json-seq.zst",
        "frame": 1, "offset": version["offset"], "position": 0, "problem": None,
    }  # fmt: skip
    [request] = said.json["requests"]
    assert (request["url"], request["window"]["state"], request["waits"]) == (
        f"{making.URL}?verb=ListRecords", "done", [])  # fmt: skip


def test_the_record_is_shown_when_that_is_asked_for(archive: Path, typed: Typed):
    said = typed("why", archive, "3", "--record")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out.splitlines()[-1])["identifier"] == "oai:x:3"
    [version] = typed("why", archive, "3", "--json", "--record").json["versions"]
    assert version["record"]["metadata"] == {"title": ["Title of oai:x:3"]}
    assert "record" not in typed("why", archive, "3", "--json").json["versions"][0]


@pytest.mark.parametrize(
    ("state", "code"),
    [("read", 0), ("moved", 0), ("refused", 1), ("absent", 1), ("forbidden", 1), ("lost", 3), ("open", 3)],
)
def test_each_state_has_its_exit_code_and_says_what_to_do(archive: Path, typed: Typed, state: str, code: int):
    settled(archive, "oai:x:9", state)
    for words in ((), ("--json",)):
        assert typed("why", archive, "9", *words).code == code
    said = typed("why", archive, "9", "--json").json
    assert (said["state"], len(said["requests"]), bool(said["next"])) == (state, 1, True)


def test_an_id_with_findings_is_told_by_its_exit_code(archive: Path, typed: Typed):
    settled(archive, "oai:x:9", "read", Finding("some-code", "warning", "no metadata", "oai:x:9"))
    said = typed("why", archive, "oai:x:9")
    assert (said.code, said.err) == (1, "")
    assert "some-code" in said.out


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_an_id_that_nobody_saw_is_a_finding(archive: Path, typed: Typed, words: tuple[str, ...]):
    said = typed("why", archive, "oai:x:404", *words)
    assert (said.code, said.err) == (1, "")
    assert "oaipmh:oai_dc" in said.out


def test_a_number_in_a_range_that_is_not_settled_is_open(archive: Path, typed: Typed):
    made = making.writer(archive)
    made.begin("idrange", "full", {"url": making.URL}, making.SOFTWARE)
    channel = made.ledger.channel("idrange:json", "json", None)
    made.open_windows([NewWindow(channel, "ids", "1", "1000")])
    made.close()
    assert typed("why", archive, "404").code == 3
    [near] = typed("why", archive, "404", "--json").json["nearest"]
    assert (near["from"], near["until"], near["covers"], near["state"]) == ("1", "1000", True, "open")
    assert typed("why", archive, "2000").code == 1


def test_a_missing_shard_is_named(archive: Path, typed: Typed):
    (Layout(archive).shards / "00001.json-seq.zst").unlink()
    for words in ((), ("--json",), ("--record",)):
        said = typed("why", archive, "oai:x:1", *words)
        assert (said.code, said.err) == (4, "")
        assert "00001.json-seq.zst is missing" in said.out


def test_a_ledger_that_cannot_be_read_is_damage(archive: Path, typed: Typed):
    Layout(archive).ledger.write_bytes(b"no database" * 1000)
    said = typed("why", archive, "oai:x:1")
    assert (said.code, said.out) == (4, "")


@pytest.mark.parametrize("words", [(), ("{archive}",), ("nowhere", "1"), ("{archive}", " "), ("{archive}", "\udcff")])
def test_what_is_asked_wrongly_is_said(archive: Path, typed: Typed, words: tuple[str, ...]):
    said = typed("why", *(word.format(archive=archive) for word in words))
    assert (said.code, said.out) == (2, "")
    assert said.err


def test_what_a_provider_says_cannot_steer_the_terminal(archive: Path, typed: Typed):
    settled(archive, "oai:x:\x1b[2J", "refused")
    settled(archive, "oai:x:\x9b2J", "read")
    refused, read = typed("why", archive, "oai:x:\x1b[2J"), typed("why", archive, "oai:x:\x9b2J", "--record")
    assert (refused.code, read.code) == (1, 0)
    assert not {"\x1b", "\x9b"} & {*refused.out, *read.out}
    assert json.loads(read.out.splitlines()[-1])["identifier"] == "oai:x:\x9b2J"


def test_the_waits_of_a_harvest_are_in_the_story_of_what_had_to_wait(
    hostile: Callable[..., Hostile], harvest: Harvest, typed: Typed
):
    """Every request is told once to wait for two seconds."""
    server = hostile("--records", "30", "--page-size", "20",
                     "--p-429", "1", "--fault-burst", "1", "--retry-after-secs", "2")  # fmt: skip
    assert harvest.run(server.url) == 0, harvest.output[-3000:]
    for line in server.truth():
        said = typed("why", harvest.archive, line["identifier"], "--json")
        assert said.code == 0
        [request] = said.json["requests"]
        assert request["waited_seconds"] >= 1
        assert {wait["host"] for wait in request["waits"]} == {f"127.0.0.1:{server.port}"}
        assert all(wait["reason"] and wait["seconds"] >= 1 for wait in request["waits"])


def test_a_harvest_with_a_poisoned_record_tells_of_each_id_what_became_of_it(
    hostile: Callable[..., Hostile], harvest: Harvest, typed: Typed
):
    server = hostile("--records", "60", "--kinds", "xml_badchar:1")
    assert harvest.run(server.url) == 1, harvest.output[-3000:]
    told = {}
    for line in server.truth():
        said = typed("why", harvest.archive, line["identifier"], "--json")
        told[line["identifier"]] = said.json["state"]
        assert said.code == (1 if said.json["state"] == "refused" else 0)
        assert len(said.json["versions"]) == (said.json["state"] != "refused")
        assert len(said.json["quarantine"]) == (said.json["state"] == "refused")
        assert bool(said.json["findings"]) == (said.json["state"] == "refused")
    truth = {line["identifier"]: "refused" if line["kind"] == "xml_badchar" else
             "deleted" if line["status"] == "deleted" else "read" for line in server.truth()}  # fmt: skip
    assert told == truth
    assert "refused" in told.values()
