"""Metadata formats: prefix, schema and namespace, as a record's root element shows them or as the prefix is known."""

import re

from lxml import etree

from archive.crosswalks import namespace_of
from archive.store import parse_xml
from harvester.oaipmh.protocol import MetadataFormat

_PREFIX = re.compile(r"[A-Za-z0-9\-_.!~*'()]+")
_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
_OAI_DC = MetadataFormat(
    "oai_dc", "http://www.openarchives.org/OAI/2.0/oai_dc.xsd", "http://www.openarchives.org/OAI/2.0/oai_dc/"
)
_DATACITE = "http://datacite.org/schema/kernel-4"
_MARC = "http://www.loc.gov/MARC21/slim"
# where the schema of a namespace is published; a namespace that is not here stands for its own schema
_SCHEMAS = {
    _OAI_DC.namespace: _OAI_DC.schema,
    "http://datacite.org/schema/kernel-2.2": "http://schema.datacite.org/meta/kernel-2.2/metadata.xsd",
    "http://datacite.org/schema/kernel-3": "http://schema.datacite.org/meta/kernel-3/metadata.xsd",
    _DATACITE: "http://schema.datacite.org/meta/kernel-4/metadata.xsd",
    "http://schema.datacite.org/oai/oai-1.0/": "http://schema.datacite.org/oai/oai-1.0/oai.xsd",
    "http://schema.datacite.org/oai/oai-1.1/": "http://schema.datacite.org/oai/oai-1.1/oai.xsd",
    _MARC: "http://www.loc.gov/standards/marcxml/schema/MARC21slim.xsd",
    "http://www.loc.gov/mods/v3": "http://www.loc.gov/standards/mods/v3/mods.xsd",
    "http://www.loc.gov/METS/": "http://www.loc.gov/standards/mets/mets.xsd",
    "http://purl.org/dc/terms/": "http://dublincore.org/schemas/xmls/qdc/dcterms.xsd",
}
# for a prefix of which only deleted records are held
_NAMESPACES = {
    "oai_datacite": "http://schema.datacite.org/oai/oai-1.1/",
    "datacite": _DATACITE,
    "datacite4": _DATACITE,
    "datacite3": "http://datacite.org/schema/kernel-3",
    "marcxml": _MARC,
    "marc21": _MARC,
    "mods": "http://www.loc.gov/mods/v3",
    "mets": "http://www.loc.gov/METS/",
}


def is_prefix(name: str) -> bool:
    """Whether a name may be a metadataPrefix (section 3.4)."""
    return _PREFIX.fullmatch(name) is not None


def is_xml(media_type: str) -> bool:
    """Whether a media type is of XML: application/xml, text/xml, anything+xml."""
    return re.fullmatch(r"(application|text)/xml|[^;]*\+xml", media_type.partition(";")[0].strip().lower()) is not None


def format_of(prefix: str, original: str | None) -> MetadataFormat:
    """The format behind a prefix, by the root element of one of its records, or by its name when there is none.

    The record is right and the list of formats that its provider gives often is not (DataCite names a schema
    "nonexistant"); only oai_dc is what the protocol says it is.
    """
    if prefix == _OAI_DC.prefix:
        return _OAI_DC
    root = _root(original)
    if root is None:
        namespace = _NAMESPACES.get(prefix.lower(), "")
        return MetadataFormat(prefix, _SCHEMAS.get(namespace, namespace), namespace)
    namespace = namespace_of(root)
    words = root.get(_SCHEMA_LOCATION, "").split()
    located = dict(zip(words[::2], words[1::2], strict=False))
    return MetadataFormat(prefix, located.get(namespace) or _SCHEMAS.get(namespace, namespace), namespace)


def _root(original: str | None) -> etree._Element | None:
    """The root of what was sent; None for what a stranger's archive has in its place and is no XML."""
    try:
        return None if original is None else parse_xml(original.encode())
    except (etree.XMLSyntaxError, ValueError):
        return None
