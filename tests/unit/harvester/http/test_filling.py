"""Holey bags are filled: only from hosts that were allowed, and with nothing but the files that are missing."""

import multiprocessing
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from support.bag_builder import FILES, Files, bagged, files_at, folder_of, validate

from archive.bags.check import check_bag
from archive.bags.holey import Hole, read_holes
from archive.disk import durable
from archive.errors import Busy, DiskFull
from harvester.errors import UsageError
from harvester.http import filling
from harvester.http.client import Policy
from harvester.http.downloads import download_policy
from harvester.http.filling import fill, hosts_to_ask
from harvester.ratelimit import limiter

BIG = {"big": bytes(range(256)) * 16384, "small": b"s" * 100}


class Turns:
    """A gate that lets everybody through."""

    async def admit(self, url: str) -> None:
        pass

    def judge(self, url: str, status: int, headers: Mapping[str, str], body: bytes = b"") -> bool:
        return status != 429

    def lost(self, url: str) -> None:
        pass


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "BACKOFF_FIRST_SECONDS", 0.01)


def holey(root: Path, url: str, files: dict[str, bytes] = FILES) -> Path:
    """A bag that lacks all of a folder, which is at `url`."""
    bagged(folder_of(root / "f", files), root / "bag", fetch_url=f"{url}/")
    return root / "bag"


def filled(bag: Path, server: Files, tries: int = 2, **more: int) -> dict[str, str]:
    """Fill a bag; how each file ended."""
    holes = read_holes(bag).to_fetch
    return {one.path: one.state for one in fill(bag, holes, asking(server, tries=tries), Turns(), **more)}


def asking(*servers: Files, tries: int = 4) -> Policy:
    """Who may be asked, and how often."""
    return download_policy("test", frozenset(server.url.removeprefix("http://") for server in servers), tries)


def test_a_bag_is_filled_and_valid(tmp_path: Path):
    with files_at(Files(tmp_path / "f")) as server:
        bag = holey(tmp_path, server.url)
        assert set(filled(bag, server).values()) == {"filled"}
        validate(bag)
        assert (len(server.asked), filled(bag, server)) == (len(FILES), {})
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["bag", "f"]


def test_a_transfer_that_breaks_goes_on_where_it_broke(tmp_path: Path):
    with files_at(Files(tmp_path / "f", cut={1: 1_000_000, 2: 50})) as server:
        bag = holey(tmp_path, server.url, {"big": BIG["big"]})
        assert filled(bag, server) == {"data/big": "filled"}
        assert [wanted for _, wanted in server.asked][1:2] == ["bytes=1000000-"]
    validate(bag)


def test_a_wrong_file_never_gets_its_name_and_the_others_do(tmp_path: Path):
    def other(number: int, path: str) -> tuple[int, bytes] | None:
        return (200, b"x" * 100) if path == "/small" else None

    with files_at(Files(tmp_path / "f", spoil=other)) as server:
        bag = holey(tmp_path, server.url, BIG)
        assert filled(bag, server) == {"data/big": "filled", "data/small": "refused"}
        assert [finding.code for finding in check_bag(bag).findings] == ["fetch-missing"]
        server.spoil = lambda number, path: None
        assert filled(bag, server) == {"data/small": "filled"}
    validate(bag)


@pytest.mark.parametrize(
    ("status", "state"), [(404, "absent"), (410, "absent"), (403, "forbidden"), (401, "forbidden"), (500, "lost")]
)
def test_what_does_not_come_is_said(tmp_path: Path, status: int, state: str):
    with files_at(Files(tmp_path / "f", spoil=lambda number, path: (status, b"no"))) as server:
        bag = holey(tmp_path, server.url, {"small": b"s"})
        assert filled(bag, server) == {"data/small": state}
    assert [path for path in bag.rglob("*") if path.is_file() and path.parent != bag] == []


def test_a_file_is_no_longer_than_fetch_txt_says(tmp_path: Path):
    with files_at(Files(tmp_path / "f", lengths=False)) as server:
        bag = holey(tmp_path, server.url, {"big": BIG["big"]})
        (tmp_path / "f" / "big").write_bytes(BIG["big"] * 3)
        assert filled(bag, server) == {"data/big": "refused"}


def test_a_file_of_unknown_length_is_bounded(tmp_path: Path):
    with files_at(Files(tmp_path / "f")) as server:
        bag = holey(tmp_path, server.url, {"big": BIG["big"]})
        text = (bag / "fetch.txt").read_text()
        (bag / "fetch.txt").write_text(text.replace(f" {len(BIG['big'])} ", " - "))
        assert filled(bag, server, unstated_most=1_000_000) == {"data/big": "refused"}
        assert filled(bag, server, unstated_most=len(BIG["big"])) == {"data/big": "filled"}


def test_a_beginning_of_another_file_is_fetched_anew(tmp_path: Path):
    with files_at(Files(tmp_path / "f")) as server:
        bag = holey(tmp_path, server.url, {"big": BIG["big"]})
        [hole] = read_holes(bag).to_fetch
        beside = tmp_path / ".bag.filling"
        beside.mkdir()
        filling._part(beside, hole).write_bytes(b"other" * 1000)
        assert filled(bag, server) == {"data/big": "filled"}
        assert [wanted for _, wanted in server.asked] == ["bytes=5000-", ""]
    validate(bag)


def test_a_redirect_leads_only_to_hosts_that_are_allowed(tmp_path: Path):
    with files_at(Files(tmp_path / "f")) as store, files_at(Files(tmp_path / "none")) as server:
        server.spoil = lambda number, path: (302, f"{store.url}{path}".encode())
        bag = holey(tmp_path, server.url, {"small": b"s"})
        assert filled(bag, server) == {"data/small": "refused"}
        assert store.asked == []
        holes = read_holes(bag).to_fetch
        [one] = fill(bag, holes, asking(server, store, tries=1), Turns())
        assert one.state == "filled"


def test_old_manifests_are_enough(tmp_path: Path):
    with files_at(Files(tmp_path / "f")) as server:
        bag = holey(tmp_path, server.url, {"small": b"s"})
        [hole] = read_holes(bag).to_fetch
        md5, sha1 = ("md5", "03c7c0ace395d80182db07ae2c30f034"), ("sha1", "a0f1490a20d0211c997b44bc357e1972deab8ae3")
        wrong = replace(hole, digests=(("md5", "0" * 32), sha1))
        assert fill(bag, (wrong,), asking(server), Turns())[0].state == "refused"
        right = replace(hole, digests=(md5, sha1))
        assert fill(bag, (right,), asking(server), Turns())[0].state == "filled"


def test_one_process_at_a_time_fills_a_bag(tmp_path: Path):
    with files_at(Files(tmp_path / "f")) as server:
        bag = holey(tmp_path, server.url)
        with filling._beside(bag), pytest.raises(Busy):
            filled(bag, server)
        assert set(filled(bag, server).values()) == {"filled"}


def test_room_is_looked_for_before_anybody_is_asked(tmp_path: Path):
    with files_at(Files(tmp_path / "f")) as server:
        bag = holey(tmp_path, server.url)
        hole = replace(read_holes(bag).to_fetch[0], length=1 << 60)
        with pytest.raises(DiskFull):
            fill(bag, (hole,), asking(server), Turns())
        assert server.asked == []


def _killed_at(bag: Path, server: Files, point: str) -> int | None:
    """Fill a bag in another process, which is gone at a named point; its exit code."""

    def run() -> None:
        durable.watch = lambda reached: os._exit(9) if reached == point else None
        filled(bag, server)
        os._exit(0)

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join(300)
    return process.exitcode


@pytest.mark.parametrize(
    "point", ["download-opened", "download-written", "download-synced", "bag-fetched-renaming", "bag-fetched-renamed"]
)
def test_killed_anywhere_nothing_wrong_is_in_the_bag_and_the_same_command_fills_it(tmp_path: Path, point: str):
    with files_at(Files(tmp_path / "f")) as server:
        bag = holey(tmp_path, server.url, BIG)
        assert _killed_at(bag, server, point) == 9
        assert {finding.code for finding in check_bag(bag).findings} <= {"fetch-missing"}
        assert set(filled(bag, server).values()) <= {"filled"}
        validate(bag)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["bag", "f"]


# --- whom to ask


def hole(url: str, length: int | None = 5) -> Hole:
    return Hole("data/x", url, length, ())


def test_hosts_are_asked_only_when_they_are_allowed():
    holes = [hole("https://a.example/x"), hole("https://B.example:8443/y")]
    with pytest.raises(UsageError):
        hosts_to_ask(holes, frozenset(), all_named=False)
    with pytest.raises(UsageError):
        hosts_to_ask(holes, frozenset({"a.example", "b.example"}), all_named=False)
    allowed = frozenset({"a.example", "b.example:8443", "cdn.example"})
    assert hosts_to_ask(holes, allowed, all_named=False) == allowed


def test_all_hosts_are_none_of_this_machines_network():
    for url in (
        "http://127.0.0.1/x",
        "http://localhost:9/x",
        "http://[::1]/x",
        "http://169.254.169.254/x",
        "http://10.0.0.1/",
    ):
        with pytest.raises(UsageError):
            hosts_to_ask([hole(url)], frozenset(), all_named=True)
    named = frozenset({"127.0.0.1:8000"})
    assert hosts_to_ask([hole("http://127.0.0.1:8000/x")], named, all_named=True) == named
    assert hosts_to_ask([hole("https://93.184.215.14/x")], frozenset(), all_named=True) == {"93.184.215.14"}


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://a.example/x", "https://me:secret@a.example/x", "https:///x", "https://[x/", "x"],
)
def test_what_is_no_url_of_a_host_is_never_asked(url: str):
    with pytest.raises(UsageError):
        hosts_to_ask([hole(url)], frozenset({"a.example", "", "me:secret@a.example"}), all_named=True)
