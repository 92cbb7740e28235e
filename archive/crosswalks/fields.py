"""Index fields from any JSON format: title, creators, dates, type, licence and identifiers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from archive.crosswalks.anyjson import each, first, objects, text, texts, year
from archive.crosswalks.creators import creators_of
from archive.crosswalks.dublincore import DATES, RIGHTS, TITLES, TYPES, named_identifiers, plain_texts
from archive.crosswalks.forms import Form, form_of
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
from archive.crosswalks.schemes import local_id, normalise_doi
from archive.crosswalks.shapes import identifiers, names_doi, spoken, titles, year_of

Json = dict[str, Any]
# marks a rights statement about access, which is not a licence
_ACCESS = "info:eu-repo/semantics/"
# names of a licence, the best first
RIGHTS_NAMES = ("rightsIdentifier", "rightsUri", "rights", "rightsURI")
# MARC relators of creators; an added entry without a relator counts as one too
_MAKERS = frozenset({"aut", "cre", "author", "creator"})


@dataclass(frozen=True, slots=True)
class Fields:
    """Columns of the index; None, or an empty tuple, if the record says nothing."""

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
    """Read the index fields of a record; the format of its JSON is recognised by shape, never by prefix.

    What the record points to is read by `links.index_links`.
    """
    local = local_id(identifier)
    if not metadata:
        return Fields(local)
    form, inside = form_of(metadata)
    return Fields(local, **_BY_FORM[form](inside))


def index_doi(metadata: Json | None) -> str | None:
    """Read only the DOI of `index_fields`: several times as fast in the formats of most records."""
    if not metadata:
        return None
    form, inside = form_of(metadata)
    doi: str | None = _DOIS[form](inside) if form in _DOIS else _BY_FORM[form](inside)["doi"]
    return doi


def _datacite(metadata: Json) -> Json:
    types = each(metadata.get("types")) or each(metadata.get("resourceType"))
    plain = [one for one in each(metadata.get("titles")) if not isinstance(one, dict) or "titleType" not in one]
    rights = each(metadata.get("rightsList")) or each(metadata.get("rights"))
    return {
        "doi": _datacite_doi(metadata),
        "title": first(titles(plain)) or first(titles(metadata.get("titles"))),
        "resource_type": first(map(_datacite_type, types)),
        "publication_year": year_of(metadata.get("publicationYear")),
        "creators": _names("datacite", metadata),
        "license": first(map(_datacite_licence, rights)),
        "version": first(spoken(metadata.get("version"))),
        "concept": first(
            normalise_doi(text(item.get("relatedIdentifier")))
            for item in objects(metadata.get("relatedIdentifiers"))
            if item.get("relationType") == "IsVersionOf" and item.get("relatedIdentifierType") == "DOI"
        ),
    }


def _names(form: Form, record: Json) -> tuple[str, ...]:
    return tuple(person.name for person in creators_of(form, record))


def _datacite_type(types: Any) -> str | None:
    if not isinstance(types, dict):
        return text(types)
    return first((*spoken(types.get("resourceTypeGeneral")), *spoken(types.get("resourceType"))))


def _datacite_licence(rights: Any) -> str | None:
    if not isinstance(rights, dict):
        found = text(rights)
        return None if found is None or found.startswith(_ACCESS) else found
    if str(rights.get("rightsUri") or rights.get("rights") or "").startswith(_ACCESS):
        return None
    return first(spoken([rights.get(name) for name in RIGHTS_NAMES]))


def _datacite_doi(metadata: Json) -> str | None:
    # kernels 4.2 and 4.3 have the DOI in a list, 4.0 and 4.1 in an object
    named = (*identifiers(metadata.get("identifiers")), *identifiers(metadata.get("identifier")))
    dois = (found for found, scheme in named if names_doi(scheme))
    loose = (found for found, scheme in named if scheme is None)
    return first(map(normalise_doi, (*spoken(metadata.get("doi")), *dois, *loose, *texts((metadata.get("id"),)))))


def _dublin_core(metadata: Json) -> Json:
    """Read Dublin Core, qualified or not; InvenioRDM sends it as JSON with names in the plural."""
    rights = plain_texts(metadata, *RIGHTS)
    return {
        "doi": _dublin_core_doi(metadata),
        "title": first(titles([metadata[name] for name in TITLES if name in metadata])),
        "resource_type": first(plain_texts(metadata, *TYPES)),
        "publication_year": first(year_of(metadata[name]) for name in DATES if name in metadata),
        "creators": _names("dublin-core", metadata),
        "license": first(statement for statement in rights if not statement.startswith(_ACCESS)),
    }


def _dublin_core_doi(metadata: Json) -> str | None:
    named = named_identifiers(metadata)
    return first(normalise_doi(found) for found, scheme in named if scheme is None or names_doi(scheme))


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
    """Read the DOI of all versions, from a field about a related item."""
    relation = "".join(subfields.get("i", ())[:1]).replace(" ", "").lower()
    return first(map(normalise_doi, subfields.get("a", ()))) if relation == "isversionof" else None


def _kind(subfields: dict[str, list[str]]) -> str | None:
    """Read the type, from a field that also names communities: image, then photo."""
    words = (*subfields.get("a", ())[:1], *subfields.get("b", ())[:1])
    return None if not words or words[0].startswith(("user-", _ACCESS)) else "-".join(words)


def marc_makers(subfields: dict[str, list[str]]) -> list[str]:
    roles = subfields.get("4", ())
    return subfields.get("a", []) if not roles or any(role.lower() in _MAKERS for role in roles) else []


_BY_FORM: dict[Form, Callable[[Json], Json]] = {
    "csl": csl_fields,
    "datacite": _datacite,
    "dublin-core": _dublin_core,
    "eprints": eprints_fields,
    "marc": _marc,
    "rdm": rdm_fields,
    "schema-org": schema_org_fields,
    "zenodo": zenodo_fields,
}
_DOIS: dict[Form, Callable[[Json], str | None]] = {
    "datacite": _datacite_doi,
    "dublin-core": _dublin_core_doi,
    "rdm": rdm_doi,
    "zenodo": zenodo_doi,
}
