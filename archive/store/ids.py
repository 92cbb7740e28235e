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
# prefix of the reason of an outcome `moved`; the id it moved to follows
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
    """Open the windows of the next ids and move `rest` to `next_` (None: nothing is left), in one transaction.

    `named` are the ids of a list: each window gets an outcome `open` for each of its ids, in a request for `url`.
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
    """Open a window for ids found during the run; `parent` is the list that they are missing from."""
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
    """List the ids that a list named in a window, in its order."""
    return [row[0] for row in ledger.db.execute(_SQL["asked_named"], {"window": window})]


def settled_in(ledger: Ledger, window: int) -> set[str]:
    """Return the ids of a window that have their end state."""
    return {row[0] for row in ledger.db.execute(_SQL["asked_settled"], {"window": window})}


def highest_in_use(ledger: Ledger, run: int) -> int | None:
    """Find the highest number that a run requested and the provider has in any state but absent."""
    row = ledger.db.execute(_SQL["asked_highest"], {"run": run}).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def targets_not_asked(ledger: Ledger, run: int, channel: int, most: int) -> list[str]:
    """List up to `most` ids that others moved to in a channel and that this run has not requested in it."""
    rows = ledger.db.execute(_SQL["asked_targets"], {"run": run, "channel": channel, "most": most})
    return [row[0] for row in rows]


def iter_census(ledger: Ledger, run: int) -> Iterator[str]:
    """Iterate over the ids that a census listed, in its order, once each, without their `oai:HOST:`."""
    return _wanted(ledger, "asked_census", {"run": run})


def iter_gaps(ledger: Ledger, before: int, census: int | None, channel: int | None = None) -> Iterator[str]:
    """Iterate over ids with a gap before an outcome, in order: refused, lost, open, or listed and never requested."""
    return _wanted(ledger, "asked_gaps", {"before": before, "census": census, "channel": channel})


def unsettled(ledger: Ledger, channel: int) -> list[str]:
    """List the identifiers of a channel that are refused, lost or open after all runs, in order."""
    return [row[0] for row in ledger.db.execute(_SQL["asked_unsettled"], {"channel": channel})]


def _wanted(ledger: Ledger, name: str, parameters: dict[str, int | None]) -> Iterator[str]:
    """Iterate over the ids that a query stores in a temporary table, in pieces: no cursor is open between them."""
    ledger.db.create_function("local_id", 1, local_id, deterministic=True)
    ledger.db.execute(_SQL["drop_wanted"])
    ledger.db.execute(_SQL[name], parameters)
    last = 0
    while rows := ledger.db.execute(_SQL["wanted_ids"], (last,)).fetchall():
        yield from (identifier for _, identifier in rows)
        last, _ = rows[-1]


def next_outcome(ledger: Ledger) -> int:
    """Return the number of the next outcome, a bound that marks the present state."""
    row = ledger.db.execute(_SQL["next_outcome"]).fetchone()
    return int(row[0])


def newest_census(ledger: Ledger) -> int | None:
    """Return the newest census that ended, None if there is none."""
    row = ledger.db.execute(_SQL["newest_census"]).fetchone()
    return None if row[0] is None else int(row[0])


def validators(ledger: Ledger, channel: int, identifiers: Sequence[str]) -> dict[str, str]:
    """Map ids to the validator of their last response; ids without one are left out."""
    found: dict[str, str] = {}
    for start in range(0, len(identifiers), 500):
        part = json.dumps(identifiers[start : start + 500])
        found |= dict(ledger.db.execute(_SQL["validators"], {"channel": channel, "identifiers": part}))
    return found


# --- channels


def deleted_in_lists(ledger: Ledger) -> dict[str, str]:
    """Map the local ids that OAI-PMH lists of this archive report as deleted to their datestamps."""
    ledger.db.create_function("local_id", 1, local_id, deterministic=True)
    return dict(ledger.db.execute(_SQL["asked_deleted"]))


def denied(ledger: Ledger, run: int, channel: int) -> tuple[int, str | None, str | None]:
    """Count ids that a run found absent in a channel but that are stored: (ids, the first one, names of channels)."""
    ledger.db.create_function("local_id", 1, local_id, deterministic=True)
    ids, first, channels = ledger.db.execute(_SQL["asked_denied"], {"run": run, "channel": channel}).fetchone()
    return int(ids), first, channels


def ended(ledger: Ledger, run: int, channel: int) -> tuple[int, int]:
    """Count the ids that a run requested in a channel, and those that showed no record.

    The latter are absent, forbidden or gone (status 410).
    """
    ids, unseen = ledger.db.execute(_SQL["asked_ended"], {"run": run, "channel": channel}).fetchone()
    return int(ids), int(unseen)


def has_shown(ledger: Ledger, channel: int) -> bool:
    """Return whether a record was ever received in a channel."""
    return ledger.db.execute(_SQL["asked_shown"], {"channel": channel}).fetchone() is not None


def has_finding(ledger: Ledger, run: int, channel: int, code: str) -> bool:
    """Return whether a run already has this finding for a channel: a resumed run reports it once."""
    query = _SQL["has_finding"]
    return ledger.db.execute(query, (run, channel, code)).fetchone() is not None


def refuse_unproven(ledger: Ledger, run: int, channel: int, begins: str, url: str, reason: str, now: str) -> int:
    """Withdraw absences whose reason begins with `begins`, so that ids=gaps requests them again.

    Their ids end as refused.
    """
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


# prefix, before the name of the channel, of the key of its answer for absent ids
_ABSENCE = "absence:"


def absence_look(ledger: Ledger, channel: str) -> str | None:
    """Read how a channel that has shown records answers for absent ids, as stored; None if unknown."""
    row = ledger.db.execute(_SQL["meta"], (_ABSENCE + channel,)).fetchone()
    return None if row is None else str(row[0])


def keep_absence_look(ledger: Ledger, channel: str, look: str) -> None:
    """Store how a channel answers for absent ids."""
    with ledger.transaction():
        ledger.db.execute(_SQL["set_meta"], (_ABSENCE + channel, look))


@dataclass(frozen=True, slots=True)
class Dump:
    """A run that read a provider's own dump completely; `made` is when the provider made its oldest file."""

    run: int
    made: str


def newest_dump(ledger: Ledger) -> Dump | None:
    """Return the newest complete dump of all records, None if there is none.

    A list may continue from when it was made.
    """
    row = ledger.db.execute(_SQL["exported_newest"]).fetchone()
    return Dump(*row) if row else None


def is_held(ledger: Ledger, channel: int, version: str) -> bool:
    """Return whether every member of this version of a file was counted by a run that read all of it."""
    return ledger.db.execute(_SQL["exported_held"], {"channel": channel, "version": version}).fetchone() is not None


def members_counted(ledger: Ledger, window: int) -> int:
    """Count the members of a file that have their outcome; they are its first ones."""
    return int(ledger.db.execute(_SQL["exported_counted"], {"window": window}).fetchone()[0])


def distinct_in_run(ledger: Ledger, run: int) -> int:
    """Count the distinct ids of a run."""
    return int(ledger.db.execute(_SQL["exported_distinct"], {"run": run}).fetchone()[0])


@dataclass(frozen=True, slots=True)
class EndedWindow:
    """How a window of a run ended: its state and end, its declared total, and the distinct ids it returned."""

    state: str
    end: str | None
    stated: int | None
    distinct: int


def windows_in_run(ledger: Ledger, run: int) -> list[EndedWindow]:
    """List the windows of a run, in the order in which they were opened."""
    return [EndedWindow(*row) for row in ledger.db.execute(_SQL["exported_windows"], {"run": run})]


def listed_in_run(ledger: Ledger, run: int) -> dict[str, str]:
    """Map each id that a run has read to the last date that came with it, in order of first appearance."""
    return dict(ledger.db.execute(_SQL["exported_listed"], {"run": run}))
