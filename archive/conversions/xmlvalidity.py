"""XML as it was sent against the XML schemas (XSD) that a folder has for it.

A record names its schema by a URL; in the folder that is the file whose path ends like it (kernel-4.3/metadata.xsd).
Where none does, any that declares the root element in its namespace is as good. Nothing is fetched.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from archive.conversions.validity import Fault
from archive.crosswalks.datacite import unwrapped
from archive.crosswalks.places import local_name, namespace_of
from archive.envelope import Record
from archive.errors import NoSchemas
from archive.originals import parsed_original

_XSD = "{http://www.w3.org/2001/XMLSchema}"
_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
_ELEMENT = re.compile(r"^Element '(?:\{[^}]*\})?([^']+)'")


@dataclass(frozen=True, slots=True)
class CheckedXml:
    """What XML was checked against, and what is not valid; `namespace` is that of its root element."""

    namespace: str
    schema: str
    faults: tuple[Fault, ...]


class XmlSchemas:
    """The XSDs of a folder, each made ready once it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # (namespace, root element): files that declare it
        self._files: dict[tuple[str, str], list[Path]] = {}
        for path in sorted(folder.rglob("*.xsd")):
            for declared in _declared(path):
                self._files.setdefault(declared, []).append(path)
        self._ready: dict[Path, etree.XMLSchema] = {}

    def check(self, record: Record) -> CheckedXml | None:
        """Check what was sent; None where that is no XML, or there is no schema of it here."""
        element = parsed_original(record) if self._files else None
        if element is not None and local_name(element) == "oai_datacite":
            element = unwrapped(element)
        if element is None or (path := self._path_of(element)) is None:
            return None
        schema, name = self._schema(path), f"XSD {path.parent.name}/{path.name}"
        schema.validate(element)
        faults = (Fault(name, *_told(error)) for error in schema.error_log)
        return CheckedXml(namespace_of(element), name, tuple(faults))

    def _path_of(self, element: etree._Element) -> Path | None:
        namespace, words = namespace_of(element), element.get(_LOCATION, "").split()
        url = dict(zip(words[::2], words[1::2], strict=False)).get(namespace, "")
        there = self._files.get((namespace, local_name(element)), [])
        return max(there, key=lambda path: _alike(path.as_posix(), url), default=None)

    def _schema(self, path: Path) -> etree.XMLSchema:
        if path not in self._ready:
            try:
                self._ready[path] = etree.XMLSchema(etree.parse(path, etree.XMLParser(no_network=True)))
            except etree.LxmlError as cause:
                raise NoSchemas(f"{path} cannot be used: {cause}; take it out, or what it needs in") from cause
        return self._ready[path]


def _declared(path: Path) -> Iterator[tuple[str, str]]:
    """(namespace, name) of the elements that a schema declares for itself. Raises NoSchemas when it is none."""
    try:
        root = etree.parse(path, etree.XMLParser(no_network=True, resolve_entities=False)).getroot()
    except (etree.LxmlError, OSError) as cause:
        raise NoSchemas(f"{path} cannot be read: {cause}") from cause
    for element in root.iterchildren(f"{_XSD}element"):
        yield root.get("targetNamespace", ""), element.get("name", "")


def _alike(path: str, url: str) -> int:
    """How many of the last parts of a path and a URL are the same."""
    pairs = zip(reversed(path.split("/")), reversed(url.split("/")), strict=False)
    return next((n for n, (one, other) in enumerate(pairs) if one != other), min(path.count("/"), url.count("/")))


def _told(error: etree._LogEntry) -> tuple[str, str, str]:
    """(place, rule, message) of an error."""
    match = _ELEMENT.match(error.message)
    return match[1] if match else "", error.type_name, re.sub(r"\{[^}]*\}", "", error.message)[:300]
