"""Redirects out of a source, for each way of asking: what is connected to is watched in the process itself."""

import os
import subprocess
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from itertools import count
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest
from support import archive_builder, handmade_bags
from support.harvest_runs import HARVESTER, environment
from support.local_server import serving

from archive.formats import jsonseq
from archive.index.build import index
from archive.store import envelope

# run by Python as it starts: every address that is connected to, and every name that is looked up
WATCH = """
import os, sys
def seen(event, arguments):
    where = None
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        where = f"{arguments[1][0]} {arguments[1][1]}"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        where = f"{arguments[0]} *"
    elif event == "open" and arguments[0] == "/etc/passwd" and sys._getframe(1).f_globals.get("__name__") != "pwd":
        where = "/etc/passwd *"
    if where is not None:
        with open(os.environ["WATCHED"], "a") as file:
            file.write(where + "\\n")
sys.addaudithook(seen)
"""
AWAY = [
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fe80::1]/x",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://127.0.0.1:{other}/steal",
]
OAI = (
    '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-01-01T00:00:00Z</responseDate>'
    "<request>x</request>{}</OAI-PMH>"
)
IDENTIFY = (
    "<Identify><repositoryName>x</repositoryName><protocolVersion>2.0</protocolVersion><deletedRecord>no</deletedRecord>"
    "<earliestDatestamp>2000-01-01</earliestDatestamp><granularity>YYYY-MM-DD</granularity></Identify>"
)


class Provider(BaseHTTPRequestHandler):
    """Answers Identify, and redirects what begins with one of `moved`, to each of AWAY in turn; the rest is absent."""

    moved: ClassVar[tuple[str, ...]] = ()
    away: ClassVar[list[str]] = []
    turns: ClassVar[Iterator[int]] = count()
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, body, away = 404, b"", ""
        if self.path.startswith(self.moved):
            status, away = 302, self.away[next(self.turns) % len(self.away)]
        elif "verb=Identify" in self.path:
            status, body = 200, OAI.format(IDENTIFY).encode()
        elif "verb=" in self.path:
            status, body = 200, OAI.format('<error code="noRecordsMatch"/>').encode()
        self.send_response(status)
        for name, value in (("Location", away), ("Content-Type", "text/xml"), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


class Other(Provider):
    """Another host, which counts who comes."""

    asked: ClassVar[list[str]] = []


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    for server in (Provider, Other):
        monkeypatch.setattr(server, "asked", [])
    with serving(Provider) as base, serving(Other) as other:
        yield base, other


def crawl(spider: str, **words: str) -> Callable[[str, Path], list[str]]:
    def command(base: str, folder: Path) -> list[str]:
        given = [part for name, word in words.items() for part in ("-a", f"{name}={word.format(base=base)}")]
        return ["crawl", spider, *given, "-a", f"archive={folder / 'archive'}", "-s", "HARVEST_TRIES=1"]

    return command


def files(base: str, folder: Path) -> list[str]:
    """Of a record whose JSON names a file at the provider."""
    source = {"url": f"{base}/api/records/{{id}}", "hosts": [urlsplit(base).netloc]}
    made = archive_builder.ArchiveWriter(folder / "archive", source, archive_builder.SOFTWARE)
    made.begin("idrange", "full", {"url": base}, archive_builder.SOFTWARE)
    channel = made.ledger.channel("idrange:json", "json", None)
    values = {"id": "1", "files": [{"key": "a", "links": {"self": f"{base}/files/a"}}], "metadata": {}}
    text = envelope.encode(
        "1",
        "2020-01-01T00:00:00Z",
        False,
        (),
        "json",
        "application/json",
        f"{base}/api/records/1",
        "2026-03-04T05:06:07Z",
        "0" * 64,
        values,
        None,
        (),
    )
    made.put(archive_builder.answer(channel, None, ["1"], payload=((jsonseq.encode(text), 1),)))
    made.commit()
    made.finish("complete")
    made.close()
    return ["crawl", "files", "-a", f"archive={folder / 'archive'}", "-s", "HARVEST_TRIES=1"]


def fill(base: str, folder: Path) -> list[str]:
    fetch = f"{base}/files/b 1 data/b\n".encode()
    bag = handmade_bags.write_bag(folder / "bag", {"data/a": b"x"}, more={"fetch.txt": fetch})
    manifest = bag / "manifest-sha256.txt"
    manifest.write_text(manifest.read_text() + f"{'0' * 64}  data/b\n")
    return ["fill", str(bag), "--allow-host", urlsplit(base).netloc, "--tries", "1"]


def sample(place: str) -> Callable[[str, Path], list[str]]:
    def command(base: str, folder: Path) -> list[str]:
        archive_builder.ended(folder / "archive", [["oai:x:1"]])
        index(folder / "archive")
        return ["audit", str(folder / "archive"), "--against", f"{base}{place}", "--sample", "1"]

    return command


# the command, what the provider redirects, and how it may end; 0 where the file that is redirected need not be there
WAYS: dict[str, tuple[Callable[[str, Path], list[str]], tuple[str, ...], tuple[int, ...]]] = {
    "oaipmh, who it is": (crawl("oaipmh", url="{base}/oai"), ("/oai",), (2, 3)),
    "oaipmh, a list": (crawl("oaipmh", url="{base}/oai"), ("/oai?verb=List",), (1, 2, 3)),
    "idrange": (crawl("idrange", url="{base}/api/{{id}}", ids="1-5", accept="application/json"), ("/api",), (1,)),
    "search": (crawl("search", url="{base}/api/records"), ("/api",), (2, 3)),
    "exporter": (crawl("exporter", url="{base}/api/exporter"), ("/api",), (2, 3)),
    "files": (files, ("/files",), (1, 3)),
    "robots.txt": (crawl("oaipmh", url="{base}/oai"), ("/robots.txt",), (0, 1)),
    "get": (lambda base, _: ["get", f"{base}/release/", "oai:x:1"], ("/release",), (2, 3)),
    "fill": (fill, ("/files",), (1, 3)),
    "a sample by OAI-PMH": (sample("/oai"), ("/oai",), (1, 2, 3)),
    "a sample by id": (sample("/api/records/{id}"), ("/api",), (1,)),
    "probe": (lambda base, _: ["probe", base], ("/",), (1, 2, 3)),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_no_redirect_leads_to_another_host_a_file_or_this_machines_network(
    way: str, servers: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    base, other = servers
    command, moved, codes = WAYS[way]
    own = urlsplit(base).port
    monkeypatch.setattr(Provider, "moved", moved)
    monkeypatch.setattr(Provider, "away", [away.format(other=urlsplit(other).port) for away in AWAY])
    monkeypatch.setattr(Provider, "turns", count())
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(WATCH)
    watched = tmp_path / "watched"
    for number in range(len(AWAY)):  # some ask once in a run, others for each id
        if sum(asked.startswith(moved) for asked in Provider.asked) >= len(AWAY):
            break
        watched.touch()
        (folder := tmp_path / str(number)).mkdir()
        path = os.pathsep.join([str(tmp_path / "hook"), *filter(None, [os.environ.get("PYTHONPATH")])])
        done = subprocess.run(
            [HARVESTER, *command(base, folder)],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
            env={**environment(), "PYTHONPATH": path, "WATCHED": str(watched)},
        )
        assert done.returncode in codes, done.stderr
        assert "root:x:0" not in done.stdout + done.stderr
        assert set(watched.read_text().splitlines()) <= {f"127.0.0.1 {own}", "127.0.0.1 *"}, done.stderr
    assert sum(asked.startswith(moved) for asked in Provider.asked) >= len(AWAY)
    assert Other.asked == []
