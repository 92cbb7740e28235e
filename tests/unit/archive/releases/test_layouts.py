"""Texts in a frame: written as others read them, read back, and nothing else taken for them; safe names of files."""

import hashlib
import io
import re
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from archive.formats import jsonseq
from archive.releases.codecs import TAR_END, encode_texts, member_name, split_texts
from archive.store.frames import Broken

TEXTS = [b'{"a":1}', b"[]", b'{"b":"' + b"x" * 600 + b'"}']
NAMES = ["one@f.json", "two@f.json", "three@f.json"]
ENCODED = {
    "jsonseq": b"".join(map(jsonseq.encode, TEXTS)),
    "jsonl": b"".join(text + b"\n" for text in TEXTS),
    "tar": encode_texts("tar", NAMES, TEXTS),
}


@pytest.mark.parametrize("layout", ENCODED)
def test_texts_are_read_back(layout: str):
    assert encode_texts(layout, NAMES, TEXTS) == ENCODED[layout]
    assert split_texts(layout, ENCODED[layout]) == TEXTS


def test_a_tar_archive_is_the_one_that_tar_writes(tmp_path: Path, need: Callable[[str], str]):
    for name, text in zip(NAMES, TEXTS, strict=True):
        (tmp_path / name).write_bytes(text)
    options = "--format=ustar --owner=0 --group=0 --numeric-owner --mtime=@0 --mode=644 --blocking-factor=1 -cf -"
    made = subprocess.run([need("tar"), *options.split(), *NAMES], cwd=tmp_path, capture_output=True, check=True)
    assert made.stdout == ENCODED["tar"] + TAR_END


def test_a_tar_library_reads_it():
    with tarfile.open(fileobj=io.BytesIO(ENCODED["tar"] + TAR_END)) as archive:
        assert archive.getnames() == NAMES
        files = [archive.extractfile(name) for name in NAMES]
        assert [file.read() for file in files if file is not None] == TEXTS
    assert split_texts("tar", TAR_END) == []


@pytest.mark.parametrize("layout", ENCODED)
def test_no_cut_of_a_frame_is_a_whole_one(layout: str):
    whole = ENCODED[layout]
    starts = {0, *(len(encode_texts(layout, NAMES[:n], TEXTS[:n])) for n in range(1, len(TEXTS)))}
    for cut in range(len(whole)):
        if cut in starts:
            assert split_texts(layout, whole[:cut]) == TEXTS[: sorted(starts).index(cut)]
        else:
            with pytest.raises(Broken):
                split_texts(layout, whole[:cut])


@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80])
def test_no_changed_byte_of_a_tar_frame_passes_but_one_in_a_name_or_a_text(mask: int):
    """Neither a name nor a text is checked by a tar archive itself: the check of the frame is for that."""
    whole = ENCODED["tar"]
    for place in range(len(whole)):
        changed = whole[:place] + bytes([whole[place] ^ mask]) + whole[place + 1 :]
        try:
            found = split_texts("tar", changed)
        except Broken:
            continue
        assert found != TEXTS


@pytest.mark.parametrize(
    ("layout", "content"),
    [
        ("jsonseq", b'x\x1e{"a":1}\n'),
        ("jsonseq", b'\x1e{"a":1}'),
        ("jsonseq", b'\x1e{"a":1\n'),
        ("jsonseq", b"\x1e\n"),
        ("jsonl", b"{}\n\n"),
        ("jsonl", b"{}\n{"),
        ("tar", b"x" * 512),
        ("tar", TAR_END + TAR_END),
        ("tar", encode_texts("tar", ["a"], [b"no json"])),
    ],
)
def test_what_is_no_frame_of_texts_is_refused(layout: str, content: bytes):
    with pytest.raises(Broken):
        split_texts(layout, content)


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("oai:zenodo.org:1234", "oai+zenodo.org+1234@dc.json"),
        ("10.5281/zenodo.1", "10.5281=zenodo.1@dc.json"),
        ("A", "^41@dc.json"),
        ("a b%\r\n~\\", "a^20b^25^0d^0a^7e^5c@dc.json"),
        ("../../etc/passwd", "^2e.=..=etc=passwd@dc.json"),
        ("-rf", "^2drf@dc.json"),
        ("..", "^2e.@dc.json"),
        ("", "@dc.json"),
        ("é", "^c3^a9@dc.json"),
        ("nul.x", "^6eul.x@dc.json"),
    ],
)
def test_names_of_files(identifier: str, name: str):
    assert member_name(identifier, "dc") == name
    assert re.fullmatch(r"[a-z0-9._+=^@~-]{1,100}", name)


def test_a_long_name_keeps_its_beginning_and_ends_in_a_digest():
    # 95 characters are the most before ".json"
    assert member_name("a" * 92, "dc") == "a" * 92 + "@dc.json"
    digest = hashlib.sha256(b'["' + b"a" * 93 + b'","dc"]').hexdigest()[:32]
    assert member_name("a" * 93, "dc") == "a" * 62 + f"~{digest}.json"
    assert len({member_name("a" * n, "dc") for n in range(80, 300)}) == 220
