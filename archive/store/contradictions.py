"""What a run said of its records that cannot be true: an id live and deleted, a datestamp that is none or went back."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from archive.findings import finding
from archive.queries import Queries
from archive.store.ledger import Ledger
from archive.store.versions import is_day, moment

_SQL = Queries(__package__)

IMPOSSIBLE = "impossible-datestamp"


@dataclass(frozen=True, slots=True)
class Listed:
    """One id as one answer listed it; `channel` is the list."""

    channel: int
    request: int
    outcome: int
    datestamp: str | None
    deleted: bool


def iter_contradicted(ledger: Ledger, run: int) -> Iterator[tuple[str, int]]:
    """Yield each identifier that a run listed both live and deleted, with the channel of its newest state.

    An id that the run has also asked for by itself is settled, and so is one that was deleted or published while the
    lists were read.
    """
    [started] = ledger.db.execute(_SQL["provider_started"], (run,)).fetchone()
    rows = ledger.db.execute(_SQL["contradicted"], {"run": run}).fetchall()
    for (_, identifier), group in groupby(rows, key=itemgetter(0, 1)):
        listed = [
            Listed(channel, request, outcome, at, bool(gone)) for _, _, channel, request, outcome, at, gone in group
        ]
        if not changed_meanwhile(listed, started):
            newest = max(listed, key=lambda one: (moment(one.datestamp) or "", not one.deleted))
            yield identifier, newest.channel


def changed_meanwhile(listed: Iterable[Listed], started: str | None) -> bool:
    """Return whether a change since the run started explains why an id was listed in both states.

    Then the state with the newer datestamp, which is not before `started`, came in a later answer.
    """
    ordered = sorted(listed, key=lambda one: one.outcome)
    last = ordered[-1]
    others = [one for one in ordered if one.deleted != last.deleted]
    at, since = moment(last.datestamp), moment(started)
    if at is None or since is None or last.datestamp is None:
        return False
    if at < (since[:10] if is_day(last.datestamp) else since):
        return False
    return all((moment(one.datestamp) or "") < at and one.request < last.request for one in others)


def count_older_than_held(ledger: Ledger, run: int) -> tuple[int, str | None]:
    """Count the ids of a run whose datestamps are older than one that an earlier run brought; names the first."""
    found, first = ledger.db.execute(_SQL["older_than_held"], {"run": run}).fetchone()
    return int(found), first


def note_impossible_datestamps(ledger: Ledger, run: int, now: str) -> None:
    """Write one finding for each channel of a run: how many records have a datestamp that is no date, each once.

    One that an earlier process of the run wrote is replaced.
    """
    found = ledger.db.execute(_SQL["impossible_datestamps"], {"run": run, "code": IMPOSSIBLE}).fetchall()
    with ledger.transaction():
        ledger.db.execute(_SQL["drop_finding"], (run, IMPOSSIBLE))
        for channel, records, first in found:
            note = finding(IMPOSSIBLE, identifier=first, found=records)
            ledger.add_finding(
                run, note.code, note.severity, note.message, now, channel=channel, identifier=first, found=records
            )
