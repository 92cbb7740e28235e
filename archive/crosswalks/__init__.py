"""From the XML that a provider sent to JSON: pure functions, each with a version.

The crosswalk is chosen by the namespace of the metadata's root element, not by the metadata prefix: prefixes
are the provider's own words. What a crosswalk cannot express stays in the record's `original`.
"""

from typing import Any

from lxml import etree

from archive.crosswalks.datacite import datacite_json, unwrapped
from archive.crosswalks.dublincore import NAMESPACES as DC_NAMESPACES
from archive.crosswalks.dublincore import dc_json
from archive.crosswalks.errors import ConversionError
from archive.crosswalks.marc import NAMESPACE as MARC_NAMESPACE
from archive.crosswalks.marc import marc_json

__all__ = ["VERSIONS", "ConversionError", "Converted", "convert"]

Converted = dict[str, Any]
# raised when the JSON made from the same XML changes
VERSIONS = {"datacite-json": 1, "marc-json": 1, "dc-json": 1, "index-json": 1}


def convert(element: etree._Element) -> Converted | None:
    """The JSON of a metadata element: DataCite JSON, MARC-in-JSON or Dublin Core; None for any other XML.

    Raises ConversionError for an element of a known kind that cannot be read as one.
    """
    namespace, _, name = str(element.tag).rpartition("}")
    namespace = namespace[1:]
    if name in ("resource", "oai_datacite") and "datacite.org/" in namespace:
        resource = unwrapped(element)
        return None if resource is None else datacite_json(resource)
    if name in ("record", "collection") and namespace in (MARC_NAMESPACE, ""):
        return marc_json(element)
    if namespace in DC_NAMESPACES:
        return dc_json(element)
    return None
