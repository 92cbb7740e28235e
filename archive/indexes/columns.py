"""The columns of the index that follow from what a record says, from any of the JSON forms.

Two forms make up most of what is harvested, and a harvest has millions of them: DataCite and Dublin Core are read here
in one pass each, over values that are texts, which nearly all are. What they give is what the crosswalks give, and
for the other forms is taken from there.
"""

from functools import lru_cache
from typing import Any

from archive.crosswalks.anyjson import first, objects, text, texts, year
from archive.crosswalks.fields import index_fields
from archive.crosswalks.forms import form_of
from archive.crosswalks.identifiers import local_id, normalise, normalise_doi, normalise_orcid
from archive.crosswalks.links import index_links, related
from archive.files.recordfiles import files_in
from archive.indexes.details import details_of

Json = dict[str, Any]
Rows = list[Json]

_ACCESS = "info:eu-repo/semantics/"
# keys that `recordfiles.files_in` looks at: without any there are no files
_HOLD_FILES = frozenset({"files", "documents", "datasetVersion", "data", "global_id", "fields", "distribution"})
_RIGHTS = ("rightsIdentifier", "rightsUri", "rights")
# those who publish a lot are met again and again
_cached_orcid = lru_cache(1 << 16)(normalise_orcid)


def columns_of(identifier: str, metadata: Json | None, url: str | None, original: str | None) -> Json:
    """The columns of a record by name, as sql/load_versions.sql has them; what it does not say may be left out."""
    if not metadata:
        row = _generic(identifier, None)
        return row if original is None else _with_files(row, None, url, original)
    form, inside = form_of(metadata)
    if form == "datacite":
        return {"local_id": local_id(identifier), **_datacite(inside)}
    if form == "dublin-core" and inside is metadata:
        row = {"local_id": local_id(identifier), **_dublin_core(inside)}
    else:
        row = _generic(identifier, metadata)
    return _with_files(row, metadata, url, original)


def generic_columns(identifier: str, metadata: Json | None) -> Json:
    """The same without files and without haste, by the crosswalks alone."""
    return _generic(identifier, metadata)


def _generic(identifier: str, metadata: Json | None) -> Json:
    found, details = index_fields(identifier, metadata), details_of(metadata)
    relations = [_relation(one.relation, one.scheme, one.identifier) for one in index_links(metadata).related]
    return {
        "local_id": found.local_id, "doi": found.doi, "title": found.title, "resource_type": found.resource_type,
        "publication_year": found.publication_year, "license": found.license, "stated_version": found.version,
        "concept": found.concept, "all_identifiers": details.identifiers, "all_creators": details.creators,
        "all_subjects": details.subjects, "all_relations": relations,
    }  # fmt: skip


def _with_files(row: Json, metadata: Json | None, url: str | None, original: str | None) -> Json:
    if metadata and _HOLD_FILES.isdisjoint(metadata):
        return row
    files = files_in(metadata, url or "", original).files
    row["all_files"] = [
        {"key": file.key, "size": file.size, "checksum": file.checksum and str(file.checksum), "url": file.url,
         "media_type": file.media_type}
        for file in files
    ]  # fmt: skip
    return row


def _relation(kind: str | None, scheme: str | None, target: str) -> Json:
    return {"relation_type": kind, "scheme": scheme, "target": target}


# --- in one pass


def _text(value: Any) -> str | None:
    """As `anyjson.text`."""
    if value.__class__ is str:
        return (value.strip() if value.isprintable() else " ".join(value.split())) or None
    return text(value)


def _datacite(metadata: Json) -> Json:
    get = metadata.get
    dois: list[str] = []
    identifiers: dict[tuple[str | None, str], Json] = {}
    if (doi := _text(get("doi"))) is not None:
        _add_identifier(identifiers, "doi", doi, dois)
    for item in objects(get("identifiers")):
        kind, value = _text(item.get("identifierType")), _text(item.get("identifier"))
        if value is not None:
            _add_identifier(identifiers, kind, value, dois if item.get("identifierType") == "DOI" else [])
    for item in objects(get("alternateIdentifiers")):
        if (value := _text(item.get("alternateIdentifier"))) is not None:
            _add_identifier(identifiers, _text(item.get("alternateIdentifierType")), value, [])
    relations, concept = _datacite_relations(objects(get("relatedIdentifiers")))
    types = get("types")
    return {
        "doi": dois[0] if dois else None,
        "title": _datacite_title(objects(get("titles"))),
        "resource_type": (_text(types.get("resourceTypeGeneral")) or _text(types.get("resourceType")))
        if isinstance(types, dict) else None,
        "publication_year": year(get("publicationYear")),
        "license": _datacite_licence(objects(get("rightsList"))),
        "stated_version": _text(get("version")),
        "concept": concept,
        "all_identifiers": list(identifiers.values()),
        "all_creators": [row for item in objects(get("creators")) if (row := _datacite_creator(item)) is not None],
        "all_subjects": [row for item in objects(get("subjects")) if (row := _datacite_subject(item)) is not None],
        "all_relations": relations,
    }  # fmt: skip


def _add_identifier(found: dict[tuple[str | None, str], Json], kind: str | None, value: str, dois: list[str]) -> None:
    """An identifier; when it is said to be a DOI and is one, it is also added to `dois`."""
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


def _datacite_title(titles: Rows) -> str | None:
    """The first that has no type, else the first of all."""
    for title in titles:
        if "titleType" not in title and (found := _text(title.get("title"))) is not None:
            return found
    return next(iter(texts(title.get("title") for title in titles)), None)


def _datacite_licence(rights: Rows) -> str | None:
    for right in rights:
        if not str(right.get("rightsUri") or right.get("rights") or "").startswith(_ACCESS):
            for name in _RIGHTS:
                if (found := _text(right.get(name))) is not None:
                    return found
    return None


def _datacite_creator(item: Json) -> Json | None:
    if (name := _text(item.get("name"))) is None:
        return None
    row: Json = {"name": name}
    if (given := _text(item.get("givenName"))) is not None:
        row["given"] = given
    if (family := _text(item.get("familyName"))) is not None:
        row["family"] = family
    if item.get("nameIdentifiers"):
        for one in objects(item["nameIdentifiers"]):
            if str(one.get("nameIdentifierScheme", "ORCID")).upper() == "ORCID":
                orcid = _cached_orcid(_text(one.get("nameIdentifier")))
                if orcid is not None:
                    row["orcid"] = orcid
                break
    if affiliations := item.get("affiliation"):
        if affiliations.__class__ is not list:
            affiliations = [affiliations]
        names = [
            found
            for one in affiliations
            if (found := _text(one.get("name") if isinstance(one, dict) else one)) is not None
        ]
        if names:
            row["affiliations"] = names
    return row


def _datacite_subject(item: Json) -> Json | None:
    uri = _text(item.get("valueUri") or item.get("valueURI"))
    if (subject := _text(item.get("subject")) or uri) is None:
        return None
    row: Json = {"subject": subject}
    if (scheme := _text(item.get("subjectScheme"))) is not None:
        row["scheme"] = scheme
    if uri is not None:
        row["uri"] = uri
    return row


def _datacite_relations(items: Rows) -> tuple[Rows, str | None]:
    """The relations, and the DOI of all versions."""
    rows, concept = [], None
    for item in items:
        target, kind = item.get("relatedIdentifier"), item.get("relationType")
        scheme = item.get("relatedIdentifierType")
        if (one := related(target, kind, scheme)) is not None:
            rows.append(_relation(one.relation, one.scheme, one.identifier))
            if concept is None and kind == "IsVersionOf" and scheme == "DOI":
                concept = normalise_doi(one.identifier)
    return rows, concept


def _plain(metadata: Json, *names: str) -> list[str]:
    """As `dublincore.plain_texts`."""
    found = []
    for name in names:
        if (values := metadata.get(name)).__class__ is list:
            for value in values:
                if (one := _text(value.get("value") if isinstance(value, dict) else value)) is not None:
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
        relations.append(_relation(None, "doi" if doi else None, doi or name))
    rights = _plain(metadata, "dcterms:license", "rights", "dcterms:rights")
    dates = _plain(metadata, "dcterms:issued", "date", "dates", "dcterms:date", "dcterms:created")
    return {
        "doi": dois[0] if dois else None,
        "title": next(iter(_plain(metadata, "title", "titles", "dcterms:title")), None),
        "resource_type": next(iter(_plain(metadata, "type", "types", "dcterms:type")), None),
        "publication_year": first(map(year, dates)),
        "license": first(statement for statement in rights if not statement.startswith(_ACCESS)),
        "all_identifiers": list(identifiers.values()),
        "all_creators": [{"name": name} for name in _plain(metadata, "creator", "creators", "dcterms:creator")],
        "all_subjects": [{"subject": name} for name in _plain(metadata, "subject", "subjects", "dcterms:subject")],
        "all_relations": relations,
    }
