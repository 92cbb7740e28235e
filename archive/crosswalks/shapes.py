"""Read texts, people, dates and identifiers in all shapes that providers use.

A field in another shape is still the field: a title may be a text, a list of texts or an object with a language, a
creator a text, a name in parts or an object around either, an identifier a text or an object with its scheme. The
crosswalks of all formats use these functions, so that the shapes of one platform are read everywhere.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from archive.crosswalks.anyjson import each, first, object_, objects, text, texts, year
from archive.crosswalks.schemes import normalise_orcid

Json = dict[str, Any]

# keys of the text in an object that stands for one: JSON-LD, ours, XML converted to JSON by common tools, EPrints
TEXT_KEYS = ("@value", "value", "#text", "$", "_", "text", "content")
LIST_KEYS = ("@list", "@set")
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*|@none|und")
_NO_LANGUAGES = frozenset({"id", "url", "uri", "doi", "key"})
_FAMILY = ("familyName", "family_name", "family", "lastName", "last_name", "creatorFamilyName")
_GIVEN = ("givenName", "given_name", "given", "firstName", "first_name", "creatorGivenName")
_PARTICLES = ("non-dropping-particle", "dropping-particle")
# keys of a full name, the best first
_WHOLE = (
    "@value",
    "value",
    "name",
    "creatorName",
    "contributorName",
    "literal",
    "full_name",
    "fullName",
    "displayName",
    "organizationName",
    "legalName",
    "label",
    "authorName",
    *TEXT_KEYS,
    *LIST_KEYS,
)
# keys of an object around the person: InvenioRDM, a role of schema.org
_AROUND = ("person_or_org", "creator", "author", "person", "creatorName", "contributorName", "name")
_IDENTIFIER_KEYS = (
    "identifier",
    "alternateIdentifier",
    "relatedIdentifier",
    "nameIdentifier",
    "value",
    "@value",
    "@id",
    "id",
    "url",
    "#text",
    "_",
)
_SCHEME_KEYS = (
    "identifierType",
    "alternateIdentifierType",
    "relatedIdentifierType",
    "nameIdentifierScheme",
    "scheme",
    "propertyID",
    "type",
)
_SURELY_ONE = frozenset({*_IDENTIFIER_KEYS, *_SCHEME_KEYS} - {"url", "id"})
# keys of an object of identifiers by scheme
_SCHEMES = frozenset({"doi", "DOI", "isbn", "ISBN", "issn", "ISSN", "handle", "arxiv", "pmid", "pmcid", "urn", "ark"})
_BASIC_DATE = re.compile(r"([12][0-9]{3})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])")
_DATE_KEYS = ("date", "@value", "value", "raw", "literal", "date-time", "start", "#text", "year")


def spoken(value: Any) -> tuple[str, ...]:
    """Read the texts of a value: itself, each of a list, of an object the one that it stands for, in any language."""
    if isinstance(value, list):
        return tuple(found for one in value for found in spoken(one))
    if not isinstance(value, dict):
        return texts((value,))
    for key in (*TEXT_KEYS, *LIST_KEYS):
        if key in value:
            return spoken(value[key])
    if value and all(_LANGUAGE.fullmatch(key) and key not in _NO_LANGUAGES for key in value):
        return spoken(list(value.values()))
    return ()


def titles(value: Any) -> tuple[str, ...]:
    """Read titles: texts, or objects that have one under `title` or `name`."""
    found: list[str] = []
    for one in each(value):
        if isinstance(one, list):
            found += titles(one)
        else:
            found += spoken(one) or (spoken(one.get("title") or one.get("name")) if isinstance(one, dict) else ())
    return tuple(found)


def year_of(value: Any) -> int | None:
    """Read the first year of a date in any shape: text, number, list, parts as in CSL, or an object with one."""
    if isinstance(value, list):
        return first(map(year_of, value))
    if not isinstance(value, dict):
        return year(value)
    parts = value.get("date-parts", value.get("dateParts"))
    return first(map(year_of, each(parts))) or first(year_of(value[key]) for key in _DATE_KEYS if key in value)


def date_texts(value: Any) -> Iterator[str]:
    """Read dates as texts in ISO 8601, also dates in parts and without hyphens."""
    for one in each(value):
        if isinstance(one, list):
            yield from date_texts(one)
        elif isinstance(one, dict):
            for parts in each(one.get("date-parts", one.get("dateParts"))):
                yield "-".join(f"{part:0>2}" for part in texts(each(parts)))
            yield from date_texts([one[key] for key in _DATE_KEYS if key in one])
        elif (found := text(one)) is not None:
            basic = _BASIC_DATE.fullmatch(found)
            yield "-".join(basic.groups()) if basic else found


# --- people


# alternatives to DataCite's keys of a person: name, givenName, familyName and so on
OTHER_KEYS = (
    {*_FAMILY, *_GIVEN, *_PARTICLES, *_WHOLE, *_AROUND}
    | {"orcid", "ORCID", "nameIdentifier", "identifiers", "affiliations", "@id", "identifier", "sameAs", "url", "id"}
) - {"name", "givenName", "familyName"}


@dataclass(frozen=True, slots=True)
class Person:
    """A person or organisation, as far as the record says."""

    name: str
    given: str | None = None
    family: str | None = None
    orcid: str | None = None
    affiliations: tuple[str, ...] = ()


def people(value: Any) -> tuple[Person, ...]:
    """Read everyone named in a value; see `person`."""
    if isinstance(value, dict) and (key := next((key for key in LIST_KEYS if key in value), None)):
        return people(value[key])
    return tuple(found for one in each(value) for found in _several(one))


def _several(value: Any) -> Iterator[Person]:
    if isinstance(value, list) or (isinstance(value, dict) and not value.keys().isdisjoint(LIST_KEYS)):
        yield from people(value)
    elif (found := person(value)) is not None:
        yield found


def person(value: Any) -> Person | None:
    """Read a person: a text, or an object with a name or its parts, or containing such an object. None without a name.

    A name in parts becomes `Family, Given`.
    """
    if not isinstance(value, dict):
        name = text(value)
        return None if name is None else Person(name)
    around = [value, *(inner for key in _AROUND for inner in each(value.get(key)) if isinstance(inner, dict))]
    family, given = _part(around, _FAMILY), _part(around, _GIVEN)
    if family is not None:
        family = " ".join((*texts(value.get(key) for key in _PARTICLES), family))
    whole = first(_whole(one) for one in around)
    in_parts = ", ".join(part for part in (family, given) if part)
    if not (name := whole or in_parts):
        return None
    orcid = first(map(_orcid, around))
    affiliations = dict.fromkeys(found for one in around for found in _affiliations(one))
    return Person(name, given, family, orcid, tuple(affiliations))


def _part(around: list[Json], keys: tuple[str, ...]) -> str | None:
    return next((found for one in around for key in keys for found in spoken(one.get(key))), None)


def _whole(value: Json) -> str | None:
    return next((found for key in _WHOLE if key in value for found in spoken(value[key])), None)


def _affiliations(value: Json) -> Iterator[str]:
    for key in ("affiliation", "affiliations"):
        for one in each(value.get(key)):
            yield from affiliation(one)


def affiliation(value: Any) -> tuple[str, ...]:
    """Read the names of an affiliation, or its id if it has no name."""
    if not isinstance(value, dict):
        return spoken(value)
    for key in (
        "name",
        "affiliation",
        "legalName",
        "title",
        *TEXT_KEYS,
        *LIST_KEYS,
        "affiliationIdentifier",
        "id",
        "identifier",
        "@id",
    ):
        if key in value and (found := _names(value[key])):
            return found
    return ()


def _names(value: Any) -> tuple[str, ...]:
    return tuple(found for one in each(value) for found in (affiliation(one) if isinstance(one, dict) else spoken(one)))


def _orcid(value: Json) -> str | None:
    """Return the first ORCID iD that is declared as one, or is a URL of orcid.org; numbers of other schemes are not."""
    named = [*spoken(value.get("orcid")), *spoken(value.get("ORCID"))]
    for key in ("nameIdentifiers", "nameIdentifier", "identifiers"):
        for one in each(value.get(key)):
            if isinstance(one, dict):
                schemes = texts(one.get(name) for name in ("nameIdentifierScheme", "scheme"))
                uri = text(one.get("schemeUri")) or text(one.get("schemeURI")) or ""
                if all("orcid" in scheme.lower() for scheme in schemes) or "orcid.org" in uri:
                    named += texts(one.get(name) for name in ("nameIdentifier", "identifier", "value"))
            else:
                named += texts((one,))
    for key in ("@id", "identifier", "sameAs", "url", "id"):
        for one in each(value.get(key)):
            if not isinstance(one, dict):
                named += texts((one,))
            elif "orcid" in (text(one.get("propertyID")) or "orcid").lower():
                named += texts(one.get(name) for name in ("@id", "url", "value", "@value"))
    return first(map(normalise_orcid, named))


# --- identifiers


def identifier(value: Any, scheme: Any = None) -> tuple[str, str | None] | None:
    """Read (identifier, scheme) of a text, or of an object that has it under one of the usual keys."""
    if isinstance(value, dict):
        found = next((got for key in _IDENTIFIER_KEYS if (got := text(value.get(key))) is not None), None)
        named = first(texts(value.get(key) for key in _SCHEME_KEYS))
        scheme = (named.rstrip("/").rpartition("/")[2] if named and "://" in named else named) or text(scheme)
    else:
        found, scheme = text(value), text(scheme)
    return None if found is None else (found, scheme)


def identifiers(value: Any) -> Iterator[tuple[str, str | None]]:
    """Read each identifier of a value: one, a list, or an object of identifiers by scheme."""
    if isinstance(value, dict):
        if key := next((key for key in LIST_KEYS if key in value), None):
            yield from identifiers(value[key])
            return
        if value.keys().isdisjoint(_SURELY_ONE) and not value.keys().isdisjoint(_SCHEMES):
            for scheme, several in value.items():
                yield from (found for one in each(several) if (found := identifier(one, scheme)) is not None)
            return
    for one in each(value):
        if isinstance(one, list):
            yield from identifiers(one)
        elif (found := identifier(one)) is not None:
            yield found


def marc_in_json(record: Json) -> Json:
    """Return a record of MARC as MARC-in-JSON, also from the shape of marc-record-js.

    There a field is {"tag": "245", "ind1": "1", "ind2": "0", "subfields": [{"code": "a", "value": "..."}]}.
    """
    fields = objects(record.get("fields"))
    if not any(isinstance(field.get("tag"), str) for field in fields):
        return record
    return record | {"fields": [_marc_field(field) for field in fields]}


def _marc_field(field: Json) -> Json:
    tag = field.get("tag")
    if not isinstance(tag, str):
        return field
    rest = {key: value for key, value in field.items() if key != "tag"}
    if rest.keys() == {"value"}:
        return {tag: rest["value"]}
    if not isinstance(rest.get("subfields"), list):
        return field
    parts = [
        {one["code"]: one["value"]} if one.keys() == {"code", "value"} and isinstance(one["code"], str) else one
        for one in objects(rest["subfields"])
    ]
    whole = len(parts) == len(rest["subfields"])
    return {tag: rest | {"subfields": parts}} if whole else field


def names_doi(scheme: str | None) -> bool:
    """Return whether a scheme is that of DOIs, in any spelling."""
    return scheme is not None and scheme.lower() == "doi"


def inner(record: Json, *keys: str) -> Json:
    """Return the object at a path of keys, empty if there is none."""
    for key in keys:
        record = object_(record.get(key))
    return record
