"""The ledger: runs, windows, requests and outcomes; the only thing a harvest resumes from.

Rows are appended. An id's state is what its last outcome in a channel says. Requests and outcomes
are written in the transaction that also names the frames which hold their records, after these
frames were synced: a record is durable before it is counted.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from archive.disk import durable
from archive.errors import Damaged
from archive.store import schema
from archive.store.snapshots import translated

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


# An id's state in a run is that of its last outcome in a channel. Most runs have none that may be unsettled, and
# then one pass over the outcomes says so; otherwise only their ids are looked at again.
_DOUBTFUL = """
CREATE TEMP TABLE doubtful AS
    SELECT DISTINCT r.channel, o.identifier
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE r.run = ? AND o.state IN ('open', 'lost', 'refused')
"""
_UNSETTLED = """
SELECT DISTINCT state FROM (
    SELECT o.state, max(o.outcome)
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    JOIN doubtful AS d ON d.channel = r.channel AND d.identifier = o.identifier
    WHERE r.run = ? GROUP BY r.channel, o.identifier)
"""


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
            if not self.db.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
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
                "SELECT run, spider, mode, arguments, started, provider_started, state FROM runs "
                "WHERE spider = ? AND mode = ? AND arguments = ? AND state IN ('open', 'unfinished') ORDER BY run DESC",
                (spider, mode, _canonical(arguments)),
            ).fetchall()
        return _run(rows[0]) if rows else None

    def last_run(self, spider: str, arguments: dict[str, Any], modes: Sequence[str]) -> Run | None:
        """The newest run over the whole of what `arguments` names that ended with nothing lost or open."""
        with translated(self.path):
            rows = self.db.execute(
                "SELECT run, spider, mode, arguments, started, provider_started, state FROM runs "
                "WHERE spider = ? AND arguments = ? AND state IN ('complete', 'findings') ORDER BY run DESC",
                (spider, _canonical(arguments)),
            ).fetchall()
        return next((_run(row) for row in rows if row[2] in modes), None)

    def last_listing(self, spider: str, arguments: dict[str, Any], modes: Sequence[str], channel: int) -> Run | None:
        """The newest run that listed a channel which had records then or before, and ended with nothing lost or open.

        Its arguments may name other prefixes and sets beside. A run whose increments could not be trusted does not
        count: what changed before it may be missing.
        """
        with translated(self.path):
            rows = self.db.execute(
                "SELECT run, spider, mode, arguments, started, provider_started, state FROM runs "
                "WHERE spider = :spider AND state IN ('complete', 'findings') "
                "AND EXISTS (SELECT 1 FROM windows AS w WHERE w.run = runs.run AND w.channel = :channel) "
                "AND EXISTS (SELECT 1 FROM requests AS r WHERE r.channel = :channel AND r.run <= runs.run "
                "AND r.first_outcome IS NOT NULL) "
                "AND NOT EXISTS (SELECT 1 FROM findings AS f WHERE f.run = runs.run "
                "AND f.code IN ('increments-refused', 'increments-unproven')) ORDER BY run DESC",
                {"spider": spider, "channel": channel},
            ).fetchall()
        wanted = _without_lists(arguments)
        runs = (_run(row) for row in rows if row[2] in modes)
        return next((run for run in runs if _without_lists(run.arguments) == wanted), None)

    def channels_of(self, run: int) -> list[tuple[int, str, str | None]]:
        """(channel, format, set) of each channel that a run has windows of."""
        with translated(self.path):
            rows = self.db.execute(
                "SELECT channel, format, set_spec FROM channels "
                "WHERE channel IN (SELECT channel FROM windows WHERE run = ?) ORDER BY channel",
                (run,),
            ).fetchall()
        return [(int(channel), str(format_), spec) for channel, format_, spec in rows]

    def add_run(self, spider: str, mode: str, arguments: dict[str, Any], software: dict[str, Any], now: str) -> Run:
        with self.transaction():
            cursor = self.db.execute(
                "INSERT INTO runs (spider, mode, arguments, software, started, state) VALUES (?, ?, ?, ?, ?, 'open')",
                (spider, mode, _canonical(arguments), _canonical(software), now),
            )
        assert cursor.lastrowid is not None
        return Run(cursor.lastrowid, spider, mode, arguments, now, None, "open")

    def reopen_run(self, run: int) -> None:
        """A run that is resumed is open again, and what it lost is asked again."""
        with self.transaction():
            self.db.execute("UPDATE runs SET state = 'open', finished = NULL WHERE run = ?", (run,))
            self.db.execute(
                "UPDATE windows SET state = 'open', end = NULL, closed = NULL WHERE run = ? AND state = 'lost'",
                (run,),
            )

    def take_back(self, run: int, codes: Sequence[str]) -> list[str]:
        """Remove those findings of a run that are judged again when it ends. Returns their codes."""
        marks = ",".join("?" * len(codes))
        with self.transaction():
            rows = self.db.execute(f"SELECT code FROM findings WHERE run = ? AND code IN ({marks})", (run, *codes))
            found = [str(code) for (code,) in rows.fetchall()]
            if found:
                self.db.execute(f"DELETE FROM findings WHERE run = ? AND code IN ({marks})", (run, *codes))
        return found

    def ask_again(self, run: int) -> None:
        """Open the windows of a run that were read to their end once more."""
        with self.transaction():
            self.db.execute(
                "UPDATE windows SET state = 'open', end = NULL, closed = NULL WHERE run = ? AND state = 'done'", (run,)
            )

    def drop_run(self, run: int) -> None:
        """Forget a run that has no window and no request."""
        with self.transaction():
            self.db.execute("DELETE FROM findings WHERE run = ?", (run,))
            self.db.execute("DELETE FROM waits WHERE run = ?", (run,))
            self.db.execute("DELETE FROM runs WHERE run = ?", (run,))

    def has_runs(self) -> bool:
        with translated(self.path):
            return self.db.execute("SELECT 1 FROM runs LIMIT 1").fetchone() is not None

    def set_provider_started(self, run: int, response_date: str) -> None:
        """Keep the responseDate of the run's first response: the next incremental run starts there."""
        with self.transaction():
            self.db.execute(
                "UPDATE runs SET provider_started = ? WHERE run = ? AND provider_started IS NULL",
                (response_date, run),
            )

    def finish_run(self, run: int, state: str, now: str) -> None:
        with self.transaction():
            self.db.execute("UPDATE runs SET state = ?, finished = ? WHERE run = ?", (state, now, run))

    def settled_state(self, run: int) -> str:
        """The state to leave a run in: unfinished while a window or an id is open or lost, else by its findings.

        A loss in bulk leaves it unfinished as well: whoever runs it again asks once more, or accepts the loss.
        """
        if self._any("SELECT 1 FROM findings WHERE run = ? AND code = 'loss-in-bulk'", run):
            return "unfinished"
        states = self._unsettled_states(run)
        if not states.isdisjoint(("open", "lost")) or self._any(
            "SELECT 1 FROM windows WHERE run = ? AND state IN ('open', 'lost')", run
        ):
            return "unfinished"
        findings = self._any("SELECT 1 FROM findings WHERE run = ? AND severity IN ('warning', 'error')", run)
        return "findings" if findings or "refused" in states else "complete"

    def _unsettled_states(self, run: int) -> set[str]:
        """The last states of those ids of a run that were open, lost or refused at some time."""
        with translated(self.path):
            self.db.execute("DROP TABLE IF EXISTS temp.doubtful")
            self.db.execute(_DOUBTFUL, (run,))
            if not self.db.execute("SELECT 1 FROM doubtful LIMIT 1").fetchone():
                return set()
            self.db.execute("CREATE INDEX temp.doubtful_ids ON doubtful (identifier)")
            return {state for (state,) in self.db.execute(_UNSETTLED, (run,))}

    def _any(self, query: str, run: int) -> bool:
        with translated(self.path):
            return self.db.execute(f"{query} LIMIT 1", (run,)).fetchone() is not None

    # channels and windows

    def channel(self, name: str, format_: str, set_spec: str | None) -> int:
        """The channel's number; it is made when it is new."""
        with self.transaction():
            self.db.execute(
                "INSERT INTO channels (name, format, set_spec) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (name, format_, set_spec),
            )
            row = self.db.execute("SELECT channel FROM channels WHERE name = ?", (name,)).fetchone()
        return int(row[0])

    def windows(self, run: int, state: str | None = None) -> list[WindowRow]:
        """Windows of a run in the order they were opened."""
        with translated(self.path):
            rows = self.db.execute(
                "SELECT window, channel, parent, verb, from_, until, state, max(attempts, coalesce("
                "(SELECT max(attempt) FROM requests WHERE requests.window = windows.window), 0)), "
                "(SELECT set_spec FROM windowsets AS s WHERE s.window = windows.window) FROM windows "
                "WHERE run = ? AND (? IS NULL OR state = ?) ORDER BY window",
                (run, state, state),
            ).fetchall()
        return [WindowRow(*row) for row in rows]

    def provider_started(self, run: int) -> str | None:
        """The responseDate of the run's first response, in UTC."""
        with translated(self.path):
            row = self.db.execute("SELECT provider_started FROM runs WHERE run = ?", (run,)).fetchone()
        return row[0] if row else None

    def distinct_in(self, window: int) -> int:
        """Distinct identifiers that a window which ended has brought."""
        with translated(self.path):
            row = self.db.execute(
                "SELECT coalesce(distinct_ids, 0) FROM windows WHERE window = ?", (window,)
            ).fetchone()
        return int(row[0])

    def records_done(self, run: int) -> int:
        """Records in the windows of a run that are done."""
        with translated(self.path):
            row = self.db.execute(
                "SELECT coalesce(sum(distinct_ids), 0) FROM windows WHERE run = ? AND state = 'done'", (run,)
            ).fetchone()
        return int(row[0])

    def stated_totals(self, run: int) -> list[tuple[str | None, int | None]]:
        """(set, size stated by the provider) of each first list of a run that was asked; the body of each channel."""
        with translated(self.path):
            rows = self.db.execute(
                "SELECT set_spec, stated FROM windows JOIN channels USING (channel) WHERE window IN "
                "(SELECT min(window) FROM windows WHERE run = ? AND parent IS NULL GROUP BY channel) "
                "AND state <> 'open' ORDER BY window",
                (run,),
            ).fetchall()
        return [(row[0], row[1]) for row in rows]

    def torn_windows(self, run: int, since: str) -> tuple[int, list[WindowRow]]:
        """Lists of several pages and no stated size that held a record which changed in the meantime.

        While it was read, the change may have moved a record from a page not yet read to one read before.
        Returns how many records changed at `since` or later after they were read, and the windows they were in.
        """
        with translated(self.path):
            self.db.execute("DROP TABLE IF EXISTS temp.changed")
            self.db.execute(
                "CREATE TEMP TABLE changed AS SELECT DISTINCT channel, identifier FROM outcomes JOIN requests "
                "USING (request) WHERE run = ? AND datestamp >= ? AND outcomes.state IN ('read', 'deleted')",
                (run, since),
            )
            rows = self.db.execute(
                "SELECT w.window, w.channel, w.parent, w.verb, w.from_, w.until, w.state, w.attempts, "
                "count(DISTINCT o.identifier) FROM windows AS w JOIN requests AS r USING (window) "
                "JOIN outcomes AS o USING (request) "
                "JOIN changed AS c ON c.channel = w.channel AND c.identifier = o.identifier "
                "WHERE w.run = ? AND w.state = 'done' AND w.pages > 1 AND w.stated IS NULL AND o.datestamp < ? "
                "AND NOT EXISTS (SELECT 1 FROM windows AS child WHERE child.parent = w.window) "
                "GROUP BY w.window ORDER BY w.window",
                (run, since),
            ).fetchall()
        return sum(row[8] for row in rows), [WindowRow(*row[:8]) for row in rows]

    def add_windows(
        self, run: int, windows: Iterable[NewWindow], now: str, parent: int | None = None
    ) -> list[WindowRow]:
        """Open windows. Must run inside a transaction."""
        made = []
        for new in windows:
            cursor = self.db.execute(
                "INSERT INTO windows (run, channel, parent, verb, from_, until, state, opened) "
                "VALUES (?, ?, ?, ?, ?, ?, 'open', ?)",
                (run, new.channel, parent, new.verb, new.from_, new.until, now),
            )
            assert cursor.lastrowid is not None
            if new.set_spec is not None:
                self.db.execute("INSERT INTO windowsets VALUES (?, ?)", (cursor.lastrowid, new.set_spec))
            made.append(
                WindowRow(
                    cursor.lastrowid, new.channel, parent, new.verb, new.from_, new.until, "open", 0, new.set_spec
                )
            )
        return made

    def count_window(self, window: int, attempt: int) -> WindowCount:
        """What one attempt at a window has brought into the ledger so far; of ids that are asked one by one, all of it.

        Those count as listed once each, however often they were asked; so does what is gathered from several listings.
        """
        with translated(self.path):
            row = self.db.execute(
                "SELECT iif(w.verb IN ('ids', 'gathered'), count(DISTINCT o.identifier), count(o.outcome)), "
                "count(DISTINCT o.identifier) FROM windows AS w JOIN requests AS r USING (window) "
                "JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome "
                "WHERE w.window = ? AND (w.verb IN ('ids', 'gathered') OR (r.attempt = ? AND r.state = 'read'))",
                (window, attempt),
            ).fetchone()
        return WindowCount(row[0] or 0, row[1] or 0)

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
            "UPDATE windows SET state = ?, end = ?, listed = ?, distinct_ids = ?, stated = ?, pages = ?, attempts = ?, "
            "closed = ? WHERE window = ?",
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
            "INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
            "INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?)",
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
            "INSERT INTO findings (run, code, severity, channel, window, identifier, message, expected, found, at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (run, code, severity, channel, window, identifier, message, expected, found, at),
        )

    def add_quarantine(self, request: int, identifier: str | None, name: str, size: int, sha256: str) -> None:
        self.db.execute(
            "INSERT INTO quarantine (request, identifier, name, bytes, sha256) VALUES (?, ?, ?, ?, ?)",
            (request, identifier, name, size, sha256),
        )

    def add_validators(self, channel: int, found: Iterable[tuple[str, str]]) -> None:
        """Keep what ids of a channel are told apart by, as (identifier, value)."""
        self.db.executemany("INSERT OR REPLACE INTO validators VALUES (?, ?, ?)", [(channel, *one) for one in found])

    def add_waits(self, run: int, waits: Iterable[tuple[str, str, float, str]]) -> None:
        """Write waits, as (host, began, seconds, reason)."""
        self.db.executemany(
            "INSERT INTO waits (run, host, began, seconds, reason) VALUES (?, ?, ?, ?, ?)",
            [(run, *wait) for wait in waits],
        )

    def last_quarantine(self) -> int:
        return self._last("quarantine", "quarantine")


def _without_lists(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a harvest but for which of its lists they name."""
    return {name: value for name, value in arguments.items() if name not in ("prefix", "set")}


def _canonical(value: dict[str, Any]) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _run(row: tuple[Any, ...]) -> Run:
    return Run(row[0], row[1], row[2], orjson.loads(row[3]), row[4], row[5], row[6])
