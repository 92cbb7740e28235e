"""What the runs of an archive took: requests, time, records, bytes; read from the ledger, also while one writes it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from archive.folder import Layout, read_description
from archive.questions import question
from archive.reading import snapshot


@dataclass(frozen=True, slots=True)
class RunWork:
    """One run. `requests` counts each try of those that a ledger line speaks of, `content_bytes` what was kept,
    unpacked. A run that was killed and resumed began when it was first begun.
    """

    run: int
    spider: str
    mode: str
    arguments: dict[str, Any]
    state: str
    started: str
    finished: str | None
    requests: int
    records: int
    content_bytes: int

    @property
    def seconds(self) -> float | None:
        """From its beginning to its end, pauses included; None while it has no end."""
        if self.finished is None:
            return None
        return (datetime.fromisoformat(self.finished) - datetime.fromisoformat(self.started)).total_seconds()


def read_work(folder: Path) -> list[RunWork]:
    """The runs of an archive in their order; none where there is no archive yet. Raises OtherArchive, Damaged."""
    if not Layout(folder).description.exists():
        return []
    read_description(folder)
    with snapshot(Layout(folder)) as ledger:
        rows = ledger.execute(question("work_of_runs")).fetchall()
    return [
        RunWork(run, spider, mode, orjson.loads(arguments), state, started, finished, requests, records, size)
        for run, spider, mode, arguments, state, started, finished, requests, records, size in rows
    ]
