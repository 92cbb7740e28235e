"""Check that other readers will accept a record of MARC, before it is written as MARCXML or ISO 2709."""

import re
from collections.abc import Iterator
from typing import Any

from archive.crosswalks.anyjson import objects

Json = dict[str, Any]

LEADER_LENGTH = 24
_PRINTABLE = re.compile(r"[ -~]*")
_TAG = re.compile(r"[0-9A-Za-z]{3}")
# characters that XML 1.0 excludes (section 2.2); it allows C1 controls, of which MARC has two (non-sorting marks)
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def control_number(record: Json) -> str:
    """Name a record for a message: by its 001, or as one without."""
    for field in objects(record.get("fields")):
        if isinstance(found := field.get("001"), str) and found.strip():
            return f"001 {found.strip()!r}"
    return "no 001"


def fault_in(record: Json) -> str | None:
    """Say why other readers would not accept a record, with its 001 and the field; None if they would."""
    found = next(_faults(record), None)
    return None if found is None else f"{control_number(record)}, {found}"


def _faults(record: Json) -> Iterator[str]:
    leader = record.get("leader")
    if not isinstance(leader, str) or len(leader) != LEADER_LENGTH:
        said = f"{len(leader)} characters" if isinstance(leader, str) else "no text"
        yield f"leader: it has {said} where MARC has {LEADER_LENGTH}; readers stop at it"
    elif not _PRINTABLE.fullmatch(leader):
        yield f"leader: {leader!r} has characters other than printable ASCII"
    fields = record.get("fields")
    for field in fields if isinstance(fields, list) else ():
        if not isinstance(field, dict):
            yield f"a field that is a {type(field).__name__}, not an object"
            continue
        for tag, value in field.items():
            yield from _in_field(tag, value)


def _in_field(tag: str, value: Any) -> Iterator[str]:
    if not _TAG.fullmatch(tag):
        yield f"field {tag!r}: a tag is three letters or digits"
    elif isinstance(value, str):
        yield from _in_text(f"field {tag}", value)
    elif not isinstance(value, dict):
        yield f"field {tag}: a {type(value).__name__}, which is neither a text nor subfields"
    else:
        for name in ("ind1", "ind2"):
            indicator = value.get(name)
            if not isinstance(indicator, str) or len(indicator) != 1 or not _PRINTABLE.fullmatch(indicator):
                yield f"field {tag}: {name} is {indicator!r}, and an indicator is one character"
        subfields = value.get("subfields")
        if not isinstance(subfields, list):
            yield f"field {tag}: its subfields are no list"
            return
        for subfield in subfields:
            if not isinstance(subfield, dict):
                yield f"field {tag}: a subfield that is a {type(subfield).__name__}"
                continue
            for code, text in subfield.items():
                if len(code) != 1 or not _PRINTABLE.fullmatch(code):
                    yield f"field {tag}: the subfield code {code!r} is not one character"
                elif not isinstance(text, str):
                    yield f"field {tag} ${code}: a {type(text).__name__}, not a text"
                else:
                    yield from _in_text(f"field {tag} ${code}", text)


def _in_text(place: str, text: str) -> Iterator[str]:
    if (found := _NOT_IN_XML.search(text)) is not None:
        code = ord(found[0])
        kind = (
            "a lone surrogate" if 0xD800 <= code <= 0xDFFF else "a control character" if code < 0x20 else "no character"
        )
        yield f"{place}: U+{code:04X} is {kind}, which neither XML nor MARC can hold; correct it at its source"
