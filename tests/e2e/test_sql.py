"""`harvester sql` as a user types it: the prompt on a terminal, files, parameters, examples, Parquet."""

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from support import archive_builder, fork_server
from support.command_runner import Typed
from support.release_builder import make_release

from archive.index.build import index
from archive.index.example_queries import examples
from harvester.demo.samples import build_archive

PAGES = [["oai:x:1", "oai:x:2"], ["oai:x:3"]]


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that no test here changes."""
    folder = tmp_path_factory.mktemp("few") / "archive"
    archive_builder.ended(folder, PAGES)
    index(folder)
    return folder


# --- one question


def test_json_lines_are_an_object_a_line(indexed: Path, typed: Typed):
    said = typed("sql", indexed, "SELECT identifier FROM records ORDER BY ALL", "--jsonl")
    assert [json.loads(line) for line in said.out.splitlines()] == [{"identifier": f"oai:x:{n}"} for n in (1, 2, 3)]


def test_a_parameter_is_a_value_and_never_sql(indexed: Path, typed: Typed):
    query = "SELECT $n + 1 AS n, $text AS text, typeof($quoted) AS quoted"
    said = typed(
        "sql", indexed, query, "--jsonl", "-p", "n=41", "-p", "text='; DROP TABLE versions --", "-p", 'quoted="7"'
    )
    assert (said.code, json.loads(said.out)) == (0, {"n": 42, "text": "'; DROP TABLE versions --", "quoted": "VARCHAR"})


@pytest.mark.parametrize("words", [["-p", "n"], ["-p", "1=2"], [], ["-p", "other=1"]])
def test_a_parameter_that_is_missing_or_none_is_a_usage_error(indexed: Path, typed: Typed, words: list[str]):
    said = typed("sql", indexed, "SELECT $n", *words)
    assert (said.code, said.out) == (2, "")


def test_a_file_may_hold_several_questions(indexed: Path, typed: Typed, tmp_path: Path):
    file = tmp_path / "questions.sql"
    file.write_text("-- one; two\nSELECT 'a;b' AS x;\nSELECT $n AS x; -- and no more;\n")
    said = typed("sql", indexed, "--file", file, "--jsonl", "-p", "n=2")
    assert (said.code, said.out) == (0, '{"x": "a;b"}\n{"x": 2}\n')


def test_questions_that_exclude_each_other_are_a_usage_error(indexed: Path, typed: Typed):
    assert typed("sql", indexed, "SELECT 1", "--example", "gaps").code == 2


# --- a release


def test_a_release_is_asked_like_an_archive(tmp_path: Path, typed: Typed):
    release = make_release(tmp_path / "release")
    said = typed("sql", release, "SELECT count(*) AS n FROM records WHERE NOT deleted", "--jsonl")
    assert (said.code, said.out) == (0, '{"n": 5}\n')
    said = typed("sql", release, "--example", "orcid")
    assert said.code == 2
    assert f"harvester index {release}" in said.err
    assert typed("index", release).code == 0
    for name in examples():
        assert typed("sql", release, "--example", name).code == 0, name


@pytest.mark.parametrize(
    "query",
    [
        "COPY (SELECT 1) TO '{}'",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{}'",
        "PREPARE p AS COPY (SELECT 1) TO '{}'",
        "SELECT 1; COPY (SELECT 1) TO '{}'",
        "EXPORT DATABASE '{}'",
        "ATTACH '{}' AS other",
    ],
)
@pytest.mark.parametrize("way", ["print", "parquet"])
def test_nothing_is_ever_written_into_a_release(tmp_path: Path, typed: Typed, query: str, way: str):
    release = make_release(tmp_path / "release")
    before = {path.name: path.read_bytes() for path in release.iterdir()}
    words = ["--parquet", tmp_path / "out"] if way == "parquet" else ["--csv"]
    for name in ("new", "index.parquet"):
        assert typed("sql", release, query.format(release / name), *words).code == 2
    assert {path.name: path.read_bytes() for path in release.iterdir()} == before


# --- examples


def test_examples_are_named_with_what_they_answer(typed: Typed):
    said = typed("sql", "--examples")
    assert said.code == 0
    lines = said.out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(examples())
    assert all(one.title and one.title in line for one, line in zip(examples().values(), lines, strict=True))
    assert len(lines) >= 20


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples") / "archive"
    build_archive(folder, 60)
    index(folder)
    return folder


@pytest.mark.parametrize("name", list(examples()))
def test_each_example_runs_on_any_archive(sampled: Path, indexed: Path, typed: Typed, name: str):
    for folder in (sampled, indexed):
        said = typed("sql", folder, "--example", name, "--csv")
        assert (said.code, said.err) == (0, "")
        assert said.out.count("\n") >= 1


def test_an_example_that_does_not_exist_is_a_usage_error(indexed: Path, typed: Typed):
    said = typed("sql", indexed, "--example", "nothing")
    assert said.code == 2
    assert "gaps" in said.err


def test_gaps_are_those_between_the_lowest_and_the_highest_id(tmp_path: Path, typed: Typed):
    archive_builder.ended(tmp_path / "a", [["oai:x:10", "oai:x:11", "oai:x:20", "oai:x:22", "oai:x:abc"]])
    index(tmp_path / "a")
    out = typed("sql", tmp_path / "a", "--example", "gaps", "--csv").out
    assert out.splitlines()[1:] == ["12,19,8", "21,21,1"]


# --- Parquet


def test_parquet_holds_the_whole_answer(indexed: Path, typed: Typed, tmp_path: Path):
    out = tmp_path / "it's.parquet"
    query = "SELECT identifier, sets, datestamp FROM records WHERE identifier > $after ORDER BY identifier"
    said = typed("sql", indexed, query, "-p", "after=oai:x:1", "--parquet", out)
    assert (said.code, said.out, said.err) == (0, "", "")
    with closing(duckdb.connect()) as db:
        rows = db.execute("SELECT identifier, sets FROM read_parquet($path)", {"path": str(out)}).fetchall()
    assert rows == [("oai:x:2", ["a", "a:b"]), ("oai:x:3", ["a", "a:b"])]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT nothing",
        "SELECT error('x') FROM records",
        "SELECT 1; SELECT 2",
        "FROM read_text('/dev/null')",
        "COPY (SELECT 1) TO '{beside}.csv'",
        "CREATE TEMP TABLE t AS SELECT 1",
    ],
)
def test_what_cannot_be_written_leaves_no_file(indexed: Path, typed: Typed, tmp_path: Path, query: str):
    before = {path.name for path in tmp_path.iterdir()}
    said = typed("sql", indexed, query.format(beside=tmp_path / "out"), "--parquet", tmp_path / "out.parquet")
    assert said.code == 2
    assert {path.name for path in tmp_path.iterdir()} == before


def test_parquet_never_replaces_a_file(indexed: Path, typed: Typed, tmp_path: Path):
    (tmp_path / "out").write_text("mine")
    assert typed("sql", indexed, "SELECT 1", "--parquet", tmp_path / "out").code == 2
    assert (tmp_path / "out").read_text() == "mine"


# --- without a terminal


def _piped(folder: Path, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harvester", "sql", str(folder), *words]
    return fork_server.run(command, input=text, capture_output=True, text=True, timeout=600)


def test_statements_are_read_from_stdin_where_no_terminal_is(indexed: Path):
    done = _piped(indexed, "SELECT 1 AS a;\n\nSELECT count(*) AS n\nFROM records", "--jsonl")
    assert (done.returncode, done.stdout, done.stderr) == (0, '{"a": 1}\n{"n": 3}\n', "")


def test_the_first_statement_that_fails_ends_it(indexed: Path):
    done = _piped(indexed, "SELECT 1 AS a; SELEKT 2; SELECT 3 AS c", "--jsonl")
    assert (done.returncode, done.stdout) == (2, '{"a": 1}\n')
    assert len(done.stderr.splitlines()) == 1


# --- the prompt, on a terminal of its own


# the signals of a terminal go to the session that has it; what a shell starts in the background ignores Ctrl-C, and so
# does all that these tests start when they run there
TAKES_TERMINAL = (
    "import fcntl, os, signal, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
)


class Terminal:
    """A person at a prompt: types, and reads until something is there."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._fd, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, b"\x14\x00\xc8\x00\x00\x00\x00\x00")  # 20 rows, 200 columns
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKES_TERMINAL, *command],
            stdin=far,
            stdout=far,
            stderr=far,
            env={**os.environ, "TERM": "dumb", **environment},
            start_new_session=True,
        )
        os.close(far)
        self.seen = ""

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def until(self, text: str, seconds: float = 60) -> str:
        """What comes up to and with `text`."""
        ends = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < ends, f"{text!r} does not come after {self.seen!r}"
            self.seen += self._read()
        before, _, self.seen = self.seen.partition(text)
        return before + text

    def ask(self, text: str) -> str:
        """What is printed for a line, up to the next prompt."""
        self.type(text + "\n")
        self.until(text.splitlines()[-1])
        return self.until("harvester> ")

    def stop(self, stopping: Callable[[], object]) -> None:
        """Do what sends Ctrl-C until there is a prompt: readline misses one that comes while it echoes."""
        for _ in range(4):
            stopping()
            with contextlib.suppress(AssertionError):
                self.until("harvester> ", 30)
                return
        pytest.fail(f"no prompt after Ctrl-C, but {self.seen!r}")

    def ask_again(self, text: str, answer: str) -> None:
        """Ask until the answer comes: a Ctrl-C that was pressed twice may forget what is typed after it."""
        for _ in range(3):
            if answer in self.ask(text):
                return
        pytest.fail(f"{text} is not answered with {answer}")

    def until_busy(self, seconds: float = 60) -> None:
        """Wait until the processors have worked half a second for what was typed."""
        if not Path("/proc/self/stat").exists():
            time.sleep(1.5)
            return
        before, ends = self._processor_seconds(), time.monotonic() + seconds
        while self._processor_seconds() < before + 0.5:
            assert time.monotonic() < ends, "what was typed is not worked at"
            time.sleep(0.05)

    def _processor_seconds(self) -> float:
        """Seconds that all threads of the process have used."""
        user, system = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def leave(self) -> int:
        self.type("\x04")
        return self.process.wait(60)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._fd)

    def _read(self) -> str:
        if not select.select([self._fd], [], [], 0.1)[0]:
            return ""
        try:
            return os.read(self._fd, 65536).decode(errors="replace")
        except OSError:
            return ""


@pytest.fixture
def terminal(indexed: Path, tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    begun: list[Terminal] = []

    def begin(**environment: str) -> Terminal:
        command = [sys.executable, "-m", "harvester", "sql", str(indexed)]
        made = Terminal(command, {"XDG_STATE_HOME": str(tmp_path / "state"), "PAGER": "cat", **environment})
        begun.append(made)
        made.until("harvester> ")
        return made

    yield begin
    for made in begun:
        made.close()


def test_a_statement_ends_at_its_semicolon_however_many_lines_it_takes(terminal: Callable[..., Terminal]):
    person = terminal()
    person.type("SELECT 'a;b' ||\n")
    person.until("...> ")
    assert "a;bc" in person.ask("'c' AS x;")
    assert person.leave() == 0


def test_an_error_is_one_line_and_the_dialogue_goes_on(terminal: Callable[..., Terminal]):
    person = terminal()
    said = person.ask("SELEKT 1;")
    assert next(line for line in said.splitlines() if "error" in line.lower()).startswith("error: ")
    assert "error: " in person.ask("DELETE FROM versions;")
    assert "error: " in person.ask("FROM read_text('/etc/hostname');")
    assert "error: " in person.ask(".nothing")
    assert "3" in person.ask("SELECT count(*) FROM records;")
    assert person.leave() == 0


def test_what_a_record_says_never_reaches_the_terminal_raw(terminal: Callable[..., Terminal]):
    person = terminal()
    said = person.ask("SELECT chr(27) || ']0;owned' || chr(7) || chr(155) || '[bold]x' AS x;")
    assert "[bold]x" in said
    assert "\x1b]0;owned" not in said
    for mode in ("csv", "jsonl"):
        person.ask(f".mode {mode}")
        said = person.ask("SELECT chr(27) || ']0;' || 'owned' AS x;")
        assert "owned" in said
        assert "\x1b]0;owned" not in said
    said = person.ask("SELECT error(chr(27) || ']0;' || 'owned');")
    assert "owned" in said
    assert "\x1b]0;owned" not in said


def test_the_commands_of_the_prompt(terminal: Callable[..., Terminal]):
    person = terminal()
    assert "versions" in person.ask(".tables")
    assert "VARCHAR" in person.ask(".schema records")
    assert "gaps" in person.ask(".examples")
    assert "oai_dc" in person.ask(".run formats")
    assert "error" in person.ask(".run nothing")
    person.ask(".mode csv")
    assert "a,b\r\n1,2\r\n" in person.ask("SELECT 1 AS a, 2 AS b;")
    person.type(".quit\n")
    assert person.process.wait(60) == 0


def test_ctrl_c_ends_the_query_and_not_the_prompt(terminal: Callable[..., Terminal]):
    person = terminal()
    person.type("SELECT count(*) FROM range(1000000000000) AS r(i) WHERE i % 7 = 3;\n")
    person.until("= 3;")
    person.until_busy()  # so that it is the query that is stopped
    person.stop(lambda: person.process.send_signal(signal.SIGINT))
    person.ask_again("SELECT 40 + 2;", "42")
    person.type("SELECT 'never ended")
    person.until("never ended")
    person.stop(lambda: person.type("\x03"))
    person.ask_again("SELECT 40 + 3;", "43")
    assert person.leave() == 0


def test_history_and_completion(terminal: Callable[..., Terminal], tmp_path: Path):
    person = terminal()
    person.ask("SELECT 4711 AS remembered;")
    assert person.leave() == 0
    kept = tmp_path / "state" / "harvester" / "sql_history"
    assert "4711" in kept.read_text()
    assert kept.stat().st_mode & 0o077 == 0
    person = terminal()
    person.type("\x10")
    person.until("4711 AS remembered;")
    person.type("\n")
    person.until("harvester> ")
    person.type("SELECT count(*) FROM rec\t")
    person.until("records")


def test_an_answer_that_does_not_fit_goes_through_the_pager(terminal: Callable[..., Terminal], tmp_path: Path):
    pager = tmp_path / "pager"
    pager.write_text(f"#!/bin/sh\ncat > {tmp_path}/paged\necho paged-it\n")
    pager.chmod(0o755)
    person = terminal(PAGER=str(pager))
    assert "paged-it" not in person.ask("FROM range(3);")
    assert "paged-it" in person.ask("FROM range(300);")
    assert len((tmp_path / "paged").read_text().splitlines()) == 301
