"""archive/migrations/log.py: columns, words and delimiters of logs that people really keep."""

from pathlib import Path

import pytest
from support import migration_builder

from archive.errors import BadIdFile
from archive.migrations.log import LogLine, Wording, columns_of, iter_log, parse_wording, said_by


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_columns_are_found_by_their_names(tmp_path: Path, delimiter: str):
    header = ["Catalog Number", "Deposition-ID", "Status", "Error message"]
    log = migration_builder.write_csv(
        tmp_path / "l.csv", header, [["B1", "12", "OK", ""], ["B2", "", "Failed", "504"]], delimiter
    )
    assert list(iter_log(log, Wording())) == [
        LogLine(2, "B1", "done", None, "12"),
        LogLine(3, "B2", "failed", "504", None),
    ]


def test_a_quoted_field_of_several_lines_is_one(tmp_path: Path):
    log = migration_builder.write_csv(
        tmp_path / "l.csv", ["item", "status", "error"], [["a", "failed", "x\ny"], ["b", "ok", ""]]
    )
    assert [(line.line, line.item) for line in iter_log(log, Wording())] == [(3, "a"), (4, "b")]


@pytest.mark.parametrize(
    ("value", "column", "said"),
    [
        ("201", "http_status", "done"),
        ("404", "http_status", "failed"),
        (504, "code", "failed"),
        ("1", "ok", "done"),
        ("0", "success", "failed"),
        ("0", "exit_code", "done"),
        ("1", "exit code", "failed"),
        ("137", "exitcode", "failed"),
        (None, "status", "pending"),
        ("TRUE", "ok", "done"),
        ("wat", "status", None),
        ("42", "status", None),
    ],
)
def test_a_status_is_read_by_its_column(value: object, column: str, said: str | None):
    assert said_by(value, column, {}) == said


def test_a_word_that_is_not_known_is_named_with_its_line_and_can_be_said(tmp_path: Path):
    log = migration_builder.write_csv(tmp_path / "l.csv", ["item", "status"], [["a", "ok"], ["b", "geschafft"]])
    with pytest.raises(BadIdFile, match=r"line 3.*geschafft.*--column done="):
        list(iter_log(log, Wording()))
    assert [line.said for line in iter_log(log, parse_wording(["done=ok,geschafft"]))] == ["done", "done"]


def test_without_a_status_a_reason_says_that_it_failed(tmp_path: Path):
    log = migration_builder.write_csv(tmp_path / "l.csv", ["item", "error"], [["a", ""], ["b", "504"]])
    assert [line.said for line in iter_log(log, Wording())] == ["done", "failed"]


def test_a_column_that_must_be_there_is_asked_for(tmp_path: Path):
    log = migration_builder.write_csv(tmp_path / "l.csv", ["what", "how"], [["a", "ok"]])
    with pytest.raises(BadIdFile, match="--column item="):
        list(iter_log(log, Wording()))
    assert [line.item for line in iter_log(log, parse_wording(["item=what", "status=how"]))] == ["a"]
    with pytest.raises(BadIdFile, match="'other'"):
        list(iter_log(log, parse_wording(["item=other", "status=how"])))


def test_the_table_of_an_sqlite_file_is_the_one_that_fits_or_is_named(tmp_path: Path):
    path = migration_builder.write_sqlite(tmp_path / "l.db", "notes", ["text"], [["x"]])
    migration_builder.write_sqlite(path, "my uploads", ["item", "status"], [["a", "ok"], ["b", 503]])
    assert [line.said for line in iter_log(path, Wording())] == ["done", "failed"]
    migration_builder.write_sqlite(path, "older", ["item", "status"], [["c", "ok"]])
    with pytest.raises(BadIdFile, match="table="):
        list(iter_log(path, Wording()))
    assert [line.item for line in iter_log(path, parse_wording(["table=older"]))] == ["c"]


def test_what_is_no_log_is_refused(tmp_path: Path):
    (tmp_path / "l").write_bytes(b"\xff\xfe\x00item")
    with pytest.raises(BadIdFile):
        list(iter_log(tmp_path / "l", Wording()))
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(BadIdFile):
        list(iter_log(tmp_path / "empty.csv", Wording()))
    log = migration_builder.write_csv(tmp_path / "l.csv", ["item", "status"], [["", "ok"]])
    with pytest.raises(BadIdFile, match="line 2: no item"):
        list(iter_log(log, Wording()))


@pytest.mark.parametrize("said", ["item", "colour=x", "item="])
def test_what_is_no_wording_is_refused(said: str):
    with pytest.raises(ValueError, match=said.partition("=")[0]):
        parse_wording([said])


def test_one_column_has_one_role():
    assert columns_of(["id", "doi", "status"], {}) == {"item": "id", "status": "status", "target": "doi"}
    assert columns_of(["barcode", "http_status"], {})["reason"] == "http_status"


def test_a_status_that_says_why_it_failed_is_the_reason(tmp_path: Path):
    rows = [["a", "504"], ["b", "failed"], ["c", "Timeout"], ["d", "201"], ["e", "0"]]
    log = migration_builder.write_csv(tmp_path / "l.csv", ["item", "status"], rows)
    assert [line.reason for line in iter_log(log, Wording())] == ["504", None, "Timeout", None, None]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_log_of_a_spreadsheet_is_read_in_its_encoding(tmp_path: Path, encoding: str):
    (tmp_path / "l.csv").write_bytes("Item;Status\r\nÄ-1;ok\r\nÄ-2;failed\r\n".encode(encoding))
    assert [line.item for line in iter_log(tmp_path / "l.csv", Wording())] == ["Ä-1", "Ä-2"]


def test_a_quotation_mark_that_is_never_closed_hides_no_line(tmp_path: Path):
    (tmp_path / "l.csv").write_text('item,status\na,ok\n"b,ok\nc,failed\n')
    with pytest.raises(BadIdFile, match="quotation mark"):
        list(iter_log(tmp_path / "l.csv", Wording()))
