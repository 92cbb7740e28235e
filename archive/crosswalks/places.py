"""Tables of the place of each element in DataCite's JSON, and the functions that read by them; nothing is lost.

A place is a function that takes an element and puts its value into the object that is being built. What has no place
(an unknown element, a second one in a single place, text between elements) goes to a separate list, as the smallest
element that contains it.

Ten thousand records a second are converted here: tables are looked up by whole tags of the known kernels, and every
node is visited once. Other tags are looked up by their local names, which is slower and gives the same result.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lxml import etree

Json = dict[str, Any]
Lost = list[etree._Element]
Put = Callable[[etree._Element, Json, Lost], None]
Make = Callable[[etree._Element, Lost], Any]
Table = dict[Any, Put]

KERNELS = tuple(f"http://datacite.org/schema/kernel-{number}" for number in ("4", "3", "2.2", "2.1", "2.0"))
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_XML = "{http://www.w3.org/XML/1998/namespace}"
_REMARKS = (etree._Comment, etree._ProcessingInstruction)
_SPACE = " \t\r\n"  # of XML: a no-break space is content
_EMPTY: tuple[Any, ...] = ({}, [], "")
_ATTRIBUTES = {
    name: name
    for name in (
        "affiliationIdentifier",
        "affiliationIdentifierScheme",
        "alternateIdentifierType",
        "classificationCode",
        "contributorType",
        "dateInformation",
        "dateType",
        "descriptionType",
        "funderIdentifierType",
        "identifierType",
        "nameIdentifierScheme",
        "nameType",
        "numberType",
        "publisherIdentifier",
        "publisherIdentifierScheme",
        "relatedIdentifierType",
        "relatedItemIdentifierType",
        "relatedItemType",
        "relatedMetadataScheme",
        "relationType",
        "relationTypeInformation",
        "resourceTypeGeneral",
        "rightsIdentifier",
        "rightsIdentifierScheme",
        "schemeType",
        "subjectScheme",
        "titleType",
    )
} | {
    _XML + "lang": "lang",
    "schemeURI": "schemeUri",
    "valueURI": "valueUri",
    "rightsURI": "rightsUri",
    "awardURI": "awardUri",
}


# --- places


def table(places: dict[str, Put]) -> Table:
    """Return the places by local name, and by the tags of the known kernels."""
    return places | {f"{{{kernel}}}{name}": put for name, put in places.items() for kernel in KERNELS}


def read(by_tag: Table, element: etree._Element, out: Json, lost: Lost) -> None:
    """Put every child of an element in its place."""
    if (text := element.text) and not text.isspace():
        lost.append(element)
    for child in element[:]:
        put = by_tag.get(child.tag) or by_tag.get(local_name(child))
        if put is not None:
            put(child, out, lost)
        elif not isinstance(child, _REMARKS):
            lost.append(child)
        if (tail := child.tail) and not tail.isspace():
            lost.append(element)


def one(key: str) -> Put:
    """Make a place for one text, with its attributes beside it."""

    def put(element: etree._Element, out: Json, lost: Lost) -> None:
        if key in out:
            lost.append(element)
            return
        text = _marked_up(element, element, lost) if len(element) else element.text
        out[key] = text.strip(_SPACE) if text else ""
        for name, value in element.items():
            known = _ATTRIBUTES.get(name)
            if known is None or known in out:
                _put_odd(name, value, element, out, lost)
            else:
                out[known] = value

    return put


def bare(key: str) -> Put:
    """Make a place for one text alone: the schema allows any attribute there, the JSON has no place for them."""

    def put(element: etree._Element, out: Json, lost: Lost) -> None:
        if key in out:
            lost.append(element)
            return
        text = _marked_up(element, element, lost) if len(element) else element.text
        out[key] = text.strip(_SPACE) if text else ""
        if element.keys():
            expect_no_attributes(element, lost)

    return put


def plain(key: str) -> Put:
    """Make a place for one text without attributes, absent if it is empty."""

    def put(element: etree._Element, out: Json, lost: Lost) -> None:
        text = text_of(element, lost)
        if key in out:
            lost.append(element)
        elif text:
            out[key] = text
        if element.keys():
            expect_no_attributes(element, lost)

    return put


def repeated(name: str, make: Make) -> Put:
    """Make a place for the results of `make` for elements that repeat without a wrapper."""

    def put(element: etree._Element, out: Json, lost: Lost) -> None:
        if made := make(element, lost):
            if name in out:
                out[name].append(made)
            else:
                out[name] = [made]

    return put


def single(name: str, make: Make) -> Put:
    """Make a place for the result of `make` for one element."""

    def put(element: etree._Element, out: Json, lost: Lost) -> None:
        if name in out:
            lost.append(element)
        elif (made := make(element, lost)) not in _EMPTY:  # a coordinate of zero is not empty
            out[name] = made

    return put


def listed(name: str, inside: str, make: Make) -> Put:
    """Make a place for the results of `make` for the elements inside a wrapper."""
    tags = frozenset(f"{{{kernel}}}{inside}" for kernel in KERNELS)

    def put(wrapper: etree._Element, out: Json, lost: Lost) -> None:
        if (text := wrapper.text) and not text.isspace():
            lost.append(wrapper)
        if wrapper.keys():
            expect_no_attributes(wrapper, lost)
        found = []
        for child in wrapper[:]:
            if child.tag in tags or local_name(child) == inside:
                if made := make(child, lost):
                    found.append(made)
            elif not isinstance(child, _REMARKS):
                lost.append(child)
            if (tail := child.tail) and not tail.isspace():
                lost.append(wrapper)
        if found:
            out[name] = out[name] + found if name in out else found

    return put


# --- text and attributes


def local_name(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def namespace_of(element: etree._Element) -> str:
    """Return the namespace of an element, "" for none.

    lxml's QName refuses some that libxml2 has read ("http://}x").
    """
    return str(element.tag).rpartition("}")[0][1:]


def text_of(element: etree._Element, lost: Lost) -> str:
    text = _marked_up(element, element, lost) if len(element) else element.text
    return text.strip(_SPACE) if text else ""


def _marked_up(element: etree._Element, whole: etree._Element, lost: Lost) -> str:
    """Return the text of an element with children: <br/> becomes <br>, of other markup only the text stays."""
    parts = [element.text or ""]
    for child in element[:]:
        if isinstance(child.tag, str):
            plain = local_name(child) == "br" and not child.text and not len(child)
            parts.append("<br>" if plain else _marked_up(child, whole, lost))
            if child.keys():
                lost.append(whole)
        elif not isinstance(child, _REMARKS):
            parts.append(child.text or "")
        parts.append(child.tail or "")
    return "".join(parts)


def item(key: str, element: etree._Element, lost: Lost) -> Json:
    """Convert an element to an object: its text under `key`, and its attributes; {} if all of that is empty."""
    text = _marked_up(element, element, lost) if len(element) else element.text
    out: Json = {key: text.strip(_SPACE) if text else ""}
    for name, value in element.items():
        known = _ATTRIBUTES.get(name)
        if known is None or known in out:
            _put_odd(name, value, element, out, lost)
        else:
            out[known] = value
    return out if out[key] or any(out.values()) else {}


def typed_item(key: str, allowed: Mapping[str, str], element: etree._Element, lost: Lost) -> Json:
    """Convert an element like `item`, keeping only the attributes in `allowed`: the schema allows any."""
    text = _marked_up(element, element, lost) if len(element) else element.text
    out: Json = {key: text.strip(_SPACE) if text else ""}
    for name, value in element.items():
        if (known := allowed.get(name)) is not None:
            out[known] = value
        elif not name.startswith(XSI):
            lost.append(element)
    return out if out[key] or any(out.values()) else {}


def put_attributes(element: etree._Element, out: Json, lost: Lost) -> None:
    """Add attributes to an object."""
    for name, value in element.items():
        known = _ATTRIBUTES.get(name)
        if known is None or known in out:
            _put_odd(name, value, element, out, lost)
        else:
            out[known] = value


def _put_odd(name: str, value: str, element: etree._Element, out: Json, lost: Lost) -> None:
    """Add an attribute of no kernel, unless its key is taken."""
    key = _ATTRIBUTES.get(name) or name.rpartition("}")[2]
    if name.startswith(XSI):
        return
    if key in out:
        lost.append(element)
    else:
        out[key] = value


def expect_no_attributes(element: etree._Element, lost: Lost) -> None:
    if not all(name.startswith(XSI) for name, _ in element.items()):
        lost.append(element)


def outermost(elements: Lost) -> Iterable[etree._Element]:
    """Return each element once, without those that are inside another of them."""
    found = set(elements)
    return dict.fromkeys(element for element in elements if found.isdisjoint(element.iterancestors()))
