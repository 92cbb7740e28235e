"""Frames of every compression: others read them, a cut or longer one is none, and no machine shows in them."""

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from archive.releases import codecs
from archive.releases.codecs import compress, read_packed, unpack
from archive.store.frames import Broken

CONTENT = b"".join(b'\x1e{"n":%d}\n' % n for n in range(300))
LEVELS = {"zstd": 10, "xz": 6, "gzip": 6}
COMMANDS = {"zstd": ["zstd", "-dc"], "xz": ["xz", "-dc"], "gzip": ["gzip", "-dc"]}

each = pytest.mark.parametrize("compression", LEVELS)


def packed(compression: str, content: bytes = CONTENT) -> bytes:
    return compress(compression, LEVELS[compression], content)


@each
def test_a_frame_is_unpacked(compression: str):
    assert unpack(compression, packed(compression)) == CONTENT
    assert packed(compression) == packed(compression)


@each
def test_frames_one_after_another_are_read_one_by_one(compression: str):
    frames = [packed(compression, CONTENT * n) for n in (1, 2, 40)]
    file = io.BytesIO(b"".join(frames))
    left = len(file.getvalue())
    for number, raw in zip((1, 2, 40), frames, strict=True):
        assert read_packed(compression, file, left) == (raw, CONTENT * number)
        left -= len(raw)
    assert left == 0


@each
def test_every_level_gives_the_content_back(compression: str):
    for level in codecs.LEVELS[compression]:
        assert unpack(compression, compress(compression, level, CONTENT)) == CONTENT


@each
def test_no_cut_of_a_frame_and_nothing_longer_is_a_frame(compression: str):
    raw = packed(compression)
    for cut in range(len(raw)):
        with pytest.raises(Broken):
            unpack(compression, raw[:cut])
        with pytest.raises(Broken):
            read_packed(compression, io.BytesIO(raw), cut)
    for after in (b"\0", raw):
        with pytest.raises(Broken):
            unpack(compression, raw + after)


@each
def test_no_changed_byte_gives_another_content(compression: str):
    raw = packed(compression)
    for place in range(len(raw)):
        for mask in (0x01, 0x80):
            try:
                found = unpack(compression, raw[:place] + bytes([raw[place] ^ mask]) + raw[place + 1 :])
            except Broken:
                continue
            assert found == CONTENT  # a bit that says nothing: between deflate's end and the next byte


@each
def test_the_programs_of_others_read_the_frames_as_one_file(
    compression: str, tmp_path: Path, need: Callable[[str], str]
):
    program, *options = COMMANDS[compression]
    path = tmp_path / f"part.{codecs.ENDINGS[compression]}"
    path.write_bytes(packed(compression) + packed(compression, CONTENT * 3))
    tested = subprocess.run([need(program), "-t", path], capture_output=True, check=True)
    assert tested.returncode == 0
    assert subprocess.run([need(program), *options, path], capture_output=True, check=True).stdout == CONTENT * 4


def test_a_gzip_member_names_neither_file_nor_time_nor_system():
    assert packed("gzip")[:10] == bytes.fromhex("1f8b08000000000000ff")
    with pytest.raises(Broken):
        unpack("gzip", b"\x1f\x8b\x08\x00\x01" + packed("gzip")[5:])


@each
def test_what_unpacks_to_more_than_a_frame_may_hold_is_refused(compression: str, monkeypatch: pytest.MonkeyPatch):
    for module in ("releases.codecs", "store.frames"):
        monkeypatch.setattr(f"archive.{module}.CONTENT_MOST", len(CONTENT) - 1)
    with pytest.raises(Broken):
        unpack(compression, packed(compression))
