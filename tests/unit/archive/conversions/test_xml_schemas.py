"""XML as it was sent against XSDs of a folder: the one that it names, or another of its namespace."""

from pathlib import Path

import pytest

from archive.conversions.schemas import XmlSchemas
from archive.errors import NoSchemas
from archive.store.envelope import Record

XSD = """<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:x" elementFormDefault="qualified">
<element name="r"><complexType><sequence><element name="{}" type="int"/></sequence></complexType></element></schema>"""
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def record(xml: str | None) -> Record:
    return Record("1", "", False, (), "x", "t", "u", "r", None, None, xml)


@pytest.fixture
def schemas(tmp_path: Path) -> XmlSchemas:
    for version, name in (("v1", "a"), ("v2", "b")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "x.xsd").write_text(XSD.format(name))
    return XmlSchemas(tmp_path)


@pytest.mark.parametrize(("version", "name"), [("v1", "a"), ("v2", "b")])
def test_the_schema_that_a_record_names_is_found_by_the_end_of_its_address(
    schemas: XmlSchemas, version: str, name: str
):
    location = f'{XSI} xsi:schemaLocation="urn:x https://x.example/{version}/x.xsd"'
    found = schemas.check(record(f'<r xmlns="urn:x" {location}><{name}>1</{name}></r>'))
    assert found is not None
    assert (found.namespace, found.schema, found.faults) == ("urn:x", f"XSD {version}/x.xsd", ())
    found = schemas.check(record(f'<r xmlns="urn:x" {location}><{name}>one</{name}></r>'))
    assert found is not None
    assert {fault.place for fault in found.faults} == {name}


def test_without_a_location_any_schema_of_the_namespace_will_do(schemas: XmlSchemas):
    found = schemas.check(record('<r xmlns="urn:x"><c/></r>'))
    assert found is not None
    assert [fault.place for fault in found.faults] == ["c"]


@pytest.mark.parametrize(
    "xml",
    [
        None,
        "<r/>",
        '<s xmlns="urn:x"/>',
        "no xml",
        "<r xmlns='urn:x'>",
        "<r xmlns='http://}x'><s xmlns='q'/></r>",
    ],
)
def test_what_no_schema_is_for_is_not_checked(schemas: XmlSchemas, xml: str | None):
    assert schemas.check(record(xml)) is None


def test_a_file_that_is_no_schema_is_said(tmp_path: Path):
    (tmp_path / "x.xsd").write_text("<schema")
    with pytest.raises(NoSchemas):
        XmlSchemas(tmp_path)


def test_real_records_are_as_valid_as_they_are_known_to_be(corpus: Path):
    schemas = XmlSchemas(corpus / "xsd")
    rows = [line.split("\t") for line in (corpus / "validity.tsv").read_text().splitlines()[1:]]
    checked = 0
    for name, _, _, xsd, result, *_ in rows:
        if not xsd or not (corpus / name).exists():
            continue
        found = schemas.check(record((corpus / name).read_bytes().decode(errors="replace")))
        if found is not None and found.schema == f"XSD {xsd}/metadata.xsd":
            assert (found.faults == ()) == (result == "valid"), name
            checked += 1
    assert checked > 150
