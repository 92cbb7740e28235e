"""InvenioRDM's native JSON as an entry of invenio-rdm-migrator's record stream, as its loader takes it.

The shape is that which `RDMRecordTransform._transform` returns (inveniosoftware/invenio-rdm-migrator @ 10bd326d,
streams/records/transform.py) and RDMRecordTableGenerator reads: a stream of JSONLExtract, IdentityTransform and
RDMRecordCopyLoad takes it. What the public JSON does not say is left out or empty: files (their buckets and object
versions), drafts, grants.
"""

from typing import Any

from archive.crosswalks.anyjson import object_, objects
from archive.crosswalks.forms import form_of

Json = dict[str, Any]

# a record of the database holds of a vocabulary's entry its id alone; the API adds titles and more
_VOCABULARY = ("resource_type", "type", "relation_type", "role", "lang")
_VOCABULARIES = ("languages", "rights", "subjects")


def migrator_entry(metadata: Any) -> Json | None:
    """The entry of a published record; None when this JSON is not InvenioRDM's, or names no record or parent."""
    if not isinstance(metadata, dict) or form_of(metadata)[0] != "rdm":
        return None
    parent = object_(metadata.get("parent"))
    if not isinstance(metadata.get("id"), str) or not isinstance(parent.get("id"), str):
        return None
    times = {"created": metadata.get("created"), "updated": metadata.get("updated")}
    return {"record": {**times, **_record(metadata)}, "parent": {**times, **_parent(parent)}, "record_files": []}


def _record(metadata: Json) -> Json:
    """`id` (a UUID) is made by the loader; `version_id` counts revisions, `index` versions from 1."""
    access = {key: value for key, value in object_(metadata.get("access")).items() if key != "status"}
    return {
        "version_id": metadata.get("revision_id", 1), "index": object_(metadata.get("versions")).get("index", 1),
        "json": {
            "id": metadata["id"], "pids": object_(metadata.get("pids")),
            "files": {"enabled": bool(object_(metadata.get("files")).get("enabled"))},
            "metadata": _fields(object_(metadata.get("metadata"))), "access": access,
            "custom_fields": object_(metadata.get("custom_fields")),
        },
    }  # fmt: skip


def _parent(parent: Json) -> Json:
    """The loader knows communities by their slug, and makes the parent once, of the first of its records."""
    owned = object_(parent.get("access")).get("owned_by")
    return {
        "version_id": 1,
        "json": {
            "id": parent["id"], "pids": object_(parent.get("pids")), "access": {"owned_by": owned} if owned else {},
            "communities": _communities(object_(parent.get("communities"))),
        },
    }  # fmt: skip


def _communities(found: Json) -> Json:
    slugs = {entry.get("id"): entry.get("slug") for entry in objects(found.get("entries")) if entry.get("slug")}
    ids = [slugs.get(name, name) for name in found.get("ids") or () if isinstance(name, str)]
    default = found.get("default")
    named = {"default": slugs.get(default, default)} if isinstance(default, str) else {}
    return {"ids": ids, **named} if ids or named else {}


def _fields(fields: Json) -> Json:
    return {key: _field(key, value) for key, value in fields.items()}


def _field(key: str, value: Any) -> Any:
    if key in _VOCABULARIES and isinstance(value, list):
        return [_reference(entry) for entry in value]
    if isinstance(value, dict):
        return _reference(value) if key in _VOCABULARY else _fields(value)
    return [_field("", item) for item in value] if isinstance(value, list) else value


def _reference(entry: Any) -> Any:
    """An entry of a vocabulary; one without an id was written into the record itself."""
    return {"id": entry["id"]} if isinstance(entry, dict) and "id" in entry else entry
