"""Whatever strangers write, no command lets it steer the terminal: titles, ids, reasons, names of files, bags."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support import archive_builder, fork_server, handmade_bags
from support.harvest_runs import HARVESTER, environment

from archive.findings import finding
from archive.formats import jsonseq
from archive.store import envelope
from archive.store.quarantine import RefusedBody
from harvester.cli import main

# a title for the window, a C1 sequence, the cursor up and a line gone, text turned round
STEER = "\x1b]0;owned\x07\x9b31m\x1b[1A\x1b[2K\u202egpj\u2066"
EVIL = f"oai:x:1{STEER}"
PLAIN = "oai:x:2"
# what may stand in output besides what can be printed
KEPT = "\n\t"


def steering(text: str) -> list[str]:
    """The characters in what was printed that a terminal would obey."""
    return sorted({character for character in text if not character.isprintable() and character not in KEPT})


def record(identifier: str) -> bytes:
    return envelope.encode(
        identifier,
        STEER,
        False,
        (f"set{STEER}",),
        "oai_dc",
        "application/xml",
        archive_builder.URL,
        "2026-03-04T05:06:07Z",
        "0" * 64,
        {"title": [f"title {STEER}"], "creator": [STEER], "identifier": [STEER]},
        f"<dc>{STEER}</dc>",
        (STEER,),
    )


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive in which all that a provider says is hostile."""
    folder = tmp_path_factory.mktemp("hostile") / "archive"
    made, channel, (window,) = archive_builder.begun(folder)
    payload = ((b"".join(jsonseq.encode(record(i)) for i in (EVIL, PLAIN)), 2),)
    made.put(
        archive_builder.answer(
            channel,
            window.window,
            [EVIL, PLAIN],
            url=f"{archive_builder.URL}?verb=ListRecords&t={STEER}",
            payload=payload,
            outcomes=[(EVIL, STEER, "read", f"reason {STEER}"), (PLAIN, STEER, "read", None)],
        )
    )
    refused = RefusedBody(archive_builder.URL + STEER, 500, (("x", STEER),), b"\x1b[31m", "2026-03-04T05:06:07Z", STEER)
    made.put(
        archive_builder.answer(
            channel,
            window.window,
            [],
            url=archive_builder.URL + STEER,
            state="refused",
            listed=0,
            payload=(),
            http_status=500,
            outcomes=[(f"oai:x:3{STEER}", STEER, "refused", f"HTTP {STEER}")],
            reason=STEER,
            refused=refused,
            refused_identifier=f"oai:x:3{STEER}",
            notes=[replace(finding("secret-masked", url=STEER), message=STEER)],
        )
    )
    made.commit()
    count = made.count_window(window.window, 1)
    made.close_window(window.window, state="done", end=f"end {STEER}", count=count, stated=9, pages=1, attempts=1)
    made.finish("findings")
    made.close()
    code, text = run("index", str(folder))
    assert (code, steering(text)) == (0, []), text
    return folder


def run(*words: str) -> tuple[int, str]:
    """Run a command in a process of its own; what it prints is what a terminal would get, but for colours."""
    done = fork_server.run([HARVESTER, *words], capture_output=True, timeout=600, check=False, env=environment())
    return done.returncode, (done.stdout + done.stderr).decode()


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`told("status", DIR)` is what a command prints; nothing is taken out of it, as on a terminal."""
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)
    monkeypatch.delenv("HARVESTER_CONTACT", raising=False)

    def tell(*words: str) -> str:
        capsys.readouterr()
        if words[0] == "get":  # to programs it hands on every byte
            monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        with pytest.raises(SystemExit):
            main(words)
        return "".join(capsys.readouterr())

    return tell


COMMANDS = {
    "status": ["status", "{archive}"], "status --json": ["status", "{archive}", "--json"],
    "why": ["why", "{archive}", EVIL, "--record"], "why --json": ["why", "{archive}", EVIL, "--json", "--record"],
    "why of nothing": ["why", "{archive}", STEER], "get": ["get", "{archive}", PLAIN],
    "get --json": ["get", "{archive}", EVIL, "--json"], "get of nothing": ["get", "{archive}", STEER],
    "sql": ["sql", "{archive}", "SELECT identifier, title FROM records"],
    "sql in error": ["sql", "{archive}", f"SELECT {STEER}"], "sql of no table": ["sql", "{archive}", f'FROM "{STEER}"'],
    "profile": ["profile", "{archive}"], "report": ["report", "{archive}"],
    "report --json": ["report", "{archive}", "--json"],
    "audit": ["audit", "{archive}"], "audit --json": ["audit", "{archive}", "--json"],
    "audit against a list": ["audit", "{archive}", "--against", "{ids}"],
    "verify": ["verify", "{archive}"], "verify --json": ["verify", "{archive}", "--json"],
    "fixity": ["fixity", "{archive}"], "index": ["index", "{archive}"], "validate": ["validate", "{archive}"],
    "convert": ["convert", "{archive}"], "convert to": ["convert", "{archive}", "--to", "dublin-core"],
    "retry": ["retry", "{archive}"], "plan": ["plan", STEER], "sources": ["sources", STEER], "bag": ["bag", "{folder}"],
    "a stranger's bag": ["verify", "{bag}"], "a stranger's bag --json": ["verify", "{bag}", "--json"],
    "filling a stranger's bag": ["fill", "{bag}"], "a folder": ["verify", "{folder}"], "no command": [STEER],
    "no option": ["status", f"--{STEER}"], "no folder": ["status", STEER], "crawl": ["crawl", "oaipmh", "-a", STEER],
    "diff": ["diff", "{release}", "{other}"], "diff --json": ["diff", "{release}", "{other}", "--json"],
    "a stranger's release": ["verify", "{release}"], "get of a release": ["get", "{release}", PLAIN],
    "apply": ["apply", "{release}", "{other}", "{out}"],
}  # fmt: skip


@pytest.fixture(scope="module")
def places(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the commands are run on: names of files are as hostile as the rest."""
    folder = tmp_path_factory.mktemp("places")
    (folder / "plain").mkdir()
    (folder / "plain" / f"file{STEER}").write_bytes(b"x")
    ids = folder / "ids.txt"
    ids.write_text("".join(f"oai:x:{n}{STEER}\n" for n in range(5, 9)))
    files = {f"data/a{STEER}": b"x"}
    info = f"Title{STEER}: {STEER}\n"
    fetch = f"http://127.0.0.1:9/{STEER} 5 data/b{STEER}\nno{STEER}\n".encode()
    bag = handmade_bags.write_bag(folder / "bag", files, info=info, more={"fetch.txt": fetch})
    manifest = bag / "manifest-sha256.txt"
    manifest.write_text(manifest.read_text() + f"{'0' * 64}  data/c{STEER}\n{STEER}\n")
    release, other = folder / "release", folder / "other"
    for out, title in ((release, STEER), (other, f"other {STEER}")):
        code, text = run("dump", str(archive), str(out), "--form", "envelope", "--title", title, "--licence-unknown")
        assert (out / "manifest.json").exists(), (code, text)
        assert steering(text) == [], text
    return {
        "archive": str(archive),
        "folder": str(folder / "plain"),
        "ids": str(ids),
        "bag": str(bag),
        "release": str(release),
        "other": str(other),
        "out": str(folder / "out"),
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_lets_what_strangers_wrote_steer_the_terminal(
    name: str, places: dict[str, str], told: Callable[..., str]
):
    text = told(*(word.format(**places) if word.startswith("{") else word for word in COMMANDS[name]))
    assert text.strip()
    assert steering(text) == [], text


@pytest.mark.parametrize("name", [name for name in COMMANDS if name.endswith("--json")])
def test_json_says_the_same_without_a_character_that_steers(
    name: str, places: dict[str, str], told: Callable[..., str]
):
    text = told(*(word.format(**places) if word.startswith("{") else word for word in COMMANDS[name]))
    json.loads("".join(line + "\n" for line in text.splitlines() if not line.startswith("harvester: ")))


IDENTIFY = (
    '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-01-01T00:00:00Z</responseDate>'
    "<request>x</request>{inner}</OAI-PMH>"
)
# XML has no ESC, and has U+009B, which is the same to a terminal
C1 = "\x9b31m\x9b2K\u202e"


class _Provider(BaseHTTPRequestHandler):
    """A provider whose every answer is hostile to a terminal."""

    def do_GET(self) -> None:
        self.send_response(200, f"OK {C1}".encode().decode("latin-1"))
        kind = "application/json" if self.path.startswith("/api") else "text/xml"
        body = self._body()
        for header, value in (("Content-Type", kind), ("Content-Length", str(len(body))), ("Server", C1)):
            self.send_header(header, value.encode().decode("latin-1"))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        if self.path.startswith("/api"):
            return json.dumps({"id": STEER, "title": STEER, "message": STEER, "hits": {"total": 1}}).encode()
        if "verb=Identify" in self.path:
            inner = (
                f"<Identify><repositoryName>{C1}</repositoryName><baseURL>http://{C1}/</baseURL><protocolVersion>2.0"
                f"</protocolVersion><adminEmail>{C1}</adminEmail><earliestDatestamp>{C1}</earliestDatestamp>"
                f"<deletedRecord>{C1}</deletedRecord><granularity>{C1}</granularity></Identify>"
            )
        elif "verb=ListRecords" in self.path:
            header = f"<header><identifier>a{C1}</identifier><datestamp>{C1}</datestamp></header>"
            inner = f"<ListRecords><record>{header}</record></ListRecords>"
        else:
            inner = f'<error code="bad{C1}">{C1}</error>'
        return IDENTIFY.format(inner=inner).encode()

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def provider() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Provider)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def test_no_harvest_lets_a_provider_steer_the_terminal(tmp_path: Path):
    with provider() as url:
        code, text = run(
            "crawl",
            "oaipmh",
            "-v",
            "--progress",
            "plain",
            "-s",
            "HARVEST_TRIES=1",
            "-a",
            f"url={url}/oai",
            "-a",
            f"archive={tmp_path / 'archive'}",
        )
        assert code in (1, 3), text
        assert steering(text) == [], text
        for words in (["probe", url], ["probe", url, "--json"]):
            _, text = run(*words)
            assert text.strip()
            assert steering(text) == [], (words, text)
        _, text = run(
            "crawl",
            "idrange",
            "-v",
            "--progress",
            "plain",
            "-s",
            "HARVEST_TRIES=1",
            "-a",
            f"url={url}/api/{{id}}",
            "-a",
            f"archive={tmp_path / 'ids'}",
            "-a",
            "ids=1-3",
        )
        assert steering(text) == [], text
    for folder in ("archive", "ids"):
        assert steering(run("status", str(tmp_path / folder))[1]) == []
