"""InvenioRDM's native JSON as an entry of invenio-rdm-migrator's record stream, as its loader accepts it.

The shape is the one that `RDMRecordTransform._transform` returns (inveniosoftware/invenio-rdm-migrator @ 10bd326d,
streams/records/transform.py) and RDMRecordTableGenerator reads: a stream of JSONLExtract, IdentityTransform and
RDMRecordCopyLoad accepts it. What the public JSON lacks is left out or empty: files (their buckets and object
versions), drafts, grants.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import orjson

from archive.crosswalks.anyjson import object_, objects
from archive.crosswalks.errors import ConversionError
from archive.crosswalks.fields import Fields, index_fields
from archive.crosswalks.forms import form_of
from archive.crosswalks.iso2709 import iso2709
from archive.crosswalks.links import index_links
from archive.crosswalks.marc import marc_xml
from archive.crosswalks.marccheck import control_number, fault_in
from archive.crosswalks.unread import unread
from archive.formats import encode_as_sent

Json = dict[str, Any]

# the database stores only the id of a vocabulary's entry; the API adds titles and more
_VOCABULARY = ("resource_type", "type", "relation_type", "role", "lang")
_VOCABULARIES = ("languages", "rights", "subjects")


def migrator_entry(metadata: Any) -> Json | None:
    """Make the entry of a published record; None if this JSON is not InvenioRDM's, or lacks its id or parent."""
    if not isinstance(metadata, dict) or form_of(metadata)[0] != "rdm":
        return None
    parent = object_(metadata.get("parent"))
    if not isinstance(metadata.get("id"), str) or not isinstance(parent.get("id"), str):
        return None
    times = {"created": metadata.get("created"), "updated": metadata.get("updated")}
    return {"record": {**times, **_record(metadata)}, "parent": {**times, **_parent(parent)}, "record_files": []}


def _record(metadata: Json) -> Json:
    """Make the record part of an entry.

    The loader creates `id` (a UUID); `version_id` counts revisions, `index` versions from 1.
    """
    access = {key: value for key, value in object_(metadata.get("access")).items() if key != "status"}
    return {
        "version_id": metadata.get("revision_id", 1),
        "index": object_(metadata.get("versions")).get("index", 1),
        "json": {
            "id": metadata["id"],
            "pids": object_(metadata.get("pids")),
            "files": {"enabled": bool(object_(metadata.get("files")).get("enabled"))},
            "metadata": _fields(object_(metadata.get("metadata"))),
            "access": access,
            "custom_fields": object_(metadata.get("custom_fields")),
        },
    }


def _parent(parent: Json) -> Json:
    """Make the parent part: the loader finds communities by slug, and creates a parent once, from its first record."""
    owned = object_(parent.get("access")).get("owned_by")
    return {
        "version_id": 1,
        "json": {
            "id": parent["id"],
            "pids": object_(parent.get("pids")),
            "access": {"owned_by": owned} if owned else {},
            "communities": _communities(object_(parent.get("communities"))),
        },
    }


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
    """Reduce an entry of a vocabulary to its id; one without an id belongs to the record itself."""
    return {"id": entry["id"]} if isinstance(entry, dict) and "id" in entry else entry


# targets that are not JSON
MARCXML, MARC = "marcxml", "marc"
# keys of Dublin Core in JSON, ours and InvenioRDM's, which are in the plural
_ELEMENTS = (
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
)
_DC_NAMES = frozenset(name for element in _ELEMENTS for name in (element, f"{element}s", f"dcterms:{element}"))


def written(name: str, identifier: str, metadata: Json) -> bytes:
    """Encode a record in the format `name`: JSON, or XML for marcxml, or ISO 2709 for marc.

    Raises ConversionError if the record is of another format, and KeyError for an unknown format.
    """
    return TARGETS[name](identifier, metadata)


def index_json(identifier: str, metadata: Json) -> Json:
    """Return index fields, related identifiers and files as one object, null where the record says nothing.

    `unmapped` has the places of fields that could not be read (see `unread`); it is absent if all were.
    """
    links, fields = index_links(metadata), asdict(index_fields(identifier, metadata))
    found = {
        "identifier": identifier or None,
        **fields,
        "local_id": fields["local_id"] or None,
        "related": [asdict(one) for one in links.related],
        "files": [asdict(one) for one in links.files],
    }
    return {**found, "unmapped": places} if (places := unread(metadata)) else found


def _of_form(*forms: str) -> Callable[[str, Json], bytes]:
    def write(identifier: str, metadata: Json) -> bytes:
        form, inside = form_of(metadata)
        if form not in forms:
            raise ConversionError(f"it is {_name(form, metadata)}")
        return encode_as_sent(inside)

    return write


def _dc(identifier: str, metadata: Json) -> bytes:
    form, inside = form_of(metadata)
    if form != "dublin-core" or not _is_dublin_core(inside):
        raise ConversionError(f"it is {_name(form, metadata)}")
    return encode_as_sent(inside)


def _marcxml(identifier: str, metadata: Json) -> bytes:
    record = _marc(metadata)
    if (fault := fault_in(record)) is not None:
        raise ConversionError(fault)
    return marc_xml(record)


def _iso2709(identifier: str, metadata: Json) -> bytes:
    return iso2709(_marc(metadata))


def _marc(metadata: Json) -> Json:
    form, inside = form_of(metadata)
    if form != "marc":
        if isinstance(metadata.get("fields"), list) and not isinstance(metadata.get("leader"), str):
            raise ConversionError(f"{control_number(metadata)}, leader: there is none")
        raise ConversionError(f"it is {_name(form, metadata)}")
    return inside


def left_out(name: str, metadata: Json) -> list[str]:
    """List what a record has that the text of `written` neither contains nor mentions.

    JSON has `unmapped` for it. MARC has no place for what was `unmapped` in MARCXML, and ISO 2709 none for the
    attributes of a record; its type is also in leader/06.
    """
    if name not in (MARCXML, MARC):
        return []
    _, inside = form_of(metadata)
    lost = [text[:200] for text in inside.get("unmapped", ()) if isinstance(text, str)]
    if name == MARC:
        lost += sorted(inside.keys() - {"leader", "fields", "unmapped", "type"})
    return lost


def _index(identifier: str, metadata: Json) -> bytes:
    found = index_json(identifier, metadata)
    if index_fields("", metadata) == Fields("") and not found["related"] and not found["files"]:
        if "unmapped" in found:
            raise ConversionError(f"nothing in it could be read: {', '.join(found['unmapped'][:8])}")
        raise ConversionError(f"nothing in it is known: its keys are {', '.join(sorted(metadata)[:8]) or 'none'}")
    return orjson.dumps(found)


def _name(form: str, metadata: Json) -> str:
    if form == "dublin-core" and not _is_dublin_core(metadata):
        return f"JSON of no known form, with the keys {', '.join(sorted(metadata)[:8]) or 'none'}"
    return {"marc": "MARC", "datacite": "DataCite", "dublin-core": "Dublin Core"}.get(form, f"{form} JSON")


def _is_dublin_core(metadata: Json) -> bool:
    return any(name in _DC_NAMES and isinstance(value, list | str) for name, value in metadata.items())


TARGETS: dict[str, Callable[[str, Json], bytes]] = {
    "datacite-json": _of_form("datacite"),
    "marc-json": _of_form("marc"),
    "dc-json": _dc,
    "index-json": _index,
    "eprints-json": _of_form("eprints"),
    MARCXML: _marcxml,
    MARC: _iso2709,
}
