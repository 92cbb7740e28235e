"""Records of an id as the ledger knows them: slower than a lookup, and right whatever is derived or not."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from archive import envelope
from archive.envelope import Record
from archive.errors import Damaged
from archive.folder import Layout
from archive.lookups.found import Answer, Got, chosen
from archive.lookups.held import Copy, array, iter_copies
from archive.lookups.lookup import find_id
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
    return replace(chosen(_versions(copies), asked, found.searched), others=found.others)


def _checked(copy: Copy) -> tuple[Copy, Record]:
    if copy.problem is not None:
        raise Damaged(copy.problem)
    return copy, envelope.decode(copy.text)


def _versions(copies: Iterable[tuple[Copy, Record]]) -> Iterator[Got]:
    """As `settle_versions`: a record harvested again with the same bytes is no new version, its last copy stays."""
    kept: dict[tuple[str, str], list[tuple[Copy, Record]]] = {}
    for copy, record in copies:
        versions = kept.setdefault((record.identifier, record.format), [])
        if versions and _content(versions[-1][1]) == _content(record):
            versions.pop()
        versions.append((copy, record))
    for copy, record in sorted((one for versions in kept.values() for one in versions), key=lambda one: one[0].outcome):
        yield Got(copy.text, copy.shard, copy.offset, copy.position, record.identifier, record.format, record.deleted)


def _content(record: Record) -> tuple[str, bool, str | None]:
    return record.datestamp, record.deleted, record.sha256
