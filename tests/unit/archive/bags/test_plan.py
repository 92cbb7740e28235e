"""Which files go into which bag, and what is said of their names."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.bag_builder import options

from archive.bags.payload import Item, Payload
from archive.bags.plan import fingerprint, group_identifier, names, remarks, shares
from archive.errors import NotBaggable


def payload(*files: tuple[str, int], **more: object) -> Payload:
    items = tuple(Item(path, Path("/x") / path, size, stamp=1) for path, size in files)
    return Payload("folder", Path("/x"), items, (), **more)  # type: ignore[arg-type]


def test_without_a_limit_there_is_one_bag():
    [share] = shares(payload(("a", 5), ("b", 6)), options())
    assert ([item.path for item in share.items], share.bytes, share.fetched) == (["a", "b"], 11, frozenset())
    [empty] = shares(payload(), options(max_bytes=1))
    assert (empty.items, empty.bytes) == ((), 0)


def test_bags_are_filled_in_the_order_of_the_paths_up_to_the_limit():
    files = [("a", 5), ("b", 5), ("c", 0), ("d", 1), ("e", 10), ("f", 3)]
    split = shares(payload(*files), options(max_bytes=10))
    assert [[item.path for item in share.items] for share in split] == [["a", "b", "c"], ["d"], ["e"], ["f"]]


def test_a_file_is_never_cut():
    with pytest.raises(NotBaggable):
        shares(payload(("a", 11)), options(max_bytes=10))


def test_files_to_be_fetched_are_all_or_those_of_a_pattern():
    files = payload(("archive.json", 1), ("shards/1", 1), ("shards/2", 1))
    fetched = [shares(files, options(fetch_url="http://x/", fetch=fetch))[0].fetched for fetch in ((), ("shards/*",))]
    assert fetched == [{"archive.json", "shards/1", "shards/2"}, {"shards/1", "shards/2"}]
    split = shares(files, options(fetch_url="http://x/", fetch=("shards/*",), max_bytes=2))
    assert [share.fetched for share in split] == [{"shards/1"}, {"shards/2"}]
    with pytest.raises(NotBaggable):
        shares(files, options(fetch_url="http://x/", fetch=("shards/*", "none/*")))


def test_names_say_which_of_how_many():
    assert names(Path("/a/bag"), 1) == ["bag"]
    assert names(Path("/a/bag"), 2) == ["bag-1-of-2", "bag-2-of-2"]


def test_the_fingerprint_changes_with_what_is_packed_and_how_but_not_with_the_day():
    one = payload(("a", 5), ("b", 5))
    same = fingerprint(one, options())
    assert fingerprint(one, replace(options(), date="2026-12-31")) == same
    others = [
        fingerprint(payload(("a", 5), ("b", 6)), options()),
        fingerprint(payload(("a", 5), ("c", 5)), options()),
        fingerprint(replace(one, items=(replace(one.items[0], stamp=2), one.items[1])), options()),
        fingerprint(one, options(copy=True)),
        fingerprint(one, options(max_bytes=5)),
        fingerprint(one, options(info=(("A", "b"),))),
    ]
    assert len({same, *others}) == 7


def test_a_group_is_named_by_what_is_in_it():
    one = group_identifier([("a", "01"), ("b", "02")])
    assert one == group_identifier([("b", "02"), ("a", "01")])
    assert one.startswith("urn:uuid:")
    assert one != group_identifier([("a", "01"), ("b", "03")])


def test_names_that_others_read_otherwise_are_remarked():
    found = remarks(payload(("100%", 1), ("a\nb", 1), ("c\rd", 1), ("plain", 1)))
    assert [(remark.code, remark.path) for remark in found] == [
        ("name-encoded", "100%"),
        ("name-encoded", "a\nb"),
        ("name-encoded", "c\rd"),
    ]


def test_names_that_differ_in_case_alone_are_remarked():
    assert [(remark.code, remark.path) for remark in remarks(payload(("A/b", 1), ("a/b", 1)))] == [("name-case", "a/b")]


def test_names_that_differ_in_normalisation_alone_are_refused():
    assert remarks(payload(("caf\u00e9", 1), ("cafe", 1))) == []
    with pytest.raises(NotBaggable):
        remarks(payload(("caf\u00e9", 1), ("cafe\u0301", 1)))


def test_what_is_left_out_is_remarked():
    found = remarks(payload(left_out=("notes.txt",), empty=("b/c",)))
    assert [(remark.code, remark.path) for remark in found] == [("left-out", "notes.txt"), ("empty-folder", "b/c")]
