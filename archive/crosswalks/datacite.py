"""DataCite XML (kernel 2.0 to 4.6) to DataCite JSON, as the JSON schema of kernel 4 shapes it.

Wrappers vanish, the order of repeated items stays, attributes become properties (schemeURI is schemeUri, xml:lang
is lang), items that are empty in all they have are left out. Values are kept as they are, also those that no list
knows: newer kernels will come. What has no place in that shape is kept under `unmapped`, as the XML of the smallest
element that holds it; only the envelope of oai_datacite, which speaks of the delivery, stays behind.

Ten thousand records a second go through here: tables are looked up by whole tags of the known kernels, and every
node is visited once. Other tags are looked up by their local names, which is slower and finds the same.
"""

import math
import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from lxml import etree

Json = dict[str, Any]
Lost = list[etree._Element]  # what had no place
Put = Callable[[etree._Element, Json, Lost], None]  # puts an element into the object that is being made
Make = Callable[[etree._Element, Lost], Any]
Table = dict[Any, Put]

SCHEMA_VERSION = "http://datacite.org/schema/kernel-4"
KERNELS = tuple(f"http://datacite.org/schema/kernel-{number}" for number in ("4", "3", "2.2", "2.1", "2.0"))
_RESOURCES = {f"{{{kernel}}}resource": kernel for kernel in KERNELS}
_XML = "{http://www.w3.org/XML/1998/namespace}"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_SCHEMA_LOCATION = [_XSI + "schemaLocation"]
_REMARKS = (etree._Comment, etree._ProcessingInstruction)
_SPACE = " \t\r\n"  # of XML: a no-break space is content
_EMPTY: tuple[Any, ...] = ({}, [], "")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_ATTRIBUTES = {
    name: name
    for name in (
        "affiliationIdentifier", "affiliationIdentifierScheme", "alternateIdentifierType", "classificationCode",
        "contributorType", "dateInformation", "dateType", "descriptionType", "funderIdentifierType", "identifierType",
        "nameIdentifierScheme", "nameType", "numberType", "publisherIdentifier", "publisherIdentifierScheme",
        "relatedIdentifierType", "relatedItemIdentifierType", "relatedItemType", "relatedMetadataScheme",
        "relationType", "relationTypeInformation", "resourceTypeGeneral", "rightsIdentifier",
        "rightsIdentifierScheme", "schemeType", "subjectScheme", "titleType",
    )
} | {
    _XML + "lang": "lang", "schemeURI": "schemeUri", "valueURI": "valueUri", "rightsURI": "rightsUri",
    "awardURI": "awardUri",
}  # fmt: skip


def unwrapped(element: etree._Element) -> etree._Element | None:
    """The <resource> of a DataCite element: itself, or inside an oai_datacite envelope; None without one."""
    if element.tag in _RESOURCES:
        return element
    # nearly always the last element of the envelope is the payload, and the first of that the resource
    inner = element[-1] if len(element) else element
    inner = inner[0] if len(inner) else inner
    if inner.tag in _RESOURCES:
        return inner
    return next((inner for inner in element.iter(etree.Element) if _local(inner) == "resource"), None)


def datacite_json(resource: etree._Element) -> Json:
    """The JSON of a <resource>; it has `unmapped` when something has no place in it."""
    out: Json = {}
    lost: Lost = []
    _read(_RESOURCE, resource, out, lost)
    tag = str(resource.tag)
    out["schemaVersion"] = _RESOURCES.get(tag) or tag[1:].rpartition("}")[0] or SCHEMA_VERSION
    if resource.keys() != _SCHEMA_LOCATION:
        _put_attributes(resource, out, lost)
    if lost:
        out["unmapped"] = [etree.tostring(e, encoding="unicode", with_tail=False) for e in _outermost(lost)]
    return out


def _outermost(elements: Lost) -> Iterable[etree._Element]:
    """Each element once, without those that are inside another of them."""
    found = set(elements)
    return dict.fromkeys(element for element in elements if found.isdisjoint(element.iterancestors()))


# --- text and attributes


def _local(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _text(element: etree._Element, lost: Lost) -> str:
    text = _marked_up(element, element, lost) if len(element) else element.text
    return text.strip(_SPACE) if text else ""


def _marked_up(element: etree._Element, whole: etree._Element, lost: Lost) -> str:
    """The text of an element with others inside: <br/> stays as <br>, other markup leaves its text."""
    parts = [element.text or ""]
    for child in element[:]:
        if isinstance(child.tag, str):
            plain = _local(child) == "br" and not child.text and not len(child)
            parts.append("<br>" if plain else _marked_up(child, whole, lost))
            if child.keys():
                lost.append(whole)
        elif not isinstance(child, _REMARKS):
            parts.append(child.text or "")
        parts.append(child.tail or "")
    return "".join(parts)


def _item(key: str, element: etree._Element, lost: Lost) -> Json:
    """An element as an object: its text under `key`, its attributes beside it; {} when all of that is empty."""
    text = _marked_up(element, element, lost) if len(element) else element.text
    out: Json = {key: text.strip(_SPACE) if text else ""}
    for name, value in element.items():
        known = _ATTRIBUTES.get(name)
        if known is None or known in out:
            _put_odd(name, value, element, out, lost)
        else:
            out[known] = value
    return out if text or any(out.values()) else {}


def _put_attributes(element: etree._Element, out: Json, lost: Lost) -> None:
    """Put attributes beside what is there."""
    for name, value in element.items():
        known = _ATTRIBUTES.get(name)
        if known is None or known in out:
            _put_odd(name, value, element, out, lost)
        else:
            out[known] = value


def _put_odd(name: str, value: str, element: etree._Element, out: Json, lost: Lost) -> None:
    """Put an attribute of no kernel beside what is there; none takes the place of it."""
    key = _ATTRIBUTES.get(name) or name.rpartition("}")[2]
    if name.startswith(_XSI):
        return
    if key in out:
        lost.append(element)
    else:
        out[key] = value


def _expect_no_attributes(element: etree._Element, lost: Lost) -> None:
    if not all(name.startswith(_XSI) for name, _ in element.items()):
        lost.append(element)


def _expect_no_text(text: str | None, element: etree._Element, lost: Lost) -> None:
    if text and text.strip(_SPACE):
        lost.append(element)


# --- places, and tables of them


def _table(places: dict[str, Put]) -> Table:
    """The places by local name, and by the tags of the known kernels."""
    return places | {f"{{{kernel}}}{name}": put for name, put in places.items() for kernel in KERNELS}


def _read(table: Table, element: etree._Element, out: Json, lost: Lost) -> None:
    """Put every child of an element in its place."""
    if element.text:
        _expect_no_text(element.text, element, lost)
    for child in element[:]:
        put = table.get(child.tag) or table.get(_local(child))
        if put is not None:
            put(child, out, lost)
        elif not isinstance(child, _REMARKS):
            lost.append(child)
        if tail := child.tail:
            _expect_no_text(tail, element, lost)


def _one(key: str) -> Put:
    """A place for one text, with its attributes beside it."""

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


def _plain(key: str) -> Put:
    """A place for one text without attributes, absent when it is empty."""

    def put(element: etree._Element, out: Json, lost: Lost) -> None:
        text = _text(element, lost)
        if key in out:
            lost.append(element)
        elif text:
            out[key] = text
        if element.keys():
            _expect_no_attributes(element, lost)

    return put


def _repeated(name: str, make: Make) -> Put:
    """A place for what `make` makes of elements that stand side by side without a wrapper."""

    def put(element: etree._Element, out: Json, lost: Lost) -> None:
        if made := make(element, lost):
            if name in out:
                out[name].append(made)
            else:
                out[name] = [made]

    return put


def _object(name: str, make: Make) -> Put:
    """A place for what `make` makes of one element."""

    def put(element: etree._Element, out: Json, lost: Lost) -> None:
        if name in out:
            lost.append(element)
        elif (made := make(element, lost)) not in _EMPTY:  # a coordinate of zero is not
            out[name] = made

    return put


def _list(name: str, inside: str, make: Make) -> Put:
    """A place for what `make` makes of the elements inside a wrapper."""
    tags = frozenset(f"{{{kernel}}}{inside}" for kernel in KERNELS)

    def put(wrapper: etree._Element, out: Json, lost: Lost) -> None:
        if wrapper.text:
            _expect_no_text(wrapper.text, wrapper, lost)
        if wrapper.keys():
            _expect_no_attributes(wrapper, lost)
        found = []
        for child in wrapper[:]:
            if child.tag in tags or _local(child) == inside:
                if made := make(child, lost):
                    found.append(made)
            elif not isinstance(child, _REMARKS):
                lost.append(child)
            if tail := child.tail:
                _expect_no_text(tail, wrapper, lost)
        if found:
            out[name] = out[name] + found if name in out else found

    return put


# --- the elements of <resource>


def _identifier(element: etree._Element, out: Json, lost: Lost) -> None:
    item = _item("identifier", element, lost)
    if item.get("identifierType", "").upper() != "DOI":
        if item:
            out.setdefault("identifiers", []).append(item)
    elif "doi" in out or len(item) > 2:
        lost.append(element)
    elif item["identifier"]:
        out["doi"] = item["identifier"]


def _resource_type(element: etree._Element, lost: Lost) -> Json:
    types = _item("resourceType", element, lost)
    return types if types.get("resourceType") else {key: types[key] for key in types if key != "resourceType"}


def _plain_text(element: etree._Element, lost: Lost) -> str:
    if element.keys():
        _expect_no_attributes(element, lost)
    return _text(element, lost)


def _person(element: etree._Element, lost: Lost) -> Json:
    """A creator or contributor."""
    out: Json = {}
    _read(_PERSON, element, out, lost)
    if element.keys():
        _put_attributes(element, out, lost)
    return out


def _funding(element: etree._Element, lost: Lost) -> Json:
    out: Json = {}
    _read(_FUNDING, element, out, lost)
    _put_attributes(element, out, lost)
    return out


def _related_item(element: etree._Element, lost: Lost) -> Json:
    out: Json = {}
    _put_attributes(element, out, lost)
    _read(_RELATED_ITEM, element, out, lost)
    return out


def _related_item_identifier(element: etree._Element, lost: Lost) -> Json:
    """The one object whose attributes keep the spelling of the XML."""
    out = {"relatedItemIdentifier": _text(element, lost)}
    for name, value in element.items():
        if name in out:
            lost.append(element)
        elif not name.startswith(_XSI):
            out[name.rpartition("}")[2]] = value
    return out if any(out.values()) else {}


# --- geo locations


def _geo_location(element: etree._Element, lost: Lost) -> Json:
    """A geoLocation. The XSD lets each kind of place repeat in one of them, the JSON schema does not."""
    out: Json = {}
    _read(_GEO_LOCATION, element, out, lost)
    _put_attributes(element, out, lost)
    return out


def _bounds(element: etree._Element, lost: Lost) -> Json:
    """A point or box: children as numbers; the text of kernel 3 under the names that kernel 4 has for them."""
    out: Json = {}
    if len(element):
        _read(_BOUNDS, element, out, lost)
    elif text := _text(element, lost):
        names = _KERNEL_3_BOUNDS.get(len(text.split()), ())
        numbers = [_number(word) for word in text.split()]
        plain = names and all(isinstance(number, float) for number in numbers)
        out = dict(zip(names, numbers, strict=True)) if plain else {"text": text}
    _put_attributes(element, out, lost)
    return out


def _number(text: str) -> float | str:
    """A coordinate as a number; as text when it is none, or none that JSON has."""
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    return value if math.isfinite(value) else text


def _coordinate(name: str) -> Put:
    return _object(name, lambda element, lost: _number(_plain_text(element, lost)))


def _polygon(element: etree._Element, lost: Lost) -> list[Json]:
    out: Json = {}
    _read(_POLYGON, element, out, lost)
    _expect_no_attributes(element, lost)
    points: list[Json] = out.get("points", [])
    return points


def _polygon_point(name: str, element: etree._Element, lost: Lost) -> Json:
    return {name: _bounds(element, lost)}


_PERSON = _table(
    {
        "creatorName": _one("name"),
        "contributorName": _one("name"),
        "givenName": _one("givenName"),
        "familyName": _one("familyName"),
        "nameIdentifier": _repeated("nameIdentifiers", partial(_item, "nameIdentifier")),
        "affiliation": _repeated("affiliation", partial(_item, "name")),
    }
)
_FUNDING = _table({name: _one(name) for name in ("funderName", "funderIdentifier", "awardNumber", "awardTitle")})
_BOUND_NAMES = (
    "pointLongitude", "pointLatitude", "westBoundLongitude", "eastBoundLongitude", "southBoundLatitude",
    "northBoundLatitude",
)  # fmt: skip
_BOUNDS = _table({name: _coordinate(name) for name in _BOUND_NAMES})
_KERNEL_3_BOUNDS = {
    2: ("pointLatitude", "pointLongitude"),
    4: ("southBoundLatitude", "westBoundLongitude", "northBoundLatitude", "eastBoundLongitude"),
}
_POLYGON = _table(
    {name: _repeated("points", partial(_polygon_point, name)) for name in ("polygonPoint", "inPolygonPoint")}
)
_GEO_LOCATION = _table(
    {
        "geoLocationPlace": _plain("geoLocationPlace"),
        "geoLocationPoint": _object("geoLocationPoint", _bounds),
        "geoLocationBox": _object("geoLocationBox", _bounds),
        "geoLocationPolygon": _object("geoLocationPolygon", _polygon),
    }
)
_TITLES = _list("titles", "title", partial(_item, "title"))
_CREATORS = _list("creators", "creator", _person)
_CONTRIBUTORS = _list("contributors", "contributor", _person)
_RELATED_ITEM = _table(
    {name: _plain(name) for name in (
        "publicationYear", "volume", "issue", "firstPage", "lastPage", "publisher", "edition",
    )} | {
        "relatedItemIdentifier": _object("relatedItemIdentifier", _related_item_identifier),
        "creators": _CREATORS,
        "titles": _TITLES,
        "number": _one("number"),
        "contributors": _CONTRIBUTORS,
    }
)  # fmt: skip
_RESOURCE = _table(
    {
        "identifier": _identifier,
        "creators": _CREATORS,
        "titles": _TITLES,
        "publisher": _object("publisher", partial(_item, "name")),
        "publicationYear": _plain("publicationYear"),
        "resourceType": _object("types", _resource_type),
        "subjects": _list("subjects", "subject", partial(_item, "subject")),
        "contributors": _CONTRIBUTORS,
        "dates": _list("dates", "date", partial(_item, "date")),
        "language": _plain("language"),
        "alternateIdentifiers": _list(
            "alternateIdentifiers", "alternateIdentifier", partial(_item, "alternateIdentifier")
        ),
        "relatedIdentifiers": _list("relatedIdentifiers", "relatedIdentifier", partial(_item, "relatedIdentifier")),
        "sizes": _list("sizes", "size", _plain_text),
        "formats": _list("formats", "format", _plain_text),
        "version": _plain("version"),
        "rights": _repeated("rightsList", partial(_item, "rights")),
        "rightsList": _list("rightsList", "rights", partial(_item, "rights")),
        "descriptions": _list("descriptions", "description", partial(_item, "description")),
        "geoLocations": _list("geoLocations", "geoLocation", _geo_location),
        "fundingReferences": _list("fundingReferences", "fundingReference", _funding),
        "relatedItems": _list("relatedItems", "relatedItem", _related_item),
    }
)
