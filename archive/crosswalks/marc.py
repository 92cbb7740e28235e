"""MARCXML to MARC-in-JSON and back: everything is a list of one-key objects, so order and repeats stay.

Blanks are values in MARC: nothing is stripped from a leader, a control field or a subfield. A <collection> becomes
`{"collection": [record, ...]}`. The attributes of a record or collection (mostly a type) become properties of its
object; what has no place is under `unmapped`, as XML.
"""

from typing import Any

from lxml import etree

from archive.crosswalks.anyjson import objects
from archive.crosswalks.anyjson import text as text_of
from archive.crosswalks.errors import ConversionError

Json = dict[str, Any]
Lost = list[etree._Element]

NAMESPACE = "http://www.loc.gov/MARC21/slim"
_NAMES = ("leader", "controlfield", "datafield", "subfield", "record", "collection")
_KINDS: dict[Any, str] = {name: name for name in _NAMES} | {f"{{{NAMESPACE}}}{name}": name for name in _NAMES}
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_REMARKS = (etree._Comment, etree._ProcessingInstruction)
_IN_RECORD = frozenset({"leader", "controlfield", "datafield"})
_IN_DATAFIELD = frozenset({"subfield"})
_OURS = frozenset({"collection", "leader", "fields", "unmapped"})


def marc_json(element: etree._Element) -> Json:
    """Convert a <record> or <collection>, with or without the MARC21slim namespace.

    Raises ConversionError for a field without a tag, a second leader, or an element that MARCXML does not have.
    """
    lost: Lost = []
    if _kind(element) == "collection":
        records = _inside(element, "collection", frozenset({"record"}), lost)
        out: Json = {"collection": [_record(child, lost) for _, child in records]}
        _put_attributes(element, out, lost)
    else:
        out = _record(element, lost)
    if lost:
        out["unmapped"] = [etree.tostring(e, encoding="unicode", with_tail=False) for e in dict.fromkeys(lost)]
    return out


def holds_marc(element: etree._Element) -> bool:
    """Return whether the first child element is one that MARCXML has there."""
    first = next((child for child in element if isinstance(child.tag, str)), None)
    return first is not None and _kind(first) in ("leader", "controlfield", "datafield", "record")


def _kind(element: etree._Element) -> str:
    """Return the name of an element of MARCXML, an empty one for any other node."""
    tag = element.tag
    return _KINDS.get(tag) or (_KINDS.get(tag.rpartition("}")[2], "") if isinstance(tag, str) else "")


def _inside(element: etree._Element, what: str, kinds: frozenset[str], lost: Lost) -> list[tuple[str, etree._Element]]:
    """Return (kind, element) of each child, which must be of these kinds. Raises ConversionError for another.

    Text between elements should be white space; any other is kept with the element it is in.
    """
    found = []
    if (text := element.text) and not text.isspace():
        lost.append(element)
    for child in element[:]:
        kind = _kind(child)
        if kind in kinds:
            found.append((kind, child))
        elif not isinstance(child, _REMARKS):
            raise ConversionError(f"<{child.tag!s}> inside a MARC {what}")
        if (tail := child.tail) and not tail.isspace():
            lost.append(element)
    return found


def _record(element: etree._Element, lost: Lost) -> Json:
    try:
        return _read(element, lost)
    except ConversionError as cause:
        for child in element:
            if _kind(child) == "controlfield" and child.get("tag") == "001" and (number := _text(child).strip()):
                raise ConversionError(f"001 {number!r}: {cause}") from None
        raise


def _read(element: etree._Element, lost: Lost) -> Json:
    fields: list[Json] = []
    leader: str | None = None
    for kind, child in _inside(element, "record", _IN_RECORD, lost):
        if kind == "datafield":
            fields.append(_datafield(child, lost))
        elif kind == "controlfield":
            fields.append({_tag(child, dict(child.items()), lost): _text(child)})
        elif leader is None:
            leader = _text(child)
            if child.keys():
                lost.append(child)
        else:
            raise ConversionError("a MARC record with a second leader")
    out: Json = {"leader": leader or "", "fields": fields}
    _put_attributes(element, out, lost)
    return out


def _put_attributes(element: etree._Element, out: Json, lost: Lost) -> None:
    """Add the attributes of a record or collection to its object."""
    for name, value in element.items():
        if name in _OURS or (name.startswith("{") and not name.startswith(_XSI)):
            lost.append(element)
        elif not name.startswith("{"):
            out[name] = value


def _datafield(element: etree._Element, lost: Lost) -> Json:
    attributes = dict(element.items())
    ind1, ind2 = attributes.pop("ind1", " "), attributes.pop("ind2", " ")
    subfields, place = [], f"data field {attributes.get('tag', '')}".rstrip()
    for _, sub in _inside(element, place, _IN_DATAFIELD, lost):
        named = sub.items()
        plain = len(named) == 1 and named[0][0] == "code"
        subfields.append({named[0][1] if plain else _odd_code(sub, lost): _text(sub) if len(sub) else sub.text or ""})
    return {_tag(element, attributes, lost): {"ind1": ind1, "ind2": ind2, "subfields": subfields}}


def _odd_code(subfield: etree._Element, lost: Lost) -> str:
    """Return the code of a subfield without one, or with other attributes, which have no place."""
    if set(subfield.keys()) - {"code"}:
        lost.append(subfield)
    return subfield.get("code", "")


def _tag(element: etree._Element, attributes: dict[str, str], lost: Lost) -> str:
    """Return the tag of a field; the schema also allows an id, which has no place in the JSON."""
    tag = attributes.pop("tag", "")
    if not tag:
        raise ConversionError(f"a <{_kind(element)}> without a tag")
    if attributes:
        lost.append(element)
    return tag


def _text(element: etree._Element) -> str:
    return "".join(element.itertext(etree.Element)) if len(element) else element.text or ""


# --- back to XML


def marc_xml(record: Json) -> bytes:
    """Encode MARC-in-JSON as MARCXML, in UTF-8 and with its namespace; the reverse of `marc_json`.

    Raises ConversionError for JSON that is not MARC-in-JSON, or has characters that XML does not allow.
    """
    try:
        return etree.tostring(
            _collection(record) if "collection" in record else _append(None, record), encoding="utf-8"
        )
    except (KeyError, TypeError, ValueError, AttributeError) as cause:
        raise ConversionError(f"not MARC-in-JSON: {cause!r}") from cause


def _collection(records: Json) -> etree._Element:
    root = etree.Element(f"{{{NAMESPACE}}}collection", nsmap={None: NAMESPACE})
    for key, value in records.items():
        if key not in _OURS:
            root.set(key, value)
    for record in records["collection"]:
        _append(root, record)
    return root


def _append(parent: etree._Element | None, record: Json) -> etree._Element:
    name = f"{{{NAMESPACE}}}record"
    root = etree.Element(name, nsmap={None: NAMESPACE}) if parent is None else etree.SubElement(parent, name)
    for key, value in record.items():
        if key not in _OURS:
            root.set(key, value)
    etree.SubElement(root, f"{{{NAMESPACE}}}leader").text = record["leader"]
    for field in record["fields"]:
        for tag, value in field.items():
            _append_field(root, tag, value)
    return root


def _append_field(record: etree._Element, tag: str, value: Any) -> None:
    if isinstance(value, str):
        etree.SubElement(record, f"{{{NAMESPACE}}}controlfield", tag=tag).text = value
        return
    field = etree.SubElement(record, f"{{{NAMESPACE}}}datafield", tag=tag, ind1=value["ind1"], ind2=value["ind2"])
    for subfield in value["subfields"]:
        for code, text in subfield.items():
            etree.SubElement(field, f"{{{NAMESPACE}}}subfield", code=code).text = text


# --- values


def datafields(record: Json) -> list[tuple[str, dict[str, list[str]]]]:
    """Return (tag, texts by subfield code) of each data field of MARC-in-JSON, for reading values."""
    return [
        (tag, _by_code(value))
        for field in objects(record.get("fields"))
        for tag, value in field.items()
        if isinstance(value, dict)
    ]


def _by_code(field: Json) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for subfield in objects(field.get("subfields")):
        for code, value in subfield.items():
            if text := text_of(value):
                found.setdefault(code, []).append(text)
    return found
