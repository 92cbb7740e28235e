"""A record as a shard holds it: one JSON object with its keys in a fixed order, and the original it was made from.

The XML of a record is kept as it was sent, and derived data are derived from it again. What may precede the first tag
of a document (declaration, comments, processing instructions) is skipped by a scanner that looks at each byte once.
Regular expressions fail here: one that can match two comments as one backtracks over all ways to divide a series of
them, and one that cannot keeps a hundred bytes of state for each byte skipped.
"""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, AnyStr

import orjson
from lxml import etree

from archive.formats import canonical

# what JSON must not contain if it is embedded in a text sequence unchanged: a line end would end the record
_LINE_ENDS = (b"\n", b"\r", b"\x1e")
BASE64 = "base64"
# with this many brackets the nesting may be deeper than can be written (254 levels)
_DEEP = 250


@dataclass(frozen=True, slots=True)
class Record:
    """A record of an archive (docs/archive-format.md).

    `metadata` is JSON; `original` is what was sent, unless `metadata` is just that. `encoding` is the character
    encoding in which `original` gives the bytes that were sent, or "base64" if `original` has the bytes themselves in
    base64.
    """

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
    encoding: str = "utf-8"

    def original_bytes(self) -> bytes | None:
        """Return the bytes that `original` stands for, None without one. Raises ValueError if it is invalid."""
        if self.original is None:
            return None
        if self.encoding == BASE64:
            return base64.b64decode(self.original, validate=True)
        return self.original.encode(self.encoding)


class NotJson(ValueError):
    """The bytes are not a JSON text (RFC 8259); `str()` says where."""


def encode(
    identifier: str,
    datestamp: str,
    deleted: bool,
    sets: tuple[str, ...],
    format_: str,
    media_type: str,
    url: str,
    retrieved: str,
    sha256: str | None,
    metadata: dict[str, Any] | None,
    original: str | None,
    about: tuple[str, ...],
) -> bytes:
    """Encode one record as a JSON text. `original` and `about` are left out if they are None."""
    record: dict[str, Any] = {
        "identifier": identifier,
        "datestamp": datestamp,
        "deleted": deleted,
        "sets": sets,
        "format": format_,
        "media_type": media_type,
        "url": url,
        "retrieved": retrieved,
        "sha256": sha256,
        "metadata": metadata,
    }
    if original is not None:
        record["original"] = original
    if about:
        record["about"] = about
    return canonical.encode_as_sent(record)


@dataclass(frozen=True, slots=True)
class ParsedJson:
    """The value of JSON that was sent, and `text`, an equivalent text that can be stored in a record.

    If `plain`, `text` is what was sent, byte for byte. Otherwise it is on one line, has each key once, and its numbers
    with all their digits.
    """

    value: Any
    text: bytes
    plain: bool


def parse_json(body: bytes) -> ParsedJson:
    """Parse one JSON text. Raises NotJson.

    Text with a byte order mark, NaN or Infinity, or a lone surrogate is not JSON by RFC 8259, but is accepted: what
    cannot be written again becomes null, or U+FFFD. A number beyond all doubles (1e400) becomes a string of its digits.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as cause:
        value = _lenient(body, cause)
        _check_depth(value, body)
        return ParsedJson(value, canonical.encode_as_sent(value), plain=False)
    _check_depth(value, body)
    # a duplicate key shows as a missing colon; the slow check decides
    if any(end in body for end in _LINE_ENDS) or (
        body.count(b'":') + body.count(b'" :') != orjson.dumps(value).count(b'":') and _repeats_a_key(body)
    ):
        value = read_as_sent(body, value)
        return ParsedJson(value, canonical.encode_as_sent(value), plain=False)
    return ParsedJson(value, body, plain=True)


def parse_exactly(body: bytes) -> Any:
    """Parse one JSON text like `parse_json`, each number with all its digits. Raises NotJson."""
    parsed = parse_json(body)
    return read_as_sent(body, parsed.value) if parsed.plain else parsed.value


def encode_json(
    identifier: str,
    datestamp: str,
    deleted: bool,
    sets: Sequence[str],
    format_: str,
    media_type: str,
    url: str,
    retrieved: str,
    body: bytes,
    parsed: ParsedJson | None = None,
) -> bytes:
    """Encode one record whose metadata is JSON that the provider sent, kept byte for byte.

    The bytes are embedded as they are. If they contain a line end, a duplicate key or anything that is not strictly
    JSON, `original` keeps them, and `metadata` their meaning. Raises NotJson.
    """
    parsed = parsed or parse_json(body)
    record: dict[str, Any] = {
        "identifier": identifier,
        "datestamp": datestamp,
        "deleted": deleted,
        "sets": sets,
        "format": format_,
        "media_type": media_type,
        "url": url,
        "retrieved": retrieved,
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    record["metadata"] = orjson.Fragment(parsed.text)
    if not parsed.plain:
        record |= _original(body, "utf-8")
    return orjson.dumps(record)


def encode_bytes(
    identifier: str,
    datestamp: str,
    deleted: bool,
    sets: Sequence[str],
    format_: str,
    media_type: str,
    url: str,
    retrieved: str,
    body: bytes,
    encoding: str,
    metadata: dict[str, Any] | None,
) -> bytes:
    """Encode one record that was not sent as JSON; `encoding` is that of the body's text, if known."""
    return canonical.encode_as_sent(
        {
            "identifier": identifier,
            "datestamp": datestamp,
            "deleted": deleted,
            "sets": sets,
            "format": format_,
            "media_type": media_type,
            "url": url,
            "retrieved": retrieved,
            "sha256": hashlib.sha256(body).hexdigest(),
            "metadata": metadata,
            **_original(body, encoding),
        }
    )


def sent_bytes(text: bytes) -> bytes | None:
    """Return the bytes that the provider sent, from a record's JSON text; None for a record without metadata.

    Raises ValueError if the text is not a record of ours.
    """
    record = decode(text)
    if record.original is not None:
        return record.original_bytes()
    if record.metadata is None:
        return None
    # no string contains these bytes: a quotation mark in it would be escaped
    start = text.index(b',"metadata":') + len(b',"metadata":')
    return text[start : text.rindex(b"}")]


def _lenient(body: bytes, cause: Exception) -> Any:
    try:
        return _writable(canonical.reread_leniently(body))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise NotJson(f"not JSON ({len(body)} bytes): {cause}") from None


def _writable(value: Any) -> Any:
    """Replace lone surrogates, which UTF-8 cannot encode."""
    if isinstance(value, dict):
        return {_writable(key): _writable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_writable(inner) for inner in value]
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else value


def _check_depth(value: Any, body: bytes) -> None:
    """Raise NotJson if a value is nested too deep to be written."""
    if body.count(b"[") + body.count(b"{") > _DEEP:
        try:
            orjson.dumps({"metadata": value})
        except TypeError:
            raise NotJson(f"JSON that is nested too deep ({len(body)} bytes)") from None


def _repeats_a_key(body: bytes) -> bool:
    found = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or len({name for name, _ in pairs}) < len(pairs)

    json.loads(body, object_pairs_hook=look)
    return found


def _original(body: bytes, encoding: str) -> dict[str, str]:
    """Return `original` and, unless it is UTF-8, `encoding`: together they give the bytes back."""
    try:
        text = body.decode(encoding)
        text.encode("utf-8")  # a lone surrogate cannot be written
        if text.encode(encoding) == body:
            return {"original": text} if encoding == "utf-8" else {"original": text, "encoding": encoding}
    except (UnicodeError, LookupError):
        pass
    return {"original": base64.b64encode(body).decode("ascii"), "encoding": BASE64}


def decode(text: bytes) -> Record:
    """Decode a record. Raises ValueError, KeyError or TypeError if the text is not a record of ours."""
    return record_of(orjson.loads(text))


def decode_as_sent(text: bytes) -> Record:
    """Decode a record, with all digits that were sent in the numbers of its metadata. Raises as `decode`."""
    return record_of(read_as_sent(text, orjson.loads(text)))


def read_as_sent(text: bytes, value: Any) -> Any:
    """Return `value`, which orjson read from `text`, with each number as it was sent."""
    exact = b"-0" not in text and not canonical.holders(value if isinstance(value, dict | list) else [value])
    return value if exact else canonical.reread(text)


def record_of(values: dict[str, Any]) -> Record:
    """Make a record from its parsed JSON. Raises KeyError and TypeError."""
    return Record(
        values["identifier"],
        values["datestamp"],
        values["deleted"],
        tuple(values["sets"]),
        values["format"],
        values["media_type"],
        values["url"],
        values["retrieved"],
        values["sha256"],
        values["metadata"],
        values.get("original"),
        tuple(values.get("about", ())),
        values.get("encoding", "utf-8"),
    )


_SPACE = re.compile(r"\s*")
_SPACE_BYTES = re.compile(rb"\s*")
_ASIDES = (("<!--", "-->"), ("<?", "?>"))
_ASIDES_BYTES = ((b"<!--", b"-->"), (b"<?", b"?>"))


def first_tag(text: AnyStr, at: int = 0) -> int:
    """Find where white space, comments and processing instructions end.

    Returns the length of the text if one of them has no end.
    """
    if isinstance(text, bytes):
        return _after(text, at, _SPACE_BYTES, _ASIDES_BYTES)
    return _after(text, at, _SPACE, _ASIDES)


def _after(text: AnyStr, at: int, space: re.Pattern[AnyStr], asides: tuple[tuple[AnyStr, AnyStr], ...]) -> int:
    while True:
        found = space.match(text, at)
        at = found.end() if found is not None else at
        closed = next((closed for opened, closed in asides if text.startswith(opened, at)), None)
        if closed is None:
            return at
        # the opening of a comment is not part of its end: <!--> is not a comment
        end = text.find(closed, at + (4 if len(closed) == 3 else 2))
        if end < 0:
            return len(text)
        at = end + len(closed)


_DECLARATION = re.compile(r"^(<\?xml[^>]*?)\s+encoding\s*=\s*(\"[^\"]*\"|'[^']*')")


def parsed_original(record: Record) -> etree._Element | None:
    """Parse what was sent to its root element; None if it was not kept, or is not XML of a record.

    A body with a document type is never parsed: it was kept as text, and is mostly an HTML page.
    """
    original = record.original
    if original is None:
        return None
    try:
        if record.encoding == BASE64:
            body = record.original_bytes() or b""
            return None if b"<!DOCTYPE" in body else parse_xml(body)
        text = original.lstrip("\ufeff \t\r\n")
        if not text.startswith("<") or text.startswith("<!DOCTYPE", first_tag(text)):
            return None
        return parse_xml(_DECLARATION.sub(r"\1", text, count=1).encode())
    except (etree.LxmlError, ValueError):
        return None


def parse_xml(body: bytes) -> etree._Element:
    """Parse untrusted XML to its root element; nothing is fetched or expanded. Raises lxml's errors and ValueError."""
    # a new parser each time: a shared one keeps the names of every document it has read
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    return etree.fromstring(body, parser)
