"""JSON that holds records, opened completely: pages of APIs, collections, graphs of JSON-LD.

A container is recognised by its shape: what is itself a record of a known form is one, whatever it holds. All of its
records come out, in their order. Where a thing may as well be one record as hold several, it is neither guessed at nor
cut: `Ambiguous` says which.
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
# in a member: what is around the record itself
_AROUND = ("_source", "indexableObject", "doc", "item")
# keys that a record has, in forms that are not known by one key alone; a page may have them as well
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
# things of JSON-LD that list others: of schema.org, Hydra and DCAT
_LISTS = {
    "ItemList": ("itemListElement",),
    "DataFeed": ("dataFeedElement",),
    "DataCatalog": ("dataset",),
    "Catalog": ("dataset",),
    "Collection": ("hydra:member", "member"),
    "PagedCollection": ("hydra:member", "member"),
}
# of a thing that is named and described elsewhere
_OF_A_LINK = frozenset({"@id", "@type", "url"})
# things of a graph that are about the page, or about who made a work, and are no works themselves
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
    """JSON that may be one record or hold several; `str()` says why."""


def opened(value: Any) -> list[Any]:
    """Return the records in a value, in their order; a value that is not a container is its own only record.

    Members that are not objects are returned as well: whoever reads them says what is wrong. Raises Ambiguous.
    """
    return list(_opened(value))


def is_container(value: Json) -> bool:
    """Whether an object is opened to something else than itself. Raises Ambiguous."""
    return not (WRAPPERS.isdisjoint(value) and _AROUND_SET.isdisjoint(value) and "@graph" not in value) and (
        _inside(value) is not None
    )


def records_in(value: Json) -> int:
    """Count the records that an object holds: 1 for a record, and where that cannot be known."""
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
    """What a container holds: a list, or an object that may be a container again; None for what is none."""
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
        if keys == ["_embedded"]:  # HAL: what else a record is linked to
            return None
        own = sorted(_OF_A_RECORD.intersection(value))
        raise Ambiguous(
            f"it has objects under {', '.join(keys)}, and {', '.join(own)} of its own: it may be one record or hold "
            "several; take out of it what is meant"
        )
    return value[keys[0]] if len(keys) == 1 else [value[key] for key in keys]


def _empty(value: Json) -> list[Any] | None:
    """An empty list where records would be: a page without any."""
    lists = [value[key] for key in _KEYS if isinstance(value.get(key), list)]
    return [] if lists and not any(lists) and _OF_A_RECORD.isdisjoint(value) else None


def _holds(value: Any) -> bool:
    """Whether there are objects in a list, or an object that is not empty."""
    if isinstance(value, list):
        return any(isinstance(one, dict | list) for one in value)
    return isinstance(value, dict) and bool(value)


def is_record(value: Json) -> bool:
    """Whether an object is a record of a form that is known by its keys alone."""
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
    """The types of a node, without their namespace."""
    return [
        kind.rstrip("/").rpartition("/")[2].rpartition("#")[2].rpartition(":")[2]
        for kind in texts(each(node.get("@type")))
    ]


def _works(nodes: list[Json]) -> list[Json]:
    """The works that a graph is about: of an RO-Crate its root, of another each node that is a work."""
    for node in nodes:
        if (text(node.get("@id")) or "").rpartition("/")[2] == "ro-crate-metadata.json" and "about" in node:
            about = text(object_(node["about"]).get("@id"))
            return [one for one in nodes if text(one.get("@id")) == about]
    named = [node for node in nodes if not {"name", "headline", *_IN_FULL}.isdisjoint(node)]
    works = [node for node in named if (kinds := types_of(node)) and _NO_WORKS.isdisjoint(kinds)]
    return works or [node for node in named if not {"creator", "author"}.isdisjoint(node)]


_IN_FULL = ("http://schema.org/name", "https://schema.org/name", "schema:name")


def _resolved(value: Any, named: dict[str, Json], depth: int = 3) -> Any:
    """A node with those in it that it names by their @id alone, down to a depth that no circle passes."""
    if isinstance(value, list):
        return [_resolved(one, named, depth) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"@id"}:
        node = named.get(str(value["@id"]))
        return value if node is None or not depth else _resolved(node, named, depth - 1)
    return {key: _resolved(one, named, depth) for key, one in value.items()}
