"""Open JSON that contains records: pages of APIs, collections, graphs of JSON-LD.

A container is recognised by its shape: a record of a known format is never one, whatever it contains. All of its
records are returned, in order. If a value may be one record or contain several, it is neither guessed at nor cut:
`Ambiguous` says which.
"""

from collections.abc import Iterator
from typing import Any

from archive.crosswalks.anyjson import each, object_, objects, text, texts

Json = dict[str, Any]

# Keys whose list (or object) is what a page is about: JSON:API, Elasticsearch and InvenioRDM, Crossref, Solr, OData,
# CKAN, Europe PMC, DSpace, CouchDB, schema.org, DCAT, MARC-in-JSON
_KEYS = (
    "data",
    "hits",
    "message",
    "items",
    "results",
    "result",
    "resultList",
    "response",
    "docs",
    "records",
    "record",
    "collection",
    "entries",
    "works",
    "rows",
    "value",
    "_embedded",
    "searchResult",
    "objects",
    "itemListElement",
    "dataFeedElement",
    "dataset",
    "datasets",
    "publications",
    "hydra:member",
    "member",
)
WRAPPERS = frozenset(_KEYS)
# keys of a member that wrap the record itself
_AROUND = ("_source", "indexableObject", "doc", "item")
# keys of records in formats that no single key identifies; a page may have them as well
_OF_A_RECORD = frozenset(
    {
        "title",
        "titles",
        "creator",
        "creators",
        "author",
        "authors",
        "doi",
        "DOI",
        "identifier",
        "identifiers",
        "dc:title",
        "dc:creator",
        "dcterms:title",
        "name",
    }
)
# types of JSON-LD that list others: of schema.org, Hydra and DCAT
_LISTS = {
    "ItemList": ("itemListElement",),
    "DataFeed": ("dataFeedElement",),
    "DataCatalog": ("dataset",),
    "Catalog": ("dataset",),
    "Collection": ("hydra:member", "member"),
    "PagedCollection": ("hydra:member", "member"),
}
# keys of a reference to a thing that is described elsewhere
_OF_A_LINK = frozenset({"@id", "@type", "url"})
# types in a graph that describe the page, or the creator of a work, and are not works themselves
_NO_WORKS = frozenset(
    {
        "Person",
        "Organization",
        "Place",
        "PropertyValue",
        "WebSite",
        "WebPage",
        "BreadcrumbList",
        "ImageObject",
        "Role",
        "SearchAction",
        "ReadAction",
        "ContactPoint",
        "PostalAddress",
        "GeoShape",
        "GeoCoordinates",
        "DataDownload",
        "DefinedTerm",
        "DefinedTermSet",
        "Country",
        "Grant",
        "CollegeOrUniversity",
        "ResearchOrganization",
        "CreateAction",
        "SoftwareApplication",
        "ListItem",
        "MonetaryGrant",
        "FundingAgency",
        "Language",
        "UpdateAction",
        "MediaObject",
    }
)


class Ambiguous(ValueError):
    """JSON that may be one record or contain several; `str()` says why."""


def opened(value: Any) -> list[Any]:
    """Return the records in a value, in order; a value that is not a container is its own only record.

    Members that are not objects are returned as well: whoever reads them reports what is wrong. Raises Ambiguous.
    """
    return list(_opened(value))


def is_container(value: Json) -> bool:
    """Return whether opening an object gives something other than itself. Raises Ambiguous."""
    return not (WRAPPERS.isdisjoint(value) and _AROUND_SET.isdisjoint(value) and "@graph" not in value) and (
        _inside(value) is not None
    )


def records_in(value: Json) -> int:
    """Count the records that an object contains: 1 for a record, or if that is unknown."""
    try:
        return sum(isinstance(one, dict) for one in opened(value)) if is_container(value) else 1
    except Ambiguous:
        return 1


_AROUND_SET = frozenset(_AROUND)


def _opened(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for one in value:
            yield from _opened(one)
        return
    inside = _inside(value) if isinstance(value, dict) else None
    if inside is None:
        yield value
    else:
        yield from _opened(inside)


def _inside(value: Json) -> Any:
    """Return the content of a container: a list, or an object that may be a container again; None if it is not one."""
    if "@context" in value or "@graph" in value or "@type" in value:
        inside = _in_graph(value)
        if inside is not None or "@type" in value or "@graph" in value:
            return inside
    if is_record(value):
        return None
    for key in _AROUND:
        if isinstance(value.get(key), dict):
            return value[key]
    keys = [key for key in _KEYS if _holds(value.get(key))]
    if not keys:
        return _empty(value)
    if not _OF_A_RECORD.isdisjoint(value):
        if keys == ["_embedded"]:  # HAL: resources linked to a record
            return None
        own = sorted(_OF_A_RECORD.intersection(value))
        raise Ambiguous(
            f"it has objects under {', '.join(keys)}, and {', '.join(own)} of its own: it may be one record or hold "
            "several; take out of it what is meant"
        )
    return value[keys[0]] if len(keys) == 1 else [value[key] for key in keys]


def _empty(value: Json) -> list[Any] | None:
    """Return an empty list in the place of records, for a page without any."""
    lists = [value[key] for key in _KEYS if isinstance(value.get(key), list)]
    return [] if lists and not any(lists) and _OF_A_RECORD.isdisjoint(value) else None


def _holds(value: Any) -> bool:
    """Return whether a list contains objects, or an object is not empty."""
    if isinstance(value, list):
        return any(isinstance(one, dict | list) for one in value)
    return isinstance(value, dict) and bool(value)


def is_record(value: Json) -> bool:
    """Return whether an object is a record of a format that its keys alone identify."""
    return (
        (isinstance(value.get("fields"), list) and isinstance(value.get("leader"), str))
        or (isinstance(value.get("schemaVersion"), str) or bool(objects(value.get("titles"))))
        or (isinstance(value.get("metadata"), dict) and WRAPPERS.isdisjoint(value))
        or "eprintid" in value
        or "DOI" in value
        or (isinstance(value.get("attributes"), dict) and "data" not in value)
    )


# --- JSON-LD


def _in_graph(value: Json) -> Any:
    context = {"@context": value["@context"]} if "@context" in value else {}
    if isinstance(graph := value.get("@graph"), list | dict):
        nodes = objects(graph)
        works = _works(nodes)
        own = {key: item for key, item in value.items() if key != "@graph"}
        if not works:
            return None
        named = {name: node for node in nodes if (name := text(node.get("@id"))) is not None}
        made = [{**context, **_resolved(work, named)} for work in works]
        return [own, *made] if _works([own]) else made
    keys = (key for kind in types_of(value) for key in _LISTS.get(kind, ()))
    held = [object_(one.get("item")) or one for key in keys for one in objects(value.get(key))]
    if all(one.keys() <= _OF_A_LINK for one in held):
        return None
    return [{**context, **one} if "@type" in one else one for one in held]


def types_of(node: Json) -> list[str]:
    """Return the types of a node, without their namespace."""
    return [
        kind.rstrip("/").rpartition("/")[2].rpartition("#")[2].rpartition(":")[2]
        for kind in texts(each(node.get("@type")))
    ]


def _works(nodes: list[Json]) -> list[Json]:
    """Return the works that a graph is about: the root of an RO-Crate, otherwise each node that is a work."""
    for node in nodes:
        if (text(node.get("@id")) or "").rpartition("/")[2] == "ro-crate-metadata.json" and "about" in node:
            about = text(object_(node["about"]).get("@id"))
            return [one for one in nodes if text(one.get("@id")) == about]
    named = [node for node in nodes if not {"name", "headline", *_IN_FULL}.isdisjoint(node)]
    works = [node for node in named if (kinds := types_of(node)) and _NO_WORKS.isdisjoint(kinds)]
    return works or [node for node in named if not {"creator", "author"}.isdisjoint(node)]


_IN_FULL = ("http://schema.org/name", "https://schema.org/name", "schema:name")


def _resolved(value: Any, named: dict[str, Json], depth: int = 3) -> Any:
    """Replace references by @id alone with their nodes, to a depth that bounds cycles."""
    if isinstance(value, list):
        return [_resolved(one, named, depth) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"@id"}:
        node = named.get(str(value["@id"]))
        return value if node is None or not depth else _resolved(node, named, depth - 1)
    return {key: _resolved(one, named, depth) for key, one in value.items()}
