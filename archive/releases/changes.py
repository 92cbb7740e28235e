"""Changes between two releases, found and applied by joining sorted streams; nothing is kept in memory.

A release is two lists, its live records and its tombstones, each sorted by the bytes of identifier and format; a record
is in one of them, once. A change is added (live, and not live before), changed (live before and now, with another text
or datestamp) or deleted: either a tombstone that is not the one from before, or gone, in neither list any more.
"""

from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from itertools import chain
from typing import NamedTuple, Protocol, TypeVar

from archive.errors import Damaged

ADDED, CHANGED, DELETED = KINDS = ("added", "changed", "deleted")


class Sorted(Protocol):
    """A record, live or a tombstone, with its place in a list; `sha256` is that of its text."""

    @property
    def identifier(self) -> str: ...

    @property
    def format(self) -> str: ...

    @property
    def datestamp(self) -> str: ...

    @property
    def deleted(self) -> bool: ...

    @property
    def sha256(self) -> str: ...


class Row(NamedTuple):
    """A record without its text: its line in an index."""

    identifier: str
    format: str
    datestamp: str
    deleted: bool
    sha256: str


class Aside(Protocol):
    """Rows that are stored, and returned in the same order; a list is one."""

    def append(self, row: Row, /) -> None: ...

    def __iter__(self) -> Iterator[Row]: ...


L = TypeVar("L", bound=Sorted)
R = TypeVar("R", bound=Sorted)


def key(item: Sorted) -> tuple[str, str]:
    """Return the sort key in a list: code points sort like the bytes of UTF-8."""
    return item.identifier, item.format


def outer_join(left: Iterable[L], right: Iterable[R]) -> Iterator[tuple[L | None, R | None]]:
    """Pair the items of two sorted lists by key, in order. Raises Damaged if one of them is not sorted."""
    lefts, rights = _ascending(left), _ascending(right)
    one, other = next(lefts, None), next(rights, None)
    while one is not None or other is not None:
        if other is None or (one is not None and key(one) < key(other)):
            yield one, None
            one = next(lefts, None)
        elif one is None or key(other) < key(one):
            yield None, other
            other = next(rights, None)
        else:
            yield one, other
            one, other = next(lefts, None), next(rights, None)


def watched(
    new: Iterable[L],
    old: Callable[[bool], Iterable[Row]],
    change: Callable[[str, L], None],
    gone: Callable[[Row], None],
    aside: Aside,
) -> Iterator[L]:
    """Pass on a new release's records and then its tombstones, and report the differences from the old one.

    `old` gives the old release's records (False) or tombstones (True). `change` is called with a kind and its item,
    `gone` with what the new release no longer has: both kinds of deletion come in one order. `aside` is empty, and
    stores what the old release has besides the records of the new one.
    """
    items = iter(new)
    first_dead: list[L] = []
    for item, before in outer_join(_live(items, first_dead), merge(old(False), old(True), key=key)):
        if item is not None:
            if before is None or before.deleted:
                change(ADDED, item)
            elif _differs(before, item):
                change(CHANGED, item)
            yield item
        elif before is not None:
            aside.append(before)
    for item, before in outer_join(chain(first_dead, items), aside):
        if item is not None:
            if before is None or _differs(before, item):
                change(DELETED, item)
            yield item
        elif before is not None:
            gone(before)


def applied(
    old: Callable[[bool], Iterable[L]],
    changes: Callable[[str], Iterable[L]],
    rows: Callable[[str], Iterable[Row]],
    is_gone: Callable[[L], bool],
) -> Iterator[L]:
    """Yield the new release's records, then its tombstones: the old ones with the changes of `watched` applied.

    `rows` gives the same as `changes` without the texts, which are read once. `is_gone` returns whether a deletion
    leaves no tombstone.
    """
    steps: Iterator[L | Row] = merge(changes(ADDED), changes(CHANGED), rows(DELETED), key=key)
    for before, step in outer_join(old(False), steps):
        if step is None and before is not None:
            yield before
        elif step is not None and not isinstance(step, Row):
            yield step
    steps = merge(changes(DELETED), rows(ADDED), rows(CHANGED), key=key)
    for before, step in outer_join(old(True), steps):
        if step is None and before is not None:
            yield before
        elif step is not None and not isinstance(step, Row) and not is_gone(step):
            yield step


def _differs(before: Sorted, now: Sorted) -> bool:
    return (before.sha256, before.datestamp, before.deleted) != (now.sha256, now.datestamp, now.deleted)


def _live(items: Iterator[L], first_dead: list[L]) -> Iterator[L]:
    """Yield items up to the first tombstone, which is put into `first_dead`: it has left the stream."""
    for item in items:
        if item.deleted:
            first_dead.append(item)
            return
        yield item


def _ascending(items: Iterable[L]) -> Iterator[L]:
    last: tuple[str, str] | None = None
    for item in items:
        here = key(item)
        if last is not None and here <= last:
            raise Damaged(f"{here} comes after {last}: no order of a release; take it from a copy")
        last = here
        yield item
