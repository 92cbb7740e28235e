"""Claims that all representations of a record make: all of its DOIs, titles and dates.

Index fields take the best of each; comparing two representations requires everything that either claims.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from archive.crosswalks.anyjson import object_, objects, texts
from archive.crosswalks.dublincore import DATES, TITLES, named_identifiers
from archive.crosswalks.forms import Form, form_of
from archive.crosswalks.marc import datafields
from archive.crosswalks.platforms import CSL_DATES, schema_org_names
from archive.crosswalks.schemes import normalise_doi
from archive.crosswalks.shapes import date_texts, identifiers, names_doi, spoken, titles

Json = dict[str, Any]

_DATE = re.compile(r"(?<!\d)(1[0-9]{3}|2[01][0-9]{2})(-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)?(?!\d)")


@dataclass(frozen=True, slots=True)
class Claims:
    """DOIs in normal form, titles as sent, and dates of publication as YYYY, YYYY-MM or YYYY-MM-DD."""

    dois: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()


def claims_of(metadata: Json | None) -> Claims:
    """Read the claims of a record from its JSON, in any format."""
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
        found
        for name in ("identifiers", "identifier", "alternateIdentifiers")
        for found, scheme in identifiers(metadata.get(name))
        if names_doi(scheme)
    ]
    issued = (date.get("date") for date in objects(metadata.get("dates")) if date.get("dateType") == "Issued")
    return _claims(
        (*spoken(metadata.get("doi")), *others),
        titles(metadata.get("titles")),
        date_texts([metadata.get("publicationYear"), *issued]),
    )


def _dublin_core(metadata: Json) -> Claims:
    dates = date_texts([metadata.get(name) for name in DATES])
    return _claims(
        (found for found, _ in named_identifiers(metadata)),
        titles([metadata[name] for name in TITLES if name in metadata]),
        (date for date in dates if not date.startswith("info:eu-repo/")),  # the end of an embargo
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
        spoken([record.get("doi"), metadata.get("doi")]),
        titles([metadata.get("title"), record.get("title")]),
        date_texts(metadata.get("publication_date")),
    )


def _rdm(record: Json) -> Claims:
    metadata = object_(record.get("metadata"))
    pid = object_(object_(record.get("pids")).get("doi")).get("identifier")
    others = (found for found, scheme in identifiers(metadata.get("identifiers")) if names_doi(scheme))
    named = titles([metadata.get("title"), metadata.get("additional_titles")])
    return _claims((*spoken(pid), *others), named, date_texts(metadata.get("publication_date")))


def _eprints(eprint: Json) -> Claims:
    dois = spoken([eprint.get("doi"), eprint.get("id_number"), eprint.get("official_url")])
    return _claims(dois, titles(eprint.get("title")), date_texts(eprint.get("date")))


def _schema_org(thing: Json) -> Claims:
    dois = (*schema_org_names(thing.get("identifier")), thing.get("@id"), *schema_org_names(thing.get("sameAs")))
    named = titles([thing.get("name"), thing.get("headline")])
    return _claims(dois, named, date_texts([thing.get("datePublished"), thing.get("dateCreated")]))


def _csl(item: Json) -> Claims:
    return _claims(
        spoken([item.get("DOI"), item.get("id")]),
        titles(item.get("title")),
        (date for key in CSL_DATES for date in date_texts(item.get(key))),
    )


_BY_FORM: dict[Form, Callable[[Json], Claims]] = {
    "csl": _csl,
    "datacite": _datacite,
    "dublin-core": _dublin_core,
    "eprints": _eprints,
    "marc": _marc,
    "rdm": _rdm,
    "schema-org": _schema_org,
    "zenodo": _zenodo,
}
