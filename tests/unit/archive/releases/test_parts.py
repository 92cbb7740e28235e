"""Parts: read back in every layout and compression, by us and by others; every cut and changed byte is found."""

import hashlib
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from archive.errors import Damaged
from archive.releases.codecs import TAR_END, compress, encode_texts, member_name
from archive.releases.manifest import Edge, Making, Part
from archive.releases.parts import FrameEdges, PartsWriter, Place, decode_frame, iter_texts, part_name, read_texts
from archive.store import shards

LEVELS = {"zstd": 10, "xz": 6, "gzip": 6}
MAKINGS = [
    Making("envelope", layout, compression, LEVELS[compression], 4 << 20, 50_000_000_000, 0)
    for layout, compression in product(("jsonseq", "jsonl", "tar"), LEVELS)
]
MAKING = MAKINGS[0]
each = pytest.mark.parametrize("making", MAKINGS, ids=lambda making: f"{making.layout}-{making.compression}")
FRAMES = [[f"{frame}{n}" for n in range(3)] for frame in range(4)]


def text(identifier: str) -> bytes:
    return b'{"identifier":"%s"}' % identifier.encode()


def texts(frames: list[list[str]]) -> list[list[bytes]]:
    return [list(map(text, frame)) for frame in frames]


def packed(identifiers: list[str], making: Making) -> tuple[bytes, int, FrameEdges]:
    """A frame and what `PartsWriter.add` takes beside it; the datestamps are those of the identifiers."""
    content = encode_texts(making.layout, [member_name(i, "dc") for i in identifiers], list(map(text, identifiers)))
    first, last = (Edge(i, "dc", f"20{i}") for i in (identifiers[0], identifiers[-1]))
    edges = FrameEdges(len(identifiers), first, last, first.datestamp, last.datestamp)
    return compress(making.compression, making.level, content), len(content), edges


def write(folder: Path, making: Making, frames: list[list[str]] = FRAMES, *, sink: bool = False) -> list[Part]:
    writer = PartsWriter(folder, "records", making, sink=sink)
    for frame in frames:
        writer.add(*packed(frame, making))
    return writer.finish()


def read(folder: Path, part: Part, making: Making) -> Iterator[list[bytes]]:
    for _, _, _, found in iter_texts(folder, part, making):
        yield found


# --- written and read


@each
def test_a_part_is_read_back_frame_by_frame(tmp_path: Path, making: Making):
    (part,) = write(tmp_path, making)
    found = list(iter_texts(tmp_path, part, making))
    assert [texts for _, _, _, texts in found] == texts(FRAMES)
    body = (tmp_path / part.name).read_bytes()
    for number, (frame, offset, length, _) in enumerate(found):
        assert frame == number
        assert body[offset : offset + length] == packed(FRAMES[number], making)[0]
        assert read_texts(tmp_path, part.name, making, offset, length) == texts(FRAMES)[number]


@each
def test_a_part_is_what_it_says(tmp_path: Path, making: Making):
    (part,) = write(tmp_path, making)
    body = (tmp_path / part.name).read_bytes()
    content = sum(packed(frame, making)[1] for frame in FRAMES) + (len(TAR_END) if making.layout == "tar" else 0)
    assert part == Part(
        part_name("records", 1, making),
        "records",
        12,
        4,
        len(body),
        content,
        hashlib.sha256(body).hexdigest(),
        hashlib.sha512(body).hexdigest(),
        Edge("00", "dc", "2000"),
        Edge("32", "dc", "2032"),
        "2000",
        "2032",
    )


@each
def test_a_sink_says_the_same_and_writes_nothing(tmp_path: Path, making: Making):
    (tmp_path / "a").mkdir()
    limited = replace(making, part_records=6)
    assert write(tmp_path / "a", limited) == write(tmp_path / "b", limited, sink=True)
    assert not (tmp_path / "b").exists()


def test_places_are_where_the_frames_lie(tmp_path: Path):
    writer = PartsWriter(tmp_path, "tombstones", replace(MAKING, part_records=6))
    frames = [packed(frame, MAKING) for frame in FRAMES]
    assert [writer.add(*frame) for frame in frames] == [
        Place("tombstones-00001.json-seq.zst", 0, 0),
        Place("tombstones-00001.json-seq.zst", 1, len(frames[0][0])),
        Place("tombstones-00002.json-seq.zst", 0, 0),
        Place("tombstones-00002.json-seq.zst", 1, len(frames[2][0])),
    ]
    assert [part.records for part in writer.finish()] == [6, 6]


def test_a_zstd_part_is_a_shard(tmp_path: Path):
    (part,) = write(tmp_path, MAKING)
    path = tmp_path / part.name
    assert [frame.texts() for frame in shards.iter_frames(path)] == texts(FRAMES)
    assert shards.check_shard(path, part.sha256).records == 12
    (_, offset, length, found) = list(iter_texts(tmp_path, part, MAKING))[2]
    assert shards.read_frame_at(path, 2, offset, length).texts() == shards.read_frame(path, 2).texts() == found


def test_nothing_written_is_no_part(tmp_path: Path):
    assert write(tmp_path, MAKING, []) == []
    assert list(tmp_path.iterdir()) == []


def test_a_record_without_datestamp_says_nothing_of_the_earliest(tmp_path: Path):
    writer = PartsWriter(tmp_path, "records", MAKING)
    for earliest, latest in (("", ""), ("2001", "2003"), ("", "2002")):
        raw, size, edges = packed(["00"], MAKING)
        writer.add(raw, size, replace(edges, earliest=earliest, latest=latest))
    (part,) = writer.finish()
    assert (part.earliest, part.latest) == ("2001", "2003")


# --- ceilings


@each
def test_no_part_is_larger_than_it_may_be(tmp_path: Path, making: Making):
    (whole,) = write(tmp_path, making)
    assert len(write(tmp_path, replace(making, part_bytes=whole.bytes))) == 1
    parts = write(tmp_path, replace(making, part_bytes=whole.bytes - 1))
    assert [part.frames for part in parts] == [3, 1]
    assert [found for part in parts for found in read(tmp_path, part, making)] == texts(FRAMES)
    for ceiling in range(1, whole.bytes, 7):
        parts = write(tmp_path, replace(making, part_bytes=ceiling), sink=True)
        assert all(part.bytes <= ceiling or part.frames == 1 for part in parts)
        assert sum(part.records for part in parts) == 12


def test_no_part_has_more_records_than_it_may(tmp_path: Path):
    for ceiling, frames in ((2, [1, 1, 1, 1]), (3, [1, 1, 1, 1]), (8, [2, 2]), (9, [3, 1]), (12, [4])):
        parts = write(tmp_path, replace(MAKING, part_records=ceiling), sink=True)
        assert [part.frames for part in parts] == frames
    assert [part.name for part in parts] == ["records-00001.json-seq.zst"]


# --- damage


@each
def test_every_changed_byte_of_a_part_is_found(tmp_path: Path, making: Making):
    (part,) = write(tmp_path, making, FRAMES[:2])
    path = tmp_path / part.name
    body = path.read_bytes()
    assert len(list(read(tmp_path, part, making))) == 2
    for place in range(len(body)):
        path.write_bytes(body[:place] + bytes([body[place] ^ (1 << place % 8)]) + body[place + 1 :])
        with pytest.raises(Damaged) as error:
            list(read(tmp_path, part, making))
        assert part.name in str(error.value)


@each
def test_every_cut_of_a_part_is_found_before_a_record_is_believed(tmp_path: Path, making: Making):
    (part,) = write(tmp_path, making, FRAMES[:2])
    path = tmp_path / part.name
    body = path.read_bytes()
    for cut in [*range(len(body)), -1]:
        path.write_bytes(body[:cut] if cut >= 0 else body + b"\0")
        with pytest.raises(Damaged):
            next(read(tmp_path, part, making))
        if cut >= 0:  # and where nobody looked at its length
            with pytest.raises(Damaged):
                list(read(tmp_path, replace(part, bytes=cut), making))


@each
def test_a_part_that_was_made_from_other_records_is_found(tmp_path: Path, making: Making):
    (part,) = write(tmp_path, making)
    (other,) = write(tmp_path, making, [["00", "01", "99"], *FRAMES[1:]])
    for wrong in (replace(part, bytes=other.bytes), replace(other, records=13), replace(other, content_bytes=1)):
        with pytest.raises(Damaged):
            list(read(tmp_path, wrong, making))
    for frames in (3, 5):
        with pytest.raises(Damaged):
            list(read(tmp_path, replace(other, frames=frames), making))
    assert len(list(read(tmp_path, other, making))) == 4


@each
def test_a_frame_alone_is_checked_as_well(tmp_path: Path, making: Making):
    raw = packed(["00"], making)[0]
    assert decode_frame(making.layout, making.compression, raw) == [text("00")]
    for cut in range(len(raw)):
        with pytest.raises(Damaged, match="here"):
            decode_frame(making.layout, making.compression, raw[:cut], "here")
    (part,) = write(tmp_path, making)
    with pytest.raises(Damaged):
        read_texts(tmp_path, part.name, making, 1, part.bytes)
    with pytest.raises(Damaged):
        read_texts(tmp_path, part.name, making, 0, part.bytes + 1)


# --- read by others


@each
def test_programs_of_others_read_a_part(tmp_path: Path, making: Making, need: Callable[[str], str]):
    (part,) = write(tmp_path, making)
    program = need(making.compression)
    subprocess.run([program, "-t", tmp_path / part.name], capture_output=True, check=True)
    unpacked = subprocess.run([program, "-dc", tmp_path / part.name], capture_output=True, check=True).stdout
    assert len(unpacked) == part.content_bytes
    plain = tmp_path / "plain"
    plain.write_bytes(unpacked)
    expected = [text for frame in texts(FRAMES) for text in frame]
    if making.layout == "tar":
        with tarfile.open(plain) as archive:
            members = archive.getmembers()
            assert [member.name for member in members] == [f"{i}@dc.json" for frame in FRAMES for i in frame]
            files = [archive.extractfile(member) for member in members]
            assert [file.read() for file in files if file is not None] == expected
        listed = subprocess.run([need("tar"), "-tf", plain], capture_output=True, check=True)
        assert (len(listed.stdout.splitlines()), listed.stderr) == (12, b"")
    else:
        options = ["--seq"] if making.layout == "jsonseq" else []
        found = subprocess.run([need("jq"), *options, "-c", ".", plain], capture_output=True, check=True)
        assert (found.stderr, found.stdout.replace(b"\x1e", b"").splitlines()) == (b"", expected)
