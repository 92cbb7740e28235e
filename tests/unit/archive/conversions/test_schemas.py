"""Which schema a DataCite record is checked against, and what is said of one that is not valid."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from lxml import etree

from archive.conversions.schemas import Declared, Schemas, declared
from archive.crosswalks.registry import convert
from archive.errors import NoSchemas
from archive.store.envelope import Record

pytest.importorskip("jsonschema_rs")
pytest.importorskip("datacite")
KERNEL_4 = "http://datacite.org/schema/kernel-4"


def record(metadata: dict[str, Any] | None, original: str | None = None) -> Record:
    return Record("1", "", False, (), "x", "t", "u", "r", None, metadata, original)


def resource(kernel: str, location: str, inside: str = "", type_: str = "Dataset") -> str:
    return (
        f'<resource xmlns="http://datacite.org/schema/kernel-{kernel}"'
        f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xsi:schemaLocation="http://datacite.org/schema/kernel-{kernel} '
        f'http://schema.datacite.org/meta/kernel-{location}/metadata.xsd">'
        '<identifier identifierType="DOI">10.1234/a</identifier>'
        "<creators><creator><creatorName>A</creatorName></creator></creators>"
        "<titles><title>T</title></titles><publisher>P</publisher><publicationYear>2020</publicationYear>"
        f'<resourceType resourceTypeGeneral="{type_}">x</resourceType>{inside}</resource>'
    )


def of_xml(xml: str) -> Record:
    return record(convert(etree.fromstring(xml)), xml)


@pytest.mark.parametrize(
    ("kernel", "location", "version"),
    [
        ("4", "4.3", "4.3"),
        ("4", "4", "4.7"),
        ("4", "4.6", "4.6"),
        ("3", "3", "3.1"),
        ("2.2", "2.2", "2.2"),
        ("4.0", "4.0", "4.0"),
    ],
)
def test_the_location_of_the_schema_says_the_version(kernel: str, location: str, version: str):
    found = declared(of_xml(resource(kernel, location)))
    assert found == Declared(version, "4.5", from_xml=True)


def test_without_a_location_the_namespace_says_it():
    xml = resource("3", "3").replace("schemaLocation", "other")
    assert declared(of_xml(xml)) == Declared("3.1", "4.5", from_xml=True)


@pytest.mark.parametrize(
    ("metadata", "wanted"),
    [
        ({"titles": [{"title": "T"}], "schemaVersion": KERNEL_4, "publisher": {"name": "P"}}, Declared("4.5", "4.5")),
        (
            {"titles": [{"title": "T"}], "schemaVersion": KERNEL_4, "publisher": "P", "identifiers": []},
            Declared("4.3", "4.3"),
        ),
        ({"titles": [{"title": "T"}], "identifier": {}, "creators": [{"creatorName": "A"}]}, Declared("4.1", "4.1")),
        (
            {"titles": [{"title": "T"}], "schemaVersion": f"{KERNEL_4}.6", "publisher": {"name": "P"}},
            Declared("4.6", "4.5"),
        ),
        ({"data": {"attributes": {"titles": [{"title": "T"}], "schemaVersion": KERNEL_4}}}, None),
        ({"title": ["T"]}, None),
        (None, None),
    ],
)
def test_json_that_was_sent_is_known_by_its_shape(metadata: dict[str, Any] | None, wanted: Declared | None):
    assert declared(record(metadata)) == wanted


def faults(found: Record) -> tuple[str, list[tuple[str, str]]]:
    what, schemas = declared(found), Schemas()
    assert what is not None
    assert found.metadata is not None
    return schemas.name(what), [(fault.place, fault.rule) for fault in schemas.faults(what, found.metadata)]


@pytest.mark.parametrize("version", ["2.2", "3", "4.0", "4.1", "4.2", "4.3", "4.4", "4.5", "4.6", "4.7"])
def test_a_record_of_any_version_can_be_valid(version: str):
    kernel = version if version < "4" else "4"
    assert faults(of_xml(resource(kernel, version)))[1] == []


@pytest.mark.parametrize(
    ("version", "type_", "valid"),
    [
        ("4.7", "Poster", True),
        ("4.6", "Poster", False),
        ("4.6", "Award", True),
        ("4.5", "Award", False),
        ("2.2", "Film", True),
        ("3", "Film", False),
    ],
)
def test_each_version_has_its_own_values(version: str, type_: str, valid: bool):
    kernel = version if version < "4" else "4"
    found = faults(of_xml(resource(kernel, version, type_=type_)))[1]
    assert found == ([] if valid else [("types/resourceTypeGeneral", "enum")])


def test_what_is_not_valid_is_named_with_its_place_and_rule():
    metadata = of_xml(resource("4", "4.5")).metadata
    assert metadata is not None
    broken = {**metadata, "doi": "x y", "novelty": 1, "creators": [{"name": "A"}, {"nameType": "Personal"}]}
    name, found = faults(record(broken, resource("4", "4.5")))
    assert name == "4.5"
    assert set(found) == {("", "additionalProperties"), ("creators", "required"), ("doi", "pattern")}


def test_what_has_no_place_in_the_json_is_no_fault_of_it():
    found = of_xml(resource("4", "4.5", "<novelty/>"))
    assert found.metadata is not None
    assert "unmapped" in found.metadata
    assert faults(found)[1] == []


def test_a_folder_of_schemas_goes_before_those_of_the_package(tmp_path: Path):
    schema = {"definitions": {}, "required": ["never-there"], "properties": {}}
    (tmp_path / "datacite-v4.4.json").write_bytes(orjson.dumps(schema))
    own = record({"titles": [{"title": "T"}], "schemaVersion": f"{KERNEL_4}.4", "publisher": "P", "identifiers": []})
    what = declared(own)
    assert what == Declared("4.4", "4.3")
    assert [f.rule for f in Schemas(tmp_path).faults(what, own.metadata or {})] == ["required"]


def test_without_schemas_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("archive.conversions.schemas.find_spec", lambda name: None)
    with pytest.raises(NoSchemas, match=r"harvester\[validate\]"):
        Schemas()
    monkeypatch.setattr("archive.conversions.schemas.find_spec", lambda name: None if name == "datacite" else "there")
    with pytest.raises(NoSchemas, match=r"harvester\[validate\]"):
        Schemas()
