"""The blocking client: what it follows, what it asks again, and what it takes for an answer."""

import gzip
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.stub_server import Answering, answering

from harvester.errors import Unreachable
from harvester.http import client as httpclient
from harvester.http.client import (
    BlockingClient,
    BodyTooLong,
    LongWait,
    NoAnswer,
    NotFollowed,
    NotSendable,
    Policy,
    Response,
    shown,
)
from harvester.http.redirects import HOPS_MOST

POLICY = Policy(user_agent="harvester/0", hosts=frozenset({"repository.example"}))


class Redirecting(BlockingClient):
    """Answers from a table: a Location, or None for the end. No server on this machine speaks https."""

    def __init__(self, table: Mapping[str, str | None], **policy: Any) -> None:
        super().__init__(replace(POLICY, **policy), sleep=lambda seconds: None)
        self.table, self.seen = table, list[str]()

    def _send(self, url: str, request: Any) -> Response:
        self.seen.append(url)
        location = self.table[url]
        if location is None:
            return Response(url, url, 200, {}, b"end", 0.0)
        return Response(url, url, 301, {"location": location}, b"", 0.0)


@contextmanager
def asked(replies: Mapping[str, Any], **policy: Any) -> Iterator[tuple[BlockingClient, Answering, list[float]]]:
    """A client, the server that it may ask, and the waits that were taken."""
    waits: list[float] = []
    with answering(replies) as server:
        mine = replace(POLICY, hosts=frozenset({f"127.0.0.1:{server.port}"}), **policy)
        with BlockingClient(mine, waits.append) as client:
            yield client, server, waits


# --- redirects


def test_http_may_lead_to_https():
    client = Redirecting(
        {"http://repository.example/a": "https://REPOSITORY.example/a", "https://REPOSITORY.example/a": None}
    )
    answer = client.get("http://repository.example/a")
    assert (answer.body, answer.requested) == (b"end", "http://repository.example/a")


def test_https_never_leads_to_http():
    client = Redirecting({"https://repository.example/a": "http://repository.example/a"})
    with pytest.raises(NotFollowed):
        client.get("https://repository.example/a")
    assert client.seen == ["https://repository.example/a"]


@pytest.mark.parametrize(
    "location",
    [
        "https://repository.example:8443/a",
        "https://repository.example.evil.example/",
        "https://user@repository.example/a",
        "https://[",
        "gopher://repository.example/",
        "https:\\\\repository.example@evil.example/",
    ],
)
def test_another_port_name_or_scheme_is_not_followed(location: str):
    client = Redirecting({"https://repository.example/a": location, "https://repository.example/": None})
    with pytest.raises((NotFollowed, KeyError)):
        client.get("https://repository.example/a")
    assert all(url.startswith("https://repository.example/") for url in client.seen)


_PARTS = [
    "http",
    "https",
    "://",
    "//",
    ":",
    "@",
    "/",
    "\\",
    "?",
    "#",
    "repository.example",
    "evil.example",
    ":80",
    "[",
    "\t",
    " ",
    "\u00fc",
    "\udcff",
    "\ud800",
    "%2f",
    "..",
    "Repository.Example",
]


@given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from(_PARTS), max_size=8).map("".join)))
def test_no_location_whatever_leads_elsewhere(location: str):
    try:
        target = POLICY.next_url("https://repository.example/a", location)
    except NotFollowed:
        return
    parts = urlsplit(target)
    assert (parts.scheme, parts.netloc.lower()) == ("https", "repository.example")
    assert all("!" <= character <= "~" for character in target)


def test_who_may_allow_another_host_is_told_how():
    with pytest.raises(NotFollowed, match=r"--allow-host other\.example$"):
        Redirecting(
            {"https://repository.example/a": "https://other.example/"}, remedy="allow it: --allow-host {host}"
        ).get("https://repository.example/a")


def test_a_login_is_not_followed_unless_its_page_is_wanted():
    table = {"https://repository.example/a": "/login?next=a", "https://repository.example/login?next=a": None}
    with pytest.raises(NotFollowed) as caught:
        Redirecting(table).get("https://repository.example/a")
    assert caught.value.login
    assert Redirecting(table, stops_at_login=False).get("https://repository.example/a").body == b"end"


@pytest.mark.parametrize(("hops", "follows"), [(HOPS_MOST, True), (HOPS_MOST + 1, False)])
def test_as_many_redirects_are_followed_as_in_every_client(hops: int, follows: bool):
    table: dict[str, str | None] = {f"https://repository.example/{hop}": f"/{hop + 1}" for hop in range(hops)}
    client = Redirecting(table | {f"https://repository.example/{hops}": None})
    if follows:
        assert client.get("https://repository.example/0").body == b"end"
    else:
        with pytest.raises(NotFollowed):
            client.get("https://repository.example/0")


def test_a_location_that_cannot_stand_in_a_request_is_encoded_and_one_that_is_empty_is_an_answer():
    with asked(
        {
            "/a": (302, {"Location": "/b \xc3\xbc"}, b""),
            "/b%20%C3%BC": (200, {}, b"here"),
            "/c": (302, {"Location": ""}, b"nowhere"),
        }
    ) as (client, _, _):
        assert client.get(f"{_url(client)}/a").body == b"here"
        assert client.get(f"{_url(client)}/c").status == 302


def _url(client: BlockingClient) -> str:
    (host,) = client._policy.hosts
    return f"http://{host}"


def test_what_stands_behind_a_question_mark_is_not_shown():
    assert shown("https://repository.example/a?signature=secret") == "https://repository.example/a"


# --- what is asked again


@pytest.mark.parametrize("status", [408, 429, 500, 504])
def test_what_fails_is_asked_again_after_a_wait_that_grows(status: int):
    replies = iter([(status, {}, b"no"), (502, {}, b"no"), (200, {}, b"now")])
    with asked({"/a": lambda target: next(replies)}) as (client, _, waits):
        assert client.get(f"{_url(client)}/a").body == b"now"
    assert 0.5 <= waits[0] <= 1 <= waits[1] <= 2


def test_the_last_of_all_tries_is_the_answer_and_tries_are_counted_over_redirects():
    with asked({"/a": (302, {"Location": "/b"}, b""), "/b": (503, {}, b"down")}) as (client, server, _):
        assert client.get(f"{_url(client)}/a").status == 503
        assert [path for path, _ in server.asked] == ["/a", "/b", "/b", "/b"]
        assert [one.status for one in client.exchanges] == [302, 503, 503, 503]


def test_an_order_to_wait_counts_where_it_has_a_meaning():
    day = {"Retry-After": "86400"}
    statuses = {f"/{status}": (status, day, b"") for status in (429, 503, 500, 200)}
    with asked(statuses) as (client, server, waits):
        for path in ("/429", "/503"):
            with pytest.raises(LongWait):
                client.get(_url(client) + path)
        assert (len(server.asked), waits) == (2, [])
        assert client.get(f"{_url(client)}/500").status == 500
        assert client.get(f"{_url(client)}/200").status == 200
        assert max(waits) <= 2


def test_nothing_is_asked_again_that_would_not_change():
    with asked({"/long": (200, {}, b"x" * 101)}, body_most=100) as (client, server, waits):
        with pytest.raises(BodyTooLong) as caught:
            client.get(f"{_url(client)}/long")
        assert caught.value.response.status == 200
        with pytest.raises(NotSendable):
            client.get(f"{_url(client)}/a b")
        assert (len(server.asked), waits) == (1, [])


# --- bodies


def test_a_small_body_does_not_unpack_to_more_than_is_read():
    bomb = gzip.compress(bytes(1 << 20), mtime=0)
    packed = {"/a": (200, {"Content-Encoding": "gzip"}, bomb)}
    with asked(packed, body_most=1 << 16) as (client, _, _), pytest.raises(NoAnswer, match="unpacks to more"):
        client.get(f"{_url(client)}/a")


def test_of_an_answer_that_is_not_wanted_only_the_beginning_is_read():
    with asked({"/a": (200, {}, b"x" * (1 << 20))}) as (client, _, _):
        assert len(client.get(f"{_url(client)}/a", wanted=206).body) == httpclient.BEGINNING_BYTES
        assert len(client.get(f"{_url(client)}/a", wanted=200).body) == 1 << 20


def test_nobody_there_is_no_answer():
    waits: list[float] = []
    with BlockingClient(POLICY, waits.append) as client, pytest.raises(Unreachable):
        client.get("http://127.0.0.1:1/")
    assert len(waits) == 2
