"""The details of a record, in one shape for all JSON formats: its identifiers, creators and subjects.

A row is an object with only the known values, in the order of the record:

- identifiers: `value` in normal form, `scheme` in lower case;
- creators: `name`, `given`, `family`, `orcid` in normal form, `affiliations` (names);
- subjects: `subject`, `scheme`, `uri`.

The names of creators are those of `fields.index_fields`, one for one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from archive.crosswalks import (
    SUBJECTS,
    Form,
    Person,
    creators_of,
    datafields,
    each,
    first,
    form_of,
    identifier,
    identifiers,
    marc_makers,
    named_identifiers,
    normalise,
    normalise_doi,
    normalise_orcid,
    object_,
    schema_org_names,
    spoken,
    text,
    texts,
)

Json = dict[str, Any]
Rows = list[Json]

# in MARC 650, where InvenioRDM and Zenodo put the licence
_LICENCES = frozenset({"spdx", "opendefinition.org"})
# fields of MARC and the schemes of their values
_MARC_NUMBERS = {"020": "isbn", "022": "issn", "035": "system"}
_MARC_NAMES = ("100", "700")


@dataclass(frozen=True, slots=True)
class Details:
    """Rows of each kind, in the order of the record."""

    identifiers: Rows
    creators: Rows
    subjects: Rows


def details_of(metadata: Json | None) -> Details:
    """Read the details of a record, in any of the JSON formats."""
    if not metadata:
        return Details([], [], [])
    form, inside = form_of(metadata)
    identifiers, creators, subjects = _BY_FORM[form](inside)
    return Details(_distinct(identifiers), creators, subjects)


# --- rows


def _identifier(value: Any, scheme: Any = None) -> Json | None:
    """Make the row of an identifier; without a scheme, it is recognised by its form."""
    if (named := identifier(value, scheme)) is None:
        return None
    found, kind = named
    if kind is not None:
        kind = kind.lower()
        return {"scheme": kind, "value": normalise(kind, found)}
    if (doi := normalise_doi(found)) is not None:
        return {"scheme": "doi", "value": doi}
    if found.startswith(("http://", "https://")):
        return {"scheme": "url", "value": found}
    return {"scheme": "oai", "value": found} if found.startswith("oai:") else {"value": found}


def _identifiers(value: Any) -> list[Json | None]:
    """Make the rows of the identifiers in a value, of whatever shape."""
    return [_identifier(found, scheme) for found, scheme in identifiers(value)]


def _dois(*values: Any) -> list[Json | None]:
    return [_identifier(found, "doi") for found in spoken(list(values))]


def _distinct(rows: Iterable[Json | None]) -> Rows:
    """Drop duplicate identifiers."""
    return list({(row.get("scheme"), row["value"]): row for row in rows if row is not None}.values())


def _creators(form: Form, record: Json) -> Rows:
    return [creator_row(person) for person in creators_of(form, record)]


def creator_row(person: Person) -> Json:
    """Make the row of a creator."""
    row: Json = {"name": person.name}
    if person.given is not None:
        row["given"] = person.given
    if person.family is not None:
        row["family"] = person.family
    if person.orcid is not None:
        row["orcid"] = person.orcid
    if person.affiliations:
        row["affiliations"] = person.affiliations
    return row


def _orcid(*values: Any) -> str | None:
    return next(filter(None, map(normalise_orcid, texts(values))), None)


def _subject(subject: Any, scheme: Any = None, uri: Any = None) -> Json | None:
    found = text(subject)
    if found is None and (found := text(uri)) is None:
        return None
    row: Json = {"subject": found}
    if (kind := text(scheme)) is not None:
        row["scheme"] = kind
    if (place := text(uri)) is not None:
        row["uri"] = place
    return row


def _some(rows: Iterable[Json | None]) -> Rows:
    return [row for row in rows if row is not None]


def _subjects(value: Any) -> Rows:
    """Make the rows of the subjects in a value: texts, or objects with a text, a scheme and a URI under usual keys."""
    rows: Rows = []
    for one in each(value):
        if not isinstance(one, dict):
            rows += _some(map(_subject, spoken(one)))
            continue
        names = (spoken(one.get(key)) for key in ("subject", "term", "name", "title"))
        named = next(filter(None, names), ()) or spoken(one) or (None,)
        scheme = first(spoken([one.get(key) for key in ("subjectScheme", "scheme", "inDefinedTermSet")]))
        uri = first(spoken([one.get(key) for key in SUBJECT_URIS]))
        rows += _some(_subject(name, scheme, uri) for name in named)
    return rows


SUBJECT_URIS = ("valueUri", "valueURI", "identifier", "@id", "url", "id")
Found = tuple[Iterable[Json | None], Rows, Rows]

# --- formats


def _datacite(metadata: Json) -> Found:
    found = _dois(metadata.get("doi"))
    for name in ("identifiers", "identifier", "alternateIdentifiers"):
        found += _identifiers(metadata.get(name))
    return found, _creators("datacite", metadata), _subjects(metadata.get("subjects"))


def _dublin_core(metadata: Json) -> Found:
    subjects = [row for name in SUBJECTS for row in _subjects(metadata.get(name))]
    found = (_identifier(value, scheme) for value, scheme in named_identifiers(metadata))
    return found, _creators("dublin-core", metadata), subjects


def _marc(record: Json) -> Found:
    fields = datafields(record)
    identifiers: list[Json | None] = []
    subjects: list[Json | None] = []
    makers: dict[str, Rows] = {tag: [] for tag in _MARC_NAMES}
    for tag, subs in fields:
        if tag == "024":
            identifiers += [_identifier(value, _first(subs, "2")) for value in subs.get("a", ())]
        elif tag in _MARC_NUMBERS:
            identifiers += [_identifier(value, _MARC_NUMBERS[tag]) for value in subs.get("a", ())]
        elif tag in _MARC_NAMES:
            orcid = _orcid(*(value.removeprefix("(orcid)") for value in subs.get("0", ())))
            names = subs.get("a", ()) if tag == "100" else marc_makers(subs)
            makers[tag] += [creator_row(Person(name, None, None, orcid, texts(subs.get("u", ())))) for name in names]
        elif tag in ("650", "653") and _first(subs, "2") not in _LICENCES:
            subjects += [_subject(value, _first(subs, "2"), _first(subs, "0")) for value in subs.get("a", ())]
    return identifiers, [row for rows in makers.values() for row in rows], _some(subjects)


def _first(subfields: dict[str, list[str]], code: str) -> str | None:
    return next(iter(subfields.get(code, ())), None)


def _zenodo(record: Json) -> Found:
    metadata = object_(record.get("metadata"))
    found = _dois(record.get("doi"), metadata.get("doi")) + _identifiers(metadata.get("alternate_identifiers"))
    subjects = _subjects(metadata.get("keywords")) + _subjects(metadata.get("subjects"))
    return found, _creators("zenodo", record), subjects


def _rdm(record: Json) -> Found:
    metadata = object_(record.get("metadata"))
    found = [_identifier(pid, name) for name, pid in object_(record.get("pids")).items()]
    found += _identifiers(metadata.get("identifiers"))
    return found, _creators("rdm", record), _subjects(metadata.get("subjects"))


def _eprints(eprint: Json) -> Found:
    found = _dois(eprint.get("doi"))
    for name in ("id_number", "official_url", "uri"):
        found += _identifiers(eprint.get(name))
    for name in ("isbn", "issn"):
        found += [_identifier(value, name) for value in spoken(eprint.get(name))]
    subjects = _subjects(eprint.get("subjects")) + _subjects(eprint.get("keywords"))
    return found, _creators("eprints", eprint), subjects


def _schema_org(thing: Json) -> Found:
    places = [*schema_org_names(thing.get("identifier")), thing.get("@id"), thing.get("url")]
    found = map(_identifier, (*places, *schema_org_names(thing.get("sameAs"))))
    return found, _creators("schema-org", thing), _subjects(thing.get("keywords"))


def _csl(item: Json) -> Found:
    found = [*_dois(item.get("DOI")), _identifier(item.get("id")), *_identifiers(item.get("URL"))]
    for name in ("ISBN", "ISSN"):
        found += [_identifier(value, name) for value in spoken(item.get(name))]
    subjects = [row for name in ("keyword", "categories", "subject") for row in _subjects(item.get(name))]
    return found, _creators("csl", item), subjects


_BY_FORM: dict[Form, Callable[[Json], Found]] = {
    "csl": _csl,
    "datacite": _datacite,
    "dublin-core": _dublin_core,
    "eprints": _eprints,
    "marc": _marc,
    "rdm": _rdm,
    "schema-org": _schema_org,
    "zenodo": _zenodo,
}
