"""RO-Crate 1.2: a release described as linked data, in `ro-crate-metadata.json`.

All of it is derived from the manifest. A release may be put into a bag as it is: the bag's `data/` is then the crate.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

from archive.releases.manifest import INDEX, LOOKUP, MANIFEST, FileEntry, Manifest

METADATA = "ro-crate-metadata.json"
PREVIEW = "ro-crate-preview.html"
# SPDX's id for a licence about which nothing is asserted
NO_LICENCE = "NOASSERTION"

CONTEXT = "https://w3id.org/ro/crate/1.2/context"
_SPECIFICATION = "https://w3id.org/ro/crate/1.2"
# by the last extension of a file name
_MEDIA_TYPES = {
    "zst": "application/zstd",
    "xz": "application/x-xz",
    "gz": "application/gzip",
    "md": "text/markdown",
    "parquet": "application/vnd.apache.parquet",
    "txt": "text/plain",
    "cff": "application/yaml",
    "json": "application/json",
    "html": "text/html",
}
_DESCRIPTIONS = {
    INDEX: "Where each record is: identifier, format, datestamp, part, frame, offset, length, position, SHA-256.",
    LOOKUP: "Finds a record by its id, for programs: from an id to a place in a part.",
    MANIFEST: "Every file with its digests; source, runs, account, software and licence.",
    "README.md": "What this is, how to read and how to check it.",
    "LICENSE.txt": "The licence of the records.",
    "CITATION.cff": "How to cite this, in the Citation File Format.",
}
_DONE = {"complete", "findings"}
# C0, C1, Unicode line ends, and bidirectional controls; also what UTF-8 cannot encode
STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")
_ESCAPED = re.compile(f"{STEERING.pattern}|<")
_MISSING = ("refused", "lost", "open")

Entity = dict[str, Any]


def crate_bytes(manifest: Manifest, files: Sequence[FileEntry]) -> bytes:
    """Encode `ro-crate-metadata.json` of a release; `files` are those besides parts, index and lookup."""
    described = {"@context": CONTEXT, "@graph": crate_graph(manifest, files)}
    lines = json.dumps(described, indent=2, ensure_ascii=False).split("\n")
    return ("\n".join(map(escaped, lines)) + "\n").encode()


def escaped(line: str) -> str:
    """Escape control characters, and what would end an enclosing page, in a line of JSON or a quoted YAML scalar."""
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def crate_graph(manifest: Manifest, files: Sequence[FileEntry]) -> list[Entity]:
    """Build the entities: descriptor, root, files, then what they refer to, each once."""
    root = _root(manifest)
    data = [*_files(manifest, files), _manifest()]
    context = [*_source(manifest), _licence(manifest), *_provenance(manifest)]
    root["hasPart"] = [_reference(entity) for entity in data]
    root["mentions"] = _one_or_more([_reference(entity) for entity in context if entity["@type"] == "CreateAction"])
    return [_descriptor(), root, *data, _preview(), *context]


def describe(manifest: Manifest) -> str:
    """Describe a release in two sentences without markup."""
    content = manifest.content
    ended = sorted(run["finished"] for run in manifest.runs if run.get("finished"))
    when = f", as it was on {ended[-1][:10]}" if ended else ""
    gone = f" and {_many(content.tombstones, 'tombstone')} of deleted ones" if content.tombstones else ""
    records = _many(content.records, "metadata record")
    return f"{records} of {source_name(manifest)}{when}{gone}. {completeness(manifest)}"


def completeness(manifest: Manifest) -> str:
    """Say in a sentence whether the harvest has all of its source, from the archive's account."""
    account = manifest.account
    missing = [f"{account[state]:,} {_are(account[state])} {state}" for state in _MISSING if account.get(state)]
    if missing:
        return f"The harvest is not complete: of {account['listed']:,} ids {' and '.join(missing)}."
    if not is_complete(manifest):
        return "The harvest is not complete: it was not ended, or a total that the source stated disagrees."
    return "The harvest is complete: every id that the source listed or was asked for has an answer."


def is_complete(manifest: Manifest) -> bool:
    """Return whether every id has an answer, every run ended, and no total that the source declared disagrees."""
    account = manifest.account
    return bool(account.get("complete", True)) and not any(account.get(state) for state in _MISSING)


def source_name(manifest: Manifest) -> str:
    """Return the name of the source, or else its host."""
    source = manifest.source
    return str(source.get("name") or urlsplit(source.get("url") or "").hostname or "the source")


def home_of(manifest: Manifest) -> str | None:
    """Return the URL of the source's host, None if it has none that a browser opens."""
    parts = urlsplit(manifest.source.get("url") or "")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return None
    return as_uri(f"{parts.scheme}://{parts.netloc}/")


def as_uri(url: str) -> str:
    """Escape what RFC 3986 does not allow in a URL; existing escapes stay."""
    return quote(url, safe=":/?#[]@!$&'()*+,;=%-._~")


# --- helpers


def _descriptor() -> Entity:
    return {
        "@id": METADATA,
        "@type": "CreativeWork",
        "name": "This crate as linked data",
        "about": {"@id": "./"},
        "conformsTo": {"@id": _SPECIFICATION},
    }


def _preview() -> Entity:
    return {"@id": PREVIEW, "@type": "CreativeWork", "name": "This crate as a page", "about": {"@id": "./"}}


def _root(manifest: Manifest) -> Entity:
    publisher = {"@id": _organization_id(manifest)}
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": manifest.title,
        "description": describe(manifest),
        "identifier": [{"@id": "#name"}, {"@id": "#root"}],
        "datePublished": manifest.published,
        "license": {"@id": _licence_id(manifest)},
        "author": publisher,
        "publisher": publisher,
        "isBasedOn": {"@id": _source_id(manifest)},
    }


def _files(manifest: Manifest, files: Sequence[FileEntry]) -> Iterator[Entity]:
    content = manifest.content
    said = {part.name: _part_description(part.kind, part.records) for part in content.all_parts} | _DESCRIPTIONS
    for entry in [*replace(manifest, files=()).entries(), *files]:
        if entry.name in (METADATA, PREVIEW):
            continue
        described = {"description": said[entry.name]} if entry.name in said else {}
        yield {
            "@id": quote(entry.name),
            "@type": "File",
            "name": entry.name,
            **described,
            "contentSize": str(entry.bytes),
            **_format(entry.name),
            "sha256": entry.sha256,
        }


def _manifest() -> Entity:
    """Describe the manifest without a digest: it has the digest of the crate, so the crate cannot have its digest."""
    described = {"description": _DESCRIPTIONS[MANIFEST], **_format(MANIFEST)}
    return {"@id": MANIFEST, "@type": "File", "name": MANIFEST, **described}


def _part_description(kind: str, records: int) -> str:
    return _many(records, "tombstone") if kind == "tombstones" else _many(records, "record")


def _format(name: str) -> Entity:
    return {"encodingFormat": _MEDIA_TYPES.get(name.rpartition(".")[2], "application/octet-stream")}


def _source(manifest: Manifest) -> list[Entity]:
    """Describe the source that the release is based on, and its organisation."""
    name, home = source_name(manifest), home_of(manifest)
    url = {"url": home} if home else {}
    organization = {"@id": _organization_id(manifest), "@type": "Organization", "name": name, **url}
    catalog = {
        "@id": _source_id(manifest),
        "@type": "DataCatalog",
        "name": f"{name}, as it was harvested",
        "publisher": {"@id": organization["@id"]},
    }
    return [organization, catalog]


def _licence(manifest: Manifest) -> Entity:
    licence = manifest.licence
    if licence["id"] == NO_LICENCE:
        return {
            "@id": _licence_id(manifest),
            "@type": "CreativeWork",
            "name": "No licence is known",
            "description": "Under which licence the records are is not known; ask their source.",
        }
    url = {"url": licence["url"]} if licence.get("url") else {}
    return {
        "@id": _licence_id(manifest),
        "@type": "CreativeWork",
        "name": licence["name"],
        "identifier": licence["id"],
        "description": f"The licence of the records: {licence['name']} ({licence['id']}).",
        **url,
    }


def _provenance(manifest: Manifest) -> list[Entity]:
    """Describe the runs of the harvest, the build of the release, and the software of each."""
    software = {_software_id(made): _application(made) for made in _all_software(manifest)}
    release = {
        "@id": "#release",
        "@type": "CreateAction",
        "name": "This release made of the archive of the harvest",
        "endTime": manifest.published,
        "instrument": {"@id": _software_id(manifest.software)},
        "result": {"@id": "./"},
    }
    root = {
        "@id": "#root",
        "@type": "PropertyValue",
        "name": "Root of the Merkle tree over the records",
        "propertyID": "https://www.rfc-editor.org/rfc/rfc6962#section-2.1",
        "value": manifest.content.root,
    }
    name = {
        "@id": "#name",
        "@type": "PropertyValue",
        "name": "Name of the release",
        "propertyID": "name",
        "value": manifest.name,
    }
    return [name, root, *(_run(manifest, run) for run in manifest.runs), release, *software.values()]


def _run(manifest: Manifest, run: dict[str, Any]) -> Entity:
    times = {"startTime": run.get("started"), "endTime": run.get("finished")}
    done = run.get("state") in _DONE
    return {
        "@id": f"#run-{run['run']}",
        "@type": "CreateAction",
        "name": f"Run {run['run']} of the harvest: {run['spider']}, {run['mode']}",
        "description": f"{_many(run['requests'], 'request')}, {_many(run['records'], 'record')}; {run['state']}",
        **{name: time for name, time in times.items() if time},
        **({"actionStatus": {"@id": "http://schema.org/CompletedActionStatus"}} if done else {}),
        "object": {"@id": _source_id(manifest)},
        "instrument": {"@id": _software_id(run.get("software") or {})},
        "result": {"@id": "./"},
    }


def _all_software(manifest: Manifest) -> Iterator[dict[str, Any]]:
    yield from (run.get("software") or {} for run in manifest.runs)
    yield manifest.software


def _software_id(software: dict[str, Any]) -> str:
    return "#harvester-" + quote(str(software.get("harvester", "unknown")))


def _application(software: dict[str, Any]) -> Entity:
    version = str(software.get("harvester", "unknown"))
    return {
        "@id": _software_id(software),
        "@type": "SoftwareApplication",
        "name": "Harvester",
        "version": version,
        "url": {"@id": "README.md"},
    }


def _source_id(manifest: Manifest) -> str:
    """Return the URL that was harvested, if it is a valid one."""
    return as_uri(manifest.source["url"]) if home_of(manifest) else "#source"


def _organization_id(manifest: Manifest) -> str:
    """Return an id for the organisation that differs from the source's: a source may be at the root of its host."""
    home = home_of(manifest)
    return home if home and home != _source_id(manifest) else "#organization"


def _licence_id(manifest: Manifest) -> str:
    return as_uri(manifest.licence.get("url") or "#licence")


def _reference(entity: Entity) -> Entity:
    return {"@id": entity["@id"]}


def _one_or_more(values: list[Entity]) -> Any:
    """Replace a list of one by its item, as compacted JSON-LD requires."""
    return values[0] if len(values) == 1 else values


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
