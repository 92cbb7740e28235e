"""DataCite XML (kernel 2.0 to 4.6) to DataCite JSON, in the shape of the JSON schema of kernel 4.

Wrappers are dropped, the order of repeated items stays, attributes become properties (schemeURI is schemeUri, xml:lang
is lang), and entirely empty items are left out. Values are kept as they are, even if no list of values knows them:
newer kernels will come. What has no place in that shape is kept under `unmapped`, as XML; only the envelope of
oai_datacite, which describes the delivery, is dropped.
"""

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from functools import partial

from lxml import etree

from archive.crosswalks.places import (
    KERNELS,
    XSI,
    Json,
    Lost,
    Put,
    bare,
    expect_no_attributes,
    item,
    listed,
    local_name,
    one,
    outermost,
    plain,
    put_attributes,
    read,
    repeated,
    single,
    table,
    text_of,
    typed_item,
)
from archive.formats import Number

SCHEMA_VERSION = "http://datacite.org/schema/kernel-4"
_RESOURCES = {f"{{{kernel}}}resource": kernel for kernel in KERNELS}
_SCHEMA_LOCATION = [XSI + "schemaLocation"]
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def unwrapped(element: etree._Element) -> etree._Element | None:
    """Return the <resource> of a DataCite element: itself, or inside an oai_datacite envelope; None without one."""
    if element.tag in _RESOURCES:
        return element
    # nearly always the last element of the envelope is the payload, and its first element the resource
    inner = element[-1] if len(element) else element
    inner = inner[0] if len(inner) else inner
    if inner.tag in _RESOURCES:
        return inner
    return next((inner for inner in element.iter(etree.Element) if local_name(inner) == "resource"), None)


def others_in(envelope: etree._Element, resource: etree._Element) -> list[etree._Element]:
    """Return the other resources in an envelope that should have one."""
    payload = resource.getparent()
    if payload is None or (payload.getparent() is envelope and len(payload) == 1 and _is_last_of_its_kind(payload)):
        return []
    return [one for one in envelope.iter(etree.Element) if local_name(one) == "resource" and one is not resource]


def _is_last_of_its_kind(element: etree._Element) -> bool:
    before, after = element.getprevious(), element.getnext()
    return after is None and (before is None or before.tag != element.tag)


def datacite_json(resource: etree._Element, others: Sequence[etree._Element] = ()) -> Json:
    """Convert a <resource>; the JSON has `unmapped` if something has no place in it, including `others`."""
    out: Json = {}
    lost: Lost = [*others]
    read(_RESOURCE, resource, out, lost)
    tag = str(resource.tag)
    out["schemaVersion"] = _RESOURCES.get(tag) or tag[1:].rpartition("}")[0] or SCHEMA_VERSION
    if resource.keys() != _SCHEMA_LOCATION:
        put_attributes(resource, out, lost)
    if lost:
        out["unmapped"] = [etree.tostring(e, encoding="unicode", with_tail=False) for e in outermost(lost)]
    return out


# --- elements of <resource>


def _identifier(element: etree._Element, out: Json, lost: Lost) -> None:
    found = item("identifier", element, lost)
    if found.get("identifierType", "").upper() != "DOI":
        if found:
            out.setdefault("identifiers", []).append(found)
    elif "doi" in out or len(found) > 2:
        lost.append(element)
    elif found["identifier"]:
        out["doi"] = found["identifier"]


def _resource_type(element: etree._Element, lost: Lost) -> Json:
    types = item("resourceType", element, lost)
    return types if types.get("resourceType") else {key: types[key] for key in types if key != "resourceType"}


def _plain_text(element: etree._Element, lost: Lost) -> str:
    if element.keys():
        expect_no_attributes(element, lost)
    return text_of(element, lost)


def _person(element: etree._Element, lost: Lost) -> Json:
    """Convert a creator or contributor."""
    out: Json = {}
    read(_PERSON, element, out, lost)
    if element.keys():
        put_attributes(element, out, lost)
    return out


def _funding(element: etree._Element, lost: Lost) -> Json:
    out: Json = {}
    read(_FUNDING, element, out, lost)
    put_attributes(element, out, lost)
    return out


def _related_item(element: etree._Element, lost: Lost) -> Json:
    out: Json = {}
    put_attributes(element, out, lost)
    read(_RELATED_ITEM, element, out, lost)
    return out


def _related_item_identifier(element: etree._Element, lost: Lost) -> Json:
    """Convert the one object whose attributes keep the spelling of the XML."""
    out = {"relatedItemIdentifier": text_of(element, lost)}
    for name, value in element.items():
        if name in out:
            lost.append(element)
        elif not name.startswith(XSI):
            out[name.rpartition("}")[2]] = value
    return out if any(out.values()) else {}


# --- geo locations


def _geo_location(element: etree._Element, lost: Lost) -> Json:
    """Convert a geoLocation. The XSD lets each kind of place repeat in one of them, the JSON schema does not."""
    out: Json = {}
    read(_GEO_LOCATION, element, out, lost)
    put_attributes(element, out, lost)
    return out


def _bounds(element: etree._Element, lost: Lost) -> Json:
    """Convert a point or box: children as numbers; the text of kernel 3 under the names of kernel 4."""
    out: Json = {}
    if len(element):
        read(_BOUNDS, element, out, lost)
    elif text := text_of(element, lost):
        names = _KERNEL_3_BOUNDS.get(len(text.split()), ())
        numbers = [_number(word) for word in text.split()]
        plain = names and all(isinstance(number, float) for number in numbers)
        out = dict(zip(names, numbers, strict=True)) if plain else {"text": text}
    put_attributes(element, out, lost)
    return out


def _number(text: str) -> float | str:
    """Parse a coordinate with all its digits; returns the text if it is not a number, or not one in JSON."""
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        return text
    if repr(value) == text or Decimal(repr(value)) == Decimal(text):
        return value
    return Number(str(Decimal(text)))


def _coordinate(name: str) -> Put:
    return single(name, lambda element, lost: _number(_plain_text(element, lost)))


def _polygon(element: etree._Element, lost: Lost) -> list[Json]:
    out: Json = {}
    read(_POLYGON, element, out, lost)
    expect_no_attributes(element, lost)
    points: list[Json] = out.get("points", [])
    return points


def _polygon_point(name: str, element: etree._Element, lost: Lost) -> Json:
    return {name: _bounds(element, lost)}


# attributes that the XSD leaves open in elements without a type, and the JSON schema does not
_OF_A_NAME = {"nameIdentifierScheme": "nameIdentifierScheme", "schemeURI": "schemeUri"}
_OF_AN_AFFILIATION = {
    "affiliationIdentifier": "affiliationIdentifier",
    "affiliationIdentifierScheme": "affiliationIdentifierScheme",
    "schemeURI": "schemeUri",
}
_PERSON = table(
    {
        "creatorName": one("name"),
        "contributorName": one("name"),
        "givenName": bare("givenName"),
        "familyName": bare("familyName"),
        "nameIdentifier": repeated("nameIdentifiers", partial(typed_item, "nameIdentifier", _OF_A_NAME)),
        "affiliation": repeated("affiliation", partial(typed_item, "name", _OF_AN_AFFILIATION)),
    }
)
_FUNDING = table(
    {name: one(name) for name in ("funderIdentifier", "awardNumber")}
    | {name: bare(name) for name in ("funderName", "awardTitle")}
)
_BOUND_NAMES = (
    "pointLongitude",
    "pointLatitude",
    "westBoundLongitude",
    "eastBoundLongitude",
    "southBoundLatitude",
    "northBoundLatitude",
)
_BOUNDS = table({name: _coordinate(name) for name in _BOUND_NAMES})
_KERNEL_3_BOUNDS = {
    2: ("pointLatitude", "pointLongitude"),
    4: ("southBoundLatitude", "westBoundLongitude", "northBoundLatitude", "eastBoundLongitude"),
}
_POLYGON = table(
    {name: repeated("points", partial(_polygon_point, name)) for name in ("polygonPoint", "inPolygonPoint")}
)
_GEO_LOCATION = table(
    {
        "geoLocationPlace": plain("geoLocationPlace"),
        "geoLocationPoint": single("geoLocationPoint", _bounds),
        "geoLocationBox": single("geoLocationBox", _bounds),
        "geoLocationPolygon": single("geoLocationPolygon", _polygon),
    }
)
_TITLES = listed("titles", "title", partial(item, "title"))
_CREATORS = listed("creators", "creator", _person)
_CONTRIBUTORS = listed("contributors", "contributor", _person)
_RELATED_ITEM = table(
    {name: plain(name) for name in (
        "publicationYear", "volume", "issue", "firstPage", "lastPage", "publisher", "edition",
    )} | {
        "relatedItemIdentifier": single("relatedItemIdentifier", _related_item_identifier),
        "creators": _CREATORS,
        "titles": _TITLES,
        "number": one("number"),
        "contributors": _CONTRIBUTORS,
    }
)  # fmt: skip
_RESOURCE = table(
    {
        "identifier": _identifier,
        "creators": _CREATORS,
        "titles": _TITLES,
        "publisher": single("publisher", partial(item, "name")),
        "publicationYear": plain("publicationYear"),
        "resourceType": single("types", _resource_type),
        "subjects": listed("subjects", "subject", partial(item, "subject")),
        "contributors": _CONTRIBUTORS,
        "dates": listed("dates", "date", partial(item, "date")),
        "language": plain("language"),
        "alternateIdentifiers": listed(
            "alternateIdentifiers", "alternateIdentifier", partial(item, "alternateIdentifier")
        ),
        "relatedIdentifiers": listed("relatedIdentifiers", "relatedIdentifier", partial(item, "relatedIdentifier")),
        "sizes": listed("sizes", "size", _plain_text),
        "formats": listed("formats", "format", _plain_text),
        "version": plain("version"),
        "rights": repeated("rightsList", partial(item, "rights")),
        "rightsList": listed("rightsList", "rights", partial(item, "rights")),
        "descriptions": listed("descriptions", "description", partial(item, "description")),
        "geoLocations": listed("geoLocations", "geoLocation", _geo_location),
        "fundingReferences": listed("fundingReferences", "fundingReference", _funding),
        "relatedItems": listed("relatedItems", "relatedItem", _related_item),
    }
)
