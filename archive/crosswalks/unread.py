"""Values that no index field was made from: a format has a field there, but in a shape that no crosswalk reads.

Index fields are a selection: a title, not each of them. But if a record has a field and nothing could be read from it,
or from one entry of a list, its place is reported, as a JSON pointer (RFC 6901) into the record.
"""

from collections.abc import Callable, Iterator
from typing import Any

from archive.crosswalks.dublincore import DATES, IDENTIFIERS, RELATIONS, RIGHTS, SUBJECTS, TITLES, TYPES
from archive.crosswalks.forms import Form, form_of
from archive.crosswalks.platforms import CSL_DATES
from archive.crosswalks.shapes import identifiers, people, spoken, titles, year_of

Json = dict[str, Any]
Reads = Callable[[Any], Any]

# keys that declare the type of the other values
_OF_A_TYPE = ("Type", "@type", "lang", "scheme", "Scheme")
_EMPTY: tuple[Any, ...] = (None, "", [], {}, False)


def unread(metadata: Json) -> list[str]:
    """Return the places of what was not read, in the order of the fields; empty if all fields were."""
    form, record = form_of(metadata)
    return [place for path, reads in _FIELDS[form] for place in _unread(record, path, reads)]


def _unread(record: Json, path: str, reads: Reads) -> Iterator[str]:
    value: Any = record
    for key in path.split("/"):
        if not isinstance(value, dict) or key not in value:
            return
        value = value[key]
    pointer = "/" + path
    if not isinstance(value, list):
        if not _is_empty(value) and not reads(value):
            yield pointer
        return
    for number, one in enumerate(value):
        if not _is_empty(one) and not reads(one):
            yield f"{pointer}/{number}"


def _is_empty(value: Any) -> bool:
    """Return whether there is nothing to read: also for blank text, an object or list of such values, a type alone."""
    if isinstance(value, dict):
        return all(_is_empty(inner) for key, inner in value.items() if not key.endswith(_OF_A_TYPE))
    if isinstance(value, list):
        return all(map(_is_empty, value))
    return value in _EMPTY or (isinstance(value, str) and not value.strip())


# --- readers of the entries of fields


def _says(*keys: str) -> Reads:
    """Make a function that reads a text, or an object that has one under one of the keys."""
    return lambda value: spoken(value) or (isinstance(value, dict) and any(spoken(value.get(key)) for key in keys))


def _identifies(value: Any) -> bool:
    return any(True for _ in identifiers(value))


_YEARS: Reads = year_of
_SUBJECT = _says("subject", "term", "name", "title", "valueUri", "valueURI", "identifier", "@id", "url", "id")
_FIELDS: dict[Form, list[tuple[str, Reads]]] = {
    "datacite": [
        ("doi", spoken),
        ("identifiers", _identifies),
        ("alternateIdentifiers", _identifies),
        ("titles", titles),
        ("creators", people),
        ("publicationYear", _YEARS),
        ("types", _says("resourceTypeGeneral", "resourceType")),
        ("version", spoken),
        ("subjects", _SUBJECT),
        ("relatedIdentifiers", _says("relatedIdentifier")),
        ("rightsList", _says("rightsIdentifier", "rightsUri", "rightsURI", "rights")),
    ],
    "dublin-core": [
        *((name, _identifies) for name in IDENTIFIERS),
        *((name, titles) for name in TITLES),
        *((name, people) for name in ("creator", "creators", "dc:creator", "dcterms:creator", "author", "authors")),
        *((name, spoken) for name in (*TYPES, *RIGHTS, *RELATIONS)),
        *((name, _SUBJECT) for name in SUBJECTS),
        *((name, _YEARS) for name in DATES),
    ],
    "zenodo": [
        ("doi", spoken),
        ("metadata/doi", spoken),
        ("metadata/title", titles),
        ("metadata/creators", people),
        ("metadata/publication_date", _YEARS),
        ("metadata/resource_type", _says("type", "subtype", "id", "title")),
        ("metadata/license", _says("id", "identifier", "url", "title")),
        ("metadata/version", spoken),
        ("metadata/keywords", _SUBJECT),
        ("metadata/subjects", _SUBJECT),
        ("metadata/alternate_identifiers", _identifies),
        ("metadata/related_identifiers", _says("identifier")),
        ("files", _says("key", "filename")),
    ],
    "rdm": [
        ("metadata/title", titles),
        ("metadata/creators", people),
        ("metadata/publication_date", _YEARS),
        ("metadata/resource_type", _says("id", "title")),
        ("metadata/version", spoken),
        ("metadata/rights", _says("id", "link", "title", "props")),
        ("metadata/identifiers", _identifies),
        ("metadata/subjects", _SUBJECT),
        ("metadata/related_identifiers", _says("identifier")),
    ],
    "eprints": [
        ("doi", spoken),
        ("title", titles),
        ("creators", people),
        ("corp_creators", people),
        ("date", _YEARS),
        ("type", spoken),
        ("subjects", _SUBJECT),
        ("keywords", _SUBJECT),
        ("related_url", _says("url")),
    ],
    "schema-org": [
        ("identifier", _says("@id", "url", "value", "name")),
        ("name", titles),
        ("headline", titles),
        ("creator", people),
        ("author", people),
        ("datePublished", _YEARS),
        ("version", spoken),
        ("@type", spoken),
        ("license", _says("@id", "url", "value", "name")),
        ("keywords", _SUBJECT),
        ("distribution", _says("contentUrl", "@id", "url")),
    ],
    "csl": [
        ("DOI", spoken),
        ("title", titles),
        ("author", people),
        ("type", spoken),
        ("version", spoken),
        *((name, _YEARS) for name in CSL_DATES),
        ("ISBN", spoken),
        ("ISSN", spoken),
        ("keyword", _SUBJECT),
        ("categories", _SUBJECT),
        ("subject", _SUBJECT),
    ],
    "marc": [],
}
