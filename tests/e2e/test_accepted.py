"""What convert, get, sql and verify accept: all that is written here, and files of records as others have them."""

import gzip
import json
from pathlib import Path

import pytest
from support import serving_archive
from support.command_runner import Typed

RECORDS = 30


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return serving_archive.harvested(tmp_path_factory.mktemp("made") / "archive", [serving_archive.many(RECORDS)])


def read_everywhere(typed: Typed, path: Path, identifier: str, live: int) -> None:
    """Each command reads the path, and finds the same in it."""
    converted = typed("convert", path, "--to", "index-json")
    assert (converted.code, len(converted.out.splitlines())) == (0, live), converted.err
    assert typed("verify", path).code == 0
    counted = typed("sql", path, "SELECT count(*) AS n FROM records WHERE NOT deleted", "--json")
    assert json.loads(counted.out)[0]["n"] == live, counted.err
    assert typed("get", path, identifier).code == 0
    assert typed("get", path, "oai:repository.example:none").code == 1


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--bare", "--layout", "tar", "--compression", "xz"],
        ["--layout", "jsonl", "--compression", "gzip"],
        ["--layout", "jsonl"],
        ["--layout", "tar"],
        ["--compression", "gzip", "--bare"],
    ],
    ids=" ".join,
)
def test_releases_and_their_parts(archive: Path, typed: Typed, tmp_path: Path, words: list[str]):
    assert typed("dump", archive, tmp_path / "r", "--licence-unknown", *words).code == 0
    identifier, live = (
        serving_archive.many(RECORDS)[0].identifier,
        sum(not r.deleted for r in serving_archive.many(RECORDS)),
    )
    (part,) = (tmp_path / "r").glob("records-*")
    copy = tmp_path / part.name
    copy.write_bytes(part.read_bytes())
    assert typed("bag", tmp_path / "r", tmp_path / "bag").code == 0
    for path in (tmp_path / "r", part, tmp_path / "bag", tmp_path / "bag" / "data"):
        read_everywhere(typed, path, identifier, live)
    name = part.name if "--bare" in words else identifier
    converted = typed("convert", copy, "--to", "index-json")
    assert (converted.code, len(converted.out.splitlines())) == (0, live), name
    assert typed("verify", copy).code == 0
    part.write_bytes(part.read_bytes()[:-1])
    for path in (tmp_path / "r", part):
        assert typed("convert", path, "--to", "index-json").code in (1, 4)
        assert typed("verify", path).code == 4


def test_the_bag_of_an_archive_that_has_no_index(archive: Path, typed: Typed, tmp_path: Path):
    assert typed("bag", archive, tmp_path / "bag").code == 0
    live = sum(not r.deleted for r in serving_archive.many(RECORDS))
    read_everywhere(typed, tmp_path / "bag", serving_archive.many(RECORDS)[0].identifier, live)
    assert typed("verify", tmp_path / "bag").code == 0


def test_a_delta(typed: Typed, tmp_path: Path):
    old = serving_archive.harvested(tmp_path / "old", [serving_archive.many(20)])
    new = serving_archive.harvested(tmp_path / "new", [serving_archive.many(RECORDS)])
    assert typed("dump", old, tmp_path / "r", "--licence-unknown").code == 0
    assert typed("dump", new, tmp_path / "d", "--licence-unknown", "--since", tmp_path / "r").code == 0
    before = {r.identifier for r in serving_archive.many(20)}
    added = [r for r in serving_archive.many(RECORDS) if not r.deleted and r.identifier not in before]
    read_everywhere(typed, tmp_path / "d", added[0].identifier, len(added))


def test_files_of_others(typed: Typed, tmp_path: Path):
    record = '{"id": %d, "doi": "10.5281/%s", "metadata": {"title": "T"}}\n'
    lines = "".join(record % pair for pair in ((1, "a"), (2, "b"))).encode()
    (tmp_path / "lines.gz").write_bytes(gzip.compress(lines))
    read_everywhere(typed, tmp_path / "lines.gz", "https://doi.org/10.5281/B", 2)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(lines)[:-9])
    assert typed("convert", tmp_path / "cut.gz", "--to", "index-json").code == 1
    assert typed("verify", tmp_path / "cut.gz").code == 4
    assert typed("sql", tmp_path / "cut.gz", "SELECT 1").code == 2
    (tmp_path / "text").write_text("no records")
    assert typed("verify", tmp_path / "text").code == 2
    (tmp_path / "none.json").write_text("[]")
    assert typed("convert", tmp_path / "none.json", "--to", "index-json").code == 1
