"""Outcomes whose records are left out because the run has stored them already: sums, lookups, story and audit."""

from pathlib import Path

import pytest
from support import archive_builder

from archive.audits import audit
from archive.integrity.verify import verify
from archive.lookup.get import find_in_ledger
from archive.lookup.story import read_story
from archive.store.accounting import read_account
from archive.store.ledger import NOT_MODIFIED
from pipelines.check import ContractBroken, check

OLD, NEW = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"
LIVE, GONE = ("oai:x:1", OLD, "read", None), ("oai:x:1", NEW, "deleted", None)
ORDERS = [
    [LIVE, GONE, ("oai:x:1", OLD, "read", NOT_MODIFIED)],
    [GONE, LIVE, ("oai:x:1", OLD, "read", NOT_MODIFIED)],
    [GONE, LIVE, ("oai:x:1", NEW, "deleted", NOT_MODIFIED)],
    [LIVE, ("oai:x:1", OLD, "read", NOT_MODIFIED), GONE],
]


def archive(folder: Path, outcomes: list[tuple[str, str | None, str, str | None]]) -> Path:
    writer, channel, (window,) = archive_builder.begun(folder)
    for outcome in outcomes:
        name, stamp, state, reason = outcome
        payload = archive_builder.payload([name], datestamp=stamp, deleted=state == "deleted") if reason is None else ()
        writer.put(archive_builder.answer(channel, window.window, [name], outcomes=[outcome], payload=payload))
        writer.commit()
    count = writer.count_window(window.window, 1)
    writer.close_window(window.window, state="done", end="list-complete", count=count, stated=None, pages=1, attempts=1)
    writer.finish("complete")
    writer.close()
    return folder


@pytest.mark.parametrize("outcomes", ORDERS)
def test_the_latest_state_is_that_of_the_newest_copy(
    tmp_path: Path, outcomes: list[tuple[str, str | None, str, str | None]]
):
    here = archive(tmp_path / "a", outcomes)
    archive_builder.check(here)
    assert read_account(here).balanced
    assert not verify(here).problems
    story = read_story(here, "oai:x:1")
    assert (story.state, len(story.versions)) == ("deleted", 2)
    assert [got.deleted for got in find_in_ledger(here, "oai:x:1").latest().records] == [True]
    there = archive(tmp_path / "b", [GONE])
    for left, right in ((here, there), (there, here)):
        with audit.against_archive(left, right) as found:
            assert [(mark, name) for _, mark, name, _ in found.lines()] == [("=", "oai:x:1")]


def test_a_page_may_mix_what_is_stored_with_what_is_left_out(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "a")
    names = ["oai:x:1", "oai:x:2", "oai:x:3"]
    writer.put(archive_builder.answer(channel, window.window, names[1:2]))
    outcomes = [(name, OLD, "read", NOT_MODIFIED if name == "oai:x:2" else None) for name in names]
    mixed = archive_builder.answer(
        channel, window.window, names, 2, outcomes=outcomes, payload=archive_builder.payload(names[::2])
    )
    check([mixed])
    writer.put(mixed)
    writer.finish("complete")
    writer.close()
    archive_builder.check(tmp_path / "a")
    assert sorted(record.identifier for *_, record in archive_builder.stored(tmp_path / "a")) == names
    assert read_account(tmp_path / "a").balanced


def test_a_record_beside_an_outcome_that_has_none_is_refused(tmp_path: Path):
    outcomes = [("oai:x:1", OLD, "read", NOT_MODIFIED)]
    with pytest.raises(ContractBroken):
        check([archive_builder.answer(1, 1, ["oai:x:1"], outcomes=outcomes)])
