"""Which of the forms a record's JSON has: seen by its shape, never by the prefix or media type it came under."""

from typing import Any, Literal

from archive.crosswalks.anyjson import object_, objects
from archive.crosswalks.containers import WRAPPERS, Ambiguous, is_container, opened
from archive.crosswalks.shapes import marc_in_json

Json = dict[str, Any]
Form = Literal["csl", "datacite", "dublin-core", "eprints", "marc", "rdm", "schema-org", "zenodo"]

_SCHEMA_ORG = ("http://schema.org/", "https://schema.org/", "schema:")
_NOTHING: tuple[Form, Json] = ("dublin-core", {})
# with these keys alone, as most Dublin Core has, a record is nothing else
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
# how CSL names a creator
_CSL_NAMES = frozenset({"family", "given", "literal"})


def form_of(metadata: Json) -> tuple[Form, Json]:
    """The form, and the part of the JSON that is the record; what is like no other is Dublin Core, or of no use.

    A container of one record is that record. One of several is none of them: it has no fields of its own.
    """
    if isinstance(metadata.get("fields"), list) and isinstance(metadata.get("leader"), str):
        return "marc", marc_in_json(metadata)
    if "@context" in metadata or "@graph" in metadata:
        return _in_json_ld(metadata)  # that of DataCite has a schemaVersion as well
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
    """A record of InvenioRDM or Zenodo, which have their fields in `metadata`."""
    inner = object_(record.get("metadata"))
    is_rdm = "pids" in record or "parent" in record or "id" in object_(inner.get("resource_type"))
    is_rdm = is_rdm or any("person_or_org" in one for one in objects(inner.get("creators")))
    return ("rdm" if is_rdm else "zenodo"), record


def _in_json_ld(metadata: Json) -> tuple[Form, Json]:
    """JSON-LD: one thing, or a graph about one."""
    if is_container(metadata):
        inside = [one for one in opened(metadata) if isinstance(one, dict) and one]
        if len(inside) != 1:
            return _NOTHING
        metadata = inside[0]
    return "schema-org", _compacted(metadata)


def _compacted(value: Any) -> Any:
    """JSON-LD with the names of schema.org for its full ones: expanded JSON-LD has those."""
    if isinstance(value, list):
        return [_compacted(one) for one in value]
    if not isinstance(value, dict):
        return value
    if not any(key.startswith(_SCHEMA_ORG) for key in value):
        return {key: _compacted(one) if isinstance(one, dict | list) else one for key, one in value.items()}
    return {_short(key): _compacted(one) for key, one in value.items()}


def _short(key: str) -> str:
    return next((key.removeprefix(prefix) for prefix in _SCHEMA_ORG if key.startswith(prefix)), key)
