"""archive/audits/idfiles.py"""

from pathlib import Path

import duckdb
import pytest

from archive.audits.idfiles import WantedId, iter_ids, parquet_columns
from archive.errors import BadIdFile, DiskFailed


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


def test_a_parquet_file_is_read_by_the_names_of_its_columns(tmp_path: Path):
    path = tmp_path / "ids.parquet"
    duckdb.execute(
        "COPY (SELECT 1 AS extra, 7 AS ID, TIMESTAMP '2020-01-02 03:04:05' AS Updated, 'Deleted' AS status, "
        f"'{'A' * 64}' AS sha256) TO '{path}'"
    )
    assert list(iter_ids(path)) == [WantedId("7", "2020-01-02 03:04:05", True, "a" * 64)]
    assert parquet_columns(path) == {
        "id": "ID", "stamp": "Updated", "deleted": None, "status": "status", "digest": "sha256"
    }  # fmt: skip


def test_parquet_without_ids_and_what_is_no_parquet_is_refused(tmp_path: Path):
    nameless, empty, broken = tmp_path / "a.parquet", tmp_path / "b.parquet", tmp_path / "c.parquet"
    duckdb.execute(f"COPY (SELECT 1 AS number) TO '{nameless}'")
    duckdb.execute(f"COPY (SELECT NULL::VARCHAR AS id) TO '{empty}'")
    broken.write_bytes(b"PAR1 and then nothing")
    for path in (nameless, empty, broken):
        with pytest.raises(BadIdFile):
            list(iter_ids(path))
    for path in (nameless, broken):
        with pytest.raises(BadIdFile):
            parquet_columns(path)
