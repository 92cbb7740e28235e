"""Crosswalks: providers' metadata to JSON, and index fields of every JSON format. Pure functions, each with a version.

`registry` chooses the crosswalk by the namespace of the metadata's root element, never by its prefix.
"""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "DATES",
    "IDENTIFIERS",
    "LIST_KEYS",
    "MARC",
    "MARCXML",
    "NAMESPACE",
    "OTHER_KEYS",
    "RELATIONS",
    "RIGHTS",
    "RIGHTS_NAMES",
    "SUBJECTS",
    "TARGETS",
    "TEXT_KEYS",
    "TITLES",
    "TYPES",
    "VERSIONS",
    "Ambiguous",
    "Claims",
    "ConversionError",
    "Converted",
    "Fields",
    "Form",
    "Person",
    "claims_of",
    "convert",
    "creator_keys",
    "creators_of",
    "datafields",
    "each",
    "fault_in",
    "first",
    "form_of",
    "has_crosswalk",
    "identifier",
    "identifiers",
    "index_doi",
    "index_fields",
    "index_links",
    "is_record",
    "iso2709",
    "left_out",
    "local_id",
    "local_name",
    "marc_in_json",
    "marc_makers",
    "migrator_entry",
    "name_of",
    "named_identifiers",
    "namespace",
    "namespace_of",
    "normalise",
    "normalise_doi",
    "normalise_orcid",
    "normalise_url",
    "number",
    "object_",
    "objects",
    "opened",
    "payloads",
    "plain_texts",
    "records_in",
    "relation_name",
    "schema_org_names",
    "spoken",
    "text",
    "texts",
    "unmapped",
    "unwrapped",
    "without_scheme",
    "written",
    "year",
]

if TYPE_CHECKING:
    from archive.crosswalks import iso2709
    from archive.crosswalks.anyjson import each, first, number, object_, objects, text, texts, year
    from archive.crosswalks.claims import Claims, claims_of
    from archive.crosswalks.containers import Ambiguous, opened, records_in
    from archive.crosswalks.creators import creator_keys, creators_of
    from archive.crosswalks.datacite import unwrapped
    from archive.crosswalks.dublincore import (
        DATES,
        IDENTIFIERS,
        RELATIONS,
        RIGHTS,
        SUBJECTS,
        TITLES,
        TYPES,
        named_identifiers,
        plain_texts,
    )
    from archive.crosswalks.errors import ConversionError
    from archive.crosswalks.fields import RIGHTS_NAMES, Fields, index_doi, index_fields, marc_makers
    from archive.crosswalks.forms import Form, form_of
    from archive.crosswalks.links import index_links, name_of, relation_name
    from archive.crosswalks.marc import NAMESPACE, datafields
    from archive.crosswalks.marccheck import fault_in
    from archive.crosswalks.places import local_name, namespace_of
    from archive.crosswalks.platforms import schema_org_names
    from archive.crosswalks.registry import VERSIONS, Converted, convert, has_crosswalk, is_record, payloads, unmapped
    from archive.crosswalks.schemes import local_id, namespace, normalise, normalise_doi, normalise_orcid
    from archive.crosswalks.shapes import (
        LIST_KEYS,
        OTHER_KEYS,
        TEXT_KEYS,
        Person,
        identifier,
        identifiers,
        marc_in_json,
        spoken,
    )
    from archive.crosswalks.targets import MARC, MARCXML, TARGETS, left_out, migrator_entry, written
    from archive.crosswalks.urls import normalise_url, without_scheme
else:
    __getattr__ = lazy.exports(__name__)
