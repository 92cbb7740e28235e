"""Releases for tests, made of records in memory."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from archive.releases.build import Options, write_release
from archive.releases.manifest import Making, Selection
from support import archive_builder

LICENCE = {"id": "CC0-1.0", "name": "Creative Commons Zero v1.0 Universal", "url": "https://example.org/cc0"}
PAGES = [["oai:x:1", "oai:x:2"], ["oai:x:3"], ["oai:x:4", "oai:x:5"]]
GONE = ["oai:x:6", "oai:x:7"]


def options(**making_: Any) -> Options:
    values: dict[str, Any] = {
        "form": "envelope",
        "layout": "jsonseq",
        "compression": "zstd",
        "level": 1,
        "frame_bytes": 300,
        "part_bytes": 0,
        "part_records": 3,
    }
    return Options(
        Making(**{**values, **making_}),
        Selection(),
        "release",
        "A release",
        f"{datetime(2026, 3, 4, tzinfo=UTC):%F}",
        LICENCE,
        {"harvester": "0"},
    )


def make_release(
    folder: Path, pages: Sequence[Sequence[str]] = PAGES, gone: Sequence[str] = GONE, **making_: Any
) -> Path:
    """Harvest these pages into an archive beside, and make a release of it in several parts of several frames."""
    archive = folder.with_name(f"{folder.name}-archive")
    made, channel, (window,) = archive_builder.begun(archive)
    for identifiers in pages:
        made.put(archive_builder.answer(channel, window.window, identifiers))
        made.commit()
    if gone:
        outcomes = [(i, "2020-01-01T00:00:00Z", "deleted", None) for i in gone]
        made.put(
            archive_builder.answer(
                channel, window.window, gone, outcomes=outcomes, payload=archive_builder.payload(gone, deleted=True)
            )
        )
        made.commit()
    made.finish("complete")
    made.close()
    write_release(archive, folder, options(**making_))
    return folder
