"""archive/idfiles.py"""

from pathlib import Path

import pytest

from archive.errors import BadIdFile, DiskFailed
from archive.idfiles import WantedId, iter_ids


def read(tmp_path: Path, name: str, body: bytes) -> list[WantedId]:
    path = tmp_path / name
    path.write_bytes(body)
    return list(iter_ids(path))


def test_text_has_one_id_a_line_and_remarks(tmp_path: Path):
    body = "\ufeff# from a colleague\noai:x:1\r\n\n  oai:x:ü \n".encode()
    assert read(tmp_path, "ids.txt", body) == [WantedId("oai:x:1"), WantedId("oai:x:ü")]


def test_csv_is_read_by_its_header_or_its_first_column(tmp_path: Path):
    body = b'status,datestamp,identifier\ndeleted,2020-01-01,"a,b"\n,,c\n'
    assert read(tmp_path, "ids.csv", body) == [WantedId("a,b", "2020-01-01", True), WantedId("c")]
    assert read(tmp_path, "bare.csv", b"1001,x\n1002,y\n") == [WantedId("1001"), WantedId("1002")]
    assert read(tmp_path, "ids.tsv", b"id\tdeleted\n7\tfalse\n") == [WantedId("7", None, False)]
    assert read(tmp_path, "empty.csv", b"") == []


def test_json_lines_hold_objects_or_bare_ids(tmp_path: Path):
    body = b'{"identifier": "a", "deleted": true}\n\n"b"\n17\n{"recid": 18, "status": "live"}\n'
    wanted = [WantedId("a", None, True), WantedId("b"), WantedId("17"), WantedId("18", None, False)]
    assert read(tmp_path, "ids.jsonl", body) == wanted


@pytest.mark.parametrize(
    ("name", "body", "place"),
    [
        ("a.jsonl", b'"a"\n{"identifier": \n', "line 2"),
        ("a.jsonl", b'{"name": 1}\n', "line 1"),
        ("a.csv", b"identifier,x\na,1\n,2\n", "line 3"),
        ("a.txt", b"\xff\xfe\x00", "UTF-8"),
        ("a.txt", b"x" * 2_000_000, "line 1"),
    ],
)
def test_what_is_no_file_of_ids_is_named_with_its_place(tmp_path: Path, name: str, body: bytes, place: str):
    with pytest.raises(BadIdFile, match=place):
        read(tmp_path, name, body)


def test_a_file_that_is_not_there_is_an_error_of_ours(tmp_path: Path):
    with pytest.raises(DiskFailed):
        list(iter_ids(tmp_path / "nothing"))
