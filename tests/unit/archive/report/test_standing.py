"""Where an archive stands: the newest run of the same words decides, and what is wrong comes first."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support import archive_builder

from archive.errors import Damaged, NotAnArchive
from archive.findings import Finding
from archive.index import build as index
from archive.report.standing import read_standing
from archive.store.layout import Layout

PAGES = [["oai:x:1", "oai:x:2"], ["oai:x:3"]]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    archive_builder.ended(tmp_path / "archive", PAGES)
    return tmp_path / "archive"


def run(
    folder: Path, ending: str | None, *identifiers: str, state: str = "read", url: str = archive_builder.URL
) -> None:
    """Another run of the same words, unless another `url` makes it one of others; None leaves it open."""
    made = archive_builder.writer(folder)
    made.begin("oaipmh", "full", {"url": url}, archive_builder.SOFTWARE)
    channel = made.ledger.channel(*archive_builder.CHANNEL)
    outcomes = [(identifier, None, state, None) for identifier in identifiers]
    payload = archive_builder.payload(identifiers) if state == "read" and identifiers else ()
    made.put(archive_builder.answer(channel, None, identifiers, outcomes=outcomes, payload=payload))
    if ending is not None:
        made.finish(ending)
    made.close()


def test_an_archive_that_was_harvested_whole_is_complete(archive: Path):
    standing = read_standing(archive)
    assert (standing.state, standing.index) == ("complete", "missing")
    assert standing.windows == {"open": 0, "done": 1, "split": 0, "lost": 0}
    assert (standing.shards.shards, standing.shards.records, standing.shards.wrong) == (1, 3, ())
    [first] = standing.runs
    assert (first.run, first.state, first.arguments, first.account.listed) == (
        1,
        "complete",
        {"url": archive_builder.URL},
        3,
    )


def test_the_index_is_current_until_something_is_written(archive: Path):
    index.index(archive)
    assert read_standing(archive).index == "current"
    run(archive, "complete", "oai:x:4")
    assert read_standing(archive).index == "stale"


@pytest.mark.parametrize(
    ("ending", "state"),
    [("complete", "complete"), ("findings", "findings"), ("unfinished", "unfinished"), (None, "unfinished")],
)
def test_the_newest_run_decides(archive: Path, ending: str | None, state: str):
    run(archive, ending, "oai:x:4")
    assert read_standing(archive).state == state


def test_an_unfinished_run_of_other_words_keeps_it_unfinished(archive: Path):
    run(archive, "unfinished", "oai:x:4", url="https://repository.example/other")
    run(archive, "complete", "oai:x:4")
    assert read_standing(archive).state == "unfinished"
    run(archive, "complete", "oai:x:4", url="https://repository.example/other")
    assert read_standing(archive).state == "complete"


def test_what_was_refused_is_a_finding_until_it_is_read(archive: Path):
    run(archive, "findings", "oai:x:4", state="refused")
    run(archive, "complete")
    assert read_standing(archive).state == "findings"
    run(archive, "complete", "oai:x:4")
    assert read_standing(archive).state == "complete"


def test_findings_are_counted_by_code_the_worst_first(archive: Path):
    made = archive_builder.writer(archive)
    made.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    for severity, code, message in (
        ("info", "a", "1"),
        ("warning", "b", "2"),
        ("error", "c", "3"),
        ("warning", "b", "4"),
    ):
        made.note(Finding(code, severity, message))
    made.finish("findings")
    made.close()
    found = [(f.severity, f.code, f.count, f.example) for f in read_standing(archive).findings]
    assert found == [("error", "c", 1, "3"), ("warning", "b", 2, "2"), ("info", "a", 1, "1")]


def test_a_shard_of_another_length_is_damage(archive: Path):
    [path] = Layout(archive).shards.iterdir()
    body = path.read_bytes()
    for changed in (body[:-1], body + b"x"):
        path.write_bytes(changed)
        standing = read_standing(archive)
        assert standing.state == "damaged"
        assert path.name in standing.shards.wrong[0]
    path.unlink()
    assert read_standing(archive).shards.wrong == (f"shard {path.name} is missing",)


def test_an_account_out_of_balance_is_damage(archive: Path):
    with closing(sqlite3.connect(Layout(archive).ledger)) as db, db:
        db.execute("UPDATE requests SET listed = listed + 1 WHERE request = 1")
    standing = read_standing(archive)
    assert (standing.state, standing.account.balanced) == ("damaged", False)


def test_an_archive_at_its_beginning_is_unfinished(tmp_path: Path):
    archive_builder.writer(tmp_path).close()
    standing = read_standing(tmp_path)
    assert (standing.state, standing.runs, standing.account.listed) == ("unfinished", (), 0)


def test_what_cannot_be_read_is_said(archive: Path, tmp_path: Path):
    with pytest.raises(NotAnArchive):
        read_standing(tmp_path)
    Layout(archive).ledger.write_bytes(b"not a database" * 100)
    with pytest.raises(Damaged):
        read_standing(archive)
