"""Records against outcomes, one for one."""

from pathlib import Path

import pytest
from support import archive_builder

from archive.errors import Damaged
from archive.formats import jsonseq
from archive.store.pairing import Difference, Kept, compared, kept_in, matched
from archive.store.shards import Frame
from archive.store.snapshots import read_only

KEPT = [Kept(7, 1, "oai:x:1", "2020-01-01T00:00:00Z", "read"), Kept(8, 1, "oai:x:2", None, "deleted")]


def frame(*texts: bytes) -> Frame:
    return Frame(3, 0, 1, b"".join(map(jsonseq.encode, texts)), len(texts))


def test_each_record_is_given_with_its_outcome():
    whole = frame(archive_builder.record("oai:x:1"), archive_builder.record("oai:x:2", deleted=True))
    pairs = list(matched("00001", whole, KEPT))
    assert [(record.identifier, kept.outcome) for record, kept in pairs] == [("oai:x:1", 7), ("oai:x:2", 8)]


@pytest.mark.parametrize(
    ("texts", "places"),
    [
        ((archive_builder.record("oai:x:1"),), [None]),
        ((archive_builder.record("oai:x:1"), archive_builder.record("oai:x:2")), [1]),
        ((archive_builder.record("oai:x:9"), archive_builder.record("oai:x:2", deleted=True)), [0]),
        ((archive_builder.record("oai:x:1", "2020-01-02"), archive_builder.record("oai:x:9")), [0, 1]),
        ((b"{}", b'{"identifier": 1}'), [0, 1]),
    ],
)
def test_everything_that_does_not_match_is_named(texts: tuple[bytes, ...], places: list[int | None]):
    found = [each for each in compared(frame(*texts), KEPT) if isinstance(each, Difference)]
    assert [each.record for each in found] == places
    with pytest.raises(Damaged, match="00001, frame 3"):
        list(matched("00001", frame(*texts), KEPT))


def test_the_outcomes_of_a_frame_are_those_with_a_record(tmp_path: Path):
    made, channel, _ = archive_builder.begun(tmp_path)
    absent = [("oai:x:0", None, "absent", None), ("oai:x:1", None, "read", None), ("oai:x:2", None, "open", None)]
    made.put(archive_builder.answer(channel, None, ["oai:x:1"], outcomes=absent))
    made.put(archive_builder.answer(channel, None, ["oai:x:3"]))
    made.close()
    with read_only(tmp_path / "ledger.sqlite") as db:
        assert [kept.identifier for kept in kept_in(db, 1, 0)] == ["oai:x:1", "oai:x:3"]
        assert kept_in(db, 1, 5) == []
