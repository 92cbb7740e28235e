"""Which files are wanted, as a person writes it."""

from pathlib import Path
from typing import Any

import pytest
from support import archive_builder

from archive.errors import NotAnArchive
from archive.files.lists import RecordFile
from harvester.crawl.arguments.files import DOWNLOADS, FileFilter, parse_files, parse_filter, split_files
from harvester.errors import UsageError

PDF = RecordFile("thesis.pdf", "https://x.example/1", 2_000_000)
CSV = RecordFile("d/table.csv", "https://x.example/2", 10, media_type="text/csv; charset=utf-8")
UNKNOWN = RecordFile("blob", "https://x.example/3")


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("true", [PDF, CSV, UNKNOWN]),
        ("size<=2MB", [PDF, CSV]),
        ("size<2MB", [CSV]),
        ("size>=2MB", [PDF]),
        ("size>1.5MB", [PDF]),
        ("size=10", [CSV]),
        ("size<=1.9MiB", [CSV]),
        ("type=application/pdf", [PDF]),
        ("type=text/*", [CSV]),
        ("type!=text/*", [PDF, UNKNOWN]),
        ("key=*.csv", [CSV]),
        ("key!=*.csv", [PDF, UNKNOWN]),
        ("key=*.csv,key=*.pdf", [PDF, CSV]),
        ("key=*.csv,size<5", []),
        ("set=user-x", [PDF, CSV, UNKNOWN]),
        ("set=user", []),
        ("set=user-x,set=other", [PDF, CSV, UNKNOWN]),
        ("set!=user-x", []),
        ("size<=100MB,type=application/pdf,set=user-x,key=*.pdf", [PDF]),
    ],
)
def test_a_filter_takes_what_it_says(text: str, taken: list[RecordFile]):
    wanted = parse_filter(text)
    assert [file for file in (PDF, CSV, UNKNOWN) if wanted.takes(file, ("user-x:sub",))] == taken
    assert parse_filter(str(wanted)) == wanted


@pytest.mark.parametrize(
    "text", ["", "yes", "size", "size<=", "size<=big", "size<=1XB", "size!=3", "type<text/plain", "colour=red", "key="]
)
def test_a_filter_that_cannot_be_read_says_what_is_allowed(text: str):
    with pytest.raises(UsageError, match="size<=100MB"):
        parse_filter(text)


@pytest.mark.parametrize(
    ("text", "names", "wanted"),
    [
        ("records-json.tar.gz", "records-json.tar.gz", ""),
        ("true", "", "true"),
        ("a.tar.gz,true", "a.tar.gz", "true"),
        ("size<5kB,a.tar.gz,b.csv.gz", "a.tar.gz,b.csv.gz", "size<5kB"),
        ("", "", ""),
    ],
)
def test_the_exporter_s_files_are_told_from_those_of_records(text: str, names: str, wanted: str):
    assert split_files(text) == (names, wanted)


def words(tmp_path: Path, **more: str) -> dict[str, str]:
    archive_builder.ended(tmp_path / "archive", [["1"]])
    return {"archive": str(tmp_path / "archive"), **more}


def test_an_archive_alone_says_whose_files_they_are(tmp_path: Path):
    found = parse_files(words(tmp_path))
    assert found.source.allowed_hosts == {"repository.example"}
    assert (found.wanted, found.windows, found.mode) == (FileFilter(), DOWNLOADS, "full")
    assert found.identity == {"files": "true", "sample": None}


def test_hosts_and_source_that_are_named_belong_to_it(tmp_path: Path):
    found = parse_files(words(tmp_path, hosts="files.example", source="zenodo", files="size<1", downloads="7"))
    assert {"repository.example", "files.example", "zenodo.org"} <= found.source.allowed_hosts
    assert found.windows == 7
    assert found.identity == {"files": "size<1", "hosts": "files.example", "source": "zenodo", "sample": None}


def test_an_archive_of_a_source_of_ours_is_asked_as_that_source(tmp_path: Path):
    source = {"name": "Zenodo", "url": "https://zenodo.org/oai2d", "hosts": ["zenodo.org"]}
    archive_builder.ArchiveWriter(tmp_path / "z", source, archive_builder.SOFTWARE).close()
    found = parse_files({"archive": str(tmp_path / "z")})
    assert found.source.token is not None
    assert found.source.host_budgets()["zenodo.org"]


@pytest.mark.parametrize("more", [{"prefix": "oai_dc"}, {"files": "no"}, {"sample": "x"}, {"downloads": "0"}])
def test_a_wrong_word_is_said(tmp_path: Path, more: dict[str, Any]):
    with pytest.raises(UsageError):
        parse_files(words(tmp_path, **more))


def test_without_an_archive_there_are_no_files(tmp_path: Path):
    with pytest.raises(NotAnArchive):
        parse_files({"archive": str(tmp_path)})
    with pytest.raises(UsageError):
        parse_files({})
