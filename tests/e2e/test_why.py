"""`harvester why` as a user types it, over archives that were harvested and over those that are damaged."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import archive_builder
from support.command_runner import Typed
from support.harvest_runs import Harvest, Hostile

from archive.files.checksums import FileDigests
from archive.files.store import FileRow, FileStore, keep
from archive.findings import Finding
from archive.store.layout import Layout
from archive.store.ledger import NewWindow
from harvester.cli import COMMANDS


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    archive_builder.ended(tmp_path / "archive", [["oai:x:1", "oai:x:2"], ["oai:x:3"]])
    return tmp_path / "archive"


def settled(folder: Path, identifier: str, state: str, *notes: Finding, ending: str = "findings") -> None:
    """Another run, in which one id ended in a state."""
    made = archive_builder.writer(folder)
    made.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = made.ledger.channel(*archive_builder.CHANNEL)
    more: dict[str, Any] = {} if state == "read" else {"outcomes": [(identifier, None, state, "why")], "payload": ()}
    made.put(archive_builder.answer(channel, None, [identifier], notes=notes, **more))
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
        "archive",
        "id",
        "state",
        "searched",
        "identifiers",
        "others",
        "channels",
        "requests",
        "versions",
        "files",
        "quarantine",
        "findings",
        "nearest",
        "elsewhere",
        "damaged",
        "next",
    ]
    [version] = said.json["versions"]
    assert version == {
        "version": 1,
        "run": 1,
        "channel": "oaipmh:oai_dc",
        "identifier": "oai:x:3",
        "datestamp": "2020-01-01T00:00:00Z",
        "deleted": False,
        "sha256": "0" * 64,
        "shard": "00001.json-seq.zst",
        "frame": 1,
        "offset": version["offset"],
        "position": 0,
        "problem": None,
    }
    [request] = said.json["requests"]
    assert (request["url"], request["window"]["state"], request["waits"]) == (
        f"{archive_builder.URL}?verb=ListRecords",
        "done",
        [],
    )


def test_the_record_is_shown_when_that_is_asked_for(archive: Path, typed: Typed):
    said = typed("why", archive, "3", "--record")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out.splitlines()[-1])["identifier"] == "oai:x:3"
    [version] = typed("why", archive, "3", "--json", "--record").json["versions"]
    assert version["record"]["metadata"] == {"title": ["Title of oai:x:3"]}
    assert "record" not in typed("why", archive, "3", "--json").json["versions"][0]


def filed(archive: Path, identifier: str, *rows: FileRow, left_out: int = 0) -> None:
    """Another run, in which the files of a record ended so; what was read is kept."""
    made = archive_builder.writer(archive)
    made.begin("files", "full", {"files": "true"}, archive_builder.SOFTWARE)
    store = FileStore(made.ledger, archive, made.run_number)
    ((outcome,),) = archive_builder.rows(archive, "SELECT max(outcome) FROM outcomes WHERE identifier = ?", identifier)
    store.list_record(
        identifier, outcome, [replace(row, state="open") for row in rows], left_out, "2026-03-04T05:06:07Z"
    )
    contents, ended = [], []
    for row in rows:
        if row.state == "read":
            digests = FileDigests()
            (archive / "part").write_bytes(row.key.encode())
            digests.update(row.key.encode())
            contents.append(keep(archive, archive / "part", digests))
            row = replace(row, sha256=contents[-1].sha256, bytes=contents[-1].bytes)
        ended.append(row)
    store.settle(ended, contents, "2026-03-04T05:06:08Z")
    made.finish("complete")
    made.close()


def a_file(key: str, state: str, reason: str | None = None) -> FileRow:
    return FileRow("oai:x:3", key, f"https://x.example/{key}", 3, f"md5:{'0' * 32}", "text/csv", "", state, reason)


def test_the_files_of_a_record_are_told_with_where_they_are_or_why_not(archive: Path, typed: Typed):
    assert typed("why", archive, "3", "--json").json["files"] is None
    filed(archive, "oai:x:3", a_file("a", "read"), a_file("b", "absent", "HTTP status 404"), left_out=2)
    said = typed("why", archive, "3", "--json")
    assert (said.code, said.json["files"]["states"]["read"], said.json["files"]["states"]["absent"]) == (0, 1, 1)
    [listed] = said.json["files"]["lists"]
    assert (listed["run"], listed["listed"], listed["left_out"]) == (2, 2, 2)
    read, absent = said.json["files"]["files"]
    sha256 = hashlib.sha256(b"a").hexdigest()
    assert read == {
        "identifier": "oai:x:3",
        "key": "a",
        "run": 2,
        "state": "read",
        "reason": None,
        "at": "2026-03-04T05:06:08Z",
        "size": 3,
        "checksum": f"md5:{'0' * 32}",
        "media_type": "text/csv",
        "url": "https://x.example/a",
        "bytes": 1,
        "sha256": sha256,
        "held_in": 2,
        "path": f"files/{sha256[:2]}/{sha256[2:4]}/{sha256}",
        "problem": None,
    }
    assert (absent["reason"], absent["path"], absent["bytes"]) == ("HTTP status 404", None, None)
    shown = typed("why", archive, "3").out
    assert "Files: 1 read, 1 absent; 2 were not asked for" in shown
    assert typed("why", archive, "1", "--json").json["files"] is None


@pytest.mark.parametrize(("state", "code"), [("lost", 3), ("open", 3), ("refused", 0), ("forbidden", 0)])
def test_a_record_is_not_settled_before_its_files_are(archive: Path, typed: Typed, state: str, code: int):
    filed(archive, "oai:x:3", a_file("a", "read"), a_file("b", state, "why"))
    said = typed("why", archive, "3", "--json")
    assert (said.code, said.json["state"]) == (code, "read")
    assert ("held, without 1 file" in said.json["next"]) == (state != "forbidden")


def test_what_an_earlier_run_has_read_is_still_held(archive: Path, typed: Typed):
    filed(archive, "oai:x:3", a_file("a", "read"))
    filed(archive, "oai:x:3", a_file("a", "lost", "no answer"))
    [file] = typed("why", archive, "3", "--json").json["files"]["files"]
    assert (file["run"], file["state"], file["held_in"], file["bytes"]) == (3, "lost", 2, 1)
    assert f"run 2 has read it: {file['path']}" in " ".join(typed("why", archive, "3").out.split())


def test_a_file_that_is_gone_from_the_disk_is_damage(archive: Path, typed: Typed):
    filed(archive, "oai:x:3", a_file("a", "read"), a_file("b", "read"))
    first, second = typed("why", archive, "3", "--json").json["files"]["files"]
    (archive / first["path"]).unlink()
    (archive / second["path"]).write_bytes(b"longer")
    said = typed("why", archive, "3", "--json")
    assert (said.code, len(said.json["damaged"])) == (4, 2)
    assert typed("why", archive, "1").code == 0


def test_an_archive_from_before_there_were_files_has_stories(archive: Path, typed: Typed):
    with closing(sqlite3.connect(Layout(archive).ledger)) as db:
        for table in ("files", "filelists", "contents"):
            db.execute(f"DROP TABLE {table}")
    said = typed("why", archive, "3", "--json")
    assert (said.code, said.json["files"]) == (0, None)


def test_of_many_files_those_that_are_missing_are_shown_first(archive: Path, typed: Typed):
    filed(archive, "oai:x:3", *(a_file(f"{n}", "read") for n in range(50)), a_file("x\x1b[2J", "absent"))
    said = typed("why", archive, "3")
    lines = said.out.splitlines()
    assert "\x1b" not in said.out
    assert next(line for line in lines if " absent " in line) == lines[lines.index("Files: 50 read, 1 absent") + 2]
    assert "  and 31 files more; --json names each" in lines


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
    made = archive_builder.writer(archive)
    made.begin("idrange", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
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
    server = hostile(
        "--records", "30", "--page-size", "20", "--p-429", "1", "--fault-burst", "1", "--retry-after-secs", "2"
    )
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
    truth = {
        line["identifier"]: "refused"
        if line["kind"] == "xml_badchar"
        else "deleted"
        if line["status"] == "deleted"
        else "read"
        for line in server.truth()
    }
    assert told == truth
    assert "refused" in told.values()
