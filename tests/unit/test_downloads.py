"""Downloads: what broke goes on where it broke, and what is not the file never takes its place."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from bulk import Bulk, serving

from harvester.downloads import Downloader, Refused, Wanted, check, length_of
from harvester.errors import Unreachable

CONTENT = bytes(range(256)) * 9000
NAME = "records-json.tar.gz"


class Turns:
    """A gate that lets everybody through, and knows the answers that only say "not now"."""

    def __init__(self) -> None:
        self.admitted: list[str] = []

    async def admit(self, url: str) -> None:
        self.admitted.append(url)

    def judge(self, url: str, status: int, headers: Mapping[str, str], body: bytes = b"") -> bool:
        return status != 429


def wanted(server: Bulk) -> Wanted:
    return Wanted(f"{server.url}/api/exporter/{NAME}/v", len(CONTENT), hashlib.md5(CONTENT).hexdigest())


def fetch(server: Bulk, part: Path, until: int | None = None) -> Turns:
    """Fetch the server's file, with two tries."""
    turns = Turns()

    async def run() -> None:
        downloader = Downloader(turns, frozenset({server.url[7:]}), "harvester-test", 2)
        try:
            await downloader.fetch(wanted(server), part, until)
        finally:
            await downloader.close()

    asyncio.run(run())
    return turns


def bulk(**more: Any) -> Bulk:
    return Bulk(files={NAME: ("v", CONTENT)}, **more)


def once(answer: Callable[[], web.Response]) -> Callable[[int, str], web.Response | None]:
    """A spoiler of the first request."""
    return lambda number, url: answer() if number == 1 else None


def test_a_file_is_fetched_whole(tmp_path: Path):
    with serving(bulk()) as server:
        turns = fetch(server, tmp_path / "x.part")
        assert check(wanted(server), tmp_path / "x.part") is None
    assert len(turns.admitted) == 1
    assert server.headers[0]["Accept-Encoding"] == "identity"
    assert server.headers[0]["User-Agent"] == "harvester-test"


def test_only_what_is_missing_is_asked_for(tmp_path: Path):
    part = tmp_path / "x.part"
    part.write_bytes(CONTENT[:1000])
    with serving(bulk()) as server:
        fetch(server, part)
        assert server.headers[0]["Range"] == "bytes=1000-"
        assert part.read_bytes() == CONTENT
        fetch(server, part)
    assert len(server.asked) == 1


def test_as_much_as_a_sample_needs_is_fetched_and_no_more(tmp_path: Path):
    with serving(bulk()) as server:
        fetch(server, tmp_path / "x.part", until=1000)
    assert 1000 <= length_of(tmp_path / "x.part") < len(CONTENT)


def test_a_server_that_breaks_off_for_ever_without_progress_is_given_up(tmp_path: Path):
    with serving(bulk(break_after=[500, *[0] * 9])) as server, pytest.raises(Unreachable):
        fetch(server, tmp_path / "x.part")
    assert length_of(tmp_path / "x.part") <= 500


@pytest.mark.parametrize(
    "headers",
    [{"Content-Range": f"bytes 0-9/{len(CONTENT)}"}, {"Content-Range": "bytes 1000-2000/5000"}, {},
     {"Content-Range": "x"}],
)  # fmt: skip
def test_a_part_that_was_not_asked_for_is_not_taken(tmp_path: Path, headers: dict[str, str]):
    part = tmp_path / "x.part"
    part.write_bytes(CONTENT[:1000])
    spoil = once(lambda: web.Response(status=206, body=b"\0" * 10, headers=headers))
    with serving(bulk(spoil=spoil)) as server:
        fetch(server, part)
    assert part.read_bytes() == CONTENT


def test_a_part_that_the_server_has_no_rest_of_is_begun_again(tmp_path: Path):
    part = tmp_path / "x.part"
    part.write_bytes(CONTENT[:1000])
    spoil = once(lambda: web.Response(status=416, headers={"Content-Range": "bytes */900"}))
    with serving(bulk(spoil=spoil)) as server:
        fetch(server, part)
    assert "Range" not in server.headers[1]
    assert part.read_bytes() == CONTENT


def test_a_wait_uses_up_no_try(tmp_path: Path):
    def spoil(number: int, url: str) -> web.Response | None:
        return web.Response(status=429) if number <= 5 else None

    with serving(bulk(spoil=spoil)) as server:
        turns = fetch(server, tmp_path / "x.part")
    assert len(turns.admitted) == 6


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_that_is_gone_is_said_at_once(tmp_path: Path, status: int):
    gone = bulk(spoil=lambda number, url: web.Response(status=status, text="gone"))
    with serving(gone) as server, pytest.raises(Refused) as caught:
        fetch(server, tmp_path / "x.part")
    assert caught.value.gone
    assert caught.value.body is not None
    assert (caught.value.body.http_status, caught.value.body.body) == (status, b"gone")
    assert len(server.asked) == 1


def test_errors_of_the_server_are_no_answer(tmp_path: Path):
    broken = bulk(spoil=lambda number, url: web.Response(status=502))
    with serving(broken) as server, pytest.raises(Unreachable) as caught:
        fetch(server, tmp_path / "x.part")
    assert not isinstance(caught.value, Refused)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "target", ["http://localhost:1/x", "ftp://127.0.0.1/x", "//example.org/x", "file:///etc/passwd"]
)
def test_a_redirect_to_another_host_is_not_followed(tmp_path: Path, target: str):
    spoil = lambda number, url: web.Response(status=302, headers={"Location": target})  # noqa: E731
    with serving(bulk(spoil=spoil)) as server, pytest.raises(Refused):
        fetch(server, tmp_path / "x.part")
    assert not (tmp_path / "x.part").exists()


def test_a_redirect_within_the_source_is_followed_and_waits_its_turn(tmp_path: Path):
    spoil = once(lambda: web.Response(status=302, headers={"Location": f"/api/exporter/{NAME}/v"}))
    with serving(bulk(spoil=spoil)) as server:
        turns = fetch(server, tmp_path / "x.part")
        assert check(wanted(server), tmp_path / "x.part") is None
    assert len(turns.admitted) == 2


def test_what_is_not_as_stated_is_said_with_both_values(tmp_path: Path):
    part = tmp_path / "x.part"
    part.write_bytes(CONTENT)
    stated = Wanted("http://x.example/", len(CONTENT), "0" * 32)
    assert "MD5" in (check(stated, part) or "")
    part.write_bytes(CONTENT[:-1])
    assert str(len(CONTENT)) in (check(stated, part) or "")
