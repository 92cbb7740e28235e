"""Digests of the record versions that this process has stored, kept while a list may repeat them.

A list that is read again, cut into parts, sought in sets, or followed by the tail of its channel brings versions that
are stored already, and so do the slices of a search. Their digests are kept for the windows that list the same days,
until these have ended. Nothing is kept across processes: a run that is resumed may store a version twice.
"""

import hashlib
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from archive.store import WindowRow

DIGEST_BYTES = 16
# versions that are remembered for a window, or for the tail of a channel; those beyond are stored again
VERSIONS_MOST = 50_000
# identifiers asked for one by one that are remembered of a channel; with more of them nothing is left out any more
ASKED_MOST = 50_000
# an entry is the day of a datestamp and a digest: days are what windows are compared by
_DAY = 10
_ENTRY = _DAY + DIGEST_BYTES


@dataclass(slots=True)
class StoredVersions:
    """The stored versions that a window may bring again; those of a page count once its window's attempt has ended.

    Then the ledger has its pages, so that no outcome can refer to a record that is not durable. Windows that list the
    same days in several sets share what is known.
    """

    most: int = VERSIONS_MOST
    _listed: dict[int, bytearray] = field(default_factory=dict)
    _known: dict[int, bytearray] = field(default_factory=dict)
    _sharing: set[int] = field(default_factory=set)
    _tail_from: dict[int, str] = field(default_factory=dict)
    _late: dict[int, bytearray] = field(default_factory=dict)
    _asked: dict[int, set[str]] = field(default_factory=dict)

    def expect_tail(self, channel: int, from_: str) -> None:
        """Remember the versions that the tail of a channel, which begins at `from_`, will list again."""
        self._tail_from[channel] = from_[:_DAY]

    def known_to(self, row: WindowRow, *, tail: bool) -> bytes:
        """Return the digests of the stored versions that a window may bring again, one behind the other."""
        known = self._known.get(row.window, b"")
        late = self._late.get(row.channel, b"") if tail else b""
        if not (known or late) or len(self._asked.get(row.channel, ())) > ASKED_MOST:
            return b""
        return b"".join(entry[_DAY:] for entries in (known, late) for entry in _entries(entries))

    def ask(self, channel: int, identifier: str) -> None:
        """Take a record that is asked for by itself: the answer replaces the copies that came before it."""
        asked = self._asked.setdefault(channel, set())
        if len(asked) <= ASKED_MOST:
            asked.add(identifier)

    def was_asked(self, channel: int, identifier: str) -> bool:
        """Return whether a record was asked for by itself, so that a copy in a list may not be left out."""
        return identifier in self._asked.get(channel, ())

    def take(self, row: WindowRow, stored: Iterable[tuple[str, bytes]]) -> None:
        """Take what a page of a window brought: datestamp and digest of each record that is stored with it."""
        listed = self._listed.setdefault(row.window, bytearray())
        for stamp, digest in stored:
            if len(listed) >= self.most * _ENTRY:
                return
            day = stamp[:_DAY]
            if len(day) != _DAY or not day.isascii():
                day = " " * _DAY  # before every day: known to windows without a beginning
            listed += day.encode() + digest

    def end_attempt(
        self, row: WindowRow, children: Sequence[WindowRow] = (), *, again: bool = False, shared: bool = False
    ) -> None:
        """Count what an attempt at a window brought, for itself `again` or for the windows that take its place.

        `shared`: these list the same records, each in another set.
        """
        listed = self._listed.pop(row.window, bytearray())
        tail_from = self._tail_from.get(row.channel)
        if tail_from is not None:
            late = self._late.setdefault(row.channel, bytearray())
            self._add(late, _within(listed, tail_from, None))
        known = self._known.pop(row.window, bytearray())
        if again or children or row.window in self._sharing:
            self._add(known, listed)
        if not again:
            shared |= row.window in self._sharing
            self._sharing.discard(row.window)
        for window in (row,) if again else children:
            inherited = known if again or shared else bytearray(_within(known, window.from_, window.until))
            if inherited or shared:
                self._known[window.window] = inherited
            if shared:
                self._sharing.add(window.window)

    def _add(self, known: bytearray, more: bytes | bytearray) -> None:
        known += more[: max(0, self.most * _ENTRY - len(known))]


def digest_of(words: Iterable[str], *bodies: bytes) -> bytes:
    """Return the digest of a version: of everything of it that is stored. `words` have no NUL."""
    content = b"\0\0".join(("\0".join(words).encode("utf-8", "surrogatepass"), *bodies))
    return hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()


def stored_on_page(stamps: Iterable[str], digests: bytes, left_out: Container[int]) -> list[tuple[str, bytes]]:
    """Pair the datestamp and the digest of each record that is stored with a page; none where it has no digests."""
    rows = enumerate(zip(stamps, _digests(digests), strict=False))
    return [row for place, row in rows if place not in left_out]


def split_digests(known: bytes) -> frozenset[bytes]:
    """Split digests that stand one behind the other."""
    return frozenset(_digests(known))


def _digests(digests: bytes) -> Iterable[bytes]:
    return (digests[at : at + DIGEST_BYTES] for at in range(0, len(digests), DIGEST_BYTES))


def _entries(entries: bytes | bytearray) -> Iterable[bytes]:
    whole = bytes(entries)
    return (whole[at : at + _ENTRY] for at in range(0, len(whole), _ENTRY))


def _within(entries: bytearray, from_: str | None, until: str | None) -> bytes:
    """Select the entries of the days that a window lists."""
    low, high = (from_ or "")[:_DAY].encode(), until[:_DAY].encode() if until is not None else b"\xff"
    return b"".join(entry for entry in _entries(entries) if low <= entry[:_DAY] <= high)
