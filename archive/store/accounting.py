"""The account (law 1): every listed id ends in one state, and everything is counted in two ways that must agree.

It is read from the ledger alone, also during a harvest: requests against their outcomes, windows against their
requests, outcomes against the records in frames, frames against shards. Rows that do not agree are named. The work of
the runs (requests, time, records, bytes) is read from the same tables.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from archive.findings import DOUBTS
from archive.queries import Queries
from archive.store.layout import Layout, read_description
from archive.store.snapshots import snapshot

_SQL = Queries(__package__)

STATES = ("read", "deleted", "absent", "moved", "forbidden", "refused", "lost", "open")
# how many rows of each kind are named; the sums say how many there are
NAMED = 20


@dataclass(frozen=True, slots=True)
class Off:
    """A row of the ledger that does not add up; `run` and `channel` are None if it belongs to none."""

    table: str
    row: str
    message: str
    run: int | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelAccount:
    """How the ids of one channel ended: in one run, or after all of them if `run` is None.

    `listed` counts the distinct ids that were listed or requested.
    """

    run: int | None
    channel: str
    listed: int
    states: dict[str, int]
    balanced: bool


@dataclass(frozen=True, slots=True)
class Account:
    """The account of a run, or of the archive if `run` is None; an id in two channels counts as two.

    It is `complete` if nothing is refused, lost or open, and no finding says that records may be missing (`DOUBTS`).
    """

    run: int | None
    channels: tuple[ChannelAccount, ...]
    off: tuple[Off, ...]
    complete: bool

    @property
    def states(self) -> dict[str, int]:
        return {state: sum(channel.states[state] for channel in self.channels) for state in STATES}

    @property
    def listed(self) -> int:
        return sum(channel.listed for channel in self.channels)

    @property
    def balanced(self) -> bool:
        """Return whether both counts of everything agree."""
        return not self.off and all(channel.balanced for channel in self.channels)


def read_account(folder: Path, run: int | None = None) -> Account:
    """Read the account of one run, or of the archive after all of them. Raises KeyError for an unknown run."""
    with snapshot(Layout(folder)) as ledger:
        accounts = read_accounts(ledger)
    return {account.run: account for account in accounts}[run]


def read_accounts(ledger: sqlite3.Connection) -> list[Account]:
    """Read the account of each run in order, then that of the archive. Call it inside a transaction."""
    off = tuple(_off(ledger))
    codes = {"codes": json.dumps(sorted(DOUBTS))}
    doubts = {int(run): _Doubt(*rest) for run, *rest in ledger.execute(_SQL["account_doubts"], codes)}
    channels = [_channel(row, off) for row in ledger.execute(_SQL["account_of_runs"], {"run": None})]
    by_run = [_of_run(run, doubt, channels, off) for run, doubt in doubts.items()]
    harvests = [run for run, doubt in doubts.items() if doubt.mode != "census"]
    if len(harvests) == 1:  # the ids are in the state in which the only harvest left them
        whole = [replace(channel, run=None) for channel in channels if channel.run == harvests[0]]
    else:
        whole = [_channel(row, off) for row in ledger.execute(_SQL["account_of_all"])]
    settled = all(doubt.settled for doubt in doubts.values() if doubt.newest and doubt.mode != "census")
    return [*by_run, Account(None, tuple(whole), off, bool(harvests) and settled and _nothing_missing(whole))]


def read_off(ledger: sqlite3.Connection, run: int) -> tuple[Off, ...]:
    """Read the rows of one run that do not add up, without counting its ids: the check at the end of a harvest."""
    return (*_off_rows(ledger, run), *_off_outcomes(ledger, run))


def balances(ledger: sqlite3.Connection) -> bool:
    """Return whether both counts in a ledger agree: all of an account except its ids."""
    return next(_off(ledger), None) is None


# --- helpers


@dataclass(frozen=True, slots=True)
class _Doubt:
    """What keeps a run from being complete, besides its ids.

    `newest`: it is the newest of the runs with the same arguments.
    """

    mode: str
    state: str
    newest: bool
    windows: int
    doubts: int

    @property
    def settled(self) -> bool:
        return self.state in ("complete", "findings") and not self.windows and not self.doubts


def _channel(row: Sequence[Any], off: Iterable[Off]) -> ChannelAccount:
    run, name, listed = row[:3]
    states = dict(zip(STATES, row[3:], strict=True))
    wrong = any(o.channel in (name, None) and (run is None or o.run in (run, None)) for o in off)
    return ChannelAccount(run, name, listed, states, listed == sum(states.values()) and not wrong)


def _of_run(run: int, doubt: _Doubt, channels: Iterable[ChannelAccount], off: Iterable[Off]) -> Account:
    mine = tuple(channel for channel in channels if channel.run == run)
    return Account(run, mine, tuple(o for o in off if o.run in (run, None)), doubt.settled and _nothing_missing(mine))


def _nothing_missing(channels: Iterable[ChannelAccount]) -> bool:
    return not any(channel.states[state] for channel in channels for state in ("refused", "lost", "open"))


def _off(ledger: sqlite3.Connection) -> Iterator[Off]:
    """Yield every kind of row that does not add up, at most `NAMED` of each, and the sums over all of them."""
    yield from _off_rows(ledger, None)
    yield from _off_sums(ledger)
    yield from _off_outcomes(ledger, None)


def _off_rows(ledger: sqlite3.Connection, of_run: int | None) -> Iterator[Off]:
    limit = {"run": of_run, "limit": NAMED}
    for request, run, channel, said, found in ledger.execute(_SQL["account_requests_off"], limit):
        yield Off("requests", str(request), f"request {request} names {said} outcomes, {found} are there", run, channel)
    for window, run, channel, *counts in ledger.execute(_SQL["account_windows_off"], limit):
        yield Off("windows", str(window), _window_sentence(window, *counts), run, channel)
    for shard, run, frame, said, found in ledger.execute(_SQL["account_frames_off"], limit):
        sentence = f"shard {shard}, frame {frame} holds {said} records, {found} outcomes are in its range"
        yield Off("frames", f"{shard}/{frame}", sentence, run)
    for shard, run, *counts in ledger.execute(_SQL["account_shards_off"], limit):
        yield Off("shards", shard, _shard_sentence(shard, *counts), run)


def _off_sums(ledger: sqlite3.Connection) -> Iterator[Off]:
    outcomes, of_requests, kept, in_frames, in_shards = ledger.execute(_SQL["account_sums"]).fetchone()
    if outcomes != of_requests:
        yield Off("outcomes", "all", f"{outcomes} outcomes, requests name {of_requests}")
    if not kept == in_frames == in_shards:
        sentence = f"{kept} outcomes with a record, frames hold {in_frames} records, shards {in_shards}"
        yield Off("outcomes", "read and deleted", sentence)


def _off_outcomes(ledger: sqlite3.Connection, run: int | None) -> Iterator[Off]:
    limit = {"run": run, "limit": NAMED}
    for outcome, request, identifier in ledger.execute(_SQL["account_outcomes_off"], limit):
        sentence = f"outcome {outcome} ({identifier}) is not in the range of its request {request}"
        yield Off("outcomes", str(outcome), sentence)


def _window_sentence(window: int, listed: int, listed_found: int, distinct: int, distinct_found: int) -> str:
    return (
        f"window {window} ended with {listed} headers of {distinct} ids, its requests have {listed_found} of "
        f"{distinct_found}"
    )


def _shard_sentence(
    shard: str, records: int, in_frames: int, frames: int, frames_found: int, content: int, content_found: int
) -> str:
    return (
        f"shard {shard} has {records} records in {frames} frames of {content} bytes, its frames are {frames_found} "
        f"with {in_frames} records in {content_found} bytes"
    )


@dataclass(frozen=True, slots=True)
class RunWork:
    """The work of one run.

    `requests` counts every try of the requests in the ledger, `content_bytes` the stored content, uncompressed. A run
    that was killed and resumed started when it was first started.
    """

    run: int
    spider: str
    mode: str
    arguments: dict[str, Any]
    state: str
    started: str
    finished: str | None
    requests: int
    records: int
    content_bytes: int

    @property
    def seconds(self) -> float | None:
        """Return the time from its start to its end, pauses included; None if it has not ended."""
        if self.finished is None:
            return None
        return (datetime.fromisoformat(self.finished) - datetime.fromisoformat(self.started)).total_seconds()


def read_work(folder: Path) -> list[RunWork]:
    """Read the work of each run of an archive, in order; empty without an archive. Raises OtherArchive, Damaged."""
    if not Layout(folder).description.exists():
        return []
    read_description(folder)
    with snapshot(Layout(folder)) as ledger:
        rows = ledger.execute(_SQL["work_of_runs"]).fetchall()
    return [
        RunWork(run, spider, mode, orjson.loads(arguments), state, started, finished, requests, records, size)
        for run, spider, mode, arguments, state, started, finished, requests, records, size in rows
    ]
