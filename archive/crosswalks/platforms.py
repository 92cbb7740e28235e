"""Index fields of the JSON that platforms send: Zenodo before 2023, InvenioRDM, EPrints, schema.org and CSL.

Each function takes such a JSON and returns the fields that it finds, by the names of `fields.Fields`.
"""

from typing import Any

from archive.crosswalks.anyjson import each, first, object_, objects, text, texts, year
from archive.crosswalks.identifiers import normalise_doi
from archive.crosswalks.links import name_of

Json = dict[str, Any]


def zenodo_fields(record: Json) -> Json:
    """Zenodo's own JSON: that of its old API, and what the new one sends as application/json."""
    metadata = object_(record.get("metadata"))
    kind = object_(metadata.get("resource_type"))
    licence = metadata.get("license")
    return {
        "doi": zenodo_doi(record),
        "title": first(texts((metadata.get("title"), record.get("title")))),
        "resource_type": "-".join(texts((kind.get("type"), kind.get("subtype")))) or None,
        "publication_year": year(metadata.get("publication_date")),
        "creators": texts(creator.get("name") for creator in objects(metadata.get("creators"))),
        "license": text(licence.get("id") if isinstance(licence, dict) else licence),
        "version": text(metadata.get("version")),
        "concept": _doi(record.get("conceptdoi")) or text(record.get("conceptrecid")),
    }


def zenodo_doi(record: Json) -> str | None:
    """The DOI of `zenodo_fields`."""
    return _doi(record.get("doi"), object_(record.get("metadata")).get("doi"))


def _doi(*values: Any) -> str | None:
    return next(filter(None, map(normalise_doi, texts(values))), None)


def rdm_fields(record: Json) -> Json:
    """The native JSON of InvenioRDM (application/vnd.inveniordm.v1+json)."""
    metadata = object_(record.get("metadata"))
    parent = object_(record.get("parent"))
    people = (object_(creator.get("person_or_org")) for creator in objects(metadata.get("creators")))
    return {
        "doi": rdm_doi(record),
        "title": text(metadata.get("title")),
        "resource_type": text(object_(metadata.get("resource_type")).get("id")),
        "publication_year": year(metadata.get("publication_date")),
        "creators": texts(person.get("name") for person in people),
        "license": first(map(_licence, objects(metadata.get("rights")))),
        "version": text(metadata.get("version")),
        "concept": _pid(parent) or text(parent.get("id")),
    }


def rdm_doi(record: Json) -> str | None:
    """The DOI of `rdm_fields`."""
    named = objects(object_(record.get("metadata")).get("identifiers"))
    return _pid(record) or _doi(*(i.get("identifier") for i in named if i.get("scheme") == "doi"))


def _pid(record: Json) -> str | None:
    return _doi(object_(object_(record.get("pids")).get("doi")).get("identifier"))


def _licence(rights: Json) -> str | None:
    url = object_(rights.get("props")).get("url")
    names = (rights.get("id"), rights.get("link"), url, *object_(rights.get("title")).values())
    return next(iter(texts(names)), None)


def eprints_fields(eprint: Json) -> Json:
    """The JSON export of EPrints. It prints what looks like a number as one: a date may be 2012."""
    bodies = [body.get("name") if isinstance(body, dict) else body for body in each(eprint.get("corp_creators"))]
    people = [_eprints_name(creator.get("name")) for creator in objects(eprint.get("creators"))]
    return {
        "doi": _doi(eprint.get("doi"), eprint.get("id_number"), eprint.get("official_url")),
        "title": first(map(_eprints_title, each(eprint.get("title")))),
        "resource_type": text(eprint.get("type")),
        "publication_year": year(eprint.get("date")) or year(eprint.get("datestamp")),
        "creators": texts(people + bodies),
        "license": first(texts(document.get("license") for document in objects(eprint.get("documents")))),
    }


def _eprints_title(title: Any) -> str | None:
    """A title; a repository of several languages has an object for each."""
    return text(title.get("text")) if isinstance(title, dict) else text(title)


def _eprints_name(name: Any) -> str | None:
    if not isinstance(name, dict):
        return text(name)
    return ", ".join(texts((name.get("family"), name.get("given")))) or None


def schema_org_fields(thing: Json) -> Json:
    """schema.org as JSON-LD: one object, or the first work in a graph of them."""
    works = (
        node for node in objects(thing.get("@graph")) if "name" in node and ("creator" in node or "author" in node)
    )
    thing = next(works, thing)
    kind = first(texts(each(thing.get("@type"))))
    dates = (*each(thing.get("datePublished")), *each(thing.get("dateCreated")))
    return {
        "doi": _doi(*map(name_of, each(thing.get("identifier"))), thing.get("@id"), *each(thing.get("sameAs"))),
        "title": first(texts(map(_value, each(thing.get("name")) + each(thing.get("headline"))))),
        "resource_type": kind.rstrip("/").rpartition("/")[2] or kind if kind else None,
        "publication_year": first(map(year, map(_value, dates))),
        "creators": texts(map(_person, each(thing.get("creator")) or each(thing.get("author")))),
        "license": first(map(name_of, each(thing.get("license")))),
        "version": text(_value(thing.get("version"))),
    }


def _value(value: Any) -> Any:
    """A value that may be in an object, beside its language or type."""
    return value.get("@value") if isinstance(value, dict) else value


def _person(person: Any) -> str | None:
    if not isinstance(person, dict):
        return text(person)
    parts = texts((person.get("familyName"), person.get("givenName")))
    return text(_value(person.get("name"))) or ", ".join(parts) or None


def csl_fields(item: Json) -> Json:
    """The JSON of the Citation Style Language, which content negotiation calls citeproc."""
    names = (
        person.get("literal") or ", ".join(texts((person.get("family"), person.get("given"))))
        for person in objects(item.get("author"))
    )
    issued = object_(item.get("issued"))
    return {
        "doi": _doi(item.get("DOI"), item.get("id")),
        "title": text(item.get("title")),
        "resource_type": text(item.get("type")),
        "publication_year": first(map(year, _flat(issued.get("date-parts")))) or year(issued.get("raw")),
        "creators": texts(names),
        "license": text(item.get("copyright")),
        "version": text(item.get("version")),
    }


def _flat(values: Any) -> list[Any]:
    return [value for inner in each(values) for value in each(inner)]
