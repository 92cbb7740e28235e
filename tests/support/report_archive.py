"""An archive with something of everything that a report shows, in the amounts that a test asks for."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archive.findings import Finding
from archive.formats import jsonseq
from archive.store import envelope
from archive.store.ledger import NewWindow
from support import archive_builder

NOW = datetime(2026, 3, 5, tzinfo=UTC)
BEGAN = datetime(2026, 3, 4, 5, 0, 0, tzinfo=UTC)


def identifier(number: int) -> str:
    return f"oai:repository.example:{number}"


def stamp(number: int, width: int = 100) -> str:
    """Ids of one month each `width` numbers, from 2019 on."""
    month = 12 * 2019 + number // width
    return f"{month // 12:04d}-{month % 12 + 1:02d}-15T00:00:00Z"


def at(seconds: float) -> str:
    return f"{BEGAN + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"


def archive(
    folder: Path,
    states: dict[int, str],
    *,
    sets: Iterable[str] = ("user-a", "user-b"),
    title: str = "A title",
    findings: Iterable[Finding] = (),
    waits: Iterable[tuple[str, str, float, str]] = (),
    ending: str = "complete",
    page: int = 100,
    months: int | None = None,
) -> Path:
    """An archive harvested once, whose ids ended in these states; a `page` of ids every ten seconds.

    `sets` are taken in turns, by number; every record has `title`. The ids are of so many `months`, None: each 100
    numbers of one.
    """
    specs, width = list(sets), 100 if months is None else max(states) // months + 1
    made = archive_builder.writer(folder)
    made.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = made.ledger.channel(*archive_builder.CHANNEL)
    (window,) = made.open_windows([NewWindow(channel, "ListRecords", None, None)])
    numbers = sorted(states)
    pages = [numbers[n : n + page] for n in range(0, len(numbers), page)]
    for place, ids in enumerate(pages):
        listed = [n for n in ids if states[n] in ("read", "deleted")]
        framed = b"".join(jsonseq.encode(_record(n, stamp(n, width), states[n], specs, title)) for n in listed)
        outcomes = [(identifier(n), stamp(n, width), states[n], None) for n in listed]
        made.put(
            archive_builder.answer(
                channel,
                window.window,
                [],
                listed=len(listed),
                outcomes=outcomes,
                at=at(10 * place),
                payload=((framed, len(listed)),) if listed else (),
            )
        )
        for n in ids:
            if states[n] not in ("read", "deleted"):
                made.put(
                    archive_builder.answer(
                        channel,
                        window.window,
                        [],
                        url=f"{archive_builder.URL}?verb=GetRecord",
                        state=states[n],
                        listed=0,
                        outcomes=[(identifier(n), stamp(n, width), states[n], f"it is {states[n]}")],
                        payload=(),
                        http_status=None if states[n] == "lost" else 500,
                        reason="no",
                        at=at(10 * place + 1),
                        attempts=2,
                    )
                )
        made.commit()
    with made.ledger.transaction():
        made.ledger.add_waits(made.run_number, waits)
    count = made.count_window(window.window, 1)
    made.close_window(
        window.window,
        state="done",
        end="empty-token",
        count=count,
        stated=None,
        pages=len(pages),
        attempts=1,
        notes=list(findings),
    )
    made.finish(ending)
    made.close()
    return folder


def _record(number: int, datestamp: str, state: str, specs: list[str], title: str) -> bytes:
    deleted = state == "deleted"
    return envelope.encode(
        identifier(number),
        datestamp,
        deleted,
        (specs[number % len(specs)],) if specs else (),
        "oai_dc",
        "application/xml",
        archive_builder.URL,
        "2026-03-04T05:06:07Z",
        None if deleted else "0" * 64,
        None if deleted else {"title": [title]},
        None,
        (),
    )
