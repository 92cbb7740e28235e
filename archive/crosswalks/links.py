"""Related identifiers and files of a record, in one form for all JSON formats."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from archive.crosswalks.anyjson import each, first, number, object_, objects, text, texts
from archive.crosswalks.dublincore import RELATIONS, plain_texts
from archive.crosswalks.forms import Form, form_of
from archive.crosswalks.marc import datafields
from archive.crosswalks.schemes import normalise, normalise_doi
from archive.crosswalks.shapes import spoken

Json = dict[str, Any]

# relationType of DataCite, kernels 2.2 to 4.7; platforms vary the case, or add spaces
_NAMES = (
    "IsCitedBy", "Cites", "IsCollectedBy", "Collects", "IsSupplementTo", "IsSupplementedBy", "IsContinuedBy",
    "Continues", "IsDescribedBy", "Describes", "HasMetadata", "IsMetadataFor", "HasVersion", "IsVersionOf",
    "IsNewVersionOf", "IsPreviousVersionOf", "IsPartOf", "HasPart", "IsPublishedIn", "IsReferencedBy", "References",
    "IsDocumentedBy", "Documents", "IsCompiledBy", "Compiles", "IsVariantFormOf", "IsOriginalFormOf", "IsIdenticalTo",
    "IsReviewedBy", "Reviews", "IsDerivedFrom", "IsSourceOf", "IsRequiredBy", "Requires", "IsObsoletedBy",
    "Obsoletes", "HasTranslation", "IsTranslationOf", "Other",
)  # fmt: skip
_RELATIONS = {name.lower(): name for name in _NAMES}
# relations of schema.org, by DataCite's names
_SCHEMA_ORG = {
    "citation": "Cites",
    "isPartOf": "IsPartOf",
    "hasPart": "HasPart",
    "sameAs": "IsIdenticalTo",
    "isBasedOn": "IsDerivedFrom",
    "subjectOf": "IsDocumentedBy",
    "exampleOfWork": "IsVariantFormOf",
}


@dataclass(frozen=True, slots=True)
class Related:
    """A related identifier in normal form, with its relation in DataCite's spelling and its scheme in lower case."""

    identifier: str
    relation: str | None = None
    scheme: str | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A file of a record, as far as its metadata say; `checksum` is as sent, mostly ALGORITHM:DIGITS."""

    name: str
    size_bytes: int | None = None
    checksum: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Links:
    """Everything a record points to, in its own order; empty for formats without files."""

    related: tuple[Related, ...] = ()
    files: tuple[File, ...] = ()


def index_links(metadata: Json | None) -> Links:
    """Read the related identifiers and files of a record, from any JSON format."""
    if not metadata:
        return Links()
    form, inside = form_of(metadata)
    return _BY_FORM[form](inside)


def related(identifier: Any, relation: Any, scheme: Any) -> Related | None:
    """Make a related identifier, None without one. Without a scheme, a DOI is recognised."""
    name, kind, scheme = text(identifier), text(relation), text(scheme)
    if name is None:
        return None
    if kind is not None:
        kind = relation_name(kind)
    if scheme is None:
        doi = normalise_doi(name)
        return Related(doi or name, kind, "doi" if doi else None)
    return Related(normalise(scheme, name), kind, scheme.lower())


@lru_cache(256)  # there are few different ones, and most records have some
def relation_name(kind: str) -> str:
    """Return a relation in DataCite's spelling, unchanged if DataCite does not have it."""
    return _RELATIONS.get(kind.replace(" ", "").lower(), kind)


def name_of(thing: Any) -> str | None:
    """Return the identifier of a thing of schema.org: a text, or an object with an id, URL or value."""
    if not isinstance(thing, dict):
        return text(thing)
    return next(filter(None, map(text, (thing.get(key) for key in ("@id", "url", "value", "@value")))), None)


# --- formats


def _all(found: Iterable[Related | None]) -> tuple[Related, ...]:
    return tuple(link for link in found if link is not None)


def _datacite(metadata: Json) -> Links:
    links = _all(
        related(item.get("relatedIdentifier"), item.get("relationType"), item.get("relatedIdentifierType"))
        for item in objects(metadata.get("relatedIdentifiers"))
    )
    # keys of the REST API with the URL of the content, for one or a few files
    urls = spoken(metadata.get("contentUrl"))
    return Links(links, tuple(File(_last_part(url), url=url) for url in urls))


def _dublin_core(metadata: Json) -> Links:
    names = plain_texts(metadata, *RELATIONS)
    return Links(_all(related(name, None, None) for name in names))


def _marc(record: Json) -> Links:
    """Read related items (773) and files (856 with a size or checksum), as Zenodo and InvenioRDM write them."""
    fields = datafields(record)
    links = _all(
        related(first(subfields.get("a", ())), first(subfields.get("i", ())), first(subfields.get("n", ())))
        for tag, subfields in fields
        if tag == "773"
    )
    files = (
        File(_last_part(url), number(first(subfields.get("s", ()))), first(subfields.get("z", ())), url)
        for tag, subfields in fields
        if tag == "856" and ("s" in subfields or "z" in subfields) and (url := first(subfields.get("u", ())))
    )
    return Links(links, tuple(files))


def _zenodo(record: Json) -> Links:
    links = _all(
        related(item.get("identifier"), item.get("relation"), item.get("scheme"))
        for item in objects(object_(record.get("metadata")).get("related_identifiers"))
    )
    return Links(links, _files(objects(record.get("files"))))


def _rdm(record: Json) -> Links:
    links = _all(
        related(item.get("identifier"), _relation_type(item), item.get("scheme"))
        for item in objects(object_(record.get("metadata")).get("related_identifiers"))
    )
    # an object by name in a record, a list in the response about its files
    entries = object_(record.get("files")).get("entries")
    return Links(links, _files(objects(list(entries.values()) if isinstance(entries, dict) else entries)))


def _relation_type(item: Json) -> Any:
    kind = item.get("relation_type", item.get("relation"))
    return kind.get("id") if isinstance(kind, dict) else kind


def _files(files: list[Json]) -> tuple[File, ...]:
    return tuple(
        File(name, number(file.get("size", file.get("filesize"))), text(file.get("checksum")), _url(file))
        for file in files
        if (name := text(file.get("key")) or text(file.get("filename")))
    )


def _url(file: Json) -> str | None:
    links = object_(file.get("links"))
    return next(iter(texts((links.get("content"), links.get("download"), links.get("self")))), None)


def _eprints(eprint: Json) -> Links:
    links = _all(related(item.get("url"), None, "url") for item in objects(eprint.get("related_url")))
    files = (
        File(name, number(file.get("filesize")), _checksum(file), text(file.get("url")) or text(file.get("uri")))
        for document in objects(eprint.get("documents"))
        for file in objects(document.get("files"))
        if (name := text(file.get("filename")))
    )
    return Links(links, tuple(files))


def _checksum(file: Json) -> str | None:
    kind, value = text(file.get("hash_type")), text(file.get("hash"))
    return f"{kind.lower()}:{value}" if kind and value else value


def _schema_org(thing: Json) -> Links:
    links = _all(
        related(name_of(item), relation, None)
        for name, relation in _SCHEMA_ORG.items()
        for item in _listed(thing.get(name))
    )
    files = (
        File(
            first(spoken(file.get("name"))) or _last_part(url),
            number(first(spoken(file.get("contentSize")))),
            first(spoken(file.get("sha256"))),
            url,
        )
        for file in objects(_listed(thing.get("distribution")))
        if (url := name_of(file.get("contentUrl")))
    )
    return Links(links, tuple(files))


def _listed(value: Any) -> list[Any]:
    """Return the members of a list, including ordered lists of JSON-LD."""
    return [
        inner
        for one in each(value)
        for inner in (each(one["@list"]) if isinstance(one, dict) and "@list" in one else [one])
    ]


def _last_part(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2] or url


def _csl(item: Json) -> Links:
    """Read works that Crossref names by DOI in its relations; the type of a relation is its key (is-cited-by)."""
    return Links(
        _all(
            related(one.get("id"), kind.replace("-", ""), one.get("id-type"))
            for kind, several in object_(item.get("relation")).items()
            for one in objects(several)
        )
    )


_BY_FORM: dict[Form, Callable[[Json], Links]] = {
    "csl": _csl,
    "datacite": _datacite,
    "dublin-core": _dublin_core,
    "eprints": _eprints,
    "marc": _marc,
    "rdm": _rdm,
    "schema-org": _schema_org,
    "zenodo": _zenodo,
}
