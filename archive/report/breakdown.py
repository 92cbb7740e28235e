"""The account by window, year, month or set: how the ids of each ended, and whether that adds up.

Windows, months and years are read from the ledger, also during a harvest; sets are in the records, so that they require
a current index.
"""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from archive.index import open_index
from archive.queries import Queries
from archive.store import STATES, Account, Layout, read_accounts, read_description, snapshot

_SQL = Queries(__package__)

CUTS = ("window", "year", "month", "set")


@dataclass(frozen=True, slots=True)
class Cut:
    """How the ids of one window, year, month or set of a channel ended.

    `value` is the number of the window, the year or month of the datestamp, or the set; None for ids without one.
    `about` says what a window requested. `run` is None for the state after all runs. Years and months partition the ids
    of a channel; an id in two sets, or listed in two windows, is in both.
    """

    run: int | None
    channel: str
    value: str | None
    listed: int
    states: dict[str, int]
    balanced: bool
    about: str = ""


def read_breakdown(folder: Path, by: str, run: int | None = None) -> tuple[Cut, ...]:
    """Read the account of an archive after all runs, or of one run, by one of `CUTS`.

    Windows are always those of a run. Raises KeyError for an unknown run; StaleIndex if it is by set and there is no
    current index.
    """
    read_description(folder)
    with snapshot(Layout(folder)) as ledger:
        accounts = {account.run: account for account in read_accounts(ledger)}
        account = accounts[run]
        if by == "window":
            return by_window(ledger, account, run)
        if by != "set":
            months = by_month(ledger, account, run)
            return months if by == "month" else years_of(months)
    return by_set(folder, account, run)


def by_window(ledger: sqlite3.Connection, account: Account, run: int | None) -> tuple[Cut, ...]:
    """Read the account by window from an open ledger, of one run or of each.

    `account` is that of the run, or of the archive.
    """
    wrong = _windows_off(ledger, account)
    found = []
    for row in ledger.execute(_SQL["account_by_window"], {"run": run}):
        of_run, channel, window, verb, from_, until, state, listed, *counts = row
        about = "outside of any window" if window is None else f"{verb} {from_ or '…'} to {until or '…'}, {state}"
        value = None if window is None else str(window)
        found.append(_cut(of_run, channel, value, listed, counts, value not in wrong, about))
    return tuple(found)


def by_month(ledger: sqlite3.Connection, account: Account, run: int | None) -> tuple[Cut, ...]:
    """Read the account by month from an open ledger, after all runs or of one, whose `account` it is."""
    balanced = {channel.channel: channel.balanced for channel in account.channels}
    return tuple(
        _cut(run, channel, month, listed, counts, balanced.get(channel, False))
        for channel, month, listed, *counts in ledger.execute(_SQL["account_by_month"], {"run": run})
    )


def by_set(folder: Path, account: Account, run: int | None) -> tuple[Cut, ...]:
    """Read the account by set from the index, after all runs or of one, whose `account` it is. Raises StaleIndex."""
    balanced = {channel.channel: channel.balanced for channel in account.channels}
    with closing(open_index(folder, strict=True)) as db:
        rows = db.execute(_SQL["account_by_set"], {"run": run}).fetchall()
    return tuple(
        _cut(run, channel, value, listed, counts, balanced.get(channel, False))
        for channel, value, listed, *counts in rows
    )


def years_of(months: Iterable[Cut]) -> tuple[Cut, ...]:
    """Sum months of each channel to years."""
    found = []
    for (channel, year), same in groupby(months, key=lambda cut: (cut.channel, cut.value and cut.value[:4])):
        parts = list(same)
        found.append(_together(parts, parts[0].run, channel, year))
    return tuple(found)


def summed(cuts: Iterable[Cut]) -> tuple[Cut, ...]:
    """Sum the cuts of all channels by value, those without one last; an id in two channels counts as two."""
    ordered = sorted(cuts, key=lambda cut: (cut.value is None, cut.value or ""))
    return tuple(_together(list(same), None, "", value) for value, same in groupby(ordered, key=lambda cut: cut.value))


# --- helpers


def _windows_off(ledger: sqlite3.Connection, account: Account) -> set[str | None]:
    """Find windows with a row that does not add up: their own, or one of their requests'."""
    wrong: set[str | None] = {off.row for off in account.off if off.table == "windows"}
    for off in account.off:
        if off.table == "requests":
            row = ledger.execute(_SQL["window_of_request"], (int(off.row),)).fetchone()
            wrong.add(None if row is None or row[0] is None else str(row[0]))
    return wrong


def _cut(
    run: int | None,
    channel: str,
    value: str | None,
    listed: int,
    counts: list[Any],
    sound: bool,
    about: str = "",
) -> Cut:
    states = dict(zip(STATES, counts, strict=True))
    return Cut(run, channel, value, listed, states, listed == sum(counts) and sound, about)


def _together(parts: list[Cut], run: int | None, channel: str, value: str | None) -> Cut:
    states = {state: sum(part.states[state] for part in parts) for state in STATES}
    return Cut(run, channel, value, sum(part.listed for part in parts), states, all(part.balanced for part in parts))
