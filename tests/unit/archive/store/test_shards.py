"""Shards: read back whole, every cut and every changed byte found and named, the rest salvaged."""

import hashlib
import io
import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
import xxhash
import zstandard
from support import archive_builder

from archive.errors import Damaged
from archive.formats import jsonseq
from archive.store import frames as zstdframes
from archive.store import seektable, shards
from archive.store.shard_salvage import Damage, salvage
from archive.store.shards import Frame, Seal, ShardWriter

FRAMES = [[b'{"n":%d,"text":"%s"}' % (10 * f + n, b"abc" * (f + n)) for n in range(3)] for f in range(4)]

ALL = [text for frame in FRAMES for text in frame]


def write(path: Path, frames: Sequence[Sequence[bytes]] = FRAMES, **more: Any) -> Seal:
    writer = ShardWriter(path, **more)
    for texts in frames:
        writer.append(b"".join(map(jsonseq.encode, texts)), len(texts))
        writer.flush()
    return writer.seal()


def opened(path: Path, frames: Sequence[Sequence[bytes]] = FRAMES) -> list[int]:
    """A shard that was never sealed. Returns its length after each frame."""
    writer = ShardWriter(path)
    lengths = [0]
    for texts in frames:
        writer.append(b"".join(map(jsonseq.encode, texts)), len(texts))
        writer.flush()
        lengths.append(writer.length)
    writer.close()
    return lengths


def texts(found: Any) -> list[bytes]:
    return [text for item in found if isinstance(item, Frame) for text in item.texts()]


def changed(body: bytes, place: int, mask: int) -> bytes:
    return body[:place] + bytes([body[place] ^ mask]) + body[place + 1 :]


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    path = tmp_path / "00001.json-seq.zst"
    write(path)
    return path


# --- written and read


def test_a_shard_is_read_back_frame_by_frame(shard: Path):
    frames = list(shards.iter_frames(shard))
    assert [frame.texts() for frame in frames] == FRAMES
    assert [(frame.frame, frame.records) for frame in frames] == [(n, 3) for n in range(4)]
    assert [frame.offset for frame in frames] == [sum(f.length for f in frames[:n]) for n in range(4)]


def test_the_seal_says_what_the_shard_is(tmp_path: Path):
    path = tmp_path / "a.json-seq.zst"
    seal = write(path)
    content = b"".join(jsonseq.encode(text) for frame in FRAMES for text in frame)
    body = path.read_bytes()
    digests = hashlib.sha256(body).hexdigest(), hashlib.sha512(body).hexdigest()
    assert seal == Seal(12, 4, len(body), len(content), *digests)
    assert shards.check_shard(path) == shards.check_shard(path, seal.sha256) == seal
    with pytest.raises(Damaged, match="not the file that was written"):
        shards.check_shard(path, "0" * 64)


def test_a_shard_is_named_open_until_it_is_sealed(tmp_path: Path):
    path = tmp_path / "a.json-seq.zst"
    writer = ShardWriter(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json-seq.zst.open"]
    writer.seal()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json-seq.zst"]
    assert list(shards.iter_frames(path)) == []


def test_a_frame_is_written_when_it_is_full_and_never_empty(tmp_path: Path):
    writer = ShardWriter(tmp_path / "a")
    big = jsonseq.encode(b'{"a":"%s"}' % (b"x" * (shards.FRAME_BYTES // 2)))
    writer.flush()
    assert (writer.frames, writer.take_frames()) == (0, [])
    for _ in range(5):
        writer.append(big, 1)
    assert (writer.frames, writer.records, writer.pending_bytes) == (2, 4, len(big))
    assert [(e.frame, e.records, e.content_bytes) for e in writer.take_frames()] == [
        (n, 2, 2 * len(big)) for n in (0, 1)
    ]
    assert writer.take_frames() == []
    assert writer.seal().frames == 3


def test_any_zstd_reader_reads_a_shard(shard: Path):
    content = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(shard.read_bytes()), read_across_frames=True).read()
    assert [item.text for item in jsonseq.parse([content]) if isinstance(item, jsonseq.Text)] == ALL


def test_the_seek_table_has_the_checksums_that_zstd_has(shard: Path):
    body = shard.read_bytes()
    entries = seektable.decode(body[-seektable.table_bytes(body[-9:]) :])
    contents = [frame.content for frame in shards.iter_frames(shard)] + [b""]
    assert [entry.checksum for entry in entries] == [xxhash.xxh64_intdigest(c) & 0xFFFFFFFF for c in contents]
    assert [entry.content_bytes for entry in entries] == list(map(len, contents))


def test_zstd_and_jq_take_a_shard_without_a_word(shard: Path, need: Callable[[str], str]):
    tested = subprocess.run([need("zstd"), "-t", "-q", shard], capture_output=True, check=True)
    assert tested.stderr == b""
    content = subprocess.run([need("zstd"), "-dc", shard], capture_output=True, check=True).stdout
    asked = subprocess.run([need("jq"), "--seq", "-c", ".n"], input=content, capture_output=True, check=True)
    assert asked.stderr == b""
    assert asked.stdout.replace(b"\x1e", b"").split() == [b"%d" % orjson.loads(t)["n"] for f in FRAMES for t in f]


# --- one record


class Counting(io.FileIO):
    """A file that counts the bytes that are read from it."""

    taken = 0

    def read(self, size: int | None = -1) -> bytes:  # type: ignore[override]
        data = super().read(-1 if size is None else size)
        Counting.taken += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer) or 0
        Counting.taken += count
        return count


def counting(path: Path, mode: str = "r", buffering: int = -1) -> Any:
    file = Counting(path, mode.replace("b", ""))
    return file if buffering == 0 else io.BufferedReader(file)


def test_one_frame_is_read_without_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.json-seq.zst"
    filler = hashlib.shake_256(b"").hexdigest(20_000).encode()
    write(path, [[b'{"n":%d,"x":"%s"}' % (n, filler)] for n in range(50)])
    entries = list(shards.iter_frames(path))
    monkeypatch.setattr(Path, "open", counting)
    Counting.taken = 0
    assert list(shards.iter_frames(path))[31] == entries[31]
    assert Counting.taken >= path.stat().st_size
    Counting.taken = 0
    assert shards.read_frame_at(path, 31, entries[31].offset, entries[31].length) == entries[31]
    assert Counting.taken == entries[31].length
    Counting.taken = 0
    assert shards.read_frame(path, 31) == entries[31]
    assert Counting.taken < 2 * entries[31].length


def test_a_frame_that_is_not_there_is_said_to_be_missing(shard: Path):
    assert shards.read_frame(shard, 3).texts() == FRAMES[3]
    for number in (-1, 4, 5):
        with pytest.raises(Damaged, match=f"no frame {number}; it has 4"):
            shards.read_frame(shard, number)


def test_a_frame_read_at_the_wrong_place_is_damage(shard: Path):
    first = next(shards.iter_frames(shard))
    for offset, length in ((1, first.length), (0, first.length - 1), (0, first.length + 1), (10**9, 5), (0, 0)):
        with pytest.raises(Damaged, match="frame 0"):
            shards.read_frame_at(shard, 0, offset, length)


# --- damaged


def test_every_truncation_is_found_and_whole_frames_are_salvaged(shard: Path):
    body = shard.read_bytes()
    frames = list(shards.iter_frames(shard))
    for length in range(len(body)):
        shard.write_bytes(body[:length])
        with pytest.raises(Damaged, match=shard.name):
            shards.check_shard(shard)
        whole = [text for frame in frames if frame.offset + frame.length <= length for text in frame.texts()]
        found = list(salvage(shard))
        assert texts(found) == whole
        assert any(isinstance(item, Damage) for item in found)


@pytest.mark.parametrize("mask", [0x01, 0x10, 0x80, 0xFF])
def test_every_changed_byte_is_found_and_costs_at_most_its_frame(shard: Path, mask: int):
    body = shard.read_bytes()
    frames = list(shards.iter_frames(shard))
    seal = shards.check_shard(shard)
    for place in range(len(body)):
        shard.write_bytes(changed(body, place, mask))
        with pytest.raises(Damaged, match=shard.name):
            shards.check_shard(shard, seal.sha256)
        hit = [frame.frame for frame in frames if frame.offset <= place < frame.offset + frame.length]
        found = list(salvage(shard))
        rest = [text for frame in frames if frame.frame not in hit for text in frame.texts()]
        assert texts(found) in (rest, ALL), place
        if texts(found) == rest and hit:
            assert [item.frame for item in found if isinstance(item, Damage)] == hit
        if not hit:
            assert any(isinstance(item, Damage) for item in found)


def test_a_changed_byte_names_its_frame(shard: Path):
    body = shard.read_bytes()
    frames = list(shards.iter_frames(shard))
    named = 0
    for frame in frames:
        for place in range(frame.offset, frame.offset + frame.length):
            shard.write_bytes(changed(body, place, 0x20))
            with pytest.raises(Damaged) as caught:
                list(shards.iter_frames(shard))
            named += f"{shard.name}, frame {frame.frame} at byte {frame.offset}" in str(caught.value)
    # a few bits of zstd mean nothing (in the window size, say): only the digest of all frames shows these
    assert named >= 0.97 * sum(frame.length for frame in frames)


def test_a_bad_record_in_a_good_frame_is_named_and_its_neighbours_salvaged(tmp_path: Path):
    path = tmp_path / "a.json-seq.zst"
    for bad in (b'{"n":', b"[1]", b"\xff", b"1", b""):
        write(path, [FRAMES[0], [FRAMES[1][0], bad, FRAMES[1][2]], FRAMES[2]])
        with pytest.raises(Damaged, match=r"a\.json-seq\.zst, frame 1 at byte \d+: record 1: "):
            shards.check_shard(path)
        found = list(salvage(path))
        assert texts(found) == [*FRAMES[0], FRAMES[1][0], FRAMES[1][2], *FRAMES[2]]
        assert [(d.frame, d.record) for d in found if isinstance(d, Damage)] == [(1, 1)]


def test_content_that_does_not_begin_with_a_separator_is_damage(tmp_path: Path):
    path = tmp_path / "a.json-seq.zst"
    writer = ShardWriter(path)
    writer.append(b"{}\n\x1e{}\n", 2)
    writer.seal()
    with pytest.raises(Damaged, match="record separator"):
        shards.check_shard(path)
    found = list(salvage(path))
    assert texts(found) == [b"{}"]
    assert [type(item) for item in found] == [Damage, Frame]


def test_frames_that_were_exchanged_or_taken_out_are_found(shard: Path):
    body = shard.read_bytes()
    first, second, *_ = shards.iter_frames(shard)
    one, two = body[: first.length], body[second.offset : second.offset + second.length]
    for other in (two + one + body[len(one) + len(two) :], body[len(one) :], one + body):
        shard.write_bytes(other)
        with pytest.raises(Damaged, match=shard.name):
            shards.check_shard(shard)


def test_two_shards_in_one_file_are_not_one_shard(shard: Path, tmp_path: Path):
    shard.write_bytes(shard.read_bytes() * 2)
    with pytest.raises(Damaged):
        shards.check_shard(shard)
    assert len(texts(salvage(shard))) in (12, 24)


def test_a_frame_without_checksum_size_or_with_a_dictionary_is_none_of_ours(tmp_path: Path):
    path = tmp_path / "a.json-seq.zst.open"
    content = jsonseq.encode(b"{}")
    for compressor in (
        zstandard.ZstdCompressor(write_checksum=False),
        zstandard.ZstdCompressor(write_checksum=True, write_content_size=False),
        zstandard.ZstdCompressor(
            write_checksum=True, dict_data=zstandard.train_dictionary(500, [b"%d abc" % n * 9 for n in range(999)])
        ),
    ):
        path.write_bytes(compressor.compress(content))
        with pytest.raises(Damaged, match="frame 0"):
            list(shards.iter_frames(path, path.stat().st_size))


def test_a_frame_that_promises_more_than_its_blocks_can_hold_is_not_unpacked(tmp_path: Path):
    path = tmp_path / "a.json-seq.zst.open"
    # a header with 8 bytes of content size, then one raw block of a byte
    for promised in (1 << 20, 1 << 29, 1 << 62):
        path.write_bytes(b"\x28\xb5\x2f\xfd\xe4" + promised.to_bytes(8, "little") + b"\x09\0\0x" + b"\0" * 4)
        with pytest.raises(Damaged, match=f"promises {promised} bytes"):
            list(shards.iter_frames(path, path.stat().st_size))


def test_the_zstd_corpus_gives_frames_or_damage(corpus: Path, tmp_path: Path):
    files = [path for path in (corpus / "zstd").rglob("*") if path.is_file() and path.stat().st_size < 200_000]
    assert len(files) > 5
    for file in files:
        with pytest.raises(Damaged):
            shards.check_shard(file)
        for item in salvage(file):
            assert isinstance(item, Frame | Damage)


# --- open


def test_an_open_shard_is_read_as_far_as_it_is_believed(tmp_path: Path):
    path = tmp_path / "a.json-seq.zst"
    lengths = opened(path)
    file = path.with_name(path.name + ".open")
    for number, length in enumerate(lengths):
        assert [frame.texts() for frame in shards.iter_frames(file, length)] == FRAMES[:number]
    with pytest.raises(Damaged, match="frame 1"):
        list(shards.iter_frames(file, lengths[1] + 5))
    with pytest.raises(Damaged, match=r"frame 4 .*(ends inside|no zstd frame)"):
        list(shards.iter_frames(file, lengths[-1] + 1))


def test_recovering_cuts_to_what_is_believed_and_seals_it(tmp_path: Path):
    for number in range(1, 5):
        path = tmp_path / f"{number}.json-seq.zst"
        lengths = opened(path)
        file = path.with_name(path.name + ".open")
        file.write_bytes(file.read_bytes() + b"torn")
        seal = shards.recover(path, lengths[number])
        assert seal == shards.check_shard(path)
        assert (seal.frames, seal.records) == (number, 3 * number)
        assert not file.exists()
        plain = tmp_path / "plain"
        assert write(plain, FRAMES[:number]) == seal
        assert plain.read_bytes() == path.read_bytes()


def test_a_shard_shorter_than_believed_is_not_recovered(tmp_path: Path):
    path = tmp_path / "a.json-seq.zst"
    lengths = opened(path)
    with pytest.raises(Damaged, match=f"is {lengths[-1]} bytes long, the ledger counted {lengths[-1] + 1}"):
        shards.recover(path, lengths[-1] + 1)
    with pytest.raises(Damaged, match="missing is missing"):
        shards.recover(tmp_path / "missing", 1)


def test_an_open_shard_is_salvaged(tmp_path: Path):
    path = tmp_path / "a.json-seq.zst"
    lengths = opened(path)
    file = path.with_name(path.name + ".open")
    assert list(salvage(file, 0)) == []
    assert texts(salvage(file, lengths[2])) == FRAMES[0] + FRAMES[1]
    file.write_bytes(changed(file.read_bytes(), lengths[1] + 30, 1))
    found = list(salvage(file, lengths[-1]))
    assert texts(found) == FRAMES[0] + FRAMES[2] + FRAMES[3]
    assert [(d.frame, d.offset) for d in found if isinstance(d, Damage)] == [(1, lengths[1])]


def test_the_same_records_make_the_same_bytes(tmp_path: Path):
    assert write(tmp_path / "a").sha256 == write(tmp_path / "b").sha256
    assert json.loads(FRAMES[0][0])["n"] == 0


def test_frames_packed_elsewhere_stand_among_those_packed_here_in_order(tmp_path: Path):
    path = tmp_path / "00001.json-seq.zst"
    writer = shards.ShardWriter(path)
    names = [f"oai:x:{n}" for n in range(9)]
    framed = [b"".join(jsonseq.encode(archive_builder.record(name)) for name in names[n : n + 3]) for n in (0, 3, 6)]
    writer.append(framed[0], 3)
    writer.append(zstdframes.pack(framed[1]), 3)
    writer.append(framed[2], 3)
    seal = writer.seal()
    assert (seal.records, seal.frames) == (9, 3)
    assert shards.check_shard(path, seal.sha256) == seal
    assert [frame.content for frame in shards.iter_frames(path)] == framed
    assert seal.content_bytes == sum(map(len, framed))
