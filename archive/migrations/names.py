"""The names of a record: what it calls itself, what it was called before, and where people read it.

Two records of two repositories are the same thing if a name of one is a name of the other; which names count is the
rule of the audit (`archive.migrations.sides.Rule`).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from archive.crosswalks import (
    Form,
    claims_of,
    datafields,
    each,
    form_of,
    index_links,
    local_id,
    name_of,
    normalise_doi,
    normalise_url,
    number,
    object_,
    objects,
    plain_texts,
    text,
    texts,
    without_scheme,
)

Json = dict[str, Any]

# relations of a record to itself, elsewhere or earlier; lower case
IDENTITY = frozenset(
    {
        "isidenticalto",
        "isvariantformof",
        "isderivedfrom",
        "isalternateidentifier",
        "issourceof",
        "isoriginalformof",
    }
)
_RESOLVERS = frozenset({"doi.org", "dx.doi.org", "www.doi.org", "hdl.handle.net", "orcid.org"})


@dataclass(frozen=True, slots=True)
class Version:
    """The place of a record in a chain of versions.

    `concept` names the chain, `position` counts from 1; `previous` are local ids of records that it says it succeeds.
    None if the record does not say.
    """

    concept: str | None = None
    position: int | None = None
    previous: tuple[str, ...] = ()


def key_of(name: str) -> str:
    """Normalise a name for comparison: DOIs in normal form, URLs normalised, without scheme."""
    if (doi := normalise_doi(name)) is not None:
        return doi
    url = normalise_url(name)
    return name.strip() if url is None else without_scheme(url)


def own_names(identifier: str, metadata: Json | None) -> tuple[str, ...]:
    """Return a record's own names: its identifier, DOIs and URLs, and its local id unless it is only a number."""
    local = local_id(identifier)
    names = (identifier, *(() if local.isdigit() else (local,)), *claims_of(metadata).dois, *urls_of(metadata))
    return _keys(names)


def dois_of(metadata: Json | None, concept: str | None) -> tuple[str, ...]:
    """Return the DOIs of a record, and that of all its versions: `concept` is that of the index fields."""
    return _keys((*claims_of(metadata).dois, *([concept] if concept and normalise_doi(concept) else [])))


def alternates_of(metadata: Json | None) -> tuple[str, ...]:
    """Return other names that a record gives itself."""
    return _keys(_alternates(metadata))


def related_of(metadata: Json | None, relations: Iterable[str] = ()) -> tuple[str, ...]:
    """Return what a record is related to by the given relations, or else by those of identity."""
    wanted = {relation.lower() for relation in relations} or IDENTITY
    return _keys(link.identifier for link in index_links(metadata).related if (link.relation or "").lower() in wanted)


def known_names(metadata: Json | None) -> tuple[str, ...]:
    """Return every name by which an uploader may know a record.

    Alternate names, relations of identity, DOIs, the title, names of files with and without their extensions; and the
    last part of names that are URLs, unless it is only a number.
    """
    names = [*_alternates(metadata), *related_of(metadata), *claims_of(metadata).dois]
    tails = [
        tail
        for tail in (name.rstrip("/").rpartition("/")[2] for name in names if "/" in name)
        if tail and not tail.isdigit()
    ]
    files = [file.name for file in index_links(metadata).files]
    stems = [name.rpartition(".")[0] for name in files if "." in name]
    return _keys((*names, *tails, *files, *stems, *claims_of(metadata).titles))


def urls_of(metadata: Json | None) -> tuple[str, ...]:
    """Return the URLs of a record's pages in its own repository, the best first; never those of a resolver."""
    if not metadata:
        return ()
    form, inside = form_of(metadata)
    found = texts(_URLS[form](inside)) if form in _URLS else ()
    return tuple(dict.fromkeys(url for url in found if _is_page(url)))


def version_of(metadata: Json | None, concept: str | None) -> Version:
    """Return the place of a record among its versions; `concept` is that of the index fields.

    A value is None if the JSON does not give it.
    """
    if not metadata:
        return Version()
    form, inside = form_of(metadata)
    if form == "rdm":
        parent = text(object_(inside.get("parent")).get("id")) or concept
        return Version(parent, number(object_(inside.get("versions")).get("index")))
    if form == "zenodo":
        versions = objects(object_(object_(inside.get("metadata")).get("relations")).get("version"))
        place = number(versions[0].get("index")) if versions else None  # counted from 0 there
        return Version(text(inside.get("conceptrecid")) or concept, None if place is None else place + 1)
    if form == "eprints":
        return Version(previous=texts(each(inside.get("succeeds"))))
    return Version(concept)


def url_finder(pattern: str) -> Callable[[str], Iterator[str]]:
    """Make a function that finds ids in a text by a URL with `{id}` in it: `https://example.org/{id}/`.

    http and https are equal, and a final slash may be missing. Raises ValueError for a pattern without `{id}`.
    """
    before, found, after = pattern.partition("{id}")
    if not found or "{id}" in after:
        raise ValueError(f"a URL pattern needs one {{id}}, as in https://example.org/{{id}}/, and {pattern!r} has not")
    head = re.sub(r"^https?://", "", before, flags=re.IGNORECASE)
    tail = re.escape(after.rstrip("/"))
    name = r"([^\s/?#\"'<>&\\)\],;]+?)"
    # an id ends where no character of an id follows: 12 is not found in 123
    end = rf"{tail}(?![\w-])" if not tail or tail[-1:].isalnum() else tail
    matcher = re.compile(rf"(?:https?:)?(?<![\w.-]){re.escape(head)}{name}{end}", re.IGNORECASE)
    if before != head:
        matcher = re.compile(rf"https?://{re.escape(head)}{name}{end}", re.IGNORECASE)

    def find(body: str) -> Iterator[str]:
        return (match[1] for match in matcher.finditer(body.replace("\\/", "/")))

    return find


def _keys(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for key in map(key_of, names) if key))


def _is_page(url: str) -> bool:
    return url.lower().startswith(("http://", "https://")) and urlsplit(url).netloc.lower() not in _RESOLVERS


def _alternates(metadata: Json | None) -> tuple[str, ...]:
    if not metadata:
        return ()
    form, inside = form_of(metadata)
    return texts(_ALTERNATES[form](inside))


def _datacite_alternates(metadata: Json) -> Iterator[Any]:
    yield from (item.get("alternateIdentifier") for item in objects(metadata.get("alternateIdentifiers")))
    yield from (item.get("identifier") for item in objects(metadata.get("identifiers")))


def _marc_alternates(record: Json) -> Iterator[Any]:
    for tag, subfields in datafields(record):
        if tag in ("024", "035"):
            yield from subfields.get("a", ())


def _zenodo_alternates(record: Json) -> Iterator[Any]:
    metadata = object_(record.get("metadata"))
    yield from (item.get("identifier") for item in objects(metadata.get("alternate_identifiers")))
    for item in objects(metadata.get("related_identifiers")):
        if str(item.get("relation", "")).lower() == "isalternateidentifier":
            yield item.get("identifier")


def _rdm_alternates(record: Json) -> Iterator[Any]:
    yield from (item.get("identifier") for item in objects(object_(record.get("metadata")).get("identifiers")))


def _eprints_alternates(eprint: Json) -> Iterator[Any]:
    yield from (eprint.get("id_number"), eprint.get("official_url"), eprint.get("uri"))


def _schema_org_alternates(thing: Json) -> Iterator[Any]:
    yield from map(name_of, each(thing.get("identifier")))
    yield from (thing.get("@id"), *each(thing.get("sameAs")), thing.get("url"))


_ALTERNATES: dict[Form, Callable[[Json], Iterable[Any]]] = {
    "csl": lambda item: (item.get("id"), item.get("URL")),
    "datacite": _datacite_alternates,
    "dublin-core": lambda metadata: plain_texts(metadata, "identifier", "identifiers", "dcterms:identifier"),
    "eprints": _eprints_alternates,
    "marc": _marc_alternates,
    "rdm": _rdm_alternates,
    "schema-org": _schema_org_alternates,
    "zenodo": _zenodo_alternates,
}


def _eprints_urls(eprint: Json) -> Iterator[Any]:
    """Yield the abstract page, `/ID/` on the host of `uri`, and `uri` itself, `/id/eprint/ID` (Apache/Rewrite.pm)."""
    uri, name = text(eprint.get("uri")) or "", text(eprint.get("eprintid"))
    if name is not None and uri.endswith(f"/id/eprint/{name}"):
        yield f"{uri.removesuffix(f'/id/eprint/{name}')}/{name}/"
    yield uri


def _platform_urls(record: Json) -> Iterator[Any]:
    links = object_(record.get("links"))
    yield from (links.get("self_html"), links.get("html"), links.get("record_html"))


_URLS: dict[Form, Callable[[Json], Iterable[Any]]] = {
    "datacite": lambda metadata: (metadata.get("url"),),
    "dublin-core": lambda metadata: plain_texts(metadata, "identifier", "identifiers", "dcterms:identifier"),
    "eprints": _eprints_urls,
    "rdm": _platform_urls,
    "schema-org": lambda thing: (thing.get("url"),),
    "zenodo": _platform_urls,
}
