"""Redirects between http and https of one host, which no server on this machine is needed for."""

from collections.abc import Mapping

import pytest

from harvester.errors import Unreachable
from harvester.http.credentials import Credentials
from harvester.http.onehost import OneHost, Reply, shown


class Answering(OneHost):
    """Answers from a table: a Location, or None for the end."""

    def __init__(self, table: Mapping[str, str | None]) -> None:
        super().__init__("Repository.Example", "harvester/0", Credentials(), sleep=lambda seconds: None)
        self.table, self.seen = table, list[str]()

    def _once(self, url: str, range_: str | None, most: int) -> Reply:
        self.seen.append(url)
        location = self.table[url]
        return Reply(url, 200, {}, b"end") if location is None else Reply(url, 301, {"location": location}, b"")


def test_http_may_lead_to_https():
    host = Answering(
        {"http://repository.example/a": "https://REPOSITORY.example/a", "https://REPOSITORY.example/a": None}
    )
    assert host.get("http://repository.example/a", None, 10).body == b"end"


def test_https_never_leads_to_http():
    host = Answering({"https://repository.example/a": "http://repository.example/a"})
    with pytest.raises(Unreachable):
        host.get("https://repository.example/a", None, 10)
    assert host.seen == ["https://repository.example/a"]


@pytest.mark.parametrize(
    "location",
    [
        "https://repository.example:8443/a",
        "https://repository.example.evil.example/",
        "https://user@repository.example/a",
    ],
)
def test_another_port_or_name_is_another_host(location: str):
    host = Answering({"https://repository.example/a": location})
    with pytest.raises(Unreachable):
        host.get("https://repository.example/a", None, 10)


def test_what_stands_behind_a_question_mark_is_not_shown():
    assert shown("https://repository.example/a?signature=secret") == "https://repository.example/a"
