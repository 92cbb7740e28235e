"""A lookup: every key is found where it was said to be, no other is, and no changed byte goes unseen."""

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from archive.errors import Damaged, DiskFull
from archive.store import lookup_file
from archive.store.lookup_file import Lookup, LookupWriter, Place, check_lookup, hash_key

NAMES = ["records-00001.json-seq.zst", "tombstones-00001.json-seq.zst"]

Entry = tuple[str, int, int, int, int]


def entries(count: int) -> list[Entry]:
    return [(f"oai:repository.example:{n}", n % 2, n // 100 * 5000, 4000 + n // 100, n % 100) for n in range(count)]


def written(path: Path, rows: Sequence[Entry], names: Sequence[str] = NAMES) -> Path:
    writer = LookupWriter(path, names, {"stamp": "x"})
    for row in rows:
        writer.add(*row)
    writer.finish()
    return path


def opened(data: bytes) -> Lookup:
    return Lookup(lambda offset, length: data[offset : offset + length], "lookup.idx")


@pytest.mark.parametrize("count", [0, 1, 2, 63, 64, 65, 1000, 20_000])
def test_every_key_is_found_and_no_other(tmp_path: Path, count: int):
    path = written(tmp_path / "lookup.idx", rows := entries(count))
    assert check_lookup(path).entries == count
    lookup = opened(path.read_bytes())
    assert (lookup.names, lookup.about) == (tuple(NAMES), {"stamp": "x"})
    assert lookup.size_bytes == path.stat().st_size
    for key, file, *place in rows:
        assert lookup.find(key) == (Place(NAMES[file], *place),)
    for key in ("", "oai:repository.example:", f"oai:repository.example:{count}", "ö"):
        assert lookup.find(key) == ()
    assert [path.name for path in tmp_path.iterdir()] == ["lookup.idx"]


def test_a_key_has_all_its_records_in_their_order(tmp_path: Path):
    places = [(0, 0, 10, 3), (0, 10, 20, 0), (1, 0, 5, 0), (1, 0, 5, 7)]
    rows = [("same", *place) for place in places]
    expected = tuple(Place(NAMES[file], *rest) for file, *rest in places)
    assert opened(written(tmp_path / "a", rows).read_bytes()).find("same") == expected
    assert opened(written(tmp_path / "b", rows[::-1] + rows).read_bytes()).find("same") == expected


def test_the_bytes_do_not_depend_on_the_order_nor_on_what_was_spilled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rows = entries(5000)
    first = written(tmp_path / "a", rows).read_bytes()
    monkeypatch.setattr(lookup_file, "_SPILL_BYTES", 64)
    shuffled = list(rows)
    random.Random(1).shuffle(shuffled)
    assert written(tmp_path / "b", shuffled).read_bytes() == first


def test_names_may_be_added_while_keys_are(tmp_path: Path):
    names: list[str] = []
    writer = LookupWriter(tmp_path / "lookup.idx", names)
    for number in range(3):
        names.append(f"part-{number}")
        writer.add(f"key-{number}", number, 0, 1, 0)
    writer.finish()
    assert check_lookup(tmp_path / "lookup.idx").names == ("part-0", "part-1", "part-2")


def test_many_names_need_a_second_read_and_no_more(tmp_path: Path):
    names = [f"records-{number:05d}.json-seq.zst" for number in range(1000)]
    data = written(tmp_path / "lookup.idx", [("key", 999, 1, 2, 3)], names).read_bytes()
    reads: list[tuple[int, int]] = []

    def read(offset: int, length: int) -> bytes:
        reads.append((offset, length))
        return data[offset : offset + length]

    lookup = Lookup(read, "lookup.idx")
    assert len(reads) == 2
    assert lookup.find("key") == (Place(names[999], 1, 2, 3),)
    assert len(reads) == 4


def test_a_lookup_reads_some_kilobytes_of_a_large_file(tmp_path: Path):
    data = written(tmp_path / "lookup.idx", entries(50_000)).read_bytes()
    read_bytes = 0

    def read(offset: int, length: int) -> bytes:
        nonlocal read_bytes
        read_bytes += length
        return data[offset : offset + length]

    assert len(Lookup(read, "lookup.idx").find("oai:repository.example:777")) == 1
    assert read_bytes < 10_000 < len(data) / 100


def test_every_changed_byte_is_found_when_all_is_read(tmp_path: Path):
    path = written(tmp_path / "lookup.idx", entries(100))
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        with pytest.raises(Damaged):
            check_lookup(path)


def test_a_file_cut_anywhere_or_with_bytes_behind_it_is_damaged(tmp_path: Path):
    path = written(tmp_path / "lookup.idx", entries(30))
    whole = path.read_bytes()
    check_lookup(path)
    for length in [*range(len(whole)), len(whole) + 1]:
        path.write_bytes((whole + b"\0")[:length])
        with pytest.raises(Damaged):
            check_lookup(path)


def test_a_lookup_never_says_what_was_not_written_whatever_byte_is_changed(tmp_path: Path):
    rows = entries(70)
    whole = written(tmp_path / "lookup.idx", rows).read_bytes()
    right = {key: opened(whole).find(key) for key, *_ in rows[:8]} | {"absent": ()}
    seen = 0
    for place in range(len(whole)):
        changed = whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :]
        for key, expected in right.items():
            try:
                assert opened(changed).find(key) == expected
            except Damaged:
                seen += 1
    assert seen > len(whole)  # the header alone is looked at for each key


def test_the_layout_is_the_one_that_is_documented(tmp_path: Path):
    """Read without our code, by docs/archive-format.md."""
    data = written(tmp_path / "lookup.idx", rows := entries(1000)).read_bytes()
    number = int.from_bytes
    assert data[:8] == b"HVSTIDX1"
    described, bits, count = number(data[8:12]), number(data[12:16]), number(data[16:24])
    assert (bits, count) == (4, 1000)
    assert data[24:40] == hashlib.sha256(data[:24] + data[40 : 40 + described]).digest()[:16]
    start = 40 + described
    fan_out = start + 32 * count
    assert len(data) == fan_out + 24 * 2**bits + 32
    assert data[-32:] == hashlib.sha256(data[:-32]).digest()
    key, file, offset, length, position = rows[77]
    hashed = hashlib.sha256(key.encode()).digest()[:12]
    assert hashed == hash_key(key)
    bucket = number(hashed[:4]) >> 32 - bits
    row = data[fan_out + 24 * bucket :][:24]
    first, many = number(row[:8]), number(row[8:12])
    piece = data[start + 32 * first :][: 32 * many]
    assert row[12:20] == hashlib.sha256(bucket.to_bytes(4, "big") + piece).digest()[:8]
    found = [piece[at : at + 32] for at in range(0, len(piece), 32) if piece[at : at + 12] == hashed]
    assert [(number(e[12:16]), number(e[16:24]), number(e[24:28]), number(e[28:])) for e in found] == [
        (file, offset, length, position)
    ]


def test_the_reader_in_the_documentation_finds_what_is_there(tmp_path: Path):
    text = (Path(__file__).parents[4] / "docs" / "archive-format.md").read_text(encoding="utf-8")
    found: dict[str, Any] = {}
    exec(text.partition("## A lookup")[2].partition("```python\n")[2].partition("```")[0], found)
    path = written(tmp_path / "lookup.idx", rows := entries(500))
    assert [found["find"](path, row[0]) for row in rows] == [[row[1:]] for row in rows]
    assert found["find"](path, "nobody") == []


def test_a_lookup_that_names_a_file_it_does_not_have_is_damaged(tmp_path: Path):
    data = written(tmp_path / "lookup.idx", [("key", 2, 0, 1, 0)]).read_bytes()
    with pytest.raises(Damaged):
        opened(data).find("key")


@pytest.mark.parametrize(
    "description", ["[]", "{}", '{"names": 1, "about": {}}', '{"names": [], "about": 1}', "no JSON"]
)
def test_a_header_that_checks_and_says_nothing_is_damaged(description: str):
    text = description.encode()
    fixed = b"HVSTIDX1" + len(text).to_bytes(4, "big") + bytes(12)
    with pytest.raises(Damaged):
        opened(fixed + hashlib.sha256(fixed + text).digest()[:16] + text)


def test_a_full_disk_is_said_and_leaves_no_spill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(point: str) -> None:
        if point == "lookup-writing":
            raise OSError(28, "No space left on device")

    writer = LookupWriter(tmp_path / "lookup.idx", NAMES)
    writer.add("key", 0, 0, 1, 0)
    monkeypatch.setattr(lookup_file.durable, "watch", full)
    with pytest.raises(DiskFull):
        writer.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["lookup.idx"]
