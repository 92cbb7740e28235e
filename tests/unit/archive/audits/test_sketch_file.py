"""archive/audits/sketch.py: a file comes back as it was written, and every change of it is seen."""

from pathlib import Path

import pytest

from archive.audits.sketch import Sketch, is_sketch, read_sketch, version, write_sketch
from archive.errors import Damaged, OtherArchive


@pytest.fixture
def file(tmp_path: Path) -> Path:
    sketch = Sketch(30)
    sketch.fill((str(number), version(number, live=True)) for number in range(200))
    write_sketch(tmp_path / "one", sketch, {"source": "https://repository.example/oai"})
    return tmp_path / "one"


def test_a_sketch_comes_back_as_it_was_written(file: Path, tmp_path: Path):
    sketch, header = read_sketch(file)
    assert is_sketch(file)
    assert header == {
        "format_version": 1,
        "compares": "versions",
        "items": 200,
        "cells": 30,
        "source": "https://repository.example/oai",
    }
    size = write_sketch(tmp_path / "two", sketch, {"source": "https://repository.example/oai"})
    assert (tmp_path / "two").read_bytes() == file.read_bytes()
    assert size == file.stat().st_size


def test_a_sketch_of_the_usual_size_has_some_300_kilobytes_whatever_it_holds(tmp_path: Path):
    assert 290_000 < write_sketch(tmp_path / "file", Sketch(), {}) < 310_000


def test_every_flip_and_every_cut_is_seen(file: Path):
    data = file.read_bytes()
    for place in [*range(120), *range(120, len(data), 97), *range(len(data) - 40, len(data))]:
        file.write_bytes(data[:place] + bytes((data[place] ^ 4,)) + data[place + 1 :])
        with pytest.raises(Damaged):
            read_sketch(file)
    for length in [*range(60), *range(60, len(data), 997), len(data) - 1]:
        file.write_bytes(data[:length])
        with pytest.raises(Damaged):
            read_sketch(file)
    file.write_bytes(data + b"\0")
    with pytest.raises(Damaged):
        read_sketch(file)
    file.write_bytes(data)
    assert read_sketch(file)[0].items == 200


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"format_version": 2}, OtherArchive),
        ({"cells": 33}, Damaged),
        ({"cells": "30"}, Damaged),
        ({"compares": "all"}, Damaged),
        ({"format_version": None}, Damaged),
    ],
)
def test_a_header_that_does_not_fit_is_refused_although_its_digest_does(
    tmp_path: Path, change: dict[str, object], error: type[Exception]
):
    write_sketch(tmp_path / "file", Sketch(30), change)
    with pytest.raises(error):
        read_sketch(tmp_path / "file")


def test_other_files_are_no_sketches(tmp_path: Path):
    (tmp_path / "short").write_bytes(b"HVST")
    assert not is_sketch(tmp_path / "short")
    assert not is_sketch(tmp_path)
    assert not is_sketch(tmp_path / "missing")
