"""`harvester get`: one record by its id, from disk and from web servers, good ones and others."""

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import archive_builder, dump_builder, fork_server, harvest_runs, serving_archive
from support.range_server import ranging

from archive.store import envelope

RECORDS = [
    *serving_archive.many(900),
    serving_archive.record("oai:x:1", "2020-01-01", "In JSON", format_="json", media_type="application/json"),
    serving_archive.record("oai:x:2", "2020-01-01", "Two"),
]
LIVE, GONE = "oai:repository.example:00007", "oai:repository.example:00010"
NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; gzip on; gzip_types *; gzip_min_length 1; default_type application/json;
    client_body_temp_path {folder}/temp; proxy_temp_path {folder}/temp; fastcgi_temp_path {folder}/temp;
    uwsgi_temp_path {folder}/temp; scgi_temp_path {folder}/temp;
    server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive and a release of it, beside each other."""
    folder = tmp_path_factory.mktemp("served")
    pages = [RECORDS[at : at + 100] for at in range(0, len(RECORDS), 100)]
    changed = serving_archive.record("oai:x:2", "2021-01-01", "Two again")
    serving_archive.archive(folder / "archive", [*pages, [changed]])
    dump_builder.released(folder / "archive", folder / "release", frame_bytes=20_000)
    dump_builder.released(
        folder / "archive", folder / "bare", form="bare", compression="xz", layout="tar", part_records=300
    )
    return folder


@pytest.fixture(scope="module")
def web(root: Path, tmp_path_factory: pytest.TempPathFactory, need: Callable[[str], str]) -> Iterator[str]:
    """The folder on a real web server."""
    nginx = need("nginx")
    folder, port = tmp_path_factory.mktemp("nginx"), harvest_runs.free_port()
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, root=root))
    process = subprocess.Popen(
        [nginx, "-c", folder / "nginx.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{url}/release/manifest.json", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "error.log").read_text()
                time.sleep(0.05)
        yield url
    finally:
        harvest_runs.end(process)


def get(*words: object) -> tuple[int, bytes, str]:
    """(exit code, stdout, stderr)."""
    command = [harvest_runs.HARVESTER, "get", *map(str, words)]
    done = fork_server.run(command, capture_output=True, timeout=600, check=False, env=harvest_runs.environment())
    return done.returncode, done.stdout, done.stderr.decode()


def records(stdout: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in stdout.splitlines()]


def test_a_record_is_a_line_of_json_wherever_it_is_asked_for(root: Path, web: str):
    in_archive = get(root / "archive", LIVE)
    in_release = get(root / "release", LIVE)
    assert in_archive == get(f"{web}/archive", LIVE)
    assert in_release == get(f"{web}/release/", LIVE) == get(f"{web}/release/manifest.json", "00007")
    assert in_release == get(root / "release" / "manifest.json", LIVE)
    assert (in_archive[0], in_release[0]) == (0, 0)
    [kept], [dumped] = records(in_archive[1]), records(in_release[1])
    assert kept["identifier"] == LIVE
    # between two harvests these differ: a release has them not
    assert {**dumped, "url": kept.pop("url"), "retrieved": kept.pop("retrieved")} | kept == {
        **dumped,
        **kept,
        "url": archive_builder.URL,
        "retrieved": "2026-03-04T05:06:07Z",
    }


def test_a_tombstone_is_printed(root: Path, web: str):
    for where in (root / "archive", root / "release", f"{web}/archive", f"{web}/release", f"{web}/bare"):
        code, stdout, _ = get(where, GONE)
        [found] = records(stdout)
        assert (code, found["deleted"], found["metadata"]) == (0, True, None)


def test_over_http_only_the_lookup_and_one_frame_are_read(root: Path, web: str):
    for name, requests in (("archive", 9), ("release", 7), ("bare", 5)):
        code, stdout, stderr = get(f"{web}/{name}", LIVE, "--json", "-v")
        found = json.loads(stdout)
        assert (code, len(found["records"]), found["searched"]) == (0, 1, "lookup")
        assert stderr.count("GET ") == len(found["requests"]) <= requests
        frames = [asked for asked in found["requests"] if asked["range"] and "lookup" not in asked["url"]]
        assert len(frames) == 1
        lookups = [asked for asked in found["requests"] if "lookup" in asked["url"]]
        assert sum(asked["bytes"] for asked in lookups) < 12_000 < 50_000
        assert {asked["status"] for asked in found["requests"]} <= {200, 206, 404}


def test_every_version_is_printed_on_demand(root: Path):
    assert [one["datestamp"] for one in records(get(root / "archive", "oai:x:2")[1])] == ["2021-01-01"]
    code, stdout, _ = get(root / "archive", "2", "--all")
    assert (code, [one["datestamp"] for one in records(stdout)]) == (0, ["2020-01-01", "2021-01-01"])


def test_what_was_sent_is_printed_byte_for_byte(root: Path, web: str):
    sent = serving_archive.dublin_core("Title 7").encode()
    for where in (root / "archive", root / "release", f"{web}/archive", f"{web}/release"):
        assert get(where, LIVE, "--original") == (0, sent, "")
    assert get(root / "archive", "oai:x:1", "--original")[:2] == (0, b'{"title":["In JSON"]}')
    assert get(root / "release", "oai:x:1", "--original")[:2] == (2, b"")  # canonical there
    assert get(root / "bare", LIVE, "--original")[:2] == (2, b"")
    assert get(root / "archive", GONE, "--original")[:2] == (1, b"")
    assert get(root / "archive", LIVE, "--original", "--json")[0] == 2


def test_a_sequence_is_read_by_jq(root: Path, need: Callable[[str], str]):
    need("jq")
    code, stdout, _ = get(root / "archive", "oai:x:2", "--all", "--seq")
    found = subprocess.run(["jq", "--seq", "-c", ".datestamp"], input=stdout, capture_output=True, check=True)
    assert (code, found.stdout, found.stderr) == (0, b'\x1e"2020-01-01"\n\x1e"2021-01-01"\n', b"")


def test_an_unknown_id_is_told_with_what_there_is(root: Path, web: str):
    for where in (root / "archive", root / "release", f"{web}/archive", f"{web}/release", root / "bare"):
        code, stdout, stderr = get(where, "oai:elsewhere.example:00007")
        assert (code, stdout) == (1, b"")
        assert ("oai:repository.example:00007" in stderr) == (not str(where).endswith("bare"))
    code, stdout, stderr = get(root / "archive", LIVE, "--format", "marc21")
    assert (code, stdout) == (2, b"")
    assert "oai_dc" in stderr
    assert json.loads(get(root / "archive", "nobody", "--json")[1])["records"] == []


def test_bare_records_are_not_chosen_by_a_format_that_they_do_not_say(root: Path):
    assert get(root / "bare", LIVE)[0] == 0
    assert get(root / "bare", LIVE, "--format", "oai_dc")[0] == 2
    assert get(root / "bare", LIVE, "--format", "oai_dc", "--format", "json")[0] == 0


@pytest.mark.parametrize("asked", ["", "  ", b"\xff"])
def test_what_is_no_id_is_a_usage_error(root: Path, asked: str | bytes):
    command = [harvest_runs.HARVESTER, "get", str(root / "archive"), asked]
    assert fork_server.run(command, capture_output=True, timeout=600, check=False).returncode == 2


def test_what_is_no_archive_is_a_usage_error(root: Path, web: str, tmp_path: Path):
    for where in (tmp_path, tmp_path / "nothing", f"{web}/nothing", "ftp://127.0.0.1/x", f"{web}/release?x=1"):
        assert get(where, LIVE)[0] == 2
    assert get("https://repository.example/release", LIVE)[0] == 2  # without a contact nobody else is asked
    assert get(f"{web}/release", LIVE, "--token", "NOT_SET_ANYWHERE")[0] == 2


def test_an_archive_that_has_changed_says_that_its_lookup_is_old(root: Path, tmp_path: Path):
    shutil.copytree(root / "archive", tmp_path / "archive")
    serving_archive.harvested(tmp_path / "archive", [[envelope.decode(archive_builder.record("oai:x:3"))]])
    assert len(records(get(tmp_path / "archive", "oai:x:3")[1])) == 1
    with ranging(tmp_path) as server:
        assert get(f"{server.url}/archive", "oai:x:3")[:2] == (3, b"")
        (tmp_path / "archive" / "index.lookup").unlink()
        assert get(f"{server.url}/archive", LIVE)[:2] == (3, b"")
        assert fork_server.run([harvest_runs.HARVESTER, "index", tmp_path / "archive"], check=False).returncode == 0
        assert get(f"{server.url}/archive", "oai:x:3")[0] == 0


@pytest.mark.parametrize(
    ("manner", "code"),
    [
        ("no ranges", 2),
        ("other bytes", 4),
        ("shifted", 3),
        ("unsaid", 3),
        ("403", 3),
        ("to https://elsewhere.example/", 3),
    ],
)
def test_a_server_that_does_otherwise_gives_an_error_and_no_record(root: Path, manner: str, code: int):
    with ranging(root, "well", manner) as server:
        found, stdout, stderr = get(f"{server.url}/release", LIVE)
    assert (found, stdout) == (code, b"")
    assert stderr.count("\n") == 1


def test_a_transfer_that_is_cut_is_asked_for_again(root: Path):
    with ranging(root, "well", "cut", "well", "cut", "well") as server:
        assert get(f"{server.url}/release", LIVE)[0] == 0


def test_a_damaged_frame_is_exit_4(root: Path, tmp_path: Path):
    shutil.copytree(root / "release", tmp_path / "release")
    place = json.loads(get(tmp_path / "release", LIVE, "--json")[1])["records"][0]
    part = tmp_path / "release" / place["file"]
    whole = part.read_bytes()
    part.write_bytes(whole[: place["offset"] + 60] + b"\0\1" + whole[place["offset"] + 62 :])
    assert get(tmp_path / "release", LIVE)[:2] == (4, b"")
    with ranging(tmp_path) as server:
        assert get(f"{server.url}/release", LIVE)[:2] == (4, b"")


def test_a_token_is_sent_and_told_nowhere(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("EXAMPLE_TOKEN", "a-secret-of-some-length")
    with ranging(root, "well", "403") as server:
        code, stdout, stderr = get(f"{server.url}/release", LIVE, "--token", "EXAMPLE_TOKEN", "-v")
    assert code == 3
    assert {headers.get("authorization") for headers in server.headers} == {"Bearer a-secret-of-some-length"}
    assert "a-secret" not in stdout.decode() + stderr


def test_a_release_inside_a_bag_is_found_by_the_bag(root: Path, tmp_path: Path):
    shutil.copytree(root / "release", tmp_path / "bag" / "data")
    (tmp_path / "bag" / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    assert get(tmp_path / "bag", LIVE)[0] == 0
