"""archive/audits/idfiles.py"""

import gzip
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
        "id": "ID",
        "stamp": "Updated",
        "deleted": None,
        "status": "status",
        "removed": None,
        "digest": "sha256",
    }


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


ZENODO_DELETED = (
    "record_id,doi,parent_id,removal_note,removal_reason,removal_date,citation_text\n"
    "1,10.5281/zenodo.1,9,,spam,2024-01-01T00:00:00,\n2,10.5281/zenodo.2,9,,,,\n"
)


def test_columns_are_known_by_their_usual_names(tmp_path: Path):
    assert read(tmp_path, "z.csv", ZENODO_DELETED.encode()) == [WantedId("1", None, True), WantedId("2")]
    body = b"doi,state,client_id,updated\n10.5/A,findable,x.y,2024-01-01\n10.5/B,registered,x.y,\n"
    assert read(tmp_path, "d.csv", body) == [WantedId("10.5/A", "2024-01-01", False), WantedId("10.5/B", None, True)]
    assert read(tmp_path, "n.csv", b"Title,Record ID\nx 1,7\n") == [WantedId("7")]
    assert read(tmp_path, "n.jsonl", b'{"DOI": "10.5/A", "State": "Draft"}\n') == [WantedId("10.5/A", None, True)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_tables_are_read_as_spreadsheets_write_them(tmp_path: Path, encoding: str, delimiter: str):
    text = f"Titel{delimiter}identifier\r\nÜber{delimiter}oai:x:é1\r\n\r\nb{delimiter}oai:x:2\r\n"
    wanted = [WantedId("oai:x:é1"), WantedId("oai:x:2")]
    assert read(tmp_path, "ids.csv", text.encode(encoding)) == wanted
    assert read(tmp_path, "ids.txt", text.encode(encoding)) == wanted


def test_what_is_compressed_is_read_and_what_is_cut_short_is_refused(tmp_path: Path):
    packed = gzip.compress(ZENODO_DELETED.encode() * 50)
    assert len(read(tmp_path, "z.csv.gz", gzip.compress(ZENODO_DELETED.encode()))) == 2
    for cut in (12, len(packed) // 2, len(packed) - 1):
        with pytest.raises(BadIdFile):
            read(tmp_path, "z.csv.gz", packed[:cut])


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"Signatur,Titel\n17,x\n", "Signatur"),
        (b"kennung\n17\n", "kennung"),
        (b'id,x\n1,"never closed\n2,y\n3,z\n', "quotation mark"),
        (b"id,x\n1,a,b\n", "line 2"),
        (b"id,x\n\x00\x01\x02,1\n", "not a text file"),
    ],
)
def test_a_table_that_cannot_be_read_whole_is_refused(tmp_path: Path, body: bytes, place: str):
    with pytest.raises(BadIdFile, match=place):
        read(tmp_path, "a.csv", body)


def test_an_id_keeps_every_character_that_is_not_a_blank_of_an_editor(tmp_path: Path):
    body = "\u00a0oai:x:1\u2028\n oai:x:2\u0085\t\n".encode()
    assert read(tmp_path, "ids.txt", body) == [WantedId("\u00a0oai:x:1\u2028"), WantedId("oai:x:2\u0085")]


def test_json_arrays_are_files_of_ids_too(tmp_path: Path):
    assert read(tmp_path, "a.json", b'[1,\n "oai:x:2", {"doi": "10.5/A"}]') == [
        WantedId("1"),
        WantedId("oai:x:2"),
        WantedId("10.5/A"),
    ]
    assert read(tmp_path, "b.json", b'{"id": 3}\n{"id": 4}\n') == [WantedId("3"), WantedId("4")]
