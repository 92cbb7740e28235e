"""The invented repository: the same for the same seed, valid, difficult, and nobody's."""

import hashlib
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from lxml import etree
from support import archive_builder

from archive.crosswalks.fields import index_fields
from archive.store import envelope, shards
from archive.store.layout import Layout
from harvester.demo.samples import (
    PREFIXES,
    RECORDS,
    Sample,
    build_archive,
    iter_samples,
    list_records_page,
    metadata_xml,
)
from harvester.oaipmh.decode import decode_list_records
from harvester.oaipmh.protocol import parse_list_records

FEW = 400
DIGESTS = {
    "oai_datacite": "910dd77dfc5bb4738d95ae24e77c29c814074855e759b92693d7b1838908e4a9",
    "oai_dc": "7ceb7eecfdc011c958f7b4e66aa6d0f3760b90572564a4027515d3b3b2d65913",
}
DIGEST_SCRIPT = """
import hashlib, sys
from harvester.demo.samples import iter_samples, list_records_page
print(hashlib.sha256(list_records_page(list(iter_samples(400)), sys.argv[1])).hexdigest())
"""


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return list(iter_samples())


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    folder = tmp_path_factory.mktemp("samples") / "archive"
    build_archive(folder, FEW)
    return Layout(folder)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_same_seed_gives_the_same_bytes(prefix: str):
    page = list_records_page(list(iter_samples(FEW)), prefix)
    assert hashlib.sha256(page).hexdigest() == DIGESTS[prefix]
    assert list_records_page(list(iter_samples(FEW, seed=2)), prefix) != page


def test_the_hash_seed_of_python_changes_nothing():
    command = [sys.executable, "-c", DIGEST_SCRIPT, "oai_dc"]
    printed = {subprocess.check_output(command, env={"PYTHONHASHSEED": seed}, text=True) for seed in ("1", "2")}
    assert printed == {DIGESTS["oai_dc"] + "\n"}


def test_fewer_records_are_the_first_of_more(samples: list[Sample]):
    assert list(iter_samples(50)) == samples[:50]


def test_what_makes_repositories_difficult_is_there(samples: list[Sample]):
    assert len({sample.identifier for sample in samples}) == len(samples) == RECORDS
    assert 0.03 < sum(sample.deleted for sample in samples) / RECORDS < 0.05
    (_, burst), *_ = Counter(sample.datestamp for sample in samples).most_common(1)
    assert 300 <= burst <= 330
    assert {len(sample.sets) for sample in samples} == {0, 1, 2}
    assert min(sample.datestamp for sample in samples) < "2019-04" < "2025-11" < max(s.datestamp for s in samples)
    assert len({sample.datestamp[:4] for sample in samples}) == 7
    assert max(len(sample.creators) for sample in samples) > 30
    assert max(len(sample.abstract) for sample in samples) > 8_000
    scripts = {"Latin": "é", "Greek": "λ", "Cyrillic": "ж", "Arabic": "خ", "Hebrew": "מ", "Han": "港", "Hangul": "항"}
    titles = "".join(sample.title for sample in samples)
    assert not [name for name, letter in scripts.items() if letter not in titles]


def test_nothing_in_it_exists(samples: list[Sample]):
    text = "".join(metadata_xml(sample, prefix) for sample in samples[:FEW] for prefix in PREFIXES)
    values = re.sub(r"<[^>]*xmlns[^>]*>", "", text)
    assert {doi[:8] for doi in re.findall(r"10\.\d{4,}/", values)} == {"10.5555/"}
    hosts = set(re.findall(r"https?://([^/\"<& ]+)", values))
    assert hosts
    assert all(host.endswith(".example") for host in hosts)
    orcids = {creator.orcid for sample in samples for creator in sample.creators if creator.orcid}
    assert len(orcids) > 1_000
    # ORCID gives out 0000-0001-5000-0007 to 0000-0003-5000-0001 and 0009-0000-0000-0000 to 0009-0010-0000-0000
    assert all(re.fullmatch(r"0000-0099-\d{4}-\d{3}[\dX]", orcid) for orcid in orcids)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_record_becomes_json_without_a_problem(samples: list[Sample], prefix: str):
    decoded = decode_list_records(list_records_page(samples, prefix), "https://samples.example/oai", prefix, "now")
    assert decoded.problems == ()
    assert len(decoded.rows) == RECORDS


@pytest.mark.parametrize("prefix", PREFIXES)
def test_json_says_what_the_record_says(prefix: str):
    few = [sample for sample in iter_samples(FEW) if not sample.deleted]
    for sample, record in zip(few, _converted(few, prefix), strict=True):
        fields = index_fields(record.identifier, record.metadata)
        assert (fields.local_id, fields.doi, fields.title) == (str(sample.local), sample.doi, sample.title)
        assert fields.publication_year == int(sample.issued[:4])
        assert len(fields.creators) == len(sample.creators)
        assert fields.license in sample.licence
        assert "unmapped" not in (record.metadata or {})


def _converted(samples: list[Sample], prefix: str) -> list[envelope.Record]:
    decoded = decode_list_records(list_records_page(samples, prefix), "https://samples.example/oai", prefix, "now")
    return [
        envelope.decode(text)
        for piece, _ in archive_builder.unpacked(decoded.payload)
        for text in piece.split(b"\x1e")[1:]
    ]


def test_datacite_is_valid_by_its_schema(corpus: Path):
    schema = etree.XMLSchema(etree.parse(corpus / "xsd" / "datacite" / "kernel-4.5" / "metadata.xsd"))
    for sample in iter_samples(FEW):
        tree = etree.fromstring(metadata_xml(sample, "oai_datacite"))
        resource = tree.find(".//{http://datacite.org/schema/kernel-4}resource")
        assert resource is not None
        schema.assertValid(etree.fromstring(etree.tostring(resource)))


def test_a_deleted_record_is_only_its_header(samples: list[Sample]):
    page = parse_list_records(list_records_page([sample for sample in samples if sample.deleted][:10], "oai_dc"))
    assert [record.deleted for record in page.records] == [True] * 10
    assert all(record.metadata is None for record in page.records)


def test_the_archive_holds_every_record_in_both_formats(archive: Layout):
    held = {(record.format, record.identifier): record for record in _records(archive)}
    assert len(held) == FEW * len(PREFIXES)
    for sample in iter_samples(FEW):
        for prefix in PREFIXES:
            record = held[prefix, sample.identifier]
            assert (record.datestamp, record.deleted, record.sets) == (sample.datestamp, sample.deleted, sample.sets)
            assert record.original == (None if sample.deleted else metadata_xml(sample, prefix))


def test_the_sums_of_the_archive_balance(archive: Layout):
    db = sqlite3.connect(archive.ledger)
    assert db.execute("SELECT state, finished IS NOT NULL FROM runs").fetchall() == [("complete", 1)]
    assert db.execute("SELECT sum(listed) FROM requests").fetchone() == (FEW * len(PREFIXES),)
    by_state = dict(db.execute("SELECT state, count(*) FROM outcomes GROUP BY state"))
    assert sum(by_state.values()) == FEW * len(PREFIXES)
    assert set(by_state) == {"read", "deleted"}
    assert db.execute("SELECT sum(records) FROM frames").fetchone() == (FEW * len(PREFIXES),)
    windows = db.execute("SELECT state, listed, distinct_ids, stated FROM windows").fetchall()
    assert windows == [("done", FEW, FEW, FEW)] * len(PREFIXES)


def test_every_shard_is_what_the_ledger_says(archive: Layout):
    rows = sqlite3.connect(archive.ledger).execute("SELECT name, state, records, sha256 FROM shards").fetchall()
    assert rows
    for name, state, records, sha256 in rows:
        assert state == "sealed"
        assert shards.check_shard(archive.shards / name, sha256).records == records


def _records(layout: Layout) -> list[envelope.Record]:
    paths = sorted(layout.shards.iterdir())
    return [envelope.decode(text) for path in paths for frame in shards.iter_frames(path) for text in frame.texts()]
