"""Recognise the format of a record's JSON by its shape, never by its prefix or media type."""

from typing import Any, Literal

from archive.crosswalks.anyjson import object_, objects
from archive.crosswalks.containers import WRAPPERS, Ambiguous, is_container, opened
from archive.crosswalks.shapes import marc_in_json

Json = dict[str, Any]
Form = Literal["csl", "datacite", "dublin-core", "eprints", "marc", "rdm", "schema-org", "zenodo"]

_SCHEMA_ORG = ("http://schema.org/", "https://schema.org/", "schema:")
_NOTHING: tuple[Form, Json] = ("dublin-core", {})
# a record with only these keys, like most Dublin Core, can be no other format
_ELEMENTS = frozenset(
    {
        "contributor",
        "coverage",
        "creator",
        "date",
        "description",
        "format",
        "identifier",
        "language",
        "publisher",
        "relation",
        "rights",
        "source",
        "subject",
        "title",
        "type",
    }
)
# keys of a creator in CSL
_CSL_NAMES = frozenset({"family", "given", "literal"})


def form_of(metadata: Json) -> tuple[Form, Json]:
    """Return the format, and the part of the JSON that is the record; anything unknown is Dublin Core, or unusable.

    A container of one record is that record. A container of several has no fields of its own.
    """
    if isinstance(metadata.get("fields"), list) and isinstance(metadata.get("leader"), str):
        return "marc", marc_in_json(metadata)
    if "@context" in metadata or "@graph" in metadata:
        return _in_json_ld(metadata)  # JSON-LD of DataCite also has a schemaVersion
    if isinstance(metadata.get("schemaVersion"), str) or objects(metadata.get("titles")):
        return "datacite", metadata
    if isinstance(metadata.get("metadata"), dict) and WRAPPERS.isdisjoint(metadata):
        return _with_metadata(metadata)
    if "eprintid" in metadata:
        return "eprints", metadata
    if "DOI" in metadata or isinstance(metadata.get("issued"), dict):
        return "csl", metadata
    return ("dublin-core", metadata) if metadata.keys() <= _ELEMENTS else _of_another(metadata)


def _of_another(metadata: Json) -> tuple[Form, Json]:
    if objects(attributes := metadata.get("attributes")):  # JSON:API
        return form_of(objects(attributes)[0])
    try:
        if is_container(metadata):
            inside = [one for one in opened(metadata) if isinstance(one, dict) and one]
            return form_of(inside[0]) if len(inside) == 1 else _NOTHING
    except Ambiguous:
        return _NOTHING
    if any(key.startswith(_SCHEMA_ORG) for key in metadata):
        return "schema-org", _compacted(metadata)
    if isinstance(metadata.get("metadata"), dict):
        return _with_metadata(metadata)
    general = "resourceTypeGeneral" in object_(metadata.get("types"))
    if (general or "publicationYear" in metadata) and ("creators" in metadata or "doi" in metadata):
        return "datacite", metadata
    if any(not _CSL_NAMES.isdisjoint(one) for one in objects(metadata.get("author"))):
        return "csl", metadata
    return "dublin-core", metadata


def _with_metadata(record: Json) -> tuple[Form, Json]:
    """Distinguish records of InvenioRDM and Zenodo, which have their fields in `metadata`."""
    inner = object_(record.get("metadata"))
    is_rdm = "pids" in record or "parent" in record or "id" in object_(inner.get("resource_type"))
    is_rdm = is_rdm or any("person_or_org" in one for one in objects(inner.get("creators")))
    return ("rdm" if is_rdm else "zenodo"), record


def _in_json_ld(metadata: Json) -> tuple[Form, Json]:
    """Read JSON-LD: one thing, or a graph about one."""
    if is_container(metadata):
        inside = [one for one in opened(metadata) if isinstance(one, dict) and one]
        if len(inside) != 1:
            return _NOTHING
        metadata = inside[0]
    return "schema-org", _compacted(metadata)


def _compacted(value: Any) -> Any:
    """Replace the full names of schema.org in expanded JSON-LD by short ones."""
    if isinstance(value, list):
        return [_compacted(one) for one in value]
    if not isinstance(value, dict):
        return value
    if not any(key.startswith(_SCHEMA_ORG) for key in value):
        return {key: _compacted(one) if isinstance(one, dict | list) else one for key, one in value.items()}
    return {_short(key): _compacted(one) for key, one in value.items()}


def _short(key: str) -> str:
    return next((key.removeprefix(prefix) for prefix in _SCHEMA_ORG if key.startswith(prefix)), key)
