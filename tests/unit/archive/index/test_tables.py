"""What can be asked of an index beside its records: what is in them, what they were, and shards without an index."""

from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import archive_builder
from support.conversion_archives import filled

from archive.index import build as index
from archive.index.file import open_index
from archive.queries import Queries
from archive.store import envelope
from archive.store.layout import Layout
from harvester.demo.samples import build_archive

RECORD: dict[str, Any] = {
    "schemaVersion": "http://datacite.org/schema/kernel-4", "doi": "10.5072/A", "version": "1.2",
    "titles": [{"title": "Tides"}],
    "creators": [{"name": "B, A", "givenName": "A", "familyName": "B", "affiliation": [{"name": "X"}]}, {"name": "C"}],
    "alternateIdentifiers": [{"alternateIdentifier": "https://x.example/1", "alternateIdentifierType": "URL"}],
    "subjects": [{"subject": "Maps", "subjectScheme": "LCSH"}],
    "relatedIdentifiers": [
        {"relatedIdentifier": "https://doi.org/10.5072/ALL", "relatedIdentifierType": "DOI",
         "relationType": "IsVersionOf"},
    ],
}  # fmt: skip
ZENODO: dict[str, Any] = {
    "doi": "10.5072/2",
    "conceptdoi": "10.5072/all",
    "metadata": {"title": "Files", "creators": []},
    "files": [
        {
            "key": "a.csv",
            "size": 7,
            "checksum": "md5:d41d8cd98f00b204e9800998ecf8427e",
            "links": {"self": "https://x.example/a.csv"},
        }
    ],
}


def record(identifier: str, metadata: Any, deleted: bool = False, retrieved: str = "2026-03-04T05:06:07Z") -> bytes:
    return envelope.encode(
        identifier,
        "2020-01-01",
        deleted,
        (),
        "json",
        "application/json",
        archive_builder.URL,
        retrieved,
        None,
        metadata,
        None,
        (),
    )


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    filled(tmp_path, [[[record("oai:x:1", RECORD), record("oai:x:2", ZENODO), record("oai:x:3", None, deleted=True)]]])
    index.index(tmp_path)
    return tmp_path


def asked(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(open_index(folder)) as db:
        return db.execute(query).fetchall()


def test_each_table_of_what_is_in_a_record(archive: Path):
    assert asked(archive, "FROM identifiers ORDER BY ALL") == [
        ("oai:x:1", "json", 1, "doi", "10.5072/a"),
        ("oai:x:1", "json", 2, "url", "https://x.example/1"),
        ("oai:x:2", "json", 1, "doi", "10.5072/2"),
    ]
    assert asked(archive, "FROM creators ORDER BY ALL") == [
        ("oai:x:1", "json", 1, "B, A", "A", "B", None, ["X"]),
        ("oai:x:1", "json", 2, "C", None, None, None, None),
    ]
    assert asked(archive, "FROM subjects") == [("oai:x:1", "json", 1, "Maps", "LCSH", None)]
    assert asked(archive, "FROM relations") == [("oai:x:1", "json", 1, "IsVersionOf", "doi", "10.5072/all")]
    [file] = asked(archive, "SELECT identifier, position, key, size, checksum, url FROM files")
    assert file == ("oai:x:2", 1, "a.csv", 7, "md5:d41d8cd98f00b204e9800998ecf8427e", "https://x.example/a.csv")
    assert asked(archive, "SELECT creators, stated_version, concept FROM records ORDER BY identifier") == [
        (["B, A", "C"], "1.2", "10.5072/all"),
        ([], None, "10.5072/all"),
        ([], None, None),
    ]


def test_a_tombstone_says_what_the_record_was_while_it_was_live(archive: Path):
    [row] = asked(archive, "SELECT identifier, doi, title, last_live FROM tombstones")
    assert row == ("oai:x:3", None, None, None)
    made = archive_builder.writer(archive)
    made.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = made.ledger.channel("oaipmh:json", "json", None)
    gone = b"\x1e" + record("oai:x:1", None, deleted=True, retrieved="2026-03-05T00:00:00Z") + b"\n"
    made.put(
        archive_builder.answer(
            channel, None, [], listed=1, outcomes=[("oai:x:1", "2020-01-01", "deleted", None)], payload=((gone, 1),)
        )
    )
    made.finish("complete")
    made.close()
    index.index(archive)
    found = asked(archive, "SELECT identifier, doi, title, last_live FROM tombstones ORDER BY identifier")
    assert found == [("oai:x:1", "10.5072/a", "Tides", datetime(2020, 1, 1)), ("oai:x:3", None, None, None)]
    assert asked(archive, "SELECT count(*) FROM creators") == [(0,)]
    then = "SELECT identifier, deleted FROM records_as_of('{}') ORDER BY identifier"
    assert asked(archive, then.format("2026-03-03")) == []
    assert asked(archive, then.format("2026-03-04 12:00:00")) == [
        ("oai:x:1", False),
        ("oai:x:2", False),
        ("oai:x:3", True),
    ]
    assert asked(archive, then.format("2026-03-05"))[0] == ("oai:x:1", True)


def test_a_version_counts_from_when_it_first_came(archive: Path):
    made = archive_builder.writer(archive)
    made.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = made.ledger.channel("oaipmh:json", "json", None)
    again = b"\x1e" + record("oai:x:1", RECORD, retrieved="2026-04-01T00:00:00Z") + b"\n"
    made.put(
        archive_builder.answer(
            channel, None, [], listed=1, outcomes=[("oai:x:1", "2020-01-01", "read", None)], payload=((again, 1),)
        )
    )
    made.finish("complete")
    made.close()
    index.index(archive)
    [row] = asked(archive, "SELECT version, since, retrieved FROM versions WHERE identifier = 'oai:x:1'")
    assert row == (1, datetime(2026, 3, 4, 5, 6, 7), datetime(2026, 4, 1))
    assert len(asked(archive, "FROM records_as_of('2026-03-10')")) == 3


def test_shards_are_read_without_an_index(archive: Path):
    shards = str(Layout(archive).shards / "*.json-seq.zst")
    query = "SELECT identifier, deleted, metadata ->> '$.doi' FROM shard_records($path) ORDER BY identifier"
    expected = [("oai:x:1", False, "10.5072/A"), ("oai:x:2", False, "10.5072/2"), ("oai:x:3", True, None)]
    with duckdb.connect() as db:
        db.execute(Queries("archive.index")["shard_records"])
        assert db.execute(query, {"path": shards}).fetchall() == expected
    with duckdb.connect(Layout(archive).index, read_only=True) as db:
        assert db.execute(query, {"path": shards}).fetchall() == expected


def test_the_sums_of_hashes_can_be_had_from_the_shards_alone(tmp_path: Path):
    build_archive(tmp_path / "a", 50)
    index.index(tmp_path / "a")
    query = (
        "SELECT count(*), (sum(('0x' || sha256(rtrim(text, chr(10)))[:16])::UBIGINT::HUGEINT) % 18446744073709551616) "
        "FROM read_csv($path, delim = chr(30), quote = '', escape = '', header = false, auto_detect = false, "
        "columns = {'before': 'VARCHAR', 'text': 'VARCHAR'})"
    )
    with duckdb.connect() as db:
        found = db.execute(query, {"path": str(Layout(tmp_path / "a").shards / "*.zst")}).fetchall()
    assert found == asked(tmp_path / "a", "SELECT records, hash_sum FROM proofs")
