"""EPrints XML (EP3) to the JSON that EPrints itself exports, except that every value is the text that was sent.

EPrints' JSON prints whatever looks like a number as one (a date 2012, a volume 007 as 7); its XML keeps the text. A
list is `<item>` elements, or documents and files under their plurals. The id of an element is its `uri`. Several
eprints become `{"collection": [eprint, ...]}`. What has no place is under `unmapped`, as XML.
"""

from typing import Any

from lxml import etree

from archive.crosswalks.errors import ConversionError

Json = dict[str, Any]
Lost = list[etree._Element]

NAMESPACE = "http://eprints.org/ep2/data/2.0"
_OURS = f"{{{NAMESPACE}}}"
_EPRINT = f"{_OURS}eprint"
_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
# the elements of lists
_MEMBERS = {f"{_OURS}documents": f"{_OURS}document", f"{_OURS}files": f"{_OURS}file"}
_ITEM = f"{_OURS}item"


def eprints_json(element: etree._Element) -> Json:
    """Convert an <eprint>, or the <eprints> around one or several.

    Raises ConversionError for an <eprints> that is empty, or contains something else.
    """
    lost: Lost = []
    if element.tag == _EPRINT:
        out = _eprint(element, lost)
    else:
        found = eprints_in(element)
        if not found:
            raise ConversionError("an <eprints> without an <eprint>")
        if _has_text(element) or element.keys() not in ([], [_SCHEMA_LOCATION]):
            lost.append(element)
        made = [_eprint(one, lost) for one in found]
        out = made[0] if len(made) == 1 else {"collection": made}
    if lost:
        out["unmapped"] = [etree.tostring(one, encoding="unicode", with_tail=False) for one in dict.fromkeys(lost)]
    return out


def eprints_in(element: etree._Element) -> list[etree._Element]:
    """Return each <eprint> of an <eprints>. Raises ConversionError for any other element in it."""
    children = _children(element)
    for child in children:
        if child.tag != _EPRINT:
            raise ConversionError(f"<{child.tag!s}> inside an <eprints>")
    return children


def _eprint(element: etree._Element, lost: Lost) -> Json:
    children = _children(element)
    if not children:
        raise ConversionError("an <eprint> without fields")
    if _has_text(element) or element.keys() not in ([], ["id"]):
        lost.append(element)
    value = _object(children, element.get("id"), lost)
    # the key that identifies this format; an eprint to be imported has no number yet
    return value if "eprintid" in value else {"eprintid": None, **value}


def _value(element: etree._Element, lost: Lost) -> Any:
    """Convert to a text, a list or an object, by content; also to an object if an element with text has an id."""
    children, uri = _children(element), element.get("id")
    is_list = bool(children) and {child.tag for child in children} == {_MEMBERS.get(str(element.tag), _ITEM)}
    if element.keys() not in ([], ["id"]) or (is_list and uri is not None):
        lost.append(element)
    if not children:
        # comments divide a text into pieces
        text = "".join(element.itertext(etree.Element)) if len(element) else element.text or ""
        return text if uri is None else {"uri": uri, "value": text}
    if _has_text(element):
        lost.append(element)  # markup in a text
        return "".join(element.itertext(etree.Element))
    return [_value(child, lost) for child in children] if is_list else _object(children, uri, lost)


def _object(children: list[etree._Element], uri: str | None, lost: Lost) -> Json:
    out: Json = {} if uri is None else {"uri": uri}
    seen = set[str]()
    for child in children:
        tag = str(child.tag)
        name = tag.removeprefix(_OURS)
        if not tag.startswith(_OURS) or (name in out and name not in seen):
            lost.append(child)  # a field of another namespace, or with the name of the id
            continue
        value = _value(child, lost)
        if name in seen:
            had = out[name]
            out[name] = [*had, value] if isinstance(had, list) else [had, value]
        else:
            out[name] = value
        seen.add(name)
    return out


def _children(element: etree._Element) -> list[etree._Element]:
    return [child for child in element if isinstance(child.tag, str)]


def _has_text(element: etree._Element) -> bool:
    """Return whether there is text between the child elements."""
    around = (element.text, *(child.tail for child in element))
    return any(text and not text.isspace() for text in around)
