"""archive/audits/sketch.py: differences are named exactly, or not at all."""

import random
from hashlib import sha256

import pytest

from archive.audits.sketch import (
    CELLS,
    Differences,
    Item,
    Sketch,
    Table,
    cells_for,
    differences,
    differences_in,
    key_of,
    name_of,
    version,
)

Rows = dict[str, int]


def sketched(rows: Rows, cells: int = CELLS, ids_only: bool = False) -> Sketch:
    made = Sketch(cells, "ids" if ids_only else "versions")
    made.fill(rows.items())
    return made


def rows_of(count: int, first: int = 0) -> Rows:
    return {
        f"oai-{number}": version(1_500_000_000 + number, live=number % 7 != 0) for number in range(first, first + count)
    }


def named(found: Differences | int) -> tuple[set[str], set[str]]:
    assert isinstance(found, Differences)
    return {item.identifier for item in found.here}, {item.identifier for item in found.there}


def test_two_mirrors_that_hold_the_same_have_no_difference():
    rows = rows_of(5000)
    shuffled = dict(random.Random(1).sample(list(rows.items()), len(rows)))
    assert differences(sketched(rows), sketched(shuffled)) == Differences((), ())


@pytest.mark.parametrize("seed", range(3))
def test_what_is_missing_extra_and_changed_is_named_by_its_id_and_version(seed: int):
    dice = random.Random(seed)
    here = rows_of(20_000)
    there = dict(here)
    gone = set(dice.sample(sorted(here), 400))
    changed = set(dice.sample(sorted(here.keys() - gone), 300))
    for name in gone:
        del there[name]
    for name in changed:
        there[name] += 2 * dice.randrange(1, 1000)
    added = rows_of(500, 50_000)
    there |= added
    found = differences(sketched(here), sketched(there))
    assert isinstance(found, Differences)
    assert named(found) == (gone | changed, set(added) | changed)
    for items, rows in ((found.here, here), (found.there, there)):
        assert all(version(item.seconds, live=item.live) == rows[item.identifier] for item in items)


def test_a_tombstone_differs_from_the_record_it_was_and_no_datestamp_from_any():
    here = {"a": version(100, live=True), "b": version(None, live=True), "c": version(-5, live=False)}
    there = {"a": version(100, live=False), "b": version(0, live=True), "c": version(-5, live=False)}
    found = differences(sketched(here), sketched(there))
    assert isinstance(found, Differences)
    assert set(found.here) == {Item("a", 100, True), Item("b", None, True)}
    assert set(found.there) == {Item("a", 100, False), Item("b", 0, True)}


def test_ids_alone_are_compared_when_that_is_asked_for():
    here, there = {"a": version(1, live=True)}, {"a": version(2, live=False), "b": version(3, live=True)}
    assert named(differences(sketched(here, ids_only=True), sketched(there, ids_only=True))) == (set(), {"b"})


@pytest.mark.parametrize(
    "name", ["", "1", "x" * 47, "é" * 23, "a\0b", "10.5281/zenodo.1", "x" * 48, "é" * 24, "𝄞" * 500]
)
def test_an_id_stands_in_the_sketch_itself_or_by_its_hash_when_it_is_long(name: str):
    key = key_of(name)
    assert len(key) == 48
    hashed = f"sha256:{sha256(name.encode()).hexdigest()}"
    expected = name if len(name.encode()) <= 47 else hashed
    assert name_of(key) == expected
    assert named(differences(sketched({name: 3}), sketched({}))) == ({expected}, set())


@pytest.mark.parametrize("count", [1, 2, 10, 100, 1000, 2400])
def test_a_sketch_gives_away_as_many_differences_as_it_is_made_for(count: int):
    cells = cells_for(count)
    assert cells % 3 == 0
    assert differences_in(cells) >= count
    refused = 0
    for seed in range(20 if count <= 100 else 3):
        found = differences(sketched(rows_of(count, seed * 10_000), cells), sketched({}, cells))
        refused += isinstance(found, int)
    # two in a thousand are: of 20 none, but for one time in 25
    assert refused <= 1


@pytest.mark.parametrize("count", [4000, 20_000, 100_000])
def test_too_many_differences_are_said_to_be_about_so_many_and_none_is_named(count: int):
    found = differences(sketched(rows_of(count)), sketched({}))
    assert isinstance(found, int)
    assert count / 2 <= found <= count * 2


def test_a_table_that_is_not_one_of_items_ends_without_an_answer():
    table, item = Table(6, 8), b"12345678"
    table.add(item, sha256(item).digest())
    table.counts[0] += 1
    assert table.take_apart() is None
    # the same item twice leaves no trace in the sums, but one in the counts
    twice = Table(6, 8)
    twice.add(item, sha256(item).digest())
    twice.add(item, sha256(item).digest())
    assert twice.take_apart() is None
    # a cell that gives itself away for ever
    endless = Table(6, 8)
    endless.add(item, sha256(item).digest())
    endless.counts = [5 if count == 0 else count for count in endless.counts]
    assert endless.take_apart() is None


def test_parts_that_were_filled_apart_make_the_same_sketch():
    rows = rows_of(3000)
    whole, parts = sketched(rows), Sketch()
    for number in range(3):
        parts.merge(sketched({name: seen for n, (name, seen) in enumerate(rows.items()) if n % 3 == number}))
    assert (parts.items, parts.table.counts, parts.table.sums) == (3000, whole.table.counts, whole.table.sums)
    assert [s.to_bytes() for s in parts.strata] == [s.to_bytes() for s in whole.strata]


def test_a_cell_is_what_the_documentation_of_the_format_says():
    made = sketched({"7": version(1_600_000_000, live=True)}, 30)
    item = b"\x017" + bytes(46) + (2 * 1_600_000_000 + 1).to_bytes(8, "little")
    digest = sha256(item).digest()
    places = {turn * 10 + int.from_bytes(digest[8 + 4 * turn : 12 + 4 * turn], "little") % 10 for turn in range(3)}
    cell = (1).to_bytes(4, "little") + item + digest[:8]
    assert made.table.to_bytes() == b"".join(cell if place in places else bytes(68) for place in range(30))
