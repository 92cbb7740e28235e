"""`harvester bag` and `harvester fill`, as they are run: exit codes, output, and what others say of the bags."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import archive_builder, fork_server
from support.bag_builder import Files, bagged, files_at, folder_of, validate
from support.external_checkers import bagit_profile_problems
from support.harvest_runs import HARVESTER, environment

from archive.bags.check import check_bag
from archive.bags.tagfiles import PROFILE_FILE

BAGIT = str(Path(sys.executable).with_name("bagit.py"))
BIG = {"big": bytes(range(256)) * 65536, "small": b"s" * 100}


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return fork_server.run(
        [HARVESTER, *words], cwd=folder, capture_output=True, text=True, check=False, env=environment(), timeout=600
    )


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    archive_builder.ended(tmp_path / "archive", [["oai:x:1", "oai:x:2"], ["oai:x:3"]])
    return tmp_path


def test_an_archive_is_bagged_and_everybody_accepts_it(archive: Path):
    done = run(
        archive,
        "bag",
        "archive",
        "bag",
        "--info",
        "Source-Organization=A Library",
        "--contact",
        "me@example.org",
        "--bagging-date",
        "2026-10-01",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("bag: 4 files, ")
    info = (archive / "bag" / "bag-info.txt").read_text()
    for line in ("Source-Organization: A Library", "Contact-Email: me@example.org", "Bagging-Date: 2026-10-01"):
        assert line in info.splitlines()
    validate(archive / "bag")
    said = subprocess.run([BAGIT, "--validate", "bag"], cwd=archive, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    assert bagit_profile_problems(archive / "bag", archive / "bag" / PROFILE_FILE) == []
    assert run(archive, "verify", "bag").returncode == 0
    assert run(archive, "verify", "archive").returncode == 0


def test_json_has_stable_keys(archive: Path):
    done = run(archive, "bag", "archive", "out/bag", "--max-bytes", "120kB", "--json")
    told = json.loads(done.stdout)
    assert list(told) == ["kind", "bags", "remarks"]
    assert [list(bag) for bag in told["bags"]] == [["path", "files", "bytes", "linked", "copied", "to_fetch"]]
    assert (told["kind"], told["remarks"], done.returncode) == ("archive", [], 0)


def test_what_is_left_out_is_said_and_is_a_finding(archive: Path):
    (archive / "archive" / "notes.txt").write_text("mine")
    done = run(archive, "bag", "archive", "bag")
    assert (done.returncode, done.stderr.split(":")[0]) == (1, "left-out")
    validate(archive / "bag")


@pytest.mark.parametrize(
    "words",
    [
        ("archive", "archive/bag"),
        ("none", "bag"),
        ("archive", "bag", "--info", "Payload-Oxum=1.1"),
        ("archive", "bag", "--info", "no value"),
        ("archive", "bag", "--bagging-date", "today"),
        ("archive", "bag", "--copy", "--link"),
        ("archive", "bag", "--max-bytes", "1"),
        ("archive", "bag", "--max-bytes", "much"),
        ("archive", "bag", "--fetch", "shards/*"),
        ("archive", "bag", "--fetch-url", "file:///x"),
        ("archive", "bag", "--fetch-url", "https://x/?a=b"),
        ("archive", "bag", "--with-index"),
        ("archive", "bag", "--contact", "nobody"),
        ("archive", "archive"),
    ],
)
def test_what_cannot_be_is_usage_and_leaves_nothing(archive: Path, words: tuple[str, ...]):
    assert run(archive, "bag", *words).returncode == 2
    assert sorted(entry.name for entry in archive.iterdir()) == ["archive"]


def test_an_archive_that_is_written_to_or_was_left_open_is_unfinished(archive: Path):
    writer = archive_builder.writer(archive / "archive")
    assert run(archive, "bag", "archive", "bag").returncode == 3
    writer.close()
    (archive / "archive" / "ledger.sqlite.sha256").unlink()
    assert run(archive, "bag", "archive", "bag").returncode == 3


def test_a_damaged_archive_is_damaged(archive: Path):
    (archive / "archive" / "shards" / "00001.json-seq.zst").write_bytes(b"x")
    assert run(archive, "bag", "archive", "bag").returncode == 4


# --- holey bags


def test_a_holey_bag_is_filled_from_the_hosts_that_are_allowed(tmp_path: Path):
    folder_of(tmp_path / "f", BIG)
    with files_at(Files(tmp_path / "f", cut={1: 5_000_000})) as server:
        assert run(tmp_path, "bag", "f", "bag", "--fetch-url", server.url).returncode == 0
        asked = run(tmp_path, "fill", "bag")
        assert (asked.returncode, server.asked) == (2, [])
        assert "--allow-host" in asked.stderr
        assert run(tmp_path, "fill", "bag", "--allow-all-hosts").returncode == 2
        host = server.url.removeprefix("http://")
        done = run(tmp_path, "fill", "bag", "--allow-host", host, "--json")
        assert (done.returncode, json.loads(done.stdout)) == (
            0,
            {"bag": "bag", "missing": 2, "filled": 2, "nowhere": [], "problems": []},
        )
        validate(tmp_path / "bag")
        assert run(tmp_path, "fill", "bag").returncode == 0


def test_a_wrong_file_is_a_finding_and_no_answer_is_unfinished(tmp_path: Path):
    folder_of(tmp_path / "f", BIG)
    with files_at(
        Files(tmp_path / "f", spoil=lambda n, path: (200, b"x" * 100) if path == "/small" else None)
    ) as server:
        bagged(tmp_path / "f", tmp_path / "bag", fetch_url=f"{server.url}/")
        host = server.url.removeprefix("http://")
        done = run(tmp_path, "fill", "bag", "--allow-host", host)
        assert (done.returncode, done.stdout.split(":")[0]) == (1, "refused")
    done = run(tmp_path, "fill", "bag", "--allow-host", host, "--tries", "1")
    assert (done.returncode, done.stdout.split(":")[0]) == (3, "lost")
    (tmp_path / "bag" / "fetch.txt").unlink()
    done = run(tmp_path, "fill", "bag")
    assert (done.returncode, done.stdout.split(":")[0]) == (1, "nowhere")


def test_what_is_no_bag_is_usage_and_a_bag_that_leads_elsewhere_is_damaged(tmp_path: Path):
    assert run(folder_of(tmp_path / "f"), "fill", ".").returncode == 2
    bagged(tmp_path / "f", tmp_path / "bag", fetch_url="https://example.org/")
    (tmp_path / "bag" / "fetch.txt").write_text("https://example.org/x 5 data/../../x\n")
    assert run(tmp_path, "fill", "bag", "--allow-all-hosts").returncode == 4


def test_killed_while_it_fills_the_same_command_goes_on(tmp_path: Path):
    folder_of(tmp_path / "f", {"big": BIG["big"]})
    stopped: list[int] = []

    def stalls(number: int, path: str) -> tuple[int, bytes] | None:
        if number == 2:  # what comes after the first part broke waits until the process is gone
            os.kill(process.pid, signal.SIGKILL)
            stopped.append(process.wait())
        return None

    with files_at(Files(tmp_path / "f", spoil=stalls, cut={1: 5_000_000})) as server:
        bagged(tmp_path / "f", tmp_path / "bag", fetch_url=f"{server.url}/")
        words = ["fill", "bag", "--allow-host", server.url.removeprefix("http://")]
        process = subprocess.Popen([HARVESTER, *words], cwd=tmp_path, env=environment())
        for _ in range(1000):
            if stopped:
                break
            time.sleep(0.05)
        assert stopped == [-signal.SIGKILL]
        assert {finding.code for finding in check_bag(tmp_path / "bag").findings} == {"fetch-missing"}
        assert run(tmp_path, *words).returncode == 0
        assert [wanted for _, wanted in server.asked][2:] == ["bytes=5000000-"]
    validate(tmp_path / "bag")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["bag", "f"]


def test_a_second_opinion_is_printed_beside_ours(archive: Path):
    done = run(archive, "bag", "archive", "bag", "--second-opinion")
    assert done.returncode == 0
    _, ours, theirs = done.stdout.splitlines()
    assert ours.endswith(": complete and valid")
    assert theirs.startswith("bag: bagit 1.")
    assert done.stdout.endswith(" agrees: valid\n")
    done = run(archive, "verify", "bag", "--second-opinion", "--json")
    opinion = json.loads(done.stdout)["second_opinion"]
    assert (done.returncode, opinion["valid"], opinion["agrees"], opinion["files"]) == (0, True, True, [])
    assert "second_opinion" not in json.loads(run(archive, "verify", "bag", "--json").stdout)


def test_a_second_opinion_that_disagrees_ends_with_4_and_names_the_file(tmp_path: Path):
    folder_of(tmp_path / "files", {"100%25.txt": b"x"})
    done = run(tmp_path, "bag", "files", "bag", "--second-opinion", "--json")
    opinion = json.loads(done.stdout)["bags"][0]["second_opinion"]
    assert (done.returncode, opinion["valid"], opinion["agrees"]) == (4, False, False)
    assert "data/100%25.txt" in opinion["files"]
    done = run(tmp_path, "verify", "bag", "--second-opinion")
    assert (done.returncode, done.stderr) == (4, "")
    assert "  look at data/100%25.txt" in done.stdout.splitlines()


def test_a_bag_that_both_find_damaged_ends_with_4(archive: Path):
    shard = archive / "archive/shards/00001.json-seq.zst"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    done = run(archive, "bag", "archive", "bag")
    assert done.returncode == 0  # recorded digests are used: it is not read
    done = run(archive, "bag", "archive", "bag-2", "--second-opinion")
    assert done.returncode == 4
    assert "damaged: data/shards/00001.json-seq.zst [manifest-mismatch]" in done.stdout
    assert " agrees: not valid: data/shards/00001.json-seq.zst " in done.stdout
    done = run(archive, "bag", "archive", "bag-3", "--second-opinion", "--json")
    made = json.loads(done.stdout)["bags"][0]
    assert (done.returncode, made["damaged"], made["second_opinion"]["agrees"]) == (4, True, True)


def test_files_to_be_fetched_are_no_damage_to_a_second_opinion(tmp_path: Path):
    folder_of(tmp_path / "files")
    done = run(tmp_path, "bag", "files", "bag", "--fetch-url", "http://x.example/", "--second-opinion")
    assert (done.returncode, done.stderr) == (0, "")
    assert " agrees: not valid: " in done.stdout


def test_a_second_opinion_is_for_bags_only(archive: Path):
    done = run(archive, "verify", "archive", "--second-opinion")
    assert done.returncode == 2
    assert "--second-opinion requires a bag" in done.stderr
    (archive / "bag.tar").write_bytes(b"")
    done = run(archive, "verify", "bag.tar", "--second-opinion")
    assert done.returncode == 2
    assert "bag.tar is a file; unpack it first" in done.stderr
