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

# what JSON may not have around or in it when it stands in a text sequence as it is: its lines end where it ends
_LINE_ENDS = (b"\n", b"\r", b"\x1e")
BASE64 = "base64"
# so many brackets may be nested deeper than a record can be written (254 levels)
_DEEP = 250


@dataclass(frozen=True, slots=True)
class Record:
    """A record of an archive (docs/archive-format.md).

    `metadata` is JSON; `original` what was sent, where `metadata` is not that itself; `encoding` the one whose
    bytes of `original` were sent, "base64" when `original` holds the bytes themselves in it.
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
        """The bytes that `original` stands for, None without one. Raises ValueError when it stands for none."""
        if self.original is None:
            return None
        if self.encoding == BASE64:
            return base64.b64decode(self.original, validate=True)
        return self.original.encode(self.encoding)


class NotJson(ValueError):
    """Bytes that are no JSON text (RFC 8259); `str()` says where."""


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
    """One record as a JSON text. `original` and `about` are left out when there are none."""
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
    """What JSON that was sent means, and `text`, which says the same and can stand in a record.

    `plain`: that text is what was sent, byte for byte. Otherwise it is on one line, each key once, its numbers with
    all their digits.
    """

    value: Any
    text: bytes
    plain: bool


def parse_json(body: bytes) -> ParsedJson:
    """Read one JSON text. Raises NotJson.

    With a byte order mark, NaN or Infinity, or a lone surrogate it is not JSON to the letter (RFC 8259), and is read:
    what cannot be written again is null, or U+FFFD. A number beyond all doubles (1e400) is a text of its digits.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as cause:
        value = _lenient(body, cause)
        _check_depth(value, body)
        return ParsedJson(value, canonical.encode_as_sent(value), plain=False)
    _check_depth(value, body)
    # a key that is there twice shows as a colon too few; the slow look decides
    if any(end in body for end in _LINE_ENDS) or (
        body.count(b'":') + body.count(b'" :') != orjson.dumps(value).count(b'":') and _repeats_a_key(body)
    ):
        value = read_as_sent(body, value)
        return ParsedJson(value, canonical.encode_as_sent(value), plain=False)
    return ParsedJson(value, body, plain=True)


def parse_exactly(body: bytes) -> Any:
    """Read one JSON text as `parse_json`, each number with all its digits. Raises NotJson."""
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
    """One record whose metadata is JSON that the provider sent, kept byte for byte.

    The bytes are embedded as they are; where they hold a line end, a key twice or what is not to the letter JSON,
    `original` keeps them, and `metadata` what they mean. Raises NotJson.
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
    """One record that was not sent as JSON; `encoding` is that of the body's text, as far as it is known."""
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
    """The bytes that the provider sent, of a record's JSON text; None for a record that came without metadata.

    Raises ValueError when the text is no record of ours.
    """
    record = decode(text)
    if record.original is not None:
        return record.original_bytes()
    if record.metadata is None:
        return None
    # no string holds these bytes: a quotation mark in it would have a backslash before it
    start = text.index(b',"metadata":') + len(b',"metadata":')
    return text[start : text.rindex(b"}")]


def _lenient(body: bytes, cause: Exception) -> Any:
    try:
        return _writable(canonical.reread_leniently(body))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise NotJson(f"not JSON ({len(body)} bytes): {cause}") from None


def _writable(value: Any) -> Any:
    """Without lone surrogates, which no UTF-8 can hold."""
    if isinstance(value, dict):
        return {_writable(key): _writable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_writable(inner) for inner in value]
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else value


def _check_depth(value: Any, body: bytes) -> None:
    """Raises NotJson for a value too deep to be written."""
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
    """`original` and, unless it is UTF-8, `encoding`: together they give the bytes back."""
    try:
        text = body.decode(encoding)
        text.encode("utf-8")  # a lone surrogate cannot be written
        if text.encode(encoding) == body:
            return {"original": text} if encoding == "utf-8" else {"original": text, "encoding": encoding}
    except (UnicodeError, LookupError):
        pass
    return {"original": base64.b64encode(body).decode("ascii"), "encoding": BASE64}


def decode(text: bytes) -> Record:
    """Read a record. Raises ValueError (KeyError, TypeError) when the text is no record of ours."""
    return record_of(orjson.loads(text))


def decode_as_sent(text: bytes) -> Record:
    """Read a record; the numbers in its metadata have all the digits that were sent. Raises as `decode`."""
    return record_of(read_as_sent(text, orjson.loads(text)))


def read_as_sent(text: bytes, value: Any) -> Any:
    """Return `value`, which orjson has read in `text`, with each number as it was sent."""
    exact = b"-0" not in text and not canonical.holders(value if isinstance(value, dict | list) else [value])
    return value if exact else canonical.reread(text)


def record_of(values: dict[str, Any]) -> Record:
    """A record of its parsed JSON. Raises KeyError and TypeError."""
    return Record(
        identifier=values["identifier"],
        datestamp=values["datestamp"],
        deleted=values["deleted"],
        sets=tuple(values["sets"]),
        format=values["format"],
        media_type=values["media_type"],
        url=values["url"],
        retrieved=values["retrieved"],
        sha256=values["sha256"],
        metadata=values["metadata"],
        original=values.get("original"),
        about=tuple(values.get("about", ())),
        encoding=values.get("encoding", "utf-8"),
    )


_SPACE = re.compile(r"\s*")
_SPACE_BYTES = re.compile(rb"\s*")
_ASIDES = (("<!--", "-->"), ("<?", "?>"))
_ASIDES_BYTES = ((b"<!--", b"-->"), (b"<?", b"?>"))


def first_tag(text: AnyStr, at: int = 0) -> int:
    """Where white space, comments and processing instructions end; the length when one of them has no end."""
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
        # what opens an aside is no part of its end: <!--> is none
        end = text.find(closed, at + (4 if len(closed) == 3 else 2))
        if end < 0:
            return len(text)
        at = end + len(closed)


_DECLARATION = re.compile(r"^(<\?xml[^>]*?)\s+encoding\s*=\s*(\"[^\"]*\"|'[^']*')")


def parsed_original(record: Record) -> etree._Element | None:
    """The root element of what was sent; None where that is not kept, or is not XML of a record.

    A document type is never read: such a body was kept as text, an HTML page mostly.
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
    """The root element of what somebody sent; nothing is fetched or expanded. Raises lxml's errors, and ValueError."""
    # a parser of its own each time: one that is shared keeps the names of every document it has read
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    return etree.fromstring(body, parser)
