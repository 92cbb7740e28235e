"""The record as a shard holds it: one JSON object, its keys in a fixed order."""

from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Record:
    """A record of an archive: `metadata` is JSON, `original` the XML it was made from (docs/archive-format.md)."""

    identifier: str
    datestamp: str
    deleted: bool
    sets: tuple[str, ...]
    format: str
    media_type: str
    url: str
    retrieved: str
    sha256: str | None
    metadata: dict[str, Any] | None
    original: str | None = None
    about: tuple[str, ...] = ()


def encode(
    identifier: str, datestamp: str, deleted: bool, sets: tuple[str, ...], format_: str, media_type: str, url: str,
    retrieved: str, sha256: str | None, metadata: dict[str, Any] | None, original: str | None, about: tuple[str, ...],
) -> bytes:  # fmt: skip
    """One record as a JSON text. `original` and `about` are left out when there are none."""
    record: dict[str, Any] = {
        "identifier": identifier, "datestamp": datestamp, "deleted": deleted, "sets": sets, "format": format_,
        "media_type": media_type, "url": url, "retrieved": retrieved, "sha256": sha256, "metadata": metadata,
    }  # fmt: skip
    if original is not None:
        record["original"] = original
    if about:
        record["about"] = about
    return orjson.dumps(record)


def decode(text: bytes) -> Record:
    """Read a record. Raises ValueError (KeyError, TypeError) when the text is no record of ours."""
    values = orjson.loads(text)
    return Record(
        values["identifier"], values["datestamp"], values["deleted"], tuple(values["sets"]), values["format"],
        values["media_type"], values["url"], values["retrieved"], values["sha256"], values["metadata"],
        values.get("original"), tuple(values.get("about", ())),
    )  # fmt: skip
