"""Walk the fields of JSON, record after record: each path and its values.

A path is written as `creators[].nameIdentifiers[].scheme`: names with dots between them, `[]` for every member of a
list, `*` for every name of an object that is a map. A name that contains such a character is quoted.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

_PLAIN = re.compile(r"[^\s.\[\]\"*]+")
# anything deeper is counted as an object or a list, without its contents
MOST_DEPTH = 24
# steps of a path that are not names
ITEM, ANY = 0, 1
Path = tuple[str | int, ...]
# an object with more names than this is a map: its names are data, and are one field, `*`
MOST_NAMES = 200


@dataclass(slots=True)
class Tally:
    """The values at one path.

    `present` counts records with a value there that is not null, "", [] or {}. `seen` is the number of the last record
    that was counted. `types` counts values by JSON type, including nulls and empty ones; `texts` those that are not
    empty, `scalars` numbers and booleans; `lengths` texts by the bit length of their number of characters.
    """

    present: int = 0
    seen: int = -1
    types: Counter[str] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)
    scalars: Counter[Any] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)


class _Node:
    """A place in the tree of paths."""

    __slots__ = ("children", "item", "path", "tally")

    def __init__(self, path: Path) -> None:
        self.path, self.tally = path, Tally()
        self.children: dict[str | int, _Node] = {}
        self.item: _Node | None = None


class FieldWalk:
    """Counts the fields of one record after another."""

    def __init__(self) -> None:
        self._root = _Node(())
        self.records = 0

    def add(self, metadata: Any) -> None:
        """Count one record; anything but an object counts as a record without fields."""
        if isinstance(metadata, dict):
            self._object(self._root, metadata, self.records, 0)
        self.records += 1

    def tallies(self) -> dict[Path, Tally]:
        """Return the tallies by path."""
        found: dict[Path, Tally] = {}
        open_ = [self._root]
        while open_:
            node = open_.pop()
            if node.path:
                found[node.path] = node.tally
            open_ += node.children.values()
            if node.item is not None:
                open_.append(node.item)
        return found

    def _object(self, node: _Node, value: dict[str, Any], record: int, depth: int) -> bool:
        says = False
        children = node.children
        for name, inner in value.items():
            child = children.get(name)
            if child is None:
                child = _child(node, name)
            if self._value(child, inner, record, depth + 1):
                says = True
        return says

    def _value(self, node: _Node, value: Any, record: int, depth: int) -> bool:
        """Count a value; returns whether it is not empty."""
        tally = node.tally
        kind = type(value)
        if kind is str:
            tally.types["string"] += 1
            if says := bool(value):
                tally.texts[value] += 1
                tally.lengths[len(value).bit_length()] += 1
        elif kind is dict:
            tally.types["object"] += 1
            says = bool(value) if depth >= MOST_DEPTH else self._object(node, value, record, depth)
        elif kind is list:
            tally.types["array"] += 1
            says = bool(value) if depth >= MOST_DEPTH else self._list(node, value, record, depth)
        elif value is None:
            tally.types["null"] += 1
            return False
        else:
            tally.types["boolean" if kind is bool else "integer" if kind is int else "number"] += 1
            # True is 1 as a key
            tally.scalars[str(value).lower() if kind is bool else value] += 1
            says = True
        if says and tally.seen != record:
            tally.seen = record
            tally.present += 1
        return says

    def _list(self, node: _Node, value: list[Any], record: int, depth: int) -> bool:
        item = node.item
        if item is None:
            item = node.item = _Node((*node.path, ITEM))
        says = False
        for inner in value:
            if self._value(item, inner, record, depth + 1):
                says = True
        return says


def written(path: Path) -> str:
    """Format a path for people."""
    text = ""
    for step in path:
        if step == ITEM:
            text += "[]"
            continue
        name = (
            "*" if isinstance(step, int) else step if _PLAIN.fullmatch(step) else json.dumps(step, ensure_ascii=False)
        )
        text += f".{name}" if text else name
    return text


def _child(node: _Node, name: str) -> _Node:
    """Return the child of that name, created if there is room for it, else the one for all further names."""
    step: str | int = ANY if len(node.children) >= MOST_NAMES else name
    if (child := node.children.get(step)) is None:
        child = node.children[step] = _Node((*node.path, step))
    return child
