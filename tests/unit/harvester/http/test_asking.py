"""A few questions: never to another host, never a short answer for a whole one, and through sickle as well."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.stub_server import Reply, answering

from harvester.errors import MalformedPage, ProviderError, Unreachable
from harvester.http.asking import Asker, PoliteSickle
from harvester.http.credentials import Credentials
from harvester.ratelimit import limiter

IDENTIFY = (
    b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-01-01T00:00:00Z</responseDate>'
    b"<request>x</request><Identify><repositoryName>X</repositoryName><baseURL>http://x/oai</baseURL></Identify></OAI-PMH>"
)
ERROR = b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><error code="noSetHierarchy">no sets</error></OAI-PMH>'
SECRET = "s3cret-token-of-a-person"
XML = {"Content-Type": "text/xml"}


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limiter, "BACKOFF_MOST_SECONDS", 0.01)


@contextmanager
def asker(*hosts: str) -> Iterator[Asker]:
    with Asker("harvester/test", frozenset(hosts)) as made:
        yield made


def moved(target: str, status: int = 302) -> Reply:
    return status, {"Location": target}, b"moved"


def test_an_answer_is_kept_with_its_status_and_headers():
    with answering({"/a": (418, {"X-RateLimit-Limit": "7"}, b"teapot")}) as server:
        with asker(f"127.0.0.1:{server.port}") as client:
            answer = client.get(f"{server.url}/a", "text/x-tea")
        assert (answer.status, answer.body, answer.headers["x-ratelimit-limit"]) == (418, b"teapot", "7")
        assert client.answers == [answer]
        _, headers = server.asked[0]
        assert (headers["User-Agent"], headers["Accept"]) == ("harvester/test", "text/x-tea")


def test_a_redirect_is_followed_on_its_host_and_never_to_another():
    with answering({"/secret": (200, {}, b"other")}) as other, answering({}) as server:
        server.replies = {
            "/a": moved("/b?x=1"),
            "/b": (200, {}, b"here"),
            "/out": moved(f"{other.url}/secret"),
            "/out2": moved(f"//127.0.0.1:{other.port}/secret", 308),
            "/file": moved("file:///etc/hostname"),
            "/user": moved(f"http://me:geheim@127.0.0.1:{other.port}/secret"),
            "/loop": moved("/loop"),
        }
        with asker(f"127.0.0.1:{server.port}") as client:
            assert client.get(f"{server.url}/a").body == b"here"
            for path in ("/out", "/out2", "/file", "/user", "/loop"):
                with pytest.raises(Unreachable, match="redirects") as caught:
                    client.get(server.url + path)
                assert "geheim" not in str(caught.value)
        assert other.asked == []


def test_a_short_answer_is_no_answer():
    whole = gzip.compress(b"x" * 5000, mtime=0)
    with (
        answering(
            {
                "/a": (200, {"Content-Length": "100"}, b"short"),
                "/b": (200, {"Content-Encoding": "gzip"}, whole),
                "/c": (200, {}, whole[:-9]),
            }
        ) as server,
        asker(f"127.0.0.1:{server.port}") as client,
    ):
        assert client.get(f"{server.url}/b").body == b"x" * 5000
        for path in ("/a", "/c"):
            with pytest.raises(Unreachable):
                client.get(server.url + path)
        assert len(client.answers) == 1


def test_who_is_told_to_wait_waits_and_asks_once_more():
    replies = iter([(429, {"Retry-After": "0"}, b"wait"), (200, {}, b"now")])
    with answering({"/a": lambda target: next(replies)}) as server, asker(f"127.0.0.1:{server.port}") as client:
        assert client.get(f"{server.url}/a").body == b"now"
        server.replies["/a"] = (503, {"Retry-After": "86400"}, b"tomorrow")
        with pytest.raises(Unreachable, match="86400"):
            client.get(f"{server.url}/a")
        server.replies["/a"] = (503, {}, b"down")
        assert client.get(f"{server.url}/a").status == 503


def test_what_fails_now_and_then_is_asked_again():
    replies = iter([(500, {}, b"no"), (200, {"Content-Length": "9"}, b"cut"), (200, {}, b"whole")])
    with answering({"/a": lambda target: next(replies)}) as server, asker(f"127.0.0.1:{server.port}") as client:
        assert client.get(f"{server.url}/a").body == b"whole"
        assert [answer.body for answer in client.answers] == [b"whole"]


def test_a_credential_goes_where_it_belongs_and_comes_back_masked():
    with answering({}) as other, answering({}) as server:
        hosts = [f"127.0.0.1:{one.port}" for one in (server, other)]
        token = Credentials("Authorization", "Bearer ", SECRET, frozenset({hosts[1]}))
        server.replies["/a"] = moved(f"{other.url}/b")
        other.replies |= {
            "/b": (200, {"X-Echo": SECRET}, b"who is " + SECRET.encode()),
            "/c": moved(f"http://{SECRET}/"),
        }
        with Asker("x", frozenset(hosts), token) as client:
            answer = client.get(f"{server.url}/a")
            assert (answer.body, answer.headers["x-echo"], answer.masked) == (b"who is ***", "***", True)
            with pytest.raises(Unreachable) as caught:
                client.get(f"{other.url}/c")
            assert SECRET not in str(caught.value)
        assert "Authorization" not in server.asked[0][1]
        assert other.asked[0][1]["Authorization"] == f"Bearer {SECRET}"


def test_sickle_asks_through_it_and_its_errors_are_ours():
    with answering(
        {
            "/oai?verb=Identify": (200, XML, IDENTIFY),
            "/oai?verb=ListSets": (422, XML, ERROR),
            "/oai?verb=ListMetadataFormats": (200, XML, b"<html><br></html>"),
        }
    ) as server:
        with asker(f"127.0.0.1:{server.port}") as client:
            sickle = PoliteSickle(client, f"{server.url}/oai")
            assert sickle.ask(lambda oai: oai.Identify()).repositoryName == "X"
            with pytest.raises(ProviderError) as caught:
                sickle.ask(lambda oai: oai.ListSets())
            assert caught.value.code == "noSetHierarchy"
            with pytest.raises(MalformedPage):
                PoliteSickle(client, f"{server.url}/nothing").ask(lambda oai: oai.Identify())
        assert len(client.answers) == len(server.asked) == 3
        assert {headers["User-Agent"] for _, headers in server.asked} == {"harvester/test"}


def test_sickle_never_follows_a_redirect_to_another_host():
    with answering({"/oai": (200, XML, IDENTIFY)}) as other, answering({}) as server:
        server.replies["/oai"] = lambda target: moved(f"{other.url}{target}")
        with asker(f"127.0.0.1:{server.port}") as client, pytest.raises(Unreachable):
            PoliteSickle(client, f"{server.url}/oai").ask(lambda oai: oai.Identify())
        assert other.asked == []


def test_nobody_there_is_unreachable():
    with answering({}) as server:
        port = server.port
    with asker(f"127.0.0.1:{port}") as client, pytest.raises(Unreachable):
        client.get(f"http://127.0.0.1:{port}/")
