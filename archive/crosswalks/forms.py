"""Which of the forms a record's JSON has: seen by its shape, never by the prefix or media type it came under."""

from typing import Any, Literal

from archive.crosswalks.anyjson import object_, objects

Json = dict[str, Any]
Form = Literal["csl", "datacite", "dublin-core", "eprints", "marc", "rdm", "schema-org", "zenodo"]


def form_of(metadata: Json) -> tuple[Form, Json]:
    """The form, and the part of the JSON that is the record; what is like no other is Dublin Core, or of no use."""
    if isinstance(metadata.get("fields"), list) and isinstance(metadata.get("leader"), str):
        return "marc", metadata
    if "@context" in metadata or "@graph" in metadata:
        return "schema-org", metadata  # that of DataCite has a schemaVersion as well
    if isinstance(metadata.get("schemaVersion"), str) or objects(metadata.get("titles")):
        return "datacite", metadata
    if isinstance(inner := metadata.get("metadata"), dict):
        is_rdm = "pids" in metadata or "parent" in metadata or "id" in object_(inner.get("resource_type"))
        return ("rdm" if is_rdm else "zenodo"), metadata
    if "eprintid" in metadata:
        return "eprints", metadata
    if "DOI" in metadata or isinstance(metadata.get("issued"), dict):
        return "csl", metadata
    for wrapper in ("data", "attributes", "collection"):  # the REST API of DataCite; several MARC records
        if wrapper in metadata and (inside := objects(metadata[wrapper])):
            return form_of(inside[0])
    return "dublin-core", metadata
