"""The asynchronous client: every request has its turn, every answer is heard of, and none shows the token."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from support.stub_server import Answering, answering

from harvester.errors import Unreachable
from harvester.http.asyncclient import Client
from harvester.http.client import BodyTooLong, NoAnswer, NotFollowed, NotSendable, Policy
from harvester.http.credentials import Credentials
from harvester.http.redirects import HOPS_MOST

SECRET = "s3cret-token-of-a-person"
POLICY = Policy(user_agent="harvester/0", hosts=frozenset(), bodies="packed")


class Limiter:
    """Lets everybody in, takes 429 for "not now", and remembers what it heard."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []

    async def admit(self, url: str) -> None:
        self.heard.append(("admitted", url.rpartition("/")[2]))

    def judge(self, url: str, status: int, headers: Mapping[str, str], body: bytes = b"") -> bool:
        self.heard.append(("answered", status))
        return status != 429

    def lost(self, url: str) -> None:
        self.heard.append(("lost", url.rpartition("/")[2]))


def using(server: Answering, ask: Callable[[Client], Awaitable[Any]], **policy: Any) -> tuple[Any, list[Any]]:
    """What was asked for with a client, and what its rate limiter heard."""
    limiter = Limiter()

    async def run() -> Any:
        hosts = frozenset({f"127.0.0.1:{server.port}"})
        async with Client(replace(POLICY, hosts=hosts, **policy), limiter) as client:
            return await ask(client)

    return asyncio.run(run()), limiter.heard


def test_the_limiter_hears_of_every_request():
    with answering(
        {"/now": (200, {}, b"x"), "/later": (429, {}, b""), "/cut": (200, {"Content-Length": "9"}, b"x")}
    ) as (server):

        async def ask(client: Client) -> list[Any]:
            now, later = [await client.send(f"{server.url}/{name}") for name in ("now", "later")]
            with pytest.raises(NoAnswer):
                await client.send(f"{server.url}/cut")
            with pytest.raises(NotSendable):
                await client.send("http://[/nowhere")
            return [now.not_now, later.not_now]

        told, heard = using(server, ask)
    assert told == [False, True]
    assert heard == [
        ("admitted", "now"),
        ("answered", 200),
        ("admitted", "later"),
        ("answered", 429),
        ("admitted", "cut"),
        ("lost", "cut"),
        ("admitted", "nowhere"),
        ("lost", "nowhere"),
    ]


def test_a_stream_that_breaks_before_it_was_judged_is_lost():
    with answering({"/cut": (200, {"Content-Length": "9"}, b"x")}) as server:

        async def ask(client: Client) -> None:
            async with client.stream(f"{server.url}/cut") as stream:
                with pytest.raises(NoAnswer):
                    await stream.beginning(100)

        _, heard = using(server, ask)
    assert heard == [("admitted", "cut"), ("lost", "cut")]


def test_redirects_of_a_stream_have_their_turns_and_stay_on_the_hosts():
    with answering({"/b": (200, {}, b"here")}) as server:
        server.replies |= {
            "/a": (302, {"Location": "/b"}, b""),
            "/out": (302, {"Location": "http://x.example/"}, b""),
            "/loop": (302, {"Location": "/loop"}, b""),
        }

        async def ask(client: Client) -> bytes:
            for path in ("/out", "/loop"):
                with pytest.raises(NotFollowed):
                    async with client.stream(server.url + path):
                        pass
            async with client.stream(f"{server.url}/a") as stream:
                assert stream.judge()
                return await stream.beginning(100)

        body, heard = using(server, ask)
        assert body == b"here"
        assert heard[-4:] == [("admitted", "a"), ("answered", 302), ("admitted", "b"), ("answered", 200)]
        assert [path for path, _ in server.asked].count("/loop") == HOPS_MOST + 1


def test_a_body_has_a_limit():
    with answering({"/a": (200, {}, b"x" * 101)}) as server:

        async def ask(client: Client) -> int:
            with pytest.raises(BodyTooLong) as caught:
                await client.send(f"{server.url}/a")
            return caught.value.response.status

        assert using(server, ask, body_most=100)[0] == 200


def test_no_answer_shows_the_token():
    packed = gzip.compress(f"who is {SECRET}".encode(), mtime=0)
    with answering({"/a": (200, {"X-Echo": SECRET, "Content-Encoding": "gzip"}, packed)}) as server:
        server.replies["/b"] = (302, {"Location": f"http://{SECRET}.example/"}, b"")
        token = Credentials("Authorization", "Bearer ", SECRET, frozenset({f"127.0.0.1:{server.port}"}))

        async def ask(client: Client) -> list[Any]:
            response = await client.send(f"{server.url}/a")
            with pytest.raises(Unreachable) as caught:
                async with client.stream(f"{server.url}/b"):
                    pass
            with pytest.raises(Unreachable) as bad:
                await client.send(f"http://[{SECRET}]:x/")
            return [response, str(caught.value), str(bad.value)]

        (response, said, bad), _ = using(server, ask, credentials=token)
        assert (response.body, response.headers["x-echo"], response.masked) == (b"who is ***", "***", True)
        assert "content-encoding" not in response.headers
        assert SECRET not in said + bad
        assert server.asked[0][1]["Authorization"] == f"Bearer {SECRET}"
