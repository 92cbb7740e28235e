"""`index`, `sql`, `status` and `verify` as a user types them: what they print, and their exit codes."""

import csv
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from support import archive_builder
from support.command_runner import Typed

from archive.store.layout import Layout
from harvester.cli import COMMANDS

PAGES = [["oai:x:1", "oai:x:2"], ["oai:x:3"]]
STATES = ["read", "deleted", "absent", "moved", "forbidden", "refused", "lost", "open"]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    archive_builder.ended(tmp_path / "archive", PAGES)
    return tmp_path / "archive"


@pytest.fixture
def indexed(archive: Path, typed: Typed) -> Path:
    assert typed("index", archive).code == 0
    return archive


@pytest.mark.parametrize("name", ["index", "sql", "status", "verify"])
def test_each_command_explains_itself(typed: Typed, name: str):
    said = typed(name, "--help")
    assert (said.code, said.err) == (0, "")
    assert COMMANDS[name][1]
    assert "--json" in said.out


# --- index


def test_index_says_what_it_made(archive: Path, typed: Typed):
    said = typed("index", archive)
    assert (said.code, said.err) == (0, "")
    assert "3 records, 3 versions, 3 outcomes from 1 shard" in said.out
    report = json.loads(typed("index", archive, "--json").out)
    assert {name: report[name] for name in ("records", "versions", "harvested", "outcomes", "shards")} == {
        "records": 3,
        "versions": 3,
        "harvested": 3,
        "outcomes": 3,
        "shards": 1,
    }


def test_index_of_a_damaged_shard_ends_with_4(archive: Path, typed: Typed):
    [path] = Layout(archive).shards.iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    said = typed("index", archive)
    assert (said.code, said.out) == (4, "")
    assert path.name in said.err


@pytest.mark.parametrize("words", [("index",), ("sql", "SELECT 1"), ("status",), ("verify",)])
def test_a_folder_that_is_no_archive_is_a_usage_error(tmp_path: Path, typed: Typed, words: tuple[str, ...]):
    said = typed(words[0], tmp_path, *words[1:])
    assert (said.code, said.out) == (2, "")
    assert str(tmp_path) in said.err


# --- sql


def test_sql_prints_a_table(indexed: Path, typed: Typed):
    said = typed("sql", indexed, "SELECT identifier, deleted, sets, NULL AS nothing FROM records ORDER BY identifier")
    assert (said.code, said.err) == (0, "")
    head, *lines = said.out.splitlines()
    assert head.split() == ["identifier", "deleted", "sets", "nothing"]
    assert [line.split() for line in lines] == [[f"oai:x:{n}", "false", '["a",', '"a:b"]'] for n in (1, 2, 3)]


def test_sql_prints_json_and_csv_with_every_kind_of_value(indexed: Path, typed: Typed):
    query = (
        "SELECT 1 AS a, 1.5 AS b, 'x,\"y\"' AS c, metadata AS d, datestamp AS e, deleted AS f, sets AS g, NULL AS h, "
        "'nan'::DOUBLE AS i, {'k': [1]} AS j, '\\x01'::BLOB AS k, 2::HUGEINT ** 90 AS l, 1 AS a "
        "FROM records WHERE identifier = 'oai:x:1'"
    )
    [row] = json.loads(typed("sql", indexed, query, "--json").out)
    assert row == {
        "a": 1,
        "b": 1.5,
        "c": 'x,"y"',
        "d": {"title": ["Title of oai:x:1"]},
        "e": "2020-01-01T00:00:00",
        "f": False,
        "g": ["a", "a:b"],
        "h": None,
        "i": None,
        "j": {"k": [1]},
        "k": "01",
        "l": 2.0**90,
        "a_2": 1,
    }
    head, values = csv.reader(io.StringIO(typed("sql", indexed, query, "--csv").out))
    assert head == [*"abcdefghijkl", "a"]
    assert values[:9] == [
        "1",
        "1.5",
        'x,"y"',
        '{"title":["Title of oai:x:1"]}',
        "2020-01-01T00:00:00",
        "false",
        '["a", "a:b"]',
        "",
        "",
    ]


def test_sql_prints_json_without_rows_too(indexed: Path, typed: Typed):
    assert json.loads(typed("sql", indexed, "SELECT 1 WHERE false", "--json").out) == []
    assert len(json.loads(typed("sql", indexed, "FROM range(12345)", "--json").out)) == 12345


def test_sql_shows_no_more_rows_than_a_person_reads_and_says_so(indexed: Path, typed: Typed):
    said = typed("sql", indexed, "FROM range(5000)")
    assert len(said.out.splitlines()) == 1001
    assert "--csv" in said.err
    assert len(typed("sql", indexed, "FROM range(5000)", "--csv").out.splitlines()) == 5001


def test_sql_does_not_let_a_title_steer_the_terminal(indexed: Path, typed: Typed):
    out = typed("sql", indexed, "SELECT chr(27) || '[31m[bold]red[/bold]' AS title").out
    assert "\x1b" not in out
    assert "[bold]red[/bold]" in out


@pytest.mark.parametrize(
    "query",
    [
        "",
        "SELEKT 1",
        "SELECT nothing FROM records",
        "DELETE FROM versions",
        "SELECT * FROM read_text('/dev/null')",
        "SET lock_configuration = false",
        "SELECT error('x') FROM records",
    ],
)
def test_sql_that_does_not_run_is_a_usage_error(indexed: Path, typed: Typed, query: str):
    said = typed("sql", indexed, query)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("harvester: ")


def test_sql_makes_a_missing_or_older_index_current_unless_that_is_refused(archive: Path, typed: Typed):
    said = typed("sql", archive, "SELECT 1", "--no-refresh")
    assert (said.code, said.out) == (3, "")
    assert f"harvester index {archive}" in said.err
    said = typed("sql", archive, "SELECT count(*) AS n FROM records", "--csv")
    assert (said.code, said.out) == (0, "n\n3\n")
    assert said.err.count("\n") == 1
    assert typed("sql", archive, "SELECT 1", "--no-refresh").code == 0
    with closing(sqlite3.connect(Layout(archive).ledger)) as db, db:
        db.execute("UPDATE runs SET state = 'findings'")
    assert typed("sql", archive, "SELECT 1", "--no-refresh").code == 3
    assert typed("sql", archive, "SELECT state FROM runs", "--csv").out == "state\nfindings\n"


def test_a_census_leaves_the_records_of_an_index_current(indexed: Path, typed: Typed):
    made = archive_builder.writer(indexed)
    made.begin("oaipmh", "census", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    made.close()
    said = typed("sql", indexed, "SELECT count(*) AS n FROM records", "--csv", "--no-refresh")
    assert (said.code, said.out) == (0, "n\n3\n")
    assert "census" in said.err
    assert typed("profile", indexed, "--no-refresh").code == 0
    assert typed("status", indexed, "--json").code == 3
    said = typed("sql", indexed, "SELECT mode FROM runs ORDER BY run", "--csv")
    assert (said.code, said.out.splitlines()[-1]) == (0, "census")
    made = archive_builder.writer(indexed)
    made.begin("oaipmh", "incremental", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    made.close()
    assert typed("sql", indexed, "SELECT 1", "--no-refresh").code == 3


# --- status


def test_status_of_a_complete_archive(indexed: Path, typed: Typed):
    said = typed("status", indexed)
    assert (said.code, said.err) == (0, "")
    assert "3 listed = 3 read; complete: yes" in said.out
    for state in STATES:
        assert state in said.out
    assert "Next:" not in said.out


def test_status_as_json_has_stable_keys(indexed: Path, typed: Typed):
    found = json.loads(typed("status", indexed, "--json").out)
    assert list(found) == [
        "archive",
        "id",
        "source",
        "created",
        "state",
        "complete",
        "balanced",
        "listed",
        "states",
        "channels",
        "off",
        "runs",
        "windows",
        "totals",
        "findings",
        "shards",
        "quarantine",
        "index",
        "next",
        "files",
    ]
    assert (found["state"], found["balanced"], found["complete"], found["listed"]) == ("complete", True, True, 3)
    assert list(found["states"]) == STATES
    assert found["runs"][0]["channels"][0]["channel"] == "oaipmh:oai_dc"


def test_status_of_an_unfinished_harvest_says_how_it_goes_on(tmp_path: Path, typed: Typed):
    made = archive_builder.writer(tmp_path)
    words = {"url": archive_builder.URL, "prefix": ["oai_dc", "marc"], "set": [], "from": None, "shard": [1, 4]}
    made.begin("oaipmh", "census", words, archive_builder.SOFTWARE)
    made.close()
    said = typed("status", tmp_path)
    assert said.code == 3
    assert (
        f"harvester crawl oaipmh -a prefix=oai_dc,marc -a shard=1/4 -a url={archive_builder.URL} -a mode=census "
        f"-a archive={tmp_path}"
    ) in said.out


def test_status_of_an_archive_with_findings_ends_with_1(tmp_path: Path, typed: Typed):
    made, channel, (window,) = archive_builder.begun(tmp_path)
    made.put(
        archive_builder.answer(
            channel,
            window.window,
            [],
            outcomes=[("oai:x:1", None, "refused", None)],
            payload=(),
            listed=0,
            url=archive_builder.URL,
            state="refused",
        )
    )
    made.finish("findings")
    made.close()
    said = typed("status", tmp_path)
    assert said.code == 1
    assert "1 listed = 1 refused; complete: no" in said.out


def test_status_names_a_row_that_is_off_and_ends_with_4(archive: Path, typed: Typed):
    with closing(sqlite3.connect(Layout(archive).ledger)) as db, db:
        db.execute("UPDATE requests SET listed = listed + 1 WHERE request = 2")
    said = typed("status", archive)
    assert said.code == 4
    assert "request 2 names 2 outcomes, 1 are there" in said.out
    assert json.loads(typed("status", archive, "--json").out)["off"][0]["row"] == "2"


# --- verify


def test_verify_of_what_was_written(indexed: Path, typed: Typed):
    said = typed("verify", indexed)
    assert (said.code, said.err) == (0, "")
    assert "read 3 records in 2 frames of 1 shard" in said.out
    found = json.loads(typed("verify", indexed, "--json").out)
    assert (found["damaged"], found["problems"], found["records"]) == (False, [], 3)
    assert typed("verify", next(Layout(indexed).shards.iterdir())).code == 0


def test_verify_names_damage_and_ends_with_4(archive: Path, typed: Typed):
    [path] = Layout(archive).shards.iterdir()
    body = bytearray(path.read_bytes())
    body[30] ^= 1
    path.write_bytes(body)
    said = typed("verify", archive)
    assert said.code == 4
    assert said.out.startswith(f"damaged: shards/{path.name}, frame 0: ")
    [problem] = json.loads(typed("verify", archive, "--json").out)["problems"]
    assert list(problem) == ["kind", "file", "frame", "record", "code", "message"]
    assert (problem["kind"], problem["frame"]) == ("damaged", 0)
    assert typed("verify", path).code == 4


def test_verify_names_a_foreign_file_and_ends_with_1(archive: Path, typed: Typed):
    (archive / "notes.txt").write_text("x")
    said = typed("verify", archive)
    assert said.code == 1
    assert said.out.startswith("extra: notes.txt: ")


# --- index: check, Parquet, releases


def test_index_reads_only_what_is_new_unless_told(indexed: Path, typed: Typed):
    assert json.loads(typed("index", indexed, "--json").out)["read"] == 0
    assert json.loads(typed("index", indexed, "--full", "--json").out)["read"] == 3


def test_index_check_says_whether_it_is_equal(indexed: Path, typed: Typed):
    said = typed("index", indexed, "--check")
    assert (said.code, said.err) == (0, "")
    assert json.loads(typed("index", indexed, "--check", "--json").out) == {"equal": True, "differences": []}
    Layout(indexed).index.with_name("index.duckdb.sha256").unlink()
    with duckdb.connect(Layout(indexed).index) as db:
        db.execute("UPDATE versions SET title = 'x' WHERE identifier = 'oai:x:2'")
    said = typed("index", indexed, "--check", "--json")
    assert said.code == 4
    [found] = json.loads(said.out)["differences"]
    assert found == {"table": "versions", "shard": 1, "found": 3, "expected": 3, "first": "oai:x:2"}
    assert typed("index", indexed, "--check").code == 4
    assert typed("index", indexed, "--full").code == 0
    assert typed("index", indexed, "--check").code == 0


def test_index_writes_parquet_once(archive: Path, tmp_path: Path, typed: Typed):
    said = typed("index", archive, "--parquet", tmp_path / "pq", "--json")
    assert said.code == 0
    assert json.loads(said.out)["tables"]["records"] == 3
    assert (tmp_path / "pq" / "tables.json").exists()
    assert typed("index", archive, "--parquet", tmp_path / "pq").code == 2


def test_index_of_a_release_is_beside_it(archive: Path, tmp_path: Path, typed: Typed):
    assert typed("dump", archive, tmp_path / "r", "--licence-unknown").code == 0
    assert "3" in typed("sql", tmp_path / "r", "SELECT count(*) FROM records").out
    assert json.loads(typed("index", tmp_path / "r", "--json").out)["path"] == str(tmp_path / "r.duckdb")
    assert typed("index", tmp_path / "r", "--check").code == 0
    assert "Title of oai:x:1" in typed("sql", tmp_path / "r", "SELECT title FROM records").out
    assert typed("index", tmp_path / "r", "--out", tmp_path / "other.duckdb").code == 0
    assert (tmp_path / "other.duckdb").exists()


def test_out_is_for_a_release(archive: Path, tmp_path: Path, typed: Typed):
    said = typed("index", archive, "--out", tmp_path / "other.duckdb")
    assert (said.code, said.out) == (2, "")


def test_index_prints_the_macro_for_any_duckdb(indexed: Path, typed: Typed):
    macro = typed("index", "--macro")
    assert macro.code == 0
    with duckdb.connect() as db:
        db.execute(macro.out)
        shards = str(Layout(indexed).shards / "*.json-seq.zst")
        assert db.execute("SELECT count(*) FROM shard_records($path)", {"path": shards}).fetchall() == [(3,)]
