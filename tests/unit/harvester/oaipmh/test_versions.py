"""Versions that may come again: known once their window's attempt has ended, and only to windows of their days."""

import hashlib

import pytest

from archive.store.ledger import WindowRow
from harvester.oaipmh import versions
from harvester.oaipmh.versions import DIGEST_BYTES, StoredVersions, split_digests


def window(number: int, from_: str | None = None, until: str | None = None, channel: int = 1) -> WindowRow:
    return WindowRow(number, channel, None, "ListRecords", from_, until, "open", 0)


def digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=DIGEST_BYTES).digest()


def entries(*names: str) -> list[tuple[str, bytes]]:
    return [(f"2020-01-0{name[0]}T00:00:00Z", digest(name)) for name in names]


def known(stored: StoredVersions, row: WindowRow, *, tail: bool = False) -> set[str]:
    names = {digest(f"{day}{letter}"): f"{day}{letter}" for day in range(1, 10) for letter in "abc"}
    return {names[one] for one in split_digests(stored.known_to(row, tail=tail))}


def test_versions_count_when_the_attempt_has_ended():
    stored, row = StoredVersions(), window(1)
    stored.take(row, entries("1a", "2a"))
    assert stored.known_to(row, tail=False) == b""
    stored.end_attempt(row, again=True)
    assert known(stored, row) == {"1a", "2a"}
    stored.take(row, entries("3a"))
    assert known(stored, row) == {"1a", "2a"}
    stored.end_attempt(row, again=True)
    assert known(stored, row) == {"1a", "2a", "3a"}
    stored.end_attempt(row)
    assert known(stored, row) == set()


def test_parts_know_the_versions_of_their_days_from_all_lists_above_them():
    stored, whole = StoredVersions(), window(1)
    first, second = window(2, None, "2020-01-03T23:59:59Z"), window(3, "2020-01-04T00:00:00Z")
    stored.take(whole, entries("1a", "3a", "5a"))
    stored.end_attempt(whole, [first, second])
    assert (known(stored, first), known(stored, second)) == ({"1a", "3a"}, {"5a"})
    stored.take(second, entries("6a"))
    low, high = window(4, "2020-01-04", "2020-01-05"), window(5, "2020-01-06")
    stored.end_attempt(second, [low, high])
    assert (known(stored, low), known(stored, high)) == ({"5a"}, {"6a"})
    assert known(stored, second) == set()


def test_sets_of_one_window_share_what_each_has_stored():
    stored, whole, one, two = StoredVersions(), window(1), window(2), window(3)
    stored.end_attempt(whole, [one, two], shared=True)
    stored.take(one, entries("1a"))
    stored.end_attempt(one)
    assert known(stored, two) == {"1a"}


def test_a_tail_knows_what_was_stored_since_it_begins():
    stored, whole, tail, other = StoredVersions(), window(1), window(2), window(3, channel=2)
    stored.expect_tail(1, "2020-01-03T12:00:00Z")
    stored.take(whole, entries("1a", "3a", "4a"))
    stored.end_attempt(whole)
    assert known(stored, tail, tail=True) == {"3a", "4a"}
    assert known(stored, tail) == set()
    assert known(stored, other, tail=True) == set()


def test_no_more_is_remembered_than_has_room():
    stored, row = StoredVersions(most=2), window(1)
    for _ in range(3):
        stored.take(row, entries("1a", "2a", "3a"))
        stored.end_attempt(row, again=True)
    assert len(stored.known_to(row, tail=False)) == 2 * DIGEST_BYTES


def test_a_version_without_a_day_is_known_to_windows_without_a_beginning():
    stored, row = StoredVersions(), window(1)
    stored.take(row, [("", digest("1a")), ("2020", digest("2a")), ("２０２０-01-01", digest("3a"))])
    first, second = window(2, until="2019-12-31"), window(3, from_="2020-01-01")
    stored.end_attempt(row, [first, second])
    assert known(stored, first) == {"1a", "2a", "3a"}
    assert known(stored, second) == set()


def test_a_record_that_was_asked_for_by_itself_is_remembered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(versions, "ASKED_MOST", 1)
    stored, row = StoredVersions(), window(1)
    stored.take(row, entries("1a"))
    stored.end_attempt(row, again=True)
    stored.ask(1, "x")
    assert stored.was_asked(1, "x")
    assert not stored.was_asked(2, "x")
    assert known(stored, row) == {"1a"}
    stored.ask(1, "y")
    assert stored.known_to(row, tail=False) == b""
