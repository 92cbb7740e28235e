"""The gates of a crawl: the whole budget is used, the wall is not met, and all spiders of a machine share one gate."""

import asyncio
import gzip
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.exceptions import IgnoreRequest
from scrapy.settings import Settings
from scrapy.signalmanager import SignalManager
from support import limited_providers
from support.limited_providers import Client, Limiter, VirtualTime, error_body, run

from harvester.ratelimit.headers import Budget
from harvester.ratelimit.host import WaitTooLong
from harvester.ratelimit.limiter import Gate
from harvester.ratelimit.limiters import Gates, place, state_folder
from harvester.ratelimit.limits import PARTS_MOST

virtual = limited_providers.virtual
URL = "http://x.example/api/records/"
HTML = {"content-type": "text/html"}
PAGE = b"<html><body><h1>403 Forbidden</h1></body></html>"


def gates(folder: Path | None = None, *budgets: Budget) -> Gates:
    return Gates(folder, {"x.example": budgets}, lambda: True)


def share_of_429(limiter: Limiter) -> float:
    return limiter.statuses[429] / limiter.statuses.total()


def used(limiter: Limiter, begin: float, end: float) -> float:
    """What was let through between two times of the virtual clock, as a share of its first rule."""
    requests, seconds = limiter.rules[0]
    count = sum(begin <= at - limited_providers.BEGAN + 1000 < end for at in limiter.passed)
    return count / ((end - begin) / seconds * requests)


@pytest.mark.parametrize("says", [("remaining",), ("policy",), ("three",), ("remaining", "retry-after")])
@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("rules", [[(60, 60)], [(133, 60), (8000, 3600)]])
@pytest.mark.parametrize("late", [0.0, 55.0])
def test_a_budget_that_is_told_is_used_whole_and_its_wall_not_met(
    virtual: VirtualTime, says: Sequence[str], moving: bool, rules: list[tuple[int, float]], late: float
):
    virtual.clock += late
    limiter = Limiter(virtual, rules, says, moving, ban_after=10)
    client = Client(gates(), limiter)
    ids = range(8 * rules[0][0])
    began = virtual.clock
    run(virtual, client.ask(ids, 8))
    assert set(client.answered) == set(ids)
    assert len(ids) / rules[0][0] * 60 >= 0.98 * (virtual.clock - began)
    assert share_of_429(limiter) < 0.005
    assert limiter.bans == 0
    assert limiter.statuses[403] == 0


@pytest.mark.parametrize("says", [(), ("words",), ("retry-after",)])
@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("rule", [(60, 60), (20, 2)])
def test_a_hidden_limit_is_found_and_used(
    virtual: VirtualTime, says: Sequence[str], moving: bool, rule: tuple[int, float]
):
    limiter = Limiter(virtual, [rule], says, moving, ban_after=10)
    client = Client(gates(), limiter)
    began = virtual.clock
    run(virtual, client.ask(range(10**6), 4, began + 900))
    assert used(limiter, began + 240, began + 900) >= 0.85
    assert share_of_429(limiter) < 0.08
    assert limiter.bans == 0


@pytest.mark.parametrize("at_once", [1, 4, 16])
def test_budgets_of_the_source_hold_where_nothing_is_told(virtual: VirtualTime, at_once: int):
    limiter = Limiter(virtual, [(30, 60)], (), ban_after=1)
    client = Client(gates(None, Budget(30, 60.0, "/api"), Budget(100, 600.0)), limiter)
    began = virtual.clock
    run(virtual, client.ask(range(10**6), at_once, began + 1200))
    assert limiter.statuses[429] == 0
    assert 195 <= len(limiter.passed) <= 200 + at_once


def test_when_others_spend_the_budget_their_share_is_left_to_them(virtual: VirtualTime):
    limiter = Limiter(virtual, [(60, 60)], ("remaining",))

    async def others() -> None:
        while virtual.clock < began + 600:
            limiter.answer()
            await asyncio.sleep(2.0)

    async def both() -> None:
        await asyncio.gather(others(), client.ask(range(10**6), 4, began + 600))

    client, began = Client(gates(), limiter), virtual.clock
    run(virtual, both())
    assert client.statuses[429] < 0.01 * client.statuses.total()
    assert used(limiter, began, began + 600) > 0.95


@pytest.mark.parametrize("says", [("remaining",), ()])
def test_all_who_share_a_folder_share_the_budget(virtual: VirtualTime, tmp_path: Path, says: Sequence[str]):
    limiter = Limiter(virtual, [(60, 60)], says, ban_after=10)
    budgets = () if says else (Budget(60, 60.0),)
    clients = [Client(gates(tmp_path, *budgets), limiter, f"{URL}{name}") for name in range(3)]
    began = virtual.clock

    async def all_of_them() -> None:
        await asyncio.gather(*(client.ask(range(10**6), 3, began + 480) for client in clients))

    run(virtual, all_of_them())
    assert share_of_429(limiter) < 0.005
    assert limiter.bans == 0
    assert used(limiter, began, began + 480) >= 0.98
    assert min(len(client.answered) for client in clients) > 30


@pytest.mark.parametrize("url", ["http://x.example/", "http://x.example/id-"])
@pytest.mark.parametrize("says", [("remaining",), ("retry-after",), ()])
def test_what_is_kept_of_a_host_does_not_grow_with_ids_at_its_root(virtual: VirtualTime, url: str, says: Sequence[str]):
    limiter = Limiter(virtual, [(20, 2)], says)
    gate = gates(None, Budget(15, 2.0, "/files"))
    client = Client(gate, limiter, url)
    run(virtual, client.ask(range(2000), 8))
    assert len(client.answered) == 2000
    [door] = gate._doors.values()
    kept = [door._pieces, door.standing, door._out, gate._queues, door.gate.limits._recent]
    kept += [learned.parts for learned in door.gate.limits.learned]
    # and those that were on their way when there were enough
    assert max(map(len, kept)) <= PARTS_MOST + 2 * 8
    assert door.gate.limits.part("/files/1") == "/files"


@pytest.mark.parametrize("says", [("remaining",), ()])
def test_what_was_learned_and_asked_is_kept_for_the_next_run(virtual: VirtualTime, tmp_path: Path, says: Sequence[str]):
    limiter = Limiter(virtual, [(60, 60)], says)
    for _ in range(4):
        gate = gates(tmp_path)
        run(virtual, Client(gate, limiter).ask(range(10**6), 8, virtual.clock + 200))
        gate.close()
    began, before = virtual.clock, limiter.statuses[429]
    run(virtual, Client(gates(tmp_path), limiter).ask(range(10**6), 8, began + 30))
    assert limiter.statuses[429] - before <= 3
    assert limiter.statuses[200] >= 0.85 * 800 / 60 * 60
    fresh = Limiter(virtual, [(60, 60)], ())
    run(virtual, Client(gates(), fresh).ask(range(10**6), 8, virtual.clock + 30))
    assert fresh.statuses[429] > 3


def test_an_order_holds_for_the_next_run_as_well(virtual: VirtualTime, tmp_path: Path):
    gate = gates(tmp_path)
    run(virtual, gate.admit(URL))
    assert not gate.judge(URL, 429, {"retry-after": "300"})
    began = virtual.clock
    other = gates(tmp_path)
    run(virtual, other.admit(URL))
    assert 300 <= virtual.clock - began < 301
    assert other.waited_seconds == pytest.approx(300, abs=1)


def test_a_ban_is_waited_for_with_its_reason_and_makes_no_id_forbidden(virtual: VirtualTime):
    limiter = Limiter(virtual, [(20, 60)], (), ban_after=1, ban_seconds=100.0)
    gate = gates()
    client = Client(gate, limiter)
    seen = []

    async def watch() -> None:
        while len(client.answered) < 60:
            if (on := gate.waiting()) is not None:
                seen.append(on)
            await asyncio.sleep(0.5)

    async def both() -> None:
        await asyncio.gather(client.ask(range(60), 4), watch())

    run(virtual, both())
    assert limiter.statuses[403] > 0
    assert set(client.answered.values()) == {200}
    assert "banned (403)" in {on.reason for on in seen}
    assert "banned (403)" in {wait.reason for wait in gate.take_waits()}


def ask(gate: Gates, time: VirtualTime, url: str, status: int, headers: dict[str, str], body: bytes = b"") -> bool:
    run(time, gate.admit(url))
    time.clock += 0.05
    return gate.judge(url, status, headers, body)


def test_restricted_records_in_a_row_hold_up_nothing(virtual: VirtualTime):
    gate, began = gates(), virtual.clock
    json = {"content-type": "application/json"}
    for number in range(1000):
        assert ask(gate, virtual, f"{URL}{number}", 403, json, error_body())
    assert virtual.clock - began < 1000 * 0.06


def test_restricted_pages_among_answers_cost_one_short_wait(virtual: VirtualTime):
    gate, began, forbidden = gates(), virtual.clock, 0
    waiting = list(range(300))
    while waiting:
        number = waiting.pop(0)
        status, headers, body = (
            (403, HTML, PAGE) if number % 3 == 0 else (200, {"content-type": "application/json"}, b"{}")
        )
        if not ask(gate, virtual, f"{URL}{number}", status, headers, body):
            waiting.append(number)
        else:
            forbidden += status == 403
    assert forbidden == 100
    assert virtual.clock - began < 60


def test_a_page_that_is_packed_is_read(virtual: VirtualTime):
    gate = gates()
    assert ask(gate, virtual, URL, 200, {"content-type": "application/json"})
    assert not ask(gate, virtual, URL, 403, {"content-type": "application/json"}, gzip.compress(b'{"m": "rate limit"}'))
    assert not ask(gate, virtual, URL, 403, HTML, gzip.compress(PAGE)[:20])


def test_a_host_that_only_says_403_is_given_up_and_no_answer_is_made_of_it(virtual: VirtualTime):
    gate = gates()
    assert ask(gate, virtual, URL, 200, {"content-type": "application/json"})
    with pytest.raises(WaitTooLong, match="403"):
        assert all(not ask(gate, virtual, URL + "1", 403, HTML, PAGE) for _ in range(100))
    assert virtual.clock < 1000 + 3600


def test_an_order_longer_than_an_hour_ends_the_run(virtual: VirtualTime):
    with pytest.raises(WaitTooLong, match="asks for a wait of 86400 seconds"):
        ask(gates(), virtual, URL, 429, {"retry-after": "86400"})


@pytest.mark.parametrize(
    ("status", "headers", "counts"),
    [
        (200, {"retry-after": "60"}, True),
        (404, {"retry-after": "60"}, True),
        (503, {}, True),
        (500, {}, True),
        (503, {"retry-after": "1"}, False),
        (429, {}, False),
        (429, {"retry-after": "soon"}, False),
    ],
)
def test_what_is_only_not_now(virtual: VirtualTime, status: int, headers: dict[str, str], counts: bool):
    gate = gates()
    assert ask(gate, virtual, URL, status, headers) is counts
    assert gate.told == ({} if counts else {status: 1})


def test_retry_after_on_an_answer_orders_nothing(virtual: VirtualTime):
    gate, began = gates(), virtual.clock
    for number in range(50):
        assert ask(gate, virtual, f"{URL}{number}", 200, {"retry-after": "60"})
    assert virtual.clock - began < 5


def test_a_distance_is_kept(virtual: VirtualTime):
    gate, began = gates(), virtual.clock
    gate.set_delay("X.example", 2.0)
    gate.set_delay("x.example", 1.0)
    for number in range(11):
        assert ask(gate, virtual, f"{URL}{number}", 200, {})
    assert 20.0 <= virtual.clock - began < 21.0


def test_a_run_that_is_ending_does_not_sit_out_its_wait(virtual: VirtualTime):
    gate = Gates(None, {}, lambda: False)
    run(virtual, gate.admit(URL))
    gate.judge(URL, 429, {"retry-after": "300"})
    began = virtual.clock
    with pytest.raises(IgnoreRequest, match="the run is ending"):
        run(virtual, gate.admit(URL))
    assert virtual.clock - began <= 1
    assert not isinstance(IgnoreRequest(), WaitTooLong)


@pytest.mark.parametrize("heard", [True, False])
def test_nobody_waits_long_for_a_first_answer_that_does_not_come(virtual: VirtualTime, heard: bool):
    gate, began = gates(), virtual.clock
    run(virtual, gate.admit(URL))
    if heard:
        gate.lost(URL)
    run(virtual, gate.admit(URL + "2"))
    assert virtual.clock - began < (0.01 if heard else 30)


def test_where_nothing_is_known_nobody_is_held_up_and_nothing_is_written(tmp_path: Path):
    gate = Gates(tmp_path, {}, lambda: True)

    async def many() -> None:
        for number in range(5000):
            await gate.admit(f"{URL}{number}")
            assert gate.judge(f"{URL}{number}", 200, {"content-type": "application/json"})

    asyncio.run(many())
    assert gate.waited_seconds < 0.5
    gate.close()
    assert not list(tmp_path.glob("*.json"))


def test_requests_that_are_never_answered_are_forgotten(virtual: VirtualTime, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("harvester.ratelimit.host.OUT_MOST", 100)
    gate = gates(None, Budget(1000, 1.0))
    for number in range(300):
        run(virtual, gate.admit(f"{URL}{number}"))
        virtual.clock += 30
    assert len(gate._doors["x.example"]._out) <= 101


def test_a_crawler_has_one_set_of_gates_with_the_budgets_and_the_delay_of_its_source(tmp_path: Path):
    source = SimpleNamespace(allowed_hosts=frozenset({"x.example"}), delay_seconds=3.0)
    spider = SimpleNamespace(budgets={"X.example": (Budget(5, 1.0),)}, arguments=SimpleNamespace(source=source))
    crawler: Any = SimpleNamespace(
        spider=spider, settings=Settings({"HARVEST_STATE": str(tmp_path)}), engine=None, signals=SignalManager()
    )
    found = Gates.of(crawler)
    assert Gates.of(crawler) is found is crawler.gates
    gate: Gate = found._doors["x.example"].gate
    assert gate.delay_seconds == 3.0
    assert gate.budgets == (Budget(5, 1.0),)
    other: Any = SimpleNamespace(
        spider=SimpleNamespace(), settings=Settings({"HARVEST_STATE": ""}), engine=None, signals=SignalManager()
    )
    assert Gates.of(other).waiting() is None


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://X.example:80/a/b?c=/d#e", ("x.example:80", "/a/b")),
        ("https://x.example", ("x.example", "/")),
        ("https://x.example?q=1", ("x.example", "/")),
        ("https://user:secret@x.example/a", ("x.example", "/a")),
    ],
)
def test_the_place_of_a_url_has_no_question_and_no_password(url: str, found: tuple[str, str]):
    assert place(url) == found


@pytest.mark.parametrize(
    ("setting", "environment", "folder"),
    [
        ("/s", {"HARVESTER_STATE": "/e", "HOME": "/h"}, Path("/s")),
        ("", {"HOME": "/h"}, None),
        ("none", {"HOME": "/h"}, None),
        (None, {"HARVESTER_STATE": "/e", "HOME": "/h"}, Path("/e")),
        (None, {"HARVESTER_STATE": "none"}, None),
        (None, {"XDG_STATE_HOME": "/x", "HOME": "/h"}, Path("/x/harvester")),
        (None, {"HOME": "/h"}, Path("/h/.local/state/harvester")),
        (None, {}, None),
    ],
)
def test_where_the_state_is_kept(setting: str | None, environment: dict[str, str], folder: Path | None):
    assert state_folder(setting, environment) == folder


def test_the_virtual_clock_is_not_the_real_one(virtual: VirtualTime):
    began = time.monotonic()
    run(virtual, asyncio.sleep(3600))
    assert time.monotonic() - began < 60
    assert virtual.clock == 4600
