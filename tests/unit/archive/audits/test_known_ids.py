"""archive/audits/known_ids.py: what an archive knows of ids, by channels whose answers are known."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from support import archive_builder

from archive.audits.known_ids import Captures, Drawn, Family, Here, Knowledge, read_captures
from archive.index.build import index
from archive.store.ledger import NewWindow

Outcomes = Sequence[tuple[str, str, str]]
STAMP = "2020-01-01T00:00:00Z"


def harvested(
    folder: Path, spider: str, mode: str, arguments: dict[str, str], channel: tuple[str, str], outcomes: Outcomes
) -> None:
    """One run of one channel: (identifier, datestamp, state) of each id."""
    writer = archive_builder.writer(folder)
    writer.begin(spider, mode, arguments, archive_builder.SOFTWARE)
    number = writer.ledger.channel(*channel, None)
    (window,) = writer.open_windows([NewWindow(number, "ListRecords", None, None)])
    kept = [name for name, _, state in outcomes if state == "read"] if mode != "census" else []
    rows = [(name, stamp or None, state, None) for name, stamp, state in outcomes]
    for row in rows:
        listed = spider == "oaipmh"
        payload = (
            archive_builder.payload([row[0]], datestamp=row[1] or "") if row[0] in kept and row[2] == "read" else ()
        )
        deleted = row[2] == "deleted" and mode != "census"
        payload = archive_builder.payload([row[0]], datestamp=row[1] or "", deleted=True) if deleted else payload
        writer.put(
            archive_builder.answer(
                number, window.window, [], listed=int(listed), outcomes=[row], payload=payload, bare=not payload
            )
        )
    writer.commit()
    count = writer.count_window(window.window, 1)
    writer.close_window(window.window, state="done", end="all asked", count=count, stated=None, pages=1, attempts=1)
    writer.finish("complete")
    writer.close()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Lists of OAI-PMH, a census, a range of ids, and ids that the census named."""
    folder = tmp_path / "a"
    listed = [("oai:x:1", STAMP, "read"), ("oai:x:2", STAMP, "read"), ("oai:x:3", STAMP, "deleted")]
    harvested(folder, "oaipmh", "full", {}, ("oaipmh:oai_dc", "oai_dc"), [*listed, ("oai:x:5", STAMP, "read")])
    census = [("oai:x:4", STAMP, "read"), ("oai:x:1", STAMP, "read")]
    harvested(folder, "oaipmh", "census", {}, ("census:oai_dc", "oai_dc"), census)
    asked = [
        ("1", STAMP, "read"),
        ("6", STAMP, "read"),
        ("7", "", "absent"),
        ("8", "", "lost"),
        ("2000000", "", "absent"),
    ]
    harvested(folder, "idrange", "full", {"ids": "1-7,8,2000000"}, ("idrange:json", "json"), asked)
    told = [("4", STAMP, "read"), ("5", STAMP, "read")]
    harvested(folder, "idrange", "full", {"ids": "census"}, ("idrange:json", "json"), told)
    index(folder)
    return folder


@pytest.fixture
def known(archive: Path) -> Iterator[Knowledge]:
    with closing(Knowledge(archive)) as opened:
        yield opened


def test_numbers_go_from_the_lowest_to_the_highest_that_exists_in_some_state(known: Knowledge):
    assert known.families() == ([Family("", 1, 6, 6)], 6)
    assert Family("", 1, 6, 6).span == 6


def test_ids_are_named_as_lists_name_them(known: Knowledge):
    assert known.naming() == ("oai:x:", "oai_dc")


def test_strata_and_draws_leave_out_what_is_absent(known: Knowledge):
    assert known.strata("all") == {"all": 7}
    assert known.strata("set") == {"a": 6, "unknown": 1}
    drawn = known.draw("all", 1, {"all": 7})
    assert {one.local_id for one in drawn} == {"1", "2", "3", "4", "5", "6", "8"}
    assert Drawn("4", "oai:x:4", "all") in drawn


def test_a_draw_is_the_same_for_the_same_seed_and_another_for_another(known: Knowledge):
    draws = {seed: frozenset(one.local_id for one in known.draw("all", seed, {"all": 3})) for seed in range(20)}
    assert draws == {seed: frozenset(one.local_id for one in known.draw("all", seed, {"all": 3})) for seed in range(20)}
    assert all(len(draw) == 3 for draw in draws.values())
    assert len(set(draws.values())) > 5


def test_what_is_here_is_the_newest_that_is_kept(known: Knowledge):
    found = known.here(["1", "3", "4", "7", "8", "99"], ["oaipmh"])
    moment = datetime(2020, 1, 1)
    assert found == {
        "1": Here("read", "read", moment),
        "3": Here("deleted", "deleted", None),
        "4": Here("read", "read", None),
        "7": Here(None, "absent", None),
        "8": Here(None, "lost", None),
    }


def test_captures_are_kinds_of_channel_that_found_ids_by_themselves(archive: Path):
    found = read_captures(archive)
    assert found.kinds == ("idrange", "oaipmh")
    # 1 by both; 6 by its number alone; 2, 4 and 5 by lists, for 4 and 5 were only asked for because a census named them
    assert found.cells == {(True, True): 1, (True, False): 1, (False, True): 3}
    assert found.left_out == ((4, "census"),)
    assert found.partial == ()


def test_a_list_of_what_is_new_alone_is_told(tmp_path: Path):
    harvested(tmp_path / "b", "oaipmh", "incremental", {}, ("oaipmh:oai_dc", "oai_dc"), [("oai:x:1", STAMP, "read")])
    index(tmp_path / "b")
    assert read_captures(tmp_path / "b") == Captures(("oaipmh",), {(True,): 1}, (), ((1, "oaipmh"),))


@pytest.mark.parametrize(
    ("names", "families"),
    [
        (["h:12/7", "h:12/9", "h:2"], [("h:12/", 7, 9, 2), ("h:", 2, 2, 1)]),
        (["007", "x", "a1b"], []),
        (["9" * 30, "1"], [("", 1, 1, 1)]),
    ],
)
def test_families_are_texts_before_a_number(
    tmp_path: Path, names: list[str], families: list[tuple[str, int, int, int]]
):
    archive_builder.ended(tmp_path / "c", [names])
    index(tmp_path / "c")
    with closing(Knowledge(tmp_path / "c")) as known:
        assert known.families() == ([Family(*one) for one in families], len(names))
