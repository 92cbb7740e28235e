"""A token is sent to its own host, and found in no file, log or error, whatever the provider does with it."""

import base64
import gzip
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from support.echo_provider import TROUBLE, Echo, echoing
from support.harvest_runs import HARVESTER, environment
from support.secret_search import BASE64, SECRET, everything, shown

from archive.store.layout import Layout


def commands(echo: Echo, folder: Path) -> dict[str, list[str]]:
    """The two ways to run a harvest, with everything written to the log that can be."""
    file = folder / "source.toml"
    file.write_text(f'[oaipmh]\nurl = "{echo.url}"\n[token]\nenvironment = "TEST_TOKEN"\n')
    words = ["-a", f"source={file}", "-a", f"archive={folder / 'archive'}", "-s", "LOG_LEVEL=DEBUG"]
    log = ["-s", f"LOG_FILE={folder / 'scrapy.log'}"]
    return {
        "harvester": [HARVESTER, "crawl", "oaipmh", "-v", "--progress", "plain", *words],
        "scrapy": [sys.executable, "-m", "scrapy", "crawl", "oaipmh", *log, *words],
    }


def run(command: list[str], folder: Path, token: str = SECRET) -> tuple[int, str]:
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        env={
            **environment(),
            "TEST_TOKEN": token,
            "SCRAPY_SETTINGS_MODULE": "harvester.settings",
            "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]),
        },
    )
    return done.returncode, done.stdout + done.stderr


def codes(folder: Path) -> set[str]:
    found = sqlite3.connect(Layout(folder / "archive").ledger).execute("SELECT code FROM findings").fetchall()
    return {code for (code,) in found}


def test_the_search_finds_what_it_is_for():
    for text in (SECRET, f"Bearer {SECRET}", BASE64, base64.b64encode(f"?{SECRET}".encode()).decode()):
        assert shown(text.encode())
    assert shown(gzip.decompress(gzip.compress(f"<a>{quote(SECRET)}</a>".encode())))


@pytest.mark.parametrize("way", ["harvester", "scrapy"])
@pytest.mark.parametrize("trouble", TROUBLE)
def test_a_token_that_the_provider_repeats_is_found_nowhere(way: str, trouble: str, tmp_path: Path):
    with echoing() as other, echoing(away=f"http://{other.host}", robots="User-agent: *\n", trouble=(trouble,)) as echo:
        command = commands(echo, tmp_path)[way]
        code, output = run(command, tmp_path)
        assert code in (1, 3), output[-3000:]
        sent = [headers.get("Authorization") for _, headers in echo.seen]
        assert set(sent) == {f"Bearer {SECRET}"}
        assert other.seen == []
    assert not any(SECRET in path or quote(SECRET, safe="") in path for path, _ in echo.seen)
    kept = everything(tmp_path)
    assert shown(output.encode()) == []
    assert shown(kept) == []
    # the test has looked at what was masked, in records and log alike
    assert kept.count(b"sent Bearer ***") >= 1
    assert "secret-masked" in codes(tmp_path)


def test_records_by_id_show_no_token_either(tmp_path: Path):
    source = tmp_path / "source.toml"
    with echoing() as other, echoing(away=f"http://{other.host}") as echo:
        url = f"http://{echo.host}/api/{{id}}"
        source.write_text(f'[idrange]\nurl = "{url}"\nvalidators = "etag"\n[token]\nenvironment = "TEST_TOKEN"\n')
        words = [f"source={source}", f"archive={tmp_path / 'archive'}", "ids=1-10"]
        command = [
            HARVESTER,
            "crawl",
            "idrange",
            "-v",
            "--progress",
            "plain",
            "-s",
            "HARVEST_TRIES=1",
            "-s",
            "LOG_LEVEL=DEBUG",
            *(part for word in words for part in ("-a", word)),
        ]
        code, output = run(command, tmp_path)
        assert code in (1, 3), output[-3000:]
        assert {headers.get("Authorization") for _, headers in echo.seen} == {f"Bearer {SECRET}"}
        assert other.seen == []
    kept = everything(tmp_path)
    assert shown(output.encode()) == []
    assert shown(kept) == []
    assert kept.count(b"sent Bearer ***") >= 1
    assert "secret-masked" in codes(tmp_path)
    states = (
        sqlite3.connect(Layout(tmp_path / "archive").ledger).execute("SELECT DISTINCT state FROM outcomes").fetchall()
    )
    assert {state for (state,) in states} >= {"read", "deleted", "absent", "forbidden", "refused", "moved"}


@pytest.mark.parametrize("kind", ["broken answer", "error page", "OAI error", "dead"])
def test_a_provider_that_goes_on_failing_shows_no_token_either(kind: str, tmp_path: Path):
    with echoing(trouble=(kind,) * 12) as echo:
        echo.dead = kind == "dead"
        command = [*commands(echo, tmp_path)["harvester"], "-s", "HARVEST_TRIES=1"]
        code, output = run(command, tmp_path)
        assert code == 3 if echo.dead else code in (1, 3), output[-3000:]
        assert echo.seen
    assert shown(output.encode()) == []
    assert shown(everything(tmp_path)) == []


CRASH = """
import logging
from scrapy import signals

class Crash:
    @classmethod
    def from_crawler(cls, crawler):
        crash = cls()
        crawler.signals.connect(crash.received, signal=signals.response_received)
        return crash

    def received(self, response, request):
        logging.getLogger("crash").warning("sent %s", request.headers)
        raise RuntimeError(f"sent {request.headers}")
"""


@pytest.mark.parametrize("way", ["harvester", "scrapy"])
def test_a_crash_whose_traceback_quotes_the_headers_of_a_request_shows_no_token(way: str, tmp_path: Path):
    (tmp_path / "crash.py").write_text(CRASH)
    with echoing() as echo:
        command = [*commands(echo, tmp_path)[way], "-s", 'EXTENSIONS={"crash.Crash": 1}']
        _, output = run(command, tmp_path)
    log = output.encode() + everything(tmp_path)
    assert b"RuntimeError: sent" in log
    assert log.count(b"Bearer ***") >= 2
    assert shown(log) == []


def test_a_token_that_is_none_is_refused_before_anything_is_asked(tmp_path: Path):
    with echoing() as echo:
        for token in (SECRET + "\n", "short"):
            code, output = run(commands(echo, tmp_path)["harvester"], tmp_path, token)
            assert code == 2
            assert "TEST_TOKEN" in output
            assert token.strip() not in output
        assert echo.seen == []


def test_another_host_than_the_tokens_own_never_gets_it(tmp_path: Path):
    with echoing() as mirror, echoing() as echo:
        command = [*commands(echo, tmp_path)["harvester"], "-a", f"url={mirror.url}"]
        code, output = run(command, tmp_path)
        assert code == 0, output[-3000:]
        assert echo.seen == []
        assert mirror.seen
        assert not any("Authorization" in headers for _, headers in mirror.seen)


def test_without_a_contact_no_stranger_is_asked_and_with_one_it_is_told(tmp_path: Path):
    words = [HARVESTER, "crawl", "oaipmh", "--progress", "none", "-a", f"archive={tmp_path / 'archive'}"]
    code, output = run([*words, "-a", "url=https://stranger.invalid/oai"], tmp_path)
    assert code == 2
    assert "HARVESTER_CONTACT" in output
    assert not (tmp_path / "archive").exists()
    with echoing() as echo:
        code, output = run(
            [*words, "-a", f"url={echo.url}", "--contact", "me@example.org", "-s", "USER_AGENT=x"], tmp_path
        )
        assert code == 0, output[-3000:]
        agents = {headers["User-Agent"] for _, headers in echo.seen}
        assert len(agents) == 1
        assert agents.pop().endswith("(mailto:me@example.org)")
        code, output = run([*words, "--contact", "me@example.org\r\nX: 1"], tmp_path)
        assert code == 2


def test_nothing_is_sent_that_was_not_meant_to_be(tmp_path: Path):
    with echoing() as echo:
        code, output = run(commands(echo, tmp_path)["harvester"], tmp_path, token="")
        assert code == 0, output[-3000:]
        for _, headers in echo.seen:
            assert not {"Cookie", "Referer", "Authorization"} & set(headers)
    assert "TEST_TOKEN" not in os.environ
