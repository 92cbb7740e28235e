"""The JSON of a record in a format that was asked for; only a record that is of it can be written in it.

DataCite, MARC and Dublin Core are not made from each other: what one of them says the others cannot. Index fields
are made from any.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import orjson

from archive.canonical import encode_as_sent
from archive.crosswalks.errors import ConversionError
from archive.crosswalks.fields import Fields, index_fields
from archive.crosswalks.forms import form_of
from archive.crosswalks.iso2709 import iso2709
from archive.crosswalks.links import index_links
from archive.crosswalks.marc import marc_xml
from archive.crosswalks.marccheck import control_number, fault_in
from archive.crosswalks.unread import unread

Json = dict[str, Any]

# the targets that are not JSON
MARCXML, MARC = "marcxml", "marc"
# of Dublin Core in JSON, ours and what InvenioRDM sends, which has them in the plural
_ELEMENTS = (
    "contributor", "coverage", "creator", "date", "description", "format", "identifier", "language", "publisher",
    "relation", "rights", "source", "subject", "title", "type",
)  # fmt: skip
_DC_NAMES = frozenset(name for element in _ELEMENTS for name in (element, f"{element}s", f"dcterms:{element}"))


def written(name: str, identifier: str, metadata: Json) -> bytes:
    """The JSON text of a record in the format `name`, its XML where that is marcxml, ISO 2709 where it is marc.

    Raises ConversionError when the record is of another format, and KeyError when the format is not known.
    """
    return TARGETS[name](identifier, metadata)


def index_json(identifier: str, metadata: Json) -> Json:
    """Index fields, related identifiers and files as one object, null where the record says nothing.

    `unmapped` has the places of fields that could not be read (see `unread`); it is absent when all of them were.
    """
    links, fields = index_links(metadata), asdict(index_fields(identifier, metadata))
    found = {
        "identifier": identifier or None,
        **fields,
        "local_id": fields["local_id"] or None,
        "related": [asdict(one) for one in links.related],
        "files": [asdict(one) for one in links.files],
    }
    return {**found, "unmapped": places} if (places := unread(metadata)) else found


def _of_form(*forms: str) -> Callable[[str, Json], bytes]:
    def write(identifier: str, metadata: Json) -> bytes:
        form, inside = form_of(metadata)
        if form not in forms:
            raise ConversionError(f"it is {_name(form, metadata)}")
        return encode_as_sent(inside)

    return write


def _dc(identifier: str, metadata: Json) -> bytes:
    form, inside = form_of(metadata)
    if form != "dublin-core" or not _is_dublin_core(inside):
        raise ConversionError(f"it is {_name(form, metadata)}")
    return encode_as_sent(inside)


def _marcxml(identifier: str, metadata: Json) -> bytes:
    record = _marc(metadata)
    if (fault := fault_in(record)) is not None:
        raise ConversionError(fault)
    return marc_xml(record)


def _iso2709(identifier: str, metadata: Json) -> bytes:
    return iso2709(_marc(metadata))


def _marc(metadata: Json) -> Json:
    form, inside = form_of(metadata)
    if form != "marc":
        if isinstance(metadata.get("fields"), list) and not isinstance(metadata.get("leader"), str):
            raise ConversionError(f"{control_number(metadata)}, leader: there is none")
        raise ConversionError(f"it is {_name(form, metadata)}")
    return inside


def left_out(name: str, metadata: Json) -> list[str]:
    """What a record has that is not in the text that `written` makes of it, and that nothing in that text names.

    JSON has `unmapped` for it. MARC has no place for what was `unmapped` in MARCXML, and ISO 2709 none for the
    attributes of a record; its type is in leader/06 as well.
    """
    if name not in (MARCXML, MARC):
        return []
    inside = form_of(metadata)[1]
    lost = [text[:200] for text in inside.get("unmapped", ()) if isinstance(text, str)]
    if name == MARC:
        lost += sorted(inside.keys() - {"leader", "fields", "unmapped", "type"})
    return lost


def _index(identifier: str, metadata: Json) -> bytes:
    found = index_json(identifier, metadata)
    if index_fields("", metadata) == Fields("") and not found["related"] and not found["files"]:
        if "unmapped" in found:
            raise ConversionError(f"nothing in it could be read: {', '.join(found['unmapped'][:8])}")
        raise ConversionError(f"nothing in it is known: its keys are {', '.join(sorted(metadata)[:8]) or 'none'}")
    return orjson.dumps(found)


def _name(form: str, metadata: Json) -> str:
    if form == "dublin-core" and not _is_dublin_core(metadata):
        return f"JSON of no known form, with the keys {', '.join(sorted(metadata)[:8]) or 'none'}"
    return {"marc": "MARC", "datacite": "DataCite", "dublin-core": "Dublin Core"}.get(form, f"{form} JSON")


def _is_dublin_core(metadata: Json) -> bool:
    return any(name in _DC_NAMES and isinstance(value, list | str) for name, value in metadata.items())


TARGETS: dict[str, Callable[[str, Json], bytes]] = {
    "datacite-json": _of_form("datacite"), "marc-json": _of_form("marc"), "dc-json": _dc, "index-json": _index,
    "eprints-json": _of_form("eprints"), MARCXML: _marcxml, MARC: _iso2709,
}  # fmt: skip
