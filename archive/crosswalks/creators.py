"""Creators from any JSON format except MARC: the same people for index fields and for their details."""

from collections.abc import Callable
from typing import Any

from archive.crosswalks.forms import Form
from archive.crosswalks.shapes import Person, inner, people

Json = dict[str, Any]


def creators_of(form: Form, record: Json) -> tuple[Person, ...]:
    """Read the creators of a record in order; those of MARC are read with its fields."""
    return _BY_FORM[form](record)


def creator_keys(form: Form) -> tuple[str, ...]:
    """Name the keys under which a format has its creators; the first that is filled counts."""
    return _KEYS[form]


def _first_of(record: Json, *keys: str) -> tuple[Person, ...]:
    """Return the people under the first key that names any."""
    return next((found for key in keys if (found := people(record.get(key)))), ())


def _dublin_core(record: Json) -> tuple[Person, ...]:
    named = [found for key in _KEYS["dublin-core"] for found in people(record.get(key))]
    return tuple(named) or _first_of(record, "author", "authors")


def _eprints(eprint: Json) -> tuple[Person, ...]:
    return people(eprint.get("creators")) + people(eprint.get("corp_creators"))


_KEYS: dict[Form, tuple[str, ...]] = {
    "csl": ("author",),
    "datacite": ("creators", "creator"),
    "zenodo": ("creators",),
    "rdm": ("creators",),
    "dublin-core": ("creator", "creators", "dc:creator", "dcterms:creator"),
    "schema-org": ("creator", "author"),
    "eprints": ("creators", "corp_creators"),
    "marc": (),
}
_BY_FORM: dict[Form, Callable[[Json], tuple[Person, ...]]] = {
    "csl": lambda record: _first_of(record, *_KEYS["csl"]),
    "datacite": lambda record: _first_of(record, *_KEYS["datacite"]),
    "dublin-core": _dublin_core,
    "eprints": _eprints,
    "marc": lambda record: (),
    "rdm": lambda record: people(inner(record, "metadata").get("creators")),
    "schema-org": lambda record: _first_of(record, *_KEYS["schema-org"]),
    "zenodo": lambda record: people(inner(record, "metadata").get("creators")),
}
