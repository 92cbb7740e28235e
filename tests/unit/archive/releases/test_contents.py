"""archive/releases/contents.py: index and parts of a release, each as the other says."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from support.state_archives import State, archive_of, options

from archive.duck import translated_duckdb
from archive.errors import Damaged, DiskFull
from archive.releases.build import write_release
from archive.releases.changes import Row
from archive.releases.contents import open_contents
from archive.releases.manifest import INDEX, read_manifest, write_manifest

STATES = [*(State(f"oai:x:{n}") for n in range(10, 30)), State("oai:x:9", deleted=True)]


@pytest.fixture
def release(tmp_path: Path) -> Path:
    write_release(archive_of(tmp_path / "archive", STATES), tmp_path / "release", options(part_records=7))
    return tmp_path / "release"


def test_rows_and_entries_are_of_one_kind_and_in_order(release: Path) -> None:
    contents = open_contents(release)
    assert len(contents.manifest.content.parts) == 4
    for kind, names in (("records", [f"oai:x:{n}" for n in range(10, 30)]), ("tombstones", ["oai:x:9"])):
        entries = list(contents.entries(kind))
        assert [entry.identifier for entry in entries] == names
        assert list(contents.rows(kind)) == [
            Row(e.identifier, e.format, e.datestamp, e.deleted, e.sha256) for e in entries
        ]
        assert all(hashlib.sha256(entry.text).hexdigest() == entry.sha256 for entry in entries)
    assert next(contents.entries("records")).doi == "10.5072/oai:x:10"


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM old WHERE identifier <> 'oai:x:29'",
        "SELECT * FROM old UNION ALL SELECT * REPLACE ('z' AS identifier) FROM old WHERE identifier = 'oai:x:29'",
        "SELECT * REPLACE (sha256('x') AS sha256) FROM old",
    ],
)
def test_an_index_of_other_records_is_damage_also_when_its_digest_fits(release: Path, statement: str) -> None:
    with duckdb.connect() as db:
        db.execute("CREATE TABLE old AS SELECT * FROM read_parquet($path)", {"path": str(release / INDEX)})
        db.execute(f"COPY ({statement}) TO $path (FORMAT parquet)", {"path": str(release / INDEX)})
    manifest = read_manifest(release)
    digest = hashlib.sha256((release / INDEX).read_bytes()).hexdigest()
    index = replace(manifest.content.index, sha256=digest)
    write_manifest(release, replace(manifest, content=replace(manifest.content, index=index)))
    with pytest.raises(Damaged):
        list(open_contents(release).entries("records"))


def _remove(path: Path) -> None:
    path.unlink()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize("harm", [_remove, _cut])
def test_an_index_that_is_not_the_manifests_is_not_opened(release: Path, harm: Callable[[Path], None]) -> None:
    harm(release / INDEX)
    with pytest.raises(Damaged):
        open_contents(release)


def test_what_duckdb_says_is_said_as_one_of_ours(tmp_path: Path) -> None:
    with pytest.raises(DiskFull), translated_duckdb(tmp_path):
        raise duckdb.IOException("IO Error: No space left on device")
