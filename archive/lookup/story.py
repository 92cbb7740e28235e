"""The whole story of one id: what listed it, each request and wait, its state, versions and files, and what to do.

It is read from the ledger, also during a harvest, and from the frames that hold its records.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive.lookup.files import FilesOf, read_files_of
from archive.lookup.held import Copy, Refused, array, iter_copies, iter_refused
from archive.lookup.keys import Found, find_id
from archive.lookup.nearby import ChannelSeen, Range, read_channels, read_nearest
from archive.queries import Queries
from archive.store import Layout, newest, read_copies, read_description, read_looks, snapshot

_SQL = Queries(__package__)

# of different states in several channels, the first of these is the state of the id
WORST = ("lost", "open", "refused", "read", "deleted", "moved", "forbidden", "absent")


@dataclass(frozen=True, slots=True)
class Window:
    """The list that a request was part of; bounds are text as sent to the provider, None if there is none."""

    window: int
    verb: str
    from_: str | None
    until: str | None
    state: str
    end: str | None
    listed: int | None
    stated: int | None


@dataclass(frozen=True, slots=True)
class Wait:
    """A rate-limit wait."""

    host: str
    began: str
    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request whose response named the id, and the resulting state. `waits` ended between `since` and `at`.

    `since` is when the previous request in its window ended, or else the window was opened or the run started.
    """

    outcome: int
    identifier: str
    channel: str
    state: str
    reason: str | None
    datestamp: str | None
    request: int
    run: int
    mode: str
    run_state: str
    at: str
    url: str
    http_status: int | None
    attempts: int
    since: str
    window: Window | None
    waits: tuple[Wait, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """A copy of the record, and its request; `changed` is whether it differs from the previous one in its channel."""

    asked: Asked
    copy: Copy
    changed: bool


@dataclass(frozen=True, slots=True)
class FindingNamed:
    """A finding that names the id; `current` if it is of the run that the id's state comes from."""

    current: bool
    run: int
    code: str
    severity: str
    channel: str | None
    message: str
    at: str


@dataclass(frozen=True, slots=True)
class ChannelStory:
    """An id in a channel: the first and the last request that named it, and the first that led to its present state."""

    channel: str
    identifier: str
    first: Asked
    last: Asked
    since: Asked

    @property
    def census(self) -> bool:
        """Return whether it was only listed there, to be counted."""
        return self.last.mode == "census"


@dataclass(frozen=True, slots=True)
class Story:
    """Everything an archive knows of an id. `nearest` and `elsewhere` are filled for an id that was never seen.

    `files` is None if no run has requested files of it. `latest` is the state of the copies that are latest states
    (read if any is live), None if nothing is held.
    """

    asked_for: str
    found: Found
    channels: tuple[ChannelStory, ...]
    asked: tuple[Asked, ...]
    versions: tuple[Version, ...]
    refused: tuple[Refused, ...]
    findings: tuple[FindingNamed, ...]
    nearest: tuple[Range, ...]
    elsewhere: tuple[ChannelSeen, ...]
    files: FilesOf | None = None
    latest: str | None = None

    @property
    def state(self) -> str:
        """Return an end state of the design; `listed` if only a census saw the id, `unseen` if nothing ever did.

        Of several channels the one that needs most attention counts, and channels that hold a record before those that
        do not; of what is held, the latest state. An id that no request named is open while a range of ids that
        includes it is not settled.
        """
        if not self.channels:
            waiting = any(near.covers and near.state in ("open", "lost") for near in self.nearest)
            return "open" if waiting else "unseen"
        states = {channel.last.state for channel in self.channels if not channel.census}
        found = next((state for state in WORST if state in states), "listed")
        return self.latest if self.latest is not None and found in ("read", "deleted") else found

    @property
    def damaged(self) -> tuple[str, ...]:
        """List what can no longer be read of it."""
        problems = [version.copy.problem for version in self.versions] + [body.problem for body in self.refused]
        problems += [file.problem for file in self.files.files] if self.files is not None else []
        return tuple(dict.fromkeys(problem for problem in problems if problem is not None))

    @property
    def troubled(self) -> bool:
        """Return whether a finding of its current run is a warning or an error."""
        return any(found.current and found.severity != "info" for found in self.findings)


def read_story(folder: Path, asked_for: str) -> Story:
    """Read the story of an id: an identifier, a local id or a DOI.

    Raises NotAnArchive, OtherArchive; Damaged when the description or the ledger cannot be read. A shard that cannot
    be read is part of the story.
    """
    layout = Layout(folder)
    read_description(folder)
    with snapshot(layout) as ledger:
        found = find_id(folder, ledger, asked_for)
        asked = _asked(ledger, found.outcomes)
        channels = _channels(asked)
        refused = {ask.request for ask in asked if ask.state == "refused"}
        seen = bool(channels)
        files = read_files_of(ledger, folder, found.identifiers)
        versions = tuple(_versions(ledger, layout, asked))
        return Story(
            asked_for=asked_for,
            found=found,
            channels=channels,
            asked=asked,
            versions=versions,
            refused=tuple(iter_refused(ledger, layout, refused, found.identifiers)),
            findings=tuple(_findings(ledger, {*found.identifiers, asked_for}, channels, files)),
            nearest=() if seen else read_nearest(ledger, asked_for),
            elsewhere=() if seen else read_channels(ledger),
            files=files,
            latest=_latest(ledger, versions),
        )


# --- requests


def _asked(ledger: sqlite3.Connection, outcomes: Sequence[int]) -> tuple[Asked, ...]:
    rows = ledger.execute(_SQL["story_asked"], {"outcomes": array(outcomes)}).fetchall()
    return tuple(_ask(ledger, *row) for row in rows)


def _ask(
    ledger: sqlite3.Connection,
    outcome: int,
    identifier: str,
    channel: str | None,
    state: str,
    reason: str | None,
    datestamp: str | None,
    request: int,
    run: int,
    mode: str,
    run_state: str,
    at: str,
    url: str,
    http_status: int | None,
    attempts: int,
    since: str,
    window: int | None,
    *of_window: Any,
) -> Asked:
    rows = ledger.execute(_SQL["story_waits"], {"run": run, "since": since, "at": at})
    return Asked(
        outcome=outcome,
        identifier=identifier,
        channel=channel or "",
        state=state,
        reason=reason,
        datestamp=datestamp,
        request=request,
        run=run,
        mode=mode,
        run_state=run_state,
        at=at,
        url=url,
        http_status=http_status,
        attempts=attempts,
        since=since,
        window=None if window is None else Window(window, *of_window),
        waits=tuple(Wait(*row) for row in rows),
    )


def _channels(asked: Iterable[Asked]) -> tuple[ChannelStory, ...]:
    stories: dict[tuple[str, str], list[Asked]] = {}
    for ask in asked:
        stories.setdefault((ask.channel, ask.identifier), []).append(ask)
    return tuple(ChannelStory(*key, asks[0], asks[-1], _since(asks)) for key, asks in stories.items())


def _since(asks: Sequence[Asked]) -> Asked:
    """Return the first of the last requests that all led to the same state."""
    first = asks[-1]
    for ask in reversed(asks):
        if ask.state != first.state:
            break
        first = ask
    return first


# --- copies and findings


def _versions(ledger: sqlite3.Connection, layout: Layout, asked: Iterable[Asked]) -> Iterator[Version]:
    stored = {ask.outcome: ask for ask in asked if ask.state in ("read", "deleted")}
    before: dict[tuple[str, str], tuple[str | None, ...]] = {}
    for copy in iter_copies(ledger, layout, {outcome: ask.identifier for outcome, ask in stored.items()}):
        ask = stored[copy.outcome]
        place, content = (ask.channel, ask.identifier), (ask.datestamp, ask.state, copy.sha256)
        yield Version(ask, copy, before.get(place) != content)
        before[place] = content


def _latest(ledger: sqlite3.Connection, versions: Iterable[Version]) -> str | None:
    """Return the state of the copies that are the latest of their format: read if any is live."""
    by_format: dict[tuple[str, str], list[int]] = {}
    for version in versions:
        _, _, rest = version.asked.channel.partition(":")
        by_format.setdefault((version.asked.identifier, rest.partition(":")[0]), []).append(version.copy.outcome)
    looks = read_looks(ledger)
    deleted = {newest(list(read_copies(ledger, held).values()), looks).deleted for held in by_format.values()}
    return None if not deleted else "deleted" if all(deleted) else "read"


def _findings(
    ledger: sqlite3.Connection, identifiers: Iterable[str], channels: Iterable[ChannelStory], files: FilesOf | None
) -> Iterator[FindingNamed]:
    runs = {channel.last.run for channel in channels} | (files.runs if files is not None else frozenset())
    for run, *row in ledger.execute(_SQL["story_findings"], {"identifiers": array(sorted(identifiers))}):
        yield FindingNamed(run in runs, run, *row)
