"""Index fields from any of the JSON forms: what a record is called, whose it is, when and what."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from archive.crosswalks.identifiers import local_id, normalise_doi

_YEAR = re.compile(r"(?<!\d)(1[0-9]{3}|20[0-9]{2}|21[0-9]{2})(?!\d)")
# marks a rights statement that says how open a record is, and is no licence
_ACCESS = "info:eu-repo/semantics/"
# the best name of a licence first
_RIGHTS = ("rightsIdentifier", "rightsUri", "rights")


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
    if isinstance(metadata.get("fields"), list) and isinstance(metadata.get("leader"), str):
        return _marc(local, metadata)
    if isinstance(metadata.get("schemaVersion"), str) or isinstance(metadata.get("titles"), list):
        return _datacite(local, metadata)
    return _dublin_core(local, metadata)


def _year(text: Any) -> int | None:
    match = _YEAR.search(str(text)) if text is not None else None
    return int(match[1]) if match else None


def _first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value), None)


# Dublin Core may hold elements of any name, and JSON that a provider sent any shape: nothing is taken for granted


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(text for text in map(_text, values) if text is not None)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _datacite(local: str, metadata: dict[str, Any]) -> Fields:
    titles = _objects(metadata.get("titles"))
    types = metadata.get("types")
    types = types if isinstance(types, dict) else {}
    concepts = (
        item.get("relatedIdentifier")
        for item in _objects(metadata.get("relatedIdentifiers"))
        if item.get("relationType") == "IsVersionOf" and item.get("relatedIdentifierType") == "DOI"
    )
    return Fields(
        local,
        normalise_doi(_text(metadata.get("doi"))),
        _first(_texts(t.get("title") for t in titles if "titleType" not in t))
        or _first(_texts(t.get("title") for t in titles)),
        _first(_texts((types.get("resourceTypeGeneral"), types.get("resourceType")))),
        _year(metadata.get("publicationYear")),
        _texts(creator.get("name") for creator in _objects(metadata.get("creators"))),
        _first(_first(_texts(map(r.get, _RIGHTS))) for r in _objects(metadata.get("rightsList")) if not _is_access(r)),
        _text(metadata.get("version")),
        _first(map(normalise_doi, _texts(concepts))),
    )


def _is_access(rights: dict[str, Any]) -> bool:
    return str(rights.get("rightsUri") or rights.get("rights") or "").startswith(_ACCESS)


def _plain(values: Any) -> tuple[str, ...]:
    """The strings of a Dublin Core element."""
    if not isinstance(values, list):
        return ()
    return _texts(value.get("value") if isinstance(value, dict) else value for value in values)


def _dublin_core(local: str, metadata: dict[str, Any]) -> Fields:
    return Fields(
        local,
        _first(map(normalise_doi, _plain(metadata.get("identifier")))),
        _first(_plain(metadata.get("title"))),
        _first(_plain(metadata.get("type"))),
        _first(map(_year, _plain(metadata.get("date")))),
        _plain(metadata.get("creator")),
        _first(text for text in _plain(metadata.get("rights")) if not text.startswith(_ACCESS)),
    )


def _marc(local: str, metadata: dict[str, Any]) -> Fields:
    values: dict[str, list[str]] = {}
    for field in _objects(metadata["fields"]):
        for tag, value in field.items():
            for subfield in _objects(value.get("subfields")) if isinstance(value, dict) else ():
                for code, text in subfield.items():
                    values.setdefault(f"{tag}{code}", []).extend(_texts((text,)))
    return Fields(
        local,
        _first(map(normalise_doi, values.get("024a", ()))),
        _first(values.get("245a", ())),
        _first(values.get("980a", ())),
        _first(map(_year, [*values.get("260c", ()), *values.get("264c", ())])),
        (*values.get("100a", ()), *values.get("700a", ())),
        _first([*values.get("540u", ()), *values.get("540a", ())]),
    )
