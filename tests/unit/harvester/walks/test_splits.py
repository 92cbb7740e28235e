"""Lists that were cut: what their parts must bring, and what explains that they do not."""

from pathlib import Path
from typing import Any

from support import archive_builder

from archive.store.ledger import NewWindow
from archive.store.splits import SplitList, iter_splits, named_and_open
from harvester.oaipmh import tokens
from harvester.walks import splits
from harvester.walks.splits import doubt_finding, doubts, settled_by


def split(window: int = 1, **more: Any) -> SplitList:
    values: dict[str, Any] = {
        "parent": None,
        "channel": 1,
        "from_": None,
        "until": None,
        "end": tokens.TOO_LARGE,
        "stated": None,
        "reason": None,
        "listed": 0,
        "brought": 0,
        "together": 0,
        "lacking": (),
    }
    return SplitList(window, **{**values, **more})


def kinds(*found: SplitList) -> list[tuple[int, str, int]]:
    return [(doubt.split.window, doubt.kind, doubt.missing) for doubt in doubts(found)]


def test_parts_that_bring_what_was_stated_settle_a_list():
    assert kinds(split(stated=5, together=5), split(2, stated=5, together=6), split(3, brought=3, together=3)) == []
    assert kinds(split(stated=5, together=5, lacking=("oai:x:1",))) == []


def test_parts_that_bring_less_do_not():
    assert kinds(split(stated=5, together=4)) == [(1, splits.SHORT, 1)]
    assert kinds(split(listed=1, together=1, lacking=("oai:x:1",))) == [(1, splits.LACKING, 1)]
    assert kinds(split(end=tokens.PAGE_UNREADABLE)) == [(1, splits.EMPTY, 0)]


def test_what_a_part_lacks_is_not_held_against_the_list_above_it_as_well():
    part = split(2, parent=1, stated=5, together=3)
    assert kinds(part, split(stated=9, together=7)) == [(2, splits.SHORT, 2)]
    assert kinds(part, split(stated=9, together=6)) == [(2, splits.SHORT, 2), (1, splits.SHORT, 3)]


def test_the_size_stated_now_settles_a_list_unless_it_is_nothing():
    (doubt,) = doubts([split(stated=5, together=4)])
    assert settled_by(doubt, 4)
    assert not any(settled_by(doubt, now) for now in (None, 0, 5))


def test_ids_that_are_gone_lack_nothing():
    (doubt,) = doubts([split(lacking=("oai:x:1", "oai:x:2"))])
    assert doubt_finding(doubt, "w", {"oai:x:1": False, "oai:x:2": False}) is None
    found = doubt_finding(doubt, "w", {"oai:x:1": False, "oai:x:2": True})
    assert found is not None
    assert (found.code, found.identifier, found.found) == ("parts-lack", "oai:x:2", 1)


def test_a_ledger_says_what_lists_and_parts_brought(tmp_path: Path):
    writer, channel, (window,) = archive_builder.begun(tmp_path / "archive")
    writer.put(archive_builder.answer(channel, window.window, ["oai:x:1", "oai:x:2"]))
    named = [("oai:x:9", None, "open", None), ("oai:x:3", None, "open", None)]
    writer.put(
        archive_builder.answer(channel, window.window, [], attempt=0, payload=(), bare=True, listed=2, outcomes=named)
    )
    count = writer.count_window(window.window, 1)
    assert (count.listed, count.distinct) == (2, 2)
    closed: dict[str, Any] = {"end": "too-large", "count": count, "pages": 1, "attempts": 1}
    new = [NewWindow(channel, "ListRecords", "2020-01-01", None, set_spec="a")]
    (part,) = writer.close_window(window.window, state="split", stated=7, children=new, **closed)
    assert list(iter_splits(writer.ledger, writer.run_number)) == []  # a part is open
    writer.put(archive_builder.answer(channel, part.window, ["oai:x:2", "oai:x:3"]))
    writer.close_window(part.window, state="done", stated=None, **closed)
    (found,) = iter_splits(writer.ledger, writer.run_number)
    assert (found.stated, found.listed, found.brought, found.together) == (7, 4, 2, 4)
    assert found.lacking == ("oai:x:1", "oai:x:9")
    assert named_and_open(writer.ledger, writer.run_number) == {channel: ["oai:x:9"]}
    assert [row.set_spec for row in writer.ledger.windows(writer.run_number)] == [None, "a"]
    writer.close()
