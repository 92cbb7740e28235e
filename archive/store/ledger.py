"""The ledger: runs, windows, requests and outcomes; the only thing a harvest resumes from.

Rows are appended. An id's state is what its last outcome in a channel says. Requests and outcomes
are written in the transaction that also names the frames which hold their records, after these
frames were synced: a record is durable before it is counted.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from archive.disk import durable
from archive.errors import Damaged
from archive.queries import Queries
from archive.store import schema
from archive.store.snapshots import translated

_SQL = Queries(__package__)

# the reason of an outcome `read` or `deleted` without a record of its own: the provider says that what is held is what
# there is (304), or a list brought again a version that the run had stored already
NOT_MODIFIED = "not modified"


def has_record(state: str, reason: str | None) -> bool:
    """Return whether an outcome stands for a record of its own: outside a census, one in a frame."""
    return state in ("read", "deleted") and reason != NOT_MODIFIED


class Outcome(NamedTuple):
    """What a request settled about one id; `reason` is None where there is nothing to say."""

    identifier: str
    datestamp: str | None
    state: str
    reason: str | None = None

    @property
    def has_record(self) -> bool:
        """Whether a record of its own belongs to it."""
        return has_record(self.state, self.reason)


@dataclass(frozen=True, slots=True)
class Run:
    """One harvest, over as many processes as it took."""

    run: int
    spider: str
    mode: str
    arguments: dict[str, Any]
    started: str
    provider_started: str | None
    state: str


@dataclass(frozen=True, slots=True)
class WindowRow:
    """A window as the ledger has it; bounds are text as sent to the provider, None where there is none.

    `attempts` counts those that were begun, an attempt that a kill cut short included. `set_spec` is the set it is
    limited to within its channel, None for most.
    """

    window: int
    channel: int
    parent: int | None
    verb: str
    from_: str | None
    until: str | None
    state: str
    attempts: int
    set_spec: str | None = None


@dataclass(frozen=True, slots=True)
class NewWindow:
    """A window to be opened."""

    channel: int
    verb: str
    from_: str | None
    until: str | None
    set_spec: str | None = None


@dataclass(frozen=True, slots=True)
class WindowCount:
    """What one attempt at a window brought: headers, and distinct identifiers among them."""

    listed: int
    distinct: int


class Ledger:
    """One open `ledger.sqlite`. Not for use by two threads at once."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        """Open for writing. Raises OtherArchive, or Damaged, also when it is missing and not to be made."""
        if not create and not path.exists():
            raise Damaged(f"{path} is missing; an archive cannot go on without it, take it from a copy")
        self.path = path
        with translated(path):
            self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
            self.db.execute("PRAGMA journal_mode = WAL")
            self.db.execute("PRAGMA synchronous = FULL")
            self.db.execute("PRAGMA foreign_keys = ON")
            if not self.db.execute(_SQL["has_tables"]).fetchone():
                self._make()
            schema.check_version(self.db, path)
            schema.check_names(self.db, path)
            schema.upgrade(self.db)
        self._next_request = self._last("requests", "request") + 1
        self._next_outcome = self._last("outcomes", "outcome") + 1

    def _make(self) -> None:
        with self.transaction():
            schema.create(self.db)

    def _last(self, table: str, key: str) -> int:
        with translated(self.path):
            row = self.db.execute(f"SELECT max({key}) FROM {table}").fetchone()
        return int(row[0] or 0)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, synced when it is over."""
        with translated(self.path):
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
                durable.reached("ledger-committing")
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise
        durable.reached("ledger-committed")

    def close(self) -> None:
        """Fold the write-ahead log into the file and leave its digest beside it."""
        with translated(self.path):
            self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.db.close()

    # runs

    def open_run(self, spider: str, mode: str, arguments: dict[str, Any]) -> Run | None:
        """The unfinished run of the same words, if there is one: the same command again resumes it."""
        with translated(self.path):
            rows = self.db.execute(
                _SQL["open_run"],
                (spider, mode, _canonical(arguments)),
            ).fetchall()
        return next(starmap(_run, rows), None)

    def last_run(self, spider: str, arguments: dict[str, Any], modes: Sequence[str]) -> Run | None:
        """The newest run over the whole of what `arguments` names that ended with nothing lost or open."""
        with translated(self.path):
            rows = self.db.execute(
                _SQL["last_run"],
                (spider, _canonical(arguments)),
            ).fetchall()
        return next((run for run in starmap(_run, rows) if run.mode in modes), None)

    def last_listing(self, spider: str, arguments: dict[str, Any], modes: Sequence[str], channel: int) -> Run | None:
        """The newest run that listed a channel which had records then or before, and ended with nothing lost or open.

        Its arguments may name other prefixes and sets beside. A run whose increments could not be trusted does not
        count: what changed before it may be missing.
        """
        with translated(self.path):
            rows = self.db.execute(
                _SQL["last_listing"],
                {"spider": spider, "channel": channel},
            ).fetchall()
        wanted = _without_lists(arguments)
        runs = (run for run in starmap(_run, rows) if run.mode in modes)
        return next((run for run in runs if _without_lists(run.arguments) == wanted), None)

    def channels_of(self, run: int) -> list[tuple[int, str, str | None]]:
        """(channel, format, set) of each channel that a run has windows of."""
        with translated(self.path):
            rows = self.db.execute(
                _SQL["channels_of_run"],
                (run,),
            ).fetchall()
        return [(int(channel), str(format_), spec) for channel, format_, spec in rows]

    def add_run(self, spider: str, mode: str, arguments: dict[str, Any], software: dict[str, Any], now: str) -> Run:
        with self.transaction():
            cursor = self.db.execute(
                _SQL["add_run"],
                (spider, mode, _canonical(arguments), _canonical(software), now),
            )
        assert cursor.lastrowid is not None
        return Run(
            run=cursor.lastrowid,
            spider=spider,
            mode=mode,
            arguments=arguments,
            started=now,
            provider_started=None,
            state="open",
        )

    def reopen_run(self, run: int) -> None:
        """A run that is resumed is open again, and what it lost is asked again."""
        with self.transaction():
            self.db.execute(_SQL["reopen_run"], (run,))
            self.db.execute(
                _SQL["reopen_lost_windows"],
                (run,),
            )

    def take_back(self, run: int, codes: Sequence[str]) -> list[str]:
        """Remove those findings of a run that are judged again when it ends. Returns their codes."""
        chosen = {"run": run, "codes": json.dumps(list(codes))}
        with self.transaction():
            found = [str(code) for (code,) in self.db.execute(_SQL["findings_with_codes"], chosen).fetchall()]
            if found:
                self.db.execute(_SQL["drop_findings_with_codes"], chosen)
        return found

    def ask_again(self, run: int) -> None:
        """Open the windows of a run that were read to their end once more."""
        with self.transaction():
            self.db.execute(_SQL["reopen_done_windows"], (run,))

    def drop_run(self, run: int) -> None:
        """Forget a run that has no window and no request."""
        with self.transaction():
            self.db.execute(_SQL["drop_findings"], (run,))
            self.db.execute(_SQL["drop_waits"], (run,))
            self.db.execute(_SQL["drop_run"], (run,))

    def has_runs(self) -> bool:
        with translated(self.path):
            return self.db.execute(_SQL["has_runs"]).fetchone() is not None

    def set_provider_started(self, run: int, response_date: str) -> None:
        """Keep the responseDate of the run's first response: the next incremental run starts there."""
        with self.transaction():
            self.db.execute(
                _SQL["set_provider_started"],
                (response_date, run),
            )

    def finish_run(self, run: int, state: str, now: str) -> None:
        with self.transaction():
            self.db.execute(_SQL["finish_run"], (state, now, run))

    def settled_state(self, run: int) -> str:
        """The state to leave a run in: unfinished while a window or an id is open or lost, else by its findings.

        A loss in bulk leaves it unfinished as well: whoever runs it again asks once more, or accepts the loss.
        """
        if self._any(_SQL["run_lost_in_bulk"], run):
            return "unfinished"
        states = self._unsettled_states(run)
        if not states.isdisjoint(("open", "lost")) or self._any(_SQL["run_has_open_windows"], run):
            return "unfinished"
        findings = self._any(_SQL["run_has_findings"], run)
        return "findings" if findings or "refused" in states else "complete"

    def _unsettled_states(self, run: int) -> set[str]:
        """The last states of those ids of a run that were open, lost or refused at some time."""
        with translated(self.path):
            self.db.execute(_SQL["drop_doubtful"])
            self.db.execute(_SQL["create_doubtful"], (run,))
            if not self.db.execute(_SQL["has_doubtful"]).fetchone():
                return set()
            self.db.execute(_SQL["index_doubtful"])
            return {state for (state,) in self.db.execute(_SQL["unsettled_states"], (run,))}

    def _any(self, query: str, run: int) -> bool:
        with translated(self.path):
            return self.db.execute(query, (run,)).fetchone() is not None

    # channels and windows

    def channel(self, name: str, format_: str, set_spec: str | None) -> int:
        """The channel's number; it is made when it is new."""
        with self.transaction():
            self.db.execute(
                _SQL["add_channel"],
                (name, format_, set_spec),
            )
            row = self.db.execute(_SQL["channel_named"], (name,)).fetchone()
        return int(row[0])

    def windows(self, run: int, state: str | None = None) -> list[WindowRow]:
        """Windows of a run in the order they were opened."""
        with translated(self.path):
            rows = self.db.execute(
                _SQL["windows_of_run"],
                (run, state, state),
            ).fetchall()
        return [WindowRow(*row) for row in rows]

    def provider_started(self, run: int) -> str | None:
        """The responseDate of the run's first response, in UTC."""
        with translated(self.path):
            row = self.db.execute(_SQL["provider_started"], (run,)).fetchone()
        return row[0] if row else None

    def distinct_in(self, window: int) -> int:
        """Distinct identifiers that a window which ended has brought."""
        with translated(self.path):
            row = self.db.execute(_SQL["distinct_in_window"], (window,)).fetchone()
        return int(row[0])

    def records_done(self, run: int) -> int:
        """Records in the windows of a run that are done."""
        with translated(self.path):
            row = self.db.execute(_SQL["records_done"], (run,)).fetchone()
        return int(row[0])

    def stated_totals(self, run: int) -> list[tuple[str | None, int | None]]:
        """(set, size stated by the provider) of each first list of a run that was asked; the body of each channel."""
        with translated(self.path):
            rows = self.db.execute(
                _SQL["stated_totals"],
                (run,),
            ).fetchall()
        return list(rows)

    def torn_windows(self, run: int, since: str) -> tuple[int, list[WindowRow]]:
        """Lists of several pages and no stated size that held a record which changed in the meantime.

        While it was read, the change may have moved a record from a page not yet read to one read before.
        Returns how many records changed at `since` or later after they were read, and the windows they were in.
        """
        with translated(self.path):
            self.db.execute(_SQL["drop_changed"])
            self.db.execute(
                _SQL["create_changed"],
                (run, since),
            )
            rows = self.db.execute(
                _SQL["torn_windows"],
                (run, since),
            ).fetchall()
        return sum(changed for *_, changed in rows), [WindowRow(*window) for *window, _ in rows]

    def add_windows(
        self, run: int, windows: Iterable[NewWindow], now: str, parent: int | None = None
    ) -> list[WindowRow]:
        """Open windows. Must run inside a transaction."""
        made = []
        for new in windows:
            cursor = self.db.execute(
                _SQL["add_window"],
                (run, new.channel, parent, new.verb, new.from_, new.until, now),
            )
            assert cursor.lastrowid is not None
            if new.set_spec is not None:
                self.db.execute(_SQL["add_windowset"], (cursor.lastrowid, new.set_spec))
            made.append(
                WindowRow(
                    window=cursor.lastrowid,
                    channel=new.channel,
                    parent=parent,
                    verb=new.verb,
                    from_=new.from_,
                    until=new.until,
                    state="open",
                    attempts=0,
                    set_spec=new.set_spec,
                )
            )
        return made

    def count_window(self, window: int, attempt: int) -> WindowCount:
        """What one attempt at a window has brought into the ledger so far; of ids that are asked one by one, all of it.

        Those count as listed once each, however often they were asked; so does what is gathered from several listings.
        """
        with translated(self.path):
            listed, distinct = self.db.execute(_SQL["count_window"], (window, attempt)).fetchone()
        return WindowCount(listed or 0, distinct or 0)

    def close_window(
        self,
        window: int,
        *,
        state: str,
        end: str,
        count: WindowCount,
        stated: int | None,
        pages: int,
        attempts: int,
        now: str,
    ) -> None:
        """Say how a window ended. Must run inside a transaction."""
        self.db.execute(
            _SQL["close_window"],
            (state, end, count.listed, count.distinct, stated, pages, attempts, now, window),
        )

    # requests and outcomes; all must run inside a transaction

    def add_request(
        self,
        run: int,
        channel: int | None,
        window: int | None,
        attempt: int,
        url: str,
        state: str,
        http_status: int | None,
        reason: str | None,
        attempts: int,
        at: str,
        listed: int,
        outcomes: Sequence[Outcome],
    ) -> tuple[int, int]:
        """Write one ended request and the outcomes it settled.

        Returns the request's number and that of its first outcome; outcomes are numbered without gaps.
        """
        request, first = self._next_request, self._next_outcome
        self._next_request += 1
        self._next_outcome += len(outcomes)
        self.db.execute(
            _SQL["add_request"],
            (
                request,
                run,
                channel,
                window,
                attempt,
                url,
                state,
                http_status,
                reason,
                attempts,
                at,
                listed,
                first if outcomes else None,
                self._next_outcome - 1 if outcomes else None,
            ),
        )
        self.db.executemany(
            _SQL["add_outcome"],
            [(first + n, request, *outcome) for n, outcome in enumerate(outcomes)],
        )
        return request, first

    def add_finding(
        self,
        run: int,
        code: str,
        severity: str,
        message: str,
        at: str,
        *,
        channel: int | None = None,
        window: int | None = None,
        identifier: str | None = None,
        expected: int | None = None,
        found: int | None = None,
    ) -> None:
        self.db.execute(
            _SQL["add_finding"],
            (run, code, severity, channel, window, identifier, message, expected, found, at),
        )

    def add_quarantine(self, request: int, identifier: str | None, name: str, size: int, sha256: str) -> None:
        self.db.execute(
            _SQL["add_refused"],
            (request, identifier, name, size, sha256),
        )

    def add_validators(self, channel: int, found: Iterable[tuple[str, str]]) -> None:
        """Keep what ids of a channel are told apart by, as (identifier, value)."""
        self.db.executemany(_SQL["set_validator"], [(channel, *one) for one in found])

    def add_waits(self, run: int, waits: Iterable[tuple[str, str, float, str]]) -> None:
        """Write waits, as (host, began, seconds, reason)."""
        self.db.executemany(
            _SQL["add_wait"],
            [(run, *wait) for wait in waits],
        )

    def last_quarantine(self) -> int:
        return self._last("quarantine", "quarantine")


def _without_lists(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a harvest but for which of its lists they name."""
    return {name: value for name, value in arguments.items() if name not in ("prefix", "set")}


def _canonical(value: dict[str, Any]) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _run(
    run: int, spider: str, mode: str, arguments: str, started: str, provider_started: str | None, state: str
) -> Run:
    return Run(
        run=run,
        spider=spider,
        mode=mode,
        arguments=orjson.loads(arguments),
        started=started,
        provider_started=provider_started,
        state=state,
    )
