"""Find the outcomes of one id, however it is written: as an identifier, as its local id, or as a DOI.

The ledger has no index on identifiers. A current index.duckdb knows the outcomes, and only those that the ledger
counted since are read; without it, all of them are.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

from archive.crosswalks import local_id, namespace, normalise_doi
from archive.errors import StaleIndex
from archive.index import open_index
from archive.queries import Queries

_SQL = Queries(__package__)

# SQLite compares this many characters at the end of an identifier; the remaining candidates are compared in full
_TAIL = 12


@dataclass(frozen=True, slots=True)
class Found:
    """The identifiers and outcomes of an id.

    `identifiers` says how each one was matched: `identifier`, `local_id`, or `doi` (of its local id or its metadata).
    `outcomes` are their numbers in the ledger, in order; `searched` is index or ledger. DOIs of metadata are known to
    an index only. `others` have the same local id in another OAI namespace: each is another id.
    """

    identifiers: dict[str, str]
    outcomes: tuple[int, ...]
    others: tuple[str, ...]
    searched: str


def find_id(folder: Path, ledger: sqlite3.Connection, asked: str) -> Found:
    """Find every outcome of an id in one state of the ledger, which may be newer than the index.

    Raises NotAnArchive, OtherArchive and Damaged as `open_index`.
    """
    local_ids = {local_id(asked): "doi" if normalise_doi(asked) else "local_id"}
    try:
        rows, last = _ask_index(folder, asked, local_ids)
        searched = "index"
    except (StaleIndex, duckdb.Error):  # an unreadable index counts as none: it is derived
        rows, last, searched = [], 0, "ledger"
    for key in local_ids:
        rows += _scan(ledger, key, last)
    return _found(asked, local_ids, sorted(rows), searched)


def _ask_index(folder: Path, asked: str, local_ids: dict[str, str]) -> tuple[list[tuple[int, str]], int]:
    """Return the outcomes that the index knows, and its last outcome. Adds the local ids of records with the DOI."""
    with closing(open_index(folder)) as index:
        for (identifier,) in index.execute(_SQL["lookup_doi"], {"doi": normalise_doi(asked)}).fetchall():
            local_ids.setdefault(local_id(identifier), "doi")
        rows = index.execute(_SQL["lookup_index"], {"local_ids": list(local_ids)}).fetchall()
        [(last,)] = index.execute(_SQL["lookup_last_outcome"]).fetchall()
    return rows, int(last)


def _scan(ledger: sqlite3.Connection, key: str, after: int) -> Iterator[tuple[int, str]]:
    """Yield the outcomes after a number that have this local id."""
    tail = _ascii_end(key)[-_TAIL:].lower()
    parameters = {"after": after, "tail": tail, "length": len(tail)}
    for outcome, identifier in ledger.execute(_SQL["lookup_scan"], parameters):
        if local_id(identifier) == key:
            yield outcome, identifier


def _ascii_end(text: str) -> str:
    """Return the ASCII end of a text: SQLite's lower() knows ASCII only."""
    others = [at for at, character in enumerate(text) if not character.isascii()]
    return text[others[-1] + 1 :] if others else text


def _found(asked: str, local_ids: dict[str, str], rows: Iterable[tuple[int, str]], searched: str) -> Found:
    identifiers: dict[str, str] = {}
    others: dict[str, None] = {}
    outcomes = []
    for outcome, identifier in rows:
        if namespace(asked) and namespace(identifier) not in ("", namespace(asked)):
            others[identifier] = None
            continue
        how = "identifier" if identifier == asked else local_ids[local_id(identifier)]
        identifiers.setdefault(identifier, how)
        outcomes.append(outcome)
    return Found(identifiers, tuple(outcomes), tuple(others), searched)
