"""The allowance: never more than granted, and whoever waits as long as told is served."""

import pytest

from harvester.errors import UsageError
from harvester.serving import http
from harvester.serving.http import Allowance, Rate


@pytest.mark.parametrize(
    "text", ["", "60", "60/", "/60", "0/1", "1/0", "1.5/1", "-1/1", "1/1/1", " 1/1", "1/1m", "١/1"]
)
def test_what_is_no_rate_is_refused(text: str):
    assert Rate.parse("60/3600") == Rate(60, 3600)
    with pytest.raises(UsageError):
        Rate.parse(text)


def test_a_full_bucket_is_granted_at_once_and_not_one_more():
    clients = Allowance(Rate(5, 10))
    verdicts = [clients.ask("a", 100.0) for _ in range(6)]
    assert [v.granted for v in verdicts] == [True] * 5 + [False]
    assert [v.remaining for v in verdicts] == [4, 3, 2, 1, 0, 0]
    assert (verdicts[4].wait_seconds, verdicts[5].wait_seconds, verdicts[5].whole_seconds) == (2, 2, 10)


def test_being_refused_costs_nothing():
    clients = Allowance(Rate(1, 10))
    assert clients.ask("a", 0.0).granted
    assert not any(clients.ask("a", float(second)).granted for second in range(10))
    assert clients.ask("a", 10.0).granted


@pytest.mark.parametrize("rate", [Rate(1, 1), Rate(3, 10), Rate(7, 60), Rate(60, 60), Rate(133, 60), Rate(1, 3)])
def test_who_waits_as_long_as_told_is_served(rate: Rate):
    clients, now, granted = Allowance(rate), 12345.678, 0
    for _ in range(1000):
        verdict = clients.ask("a", now)
        granted += verdict.granted
        assert verdict.granted or verdict.wait_seconds >= 1
        now += verdict.wait_seconds
    assert clients.ask("a", now).granted
    assert granted >= 999  # nobody who waited was told to wait again
    assert granted <= rate.requests + (now - 12345.678) * rate.requests / rate.seconds + 1


def test_clients_do_not_share_a_bucket():
    clients = Allowance(Rate(1, 60))
    assert clients.ask("a", 0.0).granted
    assert clients.ask("b", 0.0).granted
    assert not clients.ask("a", 0.0).granted


def test_only_so_many_clients_are_remembered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http, "CLIENTS", 2)
    clients = Allowance(Rate(1, 60))
    for name in "abc":
        assert clients.ask(name, 0.0).granted
    assert not clients.ask("b", 0.0).granted
    assert clients.ask("a", 0.0).granted
