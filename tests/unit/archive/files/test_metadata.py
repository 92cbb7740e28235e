"""The files of a record, in each form that names some."""

import json
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from archive.crosswalks.marc import marc_json
from archive.files.checksums import Checksum
from archive.files.lists import FileList, NotAList, RecordFile
from archive.files.metadata import files_of, parse_file_list, rank
from archive.store.envelope import Record

URL = "https://repository.example/api/records/1"
MD5 = Checksum("md5", "0" * 32)
AGGREGATES = "http://www.openarchives.org/ore/terms/aggregates"


def record(metadata: dict[str, Any] | None, url: str = URL, original: str | None = None, **more: Any) -> Record:
    return Record("1", "", more.get("deleted", False), (), "f", "t", url, "", None, metadata, original)


def of(corpus: Path, name: str, url: str = URL) -> FileList:
    values = json.loads((corpus / name).read_text())
    return files_of(record(values["hits"]["hits"][0] if "hits" in values else values, url))


def entry(key: str = "a b/c.txt", **more: Any) -> dict[str, Any]:
    return {"key": key, "size": 3, "checksum": str(MD5), "mimetype": "text/plain", **more}


def test_entries_of_invenio_have_their_content_beside_the_record():
    (one,) = files_of(record({"files": {"enabled": True, "count": 1, "entries": {"a b/c.txt": entry()}}})).files
    assert one == RecordFile("a b/c.txt", f"{URL}/files/a%20b/c.txt/content", 3, MD5, "text/plain")
    linked = entry(links={"content": f"{URL}/elsewhere"})
    assert files_of(record({"files": {"entries": {"x": linked}}})).files[0].url == f"{URL}/elsewhere"


@pytest.mark.parametrize(
    "files", [{"enabled": True}, {"enabled": True, "count": 2, "entries": {"x": entry("x")}}, {"entries": None}]
)
def test_entries_that_are_not_all_there_are_asked_for(files: dict[str, Any]):
    assert files_of(record({"files": files, "links": {"files": f"{URL}/list"}})) == FileList(ask=f"{URL}/list")
    assert files_of(record({"files": files})).ask == f"{URL}/files"


@pytest.mark.parametrize("files", [{"enabled": False}, {"enabled": True, "count": 0, "entries": {}}, []])
def test_a_record_without_files_has_none(files: Any):
    assert files_of(record({"files": files})) == FileList()
    assert files_of(record({"files": {"entries": {"x": entry()}}}, deleted=True)) == FileList()


@pytest.mark.parametrize(
    ("metadata", "original"),
    [
        ({"titles": [{"title": "DataCite"}]}, None),
        ({"title": ["DC"]}, "<dc/>"),
        (None, None),
        (None, "<mods/>"),
        ({"leader": "x", "fields": [{"245": {"subfields": [{"a": "MARC"}]}}]}, None),
        ({"@type": "Dataset"}, None),
    ],
)
def test_a_form_that_names_no_files_is_silent_about_them(metadata: dict[str, Any] | None, original: str | None):
    assert files_of(record(metadata, original=original)) == FileList(silent=True)


@pytest.mark.parametrize(
    ("metadata", "original"),
    [
        ({"files": []}, None),
        ({"eprintid": 1}, None),
        ({"global_id": "doi:1", "fileCount": 0}, None),
        ({"conceptrecid": "1", "metadata": {"access_right": "closed"}}, None),
        ({"documents": []}, None),
        (None, '<mets xmlns="http://www.loc.gov/METS/"/>'),
        (None, '<e xmlns="http://eprints.org/ep2/data/2.0"/>'),
    ],
)
def test_a_form_that_would_name_files_says_when_there_are_none(metadata: dict[str, Any] | None, original: str | None):
    assert files_of(record(metadata, original=original)) == FileList()
    assert not files_of(record(metadata, original=original, deleted=True)).silent


def test_closed_files_of_zenodo_s_legacy_json_are_asked_for():
    closed = {"files": [], "metadata": {"access_right": "restricted"}, "links": {"files": f"{URL}/files"}}
    assert files_of(record(closed)) == FileList(ask=f"{URL}/files")


def test_an_entry_that_names_no_file_is_counted_and_not_dropped_in_silence():
    assert files_of(record({"files": [{"size": 3}, {"key": "x"}]})).unusable == 2
    assert parse_file_list(json.dumps({"entries": [{"size": 3}]}).encode(), URL).unusable == 1


def test_two_files_of_one_name_are_two():
    documents = [{"files": [{"filename": "x.pdf", "uri": f"/id/file/{n}", "hash": "0" * 32}]} for n in (1, 2, 2)]
    found = files_of(record({"documents": documents}))
    assert [file.url for file in found.files] == [f"https://repository.example/id/file/{n}" for n in (1, 2)]
    assert len({file.key for file in found.files}) == 2


def test_a_table_of_dataverse_is_asked_for_as_it_was_uploaded():
    data = {
        "id": 9,
        "filename": "t.tab",
        "filesize": 4026,
        "tabularData": True,
        "originalFileSize": 6443,
        "originalFileName": "t.dta",
        "checksum": {"type": "MD5", "value": "0" * 32},
    }
    version = {"files": [{"label": "t.tab", "directoryLabel": "data", "dataFile": data}]}
    for metadata in ({"datasetVersion": version}, {"data": {"latestVersion": version}}):
        (one,) = files_of(record(metadata, "https://d.example/api/datasets/1")).files
        assert (one.key, one.size, one.checksum) == ("data/t.dta", 6443, MD5)
        assert one.url == "https://d.example/api/access/datafile/9?format=original"


def test_a_hit_of_dataverse_s_search_has_its_list_elsewhere():
    hit = record({"global_id": "doi:10.5072/A", "fileCount": 2}, "https://d.example/api/search?q=*")
    assert files_of(hit).ask == (
        "https://d.example/api/datasets/:persistentId/versions/:latest-published/files?persistentId=doi:10.5072/A"
    )
    body = json.dumps({"status": "OK", "data": [{"label": "x", "dataFile": {"id": 3}}]}).encode()
    assert parse_file_list(body, "https://d.example/api/x").files[0].url == "https://d.example/api/access/datafile/3"


def test_marc_names_files_and_links_to_pages():
    marc = f"""<record xmlns="http://www.loc.gov/MARC21/slim">
      <datafield tag="856" ind1="4" ind2=" "><subfield code="s">12</subfield><subfield code="z">{MD5}</subfield>
        <subfield code="u">https://repository.example/records/1/files/test.pdf</subfield></datafield>
      <datafield tag="856" ind1="4" ind2="0"><subfield code="u">https://x.example/thesis.pdf</subfield></datafield>
      <datafield tag="856" ind1="4" ind2="1"><subfield code="u">http://purl.example/GPO/LPS81536</subfield></datafield>
      <datafield tag="856" ind1="4" ind2="2"><subfield code="u">https://x.example/cover.jpg</subfield></datafield>
      <datafield tag="856" ind1=" " ind2="2"><subfield code="a">doi:10.1234/foo</subfield></datafield></record>"""
    found = files_of(record(marc_json(etree.fromstring(marc))))
    assert [(file.key, file.size, file.checksum, file.is_link) for file in found.files] == [
        ("test.pdf", 12, MD5, True),
        ("thesis.pdf", None, None, True),
    ]


def test_schema_org_names_files_with_a_place():
    part = {"@type": "DataDownload", "name": "a.txt", "contentSize": "18 B", "contentUrl": "/d/1", "sha256": "1" * 64}
    for distribution in (part, [part, {"@type": "DataDownload"}, {"contentUrl": "s3://bucket/x"}]):
        (one,) = files_of(record({"distribution": distribution})).files
        assert (one.key, one.size, one.url) == ("a.txt", 18, "https://repository.example/d/1")
        assert one.checksum == Checksum("sha256", "1" * 64)


def test_figshare_s_own_words_are_known():
    file = {"name": "x.xls", "size": 5, "download_url": "https://ndownloader.example/1", "computed_md5": "0" * 32}
    (one,) = files_of(record({"files": [file]})).files
    assert (one.key, one.size, one.checksum, one.url) == ("x.xls", 5, MD5, "https://ndownloader.example/1")


BAD = "http://[bad/x.pdf"
XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'


@pytest.mark.parametrize(
    ("metadata", "original"),
    [
        ({"fields": [{"856": {"subfields": [{"u": BAD}, {"s": "3"}]}}]}, None),
        ({"files": [{"key": "x.pdf", "links": {"self": BAD}}]}, None),
        ({"files": {"entries": {"a": {"key": "x.pdf", "links": {"content": BAD}}}}}, None),
        ({"documents": [{"files": [{"filename": "x.pdf", "uri": BAD}]}]}, None),
        ({"datasetVersion": {"files": [{"label": "x.pdf", "dataFile": {"id": 1}}]}}, None),
        ({"distribution": [{"contentUrl": BAD}]}, None),
        (None, f'<mets xmlns="http://www.loc.gov/METS/" {XLINK}><file><FLocat xlink:href="{BAD}"/></file></mets>'),
        (
            None,
            f'<e xmlns="http://eprints.org/ep2/data/2.0"><file><filename>x.pdf</filename><url>{BAD}</url></file></e>',
        ),
        (None, f'<e xmlns="http://www.w3.org/2005/Atom"><link rel="{AGGREGATES}" href="{BAD}"/></e>'),
    ],
)
def test_what_is_no_url_is_handed_on_as_it_stands_and_keeps_no_run_from_going_on(
    metadata: dict[str, Any] | None, original: str | None
):
    assert [file.key for file in files_of(record(metadata, original=original)).files] == ["x.pdf"]
    assert [file.key for file in files_of(record(metadata, "http://[bad", original)).files] == ["x.pdf"]


def test_what_was_deposited_is_named_by_xoai_and_what_dspace_made_of_it_is_not(corpus: Path):
    original = (corpus / "dspace" / "xoai-fixtures" / "xoai-example.xml").read_text()
    (one,) = files_of(record(None, original=original)).files
    at = "http://localhost:8080/xmlui/bitstream/123456789/3/1/10.1.1.13.814.pdf"
    checksum = Checksum("md5", "de2290628b85b17abdf829d121793c77")
    assert one == RecordFile("10.1.1.13.814.pdf", at, 449025, checksum, "application/pdf", is_link=True)


def test_an_aggregation_names_what_it_aggregates():
    ore = f"""<entry xmlns="http://www.w3.org/2005/Atom"><link rel="alternate" href="https://x.example/1"/>
      <link rel="{AGGREGATES}" href="https://x.example/bitstream/1/2/a%20b.pdf" title="a b.pdf" length="3"
            type="application/pdf"/><link rel="{AGGREGATES}" href="https://x.example/bitstream/1/3/c%20d"/></entry>"""
    found = files_of(record(None, original=ore))
    assert [(file.key, file.size, file.media_type) for file in found.files] == [
        ("a b.pdf", 3, "application/pdf"),
        ("c d", None, None),
    ]


def test_mets_names_files_in_its_own_xml():
    mets = """<mets xmlns="http://www.loc.gov/METS/" xmlns:xlink="http://www.w3.org/1999/xlink"><fileSec><fileGrp>
      <file MIMETYPE="application/pdf" SIZE="7" CHECKSUM="00000000000000000000000000000000" CHECKSUMTYPE="MD5">
      <FLocat xlink:href="https://x.example/bitstream/1/2/a.pdf"/></file></fileGrp></fileSec></mets>"""
    (one,) = files_of(record(None, original=mets)).files
    assert (one.key, one.size, one.checksum, one.media_type) == ("a.pdf", 7, MD5, "application/pdf")


def test_a_namespace_that_lxml_would_not_make_hides_no_file():
    eprint = """<eprint xmlns="http://eprints.org/ep2/data/2.0"><file>
      <odd xmlns="http://}x"/><n xmlns="n"/><filename>a.pdf</filename><url>https://x.example/1/a.pdf</url></file></eprint>"""
    assert [file.key for file in files_of(record(None, original=eprint)).files] == ["a.pdf"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message": "no"}', b'{"data": {}}', b"null"])
def test_what_is_no_list_of_files_is_said(body: bytes):
    with pytest.raises(NotAList):
        parse_file_list(body, URL)


def test_forms_that_say_more_come_first():
    forms = ["marc21", "oai_dc", "zenodo-json", "inveniordm-json", "jsonld"]
    assert sorted(forms, key=rank) == ["inveniordm-json", "zenodo-json", "jsonld", "marc21", "oai_dc"]


def test_real_records_name_their_files(corpus: Path):
    zenodo = of(corpus, "zenodo/rest-json/cldf-record.json").files
    assert [(file.key, file.size, str(file.checksum), file.url) for file in zenodo] == [
        (
            "lexibank/utoaztecan-v1.1.zip",
            805940,
            "md5:43e15e8115e5610cb029dce137cbea6f",
            "https://zenodo.org/api/records/5173799/files/lexibank/utoaztecan-v1.1.zip/content",
        )
    ]
    assert len(of(corpus, "zenodo/legacy-rest-http/200-records_7078725.json").files) == 7
    assert of(corpus, "zenodo/rest-json/preston-zenodo-13505983.json").ask == (
        "https://zenodo.org/api/records/13505983/files"
    )
    body = (corpus / "zenodo/rest-json/preston-zenodo-13505983-files.json").read_bytes()
    (listed,) = parse_file_list(body, "https://zenodo.org/api/records/13505983/files").files
    assert (listed.size, listed.url.endswith("TRAITS,%20.]/content")) == (557019, True)
    (rdm,) = of(corpus, "invenio-rdm/full-record.api.json").files
    assert rdm.url == "https://127.0.0.1:5000/api/records/12345-abcde/files/test.txt/content"
    assert len(of(corpus, "invenio-rdm/caltech-records/6v5rz-dkg58.json").files) == 23
    assert of(corpus, "invenio-rdm/caltech-records/580bm-z1182.json").ask is not None
    assert of(corpus, "invenio-rdm/caltech-records/0qj6g-79g34.json") == FileList()
    (eprint,) = of(corpus, "eprints/json-export/eprint-other.json").files
    assert (eprint.size, eprint.url) == (70090, "https://philsci-archive.pitt.edu/id/file/1732")
    dataverse = of(corpus, "dataverse/native-and-exports/croissant_restricted_in_datasetJson.json").files
    assert [file.key for file in dataverse] == ["code/compute.py", "doc/README.md", "data/stata13-auto.dta"]


def test_real_xml_of_eprints_names_its_files(corpus: Path):
    text = (corpus / "eprints/ep3xml/test_eprint1.xml").read_bytes()
    root = etree.fromstring(text)
    found = files_of(record(None, original=etree.tostring(root, encoding="unicode"))).files
    assert len(found) == 6
    assert found[0].checksum == Checksum("md5", "8e4d3d63d119669fde1e503dd6f48f67")
