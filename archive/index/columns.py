"""Columns of the index that follow from the content of a record, in any of the JSON formats.

Two formats make up most of what is harvested, in millions of records: DataCite and Dublin Core are read here in one
pass each, over lists of objects and strings, which nearly all are. The result equals that of the crosswalks, which read
the other formats, and records of unusual shape.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from archive.crosswalks import (
    DATES,
    IDENTIFIERS,
    LIST_KEYS,
    OTHER_KEYS,
    RELATIONS,
    RIGHTS,
    RIGHTS_NAMES,
    SUBJECTS,
    TEXT_KEYS,
    TITLES,
    TYPES,
    creator_keys,
    first,
    form_of,
    index_fields,
    index_links,
    local_id,
    normalise,
    normalise_doi,
    normalise_orcid,
    relation_name,
    year,
)
from archive.files import files_in
from archive.index.details import SUBJECT_URIS, details_of

Json = dict[str, Any]
Rows = list[Json]

_ACCESS = "info:eu-repo/semantics/"
# keys that `metadata.files_in` reads: without any of them there are no files
_HOLD_FILES = frozenset({"files", "documents", "datasetVersion", "data", "global_id", "fields", "distribution"})
# Keys of another shape or an older schema: with any of them the crosswalks read the record.
_OTHER_NAMES = frozenset({"identifier", "creator", "resourceType", "rights"})
_OTHER_PEOPLE = frozenset(OTHER_KEYS)
_OTHER_IDENTIFIERS = frozenset({"identifier", "value"})
_OTHER_TITLES = frozenset({*TEXT_KEYS, *LIST_KEYS, "name"})
_OTHER_SUBJECTS = frozenset({*_OTHER_TITLES, "term", "title", "scheme", "inDefinedTermSet", *SUBJECT_URIS}) - {
    "valueUri",
    "valueURI",
}
_EACH_ELEMENT = frozenset({"doi", "DOI", "author", "authors"}) | {
    name
    for names in (IDENTIFIERS, TITLES, TYPES, DATES, RIGHTS, RELATIONS, SUBJECTS, creator_keys("dublin-core"))
    for name in names
    if name.startswith("dc:")
}
_IN_A_LANGUAGE = frozenset({"value", "lang"})
# creators with many publications come up again and again
_cached_orcid = lru_cache(1 << 16)(normalise_orcid)


def columns_of(identifier: str, metadata: Json | None, url: str | None, original: str | None) -> Json:
    """Compute the columns of a record by name, as the query `load_versions` has them; unknown ones may be left out."""
    if not metadata:
        row = generic_columns(identifier, None)
        return row if original is None else _with_files(row, None, url, original)
    form, inside = form_of(metadata)
    if form == "datacite":
        try:
            return {"local_id": local_id(identifier), **_datacite(inside)}
        except (AttributeError, TypeError):  # an object instead of a list, a list instead of a text, a name in parts
            return generic_columns(identifier, metadata)
    if form == "dublin-core" and inside is metadata and _EACH_ELEMENT.isdisjoint(metadata):
        try:
            row = {"local_id": local_id(identifier), **_dublin_core(inside)}
        except TypeError:
            row = generic_columns(identifier, metadata)
    else:
        row = generic_columns(identifier, metadata)
    return _with_files(row, metadata, url, original)


def generic_columns(identifier: str, metadata: Json | None) -> Json:
    """Compute the same columns without those of files, by the slower crosswalks alone."""
    found, details = index_fields(identifier, metadata), details_of(metadata)
    relations = [
        {"relation_type": one.relation, "scheme": one.scheme, "target": one.identifier}
        for one in index_links(metadata).related
    ]
    return {
        "local_id": found.local_id,
        "doi": found.doi,
        "title": found.title,
        "resource_type": found.resource_type,
        "publication_year": found.publication_year,
        "license": found.license,
        "stated_version": found.version,
        "concept": found.concept,
        "all_identifiers": details.identifiers,
        "all_creators": details.creators,
        "all_subjects": details.subjects,
        "all_relations": relations,
    }


def _with_files(row: Json, metadata: Json | None, url: str | None, original: str | None) -> Json:
    if metadata and _HOLD_FILES.isdisjoint(metadata):
        return row
    files = files_in(metadata, url or "", original).files
    row["all_files"] = [
        {
            "key": file.key,
            "size": file.size,
            "checksum": file.checksum and str(file.checksum),
            "url": file.url,
            "media_type": file.media_type,
        }
        for file in files
    ]
    return row


# --- in one pass


def _text(value: Any) -> str | None:
    """Normalise a text like `anyjson.text`. Raises TypeError for anything else: the crosswalks read other shapes."""
    if value.__class__ is str:
        return (value.strip() if value.isprintable() else " ".join(value.split())) or None
    if value is None:
        return None
    raise TypeError(f"{type(value).__name__} for a text")


def _year(value: Any) -> int | None:
    """Parse a year like `anyjson.year`."""
    if value.__class__ is str and value[4:5] in ("", "-"):
        head = value[:4]
        if len(head) == 4 and "1000" <= head < "2200" and head.isascii() and head.isdigit():
            return int(head)
    if value is None or value.__class__ in (str, int):
        return year(value)
    raise TypeError(f"{type(value).__name__} for a year")


def _datacite(metadata: Json) -> Json:
    """Compute the columns of DataCite JSON. Raises AttributeError and TypeError for an unusual shape."""
    if not _OTHER_NAMES.isdisjoint(metadata):
        raise TypeError("an older schema")
    get = metadata.get
    dois: list[str] = []
    identifiers: dict[tuple[str | None, str], Json] = {}
    if (doi := _text(get("doi"))) is not None:
        _add_identifier(identifiers, "doi", doi, dois)
    for item in get("identifiers") or ():
        if (value := _text(item.get("identifier"))) is not None:
            kind = _text(item.get("identifierType"))
            if kind is None:
                raise TypeError("an identifier without a type")
            _add_identifier(identifiers, kind, value, dois)
    for item in get("alternateIdentifiers") or ():
        if (value := _text(item.get("alternateIdentifier"))) is not None:
            if (kind := _text(item.get("alternateIdentifierType"))) is None:
                raise TypeError("an identifier without a type")
            _add_identifier(identifiers, kind, value, [])
    relations, concept = _datacite_relations(get("relatedIdentifiers") or ())
    types = get("types") or {}
    if not dois and "id" in metadata:
        raise TypeError("a DOI in another place")
    return {
        "doi": dois[0] if dois else None,
        "title": _datacite_title(get("titles") or ()),
        "resource_type": _text(types.get("resourceTypeGeneral")) or _text(types.get("resourceType")),
        "publication_year": _year(get("publicationYear")),
        "license": _datacite_licence(get("rightsList") or ()),
        "stated_version": _text(get("version")),
        "concept": concept,
        "all_identifiers": list(identifiers.values()),
        "all_creators": _datacite_creators(get("creators") or ()),
        "all_subjects": _datacite_subjects(get("subjects") or ()),
        "all_relations": relations,
    }


def _add_identifier(found: dict[tuple[str | None, str], Json], kind: str | None, value: str, dois: list[str]) -> None:
    """Add an identifier; if it is declared as a DOI and is one, it is also added to `dois`."""
    scheme = kind.lower() if kind is not None else None
    if scheme == "doi" and (doi := normalise_doi(value)) is not None:
        dois.append(doi)
        value = doi
    elif scheme is None:
        if (doi := normalise_doi(value)) is not None:
            scheme, value = "doi", doi
        elif value.startswith(("http://", "https://")):
            scheme = "url"
        elif value.startswith("oai:"):
            scheme = "oai"
    else:
        value = normalise(scheme, value)
    key = (scheme, value)
    if key not in found:
        found[key] = {"value": value} if scheme is None else {"scheme": scheme, "value": value}


def _datacite_title(titles: Iterable[Json]) -> str | None:
    """Return the first title without a type, else the first of all."""
    other = None
    for title in titles:
        if not _OTHER_TITLES.isdisjoint(title):
            raise TypeError("a title in another shape")
        if (found := _text(title.get("title"))) is not None:
            if "titleType" not in title:
                return found
            other = other or found
    return other


def _datacite_licence(rights: Iterable[Json]) -> str | None:
    for right in rights:
        if not str(right.get("rightsUri") or right.get("rights") or "").startswith(_ACCESS):
            for name in RIGHTS_NAMES:
                if (found := _text(right.get(name))) is not None:
                    return found
    return None


def _datacite_creators(creators: Iterable[Json]) -> Rows:
    rows = []
    for item in creators:
        get = item.get
        if (name := _text(get("name"))) is None or not _OTHER_PEOPLE.isdisjoint(item):
            raise TypeError("a person in another shape")
        row: Json = {"name": name}
        if (given := _text(get("givenName"))) is not None:
            row["given"] = given
        if (family := _text(get("familyName"))) is not None:
            row["family"] = family
        if (ids := get("nameIdentifiers")) and (orcid := _datacite_orcid(ids)) is not None:
            row["orcid"] = orcid
        if (affiliations := get("affiliation")) and (names := _datacite_names(affiliations)):
            row["affiliations"] = names
        rows.append(row)
    return rows


def _datacite_orcid(ids: Iterable[Json]) -> str | None:
    for one in ids:
        get = one.get
        if not _OTHER_IDENTIFIERS.isdisjoint(one):
            raise TypeError("an identifier of a person in another shape")
        scheme = _text(get("nameIdentifierScheme"))
        uri = _text(get("schemeUri")) or _text(get("schemeURI")) or ""
        if (scheme is None or "orcid" in scheme.lower() or "orcid.org" in uri) and (
            found := _cached_orcid(_text(get("nameIdentifier")))
        ) is not None:
            return found
    return None


def _datacite_names(affiliations: Any) -> list[str]:
    if affiliations.__class__ is not list:
        raise TypeError("one affiliation for a list")
    found: dict[str, None] = {}
    for one in affiliations:
        if (name := _text(one if one.__class__ is str else one.get("name"))) is not None:
            found[name] = None
        elif one.__class__ is not str:
            raise TypeError("an affiliation without a name")
    return list(found)


def _datacite_subjects(subjects: Iterable[Json]) -> Rows:
    rows = []
    for item in subjects:
        get = item.get
        if not _OTHER_SUBJECTS.isdisjoint(item):
            raise TypeError("a subject in another shape")
        uri = _text(get("valueUri")) or _text(get("valueURI"))
        if (subject := _text(get("subject")) or uri) is None:
            continue
        row: Json = {"subject": subject}
        if (scheme := _text(get("subjectScheme"))) is not None:
            row["scheme"] = scheme
        if uri is not None:
            row["uri"] = uri
        rows.append(row)
    return rows


def _datacite_relations(items: Iterable[Json]) -> tuple[Rows, str | None]:
    """Return the relations, like `links.related`, and the DOI of all versions."""
    rows, concept = [], None
    for item in items:
        if (target := _text(item.get("relatedIdentifier"))) is None:
            continue
        named, typed = item.get("relationType"), item.get("relatedIdentifierType")
        kind, scheme = _text(named), _text(typed)
        if scheme is not None:
            scheme = scheme.lower()
            target = normalise(scheme, target)
        elif (doi := normalise_doi(target)) is not None:
            scheme, target = "doi", doi
        rows.append({"relation_type": kind and relation_name(kind), "scheme": scheme, "target": target})
        if concept is None and named == "IsVersionOf" and typed == "DOI":
            concept = normalise_doi(target)
    return rows, concept


def _plain(metadata: Json, *names: str) -> list[str]:
    """Collect texts like `dublincore.plain_texts`. Raises TypeError if a value is not a text, or has a language."""
    found = []
    for name in names:
        if name in metadata:
            if (values := metadata[name]).__class__ is not list:
                raise TypeError("one value for a list")
            for value in values:
                if value.__class__ is str and value.isprintable():  # like `_text`, saving ten calls a record
                    one = value.strip() or None
                elif value.__class__ is dict:
                    if "value" not in value or not value.keys() <= _IN_A_LANGUAGE:
                        raise TypeError("a value in another shape")
                    one = _text(value["value"])
                else:
                    one = _text(value)
                if one is not None:
                    found.append(one)
    return found


def _dublin_core(metadata: Json) -> Json:
    identifiers: dict[tuple[str | None, str], Json] = {}
    for value in _plain(metadata, "identifier", "identifiers", "dcterms:identifier"):
        _add_identifier(identifiers, None, value, [])
    dois = [one["value"] for one in identifiers.values() if one.get("scheme") == "doi"]
    relations = []
    for name in _plain(metadata, "relation", "relations", "dcterms:relation"):
        doi = normalise_doi(name)
        relations.append({"relation_type": None, "scheme": doi and "doi", "target": doi or name})
    rights = _plain(metadata, "dcterms:license", "rights", "dcterms:rights")
    dates = _plain(metadata, "dcterms:issued", "date", "dates", "dcterms:date", "dcterms:created")
    return {
        "doi": dois[0] if dois else None,
        "title": next(iter(_plain(metadata, "title", "titles", "dcterms:title")), None),
        "resource_type": next(iter(_plain(metadata, "type", "types", "dcterms:type")), None),
        "publication_year": first(map(_year, dates)),
        "license": first(statement for statement in rights if not statement.startswith(_ACCESS)),
        "all_identifiers": list(identifiers.values()),
        "all_creators": [{"name": name} for name in _plain(metadata, "creator", "creators", "dcterms:creator")],
        "all_subjects": [{"subject": name} for name in _plain(metadata, "subject", "subjects", "dcterms:subject")],
        "all_relations": relations,
    }
