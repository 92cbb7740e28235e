"""Every file of the corpus through `convert`: written, or refused with a reason; never a traceback, never fewer."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from archive.crosswalks.errors import ConversionError
from archive.crosswalks.targets import TARGETS, written
from harvester.errors import Unreadable
from harvester.inputs.convertible import Item, flattened, iter_items

# outermost elements that are a record, each in the namespaces that it has in the corpus
_DATACITE = "starts-with(namespace-uri(), 'http://datacite.org/schema/kernel-')"
_RECORDS = (
    f"//*[local-name() = 'resource' and {_DATACITE}]",
    "//*[local-name() = 'dc' and namespace-uri() = 'http://www.openarchives.org/OAI/2.0/oai_dc/']",
    "//*[local-name() = 'record' and namespace-uri() = 'http://www.loc.gov/MARC21/slim']",
)


def converted(path: Path, outcomes: Counter[tuple[str, str]]) -> list[Item]:
    """Convert a file to each format; what became of it and of its records is counted as (format, outcome)."""
    items: list[Item] = []
    try:
        items += flattened(iter_items(path))
    except Unreadable as error:
        _is_said(error, path)
        outcomes["", "a file that is refused"] += 1
        return items
    outcomes["", "a file that is read" if items else "a file without records"] += 1
    for item in items:
        if item.metadata is None:
            outcomes["", "a record that is refused" if item.reason else "a tombstone"] += 1
            continue
        outcomes["", "a record that is read"] += 1
        for target in TARGETS:
            try:
                assert written(target, item.identifier, item.metadata), (path, target)
                outcomes[target, "written"] += 1
            except ConversionError as error:
                _is_said(error, path)
                outcomes[target, "refused"] += 1
    return items


def _is_said(error: Exception, path: Path) -> None:
    assert str(error), path


def files(corpus: Path) -> Iterator[Path]:
    return (path for path in sorted(corpus.rglob("*")) if path.is_file())


def records_of_xml(path: Path) -> int | None:
    """The records in a document, counted without the converter; None for what is not a document of known records."""
    try:
        root = etree.parse(path, etree.XMLParser(resolve_entities=False, no_network=True)).getroot()
    except (etree.LxmlError, OSError):
        return None
    if etree.QName(root).localname == "OAI-PMH":
        return (
            len(
                root.xpath("//*[local-name() = 'ListRecords' or local-name() = 'GetRecord']/*[local-name() = 'record']")
            )
            or None
        )
    return sum(len(root.xpath(path)) for path in _RECORDS) or None


@pytest.mark.parametrize(
    "folder",
    [
        "bagit",
        "datacite",
        "dataverse",
        "dspace",
        "eprints",
        "invenio-rdm",
        "json",
        "marc",
        "oai-pmh",
        "other",
        "ro-crate",
        "xsd",
        "zenodo",
        "zstd",
    ],
)
def test_every_file_is_converted_or_refused_with_a_reason(corpus: Path, folder: str):
    outcomes = Counter[tuple[str, str]]()
    for path in files(corpus / folder):
        try:
            items = converted(path, outcomes)
        except UnicodeError as cause:
            raise AssertionError(path) from cause
        expected = records_of_xml(path)
        if expected is not None and items:
            assert len(items) >= expected, path
        assert all(item.metadata is not None or item.reason or item.name for item in items), path
    assert outcomes["", "a file that is read"] or outcomes["", "a file that is refused"]
