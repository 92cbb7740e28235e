"""Pieces of files over HTTP: those that were asked for, or an error; never other bytes, another host, a whole file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.range_server import Ranging, ranging

from harvester.errors import HarvestError, Unreachable, UsageError
from harvester.http.credentials import Credentials
from harvester.http.ranges import RangeFiles

BODY = bytes(range(256)) * 40
SECRET = "s3cret-token-of-a-person"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "release").mkdir()
    (tmp_path / "release" / "part one.zst").write_bytes(BODY)
    return tmp_path


@contextmanager
def opened(
    root: Path, *manners: str, credentials: Credentials | None = None
) -> Iterator[tuple[RangeFiles, Ranging, list[float]]]:
    """Files, the server that has them, and the waits that were taken."""
    waits: list[float] = []
    with ranging(root, *manners) as server:
        files = RangeFiles(f"{server.url}/release/", "harvester/0", credentials or Credentials(), sleep=waits.append)
        try:
            yield files, server, waits
        finally:
            files.close()


def test_pieces_and_whole_files_are_those_of_the_server(root: Path):
    with opened(root) as (files, server, waits):
        assert files.whole("part one.zst") == BODY
        assert files.piece("part one.zst", 0, 10) == BODY[:10]
        assert files.size("part one.zst") == len(BODY)
        assert files.piece("part one.zst", 5000, 1) == BODY[5000:5001]
        assert files.piece("part one.zst", len(BODY) - 5, 4096) == BODY[-5:]
        assert files.piece("part one.zst", len(BODY), 10) == b""
        assert files.piece("absent", 0, 10) is None
        assert files.whole("absent") is None
        assert (waits, files.folder) == ([], None)
    assert server.requests[1] == ("/release/part%20one.zst", "bytes=0-9")
    assert [(a.status, a.bytes, a.range_) for a in files.asked[:3]] == [
        (200, len(BODY), None),
        (206, 10, "bytes=0-9"),
        (206, 1, "bytes=5000-5000"),
    ]
    assert all(headers["accept-encoding"] == "identity" for headers in server.headers)
    assert all(headers["user-agent"] == "harvester/0" for headers in server.headers)


def test_a_server_without_ranges_is_refused_before_it_sends_all(root: Path):
    (root / "release" / "part one.zst").write_bytes(bytes(20 << 20))
    with opened(root, "no ranges") as (files, _, _):
        with pytest.raises(UsageError, match="Range"):
            files.piece("part one.zst", 0, 10)
        assert files.asked[0].bytes <= 4096


@pytest.mark.parametrize(
    "manner", ["shifted", "short", "longer", "unsaid", "many parts", "no total", "packed", "403", "304"]
)
def test_an_answer_that_is_not_what_was_asked_for_is_refused(root: Path, manner: str):
    with opened(root, manner) as (files, server, _):
        with pytest.raises(Unreachable):
            files.piece("part one.zst", 100, 10)
        assert len(server.requests) == 1


def test_a_file_that_changes_its_length_meanwhile_is_refused(root: Path):
    with opened(root, "well", "grown") as (files, _, _):
        files.piece("part one.zst", 0, 10)
        with pytest.raises(Unreachable, match="changed"):
            files.piece("part one.zst", 10, 10)


@pytest.mark.parametrize("manner", ["cut", "gone", "500", "503"])
def test_what_fails_is_asked_again_and_given_up_in_the_end(root: Path, manner: str):
    with opened(root, manner, manner, "well") as (files, server, waits):
        assert files.piece("part one.zst", 7, 300) == BODY[7:307]
        assert (len(server.requests), len(waits)) == (3, 2)
    with opened(root, manner) as (files, server, _):
        with pytest.raises(Unreachable):
            files.piece("part one.zst", 7, 300)
        assert len(server.requests) == 3


def test_a_connection_that_was_kept_and_is_closed_meanwhile_costs_no_try(root: Path):
    with opened(root, "well", "gone", "well") as (files, server, waits):
        assert files.piece("part one.zst", 0, 10) == BODY[:10]
        assert files.piece("part one.zst", 10, 10) == BODY[10:20]
        assert (len(server.requests), waits) == (3, [])


def test_an_order_to_wait_is_obeyed_if_it_is_short(root: Path):
    with opened(root, "wait 7", "well") as (files, _, waits):
        assert files.piece("part one.zst", 0, 10) == BODY[:10]
        assert waits == [7.0]
    with opened(root, "wait 3600", "well") as (files, server, waits):
        with pytest.raises(Unreachable, match="3600"):
            files.piece("part one.zst", 0, 10)
        assert (waits, len(server.requests)) == ([], 1)


def test_a_redirect_is_followed_on_the_same_host_with_its_query(root: Path):
    with opened(root, "to /moved/release/part%20one.zst?signature=x", "well") as (files, server, _):
        assert files.piece("part one.zst", 3, 4) == BODY[3:7]
        assert server.requests[1] == ("/moved/release/part%20one.zst?signature=x", "bytes=3-6")
        assert "signature" not in files.asked[1].url


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2:1/x",
        "https://elsewhere.example/x",
        "ftp://127.0.0.1/x",
        "http://[",
        "",
        "//elsewhere.example/x",
        "file:///etc/passwd",
    ],
)
def test_a_redirect_elsewhere_is_refused(root: Path, target: str):
    with opened(root, f"to {target}", "well") as (files, server, _):
        with pytest.raises(Unreachable):
            files.piece("part one.zst", 3, 4)
        assert len(server.requests) == 1


def test_redirects_in_a_circle_end(root: Path):
    with opened(root, "to /release/again") as (files, server, _):
        with pytest.raises(Unreachable):
            files.piece("part one.zst", 3, 4)
        assert len(server.requests) < 10


def test_a_body_has_a_limit(root: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("harvester.http.ranges.WHOLE_MOST", 1000)
    with opened(root) as (files, _, _), pytest.raises(Unreachable):
        files.whole("part one.zst")


def test_a_token_goes_to_its_host_only_and_is_shown_nowhere(root: Path):
    with ranging(root) as other:
        host = other.url.removeprefix("http://")
        token = Credentials.bearer("TOKEN", host, {"TOKEN": SECRET})
        with opened(root, credentials=token) as (files, server, _):
            files.whole("part one.zst")
            assert "authorization" not in server.headers[0]
        files = RangeFiles(f"{other.url}/release", "harvester/0", token)
        files.whole("part one.zst")
        files.close()
        assert other.headers[0]["authorization"] == f"Bearer {SECRET}"
        for manner in (f"to http://{SECRET}.example/", "to /" + SECRET * 2):
            other.manners[:] = [manner]
            with pytest.raises(HarvestError) as caught:
                RangeFiles(f"{other.url}/release", "harvester/0", token).whole("part one.zst")
            assert SECRET not in str(caught.value)


def test_a_token_that_is_not_there_is_said_without_its_value():
    with pytest.raises(UsageError, match="TOKEN"):
        Credentials.bearer("TOKEN", "repository.example", {})
    with pytest.raises(UsageError) as caught:
        Credentials.bearer("TOKEN", "repository.example", {"TOKEN": f"{SECRET}\n"})
    assert SECRET not in str(caught.value)


def test_a_url_with_a_query_is_none_of_a_folder():
    with pytest.raises(UsageError):
        RangeFiles("https://repository.example/release?download=1", "harvester/0", Credentials())


def test_nobody_there_is_unreachable():
    files = RangeFiles("http://127.0.0.1:1/release", "harvester/0", Credentials(), sleep=lambda seconds: None)
    with pytest.raises(Unreachable):
        files.whole("manifest.json")
