"""ISO 2709, the binary form of MARC, to MARC-in-JSON and back.

A record is read only if its length, its directory and its terminators agree and every byte of it is in a field: a
truncated or changed record is reported, with its 001 if that is readable, and never taken for a shorter one. Records
are written in UTF-8, with leader/09 "a"; records read from MARC-8 get it as well, because their JSON is Unicode.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from archive.crosswalks import marc8
from archive.crosswalks.errors import ConversionError
from archive.crosswalks.marccheck import LEADER_LENGTH, control_number, fault_in

Json = dict[str, Any]

_FIELD_END, _RECORD_END, _DELIMITER = b"\x1e", b"\x1d", b"\x1f"
_ENTRY = 12
_RECORD_MOST, _FIELD_MOST = 99_999, 9_999
# bytes that some systems write between records, and at the end of a file
_BETWEEN = b"\r\n\t \0\x1a"
_TAG = re.compile(rb"[0-9A-Za-z]{3}")
_UNIMARC_100 = re.compile(rb"..\x1fa\d{8}[a-z].{17}(\d\d)")
_UTF8, _MARC8 = "UTF-8", "MARC-8"


class Damaged(ConversionError):
    """The bytes are not a complete record of ISO 2709: truncated, or changed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A record of a file that cannot be read, and why."""

    reason: str
    damaged: bool


def looks_like(head: bytes) -> bool:
    """Return whether bytes begin like ISO 2709, even if one of its marks is damaged, or it is cut off at once."""
    head = head.removeprefix(b"\xef\xbb\xbf").lstrip(_BETWEEN)
    if head[:1] in (b"<", b"{", b"["):
        return False
    marks = (head[:5].isdigit(), head[10:12] == b"22", head[12:17].isdigit(), head[20:22] == b"45")
    return sum(marks) >= 3 or (len(head) < LEADER_LENGTH and re.match(rb"\d{5}[a-z][a-z]", head) is not None)


def read(file: BinaryIO) -> Iterator[Json | Fault]:
    """Yield the records of a seekable file from its position, each as JSON or as the fault in it."""
    begin = file.tell()
    if file.read(3) != b"\xef\xbb\xbf":
        file.seek(begin)
    while True:
        byte = file.read(1)
        if not byte:
            return
        if byte in _BETWEEN:
            continue
        start = file.seek(-1, 1)
        chunk, reason = _cut(file, start)
        if reason:
            yield Fault(f"{_named(chunk)}, at byte {start}: {reason}", damaged=True)
            continue
        try:
            yield record_json(chunk)
        except ConversionError as cause:
            yield Fault(str(cause), damaged=isinstance(cause, Damaged))


def read_bytes(body: bytes) -> list[Json | Fault]:
    """Read the records of a body, like `read`."""
    return list(read(io.BytesIO(body)))


def joined_json(records: list[Json | Fault]) -> Json | None:
    """Return the JSON of a body: its record, or a collection of its readable records; None without any."""
    readable = [one for one in records if not isinstance(one, Fault)]
    return {"collection": readable} if readable and len(records) > 1 else readable[0] if readable else None


def _cut(file: BinaryIO, start: int) -> tuple[bytes, str]:
    """Read the bytes of the record at `start`, and why they are not one; leaves the file after its terminator."""
    stated = file.read(5)
    length = int(stated) if stated.isdigit() and len(stated) == 5 else 0
    chunk = stated + file.read(max(length - 5, 0))
    end = chunk.find(_RECORD_END)
    if length and end == length - 1:
        return chunk, ""
    while end < 0 and (more := file.read(4096)):
        chunk += more
        end = chunk.find(_RECORD_END)
    if end < 0:
        return chunk, f"it is cut off: {len(chunk):,} of {length:,} bytes, and no record terminator"
    file.seek(start + end + 1)
    if not length:
        return chunk[: end + 1], f"its length is {stated!r}, not five digits: it is damaged"
    return chunk[: end + 1], f"it states {length:,} bytes and its terminator is byte {end + 1:,}: it is damaged"


def _named(chunk: bytes) -> str:
    """Name a record by its 001, if its directory leads there."""
    base, at = chunk[12:17], LEADER_LENGTH
    if base.isdigit():
        while _TAG.fullmatch(chunk[at : at + 3]) and re.fullmatch(rb"\d{9}", chunk[at + 3 : at + _ENTRY]):
            if chunk[at : at + 3] == b"001":
                begin = int(base) + int(chunk[at + 7 : at + _ENTRY])
                value = chunk[begin : begin + int(chunk[at + 3 : at + 7])]
                if value.endswith(_FIELD_END) and value[:-1].strip().isascii() and value[:-1].strip():
                    return f"001 {value[:-1].strip().decode('ascii')!r}"
            at += _ENTRY
    return "no 001"


# --- one record


def record_json(chunk: bytes) -> Json:
    """Convert one record to MARC-in-JSON. Raises Damaged, or ConversionError for characters that cannot be decoded."""
    name = _named(chunk)
    try:
        leader = chunk[:LEADER_LENGTH].decode("ascii")
    except UnicodeDecodeError:
        raise Damaged(f"{name}, leader: {chunk[:LEADER_LENGTH]!r} has bytes that are not ASCII") from None
    fields = _fields(chunk, name)
    charset = _charset(leader, fields, name)
    out: Json = {"leader": leader[:9] + "a" + leader[10:] if charset == _MARC8 else leader, "fields": []}
    for tag, data in fields:
        out["fields"].append({tag: _value(tag, data, charset, name)})
    return out


def _fields(chunk: bytes, name: str) -> list[tuple[str, bytes]]:
    """Return tag and bytes of each field, without its terminator, in the order of the directory."""
    base = int(chunk[12:17]) if chunk[12:17].isdigit() else 0
    if chunk.find(_FIELD_END, LEADER_LENGTH) != base - 1:
        raise Damaged(f"{name}: its data do not begin where leader/12-16 says ({chunk[12:17]!r}): it is damaged")
    directory, data = chunk[LEADER_LENGTH : base - 1], chunk[base:-1]
    if len(directory) % _ENTRY:
        raise Damaged(f"{name}: a directory of {len(directory)} bytes, not a multiple of {_ENTRY}: it is damaged")
    found, spans = list[tuple[str, bytes]](), list[tuple[int, int]]()
    for at in range(0, len(directory), _ENTRY):
        entry = directory[at : at + _ENTRY]
        if not _TAG.fullmatch(entry[:3]) or not entry[3:].isdigit():
            raise Damaged(f"{name}: {entry!r} is no entry of a directory: it is damaged")
        tag, size, start = entry[:3].decode("ascii"), int(entry[3:7]), int(entry[7:])
        value = data[start : start + size]
        if len(value) != size or value.find(_FIELD_END) != size - 1 or not size:
            raise Damaged(f"{name}, field {tag}: it does not end where the directory says: it is damaged")
        found.append((tag, value[:-1]))
        spans.append((start, start + size))
    reached = 0
    for start, end in sorted(spans):
        if start != reached:
            what = "belong to no field" if start > reached else "belong to two fields"
            raise Damaged(f"{name}: {abs(start - reached)} bytes of its data {what} of its directory: it is damaged")
        reached = end
    if reached != len(data):
        raise Damaged(f"{name}: {len(data) - reached} bytes of its data belong to no field of its directory")
    return found


def _charset(leader: str, fields: list[tuple[str, bytes]], name: str) -> str:
    """Return the encoding of the texts of a record. Raises ConversionError if it is unknown."""
    if leader[9] == "a":
        return _UTF8
    texts = b"".join(data for _, data in fields)
    is_ascii = texts.isascii() and b"\x1b" not in texts
    unimarc = next((found for tag, data in fields if tag == "100" and (found := _UNIMARC_100.match(data))), None)
    if unimarc is not None and not is_ascii:
        if unimarc[1] == b"50":
            return _UTF8
        raise ConversionError(f"{name}: UNIMARC in character set {unimarc[1].decode()}; convert it to UTF-8 first")
    if leader[9] != " " and not is_ascii:
        raise ConversionError(f"{name}: leader/09 is {leader[9]!r}: neither MARC-8 (blank) nor UTF-8 (a)")
    if not is_ascii and b"\x1b" not in texts and _is_utf8(texts):
        raise ConversionError(f"{name}: leader/09 says MARC-8, and it is UTF-8; put an a there")
    return _MARC8 if leader[9] == " " else _UTF8


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _value(tag: str, data: bytes, charset: str, name: str) -> str | Json:
    """Decode a control field's text, or the indicators and subfields of a data field."""
    place = f"{name}, field {tag}"
    if tag.startswith("00") or (_DELIMITER not in data and not tag.isdigit()):  # FMT and others of Aleph
        if _DELIMITER in data:
            raise Damaged(f"{place}: a control field with subfields")
        return _text(data, charset, place)
    before, *subfields = data.split(_DELIMITER)
    if len(before) != 2 or not before.isascii():
        raise Damaged(f"{place}: its indicators are {before[:20]!r}, not two characters")
    found = []
    for subfield in subfields:
        code = subfield[:1]
        if not code or not code.isascii():
            raise Damaged(f"{place}: a subfield whose code is {code!r}")
        found.append({code.decode("ascii"): _text(subfield[1:], charset, f"{place} ${code.decode('ascii')}")})
    return {"ind1": chr(before[0]), "ind2": chr(before[1]), "subfields": found}


def _text(data: bytes, charset: str, place: str) -> str:
    try:
        return data.decode("utf-8") if charset == _UTF8 else marc8.unicode_of(data)
    except UnicodeDecodeError as cause:
        said = data[cause.start : cause.start + 4].hex(" ").upper()
        raise ConversionError(f"{place}: byte {cause.start}: {said} is no UTF-8, which leader/09 says it is") from None
    except ConversionError as cause:
        raise ConversionError(f"{place}: {cause}") from None


# --- back to ISO 2709


def iso2709(record: Json) -> bytes:
    """Encode one record in ISO 2709 and UTF-8; the reverse of `record_json`.

    Raises ConversionError for what other readers would not accept, or would misread.
    """
    if (fault := fault_in(record)) is not None:
        raise ConversionError(fault)
    name = control_number(record)
    directory, data = list[str](), bytearray()
    for field in record["fields"]:
        for tag, value in field.items():
            encoded = _encoded(tag, value, name) + _FIELD_END
            if len(encoded) > _FIELD_MOST:
                raise ConversionError(
                    f"{name}, field {tag}: {len(encoded):,} bytes, and ISO 2709 has room for {_FIELD_MOST:,}; "
                    "write it as marcxml"
                )
            directory.append(f"{tag}{len(encoded):04}{len(data):05}")
            data += encoded
            if len(data) > _RECORD_MOST:
                break
    base = LEADER_LENGTH + _ENTRY * len(directory) + 1
    length = base + len(data) + 1
    if length > _RECORD_MOST:
        raise ConversionError(
            f"{name}: it has more than the {_RECORD_MOST:,} bytes that ISO 2709 has room for; write it as marcxml"
        )
    leader = record["leader"]
    head = f"{length:05}{leader[5:9]}a22{base:05}{leader[17:20]}4500{''.join(directory)}"
    return head.encode("ascii") + _FIELD_END + bytes(data) + _RECORD_END


def _encoded(tag: str, value: str | Json, name: str) -> bytes:
    if isinstance(value, str):
        if not tag.startswith("00"):
            raise ConversionError(
                f"{name}, field {tag}: a control field that readers of ISO 2709 take for a data field"
            )
        return value.encode()
    if tag.startswith("00"):
        raise ConversionError(f"{name}, field {tag}: subfields, where readers of ISO 2709 take it for a control field")
    if not tag.isdigit() and not value["subfields"]:
        raise ConversionError(
            f"{name}, field {tag}: no subfields, where readers of ISO 2709 take it for a control field"
        )
    parts = [
        _DELIMITER + code.encode() + text.encode() for subfield in value["subfields"] for code, text in subfield.items()
    ]
    return f"{value['ind1']}{value['ind2']}".encode() + b"".join(parts)
