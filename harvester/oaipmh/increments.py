"""Increments: in which form to ask for what changed since a moment, and which record shows that the answer is right.

A provider may stamp records with days and say that it knows seconds; where it compares datestamps as text, the day
2026-11-30 is before 2026-11-30T19:45:05Z, and what changed on that day never comes. Records are asked for in the form
that they are stamped in: a day where any of them is stamped with anything but the exact UTC second.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from harvester.oaipmh import datestamps
from harvester.oaipmh.datestamps import DAY, SECOND

# fractions of a second make no difference: an increment begins an hour and more before the last run
_EXACT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?Z", re.ASCII)
# known records that are asked for, when the ones before are gone
KNOWN_MOST = 3
GRANULES = {DAY: timedelta(days=1), SECOND: timedelta(seconds=1)}


@dataclass(frozen=True, slots=True)
class Known:
    """A record that was listed with this datestamp, live or as a tombstone."""

    identifier: str
    moment: datetime
    live: bool = True


def form_for(claimed: str, stamps: Iterable[str]) -> str:
    """Choose the granularity to ask in, from what Identify claims and how records are stamped.

    Days bring more than seconds would, and never less: days are legal whatever Identify says, seconds are not.
    """
    return SECOND if claimed == SECOND and all(map(_EXACT.fullmatch, stamps)) else DAY


def other_form(form: str) -> str:
    """The granularity to try when one is refused or brings nothing."""
    return DAY if form == SECOND else SECOND


def candidates(outcomes: Sequence[tuple[str, str | None, str]]) -> list[Known]:
    """Choose the records to prove an increment with, out of (identifier, datestamp, state), the newest outcome first.

    Live ones come first, for tombstones may be dropped; then those with the newest datestamps, from which on the list
    is the shortest.
    """
    latest: dict[str, tuple[str | None, str]] = {}
    for identifier, stamp, state in outcomes:
        latest.setdefault(identifier, (stamp, state))
    known = [
        Known(identifier, moment, state == "read")
        for identifier, (stamp, state) in latest.items()
        if state in ("read", "deleted") and (moment := datestamps.parse(stamp or "")) is not None
    ]
    return sorted(known, key=lambda one: (one.live, one.moment), reverse=True)[:KNOWN_MOST]


def begin_at(moment: datetime, form: str) -> datetime:
    """The granule of a form that holds a moment."""
    return moment.replace(hour=0, minute=0, second=0) if form == DAY else moment


def shows(known: Known, listed: Iterable[tuple[str, str]], form: str, *, more: bool = False) -> bool:
    """Whether a list that begins with the granule of a known record has it, or another one of that granule.

    `listed` are (identifier, datestamp) of its first page. Where `more` are to follow, any later record will do: the
    list may be in another order, and many may have one datestamp.
    """
    granule = begin_at(known.moment, form)
    for identifier, stamp in listed:
        moment = datestamps.parse(stamp)
        if identifier == known.identifier:
            return True
        if moment is not None and (begin_at(moment, form) == granule or (more and moment >= granule)):
            return True
    return False
