"""Redirects stay with the source's hosts, and never from https to http, however a Location is written."""

from types import SimpleNamespace
from typing import Any

import pytest
from scrapy import Request
from scrapy.http import Response
from scrapy.settings import Settings

from harvester.http.middlewares import SameHostRedirects

HERE = "https://x.example/records?a=1"
HOSTS = frozenset({"x.example", "files.x.example:8443"})


def follow(location: bytes, url: str = HERE, status: int = 302, headers: dict[str, str] | None = None) -> Any:
    crawler: Any = SimpleNamespace(settings=Settings(), spider=SimpleNamespace(allowed_hosts=HOSTS))
    middleware = SameHostRedirects.from_crawler(crawler)
    response = Response(url, status=status, headers={b"Location": location})
    return middleware.process_response(Request(url, headers=headers), response)


@pytest.mark.parametrize(
    ("location", "target"),
    [
        (b"/other", "https://x.example/other"),
        (b"https://X.example/a", "https://X.example/a"),
        (b"?b=1", "https://x.example/records?b=1"),
        (b"//x.example/a", "https://x.example/a"),
        (b"https://files.x.example:8443/f", "https://files.x.example:8443/f"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_inside_the_source_is_followed(location: bytes, target: str, status: int):
    found = follow(location, status=status)
    assert isinstance(found, Request)
    assert found.url.lower() == target.lower()


def test_a_redirect_from_http_to_https_is_followed():
    assert isinstance(follow(b"https://x.example/oai", "http://x.example/oai"), Request)


@pytest.mark.parametrize(
    "location",
    [
        b"http://x.example/oai",
        b"//evil.example/",
        b"///evil.example/",
        b"////evil.example",
        b"https://evil.example/",
        b"https://x.example:444/",
        b"https://x.example:80/",
        b"https://files.x.example/",
        b"https://x.example.evil.example/",
        b"https://x.example@evil.example/",
        b"https://evil.example/@x.example/",
        b"https://evil.example#@x.example/",
        b"https://evil.example\\@x.example/",
        b"https://evil.example?x.example",
        b"https://x.example%2eevil.example/",
        b"https://x.example%00.evil.example/",
        b"https://user@x.example/",
        b"https://user:pw@x.example/",
        b"https://:@x.example/",
        b"\thttps://evil.example/",
        b" //evil.example/",
        b"https://x.example\t.evil.example/",
        b"hTTps://evil.example",
        b"HTTP://x.example/",
        b"https://127.0.0.1/",
        b"https://[::1]/",
        b"https://0x7f.1/",
        b"http://169.254.169.254/latest/",
        b"https://x.example./",
        "https://x。example.evil/".encode(),
        "https://ｅvil.example/".encode(),
        b"ftp://x.example/",
        b"file:///etc/passwd",
        b"data:text/xml,<a/>",
        b"javascript:1",
        b"s3://x.example/a",
        b"ids://x.example/1",
        b"https://[x.example/",
        b"https://x.example:port/",
        b"https://x.example:99999/",
    ],
)
def test_a_redirect_out_of_the_source_or_to_no_url_is_not_followed(location: bytes):
    found = follow(location)
    assert isinstance(found, Response)
    assert found.status == 302


@pytest.mark.parametrize(
    "location",
    [
        b"https:evil.example",
        b"https:///evil.example/",
        b"\\\\evil.example/",
        b"/\\evil.example/",
        b"https://x.example\\.evil.example/",
    ],
)
def test_what_some_browsers_take_for_a_host_is_a_path_here(location: bytes):
    found = follow(location)
    assert not isinstance(found, Request) or found.url.startswith("https://x.example/")


def test_no_header_of_a_request_goes_along_to_another_port_of_the_source():
    found = follow(b"https://files.x.example:8443/", headers={"Authorization": "Bearer x", "Cookie": "a=1"})
    assert found.headers.get("Authorization") is None
    assert found.headers.get("Cookie") is None
    assert found.headers.get("Referer") is None
