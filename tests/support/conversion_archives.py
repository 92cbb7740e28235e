"""Archives for tests of conversion: records with originals, and what an older converter made of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from archive.crosswalks.registry import convert
from archive.formats import jsonseq
from archive.store import envelope
from archive.store.envelope import parsed_original
from support.archive_builder import answer, begun

DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"


def dublin_core(title: str) -> str:
    """An oai_dc record with one title."""
    return f'<dc xmlns="{DC}" xmlns:d="http://purl.org/dc/elements/1.1/"><d:title>{title}</d:title></dc>'


def text(identifier: str, original: str | None, metadata: Any = "made", format_: str = "oai_dc") -> bytes:
    """A record's JSON text; its metadata are what the converter makes of the original, unless they are given."""
    record = envelope.encode(
        identifier,
        "2020-01-01T00:00:00Z",
        False,
        (),
        format_,
        "application/xml",
        "u",
        "r",
        "0" * 64,
        None,
        original,
        (),
    )
    if metadata == "made":
        element = parsed_original(envelope.decode(record))
        metadata = None if element is None else convert(element)
    return orjson.dumps({**orjson.loads(record), "metadata": metadata})


def filled(folder: Path, shards: Sequence[Sequence[Sequence[bytes]]], **more: Any) -> None:
    """Make an archive of these shards of frames of records, and close it."""
    made, channel, (window,) = begun(folder, **more)
    for number, frames in enumerate(shards):
        for frame in frames:
            rows = [
                (r.identifier, r.datestamp, "deleted" if r.deleted else "read", None)
                for r in map(envelope.decode, frame)
            ]
            payload = ((b"".join(map(jsonseq.encode, frame)), len(frame)),)
            made.put(answer(channel, window.window, [r[0] for r in rows], outcomes=rows, payload=payload))
            made.commit()
        if number < len(shards) - 1:
            made.close()
            made, channel, (window,) = begun(folder, **more)
    listed = sum(len(frame) for frame in shards[-1])
    count = made.count_window(window.window, 1)
    made.close_window(window.window, state="done", end="empty-token", count=count, stated=listed, pages=1, attempts=1)
    made.finish("complete")
    made.close()
