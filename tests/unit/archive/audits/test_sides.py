"""auditsides.py, ledgercopy.py: SQL says of ids what Python says, and every text gets through."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import archive_builder

from archive.audits.sides import CHANNEL, HERE, LOCAL, Sides
from archive.crosswalks.schemes import local_id
from archive.index.ledger_copy import copy_ledger
from archive.store.layout import Layout
from archive.store.ledger import NewWindow

PIECES = [
    "oai:",
    "x",
    ":",
    "zenodo.org",
    "10.",
    "10.1234/",
    "5",
    "https://",
    "doi.org/",
    "doi:",
    " ",
    "\u2003",
    "É",
    "/",
    "%3C",
    "%C3",
    "%",
]
ODD = ['say "yes", or', "two\nlines", "a,b", "\u2028", " around ", "'", "\\", "ends with\\", "\t", "\r\n", "é" * 3000]


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    made = Sides(tmp_path_factory.mktemp("sides"), LOCAL)
    yield made
    made.db.close()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map("".join) | st.text(min_size=1, max_size=12))
@example("oai:x:10.1234/AbC")
@example("https://doi.org/10.1234/A%3Cb%3e")
@example("https://doi.org/10.1234/A%C3%89%3C")
@example("https://doi.org/10.1234/a%")
@example("10.1234/ÀİK%3C")
@example("doi:https://DOI.org/10.1234/%2B+%20")
@example("oai:x:")
@example("info:doi/10.1234/x")
def test_the_local_part_of_an_id_is_that_of_the_crosswalks(sides: Sides, identifier: str):
    if "\0" not in identifier:
        assert sides.db.execute("SELECT compared_as(?)", [identifier]).fetchone() == (local_id(identifier),)


def test_any_text_gets_from_a_ledger_into_the_comparison(tmp_path: Path):
    names = [f"oai:x:{text}" for text in ODD]
    writer, channel, (window,) = archive_builder.begun(tmp_path / "a")
    outcomes = [(name, "" if n % 2 else None, "absent", None) for n, name in enumerate(names)]
    writer.put(archive_builder.answer(channel, window.window, [], listed=0, outcomes=outcomes, bare=True))
    writer.finish("complete")
    writer.close()
    sides = Sides(tmp_path, CHANNEL)
    sides.add_ledger(Layout(tmp_path / "a"), lambda run, mode: HERE)
    rows = sides.db.execute("SELECT identifier, moment, odd, state FROM outcomes ORDER BY outcome").fetchall()
    assert rows == [(name, None, None, "absent") for name in names]
    sides.db.close()


def test_a_census_that_is_not_compared_is_not_even_read(tmp_path: Path):
    archive_builder.ended(tmp_path / "a", [["oai:x:1"]])
    for names in (["oai:x:2", "oai:x:3"], ["oai:x:4"]):
        writer = archive_builder.writer(tmp_path / "a")
        writer.begin("oaipmh", "census", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
        channel = writer.ledger.channel("census:oai_dc", "oai_dc", None)
        (window,) = writer.open_windows([NewWindow(channel, "ListIdentifiers", None, None)])
        outcomes = [(name, "2020-01-01", "read", None) for name in names]
        writer.put(
            archive_builder.answer(
                channel, window.window, [], listed=len(names), outcomes=outcomes, payload=(), bare=True
            )
        )
        writer.finish("complete")
        writer.close()
    read: list[str] = []

    class Listening:
        """Counts the outcomes that each loaded file brings."""

        def __init__(self, sides: Sides) -> None:
            self._db = sides.db

        def __getattr__(self, name: str) -> object:
            return getattr(self._db, name)

        def execute(self, query: str, parameters: dict[str, object] | None = None) -> object:
            if parameters and "path" in parameters and "outcomes-" in str(parameters["path"]):
                read.extend(Path(str(parameters["path"])).read_text().splitlines())
            return self._db.execute(query, parameters)

    sides = Sides(tmp_path, CHANNEL)
    sides.db.execute("INSERT INTO names VALUES (0, 'oai_dc', NULL, NULL)")
    sides.db.execute("INSERT INTO channels VALUES (0, 1, 0), (0, 2, 0)")
    copy_ledger(Listening(sides), Layout(tmp_path / "a"), 0, {1: 0, 3: 1}, [2], tmp_path)  # type: ignore[arg-type]
    assert len(read) == 2
    found = sides.db.execute("SELECT side, identifier FROM outcomes ORDER BY ALL").fetchall()
    assert found == [(0, "oai:x:1"), (1, "oai:x:4")]
    sides.db.close()
