"""One id's whole story: nothing that happened to it is left out, and nothing that happened to another is told."""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support import archive_builder

from archive.errors import NotAnArchive
from archive.findings import Finding
from archive.lookup.story import Story, read_story
from archive.store import envelope
from archive.store.layout import Layout
from archive.store.ledger import NewWindow
from archive.store.quarantine import RefusedBody

HOST = "repository.example"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def harvest(
    folder: Path, *answers: tuple[Sequence[str], dict[str, Any]], mode: str = "full", ending: str | None = "complete"
) -> None:
    """A run of one window; each answer is its identifiers and what else is said of it. None leaves the run open."""
    made = archive_builder.writer(folder)
    made.begin("oaipmh", mode, {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    kind = "census" if mode == "census" else "oaipmh"
    channel = made.ledger.channel(f"{kind}:oai_dc", "oai_dc", None)
    [window] = made.open_windows([NewWindow(channel, "ListRecords", "2020-01-01", None)])
    for identifiers, more in answers:
        state = more.pop("settles", "read")
        if state != "read":
            more = {"outcomes": [(i, None, state, None) for i in identifiers], "payload": (), **more}
        made.put(archive_builder.answer(channel, window.window, identifiers, **more))
        made.commit()
    if ending is not None:
        made.finish(ending)
    made.close()


def ranges(folder: Path, *bounds: tuple[str | None, str | None, str], verb: str = "ids") -> None:
    """Windows of ids as (first, last, state)."""
    made = archive_builder.writer(folder)
    made.begin("idrange", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = made.ledger.channel("idrange:json", "json", None)
    rows = made.open_windows([NewWindow(channel, verb, first, last) for first, last, _ in bounds])
    with made.ledger.transaction():
        for row, (_, _, state) in zip(rows, bounds, strict=True):
            made.ledger.db.execute("UPDATE windows SET state = ? WHERE window = ?", (state, row.window))
    made.close()


def states(story: Story) -> list[tuple[str, str, str]]:
    return [(c.channel, c.identifier, c.last.state) for c in story.channels]


def test_a_record_that_is_held_is_told_with_its_place(archive: Path):
    archive_builder.ended(archive, [["oai:x:1", "oai:x:2"], ["oai:x:3", "oai:x:4", "oai:x:5"]])
    story = read_story(archive, "oai:x:4")
    assert (story.state, story.damaged, story.troubled) == ("read", (), False)
    assert states(story) == [("oaipmh:oai_dc", "oai:x:4", "read")]
    [asked] = story.asked
    assert (asked.request, asked.run, asked.http_status, asked.attempts, asked.waits) == (2, 1, 200, 1, ())
    assert asked.window is not None
    assert (asked.window.verb, asked.window.from_, asked.window.until) == ("ListRecords", "2000-01-01", None)
    assert (asked.window.state, asked.window.end, asked.window.listed) == ("done", "empty-token", 5)
    [version] = story.versions
    offset = archive_builder.rows(archive, "SELECT offset FROM frames WHERE frame = 1")[0][0]
    place = (version.copy.shard, version.copy.frame, version.copy.offset, version.copy.position)
    assert place == ("00001.json-seq.zst", 1, offset, 1)
    assert envelope.decode(version.copy.text).identifier == "oai:x:4"
    assert (version.copy.sha256, version.copy.problem) == ("0" * 64, None)
    assert (story.nearest, story.elsewhere) == ((), ())


def test_every_copy_is_told_and_which_of_them_differ(archive: Path):
    changed = {
        "payload": archive_builder.payload(["oai:x:1"], datestamp="2021-01-01T00:00:00Z"),
        "outcomes": [("oai:x:1", "2021-01-01T00:00:00Z", "read", None)],
    }
    gone = {
        "payload": archive_builder.payload(["oai:x:1"], deleted=True),
        "outcomes": [("oai:x:1", "2020-01-01T00:00:00Z", "deleted", None)],
    }
    for more in ({}, {}, changed, gone):
        harvest(archive, (["oai:x:1"], dict(more)))
    story = read_story(archive, "oai:x:1")
    assert [version.changed for version in story.versions] == [True, False, True, True]
    assert [version.asked.run for version in story.versions] == [1, 2, 3, 4]
    assert story.state == "deleted"
    assert story.channels[0].since.run == 4


def test_a_state_is_told_with_its_beginning(archive: Path):
    for hour, settles in enumerate(("read", "absent", "read", "absent", "absent")):
        at = f"2026-03-04T0{hour}:00:00Z"
        harvest(archive, (["oai:x:1"], {"settles": settles, "at": at, "http_status": 404}))
    [channel] = read_story(archive, "oai:x:1").channels
    assert (channel.first.at, channel.since.at, channel.last.at) == (
        "2026-03-04T00:00:00Z",
        "2026-03-04T03:00:00Z",
        "2026-03-04T04:00:00Z",
    )
    assert len(read_story(archive, "oai:x:1").versions) == 2


@pytest.mark.parametrize(
    ("settles", "state"),
    [
        (["lost"], "lost"),
        (["open"], "open"),
        (["refused"], "refused"),
        (["lost", "read"], "read"),
        (["read", "refused"], "refused"),
        (["forbidden"], "forbidden"),
        (["moved"], "moved"),
    ],
)
def test_the_last_answer_decides(archive: Path, settles: list[str], state: str):
    for each in settles:
        harvest(archive, (["oai:x:1"], {"settles": each}))
    assert read_story(archive, "oai:x:1").state == state


@pytest.mark.parametrize(
    ("others", "state"), [("absent", "read"), ("refused", "refused"), ("lost", "lost"), ("forbidden", "read")]
)
def test_of_several_channels_the_one_that_needs_most_decides(archive: Path, others: str, state: str):
    harvest(archive, (["oai:x:1"], {}))
    made = archive_builder.writer(archive)
    made.begin("idrange", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = made.ledger.channel("idrange:json", "json", None)
    made.put(archive_builder.answer(channel, None, [], outcomes=[("1", None, others, None)]))
    made.close()
    story = read_story(archive, "1")
    assert states(story) == [("oaipmh:oai_dc", "oai:x:1", "read"), ("idrange:json", "1", others)]
    assert story.state == state


def test_what_only_a_census_saw_is_listed_and_nothing_of_it_is_held(archive: Path):
    harvest(archive, (["oai:x:1"], {"bare": True, "payload": ()}), mode="census")
    story = read_story(archive, "oai:x:1")
    assert (story.state, story.versions, story.channels[0].census) == ("listed", (), True)
    harvest(archive, (["oai:x:1"], {}))
    assert read_story(archive, "oai:x:1").state == "read"


def test_waits_between_the_request_before_and_this_one_are_told(archive: Path):
    made, channel, (window, other) = archive_builder.begun(archive, windows=2)
    made.wait((HOST, "2026-03-04T04:00:00Z", 60.0, "before the window was opened"))
    made.wait((HOST, "2026-03-04T05:06:10Z", 5.0, "429"), (HOST, "2026-03-04T05:06:20Z", 9.5, "banned (403)"))
    made.put(archive_builder.answer(channel, window.window, ["oai:x:1"], at="2026-03-04T05:06:30Z"))
    made.wait((HOST, "2026-03-04T05:06:25Z", 7.0, "pace"), (HOST, "2026-03-04T05:06:40Z", 600.0, "goes on"))
    made.put(archive_builder.answer(channel, window.window, ["oai:x:2"], at="2026-03-04T05:06:45Z"))
    made.put(archive_builder.answer(channel, other.window, ["oai:x:3"], at="2026-03-04T05:06:50Z"))
    made.close()

    def waits(name: str) -> list[str]:
        return [wait.reason for asked in read_story(archive, name).asked for wait in asked.waits]

    assert waits("oai:x:1") == ["429", "banned (403)"]
    assert waits("oai:x:2") == ["pace"]
    assert waits("oai:x:3") == ["429", "banned (403)", "pace"]
    [asked] = read_story(archive, "oai:x:2").asked
    assert (asked.since, asked.waits[0].host, asked.waits[0].seconds) == ("2026-03-04T05:06:30Z", HOST, 7.0)


def test_waits_of_another_run_are_not_told(archive: Path):
    harvest(archive, (["oai:x:1"], {}))
    made = archive_builder.writer(archive)
    made.begin("oaipmh", "full", {"url": archive_builder.URL, "set": "b"}, archive_builder.SOFTWARE)
    made.wait((HOST, "2026-03-04T05:06:05Z", 2.0, "429"))
    made.close()
    assert read_story(archive, "oai:x:1").asked[0].waits == ()


def test_an_archive_from_before_there_were_waits_is_read(archive: Path):
    archive_builder.ended(archive, [["oai:x:1"]])
    with closing(sqlite3.connect(Layout(archive).ledger)) as db:
        db.execute("DROP TABLE waits")
    assert read_story(archive, "oai:x:1").asked[0].waits == ()


def test_a_refused_body_is_told_and_when_it_is_damaged(archive: Path):
    body = RefusedBody(archive_builder.URL, 200, (), b"<html>", "2026-03-04T05:06:07Z", "no XML")
    harvest(archive, (["oai:x:1"], {"settles": "refused", "refused": body, "refused_identifier": "oai:x:1"}))
    [kept] = read_story(archive, "oai:x:1").refused
    assert (kept.path.read_bytes(), kept.size_bytes, kept.problem) == (b"<html>", 6, None)
    assert read_story(archive, "oai:x:2").refused == ()
    harvest(archive, (["oai:x:1"], {"settles": "lost", "refused": body, "refused_identifier": "oai:x:1"}))
    assert [kept.request for kept in read_story(archive, "oai:x:1").refused] == [1, 2]
    kept.path.write_bytes(b"<HTML>")
    story = read_story(archive, "oai:x:1")
    assert len(story.damaged) == 1
    assert kept.path.name in story.damaged[0]


@pytest.mark.parametrize(("severity", "troubled"), [("info", False), ("warning", True), ("error", True)])
def test_findings_that_name_the_id_are_told_and_those_of_its_last_run_count(
    archive: Path, severity: str, troubled: bool
):
    notes = [
        Finding("some-code", severity, "of it", "oai:x:1"),
        Finding("some-code", severity, "of another", "oai:x:2"),
    ]
    harvest(archive, (["oai:x:1"], {"notes": notes}))
    story = read_story(archive, "oai:x:1")
    assert [(f.code, f.message, f.current) for f in story.findings] == [("some-code", "of it", True)]
    assert story.troubled is troubled
    harvest(archive, (["oai:x:1"], {}))
    story = read_story(archive, "oai:x:1")
    assert ([f.current for f in story.findings], story.troubled) == ([False], False)


def test_an_id_that_nobody_saw_is_told_with_the_channels_that_did_not_name_it(archive: Path):
    harvest(archive, (["oai:x:1"], {}), ending=None)
    story = read_story(archive, "oai:x:2")
    assert (story.state, story.channels, story.asked, story.nearest) == ("unseen", (), (), ())
    assert [(seen.channel, seen.windows, seen.unsettled) for seen in story.elsewhere] == [("oaipmh:oai_dc", 1, 1)]


@pytest.mark.parametrize(
    ("asked", "state", "nearest"),
    [
        ("7", "unseen", [("1", "1000", True)]),
        ("1000", "unseen", [("1", "1000", True)]),
        ("2001", "open", [("2001", "3000", True)]),
        ("oai:x:2500", "open", [("2001", "3000", True)]),
        ("1500", "unseen", [("1", "1000", False), ("2001", "3000", False), ("9000", None, False)]),
        ("123456789", "open", [("9000", None, True)]),
        ("99999999999999999999", "unseen", []),
        ("x7", "unseen", []),
        ("²", "unseen", []),
    ],
)
def test_a_number_that_nobody_saw_is_told_with_the_ranges_that_hold_it(
    archive: Path, asked: str, state: str, nearest: list[tuple[str, str | None, bool]]
):
    ranges(
        archive,
        ("1", "1000", "done"),
        ("2001", "3000", "open"),
        ("1001", "2000", "split"),
        ("9000", None, "lost"),
        ("@1", "@1000", "open"),
    )
    story = read_story(archive, asked)
    assert story.state == state
    assert [(near.from_, near.until, near.covers) for near in story.nearest] == nearest


@pytest.mark.parametrize(
    ("asked", "state", "nearest"),
    [
        ("999", "unseen", [("1001", "5000", False), ("7000", "7000", False), ("9000", None, False)]),
        ("1001", "open", [("1001", "5000", True)]),
        ("6999", "unseen", [("7000", "7000", False), ("1001", "5000", False), ("9000", None, False)]),
        ("7000", "open", [("7000", "7000", True)]),
        ("9999", "open", [("9000", None, True)]),
    ],
)
def test_what_is_left_of_ranges_that_are_handed_out_in_pieces_is_open(
    archive: Path, asked: str, state: str, nearest: list[tuple[str, str | None, bool]]
):
    ranges(archive, ("1001", "1-5000,7000,9000-", "open"), ("@1", "census:3", "open"), verb="rest")
    story = read_story(archive, asked)
    assert story.state == state
    assert [(near.from_, near.until, near.covers) for near in story.nearest] == nearest


def test_a_missing_shard_is_part_of_the_story(archive: Path):
    archive_builder.ended(archive, [["oai:x:1"]])
    (Layout(archive).shards / "00001.json-seq.zst").unlink()
    story = read_story(archive, "oai:x:1")
    assert (story.state, len(story.damaged)) == ("read", 1)
    assert "00001.json-seq.zst is missing" in story.damaged[0]
    assert (story.versions[0].copy.text, story.versions[0].copy.sha256) == (b"", None)


@pytest.mark.parametrize("at", [3, 60, 200])
def test_a_damaged_frame_is_part_of_the_story(archive: Path, at: int):
    archive_builder.ended(archive, [["oai:x:1", "oai:x:2"]])
    path = Layout(archive).shards / "00001.json-seq.zst"
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    assert len(read_story(archive, "oai:x:2").damaged) == 1


def test_a_shard_of_another_archive_is_noticed(archive: Path, tmp_path: Path):
    archive_builder.ended(archive, [["oai:x:1"]])
    archive_builder.ended(tmp_path / "other", [["oai:x:2"]])
    shutil.copy(Layout(tmp_path / "other").shards / "00001.json-seq.zst", Layout(archive).shards)
    assert len(read_story(archive, "oai:x:1").damaged) == 1


def test_it_is_told_while_a_harvest_writes(archive: Path):
    made, channel, (window,) = archive_builder.begun(archive)
    made.put(archive_builder.answer(channel, window.window, ["oai:x:1"]))
    made.commit()
    made.put(archive_builder.answer(channel, window.window, ["oai:x:1", "oai:x:2"]))
    story = read_story(archive, "oai:x:1")
    assert (story.state, len(story.asked), story.damaged) == ("read", 1, ())
    assert story.versions[0].copy.path.name == "00001.json-seq.zst.open"
    assert read_story(archive, "oai:x:2").state == "unseen"
    made.close()
    assert len(read_story(archive, "oai:x:1").versions) == 2


def test_a_folder_that_is_no_archive_is_refused(tmp_path: Path):
    with pytest.raises(NotAnArchive):
        read_story(tmp_path, "1")
