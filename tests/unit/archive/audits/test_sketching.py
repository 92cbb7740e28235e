"""archive/audits/sketching.py: an archive's sketch is of its newest versions, whatever processes fill it."""

from hashlib import sha256
from pathlib import Path

import pytest
from support import archive_builder

from archive.audits import sketching
from archive.audits.sketch import CELLS, Differences, Item, Sketch, differences, version
from archive.audits.sketching import named, sketch_of
from archive.errors import StaleIndex
from archive.index.build import index

LONG = "oai:x:" + "y" * 60
SECONDS = 1_577_836_800  # 2020-01-01


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    made, channel, (window,) = archive_builder.begun(tmp_path / "a")
    made.put(archive_builder.answer(channel, window.window, ["oai:x:1", "oai:x:2", LONG]))
    later = [("oai:x:2", "2020-01-02T00:00:00Z", "deleted", None), ("oai:x:3", None, "read", None)]
    payload = (
        *archive_builder.payload(["oai:x:2"], datestamp="2020-01-02T00:00:00Z", deleted=True),
        *archive_builder.payload(["oai:x:3"], datestamp=""),
    )
    made.put(archive_builder.answer(channel, window.window, ["oai:x:2", "oai:x:3"], outcomes=later, payload=payload))
    made.commit()
    made.finish("complete")
    made.close()
    index(tmp_path / "a")
    return tmp_path / "a"


def items(sketch: Sketch) -> dict[str, Item]:
    found = differences(sketch, Sketch(sketch.cells, sketch.compares))
    assert isinstance(found, Differences)
    return {item.identifier: item for item in found.here}


def test_each_local_id_is_there_once_with_its_newest_version(archive: Path):
    hashed = f"sha256:{sha256(b'y' * 60).hexdigest()}"
    found = items(sketch_of(archive, CELLS, "versions"))
    assert found == {
        "1": Item("1", SECONDS, True),
        "2": Item("2", SECONDS + 86400, False),
        "3": Item("3", None, True),
        hashed: Item(hashed, SECONDS, True),
    }


def test_a_hash_is_named_by_who_has_the_id(archive: Path):
    digits = sha256(b"y" * 60).hexdigest()
    assert named(archive, [digits, "0" * 64]) == {digits: "y" * 60}
    # a short id never stands as a hash
    assert named(archive, [sha256(b"1").hexdigest()]) == {}


def test_it_does_not_matter_in_how_many_parts_an_archive_is_sketched(archive: Path, monkeypatch: pytest.MonkeyPatch):
    whole = sketch_of(archive, 300, "versions")
    monkeypatch.setattr(sketching, "PART_RECORDS", 1)
    parts = sketch_of(archive, 300, "versions")
    assert (parts.items, parts.table.to_bytes()) == (whole.items, whole.table.to_bytes())


def test_ids_alone_have_no_version(archive: Path):
    assert items(sketch_of(archive, 300, "ids"))["2"] == Item("2", 0, False)
    assert version(0, live=False) == 0


def test_an_archive_without_an_index_of_its_state_is_not_sketched(tmp_path: Path):
    archive_builder.ended(tmp_path / "b", [["oai:x:1"]])
    with pytest.raises(StaleIndex):
        sketch_of(tmp_path / "b", CELLS, "versions")
