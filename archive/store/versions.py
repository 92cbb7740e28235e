"""The latest state of a record among its copies: the one rule for everything that reads an archive.

Copies are those of one identifier in one format, from any run and channel; docs/archive-format.md states the rule:

1. A response to a request for this one id (GetRecord, or an id of a range) replaces every copy that came before it.
2. A list that a finished run read completely replaces the copies that earlier runs got from the same list; a list of
   the whole repository also replaces those from its sets.
3. Of the remaining copies, the one with the newest datestamp is the latest. A missing or impossible datestamp is older
   than any other; in a response about one id, the start of its run is used instead. If one of two datestamps names
   a day only, they are compared by their days.
4. On a tie the later run's copy from the same list (or from the whole repository) counts, then a live one, then that of
   the later run, and then the one whose datestamp as text, and then whose content, sorts last.

So nothing depends on the order in which the pages of a run arrive. To be compared, datestamps are converted from what
providers write in headers to UTC and seconds (`moment`).
"""

import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from archive.queries import Queries
from archive.store.record import Record

_SQL = Queries(__package__)

# with fractions, an offset or no Z: providers send these in headers, although only two forms are legal
_STAMP = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?", re.ASCII
)
_DAY = 10


def moment(stamp: str | None) -> str | None:
    """Convert a datestamp to the index's form of a time (`YYYY-MM-DD hh:mm:ss`, UTC); None if it is impossible."""
    if stamp is None:
        return None
    try:
        if len(stamp) == 20 and stamp[4::3] == "--T::Z":  # the legal form with a time, by far the most frequent
            return datetime.fromisoformat(stamp[:19]).isoformat(" ")
        if _STAMP.fullmatch(text := stamp.strip()) is None:
            return None
        read = datetime.fromisoformat(text)
        in_utc = read.astimezone(UTC) if read.tzinfo else read
    except (ValueError, OverflowError):
        return None
    return in_utc.replace(microsecond=0, tzinfo=None).isoformat(" ")


def is_day(stamp: str) -> bool:
    """Return whether a datestamp names a day without a time."""
    return len(stamp.strip()) == _DAY


_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of a record and its origin; `direct`: it was the response to a request for this id.

    `content` is text that only breaks ties (see `content_of`), "" if it is not available.
    """

    outcome: int
    run: int
    channel: int
    direct: bool
    datestamp: str | None
    deleted: bool
    content: str = ""


@dataclass(frozen=True, slots=True)
class Looks:
    """What the rule needs to know of the runs of a ledger.

    `order` is the place of each run among all by its last outcome; `whole` the finished runs over lists without bounds;
    `wide` the channels without a set; `began` when each run started.
    """

    order: dict[int, int]
    whole: frozenset[int]
    wide: frozenset[int]
    began: dict[int, str]

    @property
    def in_turn(self) -> bool:
        """Return whether the runs followed each other, none resumed after a later one had started."""
        return sorted(self.order, key=lambda run: self.order[run]) == sorted(self.order)


def read_looks(ledger: sqlite3.Connection) -> Looks:
    """Read what the rule needs to know of the runs of an archive."""
    runs = ledger.execute(_SQL["newest_runs"]).fetchall()
    channels = ledger.execute(_SQL["whole_channels"]).fetchall()
    return Looks(
        order={run: place for place, (run, _, _) in enumerate(runs)},
        whole=frozenset(run for run, _, whole in runs if whole),
        wide=frozenset(channel for channel, wide in channels if wide) | {0},
        began={run: started for run, started, _ in runs},
    )


def read_copies(ledger: sqlite3.Connection, outcomes: Iterable[int]) -> dict[int, Copy]:
    """Read the origins of the copies of some outcomes, by the number of the outcome."""
    wanted, found = list(outcomes), dict[int, Copy]()
    for start in range(0, len(wanted), _BATCH):
        named = orjson.dumps(wanted[start : start + _BATCH]).decode()
        for outcome, *rest, direct, deleted in ledger.execute(_SQL["newest_copies"], {"outcomes": named}):
            run, channel, datestamp = rest
            found[outcome] = Copy(
                outcome=outcome,
                run=run,
                channel=channel,
                direct=bool(direct),
                datestamp=datestamp,
                deleted=bool(deleted),
            )
    return found


def content_of(record: Record) -> str:
    """Return the text that breaks ties between copies of one datestamp: equal for equal content."""
    about = orjson.dumps(record.about).decode() if record.about else ""
    return "\n".join((record.sha256 or "", *sorted(record.sets), about))


def newest(copies: Sequence[Copy], looks: Looks) -> Copy:
    """Return the latest state of a record from its copies, of which there is at least one."""
    if len(copies) == 1:
        return copies[0]
    tied = _tied(_standing(copies, looks), looks)
    wide = max((looks.order[copy.run] for copy in tied if copy.direct or copy.channel in looks.wide), default=-1)
    last: dict[int, int] = {}
    for copy in tied:
        last[copy.channel] = max(last.get(copy.channel, -1), looks.order[copy.run])
    left = [copy for copy in tied if looks.order[copy.run] >= max(wide, last[copy.channel])]
    return max(
        left,
        key=lambda copy: (not copy.deleted, looks.order[copy.run], copy.datestamp or "", copy.content, copy.outcome),
    )


def newest_of(ledger: sqlite3.Connection, looks: Looks, outcomes: Sequence[int]) -> int:
    """Return the outcome whose copy is the latest state, from the outcomes of one record."""
    return newest(list(read_copies(ledger, outcomes).values()), looks).outcome if len(outcomes) > 1 else outcomes[0]


def _standing(copies: Sequence[Copy], looks: Looks) -> list[Copy]:
    """Leave out the copies that a later request or list has replaced."""
    direct = max((copy.outcome for copy in copies if copy.direct), default=0)
    left = [copy for copy in copies if copy.outcome >= direct]
    anywhere, there = -1, dict[int, int]()
    for copy in left:
        if copy.run in looks.whole and not copy.direct:
            place = looks.order[copy.run]
            there[copy.channel] = max(there.get(copy.channel, -1), place)
            if copy.channel in looks.wide:
                anywhere = max(anywhere, place)
    return [copy for copy in left if looks.order[copy.run] >= max(anywhere, there.get(copy.channel, -1))]


def _tied(copies: Sequence[Copy], looks: Looks) -> list[Copy]:
    """Keep the copies with the newest datestamp."""
    stamped: list[tuple[str, bool, Copy]] = []
    for copy in copies:
        text = copy.datestamp or ""
        at = moment(text)
        if at is None and copy.direct:
            text = looks.began[copy.run]
            at = moment(text)
        stamped.append((at or "", at is not None and is_day(text), copy))
    newest_day = max(at[:10] for at, _, _ in stamped)
    of_day = [one for one in stamped if one[0][:10] == newest_day]
    if any(day for _, day, _ in of_day):
        return [copy for _, _, copy in of_day]
    last = max(at for at, _, _ in of_day)
    return [copy for at, _, copy in of_day if at == last]
