"""What a record names, in one shape whatever JSON it has: its identifiers, its creators, its subjects.

A row is an object with only what is known of it, and its place in the list is that in the record:

- identifiers: `value` in its one form, `scheme` in lower case;
- creators: `name`, `given`, `family`, `orcid` in its one form, `affiliations` (names);
- subjects: `subject`, `scheme`, `uri`.

The names of creators are those of `fields.index_fields`, one for one.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from archive.crosswalks.anyjson import each, object_, objects, text, texts
from archive.crosswalks.dublincore import plain_texts
from archive.crosswalks.fields import marc_makers
from archive.crosswalks.forms import Form, form_of
from archive.crosswalks.identifiers import normalise, normalise_doi, normalise_orcid
from archive.crosswalks.links import name_of
from archive.crosswalks.marc import datafields

Json = dict[str, Any]
Rows = list[Json]

# of MARC 650, where InvenioRDM and Zenodo put the licence
_LICENCES = frozenset({"spdx", "opendefinition.org"})
# a field of MARC and the scheme of what it holds
_MARC_NUMBERS = {"020": "isbn", "022": "issn", "035": "system"}
_MARC_NAMES = ("100", "700")


@dataclass(frozen=True, slots=True)
class Details:
    """Rows of each kind, in the order of the record."""

    identifiers: Rows
    creators: Rows
    subjects: Rows


def details_of(metadata: Json | None) -> Details:
    """The details of a record, from any of the JSON forms."""
    if not metadata:
        return Details([], [], [])
    form, inside = form_of(metadata)
    identifiers, creators, subjects = _BY_FORM[form](inside)
    return Details(_distinct(identifiers), creators, subjects)


# --- rows


def _identifier(value: Any, scheme: Any = None) -> Json | None:
    """An identifier; without a scheme it is told by its looks."""
    if (found := text(value)) is None:
        return None
    kind = text(scheme)
    if kind is not None:
        kind = kind.lower()
        return {"scheme": kind, "value": normalise(kind, found)}
    if (doi := normalise_doi(found)) is not None:
        return {"scheme": "doi", "value": doi}
    if found.startswith(("http://", "https://")):
        return {"scheme": "url", "value": found}
    return {"scheme": "oai", "value": found} if found.startswith("oai:") else {"value": found}


def _distinct(rows: Iterable[Json | None]) -> Rows:
    """Identifiers, each one once."""
    return list({(row.get("scheme"), row["value"]): row for row in rows if row is not None}.values())


def _creator(name: str, given: Any, family: Any, orcid: str | None, affiliations: Iterable[Any]) -> Json:
    row: Json = {"name": name}
    if (found := text(given)) is not None:
        row["given"] = found
    if (found := text(family)) is not None:
        row["family"] = found
    if orcid is not None:
        row["orcid"] = orcid
    if names := texts(affiliations):
        row["affiliations"] = names
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


def _called(values: Any) -> Iterator[Any]:
    """The names of things that are objects with a name, or names."""
    return map(_named, each(values))


def _named(value: Any) -> Any:
    return value.get("name") if isinstance(value, dict) else value


Found = tuple[Iterable[Json | None], Rows, Rows]

# --- the forms


def _datacite(metadata: Json) -> Found:
    identifiers = [_identifier(metadata.get("doi"), "doi")]
    for name, key in (("identifiers", "identifier"), ("alternateIdentifiers", "alternateIdentifier")):
        for item in objects(metadata.get(name)):
            identifiers.append(_identifier(item.get(key), item.get(f"{key}Type")))
    creators = [
        _creator(called, item.get("givenName"), item.get("familyName"), _datacite_orcid(item),
                 _called(item.get("affiliation")))
        for item in objects(metadata.get("creators"))
        if (called := text(item.get("name"))) is not None
    ]  # fmt: skip
    subjects = (
        _subject(item.get("subject"), item.get("subjectScheme"), item.get("valueUri") or item.get("valueURI"))
        for item in objects(metadata.get("subjects"))
    )
    return identifiers, creators, _some(subjects)


def _datacite_orcid(creator: Json) -> str | None:
    for item in objects(creator.get("nameIdentifiers")):
        if str(item.get("nameIdentifierScheme", "ORCID")).upper() == "ORCID":
            return _orcid(item.get("nameIdentifier"))
    return None


def _dublin_core(metadata: Json) -> Found:
    identifiers = map(_identifier, plain_texts(metadata, "identifier", "identifiers", "dcterms:identifier"))
    creators: Rows = [{"name": name} for name in plain_texts(metadata, "creator", "creators", "dcterms:creator")]
    subjects = map(_subject, plain_texts(metadata, "subject", "subjects", "dcterms:subject"))
    return identifiers, creators, _some(subjects)


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
            makers[tag] += [_creator(name, None, None, orcid, subs.get("u", ())) for name in names]
        elif tag in ("650", "653") and _first(subs, "2") not in _LICENCES:
            subjects += [_subject(value, _first(subs, "2"), _first(subs, "0")) for value in subs.get("a", ())]
    return identifiers, [row for rows in makers.values() for row in rows], _some(subjects)


def _first(subfields: dict[str, list[str]], code: str) -> str | None:
    return next(iter(subfields.get(code, ())), None)


def _zenodo(record: Json) -> Found:
    metadata = object_(record.get("metadata"))
    identifiers = [_identifier(record.get("doi"), "doi"), _identifier(metadata.get("doi"), "doi")]
    for item in objects(metadata.get("alternate_identifiers")):
        identifiers.append(_identifier(item.get("identifier"), item.get("scheme")))
    creators = [
        _creator(name, None, None, _orcid(item.get("orcid")), each(item.get("affiliation")))
        for item in objects(metadata.get("creators"))
        if (name := text(item.get("name"))) is not None
    ]
    subjects = [_subject(keyword) for keyword in each(metadata.get("keywords"))]
    for item in objects(metadata.get("subjects")):
        subjects.append(_subject(item.get("term") or item.get("subject"), item.get("scheme"), item.get("identifier")))
    return identifiers, creators, _some(subjects)


def _rdm(record: Json) -> Found:
    metadata = object_(record.get("metadata"))
    identifiers = [_identifier(object_(pid).get("identifier"), name) for name, pid in _pids(record)]
    for item in objects(metadata.get("identifiers")):
        identifiers.append(_identifier(item.get("identifier"), item.get("scheme")))
    creators = []
    for item in objects(metadata.get("creators")):
        person = object_(item.get("person_or_org"))
        if (name := text(person.get("name"))) is not None:
            ids = (i.get("identifier") for i in objects(person.get("identifiers")) if i.get("scheme") == "orcid")
            given, family = person.get("given_name"), person.get("family_name")
            creators.append(_creator(name, given, family, _orcid(*ids), _called(item.get("affiliations"))))
    subjects = (
        _subject(item.get("subject"), item.get("scheme"), item.get("id")) for item in objects(metadata.get("subjects"))
    )
    return identifiers, creators, _some(subjects)


def _pids(record: Json) -> Iterable[tuple[str, Any]]:
    return object_(record.get("pids")).items()


def _eprints(eprint: Json) -> Found:
    identifiers = [
        _identifier(eprint.get("doi"), "doi"), _identifier(eprint.get("id_number")),
        _identifier(eprint.get("official_url")), _identifier(eprint.get("uri")),
        _identifier(eprint.get("isbn"), "isbn"), _identifier(eprint.get("issn"), "issn"),
    ]  # fmt: skip
    creators = []
    for item in objects(eprint.get("creators")):
        parts = object_(item.get("name"))
        name = ", ".join(texts((parts.get("family"), parts.get("given")))) if parts else text(item.get("name"))
        if name:
            creators.append(_creator(name, parts.get("given"), parts.get("family"), _orcid(item.get("orcid")), ()))
    creators += [{"name": name} for name in texts(_called(eprint.get("corp_creators")))]
    subjects = [*map(_subject, each(eprint.get("subjects"))), *map(_subject, each(eprint.get("keywords")))]
    return identifiers, creators, _some(subjects)


def _schema_org(thing: Json) -> Found:
    works = (
        node for node in objects(thing.get("@graph")) if "name" in node and not {"creator", "author"}.isdisjoint(node)
    )
    thing = next(works, thing)
    places = (*map(name_of, each(thing.get("identifier"))), thing.get("@id"), thing.get("url"))
    creators = []
    for item in each(thing.get("creator")) or each(thing.get("author")):
        person = object_(item)
        given, family = person.get("givenName"), person.get("familyName")
        name = text(_value(person.get("name")) if person else item) or ", ".join(texts((family, given)))
        if name:
            orcid = _orcid(person.get("@id"), *map(name_of, each(person.get("identifier"))))
            creators.append(_creator(name, given, family, orcid, _called(person.get("affiliation"))))
    return (
        map(_identifier, (*places, *each(thing.get("sameAs")))),
        creators,
        _some(_subject(_value(word) or _named(word)) for word in each(thing.get("keywords"))),
    )


def _value(value: Any) -> Any:
    """A value that may be in an object, beside its language or type."""
    return value.get("@value") if isinstance(value, dict) else value


def _csl(item: Json) -> Found:
    identifiers = [_identifier(item.get("DOI"), "doi"), _identifier(item.get("id")), _identifier(item.get("URL"))]
    for name in ("ISBN", "ISSN"):
        identifiers += [_identifier(value, name) for value in each(item.get(name))]
    creators = [
        _creator(literal, person.get("given"), person.get("family"), _orcid(person.get("ORCID")), ())
        for person in objects(item.get("author"))
        if (literal := text(person.get("literal") or ", ".join(texts((person.get("family"), person.get("given"))))))
    ]
    keywords = (*each(item.get("keyword")), *each(item.get("categories")))
    return identifiers, creators, _some(map(_subject, keywords))


_BY_FORM: dict[Form, Callable[[Json], Found]] = {
    "csl": _csl, "datacite": _datacite, "dublin-core": _dublin_core, "eprints": _eprints, "marc": _marc, "rdm": _rdm,
    "schema-org": _schema_org, "zenodo": _zenodo,
}  # fmt: skip
