"""Whatever holds records, as their JSON one after the other: files as they were sent, shards, pages, archives.

Which kind a file is shows in its first bytes, not in its name. A file is read whole or not at all, but for sequences,
lines and a collection of MARC, which may be larger than memory: those are read to their end as well, and what is wrong
on the way is said there.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from lxml import etree

from archive import envelope, jsonseq
from archive.crosswalks import ConversionError, convert
from archive.crosswalks.anyjson import text as text_of
from archive.crosswalks.marc import NAMESPACE
from archive.crosswalks.targets import records_in
from archive.durable import translated
from archive.envelope import NotJson, Record
from archive.originals import parsed_original
from harvester.errors import MalformedPage, ProviderError, UsageError
from harvester.errors import Unreadable as Unreadable
from harvester.oaipmh import parse_get_record, parse_list_records
from harvester.opening import opened
from harvester.strictxml import parse_document

Json = dict[str, Any]

_OAI_PMH = "{http://www.openarchives.org/OAI/2.0/}OAI-PMH"
_COLLECTIONS = (f"{{{NAMESPACE}}}collection", "collection")
_RECORDS = (f"{{{NAMESPACE}}}record", "record")
# a document type may be there, and nothing of it is expanded: texts longer than 10 MB are no MARC
_STRICT: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
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
    """The records of a file, however it is packed: see `harvester.opening`.

    Raises UsageError when it is not there, Unreadable when it is not what it begins as.
    """
    if not path.is_file():
        raise UsageError(f"{path} is no file; name a file of records, an archive, a release, or - for standard input")
    with translated(path, "reading"):
        for one in opened(path):
            items = _of_stream(one.head, one.file)
            yield from items if not one.member else _named(items, one.member)


def item_of_text(text: bytes, name: str) -> Item:
    """The record that a JSON text is: as a shard or a part of a release has it, or its JSON alone."""
    return _of_text(text, name)


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
    return Item(record.identifier, record.metadata, identifier=record.identifier)


def flattened(items: Iterable[Item]) -> Iterator[Item]:
    """Each record of a collection of MARC as a record of its own."""
    for item in items:
        records = records_in(item.metadata) if item.metadata is not None else []
        if len(records) < 2:
            yield item if not records else replace(item, metadata=records[0])
        else:
            names = (f"{item.name}, record {number}" for number in range(1, len(records) + 1))
            yield from (replace(item, name=name, metadata=one) for name, one in zip(names, records, strict=True))


# --- kinds of files


def _of_stream(head: bytes, file: BinaryIO) -> Iterator[Item]:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if head[:1] == jsonseq.RS:
        yield from _of_sequence(file)
    elif start[:1] in (b"{", b"["):
        yield from _of_json(file)
    elif start[:1] == b"<" or head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield from _of_xml(file)
    else:
        raise Unreadable(f"neither XML nor JSON nor a shard: it begins {bytes(head[:40])!r}")


def _of_sequence(file: BinaryIO) -> Iterator[Item]:
    for number, element in enumerate(jsonseq.parse(iter(lambda: file.read(1 << 20), b"")), 1):
        if isinstance(element, jsonseq.BadText):
            yield Item(f"record {number}", None, element.reason)
        else:
            yield _of_text(element.text, f"record {number}")


def _of_json(file: BinaryIO) -> Iterator[Item]:
    """One JSON text, a list of them, or one a line: then the first line is one by itself."""
    first = file.readline()
    try:
        lines = isinstance(orjson.loads(first), dict)
    except orjson.JSONDecodeError:
        lines = False
    if lines:
        for number, line in enumerate(chain([first], file), 1):
            if line.strip():
                yield _of_text(line.strip(), f"record {number}")
        return
    try:
        value = envelope.parse_json(first + file.read()).value
    except NotJson as cause:
        raise Unreadable(str(cause)) from None
    for number, one in enumerate(value if isinstance(value, list) else [value], 1):
        yield _of_value(one, f"record {number}")


def _of_text(text: bytes, name: str) -> Item:
    try:
        return _of_value(envelope.parse_json(text).value, name)
    except NotJson as cause:
        return Item(name, None, str(cause))


def _of_value(value: Any, name: str) -> Item:
    """A record as a shard has it, or its JSON alone."""
    if not isinstance(value, dict):
        return Item(name, None, f"a JSON {type(value).__name__}, which is no record")
    if value.keys() >= _IN_A_SHARD:
        try:
            return item_of(envelope.record_of(_NOT_IN_A_RELEASE | value))
        except (KeyError, TypeError) as cause:
            return Item(name, None, f"no record of a shard: {cause!r}")
    identifier = text_of(value.get("id")) or ""
    return Item(identifier or name, value, identifier=identifier)


def _of_xml(file: BinaryIO) -> Iterator[Item]:
    try:
        root = next(iter(etree.iterparse(file, events=("start",), **_STRICT)))[1].tag
        file.seek(0)
        if root in _COLLECTIONS:
            yield from _of_collection(file)
        elif root == _OAI_PMH:
            yield from _of_page(file.read())
        else:
            yield _of_element("record 1", parse_document(file.read()))
    except etree.LxmlError as cause:
        raise Unreadable(f"not well-formed XML: {cause}") from None
    except (MalformedPage, ProviderError) as cause:
        raise Unreadable(str(cause)) from None


def _of_collection(file: BinaryIO) -> Iterator[Item]:
    """The records of a collection of MARC, each forgotten once it was read."""
    records = etree.iterparse(file, events=("end",), tag=_RECORDS, **_STRICT)
    for number, (_, element) in enumerate(records, 1):
        yield _of_element(f"record {number}", element)
        element.clear()
        while element.getprevious() is not None and (parent := element.getparent()) is not None:
            del parent[0]


def _of_page(body: bytes) -> Iterator[Item]:
    records = (parse_get_record(body),) if b"GetRecord>" in body else parse_list_records(body).records
    for record in records:
        if record.element is not None:
            yield _of_element(record.identifier, record.element, record.identifier)
        else:
            yield Item(record.identifier, None, "" if record.deleted else "a live record without metadata")


def _of_element(name: str, element: etree._Element, identifier: str = "") -> Item:
    try:
        metadata = convert(element)
    except (ConversionError, RecursionError) as cause:
        return Item(name, None, str(cause)[:200] or "elements nested too deep")
    reason = "" if metadata is not None else f"no crosswalk for <{str(element.tag)[:80]}>"
    return Item(name, metadata, reason, identifier)
