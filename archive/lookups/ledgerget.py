"""Records of an id as the ledger knows them: slower than a lookup, and right whatever is derived or not."""

import sqlite3
from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from pathlib import Path

from archive import envelope
from archive.envelope import Record
from archive.errors import Damaged
from archive.folder import Layout
from archive.lookups.found import Answer, Got, chosen
from archive.lookups.held import Copy, array, iter_copies
from archive.lookups.lookup import find_id
from archive.newest import content_of, newest, read_copies, read_looks
from archive.questions import question
from archive.reading import snapshot


def find_in_ledger(folder: Path, asked: str) -> Answer:
    """Every version of an id's records.

    Raises as `find_id`; Damaged when one cannot be read: whether it is the latest is not known then.
    """
    layout = Layout(folder)
    with snapshot(layout) as ledger:
        found = find_id(folder, ledger, asked)
        stored = dict(ledger.execute(question("get_stored"), {"outcomes": array(found.outcomes)}).fetchall())
        copies = [_checked(copy) for copy in iter_copies(ledger, layout, stored)]
        last = _latest(ledger, copies)
    return replace(chosen(_versions(copies, last), asked, found.searched), others=found.others)


def _checked(copy: Copy) -> tuple[Copy, Record]:
    if copy.problem is not None:
        raise Damaged(copy.problem)
    return copy, envelope.decode(copy.text)


def _latest(ledger: sqlite3.Connection, copies: Iterable[tuple[Copy, Record]]) -> set[int]:
    """The outcome of each record's latest state."""
    by_record: dict[tuple[str, str], dict[int, Record]] = {}
    for copy, record in copies:
        by_record.setdefault((record.identifier, record.format), {})[copy.outcome] = record
    looks = read_looks(ledger)
    known = read_copies(ledger, [outcome for records in by_record.values() for outcome in records])
    return {
        newest([replace(known[n], content=content_of(record)) for n, record in records.items()], looks).outcome
        for records in by_record.values()
    }


def _versions(copies: Iterable[tuple[Copy, Record]], last: Set[int]) -> Iterator[Got]:
    """As `settle_versions`: a record harvested again with the same bytes is no new version, its last copy stays.

    The copies in `last` stand behind all others of their records.
    """
    kept: dict[tuple[str, str], list[tuple[Copy, Record]]] = {}
    for copy, record in sorted(copies, key=lambda one: (one[0].outcome in last, one[0].outcome)):
        versions = kept.setdefault((record.identifier, record.format), [])
        if versions and _content(versions[-1][1]) == _content(record):
            versions.pop()
        versions.append((copy, record))
    for copy, record in (one for versions in kept.values() for one in versions):
        yield Got(copy.text, copy.shard, copy.offset, copy.position, record.identifier, record.format, record.deleted)


def _content(record: Record) -> tuple[str, bool, str | None]:
    return record.datestamp, record.deleted, record.sha256
