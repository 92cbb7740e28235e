"""The entries of a release: which records are taken, what text each has in it, and by which keys it is found."""

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
    """A record of a release: `text` is its JSON text there, `sha256` of that text in hexadecimal digits.

    `doi` is the one that its metadata names, in its one form, None without one.
    """

    identifier: str
    format: str
    datestamp: str
    deleted: bool
    doi: str | None
    sha256: str
    text: bytes


def entry_text(form: str, text: bytes, record: Record) -> bytes:
    """The canonical text that a record has in a release; `text` is its JSON in the archive. Tombstones are enveloped.

    The record's metadata is changed, and of no more use. Raises CannotDump for a record that has none in this form.
    """
    metadata = _settled(record.metadata, text)
    if form == ENVELOPE or record.deleted:
        # only metadata have what orjson alone does not write canonically: numbers, and keys of any kind
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
    """The metadata with each decimal as it is to be written."""
    holding = canonical.holders(metadata)
    if holding and canonical.loses_digits(holding, text):
        found: dict[str, Any] = canonical.reread(text)["metadata"]
        return found
    canonical.write_doubles(holding)
    return metadata


def _envelope(record: Record, metadata: Any) -> dict[str, Any]:
    """Without `url` and `retrieved`: by which request and when it came differs between two harvests of one state."""
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
    """The DOI of a record, of its text in a release; the same that its metadata in the archive names."""
    value: Any = orjson.loads(text)
    if deleted or form == ENVELOPE:
        value = value["metadata"]
    elif form == MIGRATOR:
        value = value["record"]["json"]
    return index_doi(value)


def lookup_keys(entry: Entry) -> Iterable[str]:
    """What an entry is found by: its identifier, what that is in its repository, its DOI; each once."""
    keys = {entry.identifier: None, local_id(entry.identifier): None}
    return keys if entry.doi is None else {**keys, entry.doi: None}


def is_taken(selection: Selection, record: Record) -> bool:
    """Whether the latest version of a record is to be in the release. Its format is looked at elsewhere."""
    if selection.media_types and not any(same_type(record.media_type, wanted) for wanted in selection.media_types):
        return False
    if selection.sets and not any(is_within(spec, wanted) for spec in record.sets for wanted in selection.sets):
        return False
    return _is_between(record.datestamp, selection.from_, selection.until)


def same_type(found: str, wanted: str) -> bool:
    """Parameters count only where they are asked for."""
    found, wanted = found.lower().replace(" ", ""), wanted.lower().replace(" ", "")
    return found == wanted or found.partition(";")[0] == wanted


def is_within(spec: str, wanted: str) -> bool:
    """Sets are a hierarchy (OAI-PMH 2.0, section 2.6): a:b is within a."""
    return spec == wanted or spec.startswith(f"{wanted}:")


def _is_between(datestamp: str, from_: str | None, until: str | None) -> bool:
    """Both included; a day as `until` is all of that day. What has no datestamp is within no range."""
    if from_ is None and until is None:
        return True
    stamp = datestamp.strip()
    return stamp[:1].isdigit() and (from_ is None or stamp >= from_) and (until is None or stamp[: len(until)] <= until)
