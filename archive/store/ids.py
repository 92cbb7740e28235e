"""Ids in the ledger: those that are requested one by one, and those that arrived in bulk.

A window of verb `ids` covers ids of one channel: those between two numbers (`from_`, `until`), or those that a list
named, each with an outcome `open`. One window of verb `rest` covers all ids that no other window has yet, so that each
id is requested once and none is forgotten. For dumps, the ledger keeps which were read completely, and how far one was
counted. All of this runs in the thread that writes the ledger.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from archive.crosswalks import local_id
from archive.queries import Queries
from archive.store.ledger import Ledger, NewWindow, Outcome, WindowRow

_SQL = Queries(__package__)

IDS, REST = "ids", "rest"
# how the reason of an outcome `moved` begins; the id it moved to follows
MOVED_TO = "to "


def open_chunk(
    ledger: Ledger,
    run: int,
    rest: WindowRow,
    next_: str | None,
    windows: Sequence[NewWindow],
    now: str,
    named: Sequence[str] = (),
    url: str = "",
) -> list[WindowRow]:
    """Open the windows of the next ids, and let `rest` begin at `next_` (None: nothing is left), in one transaction.

    `named` are the ids of a list: each window is given an outcome `open` for each, in a request that names `url`.
    """
    with ledger.transaction():
        if next_ is None:
            ledger.db.execute(_SQL["close_rest"], (now, rest.window))
        else:
            ledger.db.execute(_SQL["move_rest"], (next_, rest.window))
        made = ledger.add_windows(run, windows, now, rest.window)
        _name(ledger=ledger, run=run, windows=made, named=named, url=url, now=now)
    return made


def open_named(
    ledger: Ledger, run: int, window: NewWindow, named: Sequence[str], url: str, now: str, *, parent: int | None = None
) -> WindowRow:
    """Open a window for ids that turned up on the way; `parent` is the list that they are missing from."""
    with ledger.transaction():
        made = ledger.add_windows(run, [window], now, parent)
        _name(ledger=ledger, run=run, windows=made, named=named, url=url, now=now)
    return made[0]


def _name(ledger: Ledger, run: int, windows: Iterable[WindowRow], named: Sequence[str], url: str, now: str) -> None:
    for row in windows if named else ():
        ledger.add_request(
            run=run,
            channel=row.channel,
            window=row.window,
            attempt=1,
            url=url,
            state="read",
            http_status=None,
            reason=None,
            attempts=1,
            at=now,
            listed=len(named),
            outcomes=[Outcome(identifier, None, "open") for identifier in named],
        )


def named_in(ledger: Ledger, window: int) -> list[str]:
    """The ids that a list named in a window, in its order."""
    return [row[0] for row in ledger.db.execute(_SQL["asked_named"], {"window": window})]


def settled_in(ledger: Ledger, window: int) -> set[str]:
    """The ids of a window that have their end state."""
    return {row[0] for row in ledger.db.execute(_SQL["asked_settled"], {"window": window})}


def highest_in_use(ledger: Ledger, run: int) -> int | None:
    """The highest number that a run asked for and that the provider knows in some state but absent."""
    row = ledger.db.execute(_SQL["asked_highest"], {"run": run}).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def targets_not_asked(ledger: Ledger, run: int, channel: int, most: int) -> list[str]:
    """Ids that others moved to in a channel, and that have not been asked for in it by this run; `most` at a time."""
    rows = ledger.db.execute(_SQL["asked_targets"], {"run": run, "channel": channel, "most": most})
    return [row[0] for row in rows]


def iter_census(ledger: Ledger, run: int) -> Iterator[str]:
    """The ids that a census listed, in its order, once each, as they stand behind `oai:HOST:`."""
    return _wanted(ledger, "asked_census", {"run": run})


def iter_gaps(ledger: Ledger, before: int, census: int | None, channel: int | None = None) -> Iterator[str]:
    """Ids with a gap as things stood before an outcome, in order: refused, lost, open, or listed and never asked."""
    return _wanted(ledger, "asked_gaps", {"before": before, "census": census, "channel": channel})


def unsettled(ledger: Ledger, channel: int) -> list[str]:
    """The identifiers of a channel that stand as refused, lost or open after all runs, in order."""
    return [row[0] for row in ledger.db.execute(_SQL["asked_unsettled"], {"channel": channel})]


def _wanted(ledger: Ledger, name: str, parameters: dict[str, int | None]) -> Iterator[str]:
    """The ids that a question has put into a table of their own, in pieces: nothing is open between them."""
    ledger.db.create_function("local_id", 1, local_id, deterministic=True)
    ledger.db.execute(_SQL["drop_wanted"])
    ledger.db.execute(_SQL[name], parameters)
    last = 0
    while rows := ledger.db.execute(_SQL["wanted_ids"], (last,)).fetchall():
        yield from (row[1] for row in rows)
        last = rows[-1][0]


def next_outcome(ledger: Ledger) -> int:
    """The number of the next outcome: a bound that names how things stand now."""
    row = ledger.db.execute(_SQL["next_outcome"]).fetchone()
    return int(row[0])


def newest_census(ledger: Ledger) -> int | None:
    """The newest census that ended, None when there is none."""
    row = ledger.db.execute(_SQL["newest_census"]).fetchone()
    return None if row[0] is None else int(row[0])


def validators(ledger: Ledger, channel: int, identifiers: Sequence[str]) -> dict[str, str]:
    """What the last answer for each id said to tell changes by; ids without are left out."""
    found: dict[str, str] = {}
    for start in range(0, len(identifiers), 500):
        part = json.dumps(identifiers[start : start + 500])
        found |= dict(ledger.db.execute(_SQL["validators"], {"channel": channel, "identifiers": part}))
    return found


# --- what is known of a channel


def deleted_in_lists(ledger: Ledger) -> dict[str, str]:
    """The datestamps of the local ids that OAI-PMH lists of this archive name as deleted."""
    ledger.db.create_function("local_id", 1, local_id, deterministic=True)
    return dict(ledger.db.execute(_SQL["asked_deleted"]))


def denied(ledger: Ledger, run: int, channel: int) -> tuple[int, str | None, str | None]:
    """Count ids that a run found absent in a channel and that are held: (ids, the first one, names of channels)."""
    ledger.db.create_function("local_id", 1, local_id, deterministic=True)
    row = ledger.db.execute(_SQL["asked_denied"], {"run": run, "channel": channel}).fetchone()
    return int(row[0]), row[1], row[2]


def ended(ledger: Ledger, run: int, channel: int) -> tuple[int, int]:
    """Count the ids that a run asked for in a channel, and those of them that are absent, closed or gone unseen."""
    row = ledger.db.execute(_SQL["asked_ended"], {"run": run, "channel": channel}).fetchone()
    return int(row[0]), int(row[1])


def has_shown(ledger: Ledger, channel: int) -> bool:
    """Whether a record ever came in a channel."""
    return ledger.db.execute(_SQL["asked_shown"], {"channel": channel}).fetchone() is not None


def has_finding(ledger: Ledger, run: int, channel: int, code: str) -> bool:
    """Whether a run has this finding of a channel already: a run that is resumed reports it once."""
    query = _SQL["has_finding"]
    return ledger.db.execute(query, (run, channel, code)).fetchone() is not None


def refuse_unproven(ledger: Ledger, run: int, channel: int, begins: str, url: str, reason: str, now: str) -> int:
    """Take back absences whose reason begins with `begins`: their ids end as refused, and ids=gaps asks again."""
    rows = ledger.db.execute(
        _SQL["asked_unproven"], {"run": run, "channel": channel, "reason": f"{begins}%"}
    ).fetchall()
    with ledger.transaction():
        for window, group in groupby(rows, key=itemgetter(0)):
            outcomes = [Outcome(identifier, None, "refused", reason) for _, identifier in group]
            ledger.add_request(
                run=run,
                channel=channel,
                window=window,
                attempt=1,
                url=url,
                state="refused",
                http_status=404,
                reason=reason,
                attempts=0,
                at=now,
                listed=0,
                outcomes=outcomes,
            )
    return len(rows)


def has_own_absence(ledger: Ledger, run: int, channel: int) -> bool:
    """Return whether a run had the repository's own answer for an id of a channel that is not there."""
    row = ledger.db.execute(_SQL["asked_has_own_absence"], {"run": run, "channel": channel}).fetchone()
    return bool(row[0])


# the answer for an id that is not there is kept under this key and the name of the channel
_ABSENCE = "absence:"


def absence_look(ledger: Ledger, channel: str) -> str | None:
    """How a channel that has shown records answers for ids that are not there, as it was written; None if unknown."""
    row = ledger.db.execute(_SQL["meta"], (_ABSENCE + channel,)).fetchone()
    return None if row is None else str(row[0])


def keep_absence_look(ledger: Ledger, channel: str, look: str) -> None:
    """Write it."""
    with ledger.transaction():
        ledger.db.execute(_SQL["set_meta"], (_ABSENCE + channel, look))


@dataclass(frozen=True, slots=True)
class Dump:
    """A run that took a provider's own dump whole; `made` is when the provider made the oldest file of it."""

    run: int
    made: str


def newest_dump(ledger: Ledger) -> Dump | None:
    """The newest whole dump of all records, None without one: a list may go on from when it was made."""
    row = ledger.db.execute(_SQL["exported_newest"]).fetchone()
    return Dump(int(row[0]), str(row[1])) if row else None


def is_held(ledger: Ledger, channel: int, version: str) -> bool:
    """Whether every member of this version of a file was counted by a run that took the whole of it."""
    return ledger.db.execute(_SQL["exported_held"], {"channel": channel, "version": version}).fetchone() is not None


def members_counted(ledger: Ledger, window: int) -> int:
    """How many members of a file have their outcome; they are its first ones."""
    return int(ledger.db.execute(_SQL["exported_counted"], {"window": window}).fetchone()[0])


def distinct_in_run(ledger: Ledger, run: int) -> int:
    """How many different ids a run has met."""
    return int(ledger.db.execute(_SQL["exported_distinct"], {"run": run}).fetchone()[0])


@dataclass(frozen=True, slots=True)
class EndedWindow:
    """How a window of a run stands: its state and end, the total that was stated, and the different ids it brought."""

    state: str
    end: str | None
    stated: int | None
    distinct: int


def windows_in_run(ledger: Ledger, run: int) -> list[EndedWindow]:
    """List the windows of a run, in the order in which they were opened."""
    return [EndedWindow(*row) for row in ledger.db.execute(_SQL["exported_windows"], {"run": run})]


def listed_in_run(ledger: Ledger, run: int) -> dict[str, str]:
    """Map each id that a run has read to the last date that came with it, in the order in which ids came first."""
    return dict(ledger.db.execute(_SQL["exported_listed"], {"run": run}))
