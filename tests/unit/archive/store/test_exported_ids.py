"""What the ledger knows of dumps: which was taken whole, and how far one was counted."""

from pathlib import Path

from support import archive_builder

from archive.store.ids import Dump, distinct_in_run, is_held, members_counted, newest_dump
from archive.store.ledger import NewWindow


def dump(folder: Path, name: str = "exporter:json", state: str = "complete", **words: object) -> None:
    """A run of the exporter over one file of three members."""
    writer = archive_builder.writer(folder)
    arguments = {"url": archive_builder.URL, "sample": None, "shard": None, "community": None, **words}
    writer.begin("exporter", "full", arguments, archive_builder.SOFTWARE)
    writer.ledger.set_provider_started(writer.run_number, "2026-03-01T00:00:00Z")
    channel = writer.ledger.channel(name, "json", arguments["community"])  # type: ignore[arg-type]
    (row,) = writer.open_windows([NewWindow(channel, "dump", "records-json.tar.gz/v1", "")])
    writer.put(
        archive_builder.answer(channel, row.window, ["1", "2"]), archive_builder.answer(channel, row.window, ["2"])
    )
    count = writer.count_window(row.window, 1)
    assert members_counted(writer.ledger, row.window) == 3
    assert distinct_in_run(writer.ledger, writer.run_number) == 2
    writer.close_window(
        row.window,
        state="done" if state == "complete" else "lost",
        end="x",
        count=count,
        stated=None,
        pages=1,
        attempts=1,
    )
    writer.finish(state)
    writer.close()


def found(folder: Path) -> tuple[Dump | None, bool]:
    writer = archive_builder.writer(folder)
    try:
        return newest_dump(writer.ledger), is_held(writer.ledger, 1, "records-json.tar.gz/v1")
    finally:
        writer.close()


def test_a_dump_that_was_taken_whole_is_found_by_when_it_was_made(tmp_path: Path):
    dump(tmp_path / "a")
    assert found(tmp_path / "a") == (Dump(1, "2026-03-01T00:00:00Z"), True)


def test_a_part_of_a_dump_is_none(tmp_path: Path):
    for number, words in enumerate(({"sample": 5}, {"shard": [1, 2]})):
        dump(tmp_path / str(number), **words)
        assert found(tmp_path / str(number)) == (None, False)


def test_an_unfinished_one_the_deletions_and_one_of_a_community_do_not_say_where_a_list_goes_on(tmp_path: Path):
    dump(tmp_path / "a", state="unfinished")
    assert found(tmp_path / "a") == (None, False)
    dump(tmp_path / "b", name="exporter:deleted")
    assert found(tmp_path / "b") == (None, True)
    dump(tmp_path / "c", name="exporter:json:cern", community="cern")
    assert found(tmp_path / "c")[0] is None
