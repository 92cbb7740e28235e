"""Spill files: every row in one of them, times as the rest of the project reads them."""

from contextlib import closing
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import archive_builder

from archive.index import rows
from archive.store import spill
from archive.store.layout import Layout
from archive.store.snapshots import read_only
from archive.store.versions import moment
from harvester.oaipmh import datestamps


@pytest.mark.parametrize(
    ("stamp", "read"),
    [
        ("2020-02-29T01:02:03Z", "2020-02-29 01:02:03"),
        ("2020-02-29", "2020-02-29 00:00:00"),
        (" 2020-02-29 01:02 ", "2020-02-29 01:02:00"),
        ("2020-02-29T01:02:03.9+02:00", "2020-02-28 23:02:03"),
        ("0001-01-01T00:00:00Z", "0001-01-01 00:00:00"),
        ("0001-01-01T00:00:00+01:00", None),
        ("2026-13-45T25:61:00Z", None),
        ("2020", None),
        ("epoch", None),
        ("infinity", None),
        ("", None),
        (None, None),
    ],
)
def test_a_datestamp_is_a_time_or_nothing(stamp: str | None, read: str | None):
    assert moment(stamp) == read


NUMBERS = st.integers(0, 99).map("{:02d}".format)
STAMPS = st.builds(
    lambda year, parts, joint, rest, zone: f"{year:04d}-{parts[0]}-{parts[1]}{joint}{parts[2]}:{parts[3]}{rest}{zone}",
    st.integers(0, 9999),
    st.lists(NUMBERS, min_size=4, max_size=4),
    st.sampled_from("T x"),
    st.sampled_from(["", ":00", ":59", ":60", ":07.1", ":07,123456789", ":07.1234567890"]),
    st.sampled_from(["", "Z", "z", "+00:00", "-1130", "+23:59", "+24:00", "+5"]),
)


@given(st.one_of(st.text(max_size=25), st.datetimes().map(lambda at: at.isoformat() + "Z"), STAMPS))
def test_the_index_reads_a_datestamp_as_a_harvest_does(stamp: str):
    parsed = datestamps.parse(stamp)
    assert moment(stamp) == (None if parsed is None else parsed.replace(tzinfo=None).isoformat(" "))


def test_every_record_and_outcome_is_in_one_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    made, work = tmp_path / "archive", tmp_path / "work"
    work.mkdir()
    archive_builder.ended(made, [[f"oai:x:{page}.{n}" for n in range(4)] for page in range(5)])
    for outcomes, size in ((1, 1), (7, 2000), (20, 1 << 20), (1000, 1 << 30)):
        monkeypatch.setattr(rows, "PIECE_OUTCOMES", outcomes)
        monkeypatch.setattr(spill, "SPILL_BYTES", size)
        with closing(read_only(made / "ledger.sqlite")) as ledger:
            whole = [spill.ShardToRead(1, "00001.json-seq.zst", False, 1 << 20, 20, None)]
            frames = list(spill.frames_to_spill(ledger, Layout(made), whole, work))
            pieces = list(rows.outcomes_to_spill(ledger, Layout(made), work))
        assert [(a.last + 1) for a in frames[:-1]] == [b.first for b in frames[1:]]
        assert (frames[0].first, frames[-1].last) == (0, 4)
        for tasks in (frames, pieces):
            files = [rows.spill(task) for task in tasks]
            lines = [orjson.loads(line) for each in files for line in each.path.read_bytes().splitlines()]
            assert [line["outcome"] for line in lines] == list(range(1, 21))
            assert sum(each.rows for each in files) == 20
            assert max(each.longest for each in files) == max(len(orjson.dumps(line)) for line in lines) + 1
