"""Archives that hold given records, and the releases of them: for tests of what is between two releases."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from archive.formats import jsonseq
from archive.releases.build import Options
from archive.releases.manifest import Making, Selection
from archive.store import envelope
from archive.store.ledger import NewWindow
from support import archive_builder

STAMP = "2020-01-01T00:00:00Z"
MAKING = Making("envelope", "jsonseq", "zstd", 1, 400, 0, 0)
OPTIONS = Options(
    MAKING,
    Selection(),
    "a-release",
    "A release",
    "2026-03-04",
    {"id": "CC0-1.0", "name": "CC0 1.0", "url": "https://creativecommons.org/publicdomain/zero/1.0/"},
    {"harvester": "0"},
)


class State(NamedTuple):
    """A record as an archive holds it in its latest version."""

    identifier: str
    format: str = "oai_dc"
    datestamp: str = STAMP
    deleted: bool = False
    title: str = "A title"

    def text(self) -> bytes:
        metadata = None if self.deleted else {"title": [self.title], "identifier": [f"doi:10.5072/{self.identifier}"]}
        return envelope.encode(
            self.identifier,
            self.datestamp,
            self.deleted,
            ("a",),
            self.format,
            "application/xml",
            archive_builder.URL,
            "2026-03-04T05:06:07Z",
            None if self.deleted else "0" * 64,
            metadata,
            None,
            (),
        )


def options(**more: object) -> Options:
    """The usual ones, made in another way where that is named."""
    return replace(OPTIONS, making=replace(MAKING, **more))  # type: ignore[arg-type]


def archive_of(folder: Path, states: Iterable[State]) -> Path:
    """An archive that was harvested once, a channel a format."""
    writer = archive_builder.writer(folder)
    writer.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    for name, group in groupby(sorted(states, key=lambda state: state.format), lambda state: state.format):
        channel = writer.ledger.channel(f"oaipmh:{name}", name, None)
        (window,) = writer.open_windows([NewWindow(channel, "ListRecords", None, None)])
        found = list(group)
        outcomes = [(s.identifier, s.datestamp, "deleted" if s.deleted else "read", None) for s in found]
        framed = b"".join(jsonseq.encode(state.text()) for state in found)
        writer.put(
            archive_builder.answer(
                channel, window.window, [], listed=len(found), outcomes=outcomes, payload=((framed, len(found)),)
            )
        )
        count = writer.count_window(window.window, 1)
        writer.close_window(
            window.window, state="done", end="empty-token", count=count, stated=None, pages=1, attempts=1
        )
    writer.finish("complete")
    writer.close()
    return folder
