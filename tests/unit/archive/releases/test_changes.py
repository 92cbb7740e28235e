"""archive/releases/changes.py: any two releases, what is said of their changes, and the way back."""

import hashlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.errors import Damaged
from archive.releases.changes import ADDED, CHANGED, DELETED, KINDS, Row, applied, key, outer_join, watched


class Item(NamedTuple):
    identifier: str
    format: str
    datestamp: str
    deleted: bool
    text: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text).hexdigest()


def row(item: Item) -> Row:
    return Row(*item[:4], item.sha256)


KEYS = st.tuples(st.sampled_from(["a", "b", "é", "\U0001f600", "\uff5e"]), st.sampled_from(["x", "y"]))
STATES = st.tuples(st.sampled_from(["2020", "2021"]), st.booleans(), st.sampled_from([b"{}", b"[]"]))
RELEASES = st.dictionaries(KEYS, STATES).map(lambda found: [Item(*k, *v) for k, v in found.items()])


def part(release: Iterable[Item], deleted: bool) -> list[Item]:
    return sorted((item for item in release if item.deleted == deleted), key=lambda i: (i[0].encode(), i[1].encode()))


def ordered(release: list[Item]) -> list[Item]:
    return part(release, False) + part(release, True)


def changed(old: list[Item], new: list[Item]) -> tuple[list[Item], dict[str, list[Item]]]:
    """What is handed on, and the changes by kind."""
    kinds: dict[str, list[Item]] = {kind: [] for kind in KINDS}
    rows: Callable[[bool], list[Row]] = lambda deleted: [row(item) for item in part(old, deleted)]  # noqa: E731
    gone = lambda e: kinds[DELETED].append(Item(*e[:4], b"gone"))  # noqa: E731
    stream = watched(iter(ordered(new)), rows, lambda kind, item: kinds[kind].append(item), gone, [])
    return list(stream), kinds


@given(RELEASES, RELEASES)
def test_what_changed_applied_to_the_old_gives_the_new(old: list[Item], new: list[Item]) -> None:
    handed, kinds = changed(old, new)
    assert handed == ordered(new)
    for items in kinds.values():
        assert items == sorted(items, key=key)
    lines = {kind: [row(item) for item in items] for kind, items in kinds.items()}
    made = applied(
        lambda deleted: part(old, deleted), kinds.__getitem__, lines.__getitem__, lambda i: i.text == b"gone"
    )
    assert list(made) == ordered(new)


@given(RELEASES)
def test_nothing_changes_between_a_release_and_itself(release: list[Item]) -> None:
    assert changed(release, release)[1] == {kind: [] for kind in KINDS}


def test_each_kind_is_what_it_is_called() -> None:
    def item(name: str, deleted: bool = False, text: bytes = b"{}", stamp: str = "2020") -> Item:
        return Item(name, "x", stamp, deleted, text)

    old = [
        item("changed"),
        item("deleted"),
        item("gone"),
        item("revived", True),
        item("same"),
        item("stamp"),
        item("sunk", True),
        item("vanished", True),
    ]
    new = [
        item("added"),
        item("changed", text=b"[]"),
        item("deleted", True),
        item("revived"),
        item("same"),
        item("stamp", stamp="2021"),
        item("stone", True),
        item("sunk", True, text=b"[]"),
    ]
    _, kinds = changed(old, new)
    assert [i.identifier for i in kinds[ADDED]] == ["added", "revived"]
    assert [i.identifier for i in kinds[CHANGED]] == ["changed", "stamp"]
    assert [(i.identifier, i.text == b"gone") for i in kinds[DELETED]] == [
        ("deleted", False),
        ("gone", True),
        ("stone", False),
        ("sunk", False),
        ("vanished", True),
    ]


@pytest.mark.parametrize("names", ["ba", "aa"])
def test_what_is_in_no_order_is_refused(names: str) -> None:
    items = [Item(name, "x", "", False, b"") for name in names]
    with pytest.raises(Damaged):
        list(outer_join(items, []))
    with pytest.raises(Damaged):
        list(outer_join([Item("a", "x", "", False, b"")], items))
