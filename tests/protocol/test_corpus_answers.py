"""Real records in every form are judged to be records, and real errors are not, whatever status they came with."""

from pathlib import Path

import pytest

from archive.store import envelope
from harvester.http.mediatypes import essence
from harvester.rest.answers import Received, settle

RECORDS = [
    "invenio-rdm/caltech-records/*.json", "invenio-rdm/caltechdata-legacy/*.json", "invenio-rdm/full-record*",
    "zenodo/legacy-rest-http/200-records_[0-9]*[0-9].json", "zenodo/rest-json/preston-zenodo-13505983.json",
    "zenodo/rest-json/cldf-record.json", "datacite/rest-api-doi/200-*.json", "datacite/rest-api-doi/200-*.xml",
    "datacite/rest-page-pairs/*", "datacite/caltech-datacite43-json/*.json", "datacite/kernel-*/*.xml",
    "eprints/**/*.json", "eprints/**/*.xml", "dataverse/**/*.json", "marc/**/*.xml",
]  # fmt: skip
ERRORS = {
    "zenodo/constructed/4*.json": {"absent", "deleted", "refused", "lost"},
    "zenodo/legacy-rest-http/404-*.json": {"absent"},
    "zenodo/rest-json/*-empty.json": {"absent"},
    "datacite/rest-api-doi/404-*.json": {"absent"},
    "invenio-rdm/403-*.json": {"forbidden"},
    "oai-pmh/sickle/idDoesNotExist.xml": {"absent"},
    "oai-pmh/sickle/bad*.xml": {"refused"},
    "zenodo/oai-http/id_does_not_exist-00.xml": {"absent"},
}
TYPES = {
    ".json": "application/json",
    ".jsonld": "application/ld+json",
    ".xml": "application/xml",
    ".bib": "application/x-bibtex",
    ".ris": "application/x-research-info-systems",
}


def judged(path: Path) -> tuple[str, str | None]:
    media_type = TYPES[path.suffix]
    answer = Received("an id", "https://x.example/an-id", 200, media_type, "", "", path.read_bytes())
    settled, _ = settle(answer, essence(media_type), media_type, "2026-01-01T00:00:00Z")
    return settled.state, settled.reason


def parses(path: Path) -> bool:
    if path.suffix != ".json":
        return True
    try:
        return isinstance(envelope.parse_json(path.read_bytes()).value, dict)
    except envelope.NotJson:
        return False


@pytest.mark.parametrize("pattern", RECORDS)
def test_every_real_record_is_a_record(corpus: Path, pattern: str):
    paths = [path for path in sorted(corpus.glob(pattern)) if path.suffix in TYPES and parses(path)]
    paths = [path for path in paths if not path.name.endswith(".http.json") and "schema" not in str(path)]
    assert paths
    bad = {str(path.relative_to(corpus)): judged(path) for path in paths}
    assert {name: found for name, found in bad.items() if found[0] != "read" and "XML" not in (found[1] or "")} == {}


@pytest.mark.parametrize("pattern", ERRORS)
def test_every_real_error_is_none(corpus: Path, pattern: str):
    paths = [path for path in corpus.glob(pattern) if not path.name.endswith((".http.json", ".headers.json"))]
    assert paths
    assert {str(path): judged(path)[0] for path in paths if judged(path)[0] not in ERRORS[pattern]} == {}
