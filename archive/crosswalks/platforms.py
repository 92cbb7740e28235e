"""Index fields of the JSON that platforms send: Zenodo before 2023, InvenioRDM, EPrints, schema.org and CSL.

Each function takes such JSON and returns the fields that it finds, by the names of `fields.Fields`.
"""

from typing import Any

from archive.crosswalks.anyjson import each, first, object_, objects, text, texts
from archive.crosswalks.creators import creators_of
from archive.crosswalks.forms import Form
from archive.crosswalks.links import name_of
from archive.crosswalks.schemes import normalise_doi
from archive.crosswalks.shapes import identifiers, names_doi, spoken, titles, year_of

Json = dict[str, Any]

# dates of publication, the best first: Crossref has several, and `issued` may have no parts
CSL_DATES = ("issued", "published", "published-print", "published-online", "published-other", "posted")


def _creators(form: Form, record: Json) -> tuple[str, ...]:
    return tuple(person.name for person in creators_of(form, record))


def zenodo_fields(record: Json) -> Json:
    """Read Zenodo's own JSON: of its old API, of deposits, and what the new one sends as application/json."""
    metadata = object_(record.get("metadata"))
    return {
        "doi": zenodo_doi(record),
        "title": first((*titles(metadata.get("title")), *titles(record.get("title")))),
        "resource_type": _zenodo_type(metadata),
        "publication_year": year_of(metadata.get("publication_date")),
        "creators": _creators("zenodo", record),
        "license": first(map(_licence_id, each(metadata.get("license")))),
        "version": first(spoken(metadata.get("version"))),
        "concept": _doi(record.get("conceptdoi")) or text(record.get("conceptrecid")),
    }


def _zenodo_type(metadata: Json) -> str | None:
    kind = metadata.get("resource_type")
    if isinstance(kind, dict):
        return "-".join(texts((kind.get("type"), kind.get("subtype")))) or text(kind.get("id"))
    if kind is not None:
        return first(spoken(kind))
    deposited = texts(metadata.get(key) for key in ("upload_type", "publication_type", "image_type"))
    return "-".join(deposited) or None


def _licence_id(licence: Any) -> str | None:
    if not isinstance(licence, dict):
        return text(licence)
    return first(spoken([licence.get(key) for key in ("id", "identifier", "url", "title")]))


def zenodo_doi(record: Json) -> str | None:
    """Read the DOI of `zenodo_fields`."""
    metadata = object_(record.get("metadata"))
    return _doi(record.get("doi"), metadata.get("doi"), object_(metadata.get("prereserve_doi")).get("doi"))


def _doi(*values: Any) -> str | None:
    return next(filter(None, map(normalise_doi, spoken(list(values)))), None)


def rdm_fields(record: Json) -> Json:
    """Read the native JSON of InvenioRDM (application/vnd.inveniordm.v1+json)."""
    metadata = object_(record.get("metadata"))
    parent = object_(record.get("parent"))
    return {
        "doi": rdm_doi(record),
        "title": first(titles(metadata.get("title"))),
        "resource_type": first(map(_rdm_type, each(metadata.get("resource_type")))),
        "publication_year": year_of(metadata.get("publication_date")),
        "creators": _creators("rdm", record),
        "license": first(map(_licence, each(metadata.get("rights")))),
        "version": first(spoken(metadata.get("version"))),
        "concept": _pid(parent) or text(parent.get("id")),
    }


def _rdm_type(kind: Any) -> str | None:
    if not isinstance(kind, dict):
        return text(kind)
    return text(kind.get("id")) or first(titles(kind))


def rdm_doi(record: Json) -> str | None:
    """Read the DOI of `rdm_fields`."""
    named = identifiers(object_(record.get("metadata")).get("identifiers"))
    return _pid(record) or _doi(*(found for found, scheme in named if names_doi(scheme)))


def _pid(record: Json) -> str | None:
    found = object_(record.get("pids")).get("doi")
    return _doi(*(one.get("identifier") if isinstance(one, dict) else one for one in each(found)))


def _licence(rights: Any) -> str | None:
    if not isinstance(rights, dict):
        return text(rights)
    url = object_(rights.get("props")).get("url")
    return first(spoken([rights.get("id"), rights.get("link"), url, *each(rights.get("title"))]))


def eprints_fields(eprint: Json) -> Json:
    """Read the JSON export of EPrints. It prints what looks like a number as one: a date may be 2012."""
    return {
        "doi": _doi(eprint.get("doi"), eprint.get("id_number"), eprint.get("official_url")),
        "title": first(titles(eprint.get("title"))),
        "resource_type": first(spoken(eprint.get("type"))),
        "publication_year": first(year_of(eprint.get(key)) for key in ("date", "dates", "datestamp")),
        "creators": _creators("eprints", eprint),
        "license": first(
            found for document in objects(eprint.get("documents")) for found in spoken(document.get("license"))
        ),
    }


def schema_org_fields(thing: Json) -> Json:
    """Read schema.org as JSON-LD, one work: see `forms.form_of` for graphs."""
    kind = first(spoken(thing.get("@type")))
    dates = (thing.get(key) for key in ("datePublished", "dateCreated"))
    places = (thing.get(key) for key in ("identifier", "@id", "sameAs", "url"))
    return {
        "doi": _doi(*(name for place in places for name in schema_org_names(place))),
        "title": first((*titles(thing.get("name")), *titles(thing.get("headline")))),
        "resource_type": kind.rstrip("/").rpartition("/")[2].rpartition(":")[2] or kind if kind else None,
        "publication_year": first(map(year_of, dates)),
        "creators": _creators("schema-org", thing),
        "license": first(schema_org_names(thing.get("license"))),
        "version": first(spoken(thing.get("version"))),
    }


def schema_org_names(value: Any) -> tuple[str, ...]:
    """Return the identifiers of things of schema.org: texts, or objects with an id, URL, value or name."""
    if isinstance(value, dict):
        for key in ("@list", "@set"):
            if key in value:
                return schema_org_names(value[key])
    found: list[str] = []
    for one in each(value):
        name = name_of(one) or (first(spoken(one.get("name"))) if isinstance(one, dict) else None)
        found += [name] if name is not None else []
    return tuple(found)


def csl_fields(item: Json) -> Json:
    """Read JSON of the Citation Style Language, called citeproc in content negotiation; also that of Crossref."""
    dates = (item.get(key) for key in CSL_DATES)
    licences = (one.get("URL") if isinstance(one, dict) else one for one in each(item.get("license")))
    return {
        "doi": _doi(item.get("DOI"), item.get("id")),
        "title": first(titles(item.get("title"))),
        "resource_type": first(spoken(item.get("type"))),
        "publication_year": first(map(year_of, dates)),
        "creators": _creators("csl", item),
        "license": first((*spoken(item.get("copyright")), *texts(licences))),
        "version": first(spoken(item.get("version"))),
    }
