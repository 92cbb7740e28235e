"""Whatever the records are called and wherever frames are cut: names differ, and what is written is read back."""

import re
import tempfile
from pathlib import Path

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from archive.releases.codecs import compress, encode_texts, member_name
from archive.releases.manifest import Edge, Making
from archive.releases.parts import FrameEdges, PartsWriter, iter_texts

# what file systems, shells and tar trip over, more often than others
ODD = st.text(st.sampled_from("aAbB/\\:=+^@~%.-_ \r\n\0é\u0301É\U0001f600") | st.characters(exclude_categories=["Cs"]))
LONG = st.builds(lambda text, times: text * times, ODD, st.integers(1, 60))
IDENTIFIERS = ODD | LONG
PAIRS = st.tuples(IDENTIFIERS, st.sampled_from(["", "dc", "DC", "oai_dc", "a@b", ".."]) | ODD)


@given(PAIRS, PAIRS)
@example(("a/b", "c"), ("a=b", "c"))
@example(("a@b", "c"), ("a", "b@c"))
@example(("a" * 200, "c"), ("A" * 200, "c"))
@example(("é", "c"), ("e\u0301", "c"))
def test_two_records_never_have_one_name(one: tuple[str, str], other: tuple[str, str]):
    names = member_name(*one), member_name(*other)
    assert (names[0].casefold() == names[1].casefold()) == (one == other)


@given(PAIRS)
def test_a_name_is_safe_wherever_it_is_unpacked(pair: tuple[str, str]):
    name = member_name(*pair)
    assert re.fullmatch(r"[a-z0-9+=^@_][a-z0-9._+=^@~-]*\.json", name)
    assert len(name) <= 100
    assert name == name.lower()


@given(
    st.lists(st.lists(st.dictionaries(ODD, ODD, max_size=3).map(orjson.dumps), min_size=1, max_size=5), max_size=8),
    st.sampled_from(["jsonseq", "jsonl", "tar"]),
    st.sampled_from([("zstd", 3), ("xz", 1), ("gzip", 1)]),
    st.integers(0, 12),
    st.integers(0, 2000),
)
def test_any_frames_are_read_back_from_their_parts(
    frames: list[list[bytes]], layout: str, packing: tuple[str, int], part_records: int, part_bytes: int
):
    making = Making("bare", layout, *packing, 4 << 20, part_bytes, part_records)
    edge = Edge("i", "f", "")
    with tempfile.TemporaryDirectory() as folder:
        writer = PartsWriter(Path(folder), "records", making)
        places = []
        for texts in frames:
            content = encode_texts(layout, [f"{n}.json" for n in range(len(texts))], texts)
            edges = FrameEdges(len(texts), edge, edge, "", "")
            places.append(writer.add(compress(*packing, content), len(content), edges))
        parts = writer.finish()
        found = [(part.name, *row) for part in parts for row in iter_texts(Path(folder), part, making)]
    assert [row[4] for row in found] == frames
    assert [(part, frame, offset) for part, frame, offset, _, _ in found] == [
        (place.part, place.frame, place.offset) for place in places
    ]
    for part in parts:
        assert part.frames == 1 or not part_records or part.records <= part_records
        assert part.frames == 1 or not part_bytes or part.bytes <= part_bytes
