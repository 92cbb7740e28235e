"""`harvester crawl files`, and `files=` of the other spiders, against a repository whose files misbehave."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import web
from support import archive_builder, bulk_provider, fork_server
from support.file_harvests import codes, content, contents, crawl, harvest, last, of, states
from support.file_provider import File, Filing, serving
from support.harvest_runs import HARVESTER, environment

from archive.integrity.verify import verify
from archive.store.layout import Layout

SCRAPY = str(Path(sys.executable).with_name("scrapy"))


def test_every_file_that_a_record_lists_ends_in_one_state(tmp_path: Path):
    archive = tmp_path / "a"
    server = Filing(
        {
            "1": {"a.txt": File(b"hello"), "d/b \u00e4.csv": File(b"x" * 100_000), "empty": File(b"")},
            "2": {"same": File(b"hello"), "no checksum": File(b"q", stated={"checksum": None})},
            "3": {},
            "4": {
                "gone": File(b"g", status=404),
                "closed": File(b"c", status=403, headers={"Content-Type": "application/json"}),
                "wrong": File(b"abc", stated={"checksum": "md5:" + "0" * 32}),
                "down": File(b"down", status=502),
                "short": File(b"abc", stated={"size": 4}),
            },
            "5": {"listed": File(b"elsewhere")},
            "6": {"secret": File(b"m")},
            "7": {"lost": File(b"x")},
        },
        lists={"5": 200, "6": 403, "7": 502},
    )
    with serving(server):
        assert harvest(server, archive) == 0
        assert crawl("files", archive) == 3
        assert states(archive) == {
            ("1", "a.txt"): "read",
            ("1", "d/b \u00e4.csv"): "read",
            ("1", "empty"): "read",
            ("2", "same"): "read",
            ("2", "no checksum"): "read",
            ("4", "gone"): "absent",
            ("4", "closed"): "forbidden",
            ("4", "wrong"): "refused",
            ("4", "down"): "lost",
            ("4", "short"): "refused",
            ("5", "listed"): "read",
            ("6", ""): "forbidden",
        }
        assert content(archive, "1", "d/b \u00e4.csv") == b"x" * 100_000
        assert content(archive, "1", "empty") == b""
        account = last(archive)
        assert (account.listed, account.states["read"], account.complete) == (12, 6, False)
        assert {one.bytes for one in contents(archive)} == {0, 1, 5, 9, 100_000}
        refused = archive_builder.rows(archive, "SELECT identifier, message FROM findings WHERE code = 'file-refused'")
        assert sorted(message.partition(" cannot")[0] for _, message in refused) == [
            "4: the file 'short'",
            "4: the file 'wrong'",
        ]

        server.records["4"]["down"].status = 200
        server.lists["7"] = 200
        asked = len(server.downloads())
        assert crawl("files", archive) == 1
        assert len(archive_builder.rows(archive, "SELECT * FROM runs WHERE spider = 'files'")) == 1
        assert (states(archive)["4", "down"], states(archive)["7", "lost"]) == ("read", "read")
        assert len(server.downloads()) == asked + 2

        server.records["4"]["wrong"] = File(b"abc")  # the record still states the other checksum
        asked = len(server.downloads())
        assert crawl("files", archive) == 1
        assert {path.rpartition("/files/")[2] for path in server.downloads()[asked:]} == {
            "gone/content",
            "closed/content",
            "wrong/content",
            "short/content",
        }
        assert last(archive).listed == 13
    assert verify(archive).whole


def test_a_file_of_many_records_is_fetched_and_kept_once(tmp_path: Path):
    shared = File(b"v" * 300_000)
    records = {str(n): {"shared": shared, f"own {n}": File(str(n).encode())} for n in range(1, 9)}
    with serving(Filing(records, pause_seconds=0.01)) as server:
        assert harvest(server, tmp_path / "a", "files=true") == 0
        assert len(server.downloads()) == 9
        assert server.most_at_once > 1
        assert len(contents(tmp_path / "a")) == 9
        assert last(tmp_path / "a").states["read"] == 16


def test_records_first_then_files_in_one_command_and_the_same_words_go_on(tmp_path: Path):
    archive = tmp_path / "a"
    with serving(Filing({"1": {"a": File(b"a"), "b": File(b"b", status=502)}})) as server:
        words = (*of(server), "files=size<=1kB")
        assert crawl("idrange", archive, *words) == 3
        server.records["1"]["b"].status = 200
        before = len(server.asked)
        assert crawl("idrange", archive, *words, program=SCRAPY) == 0
        assert server.asked[before:] == ["/robots.txt", "/api/records/1/files/b/content"]
        assert crawl("idrange", archive, *words, program=SCRAPY) == 0
        assert [row[0] for row in archive_builder.rows(archive, "SELECT spider FROM runs ORDER BY run")] == [
            "idrange",
            "files",
            "idrange",
            "files",
        ]
        assert last(archive).complete


def test_a_filter_takes_some_and_counts_the_rest(tmp_path: Path):
    files = {"a.csv": File(b"a"), "b.csv": File(b"b" * 2000), "c.pdf": File(b"c", stated={"mimetype": None})}
    with serving(Filing({"1": files})) as server:
        assert harvest(server, tmp_path / "a") == 0
        assert crawl("files", tmp_path / "a", "files=key=*.csv,size<2kB") == 0
        assert (last(tmp_path / "a").listed, last(tmp_path / "a").left_out) == (1, 2)
        assert crawl("files", tmp_path / "a", "files=type=application/pdf") == 0
        assert states(tmp_path / "a") == {("1", "a.csv"): "read", ("1", "c.pdf"): "read"}
        assert crawl("files", tmp_path / "a", "sample=1") == 0
        assert crawl("files", tmp_path / "a", "files=colour=red") == 2


def test_a_cut_transfer_goes_on_and_a_wait_uses_up_no_try(tmp_path: Path):
    cut = File(bytes(range(256)) * 8000, cuts=[300_000, 300_000, 300_000])
    told: list[str] = []

    def spoil(number: int, path: str) -> web.Response | None:
        if path.endswith("/content") and len(told) < 4:
            told.append(path)
            return web.Response(status=429, headers={"Retry-After": "0"})
        return None

    with serving(Filing({"1": {"cut": cut}}, spoil=spoil)) as server:
        assert harvest(server, tmp_path / "a", "files=true") == 0
        assert server.sent["/api/records/1/files/cut/content"] == len(cut.content)
        assert content(tmp_path / "a", "1", "cut") == cut.content
        assert len(told) == 4


def test_a_run_that_is_told_to_end_ends_in_order_and_goes_on(tmp_path: Path):
    archive = tmp_path / "a"
    files = {"big": File(made=12 << 20), **{f"small {n}": File(str(n).encode()) for n in range(40)}}
    with serving(Filing({"1": files}, pause_seconds=0.01)) as server:
        assert harvest(server, archive) == 0
        process = subprocess.Popen(
            [HARVESTER, "crawl", "files", "--progress", "none", "-a", f"archive={archive}"],
            env=environment(),
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and not list((archive / "downloads").glob("*.part")):
            time.sleep(0.02)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 3
        assert verify(archive).whole
        last(archive)
        server.pause_seconds = 0
        assert crawl("files", archive) == 0
        assert last(archive).complete
        assert server.sent["/api/records/1/files/big/content"] < (13 << 20)
        assert len(contents(archive)) == 41


def test_only_hosts_of_the_source_are_asked_and_only_they_get_the_token(tmp_path: Path):
    archive, source = tmp_path / "a", tmp_path / "s.toml"
    with serving(Filing()) as other, serving(Filing()) as server:
        other.records = {"1": {"far": File(b"far"), "moved": File(b"moved")}}
        far = f"{other.url}/api/records/1/files"
        server.records = {
            "1": {
                "near": File(b"near"),
                "far": File(b"far", stated={"links": {"content": f"{far}/far/content"}}),
                "moved": File(b"moved", location=f"{far}/moved/content"),
            }
        }
        source.write_text(
            f'name = "T"\n[token]\nenvironment = "T_TOKEN"\nhosts = ["{server.url[7:]}"]\n'
            f'[idrange]\nurl = "{server.records_url}"\n'
        )
        secret = {"T_TOKEN": "s3cr3t-s3cr3t"}
        words = (f"source={source}", "ids=1", "accept=application/json", "files=true")
        assert crawl("idrange", archive, *words, **secret) == 1
        assert states(archive) == {("1", "near"): "read", ("1", "moved"): "refused"}
        assert codes(archive) == {"files-elsewhere", "file-refused"}
        assert other.asked == []
        assert crawl("files", archive, f"source={source}", f"hosts={other.url[7:]}", **secret) == 0
        assert content(archive, "1", "far") == b"far"
        assert content(archive, "1", "moved") == b"moved"
        assert all(one["Authorization"] == "Bearer s3cr3t-s3cr3t" for one in server.headers)
        assert not any("Authorization" in one for one in other.headers)
        for path in archive.rglob("*"):
            assert path.is_dir() or b"s3cr3t" not in path.read_bytes()


def test_what_is_no_url_is_left_out_and_does_not_end_the_run(tmp_path: Path):
    archive, bad = tmp_path / "a", {"links": {"content": "http://[bad/x"}}
    with serving(
        Filing({"1": {"bad": File(b"b", stated=bad), "good": File(b"g")}, "2": {"more": File(b"m")}})
    ) as server:
        assert harvest(server, archive, "files=true") == 1
        assert states(archive) == {("1", "good"): "read", ("2", "more"): "read"}
        assert last(archive).left_out == 1
        assert codes(archive) == {"files-elsewhere"}


def test_robots_txt_closes_files_until_the_source_says_why_not(tmp_path: Path):
    archive, source = tmp_path / "a", tmp_path / "s.toml"
    with serving(Filing({"1": {"a": File(b"a")}})) as server:
        assert harvest(server, archive) == 0
        server.robots = "User-agent: *\nDisallow: /api/records/1/files\n"
        assert crawl("files", archive) == 2
        assert server.downloads() == []
        source.write_text(
            f'name = "T"\n[idrange]\nurl = "{server.records_url}"\n[robots]\nasks_anyway = ["/api/"]\n'
            'because = "it is an interface for programs"\n'
        )
        assert crawl("files", archive, f"source={source}") == 0
        assert "robots-closed" in codes(archive)


def test_files_of_a_dump_follow_its_records(tmp_path: Path):
    archive = tmp_path / "a"
    files = Filing({"7": {"x": File(b"content")}})
    with serving(files), bulk_provider.serving(bulk_provider.Bulk()) as server:
        record: Any = files.record("7")
        server.files = {"records-json.tar.gz": ("1", bulk_provider.json_dump([record]))}
        words = (f"url={server.url}/api/exporter", f"hosts={files.url[7:]}", "files=records-json.tar.gz,true")
        assert crawl("exporter", archive, *words) == 0
        assert content(archive, "7", "x") == b"content"


def test_status_shows_how_the_files_stand(tmp_path: Path):
    archive = tmp_path / "a"
    with serving(Filing({"1": {"a": File(b"a"), "gone": File(status=404)}})) as server:
        assert harvest(server, archive, "files=true") == 0

    def status() -> tuple[int, dict[str, Any]]:
        done = fork_server.run(
            [HARVESTER, "status", archive, "--json"], capture_output=True, env=environment(), check=False
        )
        return done.returncode, json.loads(done.stdout)["files"]

    code, files = status()
    assert (code, files["contents"], files["bytes"]) == (0, 1, 1)
    (run,) = files["runs"]
    assert (run["listed"], run["states"]["read"], run["states"]["absent"], run["balanced"]) == (2, 1, 1, True)
    shown = fork_server.run(
        [HARVESTER, "status", archive], capture_output=True, text=True, env=environment(), check=False
    )
    assert "1 content stored once" in shown.stdout
    damage(archive)
    code, files = status()
    assert (code, files["runs"][0]["balanced"]) == (4, False)


def damage(archive: Path) -> None:
    """Take a row out of the ledger."""
    with sqlite3.connect(Layout(archive).ledger) as db:
        db.execute("DELETE FROM files WHERE key = 'gone'")
    db.close()
