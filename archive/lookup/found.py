"""The records found under the keys of an id: which are its own, which only share a key, which are the latest."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import Any, Protocol

import orjson

from archive.crosswalks import index_fields, local_id, namespace, normalise_doi
from archive.errors import Damaged
from archive.store import Lookup, Place


@dataclass(frozen=True, slots=True)
class Got:
    """A record that was found, and its place: `offset` of its frame in the file, `position` from 0 in the frame.

    `text` is its JSON text as stored. `identifier` and `format` are None if the text does not name them: in a release
    of bare records.
    """

    text: bytes
    file: str
    offset: int
    position: int
    identifier: str | None
    format: str | None
    deleted: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The records of an id: by identifier and format, older versions first.

    `others` have the same local id in another OAI namespace: each is another id. `searched` is lookup, index or ledger;
    `notes` are for the user.
    """

    records: tuple[Got, ...]
    others: tuple[str, ...]
    searched: str
    notes: tuple[str, ...] = ()

    def latest(self) -> "Answer":
        """Return the answer without older versions. Records that do not name their identifier are all kept."""
        newest: dict[tuple[Any, ...], Got] = {}
        for got in self.records:
            place = (got.file, got.offset, got.position) if got.identifier is None else ()
            newest[(got.identifier, got.format, *place)] = got
        return replace(self, records=tuple(newest.values()))


class ReadFrame(Protocol):
    """A function that reads the records at some positions of the frame at an offset, in order. Raises Damaged."""

    def __call__(self, name: str, offset: int, length: int, positions: Set[int]) -> Iterator[Got]: ...


def gather(lookup: Lookup, read: ReadFrame, asked: str, *, enveloped: bool) -> list[Got]:
    """Collect all records under the keys of an id, in the order of their places. Some may be of other ids."""
    finder = _Finder(lookup, read)
    finder.look(asked)
    # the namespace of bare records is unknown: the local id of `oai:x:1` may be that of `oai:y:1`
    if enveloped or not namespace(asked) or normalise_doi(local_id(asked)):
        finder.look(local_id(asked))
    # a tombstone, or a format without DOIs, shares its local id with the record that has the DOI
    for key in _local_ids(finder.records.values(), asked):
        finder.look(key)
    order = {name: number for number, name in enumerate(lookup.names)}
    places = sorted(finder.records, key=lambda place: (order[place.name], place.offset, place.position))
    return [finder.records[place] for place in places]


def chosen(records: Iterable[Got], asked: str, searched: str) -> Answer:
    """Select the records of an id, and the identifiers of others; `records` are in the order of their versions."""
    records = list(records)
    mine: list[Got] = []
    others: dict[str, None] = {}
    local_ids = {local_id(asked), *_local_ids(records, asked)}
    for got in records:
        if got.identifier is not None and local_id(got.identifier) not in local_ids:
            continue  # another key of the same hash
        if got.identifier and namespace(asked) and namespace(got.identifier) not in ("", namespace(asked)):
            others[got.identifier] = None
        else:
            mine.append(got)
    mine.sort(key=lambda got: ((got.identifier or "").encode(), (got.format or "").encode()))
    return Answer(tuple(mine), tuple(others), searched)


class _Finder:
    """Collects each record once, whatever keys it is found under."""

    def __init__(self, lookup: Lookup, read: ReadFrame) -> None:
        self._lookup, self._read = lookup, read
        self._keys: set[str] = set()
        self.records: dict[Place, Got] = {}

    def look(self, key: str) -> None:
        if key in self._keys:
            return
        self._keys.add(key)
        new = [place for place in self._lookup.find(key) if place not in self.records]
        for (name, offset, length), frame in groupby(new, key=attrgetter("name", "offset", "length")):
            places = {place.position: place for place in frame}
            for got in self._read(name, offset, length, places.keys()):
                self.records[places[got.position]] = got


def _local_ids(records: Iterable[Got], asked: str) -> list[str]:
    """List the local ids of the records that have the requested DOI in their metadata."""
    if (doi := normalise_doi(asked)) is None:
        return []
    return list(
        dict.fromkeys(
            local_id(got.identifier)
            for got in records
            if got.identifier is not None and not got.deleted and _doi(got.identifier, got.text) == doi
        )
    )


def _doi(identifier: str, text: bytes) -> str | None:
    try:
        return index_fields(identifier, orjson.loads(text)["metadata"]).doi
    except (KeyError, TypeError, ValueError) as cause:
        raise Damaged(f"the record of {identifier} cannot be read ({cause!r}); take its file from a copy") from cause
