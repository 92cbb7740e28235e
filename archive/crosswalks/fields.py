"""Index fields from any of the JSON forms: what a record is called, whose it is, when and what."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from archive.crosswalks.anyjson import first, object_, objects, text, texts, year
from archive.crosswalks.dublincore import plain_texts
from archive.crosswalks.forms import Form, form_of
from archive.crosswalks.identifiers import local_id, normalise_doi
from archive.crosswalks.marc import datafields
from archive.crosswalks.platforms import (
    csl_fields,
    eprints_fields,
    rdm_doi,
    rdm_fields,
    schema_org_fields,
    zenodo_doi,
    zenodo_fields,
)

Json = dict[str, Any]
# marks a rights statement that says how open a record is, and is no licence
_ACCESS = "info:eu-repo/semantics/"
# the best name of a licence first
_RIGHTS = ("rightsIdentifier", "rightsUri", "rights")
# MARC relators of those who made the thing; an added entry without one is of them as well
_MAKERS = frozenset({"aut", "cre", "author", "creator"})


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


def index_fields(identifier: str, metadata: Json | None) -> Fields:
    """The index fields of a record; which form its JSON has is seen by its shape, never by its prefix.

    What the record points to is `links.index_links`.
    """
    local = local_id(identifier)
    if not metadata:
        return Fields(local)
    form, inside = form_of(metadata)
    return Fields(local, **_BY_FORM[form](inside))


def index_doi(metadata: Json | None) -> str | None:
    """The DOI alone of `index_fields`: several times as fast in the forms that most records have."""
    if not metadata:
        return None
    form, inside = form_of(metadata)
    doi: str | None = _DOIS[form](inside) if form in _DOIS else _BY_FORM[form](inside)["doi"]
    return doi


def _datacite(metadata: Json) -> Json:
    titles = objects(metadata.get("titles"))
    types = object_(metadata.get("types"))
    return {
        "doi": _datacite_doi(metadata),
        "title": first(texts(title.get("title") for title in titles if "titleType" not in title))
        or first(texts(title.get("title") for title in titles)),
        "resource_type": first(texts((types.get("resourceTypeGeneral"), types.get("resourceType")))),
        "publication_year": year(metadata.get("publicationYear")),
        "creators": texts(creator.get("name") for creator in objects(metadata.get("creators"))),
        "license": first(
            first(texts(map(rights.get, _RIGHTS)))
            for rights in objects(metadata.get("rightsList"))
            if not str(rights.get("rightsUri") or rights.get("rights") or "").startswith(_ACCESS)
        ),
        "version": text(metadata.get("version")),
        "concept": first(
            normalise_doi(text(item.get("relatedIdentifier")))
            for item in objects(metadata.get("relatedIdentifiers"))
            if item.get("relationType") == "IsVersionOf" and item.get("relatedIdentifierType") == "DOI"
        ),
    }


def _datacite_doi(metadata: Json) -> str | None:
    # kernels 4.2 and 4.3 have the DOI in a list
    dois = (i.get("identifier") for i in objects(metadata.get("identifiers")) if i.get("identifierType") == "DOI")
    return first(map(normalise_doi, texts((metadata.get("doi"), *dois))))


def _dublin_core(metadata: Json) -> Json:
    """Dublin Core, qualified or not; InvenioRDM sends it as JSON with names in the plural."""
    dates = plain_texts(metadata, "dcterms:issued", "date", "dates", "dcterms:date", "dcterms:created")
    rights = plain_texts(metadata, "dcterms:license", "rights", "dcterms:rights")
    return {
        "doi": _dublin_core_doi(metadata),
        "title": first(plain_texts(metadata, "title", "titles", "dcterms:title")),
        "resource_type": first(plain_texts(metadata, "type", "types", "dcterms:type")),
        "publication_year": first(map(year, dates)),
        "creators": plain_texts(metadata, "creator", "creators", "dcterms:creator"),
        "license": first(statement for statement in rights if not statement.startswith(_ACCESS)),
    }


def _dublin_core_doi(metadata: Json) -> str | None:
    return first(map(normalise_doi, plain_texts(metadata, "identifier", "identifiers", "dcterms:identifier")))


def _marc(record: Json) -> Json:
    fields = datafields(record)

    def every(tag: str, code: str) -> list[str]:
        return [value for name, subfields in fields if name == tag for value in subfields.get(code, ())]

    return {
        "doi": first(map(normalise_doi, every("024", "a"))),
        "title": first(every("245", "a")),
        "resource_type": first(_kind(subfields) for tag, subfields in fields if tag == "980"),
        "publication_year": first(map(year, every("260", "c") + every("264", "c"))),
        "creators": (*every("100", "a"), *(name for tag, subs in fields if tag == "700" for name in marc_makers(subs))),
        "license": first([*every("540", "u"), *(name for name in every("540", "a") if not name.startswith(_ACCESS))]),
        "concept": first(_concept(subfields) for tag, subfields in fields if tag == "773"),
    }


def _concept(subfields: dict[str, list[str]]) -> str | None:
    """The DOI of all versions, in a field about a related item."""
    relation = "".join(subfields.get("i", ())[:1]).replace(" ", "").lower()
    return first(map(normalise_doi, subfields.get("a", ()))) if relation == "isversionof" else None


def _kind(subfields: dict[str, list[str]]) -> str | None:
    """The type in a field that also names communities: image, then photo."""
    words = (*subfields.get("a", ())[:1], *subfields.get("b", ())[:1])
    return None if not words or words[0].startswith(("user-", _ACCESS)) else "-".join(words)


def marc_makers(subfields: dict[str, list[str]]) -> list[str]:
    roles = subfields.get("4", ())
    return subfields.get("a", []) if not roles or any(role.lower() in _MAKERS for role in roles) else []


_BY_FORM: dict[Form, Callable[[Json], Json]] = {
    "csl": csl_fields, "datacite": _datacite, "dublin-core": _dublin_core, "eprints": eprints_fields, "marc": _marc,
    "rdm": rdm_fields, "schema-org": schema_org_fields, "zenodo": zenodo_fields,
}  # fmt: skip
_DOIS: dict[Form, Callable[[Json], str | None]] = {
    "datacite": _datacite_doi, "dublin-core": _dublin_core_doi, "rdm": rdm_doi, "zenodo": zenodo_doi,
}  # fmt: skip
