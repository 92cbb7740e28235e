"""A whole archive against its schemas, and its representations against each other."""

from pathlib import Path

import orjson
import pytest
from support.archive_builder import record
from support.conversion_archives import dublin_core, filled, text

from archive.conversions.validate import ValidateReport, validated

pytest.importorskip("jsonschema_rs")
pytest.importorskip("datacite")

VALID = (
    '<resource xmlns="http://datacite.org/schema/kernel-4"><identifier identifierType="DOI">10.1234/{doi}</identifier>'
    "<creators><creator><creatorName>A</creatorName></creator></creators><titles><title>{title}</title></titles>"
    "<publisher>P</publisher><publicationYear>2020</publicationYear>"
    '<resourceType resourceTypeGeneral="{type}"/></resource>'
)


def datacite(identifier: str, title: str, doi: str = "a", type_: str = "Dataset") -> bytes:
    return text(identifier, VALID.format(title=title, doi=doi, type=type_), format_="oai_datacite")


def tombstone(identifier: str, datestamp: str) -> bytes:
    return orjson.dumps({**orjson.loads(record(identifier, datestamp, deleted=True)), "format": "oai_datacite"})


def report(folder: Path, *frames: list[bytes]) -> tuple[ValidateReport, list[tuple[str, str, str]]]:
    filled(folder, [frames])
    with validated(folder) as found:
        lines = [(line.code, line.identifier, line.place) for line in found.lines()]
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    return found.report, lines


def test_what_is_valid_and_agrees_is_counted_and_nothing_is_found(tmp_path: Path):
    found, lines = report(tmp_path / "a", [datacite("oai:x:1", "T"), text("oai:x:1", dublin_core("<i>t</i>"))])
    assert (found.records, found.invalid, found.compared, found.disagreeing) == (2, 0, 1, 0)
    assert {one.severity for one in found.findings} == {"info"}
    assert lines == []


def test_all_that_is_not_valid_is_counted_by_kind_and_named(tmp_path: Path):
    records = [
        datacite(f"oai:x:{n}", "T", "bad doi" if n % 2 else "a", "Novelty" if n % 3 else "Image") for n in range(12)
    ]
    found, lines = report(tmp_path / "a", records[:5], records[5:])
    assert (found.records, found.invalid) == (12, 10)
    wrong = {(f.code, f.found, f.identifier) for f in found.findings if f.severity == "warning"}
    assert wrong == {("schema-invalid", 6, "oai:x:1"), ("schema-invalid", 8, "oai:x:1")}
    assert len(lines) == 14
    assert {place for _, _, place in lines} == {"doi", "types/resourceTypeGeneral"}


def test_only_the_latest_version_counts_and_no_tombstone(tmp_path: Path):
    found, lines = report(
        tmp_path / "a",
        [datacite("a", "T", type_="Novelty"), datacite("b", "T", type_="Novelty")],
        [datacite("a", "T"), tombstone("b", "2021-01-01T00:00:00Z")],
    )
    assert (found.records, found.invalid, lines) == (1, 0, [])


def test_representations_that_disagree_are_named_with_what_each_says(tmp_path: Path):
    found, lines = report(
        tmp_path / "a",
        [datacite("oai:x:1", "T"), text("oai:x:1", dublin_core("U"))],
        [datacite("oai:x:2", "V"), text("oai:x:2", dublin_core("V"))],
        [datacite("oai:x:3", "only here")],
    )
    assert (found.records, found.compared, found.disagreeing) == (5, 2, 1)
    assert lines == [("representations-disagree", "oai:x:1", "title")]
    (one,) = [finding for finding in found.findings if finding.code == "representations-disagree"]
    assert (one.identifier, one.found) == ("oai:x:1", 1)
    assert "oai_datacite says T; oai_dc says U" in one.message
