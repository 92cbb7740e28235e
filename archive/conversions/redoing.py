"""The metadata of one record made once more of its original; and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree

from archive.canonical import encode_as_sent
from archive.crosswalks import ConversionError, Converted, convert, iso2709
from archive.envelope import Record, parse_json
from archive.originals import parsed_original

# What becomes of a record: the same JSON again, another, some where there was none; or none now where there was some
# (which stays), and none as before though XML came. `other`: without XML, or with XML that no crosswalk is for.
KINDS = ("same", "otherwise", "new", "no_longer", "not", "other")
# what ISO 2709 comes as
_MARC = frozenset({"application/marc", "application/x-marc", "application/marc21", "application/octet-stream"})


@dataclass(frozen=True, slots=True)
class Redone:
    """What became of a record; `kind` is one of KINDS, `reason` says what differs or what is wrong."""

    kind: str
    identifier: str
    format: str
    reason: str = ""


def redone(text: bytes, record: Record) -> tuple[bytes, Redone]:
    """The JSON text of a record with its metadata made anew.

    What no longer converts keeps the JSON it has: nothing that is held is erased.
    """
    element = parsed_original(record)
    body = _iso2709(record) if element is None else None
    if element is not None:
        made, reason, unknown = *_converted(element), f"no crosswalk for {element.tag!s}"
    elif body is not None:
        records = iso2709.read_bytes(body)
        made, unknown = iso2709.joined_json(records), ""
        reason = next((one.reason for one in records if isinstance(one, iso2709.Fault)), "")
    else:
        return _reread(text, record)
    start, end = _place_of_metadata(text)
    had = text[start:end] != b"null"
    if made is None:
        kind = "no_longer" if had else "not" if reason else "other"
        return text, Redone(kind, record.identifier, record.format, reason or unknown)
    new = encode_as_sent(made)
    if new == text[start:end]:
        return text, Redone("same", record.identifier, record.format)
    what = Redone("otherwise" if had else "new", record.identifier, record.format, _difference(record.metadata, made))
    return text[:start] + new + text[end:], what


def _converted(element: etree._Element) -> tuple[Converted | None, str]:
    try:
        return convert(element), ""
    except (ConversionError, RecursionError) as error:
        return None, str(error)[:200] or "elements nested too deep"


def _iso2709(record: Record) -> bytes | None:
    """The bytes of a record that was sent as ISO 2709; None for any other."""
    if record.deleted or record.original is None or record.media_type.partition(";")[0].strip() not in _MARC:
        return None
    try:
        body = record.original_bytes() or b""
    except ValueError:
        return None
    return body if iso2709.looks_like(body[:4096]) else None


def _reread(text: bytes, record: Record) -> tuple[bytes, Redone]:
    """A record that was sent as JSON and kept beside its meaning: that is read once more, with all digits."""
    other = Redone("other", record.identifier, record.format)
    if record.metadata is None or record.original is None:
        return text, other
    try:
        parsed = parse_json(record.original_bytes() or b"")
    except ValueError:
        return text, other
    start, end = _place_of_metadata(text)
    if not isinstance(parsed.value, dict) or parsed.text == text[start:end]:
        return text, other
    difference = _difference(record.metadata, parsed.value)
    return text[:start] + parsed.text + text[end:], Redone("otherwise", record.identifier, record.format, difference)


def _place_of_metadata(text: bytes) -> tuple[int, int]:
    """Where the metadata of a record that has an `original` begins and ends in its JSON text.

    No string holds what is looked for: a quotation mark in it would have a backslash before it.
    """
    start = text.index(b',"metadata":') + len(b',"metadata":')
    return start, text.rindex(b',"original":')


def _difference(had: Mapping[str, object] | None, made: Mapping[str, object]) -> str:
    """The keys whose values differ."""
    names = [name for name in {**(had or {}), **made} if (had or {}).get(name) != made.get(name)]
    return ", ".join(names[:5]) or "how it is written"
