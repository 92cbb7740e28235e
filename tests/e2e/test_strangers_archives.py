"""Archives of strangers: what their ledgers and indexes name, and their links, leads nowhere, for any command."""

import hashlib
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
from support import archive_builder, fork_server
from support.harvest_runs import HARVESTER, environment

from archive.disk import durable
from archive.errors import Damaged
from archive.index.build import index
from archive.index.file import index_digest
from archive.store.layout import Layout
from archive.store.ledger import Ledger
from archive.store.snapshots import write_digest
from archive.store.writer import ArchiveWriter
from harvester.cli import main
from harvester.serving.holdings import ArchiveHoldings

# what is outside of the archive, in the folder that it lies in: a shard, which would be read if it were looked at
OUTSIDE = "secret"
NAME = "UPDATE shards SET name = ?"
REFUSED = f"INSERT INTO quarantine (request, name, bytes, sha256) VALUES (1, ?, 1, '{'0' * 64}')"
# how a ledger is forged: the statement, its value, and what must be named when it is refused
FORGED: dict[str, tuple[str, str, str]] = {
    "a shard above": (NAME, f"../../{OUTSIDE}", f"../../{OUTSIDE}"),
    "a shard above, with an ending": (NAME, "../../00001.json-seq.zst", "../../00001.json-seq.zst"),
    "a shard in a folder": (NAME, "00001/../../../00001.json-seq.zst", "00001/.."),
    "an absolute shard": (NAME, f"{{folder}}/{OUTSIDE}", f"/{OUTSIDE}"),
    "a shard with NUL": (NAME, "00001.json-seq.zst\0", "\\x00"),
    "a shard with NUL before": (NAME, f"00001\0/../../../{OUTSIDE}.json-seq.zst", "\\x00"),
    "a shard with other digits": (NAME, "\u0660\u0660\u0660\u0660\u0661.json-seq.zst", "\\u0660"),
    "another shard": (NAME, "ledger.sqlite", "ledger.sqlite"),
    "a refused body above": (REFUSED, f"../../{OUTSIDE}", f"../../{OUTSIDE}"),
    "an absolute refused body": (REFUSED, f"{{folder}}/{OUTSIDE}", f"/{OUTSIDE}"),
    "a refused body with NUL": (REFUSED, "000001\0", "\\x00"),
    "a trigger": ("CREATE TRIGGER stranger AFTER INSERT ON runs BEGIN DELETE FROM shards; END", "", "stranger"),
    "a view for the shards": (
        ("ALTER TABLE shards RENAME TO others; CREATE VIEW shards AS SELECT shard, CASE WHEN random() > 0 THEN name "
        f"ELSE '../../{OUTSIDE}' END AS name, run, state, records, frames, bytes, content_bytes, sha256, sha512 "
        "FROM others"), "", "shards",
    ),
}  # fmt: skip
COMMANDS = {
    "verify": ["verify", "{archive}"], "verify --quick": ["verify", "{archive}", "--quick"],
    "status": ["status", "{archive}"], "why": ["why", "{archive}", "oai:x:1", "--record"],
    "get": ["get", "{archive}", "oai:x:1"], "fixity": ["fixity", "{archive}"], "index": ["index", "{archive}"],
    "dump": ["dump", "{archive}", "{out}", "--form", "envelope", "--licence-unknown"],
    "bag": ["bag", "{archive}", "{out}"],
    "convert": ["convert", "{archive}"], "convert to": ["convert", "{archive}", "--to", "datacite-json"],
    "validate": ["validate", "{archive}"], "report": ["report", "{archive}"], "audit": ["audit", "{archive}"],
    "audit against it": ["audit", "{good}", "--against", "{archive}"], "retry": ["retry", "{archive}"],
    "sql": ["sql", "{archive}", "SELECT * FROM records"], "profile": ["profile", "{archive}"],
    "sketch": ["sketch", "{archive}", "{out}"], "serve": ["serve", "{archive}", "--port", "0"],
    "repair": ["repair", "{archive}", "--against", "http://127.0.0.1:9/oai", "--contact", "a@example.org"],
}  # fmt: skip
PAGES = [["oai:x:1", "oai:x:2"], ["oai:x:3"]]


def forge(folder: Path, way: str) -> Path:
    """An archive whose ledger was changed by somebody who puts its digest right, with an index of before."""
    statement, value, _ = FORGED[way]
    archive_builder.ended(folder, PAGES)
    index(folder)
    for name in (OUTSIDE, "00001.json-seq.zst"):
        (folder.parent / name).write_bytes((folder / "shards" / "00001.json-seq.zst").read_bytes())
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as db, db:
        if value:
            db.execute(statement, (value.format(folder=folder.parent),))
        else:
            db.executescript(statement)
    write_digest(Layout(folder))
    return folder


@pytest.fixture(scope="module", params=FORGED)
def forged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The name of a forgery, and an archive with it, in a folder with what it wants."""
    folder = tmp_path_factory.mktemp("forged")
    archive_builder.ended(folder / "good", PAGES)
    index(folder / "good")
    return str(request.param), forge(folder / "archive", str(request.param))


# what Python opens, below a folder; hooks stay for ever
_watched: list[tuple[str, list[str]]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _watched and isinstance(arguments[0], str | Path):
        where, seen = _watched[-1]
        if str(arguments[0]).startswith(where):
            seen.append(str(Path(arguments[0]).resolve()))


@pytest.fixture(scope="module", autouse=True)
def _watching() -> None:
    sys.addaudithook(_hook)


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """`told("verify", DIR)` is the exit code of a command and what it says."""

    def tell(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(words)
        return int(ended.value.code or 0), "".join(capsys.readouterr())

    return tell


def below(folder: Path) -> dict[str, bytes]:
    """What lies in a folder and is not the archive in it."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_ledger_that_names_what_is_elsewhere_is_refused_by_its_name(
    command: str, forged: tuple[str, Path], told: Callable[..., tuple[int, str]]
):
    way, archive = forged
    places = {"archive": archive, "good": archive.with_name("good"), "out": archive.with_name("out")}
    before, seen = below(archive.parent), list[str]()
    _watched.append((str(archive.parent), seen))
    try:
        code, text = told(*(word.format(**places) for word in COMMANDS[command]))
    finally:
        _watched.clear()
    assert code == 4, text
    if command != "repair":  # whose audit says it, in a process of its own
        assert FORGED[way][2] in text
    assert below(archive.parent) == before
    assert not {str(archive.parent / name) for name in before} & set(seen)
    assert not places["out"].exists()


def test_what_was_not_forged_is_read_by_each_of_these_commands(tmp_path: Path, told: Callable[..., tuple[int, str]]):
    archive_builder.ended(tmp_path / "archive", PAGES)
    index(tmp_path / "archive")
    places = {name: tmp_path / name for name in ("archive", "good", "out")}
    for command, words in COMMANDS.items():
        if command not in ("serve", "repair", "audit against it", "retry", "bag", "sketch"):
            code, text = told(*(word.format(**places) for word in words))
            assert code in (0, 1), (command, text)


@pytest.mark.parametrize("way", ["a shard above", "a refused body above", "a view for the shards"])
def test_a_harvest_does_not_go_on_in_a_forged_archive(way: str, tmp_path: Path):
    archive = forge(tmp_path / "archive", way)
    (tmp_path / f"{OUTSIDE}.open").write_bytes(b"what a harvest that was killed would cut off")
    if way == "a shard above":
        with closing(sqlite3.connect(archive / "ledger.sqlite")) as db, db:
            db.execute("UPDATE shards SET state = 'open', bytes = 0, records = 0")
        write_digest(Layout(archive))
    before = below(tmp_path)
    for words in (
        ["crawl", "oaipmh", "-a", f"url={archive_builder.URL}"],
        ["crawl", "files"],
        ["crawl", "idrange", "-a", "ids=1-3", "-a", "url=https://repository.example/{id}"],
    ):
        done = fork_server.run(
            [HARVESTER, *words, "-a", f"archive={archive}", "--contact", "a@example.org"],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            env=environment(),
        )
        assert done.returncode == 4, done.stderr
        assert FORGED[way][2] in done.stderr
        assert below(tmp_path) == before


@pytest.mark.parametrize("way", FORGED)
def test_mending_makes_another_ledger_of_what_is_in_the_archive(
    way: str, tmp_path: Path, told: Callable[..., tuple[int, str]]
):
    archive = forge(tmp_path / "archive", way)
    before = below(tmp_path)
    code, text = told("mend", str(archive))
    assert code == 1, text
    assert FORGED[way][2] in text
    assert below(tmp_path) == before
    assert {record.identifier for *_, record in archive_builder.stored(archive)} == {"oai:x:1", "oai:x:2", "oai:x:3"}
    assert told("verify", str(archive))[0] == 0


# --- the files of records


@pytest.fixture
def contents(tmp_path: Path) -> Path:
    """An archive that says of a file elsewhere that it is the content of a record's file."""
    archive_builder.ended(tmp_path / "archive", PAGES)
    secret = tmp_path / OUTSIDE
    secret.write_bytes(b"x")
    ledger = Ledger(tmp_path / "archive" / "ledger.sqlite")
    with ledger.transaction():
        ledger.db.execute("INSERT INTO contents VALUES (?, ?, 1)", (str(secret), hashlib.sha512(b"x").hexdigest()))
        ledger.db.execute(
            "INSERT INTO files (run, identifier, key, url, version, state, sha256, bytes, at) "
            "VALUES (1, 'oai:x:1', '../../x', 'file:///etc/passwd', '', 'read', ?, 1, '2026-01-01T00:00:00Z')",
            (str(secret),),
        )
    ledger.close()
    write_digest(Layout(tmp_path / "archive"))
    return tmp_path / "archive"


@pytest.mark.parametrize("command", ["verify", "verify --quick", "fixity", "bag"])
def test_a_content_that_is_elsewhere_is_refused(command: str, contents: Path, told: Callable[..., tuple[int, str]]):
    places = {"archive": contents, "out": contents.with_name("out")}
    code, text = told(*(word.format(**places) for word in COMMANDS[command]))
    assert code == 4, text
    assert OUTSIDE in text
    assert not places["out"].exists()


def test_mending_forgets_a_content_that_is_elsewhere(contents: Path, told: Callable[..., tuple[int, str]]):
    assert told("mend", str(contents))[0] == 1
    assert below(contents.parent) == {OUTSIDE: b"x"}
    assert told("verify", str(contents))[0] == 0
    assert archive_builder.rows(contents, "SELECT count(*) FROM contents") == [(0,)]


# --- the index


@pytest.fixture
def indexed(tmp_path: Path) -> Path:
    """An archive as it should be, with an index that names a shard elsewhere."""
    archive_builder.ended(tmp_path / "archive", PAGES)
    index(tmp_path / "archive")
    (tmp_path / OUTSIDE).write_bytes((tmp_path / "archive" / "shards" / "00001.json-seq.zst").read_bytes())
    with closing(duckdb.connect(str(tmp_path / "archive" / "index.duckdb"))) as db:
        db.execute("UPDATE shards SET name = ?", [f"../../{OUTSIDE}"])
    index_digest(Layout(tmp_path / "archive")).unlink()
    return tmp_path / "archive"


def test_an_index_that_names_a_shard_elsewhere_is_damaged(indexed: Path, told: Callable[..., tuple[int, str]]):
    for words in (["profile", str(indexed)], ["convert", str(indexed), "--to", "index-json"]):
        code, text = told(*words)
        assert code == 4, text
        assert f"../../{OUTSIDE}" in text
    with pytest.raises(Damaged, match=OUTSIDE):
        ArchiveHoldings(indexed)


# --- links


def _folder_of(name: str) -> Callable[[Path, Path], None]:
    def link(archive: Path, outside: Path) -> None:
        if (archive / name).is_dir():
            (archive / name).rename(outside / name)
        else:
            (outside / name).mkdir()
        (archive / name).symlink_to(outside / name)

    return link


def _ledger(archive: Path, outside: Path) -> None:
    (archive / "ledger.sqlite").rename(outside / "ledger.sqlite")
    (archive / "ledger.sqlite").symlink_to(outside / "ledger.sqlite")


LINKS: dict[str, Callable[[Path, Path], None]] = {
    "shards": _folder_of("shards"),
    "quarantine": _folder_of("quarantine"),
    "files": _folder_of("files"),
    "the ledger": _ledger,
}


def everything(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("link", LINKS)
def test_nothing_is_written_through_a_link(link: str, tmp_path: Path, told: Callable[..., tuple[int, str]]):
    archive, outside = tmp_path / "archive", tmp_path / "outside"
    archive_builder.ended(archive, PAGES)
    outside.mkdir()
    LINKS[link](archive, outside)
    (archive / "shards" / "00001.json-seq.zst").write_bytes(b"")  # so that there is something to mend
    before = everything(outside)
    for words in (["mend", str(archive)], ["convert", str(archive)], ["bag", str(archive), str(tmp_path / "bag")]):
        code, text = told(*words)
        assert code == 4, (words, text)
    with pytest.raises(Damaged, match="is a link"):
        ArchiveWriter(archive, archive_builder.SOURCE, archive_builder.SOFTWARE)
    assert everything(outside) == before


def linked(archive: Path, name: str, target: Path) -> Path:
    target.write_bytes(b"of somebody else")
    (archive / name).symlink_to(target)
    return target


def test_a_shard_that_would_be_begun_is_not_written_through_a_link(tmp_path: Path):
    archive = tmp_path / "archive"
    made, channel, (window,) = archive_builder.begun(archive)
    with closing(made):
        target = linked(archive, "shards/00001.json-seq.zst.open", tmp_path / "target")
        made._shard_number = 0
        made.put(archive_builder.answer(channel, window.window, ["oai:x:1"]))
        made.commit()
    assert target.read_bytes() == b"of somebody else"
    assert {record.identifier for *_, record in archive_builder.stored(archive)} == {"oai:x:1"}


def test_a_shard_that_is_left_open_is_not_cut_through_a_link(tmp_path: Path):
    archive = tmp_path / "archive"
    made, channel, (window,) = archive_builder.begun(archive)
    made.put(archive_builder.answer(channel, window.window, ["oai:x:1"]))
    made.commit()
    opened, target = archive / "shards" / "00001.json-seq.zst.open", tmp_path / "target"
    made._lock.release()  # as if it were killed
    made.ledger.close()
    target.write_bytes(opened.read_bytes() + b"what somebody else has after it")
    opened.unlink()
    opened.symlink_to(target)
    before = target.read_bytes()
    with pytest.raises(Damaged, match="is a link"):
        archive_builder.writer(archive)
    assert target.read_bytes() == before


def test_the_work_of_an_index_is_not_done_through_a_link(tmp_path: Path):
    archive, outside = tmp_path / "archive", tmp_path / "outside"
    archive_builder.ended(archive, PAGES)
    outside.mkdir()
    (outside / "index.duckdb").write_bytes(b"of somebody else")
    (archive / ".index").symlink_to(outside)
    with pytest.raises(Damaged, match="is a link"):
        index(archive)
    assert everything(outside) == {"index.duckdb": hashlib.sha256(b"of somebody else").hexdigest()}


def test_a_link_where_a_file_is_written_before_it_has_its_name_is_not_followed(tmp_path: Path):
    target = linked(tmp_path, f".archive.json.{os.getpid()}", tmp_path / "target")
    with pytest.raises(Damaged, match="is a link"):
        durable.write_new(tmp_path / "archive.json", b"new", "description")
    assert target.read_bytes() == b"of somebody else"
