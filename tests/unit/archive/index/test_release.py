"""The index of a release: equal to it, beside it, and refused when it is of another one."""

from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support.state_archives import State, archive_of, options

from archive.errors import Busy, Damaged, StaleIndex
from archive.index import build as index
from archive.index import release as releaseindexing
from archive.index.file import open_index, release_index
from archive.index.release import check_release_index, index_release
from archive.index.rows import parse_record
from archive.releases.build import write_release

STATES = [State(f"oai:x:{n}", form, deleted=n == 3, title=f"T{n}") for n in range(7) for form in ("oai_dc", "other")]


@pytest.fixture
def release(tmp_path: Path) -> Path:
    archive_of(tmp_path / "a", STATES)
    write_release(tmp_path / "a", tmp_path / "r", options(frame_bytes=900, part_records=4))
    return tmp_path / "r"


def asked(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(open_index(folder)) as db:
        return db.execute(query).fetchall()


def test_without_an_index_a_release_is_asked_through_its_own(release: Path):
    before = sorted(release.iterdir())
    assert asked(release, "SELECT count(*), count(*) FILTER (deleted) FROM records") == [(14, 2)]
    assert asked(release, "SELECT part IS NOT NULL, sha256 IS NOT NULL FROM records LIMIT 1") == [(True, True)]
    shards = release / "records-*.json-seq.zst"
    assert asked(release, f"SELECT count(*) FROM shard_records('{shards}')") == [(12,)]
    for statement in (
        f"SELECT * FROM read_text('{release.parent}/a/archive.json')",
        "SET enable_external_access = true",
    ):
        with pytest.raises(duckdb.Error):
            asked(release, statement)
    assert sorted(release.iterdir()) == before


def test_the_index_of_a_release_is_that_of_its_archive(release: Path, tmp_path: Path):
    before = {path: path.read_bytes() for path in release.iterdir()}
    report = index_release(release)
    assert (report.path, report.records, report.read) == (tmp_path / "r.duckdb", 14, 14)
    assert {path: path.read_bytes() for path in release.iterdir()} == before
    index.index(tmp_path / "a")
    for query in (
        "SELECT identifier, format, stamp, datestamp, deleted, title, doi, creators FROM records ORDER BY ALL",
        "FROM identifiers ORDER BY ALL",
        "FROM creators ORDER BY ALL",
    ):
        assert asked(release, query) == asked(tmp_path / "a", query)
    assert asked(release, "SELECT listed, balanced FROM account") == asked(
        tmp_path / "a", "SELECT listed, balanced FROM account WHERE run IS NULL AND channel IS NULL"
    )
    assert check_release_index(release) == []
    assert {path.name for path in tmp_path.iterdir()} == {"a", "r", "r.duckdb"}


@pytest.mark.parametrize(
    "how", [{"form": "bare"}, {"layout": "tar", "compression": "gzip"}, {"layout": "jsonl", "compression": "xz"}]
)
def test_a_release_of_any_making_has_an_index(tmp_path: Path, how: dict[str, str]):
    archive_of(tmp_path / "a", STATES)
    write_release(tmp_path / "a", tmp_path / "r", options(**how))
    index_release(tmp_path / "r", tmp_path / "elsewhere.duckdb")
    with duckdb.connect(tmp_path / "elsewhere.duckdb", read_only=True) as db:
        assert db.execute("SELECT count(*), count(title) FROM records").fetchall() == [(14, 12)]


def test_the_index_of_another_release_is_refused(release: Path, tmp_path: Path):
    index_release(release)
    archive_of(tmp_path / "b", STATES[:3])
    write_release(tmp_path / "b", tmp_path / "s", options())
    (tmp_path / "r.duckdb").rename(tmp_path / "s.duckdb")
    with pytest.raises(StaleIndex):
        open_index(tmp_path / "s")
    with pytest.raises(StaleIndex):
        check_release_index(release)


def test_a_changed_index_is_refused_or_found(release: Path, tmp_path: Path):
    index_release(release)
    with duckdb.connect(tmp_path / "r.duckdb") as db:
        db.execute("UPDATE versions SET title = 'x' WHERE identifier = 'oai:x:1'")
    assert {found.table for found in check_release_index(release)} == {"versions"}
    with duckdb.connect(tmp_path / "r.duckdb") as db:
        db.execute("DELETE FROM versions WHERE identifier = 'oai:x:1'")
    with pytest.raises(Damaged):
        open_index(release)


def test_no_index_is_made_of_a_damaged_release(release: Path, tmp_path: Path):
    for path in [*sorted(release.glob("*-0*")), release / "index.parquet"]:
        body = path.read_bytes()
        path.write_bytes(body[:20] + bytes([body[20] ^ 1]) + body[21:])
        with pytest.raises(Damaged):
            index_release(release)
        path.write_bytes(body)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "r"}
    index_release(release)


@pytest.mark.parametrize("text", [b"no JSON", b"{}", b'{"metadata":1}'])
def test_what_its_index_names_and_is_no_record_is_damage(release: Path, monkeypatch: pytest.MonkeyPatch, text: bytes):
    monkeypatch.setattr(releaseindexing, "parse_record", lambda _, digest: parse_record(text, digest))
    with pytest.raises(Damaged):
        index_release(release)


def test_who_is_told_to_wait_takes_nothing_away_from_the_one_at_work(release: Path):
    with releaseindexing._alone(release_index(release)) as work:
        (work / "rows").write_text("half a line")
        with pytest.raises(Busy):
            index_release(release)
        assert (work / "rows").exists()
    assert not work.exists()
