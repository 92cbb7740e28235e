"""Connections of a server: there is room for who asks, and none is given up that is being answered."""

import asyncio
import resource
from typing import Any, cast

import pytest
from aiohttp import web

from harvester.serving.http import CONNECTIONS_MOST, FILES_KEPT, Connections, most_connections


class Transport:
    """A transport that only knows whether it was given up."""

    def __init__(self) -> None:
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True


class Crowd:
    """Connections by number, and their transports."""

    def __init__(self, most: int) -> None:
        self.connections = Connections(cast(web.Server, None), most)
        self.transports: dict[int, Transport] = {}

    def come(self, *numbers: int) -> list[bool]:
        self.transports |= {number: Transport() for number in numbers}
        return [self.connections.made(number, cast(asyncio.Transport, self.transports[number])) for number in numbers]

    @property
    def aborted(self) -> list[int]:
        return [number for number, transport in self.transports.items() if transport.aborted]


def test_who_has_waited_longest_makes_room():
    crowd = Crowd(3)
    assert crowd.come(1, 2, 3, 4, 5) == [True] * 5
    assert crowd.aborted == [1, 2]
    assert len(crowd.connections) == 3


def test_an_answer_that_was_given_begins_the_wait_anew():
    crowd = Crowd(3)
    crowd.come(1, 2, 3)
    with crowd.connections.answering(1):
        pass
    crowd.come(4)
    assert crowd.aborted == [2]


def test_who_is_being_answered_is_not_given_up():
    crowd = Crowd(2)
    crowd.come(1, 2)
    with crowd.connections.answering(1), crowd.connections.answering(2):
        assert crowd.come(3) == [False]
        assert crowd.aborted == []
    assert crowd.come(4) == [True]


def test_what_has_ended_is_forgotten_even_while_it_is_answered():
    crowd = Crowd(2)
    crowd.come(1, 2)
    with crowd.connections.answering(1):
        crowd.connections.lost(1)
        crowd.connections.lost(2)
        assert len(crowd.connections) == 0
    assert len(crowd.connections) == 0


@pytest.mark.parametrize(
    ("files", "most"),
    [
        (64 + FILES_KEPT, 64),
        (1 << 20, CONNECTIONS_MOST),
        (resource.RLIM_INFINITY, CONNECTIONS_MOST),
        (10, 1),
    ],
)
def test_there_are_no_more_than_files_may_be_open(monkeypatch: pytest.MonkeyPatch, files: int, most: int):
    def limit(what: Any) -> tuple[int, int]:
        return files, files

    monkeypatch.setattr(resource, "getrlimit", limit)
    assert most_connections() == most
