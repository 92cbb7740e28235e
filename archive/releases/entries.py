"""Entries of a release: which records are selected, their text in the release, and the keys they are found by."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from archive.crosswalks import index_doi, local_id, migrator_entry
from archive.errors import CannotDump
from archive.formats import canonical
from archive.releases.manifest import Selection
from archive.store import Record

ENVELOPE, BARE, MIGRATOR = FORMS = ("envelope", "bare", "migrator")


@dataclass(frozen=True, slots=True)
class Entry:
    """A record of a release: `text` is its JSON text there, `sha256` that of the text in hexadecimal digits.

    `doi` is the one in its metadata, in normal form, None without one.
    """

    identifier: str
    format: str
    datestamp: str
    deleted: bool
    doi: str | None
    sha256: str
    text: bytes


def entry_text(form: str, text: bytes, record: Record) -> bytes:
    """Make the canonical text of a record in a release from its JSON `text` in the archive. Tombstones are enveloped.

    The record's metadata is modified and must not be used afterwards. Raises CannotDump for a record without a text in
    this form.
    """
    metadata = _settled(record.metadata, text)
    if form == ENVELOPE or record.deleted:
        # only metadata can have what orjson does not write canonically: numbers, and arbitrary keys
        value = None if metadata is None else orjson.Fragment(canonical.encode(metadata))
        return orjson.dumps(_envelope(record, value), option=orjson.OPT_SORT_KEYS)
    if metadata is None:
        raise CannotDump(
            f"{record.identifier} ({record.format}) has no JSON: bare, nothing would be left of it; dump it enveloped, "
            "or name the formats that have JSON (--format)"
        )
    if form == BARE:
        return canonical.encode(metadata)
    entry = migrator_entry(metadata)
    if entry is None:
        raise CannotDump(
            f"{record.identifier} ({record.format}) is no native JSON of InvenioRDM, of which alone the entries of "
            "invenio-rdm-migrator can be made; name the format that is (--format inveniordm-json)"
        )
    return canonical.encode(entry)


def _settled(metadata: dict[str, Any] | None, text: bytes) -> dict[str, Any] | None:
    """Return the metadata with each decimal as it is to be written."""
    holding = canonical.holders(metadata)
    if holding and canonical.loses_digits(holding, text):
        found: dict[str, Any] = canonical.reread(text)["metadata"]
        return found
    canonical.write_doubles(holding)
    return metadata


def _envelope(record: Record, metadata: Any) -> dict[str, Any]:
    """Build the envelope without `url` and `retrieved`, which differ between two harvests of one state."""
    value: dict[str, Any] = {
        "identifier": record.identifier,
        "datestamp": record.datestamp,
        "deleted": record.deleted,
        "sets": sorted(record.sets),
        "format": record.format,
        "media_type": record.media_type,
        "sha256": record.sha256,
        "metadata": metadata,
    }
    if record.original is not None:
        value["original"] = record.original
    if record.encoding != "utf-8":
        value["encoding"] = record.encoding
    if record.about:
        value["about"] = record.about
    return value


def doi_in(form: str, deleted: bool, text: bytes) -> str | None:
    """Read the DOI of a record from its text in a release; the same as that of its metadata in the archive."""
    value: Any = orjson.loads(text)
    if deleted or form == ENVELOPE:
        value = value["metadata"]
    elif form == MIGRATOR:
        value = value["record"]["json"]
    return index_doi(value)


def lookup_keys(entry: Entry) -> Iterable[str]:
    """List the keys of an entry: its identifier, its local id, its DOI; each once."""
    keys = {entry.identifier: None, local_id(entry.identifier): None}
    return keys if entry.doi is None else {**keys, entry.doi: None}


def is_taken(selection: Selection, record: Record) -> bool:
    """Return whether the latest version of a record is selected. Its format is checked elsewhere."""
    if selection.media_types and not any(same_type(record.media_type, wanted) for wanted in selection.media_types):
        return False
    if selection.sets and not any(is_within(spec, wanted) for spec in record.sets for wanted in selection.sets):
        return False
    return _is_between(record.datestamp, selection.from_, selection.until)


def same_type(found: str, wanted: str) -> bool:
    """Compare media types; parameters count only if they are requested."""
    found, wanted = found.lower().replace(" ", ""), wanted.lower().replace(" ", "")
    return found == wanted or found.partition(";")[0] == wanted


def is_within(spec: str, wanted: str) -> bool:
    """Return whether a set is within another: sets are a hierarchy (OAI-PMH 2.0, section 2.6), a:b is within a."""
    return spec == wanted or spec.startswith(f"{wanted}:")


def _is_between(datestamp: str, from_: str | None, until: str | None) -> bool:
    """Compare a datestamp with a range, both ends included; `until` as a day includes all of it.

    A record without a datestamp is in no range.
    """
    if from_ is None and until is None:
        return True
    stamp = datestamp.strip()
    return stamp[:1].isdigit() and (from_ is None or stamp >= from_) and (until is None or stamp[: len(until)] <= until)
