"""Status of an archive: its runs, windows, account, findings, shards and refused bodies.

It is read from the ledger, also during a harvest; of the shards only the sizes are checked.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from archive.audits import Total, list_totals
from archive.errors import StaleIndex
from archive.index import check_current
from archive.queries import Queries
from archive.store import Account, Layout, read_accounts, read_description, snapshot

_SQL = Queries(__package__)

WINDOW_STATES = ("open", "done", "split", "lost")


@dataclass(frozen=True, slots=True)
class RunStanding:
    """A run; `newest` of those with the same arguments, which resume or repeat it."""

    run: int
    spider: str
    mode: str
    arguments: dict[str, Any]
    started: str
    finished: str | None
    state: str
    newest: bool
    account: Account


@dataclass(frozen=True, slots=True)
class FindingsStanding:
    """Findings of one code: their number, and the message of the first."""

    code: str
    severity: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class ShardsStanding:
    """What the ledger counts in shards; `wrong` names files that are missing or have another length."""

    shards: int
    records: int
    frames: int
    bytes: int
    content_bytes: int
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The status of an archive. `index` is current, stale or missing; `totals` are of the last harvests."""

    folder: Path
    description: dict[str, Any]
    runs: tuple[RunStanding, ...]
    windows: dict[str, int]
    account: Account
    findings: tuple[FindingsStanding, ...]
    shards: ShardsStanding
    refused: int
    refused_bytes: int
    index: str
    totals: tuple[Total, ...] = ()

    @property
    def state(self) -> str:
        """Return damaged, unfinished, findings or complete: the first of these that applies.

        Only the newest run with the same arguments counts: it has repeated what an earlier one left undone.
        """
        newest = [run.state for run in self.runs if run.newest]
        if self.shards.wrong or not all(account.balanced for account in (self.account, *self._accounts())):
            return "damaged"
        if not newest or not {"open", "unfinished"}.isdisjoint(newest):
            return "unfinished"
        if "findings" in newest or self.account.states["refused"]:
            return "findings"
        return "complete"

    def _accounts(self) -> list[Account]:
        return [run.account for run in self.runs]


def read_standing(folder: Path) -> Standing:
    """Read the status of an archive.

    Raises NotAnArchive, OtherArchive; Damaged if its description or ledger is unreadable.
    """
    layout, description = Layout(folder), read_description(folder)
    with snapshot(layout) as ledger:
        *of_runs, whole = read_accounts(ledger)
        accounts = {account.run: account for account in of_runs}
        windows = dict.fromkeys(WINDOW_STATES, 0) | dict(ledger.execute(_SQL["standing_windows"]).fetchall())
        findings = ledger.execute(_SQL["standing_findings"]).fetchall()
        count, size = ledger.execute(_SQL["standing_quarantine"]).fetchone()
        return Standing(
            folder=folder,
            description=description,
            runs=_runs(ledger, accounts),
            windows=windows,
            account=whole,
            findings=tuple(FindingsStanding(*finding) for *finding, _ in findings),
            shards=_shards(ledger, layout),
            refused=count,
            refused_bytes=size,
            index=_index(folder),
            totals=tuple(list_totals(ledger, None)),
        )


def _runs(ledger: sqlite3.Connection, accounts: dict[int | None, Account]) -> tuple[RunStanding, ...]:
    return tuple(
        RunStanding(
            run=run,
            spider=spider,
            mode=mode,
            arguments=orjson.loads(arguments),
            started=started,
            finished=finished,
            state=state,
            newest=bool(newest),
            account=accounts[run],
        )
        for run, spider, mode, arguments, started, finished, state, newest in ledger.execute(_SQL["standing_runs"])
    )


def _shards(ledger: sqlite3.Connection, layout: Layout) -> ShardsStanding:
    count = records = frames = size = content = 0
    wrong = []
    for name, state, its_records, its_frames, its_bytes, its_content in ledger.execute(_SQL["standing_shards"]):
        count, records, frames = count + 1, records + its_records, frames + its_frames
        size, content = size + its_bytes, content + its_content
        if (sentence := _wrong_size(layout, name, state, its_bytes)) is not None:
            wrong.append(sentence)
    return ShardsStanding(
        shards=count, records=records, frames=frames, bytes=size, content_bytes=content, wrong=tuple(wrong)
    )


def _wrong_size(layout: Layout, name: str, state: str, believed: int) -> str | None:
    """Describe a shard whose size is wrong; one that is being written may be longer than what counts."""
    path = layout.shard(name, sealed=state == "sealed")
    if not path.exists():
        return f"shard {name} is missing" if believed else None
    size = path.stat().st_size
    if size < believed or (state == "sealed" and size != believed):
        return f"shard {name} is {size} bytes long, the ledger says {believed}"
    return None


def _index(folder: Path) -> str:
    if not Layout(folder).index.exists():
        return "missing"
    try:
        check_current(folder)
    except StaleIndex:
        return "stale"
    return "current"
