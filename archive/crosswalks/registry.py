"""Convert XML that a provider sent to JSON: pure functions, each with a version.

The crosswalk is chosen by the namespace of the metadata's root element, not by the metadata prefix: providers choose
prefixes freely. What a crosswalk cannot express stays in the record's `original`, and is reported: see `unmapped`.
"""

from collections.abc import Callable
from typing import Any

from lxml import etree

from archive.crosswalks import datacite, dublincore, eprints, marc, places
from archive.crosswalks.errors import ConversionError
from archive.crosswalks.places import local_name

__all__ = ["VERSIONS", "ConversionError", "Converted", "convert", "has_crosswalk", "is_record", "payloads", "unmapped"]

Converted = dict[str, Any]
# increased when the JSON of the same XML changes
VERSIONS = {"datacite-json": 2, "marc-json": 2, "dc-json": 1, "eprints-json": 1, "index-json": 2}


def convert(element: etree._Element) -> Converted | None:
    """Convert a metadata element to DataCite JSON, MARC-in-JSON, EPrints' or Dublin Core; None for any other XML.

    Raises ConversionError for an element of a known format that cannot be read.
    """
    crosswalk = _BY_TAG.get(element.tag) or _by_name(element)
    return None if crosswalk is None else crosswalk(element)


def is_record(element: etree._Element) -> bool:
    """Return whether an element inside a document is a record, or a collection of MARC, that `convert` reads.

    Without a namespace, a <record> is MARC only if it has MARC's fields, and an element of Dublin Core is a record only
    if it contains others: single ones occur in documents of many kinds.
    """
    if element.tag in _BY_TAG:
        return True
    if element.tag in ("record", "collection"):
        return marc.holds_marc(element)
    crosswalk = _by_name(element)
    return crosswalk is not None and (crosswalk is not dublincore.dc_json or dublincore.holds_dublin_core(element))


def has_crosswalk(element: etree._Element) -> bool:
    """Return whether `convert` reads an element that is the root of a document."""
    return is_record(element) or (element.tag not in ("record", "collection") and _by_name(element) is not None)


def payloads(element: etree._Element) -> list[etree._Element]:
    """Return the records in an envelope: DataCite's and EPrints' may have several; any other element is one."""
    if element.tag == f"{{{eprints.NAMESPACE}}}eprints":
        return [child for child in element if isinstance(child.tag, str)] or [element]
    if local_name(element) != "oai_datacite":
        return [element]
    found = [inner for inner in element.iter(etree.Element) if local_name(inner) == "resource" and has_crosswalk(inner)]
    return found if len(found) > 1 else [element]


def unmapped(converted: Converted) -> list[str]:
    """Return the XML of what had no place in the JSON of a record, in document order; empty if everything had one."""
    found: list[str] = converted.get("unmapped", [])
    return found


def _datacite(element: etree._Element) -> Converted | None:
    resource = datacite.unwrapped(element)
    if resource is None or resource is element:
        return None if resource is None else datacite.datacite_json(resource)
    return datacite.datacite_json(resource, datacite.others_in(element, resource))


_ENVELOPES = ("http://schema.datacite.org/oai/oai-1.0/", "http://schema.datacite.org/oai/oai-1.1/")
_BY_TAG: dict[Any, Callable[[etree._Element], Converted | None]] = (
    {f"{{{kernel}}}resource": _datacite for kernel in places.KERNELS}
    | {f"{{{envelope}}}oai_datacite": _datacite for envelope in _ENVELOPES}
    | {f"{{{marc.NAMESPACE}}}{name}": marc.marc_json for name in ("record", "collection")}
    | {f"{{{eprints.NAMESPACE}}}{name}": eprints.eprints_json for name in ("eprint", "eprints")}
    | {"{http://www.openarchives.org/OAI/2.0/oai_dc/}dc": dublincore.dc_json}
)


def _by_name(element: etree._Element) -> Callable[[etree._Element], Converted | None] | None:
    """Return the crosswalk of an unusual element."""
    namespace, _, name = str(element.tag).rpartition("}")
    namespace = namespace[1:]
    if name in ("resource", "oai_datacite") and "datacite.org/" in namespace:
        return _datacite
    if name in ("record", "collection") and not namespace:
        return marc.marc_json
    is_dc = namespace in dublincore.NAMESPACES or dublincore.holds_dublin_core(element)
    return dublincore.dc_json if is_dc else None
