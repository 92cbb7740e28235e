"""An archive made for serving: two formats of XML, one of JSON, sets, deletions, versions, odd datestamps."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from archive.formats import jsonseq
from archive.index.build import index
from archive.store import envelope
from support import archive_builder

ABOUT = '<provenance xmlns="http://www.openarchives.org/OAI/2.0/provenance"><originDescription/></provenance>'


def dublin_core(title: str) -> str:
    """A metadata element as a provider sends it; its bytes are of no other form."""
    return (
        '<oai_dc:dc  xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/"\n '
        f"xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:title>{title} &amp; \U0001f989</dc:title></oai_dc:dc>"
    )


def record(
    identifier: str,
    datestamp: str,
    title: str | None,
    sets: Sequence[str] = (),
    about: Sequence[str] = (),
    format_: str = "oai_dc",
    original: str | None = None,
    media_type: str = "application/xml",
) -> envelope.Record:
    """A record; without a title a deleted one. `original` is Dublin Core unless something else is given."""
    gone = title is None
    xml = None if gone or media_type != "application/xml" else original or dublin_core(title or "")
    return envelope.Record(
        identifier,
        datestamp,
        gone,
        tuple(sets),
        format_,
        media_type,
        archive_builder.URL,
        "2026-03-04T05:06:07Z",
        None if gone else "0" * 64,
        None if gone else {"title": [title]},
        xml,
        tuple(about),
    )


def many(count: int) -> list[envelope.Record]:
    """Records of one second each two, the odd ones in a set, every tenth deleted; out of order, as some lists are."""
    records = [
        record(
            f"oai:repository.example:{n:05d}",
            f"2020-01-01T{n // 7200:02d}:{n // 120 % 60:02d}:{n // 2 % 60:02d}Z",
            None if n % 10 == 0 else f"Title {n}",
            ("odd", f"odd:{n % 3}") if n % 2 else (),
            (ABOUT, ABOUT) if n % 5 == 1 else (),
        )
        for n in range(count)
    ]
    return [records[n * 7919 % count] for n in range(count)]


def archive(folder: Path, pages: Sequence[Sequence[envelope.Record]]) -> Path:
    """An archive of these pages, a frame each, and its index."""
    index(harvested(folder, pages))
    return folder


def harvested(folder: Path, pages: Sequence[Sequence[envelope.Record]], **more: Any) -> Path:
    """An archive of these pages, a frame each; `more` is for its writer."""
    writer = archive_builder.writer(folder, **more)
    writer.begin("oaipmh", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    for page in pages:
        by_format: dict[str, list[envelope.Record]] = {}
        for one in page:
            by_format.setdefault(one.format, []).append(one)
        for name, records in by_format.items():
            channel = writer.ledger.channel(f"oaipmh:{name}", name, None)
            writer.put(
                archive_builder.answer(
                    channel,
                    None,
                    [one.identifier for one in records],
                    outcomes=[(r.identifier, r.datestamp, "deleted" if r.deleted else "read", None) for r in records],
                    payload=((b"".join(map(_framed, records)), len(records)),),
                )
            )
        writer.commit()
    writer.finish("complete")
    writer.close()
    return folder


def _framed(one: envelope.Record) -> bytes:
    return jsonseq.encode(
        envelope.encode(
            one.identifier,
            one.datestamp,
            one.deleted,
            one.sets,
            one.format,
            one.media_type,
            one.url,
            one.retrieved,
            one.sha256,
            one.metadata,
            one.original,
            one.about,
        )
    )
