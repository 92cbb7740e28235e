"""Ids that are asked for one by one: what the ledger says of them after any number of processes."""

from pathlib import Path

import pytest
from support import archive_builder

from archive.store import ids
from archive.store.ledger import NOT_MODIFIED, NewWindow, Outcome, WindowRow
from archive.store.writer import Answer, ArchiveWriter


def begun(folder: Path) -> tuple[ArchiveWriter, int, WindowRow]:
    """A writer with a run over ids in one channel, and its window `rest`."""
    writer = archive_builder.writer(folder)
    writer.begin("idrange", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = writer.ledger.channel("idrange:json", "json", None)
    (rest,) = writer.open_windows([NewWindow(channel, ids.REST, "1", "1-")])
    return writer, channel, rest


def settle(writer: ArchiveWriter, row: WindowRow, states: dict[str, tuple[str, str | None]]) -> None:
    """Answers that have no record, one an id."""
    writer.put(
        *(
            Answer(
                row.channel,
                row.window,
                1,
                f"u{name}",
                state,
                404,
                reason,
                1,
                writer.now(),
                bare=True,
                outcomes=(Outcome(name, None, state, reason),),
            )
            for name, (state, reason) in states.items()
        )
    )
    writer.commit()


def test_a_chunk_and_what_is_left_are_opened_together(tmp_path: Path):
    writer, channel, rest = begun(tmp_path / "a")
    windows = [NewWindow(channel, ids.IDS, "1", "3")]
    (row,) = ids.open_chunk(writer.ledger, 1, rest, "4", windows, writer.now())
    found = {w.window: (w.verb, w.from_, w.state) for w in writer.ledger.windows(1)}
    assert found == {rest.window: ("rest", "4", "open"), row.window: ("ids", "1", "open")}
    ids.open_chunk(writer.ledger, 1, rest, None, [], writer.now())
    assert [w.state for w in writer.ledger.windows(1)] == ["done", "open"]
    writer.close()


def test_ids_that_a_list_named_are_open_until_they_are_settled(tmp_path: Path):
    writer, channel, rest = begun(tmp_path / "a")
    windows = [NewWindow(channel, ids.IDS, "@1", "@3")]
    (row,) = ids.open_chunk(writer.ledger, 1, rest, "@4", windows, writer.now(), ["7", "5", "6"], "file:x")
    assert ids.named_in(writer.ledger, row.window) == ["7", "5", "6"]
    assert writer.ledger.settled_state(1) == "unfinished"
    settle(writer, row, {"7": ("absent", None), "5": ("lost", "timed out"), "6": ("refused", "no")})
    assert ids.settled_in(writer.ledger, row.window) == {"7", "6"}
    count = writer.ledger.count_window(row.window, 1)
    assert (count.listed, count.distinct) == (3, 3)
    settle(writer, row, {"5": ("forbidden", "HTTP status 403")})
    assert ids.settled_in(writer.ledger, row.window) == {"5", "6", "7"}
    count = writer.count_window(row.window, 1)
    writer.close_window(row.window, state="done", end="all asked", count=count, stated=None, pages=0, attempts=1)
    ids.open_chunk(writer.ledger, 1, rest, None, [], writer.now())
    writer.finish(writer.ledger.settled_state(1))
    writer.close()
    archive_builder.check(tmp_path / "a")
    assert archive_builder.rows(tmp_path / "a", "SELECT state FROM runs") == [("findings",)]


def test_the_highest_id_in_use_is_a_number_that_is_not_absent(tmp_path: Path):
    writer, channel, _ = begun(tmp_path / "a")
    row = ids.open_named(writer.ledger, 1, NewWindow(channel, ids.IDS, "moved", None), ["1"], "x", writer.now())
    assert ids.highest_in_use(writer.ledger, 1) is None
    settle(
        writer,
        row,
        {
            "9": ("moved", "to 4"),
            "10": ("forbidden", None),
            "99": ("absent", None),
            "x9": ("moved", "to 1"),
            "98": ("lost", None),
        },
    )
    assert ids.highest_in_use(writer.ledger, 1) == 10
    writer.close()


def test_where_ids_moved_to_is_asked_for_once(tmp_path: Path):
    writer, channel, _ = begun(tmp_path / "a")
    row = ids.open_named(writer.ledger, 1, NewWindow(channel, ids.IDS, "x", None), ["1"], "x", writer.now())
    settle(
        writer, row, {"1": ("moved", "to 3"), "2": ("moved", "to 3"), "4": ("moved", "to 1"), "5": ("absent", "to 8")}
    )
    other = writer.ledger.channel("idrange:xml", "xml", None)
    assert ids.targets_not_asked(writer.ledger, 1, channel, 10) == ["3"]
    assert ids.targets_not_asked(writer.ledger, 1, other, 10) == []
    assert ids.targets_not_asked(writer.ledger, 2, channel, 10) == []
    settle(writer, row, {"3": ("absent", None)})
    assert ids.targets_not_asked(writer.ledger, 1, channel, 10) == []
    writer.close()


@pytest.mark.parametrize("many", [3, 2500])
def test_gaps_are_what_is_unsettled_anywhere_or_listed_and_never_asked(tmp_path: Path, many: int):
    writer, channel, _ = begun(tmp_path / "a")
    other = writer.ledger.channel("oaipmh:oai_dc", "oai_dc", None)
    row = ids.open_named(writer.ledger, 1, NewWindow(channel, ids.IDS, "x", None), ["1", "2"], "x", writer.now())
    two = ids.open_named(writer.ledger, 1, NewWindow(other, ids.IDS, "x", None), ["oai:x:3"], "x", writer.now())
    settle(writer, row, {"1": ("lost", None), "2": ("absent", None)})
    settle(writer, two, {"oai:x:3": ("refused", None), "oai:x:2": ("absent", None)})
    writer.finish("findings")
    writer.begin("oaipmh", "census", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    listed = [f"oai:x:{number}" for number in range(1, many + 1)]
    census = writer.ledger.channel("census:oai_dc", "oai_dc", None)
    (window,) = writer.open_windows([NewWindow(census, "ListIdentifiers", None, None)])
    writer.put(archive_builder.answer(census, window.window, listed, payload=(), bare=True))
    writer.commit()
    writer.finish("complete")
    before = ids.next_outcome(writer.ledger)
    assert ids.newest_census(writer.ledger) == 2
    assert list(ids.iter_census(writer.ledger, 2)) == [str(number) for number in range(1, many + 1)]
    never = [str(number) for number in range(4, many + 1)]
    assert list(ids.iter_gaps(writer.ledger, before, 2)) == sorted(["1", "3", *never])
    assert list(ids.iter_gaps(writer.ledger, before, None)) == ["1", "3"]
    assert list(ids.iter_gaps(writer.ledger, before, None, other)) == ["3"]
    assert ids.unsettled(writer.ledger, other) == ["oai:x:3"]
    assert list(ids.iter_gaps(writer.ledger, 1, None)) == []
    writer.close()


def test_what_changes_are_told_by_is_the_last_answer_of_the_channel(tmp_path: Path):
    writer, channel, _ = begun(tmp_path / "a")
    names = [str(number) for number in range(1200)]
    writer.put(*(archive_builder.answer(channel, None, [name], validators=((name, f'"{name}"'),)) for name in names))
    writer.put(archive_builder.answer(channel, None, ["5"], validators=(("5", '"new"'),)))
    writer.commit()
    found = ids.validators(writer.ledger, channel, [*names, "x"])
    assert found == {name: f'"{name}"' for name in names} | {"5": '"new"'}
    assert ids.validators(writer.ledger, channel + 1, names) == {}
    writer.close()


def test_a_record_that_has_not_changed_is_counted_and_has_no_copy(tmp_path: Path):
    writer, channel, rest = begun(tmp_path / "a")
    writer.put(archive_builder.answer(channel, None, ["1"]))
    same = Answer(
        channel,
        None,
        1,
        "u1",
        "read",
        304,
        NOT_MODIFIED,
        1,
        writer.now(),
        bare=True,
        outcomes=(Outcome("1", None, "read", NOT_MODIFIED),),
    )
    writer.put(same, archive_builder.answer(channel, None, ["2"]))
    writer.commit()
    ids.open_chunk(writer.ledger, 1, rest, None, [], writer.now())
    writer.finish(writer.ledger.settled_state(1))
    writer.close()
    archive_builder.check(tmp_path / "a")
    assert [record.identifier for *_, record in archive_builder.stored(tmp_path / "a")] == ["1", "2"]
