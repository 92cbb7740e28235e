"""DataCite XML (kernel 2.2 to 4.6) to DataCite JSON, as the JSON schema of kernel 4 shapes it.

Wrappers vanish, the order of repeated items stays, attributes become properties (schemeURI is schemeUri,
xml:lang is lang). Values are kept as they are, also those that no list knows: newer kernels will come. An
element that no kernel has is kept under `unmapped`, as XML.
"""

from collections.abc import Callable
from typing import Any

from lxml import etree

Json = dict[str, Any]
_XML = "{http://www.w3.org/XML/1998/namespace}"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_ATTRIBUTES = {
    _XML + "lang": "lang", "lang": "lang", "schemeURI": "schemeUri", "valueURI": "valueUri", "rightsURI": "rightsUri",
    "awardURI": "awardUri",
}  # fmt: skip
SCHEMA_VERSION = "http://datacite.org/schema/kernel-4"


def unwrapped(element: etree._Element) -> etree._Element | None:
    """The <resource> of a DataCite element: itself, or inside an oai_datacite envelope; None without one."""
    if _local(element) == "resource":
        return element
    for inner in element.iter(etree.Element):
        if _local(inner) == "resource":
            return inner
    return None


def datacite_json(resource: etree._Element) -> Json:
    """The JSON of a <resource>."""
    out: Json = {}
    for child in resource:
        if not isinstance(child.tag, str):
            continue
        handler = _TOP.get(child.tag.rpartition("}")[2])
        if handler is None:
            out.setdefault("unmapped", []).append(_xml(child))
        else:
            handler(child, out)
    out["schemaVersion"] = str(resource.tag)[1:].rpartition("}")[0] or SCHEMA_VERSION
    return out


# --- text and attributes


def _local(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _text(element: etree._Element) -> str:
    """The text of an element; <br/> inside it stays as <br>, other markup leaves its text."""
    if not len(element):
        return (element.text or "").strip()
    parts = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str):
            parts.append("<br>" if _local(child) == "br" else _text(child))
        elif isinstance(child, etree._Entity):
            parts.append(child.text or "")
        parts.append(child.tail or "")
    return "".join(parts).strip()


def _xml(element: etree._Element) -> str:
    return etree.tostring(element, encoding="unicode", with_tail=False)


def _with_attributes(out: Json, element: etree._Element) -> Json:
    for name, value in element.items():
        known = _ATTRIBUTES.get(name)
        if known is not None:
            out[known] = value
        elif not name.startswith(_XSI):
            out[name.rpartition("}")[2]] = value
    return out


def _item(element: etree._Element, name: str) -> Json:
    """An element as an object: its text under `name`, its attributes beside it."""
    return _with_attributes({name: _text(element)}, element)


# --- the elements of <resource>


def _plain(name: str) -> Callable[[etree._Element, Json], None]:
    def put(element: etree._Element, out: Json) -> None:
        if text := _text(element):
            out[name] = text

    return put


def _texts(name: str) -> Callable[[etree._Element, Json], None]:
    def put(element: etree._Element, out: Json) -> None:
        if texts := [text for child in element if isinstance(child.tag, str) and (text := _text(child))]:
            out[name] = texts

    return put


def _items(name: str, text: str) -> Callable[[etree._Element, Json], None]:
    def put(element: etree._Element, out: Json) -> None:
        if items := [_item(child, text) for child in element if isinstance(child.tag, str)]:
            out[name] = items

    return put


def _objects(name: str, make: Callable[[etree._Element], Json]) -> Callable[[etree._Element, Json], None]:
    def put(element: etree._Element, out: Json) -> None:
        if items := [make(child) for child in element if isinstance(child.tag, str)]:
            out[name] = items

    return put


def _identifier(element: etree._Element, out: Json) -> None:
    kind = element.get("identifierType", "")
    if kind.upper() == "DOI":
        if text := _text(element):
            out["doi"] = text
    else:
        out["identifiers"] = [{"identifier": _text(element), "identifierType": kind}]


def _publisher(element: etree._Element, out: Json) -> None:
    out["publisher"] = _item(element, "name")


def _resource_type(element: etree._Element, out: Json) -> None:
    types: Json = {"resourceTypeGeneral": element.get("resourceTypeGeneral", "")}
    if text := _text(element):
        types["resourceType"] = text
    out["types"] = types


def _person(element: etree._Element) -> Json:
    """A creator or contributor."""
    out: Json = {}
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name = child.tag.rpartition("}")[2]
        if name in ("creatorName", "contributorName"):
            out["name"] = _text(child)
            if len(child.attrib):
                _with_attributes(out, child)
        elif name in ("givenName", "familyName"):
            out[name] = _text(child)
        elif name == "nameIdentifier":
            out.setdefault("nameIdentifiers", []).append(_item(child, "nameIdentifier"))
        elif name == "affiliation":
            out.setdefault("affiliation", []).append(_item(child, "name"))
        else:
            out.setdefault("unmapped", []).append(_xml(child))
    return _with_attributes(out, element) if len(element.attrib) else out


def _funding(element: etree._Element) -> Json:
    out: Json = {}
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name = child.tag.rpartition("}")[2]
        out[name] = _text(child)
        if len(child.attrib):
            _with_attributes(out, child)
    return out


def _related_item(element: etree._Element) -> Json:
    out = _with_attributes({}, element)
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name = child.tag.rpartition("}")[2]
        if name == "relatedItemIdentifier":
            identifier: Json = {"relatedItemIdentifier": _text(child)}
            identifier.update({key.rpartition("}")[2]: value for key, value in child.items()})  # schemeURI stays
            out["relatedItemIdentifier"] = identifier
        elif name == "number":
            _with_attributes(out, child)["number"] = _text(child)
        elif name in _RELATED:
            _RELATED[name](child, out)
        else:
            out[name] = _text(child)
    return out


# --- geo locations


def _number(element: etree._Element) -> float | str:
    text = _text(element)
    try:
        value = float(text)
    except ValueError:
        return text
    return value if value - value == 0 else text  # NaN and infinities are no JSON


def _numbers(element: etree._Element) -> Json:
    """Children as numbers; text of kernel 3 (latitude before longitude) under the names of kernel 4."""
    children = [child for child in element if isinstance(child.tag, str)]
    if children:
        return {_local(child): _number(child) for child in children}
    names = {
        2: ("pointLatitude", "pointLongitude"),
        4: ("southBoundLatitude", "westBoundLongitude", "northBoundLatitude", "eastBoundLongitude"),
    }
    values = _text(element).split()
    try:
        return dict(zip(names[len(values)], map(float, values), strict=True))
    except (KeyError, ValueError):
        return {"text": _text(element)}


def _geo_location(element: etree._Element) -> Json:
    out: Json = {}
    for child in element:
        name = _local(child)
        if name == "geoLocationPlace":
            out[name] = _text(child)
        elif name in ("geoLocationPoint", "geoLocationBox"):
            out[name] = _numbers(child)
        elif name == "geoLocationPolygon":
            points = [{_local(p): _numbers(p)} for p in child if isinstance(p.tag, str)]
            # several polygons in one place are allowed by the XSD and have no form in the JSON schema
            out.setdefault("geoLocationPolygon" if "geoLocationPolygon" not in out else "unmapped", []).extend(points)
        elif name:
            out.setdefault("unmapped", []).append(_xml(child))
    return out


_TOP: dict[str, Callable[[etree._Element, Json], None]] = {
    "identifier": _identifier,
    "creators": _objects("creators", _person),
    "titles": _items("titles", "title"),
    "publisher": _publisher,
    "publicationYear": _plain("publicationYear"),
    "resourceType": _resource_type,
    "subjects": _items("subjects", "subject"),
    "contributors": _objects("contributors", _person),
    "dates": _items("dates", "date"),
    "language": _plain("language"),
    "alternateIdentifiers": _items("alternateIdentifiers", "alternateIdentifier"),
    "relatedIdentifiers": _items("relatedIdentifiers", "relatedIdentifier"),
    "sizes": _texts("sizes"),
    "formats": _texts("formats"),
    "version": _plain("version"),
    "rights": lambda element, out: out.setdefault("rightsList", []).append(_item(element, "rights")),
    "rightsList": _items("rightsList", "rights"),
    "descriptions": _items("descriptions", "description"),
    "geoLocations": _objects("geoLocations", _geo_location),
    "fundingReferences": _objects("fundingReferences", _funding),
    "relatedItems": _objects("relatedItems", _related_item),
}
_RELATED = {
    "creators": _objects("creators", _person),
    "contributors": _objects("contributors", _person),
    "titles": _items("titles", "title"),
    "publicationYear": _plain("publicationYear"),
}
