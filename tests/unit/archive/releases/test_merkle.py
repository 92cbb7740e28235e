"""The streaming tree has the root that RFC 6962 defines by recursion."""

from hashlib import sha256

import pytest

from archive.releases.merkle import MerkleTree


def by_definition(entries: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, as it stands there."""
    if not entries:
        return sha256().digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    k = 1 << ((len(entries) - 1).bit_length() - 1)
    return sha256(b"\x01" + by_definition(entries[:k]) + by_definition(entries[k:])).digest()


def root(entries: list[bytes]) -> bytes:
    tree = MerkleTree()
    for entry in entries:
        tree.add(entry)
    assert tree.entries == len(entries)
    return tree.root()


@pytest.mark.parametrize("count", [*range(40), 127, 128, 129, 1000])
def test_the_root_is_the_one_that_is_defined(count: int):
    entries = [sha256(str(n).encode()).digest() for n in range(count)]
    assert root(entries) == by_definition(entries)


def test_the_root_of_published_entries_is_the_published_one():
    # certificate-transparency's reference tree: these eight entries, and the roots after none and after all of them
    entries = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        bytes(range(0x50, 0x58)),
        bytes(range(0x60, 0x70)),
    ]
    assert root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root(entries).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def test_another_order_or_another_entry_is_another_root():
    entries = [bytes([n]) * 32 for n in range(9)]
    others = [entries[::-1], entries[:-1], [*entries, entries[-1]], [bytes([99]) * 32, *entries[1:]]]
    assert len({root(each) for each in [entries, *others]}) == 5


def test_asking_for_the_root_changes_nothing():
    tree = MerkleTree()
    for number in range(7):
        tree.add(bytes([number]))
        assert tree.root() == tree.root() == by_definition([bytes([n]) for n in range(number + 1)])
