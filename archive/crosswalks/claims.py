"""What a representation says of its record that the others say as well: DOIs, titles, dates; all of each.

Index fields take the best of each; to compare two representations one must know everything that either allows.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from archive.crosswalks.anyjson import each, object_, objects, text, texts
from archive.crosswalks.dublincore import plain_texts
from archive.crosswalks.forms import Form, form_of
from archive.crosswalks.identifiers import normalise_doi
from archive.crosswalks.links import name_of
from archive.crosswalks.marc import datafields

Json = dict[str, Any]

_DATE = re.compile(r"(?<!\d)(1[0-9]{3}|2[01][0-9]{2})(-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)?(?!\d)")


@dataclass(frozen=True, slots=True)
class Claims:
    """DOIs in their one form, titles as sent, and dates of publication as YYYY, YYYY-MM or YYYY-MM-DD."""

    dois: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()


def claims_of(metadata: Json | None) -> Claims:
    """What the JSON of a record, in any form, says of it."""
    if not metadata:
        return Claims()
    form, inside = form_of(metadata)
    return _BY_FORM[form](inside)


def _claims(dois: Iterable[Any], titles: Iterable[Any], dates: Iterable[Any]) -> Claims:
    found = (doi for doi in map(normalise_doi, texts(dois)) if doi is not None)
    return Claims(
        tuple(dict.fromkeys(found)),
        tuple(dict.fromkeys(texts(titles))),
        tuple(dict.fromkeys(match[0] for date in texts(dates) for match in _DATE.finditer(date))),
    )


def _datacite(metadata: Json) -> Claims:
    others = [
        item.get(key)
        for name, key in (("identifiers", "identifier"), ("alternateIdentifiers", "alternateIdentifier"))
        for item in objects(metadata.get(name))
        if str(item.get(f"{key}Type", "")).upper() == "DOI"
    ]
    issued = (date.get("date") for date in objects(metadata.get("dates")) if date.get("dateType") == "Issued")
    titles = (title.get("title") for title in objects(metadata.get("titles")))
    return _claims((metadata.get("doi"), *others), titles, (metadata.get("publicationYear"), *issued))


def _dublin_core(metadata: Json) -> Claims:
    dates = plain_texts(metadata, "dcterms:issued", "date", "dates", "dcterms:date", "dcterms:created")
    return _claims(
        plain_texts(metadata, "identifier", "identifiers", "dcterms:identifier"),
        plain_texts(metadata, "title", "titles", "dcterms:title"),
        (date for date in dates if not date.startswith("info:eu-repo/")),  # when an embargo ends
    )


def _marc(record: Json) -> Claims:
    fields = datafields(record)

    def every(code: str, *tags: str) -> list[str]:
        return [value for name, subfields in fields if name in tags for value in subfields.get(code, ())]

    whole = [" ".join(every("a", "245") + every("b", "245"))]  # a title and its remainder
    return _claims(every("a", "024"), every("a", "245") + whole, every("c", "260", "264"))


def _zenodo(record: Json) -> Claims:
    metadata = object_(record.get("metadata"))
    return _claims(
        (record.get("doi"), metadata.get("doi")), (metadata.get("title"), record.get("title")),
        (metadata.get("publication_date"),),
    )  # fmt: skip


def _rdm(record: Json) -> Claims:
    metadata = object_(record.get("metadata"))
    pid = object_(object_(record.get("pids")).get("doi")).get("identifier")
    others = (i.get("identifier") for i in objects(metadata.get("identifiers")) if i.get("scheme") == "doi")
    titles = (title.get("title") for title in objects(metadata.get("additional_titles")))
    return _claims((pid, *others), (metadata.get("title"), *titles), (metadata.get("publication_date"),))


def _eprints(eprint: Json) -> Claims:
    titles = (title.get("text") if isinstance(title, dict) else title for title in each(eprint.get("title")))
    return _claims(
        (eprint.get("doi"), eprint.get("id_number"), eprint.get("official_url")), titles, (eprint.get("date"),)
    )


def _schema_org(thing: Json) -> Claims:
    dois = (*map(name_of, each(thing.get("identifier"))), thing.get("@id"), *each(thing.get("sameAs")))
    titles = map(name_of, each(thing.get("name")) + each(thing.get("headline")))
    dates = (*each(thing.get("datePublished")), *each(thing.get("dateCreated")))
    return _claims(dois, titles, map(name_of, dates))


def _csl(item: Json) -> Claims:
    issued = object_(item.get("issued"))
    parts = ("-".join(f"{part:0>2}" for part in map(text, each(one)) if part) for one in each(issued.get("date-parts")))
    return _claims((item.get("DOI"), item.get("id")), (item.get("title"),), (*parts, issued.get("raw")))


_BY_FORM: dict[Form, Callable[[Json], Claims]] = {
    "csl": _csl, "datacite": _datacite, "dublin-core": _dublin_core, "eprints": _eprints, "marc": _marc,
    "rdm": _rdm, "schema-org": _schema_org, "zenodo": _zenodo,
}  # fmt: skip
