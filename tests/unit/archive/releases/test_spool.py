"""archive/releases/contents.py: what is put away comes back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.errors import ArchiveError
from archive.releases.changes import Row
from archive.releases.contents import Spool
from archive.releases.entries import Entry

TEXT = st.text(st.characters(codec="utf-8"), max_size=5)
ENTRIES = st.lists(
    st.builds(Entry, TEXT, TEXT, TEXT, st.booleans(), st.none() | TEXT, TEXT, st.binary(max_size=9)), max_size=9
)


@given(ENTRIES)
def test_entries_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool") / "entries")
    for entry in entries:
        spool.append(entry)
    assert list(spool.entries()) == entries
    assert list(spool) == [Row(e.identifier, e.format, e.datestamp, e.deleted, e.sha256) for e in entries]


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    rows = [Row(f"oai:x:{n}", "oai_dc", "2020", n % 2 == 0, "0" * 64) for n in range(1000)]
    spool = Spool(tmp_path / "rows")
    for row in rows:
        spool.append(row)
    assert list(spool) == rows


def test_a_spool_that_was_cut_is_never_a_shorter_one(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    spool = Spool(path)
    for n in range(1000):
        spool.append(Row(f"oai:x:{n}", "oai_dc", "2020", False, "0" * 64))
    spool.close()
    body = path.read_bytes()
    for cut in range(0, len(body), 100):
        path.write_bytes(body[:cut])
        with pytest.raises(ArchiveError):
            list(spool)
