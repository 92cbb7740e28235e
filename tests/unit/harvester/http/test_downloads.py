"""Downloads: what broke goes on where it broke, and what is not the file never takes its place."""

import asyncio
import errno
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from support import file_provider
from support.bulk_provider import Bulk, serving
from support.file_provider import File, Filing

from archive.disk import durable
from archive.errors import DiskFull
from archive.files.checksums import Checksum, FileDigests
from harvester.errors import Unreachable
from harvester.http.downloads import Downloader, Refused, Transfer, Wanted, check, download_policy, length_of

CONTENT = bytes(range(256)) * 9000
NAME = "records-json.tar.gz"


class Turns:
    """A gate that lets everybody through, and knows the answers that only say "not now"."""

    def __init__(self) -> None:
        self.admitted: list[str] = []
        self.gone: list[str] = []

    async def admit(self, url: str) -> None:
        self.admitted.append(url)

    def judge(self, url: str, status: int, headers: Mapping[str, str], body: bytes = b"") -> bool:
        return status != 429

    def lost(self, url: str) -> None:
        self.gone.append(url)


def wanted(server: Bulk) -> Wanted:
    checksum = Checksum("md5", hashlib.md5(CONTENT).hexdigest())
    return Wanted(f"{server.url}/api/exporter/{NAME}/v", len(CONTENT), checksum)


def fetch(server: Bulk, part: Path, until: int | None = None) -> Turns:
    """Fetch the server's file, with two tries."""
    turns = Turns()

    async def run() -> None:
        downloader = Downloader(download_policy("harvester-test", frozenset({server.url[7:]}), 2), turns)
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
    [
        {"Content-Range": f"bytes 0-9/{len(CONTENT)}"},
        {"Content-Range": "bytes 1000-2000/5000"},
        {},
        {"Content-Range": "x"},
    ],
)
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
    stated = Wanted("http://x.example/", len(CONTENT), Checksum("md5", "0" * 32))
    assert "md5" in (check(stated, part) or "")
    part.write_bytes(CONTENT[:-1])
    assert str(len(CONTENT)) in (check(stated, part) or "")


# --- files of which less is known


@contextmanager
def one_file(file: File) -> Iterator[tuple[Filing, str]]:
    with file_provider.serving(Filing({"1": {"x": file}})) as server:
        yield server, f"{server.url}/api/records/1/files/x/content"


def take(url: str, part: Path, transfer: Transfer | None = None, **stated: Any) -> None:
    """Fetch what is stated of a file, with two tries."""

    async def run() -> None:
        downloader = Downloader(download_policy("harvester-test", frozenset({url.split("/")[2]}), 2), Turns())
        try:
            await downloader.fetch(Wanted(url, **{"size": None, "checksum": None, **stated}), part, transfer=transfer)
        finally:
            await downloader.close()

    asyncio.run(run())


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("content", [b"", b"x", CONTENT])
def test_a_file_of_unknown_size_ends_where_its_answer_shows_it(tmp_path: Path, content: bytes, chunked: bool):
    part, transfer = tmp_path / "x.part", Transfer(FileDigests())
    with one_file(File(content, chunked=chunked)) as (_, url):
        take(url, part, transfer)
    assert part.read_bytes() == content
    assert transfer.size == len(content)
    assert transfer.digests is not None
    assert transfer.digests.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_transfer_of_unknown_size_that_is_cut_is_never_a_shorter_file(tmp_path: Path, chunked: bool):
    part = tmp_path / "x.part"
    with one_file(File(CONTENT, chunked=chunked, cuts=[500, 500, 500])) as (_, url), pytest.raises(Unreachable):
        take(url, part)
    with one_file(File(CONTENT, chunked=chunked, cuts=[500])) as (server, url):
        take(url, part)
        assert "Range" not in server.headers[-1]
    assert part.read_bytes() == CONTENT


def test_an_answer_whose_end_cannot_be_told_is_no_file_unless_its_checksum_is_right(tmp_path: Path):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nhello")
        await writer.drain()
        writer.close()

    async def run(checksum: Checksum | None) -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        downloader = Downloader(download_policy("harvester-test", frozenset({host}), 1), Turns())
        try:
            await downloader.fetch(Wanted(f"http://{host}/x", None, checksum), tmp_path / "x.part")
        finally:
            await downloader.close()
            server.close()

    with pytest.raises(Refused):
        asyncio.run(run(None))
    asyncio.run(run(Checksum("md5", hashlib.md5(b"hello").hexdigest())))
    assert (tmp_path / "x.part").read_bytes() == b"hello"


def test_only_an_etag_makes_the_rest_of_an_unknown_file_its_rest(tmp_path: Path):
    part = tmp_path / "x.part"
    for etag, cut, ranges in (('"1"', [70_000], [None, "bytes=70000-"]), ('W/"1"', [70_000], [None, None])):
        with one_file(File(CONTENT, cuts=cut, etag=etag)) as (server, url):
            take(url, part)
            assert [one.get("Range") for one in server.headers] == ranges
        assert part.read_bytes() == CONTENT
        part.unlink()


def test_a_part_of_an_unknown_file_without_an_etag_is_not_believed(tmp_path: Path):
    part = tmp_path / "x.part"
    part.write_bytes(b"of another time")
    with one_file(File(CONTENT, etag='"2"')) as (_, url):
        take(url, part)
        assert part.read_bytes() == CONTENT
        part.write_bytes(b"of another time")
        take(url, part, Transfer(etag='"1"'))
        assert part.read_bytes() == CONTENT
        take(url, part, Transfer(etag='"2"'))  # all of it is here
        assert part.read_bytes() == CONTENT


def test_a_page_of_html_is_no_file_where_nothing_says_it_should_be(tmp_path: Path):
    page = File(b"<html>", headers={"Content-Type": "text/html; charset=utf-8"})
    with one_file(page) as (_, url):
        with pytest.raises(Refused):
            take(url, tmp_path / "x.part")
        take(url, tmp_path / "x.part", pages=True)
        take(url, tmp_path / "y.part", size=6)
        with pytest.raises(Refused):
            take(url, tmp_path / "z.part", size=7)


@pytest.mark.parametrize(("status", "tries"), [(401, 1), (403, 1), (404, 1), (410, 1), (451, 1), (409, 2)])
def test_an_answer_that_will_not_change_is_not_asked_for_again(tmp_path: Path, status: int, tries: int):
    with one_file(File(status=status)) as (server, url), pytest.raises(Refused) as caught:
        take(url, tmp_path / "x.part", size=5)
    assert (caught.value.status, len(server.asked)) == (status, tries)


def test_a_redirect_to_a_login_is_a_closed_file(tmp_path: Path):
    with one_file(File(location="/cgi/users/login?target=x")) as (_, url), pytest.raises(Refused) as caught:
        take(url, tmp_path / "x.part")
    assert caught.value.status == 401


def test_a_full_disk_is_said_as_such_and_what_came_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def watch(point: str) -> None:
        if point == "download-writing" and length_of(tmp_path / "x.part"):
            raise OSError(errno.ENOSPC, "")

    monkeypatch.setattr(durable, "watch", watch)
    with one_file(File(CONTENT)) as (_, url), pytest.raises(DiskFull):
        take(url, tmp_path / "x.part", size=len(CONTENT))
    assert 0 < length_of(tmp_path / "x.part") < len(CONTENT)
