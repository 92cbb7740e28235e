"""Index fields from any of the JSON forms: what a record is called, whose it is, when and what."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from archive.crosswalks.identifiers import local_id, normalise_doi

_YEAR = re.compile(r"(?<!\d)(1[0-9]{3}|20[0-9]{2}|21[0-9]{2})(?!\d)")
# marks a rights statement that says how open a record is, and is no licence
_ACCESS = "info:eu-repo/semantics/"


@dataclass(frozen=True, slots=True)
class Fields:
    """The columns of the index; None, or an empty tuple, where the record says nothing."""

    local_id: str
    doi: str | None = None
    title: str | None = None
    resource_type: str | None = None
    publication_year: int | None = None
    creators: tuple[str, ...] = ()
    license: str | None = None
    version: str | None = None
    concept: str | None = None


def index_fields(identifier: str, metadata: dict[str, Any] | None) -> Fields:
    """The index fields of a record; which form its JSON has is seen by its shape, never by its prefix."""
    local = local_id(identifier)
    if not metadata:
        return Fields(local)
    if "fields" in metadata and "leader" in metadata:
        return _marc(local, metadata)
    if "schemaVersion" in metadata or "titles" in metadata:
        return _datacite(local, metadata)
    return _dublin_core(local, metadata)


def _year(text: Any) -> int | None:
    match = _YEAR.search(str(text)) if text is not None else None
    return int(match[1]) if match else None


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value), None)


def _datacite(local: str, metadata: dict[str, Any]) -> Fields:
    titles = metadata.get("titles", ())
    types = metadata.get("types", {})
    rights = metadata.get("rightsList", ())
    concept = next(
        (
            item.get("relatedIdentifier")
            for item in metadata.get("relatedIdentifiers", ())
            if item.get("relationType") == "IsVersionOf" and item.get("relatedIdentifierType") == "DOI"
        ),
        None,
    )
    return Fields(
        local,
        normalise_doi(metadata.get("doi")),
        _first(t.get("title") for t in titles if "titleType" not in t) or _first(t.get("title") for t in titles),
        types.get("resourceTypeGeneral") or types.get("resourceType"),
        _year(metadata.get("publicationYear")),
        tuple(creator["name"] for creator in metadata.get("creators", ()) if creator.get("name")),
        _first(r.get("rightsIdentifier") or r.get("rightsUri") or r.get("rights") for r in rights if not _is_access(r)),
        metadata.get("version"),
        normalise_doi(concept),
    )


def _is_access(rights: dict[str, Any]) -> bool:
    return str(rights.get("rightsUri") or rights.get("rights") or "").startswith(_ACCESS)


def _plain(values: Any) -> list[str]:
    """The strings of a Dublin Core element."""
    return [v if isinstance(v, str) else str(v.get("value", "")) for v in values or () if isinstance(v, str | dict)]


def _dublin_core(local: str, metadata: dict[str, Any]) -> Fields:
    dois = (normalise_doi(text) for text in _plain(metadata.get("identifier")))
    return Fields(
        local,
        _first(dois),
        _first(_plain(metadata.get("title"))),
        _first(_plain(metadata.get("type"))),
        _first(map(_year, _plain(metadata.get("date")))),
        tuple(filter(None, _plain(metadata.get("creator")))),
        _first(text for text in _plain(metadata.get("rights")) if not text.startswith(_ACCESS)),
    )


def _marc(local: str, metadata: dict[str, Any]) -> Fields:
    values: dict[str, list[str]] = {}
    for field in metadata["fields"]:
        for tag, value in field.items():
            if isinstance(value, dict):
                for subfield in value.get("subfields", ()):
                    for code, text in subfield.items():
                        values.setdefault(f"{tag}{code}", []).append(text)
    return Fields(
        local,
        _first(map(normalise_doi, values.get("024a", ()))),
        _first(values.get("245a", ())),
        _first(values.get("980a", ())),
        _first(map(_year, [*values.get("260c", ()), *values.get("264c", ())])),
        tuple([*values.get("100a", ()), *values.get("700a", ())]),
        _first([*values.get("540u", ()), *values.get("540a", ())]),
    )
