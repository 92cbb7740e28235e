"""`harvester serve` over HTTP: what clients get is what the archive holds, within the budget, to the last signal."""

import contextlib
import gzip
import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest
from lxml import etree
from sickle import Sickle
from support import archive_builder, fork_server, serving_archive
from support.harvest_runs import HARVESTER, Harvest, end, environment, free_port
from support.running_mirror import Server, mirror

from archive.store.envelope import Record
from archive.store.layout import Layout

COUNT = 250
ODD = "oai:x:a/b c?d&e#f%20é+"
MARC = "<record xmlns='http://www.loc.gov/MARC21/slim'><leader/></record>"
MORE = [
    serving_archive.record(ODD, "2022-01-01T00:00:00Z", "odd", ("user-one",)),
    serving_archive.record("oai:repository.example:00007", "2022-01-01T00:00:00Z", "x", (), (), "marcxml", MARC),
    serving_archive.record("oai:other.example:00007", "2022-01-01T00:00:00Z", "x"),
    serving_archive.record("json:1", "2022-01-01T00:00:00Z", "x", (), (), "zenodo-json", None, "application/json"),
]
RECORDS = {one.identifier: one for one in [*serving_archive.many(COUNT), *MORE] if one.format == "oai_dc"}
JSON, XML = {"Accept": "application/json"}, {"Accept": "application/xml"}
Start = Callable[..., Server]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    many = serving_archive.many(COUNT)
    return serving_archive.archive(
        tmp_path_factory.mktemp("serve") / "archive", [*(many[n : n + 40] for n in range(0, COUNT, 40)), MORE]
    )


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """`start(FOLDER, WORDS...)` serves on a port that is free; all are ended at the end."""
    with contextlib.ExitStack() as running:
        yield lambda folder, *words: running.enter_context(mirror(folder, tmp_path_factory.mktemp("server"), *words))


@pytest.fixture(scope="module")
def server(start: Start, folder: Path) -> Server:
    return start(folder, "--page-size", "60")


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    return fork_server.run(
        [HARVESTER, "serve", *words], capture_output=True, text=True, timeout=600, check=False, env=environment()
    )


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_sickle_gets_exactly_what_the_archive_holds(server: Server, method: str):
    client = Sickle(server.url, http_method=method, encoding="utf-8")
    found = list(client.ListRecords(metadataPrefix="oai_dc", ignore_deleted=False))
    assert len(found) == len(RECORDS)
    for record in found:
        wanted = RECORDS[record.header.identifier]
        assert (record.header.deleted, record.header.datestamp) == (wanted.deleted, wanted.datestamp)
        assert record.header.setSpecs == list(wanted.sets)
        if not wanted.deleted:
            assert record.metadata["title"] == [_title(wanted.original)]
    headers = list(client.ListIdentifiers(metadataPrefix="oai_dc", ignore_deleted=False))
    assert {header.identifier for header in headers} == set(RECORDS)
    one = client.GetRecord(identifier=ODD, metadataPrefix="oai_dc")
    assert one.header.setSpecs == ["user-one"]


def test_the_bytes_of_a_record_are_those_that_the_provider_sent(server: Server):
    for record in list(RECORDS.values())[:30]:
        path = f"/oai?verb=GetRecord&metadataPrefix=oai_dc&identifier={quote(record.identifier, safe='')}"
        body = server.ask(path).body.decode()
        if record.deleted:
            assert '<header status="deleted">' in body
            assert "<metadata>" not in body
        else:
            assert f"<metadata>{record.original}</metadata>" in body
            assert body.count("<about>") == len(record.about)


def test_our_own_spider_makes_the_same_archive_of_it(server: Server, harvest: Harvest):
    assert harvest.run(server.url, "prefix=oai_dc") == 0, harvest.output
    copies = {record.identifier: record for _, _, record in archive_builder.stored(harvest.archive)}
    assert {name: _known(one) for name, one in copies.items()} == {name: _known(one) for name, one in RECORDS.items()}


def _known(record: Record) -> tuple[object, ...]:
    about = () if record.deleted else record.about
    return record.datestamp, record.deleted, record.sets, record.original, about


def test_a_token_goes_on_after_a_restart(start: Start, folder: Path):
    first = start(folder, "--page-size", "100")
    page = etree.fromstring(first.ask("/oai?verb=ListIdentifiers&metadataPrefix=oai_dc").body)
    token = page.findtext(".//{*}resumptionToken")
    first.process.kill()
    first.process.wait()
    second = start(folder, "--page-size", "1000")
    rest = etree.fromstring(second.ask(f"/oai?verb=ListIdentifiers&resumptionToken={token}").body)
    names = [element.text for part in (page, rest) for element in part.iter("{*}identifier")]
    assert len(names) == len(set(names)) == len(RECORDS)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "badVerb"),
        ("verb", "badVerb"),
        ("verb=", "badVerb"),
        ("verb=Identify&verb=Identify", "badVerb"),
        ("verb=%49dentify", None),
        ("verb=Identify#fragment", None),
        ("verb=Identify&x=%ff%fe", "badArgument"),
        ("verb=Identify&%00=%00", "badArgument"),
        ("&&verb=Identify&&", None),
        ("verb=Identify;x=1", "badVerb"),
        ("verb=GetRecord&metadataPrefix=oai_dc&identifier=%ed%a0%80", "badArgument"),
        ("verb=GetRecord&metadataPrefix=oai_dc&identifier=%zz%", "idDoesNotExist"),
        ("verb=ListRecords&metadataPrefix=oai_dc&set=%27%3B%20DROP%20TABLE%20records%3B--", "badArgument"),
        ("verb=ListRecords&resumptionToken=" + "A" * 100_000, "badResumptionToken"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=9999-12-31&until=9999-12-31", "noRecordsMatch"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=0000-01-01", "badArgument"),
        ("verb=ListRecords&metadataPrefix=oai_dc&from=0001-01-01&until=0001-01-01", "noRecordsMatch"),
    ],
)
def test_a_malformed_request_is_an_oai_error_and_never_a_500(server: Server, query: str, code: str | None):
    asked = server.ask(f"/oai?{query}")
    assert (asked.status, asked.error) == (200, code)
    assert asked.headers["Content-Type"] == "text/xml; charset=utf-8"


def test_a_post_is_answered_as_a_get_and_other_bodies_lack_a_verb(server: Server):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    query = "verb=ListIdentifiers&metadataPrefix=oai_dc&set=user-one"
    posted, got = server.ask("/oai", form, method="POST", body=query.encode()), server.ask(f"/oai?{query}")
    assert posted.error is None
    assert _without_date(posted.body) == _without_date(got.body)
    for headers, body in (
        ({"Content-Type": "application/json"}, b"{}"),
        ({"Content-Type": "multipart/form-data"}, b"verb=Identify"),
        (form, b"\xff\xfe\x00"),
        (form, b""),
    ):
        assert server.ask("/oai", headers, method="POST", body=body).error == "badVerb"
    assert server.ask("/oai", form, method="POST", body=b"x" * 1_000_000).status == 413
    assert server.ask("/oai", method="DELETE").status == 405
    assert server.ask("/nothing").status == 404


def test_bytes_that_are_no_http_are_refused_and_the_server_lives(server: Server):
    for raw in (b"\x16\x03\x01\x00\xa5\x01", b"GET /oai?verb=Identify\xff HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            assert not connection.recv(100).startswith(b"HTTP/1.1 500")
    assert server.ask("/oai?verb=Identify").error is None


def test_a_body_is_gzipped_for_who_takes_it(server: Server):
    path = "/oai?verb=ListRecords&metadataPrefix=oai_dc"
    plain, packed = server.ask(path), server.ask(path, {"Accept-Encoding": "gzip"})
    assert (plain.headers["Content-Encoding"], packed.headers["Content-Encoding"]) == (None, "gzip")
    assert _without_date(gzip.decompress(packed.body)) == _without_date(plain.body)
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize("name", [ODD, "oai:repository.example:00008", "00008", "oai:other.example:00007"])
def test_a_record_is_had_as_json_and_as_xml(server: Server, name: str):
    path = f"/api/records/{quote(name, safe='')}"
    as_json, as_xml = server.ask(path, JSON), server.ask(path, XML)
    assert (as_json.headers["Content-Type"], as_json.headers["Vary"]) == ("application/json", "Accept")
    record = RECORDS[str(json.loads(as_json.body)["identifier"])]
    assert json.loads(as_json.body)["original"] == record.original
    assert as_xml.headers["Content-Type"] == "application/xml"
    assert as_xml.body.decode() == record.original
    # a slash may be sent as it is
    assert server.ask(f"/api/records/{quote(name)}").body == as_json.body


def test_a_record_in_several_formats_is_had_in_each(server: Server):
    path = "/api/records/oai:repository.example:00007"
    assert json.loads(server.ask(path).body)["format"] == "marcxml"
    assert server.ask(f"{path}?format=oai_dc", XML).body.decode() == RECORDS["oai:repository.example:00007"].original
    assert server.ask(f"{path}?format=marcxml", XML).body.decode() == MARC
    missing = server.ask(f"{path}?format=mods")
    assert (missing.status, json.loads(missing.body)["formats"]) == (404, ["marcxml", "oai_dc"])


def test_a_deleted_record_is_gone_and_shows_its_tombstone(server: Server):
    gone = server.ask("/api/records/oai:repository.example:00010", XML)
    tombstone = json.loads(gone.body)
    assert gone.status == 410
    assert (tombstone["deleted"], tombstone["datestamp"]) == (True, "2020-01-01T00:00:05Z")


def test_what_cannot_be_had_is_said_with_its_status(server: Server):
    several = server.ask("/api/records/00007")
    assert (several.status, json.loads(several.body)["identifiers"]) == (
        300,
        ["oai:other.example:00007", "oai:repository.example:00007"],
    )
    for path, headers, status in (
        ("/api/records/nobody", JSON, 404),
        ("/api/records/%ff%fe", JSON, 404),
        ("/api/records/%00", JSON, 404),
        ("/api/records/", JSON, 404),
        ("/api/records/json:1", XML, 406),
        ("/api/records/json:1", JSON, 200),
        ("/api/records/00008", {"Accept": "image/png"}, 406),
    ):
        assert server.ask(path, headers).status == status, path


def test_json_records_are_not_disseminated_as_xml(server: Server):
    assert server.ask("/oai?verb=ListRecords&metadataPrefix=zenodo-json").error == "cannotDisseminateFormat"
    assert server.ask("/oai?verb=ListMetadataFormats&identifier=json:1").error == "noMetadataFormats"


def test_many_clients_at_once_get_the_same(server: Server):
    path = "/oai?verb=ListRecords&metadataPrefix=oai_dc&set=odd"
    with ThreadPoolExecutor(16) as threads:
        bodies = {_without_date(answer.body) for answer in threads.map(server.ask, [path] * 64)}
    assert len(bodies) == 1


def test_who_asks_too_often_is_told_how_long_to_wait(start: Start, folder: Path):
    server = start(folder, "--rate", "3/6")
    answers = [server.ask("/oai?verb=Identify") for _ in range(5)]
    assert [answer.status for answer in answers[:3]] == [200, 200, 200]
    refused = answers[-1]
    assert (refused.status, refused.headers["X-RateLimit-Remaining"]) == (429, "0")
    assert all(answer.headers["X-RateLimit-Limit"] == "3" for answer in answers)
    assert int(refused.headers["X-RateLimit-Reset"]) >= time.time() - 1
    assert int(refused.headers["Retry-After"]) >= 1
    time.sleep(int(refused.headers["Retry-After"]))
    assert server.ask("/oai?verb=Identify").status == 200


def test_an_archive_is_not_changed_by_serving_it(start: Start, tmp_path: Path):
    folder = serving_archive.archive(tmp_path / "archive", [serving_archive.many(30)])
    before = _files(folder)
    server = start(folder)
    assert server.ask("/oai?verb=ListRecords&metadataPrefix=oai_dc").error is None
    end(server.process)
    assert _files(folder) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(start: Start, folder: Path, number: signal.Signals):
    server = start(folder)
    with socket.create_connection(("127.0.0.1", server.port)):  # a client that says nothing holds nobody up
        assert server.ask("/oai?verb=Identify").status == 200
        server.process.send_signal(number)
        assert server.process.wait(120) == 0


def test_identify_says_what_was_asked_for(start: Start, folder: Path):
    server = start(folder, "--name", "R & D", "--admin-email", "a@b.example", "--base-url", "https://m.example/oai")
    root = etree.fromstring(server.ask("/oai?verb=Identify").body)
    assert root.findtext(".//{*}repositoryName") == "R & D"
    assert root.findtext(".//{*}adminEmail") == "a@b.example"
    assert root.findtext(".//{*}baseURL") == root.findtext("{*}request") == "https://m.example/oai"


def test_without_an_index_it_says_how_to_make_one_or_makes_it(start: Start, tmp_path: Path):
    folder = serving_archive.archive(tmp_path / "archive", [serving_archive.many(30)])
    Layout(folder).index.unlink()
    done = run(str(folder), "--port", "0")
    assert done.returncode == 3
    assert f"harvester index {folder}" in done.stderr
    server = start(folder, "--index")
    assert server.ask("/oai?verb=ListRecords&metadataPrefix=oai_dc").error is None


@pytest.mark.parametrize(
    "words",
    [
        ["--rate", "fast"],
        ["--port", "99999"],
        ["--page-size", "0"],
        ["--admin-email", "nobody"],
        ["--name", "a\nb"],
        ["--base-url", "ftp://x"],
        ["--port-file", "no/such/folder/port"],
        ["--host", "192.0.2.1"],
        ["--nonsense"],
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(folder: Path, words: list[str]):
    done = run(str(folder), "--port", "0", *words)
    assert done.returncode == 2
    assert done.stderr


def test_a_port_that_is_taken_and_a_folder_that_is_no_archive_are_usage_errors(folder: Path, tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert run(str(folder), "--port", str(taken.getsockname()[1])).returncode == 2
    assert run(str(tmp_path), "--port", str(free_port())).returncode == 2


def _title(xml: str | None) -> str | None:
    return etree.fromstring((xml or "").encode()).findtext(".//{http://purl.org/dc/elements/1.1/}title")


def _without_date(body: bytes) -> bytes:
    before, _, rest = body.partition(b"<responseDate>")
    return before + rest.partition(b"</responseDate>")[2]


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
