"""The row of the index that a record gives: a JSON object on a line, as sql/load_versions.sql reads it."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson

from archive import canonical
from archive.indexes.columns import columns_of
from archive.moments import moment

Json = dict[str, Any]

_METADATA, _ORIGINAL, _IN_SHARD = b',"metadata":', b',"original":"', b'{"identifier":'


@dataclass(frozen=True, slots=True)
class Parsed:
    """A record as its shard has it: `values` by key, `metadata` as it stands there (None for null), `hash` of all.

    `original` and what follows it are not among the values where `metadata` is there: nothing of the index needs them.
    """

    values: Json
    metadata: bytes | None
    hash: int


def parse_record(text: bytes, digest: bytes | None = None) -> Parsed:
    """Read the JSON text of a record. Raises KeyError, TypeError and ValueError for what is none.

    `digest` is the SHA-256 of the text, where the caller has it.
    """
    hash_ = int.from_bytes((digest or sha256(text).digest())[:8], "big")
    # In a string a quotation mark has a backslash before it. So this is a key, and unless it is one of the record
    # itself, what is before it and one brace are no JSON.
    # In a release the keys have another order, and much comes behind that one.
    end = text.rfind(_ORIGINAL) if text.startswith(_IN_SHARD) else -1
    if end > 0:
        try:
            values = orjson.loads(text[:end] + b"}")
            if values["metadata"] is not None and "sets" in values and "sha256" in values:
                return Parsed(values, text[text.index(_METADATA) + len(_METADATA) : end], hash_)
        except (ValueError, KeyError):
            pass
    values = orjson.loads(text)
    return Parsed(values, None if values["metadata"] is None else metadata_text(values, text), hash_)


def row_line(parsed: Parsed, shard: int, frame: int, position: int, run: int | None, outcome: int) -> bytes:
    """The row of a record that lies there. Raises KeyError, TypeError and ValueError for what is no record."""
    values = parsed.values
    identifier, stamp, url = values["identifier"], values["datestamp"], values["url"]
    metadata = _with_all_digits(values["metadata"], parsed.metadata)
    row: Json = {
        "identifier": identifier, "format": values["format"], "datestamp": moment(stamp),
        "deleted": values["deleted"], "sets": values["sets"], "url": url,
        "retrieved": _page_moment(values["retrieved"]), "sha256": values["sha256"], "shard": shard, "frame": frame,
        "stamp": stamp, "position": position, "run": run, "outcome": outcome, "hash": parsed.hash,
        **columns_of(identifier, metadata, url, _original(values)),
    }  # fmt: skip
    if parsed.metadata is not None:
        row["metadata"] = orjson.Fragment(parsed.metadata)
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _with_all_digits(metadata: Any, text: bytes | None) -> Any:
    """Read metadata again where a number in it has more digits than a double: some of them are texts of the index."""
    if text is None or not canonical.has_long_run(text) or not canonical.holders(metadata):
        return metadata
    return canonical.reread(text)


def metadata_text(values: Json, text: bytes) -> bytes:
    """The JSON of `metadata` as it stands in the text of a record.

    What is before and after it are texts and lists of texts, in which a quotation mark has a backslash before it: no
    other place in them looks like the beginning of a key.
    """
    keys = list(values)
    after = keys[keys.index("metadata") + 1 :]
    start = text.index(_METADATA) + len(_METADATA)
    return text[start : text.rindex(f',"{after[0]}":'.encode()) if after else text.rindex(b"}")]


def _original(values: Json) -> str | None:
    """The XML of a record that has no JSON: where files may be named in it."""
    if values["metadata"] or values["deleted"] or values.get("encoding", "utf-8") != "utf-8":
        return None
    return values.get("original")


_page_moment = lru_cache(maxsize=64)(moment)  # all records of a page were retrieved at one time
