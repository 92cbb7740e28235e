"""`convert` with files of MARC, run as users run it: what is written other readers accept, what is not is named."""

import gzip
import io
from dataclasses import dataclass
from pathlib import Path

import orjson
import pymarc
import pytest
from support import fork_server
from support.harvest_runs import HARVESTER, environment

from archive.crosswalks.iso2709 import iso2709

LEADER = "00000nam a2200000 a 4500"


def record(number: str, title: str, leader: str = LEADER) -> dict[str, object]:
    field = {"245": {"ind1": "1", "ind2": "0", "subfields": [{"a": title}]}}
    return {"leader": leader, "fields": [{"001": number}, field]}


@dataclass(frozen=True)
class Done:
    exit_code: int
    out: bytes
    err: str


def run(*words: object) -> Done:
    done = fork_server.run([HARVESTER, *map(str, words)], capture_output=True, check=False, env=environment())
    return Done(done.returncode, done.stdout, done.stderr.decode())


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    path = tmp_path / "two.mrc.gz"
    path.write_bytes(gzip.compress(iso2709(record("one", "Über")) + iso2709(record("two", "T"))))
    return path


def test_iso_2709_is_read_packed_and_written(binary: Path):
    found = run("convert", binary, "--to", "marc")
    assert found.exit_code == 0, found.err
    assert found.out == gzip.decompress(binary.read_bytes())
    found = run("convert", binary, "--to", "marcxml")
    assert [one.title for one in pymarc.parse_xml_to_array(io.BytesIO(found.out))] == ["Über", "T"]
    found = run("convert", binary, "--to", "index-json")
    assert [orjson.loads(line)["title"] for line in found.out.splitlines()] == ["Über", "T"]


def test_a_file_that_is_cut_off_is_not_a_shorter_one(tmp_path: Path, binary: Path):
    path = tmp_path / "cut.mrc"
    path.write_bytes(gzip.decompress(binary.read_bytes())[:-9])
    found = run("convert", path, "--to", "marc")
    assert found.exit_code == 1
    assert "record 2" in found.err
    assert "cut off" in found.err
    assert len(list(pymarc.MARCReader(found.out))) == 1


@pytest.mark.parametrize("target", ["marc", "marcxml"])
def test_what_no_reader_accepts_is_named_and_left_out(tmp_path: Path, target: str):
    records = [
        record("one", "T"),
        record("two", "T", leader=LEADER[1:]),
        record("three", "\x0b"),
        record("four", "T"),
    ]
    path = tmp_path / "x.jsonl"
    half = b'{"leader":"%s","fields":[{"001":"\\ud800"}]}' % LEADER.encode()
    path.write_bytes(b"\n".join([*map(orjson.dumps, records), half]))
    found = run("convert", path, "--to", target)
    assert found.exit_code == 1
    for said in ("001 'two', leader", "001 'three', field 245 $a: U+000B", "field 001: U+D800"):
        assert said in found.err, found.err
    if target == "marc":
        read = [one for one in pymarc.MARCReader(found.out) if one is not None]
    else:
        read = pymarc.parse_xml_to_array(io.BytesIO(found.out))
    assert [one["001"].data for one in read] == ["one", "four"]


def test_what_marc_has_no_place_for_is_named(tmp_path: Path):
    path = tmp_path / "x.json"
    path.write_bytes(orjson.dumps(record("one", "T") | {"unmapped": ["<x/>"], "id": "i", "type": "Bibliographic"}))
    found = run("convert", path, "--to", "marc")
    assert found.exit_code == 1
    assert "marc has no place for <x/>" in found.err
    assert "marc has no place for id" in found.err
    assert run("convert", path, "--to", "marc", "--seq").exit_code == 2


def test_verify_knows_a_whole_file_from_one_that_is_cut(tmp_path: Path, binary: Path):
    assert run("verify", binary).exit_code == 0
    cut = tmp_path / "cut.mrc"
    cut.write_bytes(gzip.decompress(binary.read_bytes())[:-9])
    assert run("verify", cut).exit_code == 4
