"""Answers made to exhaust, mislead or lead away: each is refused with its cause, and the rest is harvested."""

import gzip
import json
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import zstandard
from support import archive_builder
from support.harvest_runs import Harvest

from archive.store.envelope import Record

brotli = pytest.importorskip("brotli")

MOST = 1 << 20
SMALL = ("-s", f"DOWNLOAD_MAXSIZE={MOST}", "-s", "HARVEST_TRIES=1")
ZEROS = bytes(16 * MOST)
NAMESPACE = "http://www.openarchives.org/OAI/2.0/"
PACKED = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor(write_content_size=False).compress,
}
IDENTIFY = (
    "<Identify><repositoryName>x</repositoryName><protocolVersion>2.0</protocolVersion><deletedRecord>no</deletedRecord>"
    "<earliestDatestamp>2025-12-30</earliestDatestamp><granularity>YYYY-MM-DD</granularity></Identify>"
)
BOMBS = {encoding: pack(ZEROS) for encoding, pack in PACKED.items()}
# what is in a record by id, with the state that it ends in
BODIES: dict[str, tuple[bytes, str]] = {
    "1": (b'{"id": "1", "title": "good"}', "read"),
    "2": (b"[" * 100_000 + b"]" * 100_000, "refused"),
    "3": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "refused"),
    "4": (b'{"id": "4", "a": NaN, "b": -Infinity}', "read"),
    "5": (b'{"id": "5", "a": 1, "a": 2}', "read"),
    "6": (b'{"id": "6", "a": ' + b"9" * 5000 + b', "b": 1e400}', "read"),
    "7": (b'{"id": "7", "a": "\\ud800", "b": "\\u001e\\u0000"}', "read"),
    "8": (b'{"id": "8", "a": "\x1e"}', "refused"),
    "9": (b'{"id": "9", "a": "\x00"}', "refused"),
    "10": (b"<!---->" * 500 + b"x", "refused"),
    "11": (b'{"id": "12", "title": "a neighbour"}', "read"),
    "12": (b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>', "refused"),
    "13": (b'{"a": "' + b"x" * MOST + b'"}', "refused"),
    "14": (b'{"a":1' + b"0" * 4500 + b"}", "read"),
}
AWAY = [
    "file:///etc/passwd",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fe80::1]/",
    "http://10.0.0.1/x",
    "//127.0.0.1:{probe}/steal",
    "http://127.0.0.1:{probe}/steal",
    "http://user@127.0.0.1:{probe}/",
    "gopher://x/",
    "data:text/plain,x",
    "http://[",
    "javascript:alert(1)",
]
IDS = [
    "../../etc/x",
    "/etc/passwd",
    "%2e%2e%2f",
    "a%00b",
    "a\nb",
    "a\u202eb",
    "a" * 4096,
    "-rf",
    "CON.",
    "{id}",
    "a b",
    "'; DROP TABLE outcomes; --",
    "a\x9b31m",
    "~root",
    "C:\\x",
    "$(id)",
    "<script>alert(1)</script>",
]


class _Server(BaseHTTPRequestHandler):
    seen: list[str]
    probed: list[str]
    probe: int

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        self.seen.append(self.path)
        status, headers, body = self._answer(path.path, path.query)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, path: str, query: str) -> tuple[int, dict[str, str], bytes]:
        name = unquote(path.rpartition("/")[2])
        if "verb=ListMetadataFormats" in query:
            return 200, {"Content-Type": "text/xml"}, _oai('<error code="badVerb"/>')
        if "verb=Identify" in query:
            return 200, {"Content-Type": "text/xml"}, _oai(IDENTIFY)
        if path == "/oai" and "verb=ListRecords" in query:
            return 200, {"Content-Type": "text/xml"}, _list()
        if path == "/bombs" and ("verb=ListRecords" in query or "verb=ListIdentifiers" in query):
            encoding = list(PACKED)[len(self.seen) % len(PACKED)]
            return 200, {"Content-Type": "text/xml", "Content-Encoding": encoding}, BOMBS[encoding]
        if path.startswith("/api/away/"):
            return 302, {"Location": AWAY[int(name)].format(probe=self.probe)}, b""
        if path.startswith("/api/packed/") and name in PACKED:
            return 200, {"Content-Type": "application/json", "Content-Encoding": name}, BOMBS[name]
        if path.startswith("/api/body/") and name in BODIES:
            kind = "application/xml" if BODIES[name][0][:2] == b"<!" else "application/json"
            return 200, {"Content-Type": kind}, BODIES[name][0]
        return 404, {}, b""

    def log_message(self, *_: Any) -> None:
        pass


class _Probe(_Server):
    def do_GET(self) -> None:
        self.probed.append(self.path)
        super().do_GET()


def _oai(inner: str) -> bytes:
    return f'<OAI-PMH xmlns="{NAMESPACE}"><responseDate>2026-01-01T00:00:00Z</responseDate>{inner}</OAI-PMH>'.encode()


def _list() -> bytes:
    records = "".join(
        f"<record><header><identifier>{json.dumps(i)[1:-1] if chr(10) in i or chr(155) in i else _text(i)}</identifier>"
        "<datestamp>2020-01-01</datestamp></header><metadata><a/></metadata></record>"
        for i in IDS
    )
    return _oai(f"<ListRecords>{records}</ListRecords>")


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("%00", "%00")


@contextmanager
def serving() -> Iterator[tuple[str, type[_Server]]]:
    """A provider and another host, which counts who comes."""
    handler = type("Handler", (_Server,), {"seen": [], "probed": []})
    probe = type("Probe", (_Probe,), {"seen": [], "probed": handler.probed, "probe": 0})
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), kind) for kind in (handler, probe)]
    handler.probe = servers[1].server_address[1]
    for server in servers:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{servers[0].server_address[1]}", handler
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def by_id(harvest: Harvest, url: str, ids: str) -> dict[str, tuple[str, str | None]]:
    """Ask for these ids; the state of each, with its reason."""
    names = harvest.archive.with_name("ids.txt")
    names.write_text(ids)
    code = harvest.run(f"{url}/{{id}}", f"ids=@{names}", "accept=application/json", spider="idrange")
    assert code == 1, harvest.output[-300:]
    archive_builder.check(harvest.archive)
    found = archive_builder.rows(
        harvest.archive, "SELECT identifier, state, reason FROM outcomes WHERE state <> 'open'"
    )
    return {identifier: (state, reason) for identifier, state, reason in found}


def held(harvest: Harvest) -> dict[str, Record]:
    return {record.identifier: record for *_, record in archive_builder.stored(harvest.archive)}


@pytest.fixture
def small(harvest: Harvest, monkeypatch: pytest.MonkeyPatch) -> Harvest:
    """A harvest that takes no body of more than MOST bytes."""
    command = harvest.command
    monkeypatch.setattr(harvest, "command", lambda *words, **more: [*command(*words, **more), *SMALL])
    return harvest


def test_what_json_may_hold_is_read_byte_for_byte_or_refused_with_its_cause(small: Harvest):
    with serving() as (url, _):
        found = by_id(small, f"{url}/api/body", "".join(f"{name}\n" for name in (*BODIES, "99")))
    assert {name: state for name, (state, _) in found.items()} == {
        "99": "absent",
        **{name: state for name, (_, state) in BODIES.items()},
    }
    assert all(reason for state, reason in found.values() if state == "refused")
    assert "bytes" in str(found["13"][1])
    records = held(small)
    for name, record in records.items():
        text = BODIES[name][0].decode()
        assert record.original == text or json.loads(text) == record.metadata
    findings = archive_builder.rows(small.archive, "SELECT code, message FROM findings")
    assert any(code == "answer-names-another" and "11" in message for code, message in findings)


def test_a_body_that_unpacks_to_more_than_the_limit_is_refused(small: Harvest):
    with serving() as (url, _):
        found = by_id(small, f"{url}/api/packed", "".join(f"{name}\n" for name in PACKED))
    assert {state for state, _ in found.values()} == {"refused"}
    assert f"more than {MOST} bytes" in str(found["gzip"][1])
    assert f"more than {MOST} bytes" in str(found["deflate"][1])
    assert "not asked for" in str(found["br"][1])
    assert "not asked for" in str(found["zstd"][1])


def test_a_page_that_unpacks_to_more_than_the_limit_is_refused_and_the_run_says_so(small: Harvest):
    with serving() as (url, _):
        assert small.run(f"{url}/bombs") in (1, 3), small.output[-3000:]
    reasons = archive_builder.rows(small.archive, "SELECT state, reason FROM requests WHERE url LIKE '%=ListR%'")
    assert reasons
    assert {state for state, _ in reasons} == {"refused"}
    assert all("DOWNLOAD_MAXSIZE" in reason for _, reason in reasons)
    archive_builder.check(small.archive)


def test_no_redirect_leads_out_of_the_source(small: Harvest):
    with serving() as (url, server):
        found = by_id(small, f"{url}/api/away", "".join(f"{n}\n" for n in range(len(AWAY))))
        assert server.probed == []
    assert {state for state, _ in found.values()} == {"refused"}
    assert set(found) == {str(n) for n in range(len(AWAY))}
    assert not [record for record in held(small).values() if "root:" in str(record)]


def test_ids_made_to_be_paths_or_sql_are_ids_and_nothing_else(small: Harvest, tmp_path: Path):
    with serving() as (url, _):
        assert small.run(f"{url}/oai") == 0, small.output[-3000:]
    names = set(held(small))
    assert len(names) == len(IDS)
    assert {"../../etc/x", "'; DROP TABLE outcomes; --", "a" * 4096, "<script>alert(1)</script>"} <= names
    archive_builder.check(small.archive)
    # nothing is named by an id: the archive is below its folder, and what is there is what always is
    assert {path.name for path in tmp_path.iterdir()} == {"archive"}
    assert not [path for path in small.archive.rglob("*") if "etc" in path.name or "script" in path.name]
