"""A record in a format that was asked for: only as what it is, and index fields of any."""

from typing import Any

import orjson
import pytest

from archive.crosswalks.errors import ConversionError
from archive.crosswalks.fields import index_fields
from archive.crosswalks.targets import TARGETS, written

DATACITE = {
    "doi": "10.1234/A",
    "titles": [{"title": "T"}],
    "schemaVersion": "http://datacite.org/schema/kernel-4",
    "relatedIdentifiers": [{"relatedIdentifier": "10.1234/B", "relationType": "Cites", "relatedIdentifierType": "DOI"}],
}
LEADER = "00000nam a2200000 a 4500"
MARC = {"leader": LEADER, "fields": [{"001": " 1 "}, {"245": {"ind1": " ", "ind2": "1", "subfields": [{"a": "T "}]}}]}
DC = {"title": ["T", {"value": "U", "lang": "de"}]}
RDM_DC = {"titles": ["T"], "creators": ["A"]}
ZENODO = {"id": 5, "doi": "10.1234/c", "metadata": {"title": "T"}, "files": [{"key": "a.csv", "size": 3}]}
EPRINT = {"eprintid": 3, "title": "T"}
OF = {
    "datacite-json": [DATACITE],
    "marc-json": [MARC],
    "dc-json": [DC, RDM_DC],
    "marcxml": [MARC],
    "marc": [MARC],
    "eprints-json": [EPRINT],
    "index-json": [DATACITE, MARC, DC, RDM_DC, ZENODO, EPRINT],
}


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("metadata", [DATACITE, MARC, DC, RDM_DC, ZENODO, EPRINT, {"what": "ever"}, {}])
def test_a_record_is_written_as_what_it_is_or_refused(name: str, metadata: dict[str, Any]):
    if metadata in OF[name]:
        assert written(name, "x:1", metadata)
    else:
        with pytest.raises(ConversionError):
            written(name, "x:1", metadata)


@pytest.mark.parametrize("name", ["datacite-json", "marc-json", "dc-json"])
def test_json_of_the_format_comes_out_as_it_is(name: str):
    for metadata in OF[name]:
        assert orjson.loads(written(name, "1", metadata)) == metadata


def test_marc_comes_back_as_xml_with_its_blanks():
    assert written("marcxml", "", MARC) == (
        b'<record xmlns="http://www.loc.gov/MARC21/slim"><leader>00000nam a2200000 a 4500</leader>'
        b'<controlfield tag="001"> 1 </controlfield>'
        b'<datafield tag="245" ind1=" " ind2="1"><subfield code="a">T </subfield></datafield></record>'
    )


def test_index_json_has_all_that_the_index_has_and_what_a_record_points_to():
    found = orjson.loads(written("index-json", "oai:x:1", DATACITE))
    fields = index_fields("oai:x:1", DATACITE)
    assert {name: found[name] for name in fields.__slots__} == {
        name: list(value) if isinstance(value := getattr(fields, name), tuple) else value for name in fields.__slots__
    }
    assert found["identifier"] == "oai:x:1"
    assert found["related"] == [{"identifier": "10.1234/b", "relation": "Cites", "scheme": "doi"}]
    (file,) = orjson.loads(written("index-json", "", ZENODO))["files"]
    assert (file["name"], file["size_bytes"]) == ("a.csv", 3)


def test_without_an_id_none_is_made_up():
    found = orjson.loads(written("index-json", "", DC))
    assert (found["identifier"], found["local_id"]) == (None, None)
