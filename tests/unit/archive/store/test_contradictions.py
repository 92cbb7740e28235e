"""What a run says twice of an id: settled by a question where no change since the run began explains it."""

from pathlib import Path

import pytest
from support import archive_builder

from archive.store.contradictions import (
    Listed,
    changed_meanwhile,
    count_older_than_held,
    iter_contradicted,
    note_impossible_datestamps,
)
from archive.store.ledger import NewWindow
from archive.store.writer import ArchiveWriter

STARTED = "2026-03-04T05:00:00Z"
OLD, SOON = "2026-01-01T00:00:00Z", "2026-03-04T05:01:00Z"


def listed(outcome: int, datestamp: str | None, *, deleted: bool = False, request: int | None = None) -> Listed:
    return Listed(1, request or outcome, outcome, datestamp, deleted)


def test_a_record_deleted_while_the_lists_were_read_is_no_contradiction():
    assert changed_meanwhile([listed(1, OLD), listed(2, SOON, deleted=True)], STARTED)
    assert changed_meanwhile([listed(1, OLD), listed(2, "2026-03-04", deleted=True)], STARTED)


@pytest.mark.parametrize(
    "pair",
    [
        [listed(1, OLD), listed(2, OLD, deleted=True)],
        [listed(1, "2026-01-02T00:00:00Z"), listed(2, OLD, deleted=True)],
        [listed(1, "2026-01-02T00:00:00Z", deleted=True), listed(2, OLD)],
        [listed(1, OLD), listed(2, "2026-01-02T00:00:00Z", deleted=True)],
        [listed(1, OLD, request=1), listed(2, SOON, deleted=True, request=1)],
        [listed(1, SOON, deleted=True), listed(2, OLD)],
        [listed(1, OLD), listed(2, None, deleted=True)],
        [listed(1, OLD), listed(2, "unknown", deleted=True)],
    ],
)
def test_whatever_a_change_does_not_explain_is_one(pair: list[Listed]):
    assert not changed_meanwhile(pair, STARTED)


def put(writer: ArchiveWriter, channel: int, window: int | None, *outcomes: tuple[str, str, str, str | None]) -> None:
    names = [name for name, *_ in outcomes]
    pieces = [
        archive_builder.payload([name], datestamp=stamp, deleted=state == "deleted")
        for name, stamp, state, _ in outcomes
    ]
    payload = ((b"".join(piece[0][0] for piece in pieces), len(pieces)),)
    writer.put(archive_builder.answer(channel, window, names, outcomes=list(outcomes), payload=payload))
    writer.commit()


def test_an_id_that_was_asked_for_by_itself_is_settled(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "a")
    put(writer, channel, window.window, ("1", OLD, "read", None), ("2", OLD, "read", None), ("1", OLD, "deleted", None))
    other = writer.ledger.channel("oaipmh:oai_dc:b", "oai_dc", "b")
    put(writer, other, None, ("2", OLD, "deleted", None), ("3", OLD, "read", None))
    run = writer.run_number
    assert sorted(iter_contradicted(writer.ledger, run)) == [("1", channel), ("2", channel)]
    [asked] = writer.open_windows([NewWindow(channel, "GetRecord", None, None)])
    put(writer, channel, asked.window, ("1", OLD, "read", None))
    assert list(iter_contradicted(writer.ledger, run)) == [("2", channel)]
    writer.close()


def test_impossible_datestamps_are_counted_by_record_and_not_by_page(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "a")
    for _ in range(3):
        put(
            writer,
            channel,
            window.window,
            ("1", "x", "read", "impossible-datestamp"),
            ("2", "y", "read", "impossible-datestamp"),
        )
    for _ in range(2):  # a run that is resumed says it again
        note_impossible_datestamps(writer.ledger, writer.run_number, writer.now())
    writer.close()
    assert archive_builder.rows(tmp_path / "a", "SELECT code, found, identifier FROM findings") == [
        ("impossible-datestamp", 2, "1")
    ]


def test_a_state_that_was_taken_back_is_counted(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["1", "2"]])
    writer, channel, (window,) = archive_builder.begun(tmp_path / "a")
    put(writer, channel, window.window, ("1", "2019-01-01T00:00:00Z", "read", None), ("2", OLD, "read", None))
    assert count_older_than_held(writer.ledger, writer.run_number) == (1, "1")
    writer.close()
