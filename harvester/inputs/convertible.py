"""Whatever holds records, as their JSON one after the other: files as they were sent, shards, pages, archives.

Which kind a file is shows in its first bytes, not in its name. A file is read whole or not at all, but for sequences,
lines and a collection of MARC, which may be larger than memory: those are read to their end as well, and what is wrong
on the way is said there.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from lxml import etree

from archive.crosswalks import (
    NAMESPACE,
    Ambiguous,
    ConversionError,
    convert,
    fault_in,
    has_crosswalk,
    is_record,
    iso2709,
    opened,
    payloads,
    unmapped,
)
from archive.crosswalks import text as text_of
from archive.disk import translated
from archive.formats import canonical, jsonseq
from archive.store import NotJson, Record, envelope, parsed_original
from harvester.errors import MalformedPage, ProviderError, Unreadable, UsageError
from harvester.inputs import opening
from harvester.oaipmh import NAMESPACE as OAI_NAMESPACE
from harvester.oaipmh import OaiRecord, parse_document, parse_get_record, parse_list_records

Json = dict[str, Any]

_OAI = f"{{{OAI_NAMESPACE}}}"
_OAI_PMH = f"{_OAI}OAI-PMH"
_MARK, _SPACE = b"\xef\xbb\xbf", b" \t\r\n"
# in C, and all of JSON's structure is ASCII: in a text of one character a byte its places are places in the bytes
_scan: Callable[[str, int], tuple[Any, int]] = vars(json.JSONDecoder())["scan_once"]
_NOT_A_RECORD = "a JSON {kind}, which is not a record"
_COLLECTIONS = (f"{{{NAMESPACE}}}collection", "collection")
# a document type may be there, and nothing of it is expanded: texts longer than 10 MB are no MARC
_STRICT: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")
_IN_A_SHARD = frozenset({"identifier", "format", "metadata", "sha256"})
# a release does not say of a record where and when it was had
_NOT_IN_A_RELEASE = {"url": "", "retrieved": ""}


@dataclass(frozen=True, slots=True)
class Item:
    """A record: `name` is its id, or its number in the file; `metadata` None where there is no JSON, and why not.

    A tombstone has neither metadata nor a reason. `identifier` is empty where nothing says it.
    """

    name: str
    metadata: Json | None
    reason: str = ""
    identifier: str = ""


def iter_items(path: Path) -> Iterator[Item]:
    """The records of a file, however it is packed: see `harvester.inputs.opening`.

    Raises UsageError when it is not there, Unreadable when it is not what it begins as.
    """
    if not path.is_file():
        raise UsageError(f"{path} is no file; name a file of records, an archive, a release, or - for standard input")
    with translated(path, "reading"):
        for one in opening.opened(path):
            items = _of_stream(one.head, one.file)
            yield from items if not one.member else _named(items, one.member)


def item_of_text(text: bytes, name: str) -> Item:
    """Read a JSON text of a release: a record as a shard has it, or its JSON alone."""
    try:
        return _of_value(_parsed(text), name)
    except NotJson as cause:
        return Item(name, None, str(cause))


def _named(items: Iterator[Item], member: str) -> Iterator[Item]:
    """Items of a file in an archive: what has no id of its own is named by its place."""
    try:
        for item in items:
            yield item if item.identifier else replace(item, name=f"{member}: {item.name}")
    except Unreadable as error:
        yield Item(member, None, str(error))


def item_of(record: Record) -> Item:
    """A record of an archive: of what was sent, where that is XML, otherwise its JSON."""
    if (element := parsed_original(record)) is not None:
        return _of_element(record.identifier, element, record.identifier)
    if record.metadata is None:
        return Item(record.identifier, None, "" if record.deleted else "a live record without metadata")
    # sent as JSON that is kept beside its meaning, which has U+FFFD for half a surrogate pair
    if record.original is not None and record.original.lstrip("\ufeff \t\r\n").startswith("{"):
        try:
            kept = _parsed(record.original.encode())
        except NotJson:
            kept = None
        if isinstance(kept, _Refused):
            return Item(record.identifier, None, kept.reason, record.identifier)
    return Item(record.identifier, record.metadata, identifier=record.identifier)


def flattened(items: Iterable[Item]) -> Iterator[Item]:
    """Yield each record of a container, a collection of MARC or a page of an API, as a record of its own."""
    for item in items:
        yield from _opened(item) if item.metadata is not None else (item,)


def _opened(item: Item) -> Iterator[Item]:
    metadata = item.metadata or {}
    try:
        members = opened(metadata)
    except Ambiguous as cause:
        yield replace(item, metadata=None, reason=str(cause))
        return
    if len(members) == 1 and members[0] is metadata:
        yield item
        return
    for number, one in enumerate(members, 1):
        name = f"{item.name}, record {number}" if len(members) > 1 else item.name
        if isinstance(one, dict):
            yield replace(item, name=name, metadata=one, identifier=_identifier(one) or item.identifier)
        else:
            yield Item(name, None, _NOT_A_RECORD.format(kind=type(one).__name__))
    if not members:
        yield replace(item, metadata=None, reason="a page without records")
    if metadata.get("unmapped"):  # of a collection, beside its records
        yield Item(f"{item.name}, beside its records", None, f"no place for {str(unmapped(metadata)[0])[:200]}")


def _identifier(value: Json) -> str:
    return text_of(value.get("id")) or text_of(value.get("_id")) or ""


# --- kinds of files


def _of_stream(head: bytes, file: BinaryIO) -> Iterator[Item]:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start[:1] == jsonseq.RS:
        file.seek(head.index(jsonseq.RS))
        yield from _of_sequence(file)
    elif start[:1] in (b"{", b"["):
        yield from _of_json(file)
    elif start[:1] == b"<" or head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield from _of_xml(file)
    elif iso2709.looks_like(head):
        yield from _of_iso2709(file)
    else:
        raise Unreadable(f"neither XML nor JSON nor ISO 2709 nor a shard: it begins {bytes(head[:40])!r}")


def _of_iso2709(file: BinaryIO) -> Iterator[Item]:
    for number, one in enumerate(iso2709.read(file), 1):
        name = f"record {number}"
        yield Item(name, None, one.reason) if isinstance(one, iso2709.Fault) else Item(name, one)


def _of_sequence(file: BinaryIO) -> Iterator[Item]:
    for number, element in enumerate(jsonseq.parse(iter(lambda: file.read(1 << 20), b"")), 1):
        if isinstance(element, jsonseq.BadText):
            yield Item(f"record {number}", None, element.reason)
        else:
            yield from _of_text(element.text, f"record {number}")


def _of_json(file: BinaryIO) -> Iterator[Item]:
    """One JSON text, a list of records, or texts one after the other: on a line each, or anyhow."""
    first = file.readline()
    second = next((line for line in file if line.strip(_SPACE)), b"")
    if second and _is_json(first.removeprefix(_MARK)):
        lines = filter(None, (line.strip(_SPACE) for line in chain([first, second], file)))
        for number, line in enumerate(lines, 1):
            yield from _of_line(line, number)
        return
    body = first + second + file.read()
    try:
        value = _parsed(body)
    except NotJson as cause:
        texts = list(cut_texts(body))
        if len(texts) < 2:
            raise Unreadable(str(cause)) from None
        for number, text in enumerate(texts, 1):
            yield from _of_text(text, f"record {number}")
        return
    for number, one in enumerate(value if isinstance(value, list) else [value], 1):
        yield _of_value(one, f"record {number}")


def cut_texts(body: bytes) -> Iterator[bytes]:
    """Cut JSON texts that stand one after the other; what is behind the last whole one comes as it is."""
    text, at = body.removeprefix(_MARK).decode("latin-1"), 0
    while at < len(text):
        if text[at] in " \t\r\n":
            at += 1
            continue
        try:
            end = _scan(text, at)[1]
        except (StopIteration, ValueError, RecursionError):
            end = len(text)
        yield text[at:end].encode("latin-1")
        at = end


def _of_line(line: bytes, number: int) -> Iterator[Item]:
    """A line of JSON lines: one text, or several without a line end between them."""
    texts = [line] if _is_json(line) else list(cut_texts(line))
    if len(texts) < 2:
        yield from _of_text(line, f"record {number}")
    else:
        for place, text in enumerate(texts, 1):
            yield from _of_text(text, f"record {number}, text {place}")


def _is_json(text: bytes) -> bool:
    try:
        return isinstance(orjson.loads(text), dict | list)
    except orjson.JSONDecodeError:
        return False


def _of_text(text: bytes, name: str) -> Iterator[Item]:
    try:
        value = _parsed(text)
    except NotJson as cause:
        yield Item(name, None, str(cause))
        return
    if isinstance(value, list):
        for number, one in enumerate(value, 1):
            yield _of_value(one, f"{name}, record {number}")
    else:
        yield _of_value(value, name)


@dataclass(frozen=True, slots=True)
class _Refused:
    """A record that stands in a JSON text and cannot be written again as it is, and why."""

    reason: str


def _parsed(text: bytes) -> Any:
    """Read a JSON text exactly, each record with half a surrogate pair in it as refused. Raises NotJson."""
    value = envelope.parse_exactly(text)
    if not _SURROGATE.search(text):
        return value
    raw = canonical.reread_leniently(text)
    if not isinstance(raw, list):
        return _whole(raw, value)
    return [_whole(one, other) for one, other in zip(raw, value, strict=True)]


def _whole(raw: Any, value: Any) -> Any:
    return _Refused(reason) if (reason := _lone_surrogate(raw)) else value


def _lone_surrogate(value: Any) -> str:
    """Name the place of the first half of a surrogate pair in a record; an empty text where there is none.

    No UTF-8 can hold it, and U+FFFD in its place would be another text.
    """
    if isinstance(value, dict) and (found := fault_in(value)) and "lone surrogate" in found:
        return found
    waiting = [("", value)]
    while waiting:
        place, one = waiting.pop()
        if isinstance(one, str):
            if (half := _HALF.search(one)) is not None:
                return f"{place or 'the text'}: U+{ord(half[0]):04X} is a lone surrogate, which no UTF-8 can hold"
        elif isinstance(one, dict):
            bad = next((key for key in one if _HALF.search(key)), None)
            if bad is not None:
                return f"{place or 'the record'}: the key {bad!a} has a lone surrogate, which no UTF-8 can hold"
            waiting += [(f"{place}/{key}", inner) for key, inner in reversed(one.items())]
        elif isinstance(one, list):
            waiting += [(f"{place}/{number}", inner) for number, inner in reversed(list(enumerate(one)))]
    return ""


def _of_value(value: Any, name: str) -> Item:
    """A record as a shard has it, or its JSON alone."""
    if isinstance(value, _Refused):
        return Item(name, None, value.reason)
    if isinstance(value, list):
        return Item(name, {"records": value})
    if not isinstance(value, dict):
        return Item(name, None, _NOT_A_RECORD.format(kind=type(value).__name__))
    if value.keys() >= _IN_A_SHARD:
        try:
            return item_of(envelope.record_of(_NOT_IN_A_RELEASE | value))
        except (KeyError, TypeError) as cause:
            return Item(name, None, f"not a record of a shard: {cause!r}")
    identifier = _identifier(value)
    return Item(identifier or name, value, identifier=identifier)


def _of_xml(file: BinaryIO) -> Iterator[Item]:
    try:
        root = next(iter(etree.iterparse(file, events=("start",), **_STRICT)))[1]
        tag, is_list = root.tag, root.tag in _COLLECTIONS
        file.seek(0)
        if is_list:
            yield from _of_collection(file)
        elif tag == _OAI_PMH:
            yield from _of_page(file.read())
        else:
            yield from _of_tree(parse_document(file.read()))
    except etree.LxmlError as cause:
        raise Unreadable(f"not well-formed XML: {cause}") from None
    except (MalformedPage, ProviderError) as cause:
        raise Unreadable(str(cause)) from None


def _of_collection(file: BinaryIO) -> Iterator[Item]:
    """The records of a collection of MARC, each forgotten once it was read; anything else in it is named."""
    depth = number = 0
    for event, element in etree.iterparse(file, events=("start", "end"), **_STRICT):
        depth += 1 if event == "start" else -1
        if event == "start" or depth != 1:
            continue
        number += 1
        yield _of_element(f"record {number}", element)
        parent = element.getparent()
        assert parent is not None
        stray = [parent.text, element.tail]
        if any(text and not text.isspace() for text in stray):
            yield Item(f"record {number}", None, "text beside the records of a collection")
        element.clear()
        while element.getprevious() is not None:
            del parent[0]
        parent.text = None


def _of_page(body: bytes) -> Iterator[Item]:
    try:
        records = parse_list_records(body).records
    except MalformedPage as cause:
        records = _of_get_record(body, cause)
    for record in records:
        if record.element is not None:
            yield _of_element(record.identifier, record.element, record.identifier)
        else:
            yield Item(record.identifier, None, "" if record.deleted else "a live record without metadata")


def _of_get_record(body: bytes, cause: MalformedPage) -> tuple[OaiRecord]:
    """The record of a GetRecord response; raises `cause` for any other."""
    answer = parse_document(body).find(f"{_OAI}GetRecord")
    if answer is None:
        raise cause
    if (several := len(answer.findall(f"{_OAI}record"))) > 1:
        raise MalformedPage(f"<GetRecord> with {several} records")
    return (parse_get_record(body),)


def _of_tree(root: etree._Element) -> Iterator[Item]:
    """The record that a document is, or each of those in it: a list of DataCite <resource>, of Dublin Core, of MARC.

    Around them may be anything, with texts of its own (how many there are). What stands where a record is expected
    and is none is named.
    """
    if has_crosswalk(root):
        parts = payloads(root)
    else:
        found = list(_outermost(root))
        parts = _with_others(root, found) if found else [root]
    for number, element in enumerate(parts, 1):
        yield _of_element(f"record {number}", element)


def _outermost(root: etree._Element) -> Iterator[etree._Element]:
    """The elements that have a crosswalk, without those inside others, in document order."""
    waiting = [root]  # elements may be nested deeper than Python goes
    while waiting:
        element = waiting.pop()
        if is_record(element):
            yield element
        else:
            waiting += [child for child in reversed(element) if isinstance(child.tag, str)]


def _with_others(root: etree._Element, found: Sequence[etree._Element]) -> list[etree._Element]:
    """The records that were found, and what stands beside them or in the like of their wrappers without being one."""
    records = set(found)
    above = {parent for one in found for parent in one.iterancestors()}
    wrappers = {parent.tag for one in found if (parent := one.getparent()) is not None and parent is not root}
    expected, in_root = wrappers | {one.tag for one in found}, any(child in records for child in root)
    parts, waiting = list[etree._Element](), [root]
    while waiting:
        element = waiting.pop()
        if element in records:
            parts.append(element)
        elif element in above:
            waiting += [child for child in reversed(element) if isinstance(child.tag, str)]
        elif element.tag in expected or (len(element) and (in_root or element.getparent() is not root)):
            parts.append(element)
    return parts


def _of_element(name: str, element: etree._Element, identifier: str = "") -> Item:
    try:
        metadata = convert(element)
    except (ConversionError, RecursionError) as cause:
        return Item(name, None, str(cause)[:200] or "elements nested too deep")
    reason = "" if metadata is not None else f"no crosswalk for <{str(element.tag)[:80]}>"
    return Item(name, metadata, reason, identifier)
