"""Ids by the hundred thousand from a provider with limits, in a process of its own whose clock jumps: hours in seconds.

    PYTHONPATH=tests python tests/support/long_run.py ids NUMBER     prints what it did and what it took, as JSON
    PYTHONPATH=tests python tests/support/long_run.py hosts NUMBER MINUTES

Real are the supply of ids, the handler of blocks, its gates and what they learn; simulated are the wire, the provider
and the time. With many hosts the gates alone are real. What grows shows in the memory that the process has after a
fifth of the way, and at the end.
"""

import asyncio
import json
import resource
import sys
from collections import Counter, deque
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from scrapy.settings import Settings

from harvester.http.blocks import Asked, BlockHandler, block_request
from harvester.http.credentials import Credentials
from harvester.ratelimit.headers import Budget
from harvester.ratelimit.limiters import Gates
from harvester.rest.idranges import IdRanges, RangeSupply
from support.limited_providers import Client, Limiter, VirtualTime, run, virtual_time

HOST = "x.example"
URL = f"http://{HOST}/api/records/"
# of InvenioRDM at CERN: guests have 133 a minute and 8000 an hour, which is the scarcer one
RULES = ((133, 60), (8000, 3600))
# refusals in a minute that end in a ban
BAN_AFTER = 10
BLOCK_IDS, BLOCKS, CONNECTIONS = 200, 4, 4


class Provider:
    """Answers with what is left of the scarcest budget; keeps no more than a count for each window."""

    def __init__(self, time: VirtualTime) -> None:
        self.time = time
        self.statuses: Counter[int] = Counter()
        self.bans = 0
        self._windows = dict.fromkeys(RULES, (0, 0))
        self._refused = (0, 0)
        self._banned = 0.0

    def answer(self, number: int) -> tuple[int, dict[str, str]]:
        now = self.time.time()
        left, reset, rule = min(self._left(rule, now) for rule in RULES)
        if now < self._banned or left <= 0:
            status = 403 if now < self._banned else self._refuse(now)
        else:
            for each in RULES:
                slot, used = self._windows[each]
                self._windows[each] = slot, used + 1
            # some ids are not there, as everywhere
            status, left = 404 if number % 7 == 0 else 200, left - 1
        self.statuses[status] += 1
        told = {
            "x-ratelimit-limit": rule[0],
            "x-ratelimit-remaining": max(0, left),
            "x-ratelimit-reset": int(now + reset),
        }
        return status, {"Content-Type": "application/json", **{name: str(value) for name, value in told.items()}}

    def _refuse(self, now: float) -> int:
        slot, times = self._refused
        times = times + 1 if slot == now // 60 else 1
        self._refused = int(now // 60), times
        if times >= BAN_AFTER:
            self._banned, self.bans = now + 600, self.bans + 1
        return 429

    def _left(self, rule: tuple[int, int], now: float) -> tuple[int, float, tuple[int, int]]:
        requests, seconds = rule
        slot, used = self._windows[rule]
        if slot != now // seconds:
            slot, used = int(now // seconds), 0
            self._windows[rule] = slot, used
        return requests - used, (slot + 1) * seconds - now, rule


class Session:
    """What the handler asks instead of the network."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    @asynccontextmanager
    async def get(self, url: Any, **more: Any) -> Any:
        number = int(url.name)
        await asyncio.sleep(0.03 + 0.01 * (number % 5))
        status, headers = self.provider.answer(number)
        await asyncio.sleep(0.02)

        async def read() -> bytes:
            return b'{"id": %d}' % number

        yield SimpleNamespace(status=status, headers=headers, content_length=20, read=read)


async def ask_all(handler: BlockHandler, count: int) -> dict[str, Any]:
    """Ask as the spider does: some blocks at once, the next chunk when one is nearly done."""
    supply = RangeSupply(IdRanges.parse(f"1-{count}"))
    place, waiting = supply.start, deque[Asked]()
    seen: Counter[int] = Counter()
    again, memory, settled = 0, 0, 0

    async def block() -> None:
        nonlocal again, memory, settled, place
        while True:
            if not waiting and (span := supply.span(place)) is not None:
                place = str((span.last or 0) + 1)
                waiting.extend(Asked(name, URL + name) for name in supply.chunk(span).ids)
            if not waiting:
                return
            taken = [waiting.popleft() for _ in range(min(BLOCK_IDS, len(waiting)))]
            response = await handler.download_request(block_request(HOST, 1, taken, "application/json"))
            assert response.ended is None, response.ended
            waiting.extendleft(reversed(response.left))
            again += len(response.left)
            for fetched in response.fetched:
                assert fetched.status == (404 if int(fetched.asked.identifier) % 7 == 0 else 200), fetched
                seen[int(fetched.asked.identifier) % 1000] += 1
            settled += len(response.fetched)
            if not memory and settled >= count / 5:
                memory = peak_bytes()

    await asyncio.gather(*(block() for _ in range(BLOCKS)))
    return {
        "ids": settled,
        "seen": [len(seen), min(seen.values()), max(seen.values())],
        "memory_then": memory,
        "memory": peak_bytes(),
    }


def peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10


def many_ids(count: int) -> dict[str, Any]:
    """Ask one provider for ids; `hours` are of its clock."""
    time = virtual_time(setattr)
    provider = Provider(time)
    settings = Settings({"DOWNLOAD_MAXSIZE": 1 << 20, "DOWNLOAD_TIMEOUT": 60, "USER_AGENT": "x"})
    spider = SimpleNamespace(connections=CONNECTIONS, credentials=Credentials(), secret_masked=None)
    gates = Gates(None, {HOST: [Budget(requests, seconds) for requests, seconds in RULES]}, lambda: True)

    async def work() -> dict[str, Any]:
        handler = BlockHandler(SimpleNamespace(settings=settings, spider=spider, gates=gates))  # type: ignore[arg-type]
        await handler.close()
        handler._client._session = Session(provider)  # type: ignore[assignment]
        return await ask_all(handler, count)

    # from the beginning of an hour, so that whole windows are compared
    time.clock += -time.time() % 3600
    began = time.time()
    done = run(time, work())
    hours = (time.time() - began) / 3600
    return {**done, "hours": hours, "statuses": dict(provider.statuses), "bans": provider.bans}


class Counted(dict[int, int]):
    """Knows how many keys it was given, each once, and keeps none."""

    count = 0

    def __setitem__(self, key: int, value: int) -> None:
        self.count += 1

    def __len__(self) -> int:
        return self.count


class Uncounted(list[float]):
    """Keeps nothing."""

    def append(self, value: float) -> None:
        pass


def many_hosts(hosts: int, minutes: int) -> dict[str, Any]:
    """Ask many providers for some minutes of their clock, all through the gates of one crawl.

    They take turns to be: of a limit that is told, of one that is not, without any and slow, and never ready. Answered
    requests of each are listed, by kind.
    """
    time = virtual_time(setattr)
    gates = Gates(None, {}, lambda: True)
    until = time.clock + 60 * minutes
    memory = 0
    kinds = {
        "told": lambda: (Limiter(time, [(60, 60)], ("remaining",)), 0.05),
        "hidden": lambda: (Limiter(time, [(20, 4)], ("retry-after",)), 0.05),
        "slow": lambda: (Limiter(time, [(1000, 1)], ()), 20.0),
        "full": lambda: (Limiter(time, [(0, 60)], ("retry-after",)), 0.05),
    }
    clients = []
    for number in range(hosts):
        kind = list(kinds)[number % len(kinds)]
        limiter, latency = kinds[kind]()
        client = Client(gates, limiter, f"http://host-{number}.example/", latency)
        # what the simulation itself would keep of each request is no growth of the gates'
        limiter.passed, client.answered = Uncounted(), Counted()
        clients.append((kind, client))

    async def work() -> None:
        nonlocal memory
        asking = [client.ask(range(600 * minutes), 4, until) for _, client in clients]
        together = asyncio.gather(*asking)
        await asyncio.sleep(12 * minutes)
        memory = peak_bytes()
        await together

    run(time, work())
    answered = {kind: [len(client.answered) for name, client in clients if name == kind] for kind in kinds}
    refused = {kind: sum(client.statuses[429] for name, client in clients if name == kind) for kind in kinds}
    return {"answered": answered, "refused": refused, "memory_then": memory, "memory": peak_bytes()}


if __name__ == "__main__":
    what, *numbers = sys.argv[1:]
    print(json.dumps({"ids": many_ids, "hosts": many_hosts}[what](*map(int, numbers))))
