"""Schemas that records are validated against: JSON schemas of DataCite, and XML schemas (XSD) from a folder.

DataCite JSON is validated against the schema of the version that it declares. The schemas come with the Python package
`datacite`, or from a folder. There is none for 2.x, 3.x, 4.4 and versions after 4.5, and JSON made from XML has the
shape of 4.5 whatever version its XML declares: such a record is validated against the schema of 4.5 with the
differences of its own version, which are listed here from the XSDs.

A record names its XML schema by a URL; the file is the one whose path ends like it (kernel-4.3/metadata.xsd). If there
is none, any schema that declares the root element in its namespace is used. Nothing is fetched.
"""

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from archive.crosswalks import form_of, objects
from archive.errors import NoSchemas
from archive.store import Record

if TYPE_CHECKING:
    import jsonschema_rs
from lxml import etree

from archive.crosswalks import local_name, namespace_of, unwrapped
from archive.store import parsed_original

Json = dict[str, Any]

# the version of a record that declares only `kernel-4`, the namespace of all of them
LATEST = "4.7"
_SHAPE = "4.5"
_MINOR = re.compile(r"datacite\.org/(?:meta|schema)/kernel-([0-9](?:\.[0-9])?)/?[^\s\"']*\.xsd")
_KERNEL = re.compile(r"kernel-([0-9](?:\.[0-9])?)")
_FILE = re.compile(r"datacite-v([0-9]\.[0-9])\.json")
# how much of an original is searched for the tag of the <resource> with its locations
_HEAD = 4000
# values of lists, by the (first, last) version that has them; the schema of 4.5 has the others
_VALUES: list[tuple[str, str, str, tuple[str, ...]]] = [
    ("2.0", "2.9", "dateType", ("StartDate", "EndDate")),
    ("2.0", "2.9", "resourceTypeGeneral", ("Film",)),
    ("2.0", "3.9", "contributorType", ("Funder",)),
    ("4.6", "9.9", "contributorType", ("Translator",)),
    ("4.6", "9.9", "dateType", ("Coverage",)),
    ("4.6", "9.9", "relatedIdentifierType", ("CSTR", "RRID")),
    ("4.6", "9.9", "relationType", ("HasTranslation", "IsTranslationOf")),
    ("4.6", "9.9", "resourceTypeGeneral", ("Award", "Project")),
    ("4.7", "9.9", "relatedIdentifierType", ("RAiD", "SWHID")),
    ("4.7", "9.9", "relationType", ("Other",)),
    ("4.7", "9.9", "resourceTypeGeneral", ("Poster", "Presentation")),
]


@dataclass(frozen=True, slots=True)
class Declared:
    """The version that a DataCite record declares, such as 4.3, and the version whose schema has its shape.

    `from_xml`: its JSON was made from XML, whose XSD is decisive; the JSON schema is stricter in places.
    """

    version: str
    schema: str
    from_xml: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """A violation of a schema: which schema, where (creators/name, without positions), which rule, and why."""

    schema: str
    place: str
    rule: str
    message: str


def declared(record: Record) -> Declared | None:
    """Return what a live record declares; None if it is not DataCite's, or has no schema to declare.

    The API of DataCite prints a view of its own, for which there is no schema.
    """
    if record.metadata is None or form_of(record.metadata)[0] != "datacite":
        return None
    metadata = record.metadata
    if record.original is not None and record.original.lstrip("\ufeff \t\r\n").startswith("<"):
        named = _MINOR.search(record.original[:_HEAD]) or _KERNEL.search(str(metadata.get("schemaVersion", "")))
        return Declared(_version(named), _SHAPE, from_xml=True)
    if is_api_view(metadata):
        return None
    named = _KERNEL.search(str(metadata.get("schemaVersion", "")))
    shape = _shape_of(metadata)
    return Declared(_version(named) if named and named[1] != "4" else shape, shape)


def is_api_view(metadata: Json) -> bool:
    """Return whether this is what the API of DataCite prints for a record, with or without its envelope."""
    return isinstance(metadata.get("data") or metadata.get("attributes"), dict | list) or (
        "agency" in metadata or ("state" in metadata and "isActive" in metadata)
    )


def _version(named: re.Match[str] | None) -> str:
    version = named[1] if named else LATEST
    return {"4": LATEST, "3": "3.1", "2": "2.2"}.get(version, version)


def _shape_of(metadata: Json) -> str:
    """Find the version of the shape of JSON that was sent: names and types changed with 4.2, 4.3 and 4.5."""
    if "identifier" in metadata or any("creatorName" in one for one in objects(metadata.get("creators"))):
        return "4.1"
    if isinstance(metadata.get("publisher"), dict) or "identifiers" not in metadata:
        return _SHAPE
    return "4.2" if any("affiliations" in one for one in objects(metadata.get("creators"))) else "4.3"


class Schemas:
    """The available JSON schemas, each compiled on first use."""

    def __init__(self, folder: Path | None = None) -> None:
        """Find schemas in a folder, in files named like datacite-v4.5.json, then in the package `datacite`.

        Raises NoSchemas if there is none, or no validator.
        """
        if find_spec("jsonschema_rs") is None:
            raise NoSchemas("the JSON schema validator is missing; pip install 'harvester[validate]'")
        self._files = {**_files(_of_package()), **_files(folder)}
        if _SHAPE not in self._files:
            raise NoSchemas(
                f"no datacite-v{_SHAPE}.json; pip install 'harvester[validate]', or name a folder with it: --schemas"
            )
        self._ready: dict[Declared, tuple[str, jsonschema_rs.Validator]] = {}

    def name(self, what: Declared) -> str:
        """Name the schema that a record is validated against."""
        return self._of(what)[0]

    def faults(self, what: Declared, metadata: Json) -> list[Fault]:
        """List what is invalid in DataCite JSON; `unmapped`, which is ours, is ignored."""
        checked = {key: value for key, value in metadata.items() if key != "unmapped"}
        if what.schema == _SHAPE and _KERNEL.search(str(checked.get("schemaVersion", ""))):
            checked["schemaVersion"] = "http://datacite.org/schema/kernel-4"
        name, validator = self._of(what)
        return [
            Fault(
                name,
                "/".join(part for part in error.instance_path if isinstance(part, str)),
                str(error.schema_path[-1]) if error.schema_path else "",
                error.message[:300],
            )
            for error in _causes(list(validator.iter_errors(checked)))
        ]

    def _of(self, what: Declared) -> "tuple[str, jsonschema_rs.Validator]":
        if what not in self._ready:
            self._ready[what] = self._made(what)
        return self._ready[what]

    def _made(self, what: Declared) -> "tuple[str, jsonschema_rs.Validator]":
        import jsonschema_rs

        own = what.version in self._files and (what.schema != _SHAPE or what.version >= _SHAPE) and not what.from_xml
        used = _nearest(what.version if own else what.schema, self._files)
        schema = orjson.loads(self._files[used].read_bytes())
        if used != _SHAPE:
            return used, jsonschema_rs.validator_for(schema)
        differs = any(first <= what.version <= last for first, last, *_ in _VALUES)
        name = f"{used} with the values of {what.version}" if differs else used
        return name, jsonschema_rs.validator_for(amended(schema, what.version, from_xml=what.from_xml))


def amended(schema: Json, version: str, *, from_xml: bool = False) -> Json:
    """Return the schema of 4.5 with the differences of another version, and what its own XSD has and it omits.

    `from_xml` also removes from it what no XSD requires, so that valid XML is valid JSON.
    """
    made = copy.deepcopy(schema)
    items = made["properties"]
    items["fundingReferences"]["items"]["properties"]["schemeUri"] = {"type": "string"}
    related = items["relatedItems"]["items"]["properties"]["relatedItemIdentifier"]["properties"]
    related |= {name: {"type": "string"} for name in ("relatedMetadataScheme", "schemeURI", "schemeType")}
    for first, last, name, values in _VALUES:
        if first <= version <= last:
            made["definitions"][name]["enum"] += values
    if version < "4":
        made["required"] = [name for name in made["required"] if name != "types"]
    if from_xml:
        _as_open_as_the_xsd(made)
    if version >= "4.7":
        made["definitions"]["relatedObject"]["properties"]["relationTypeInformation"] = {"type": "string"}
    return made


def _as_open_as_the_xsd(schema: Json) -> None:
    items, definitions = schema["properties"], schema["definitions"]
    items["identifiers"] = {"type": "array"}  # an identifier that is not a DOI
    definitions["nameIdentifiers"]["items"]["required"] = ["nameIdentifier"]
    item = items["relatedItems"]["items"]
    item["required"] = [name for name in item["required"] if name != "titles"]
    item["properties"]["relatedItemIdentifier"]["required"] = ["relatedItemIdentifier"]
    # according to the documentation relatedMetadataScheme is for metadata about the resource; the XSD allows it with
    # any relation
    for one in (items["relatedIdentifiers"]["items"], item):
        for word in ("if", "then", "else"):
            one.pop(word, None)
    waiting: list[Any] = [schema]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            one.pop("uniqueItems", None)
        waiting += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()


def _causes(errors: "list[jsonschema_rs.ValidationError]") -> "Iterator[jsonschema_rs.ValidationError]":
    """Drop errors that only follow from others: anything with a fault in it counts as unevaluated as a whole."""
    places = [
        (error, list(error.instance_path), error.schema_path[-1:] == ["unevaluatedProperties"]) for error in errors
    ]
    for error, place, follows in places:
        inside = (other[: len(place)] == place for _, other, also_follows in places if not also_follows)
        if not follows or not any(inside):
            yield error


def _of_package() -> Path | None:
    """Find the schemas of the package `datacite` without importing it, because it imports an HTTP client."""
    spec = find_spec("datacite")
    places = spec.submodule_search_locations if spec is not None else None
    return Path(next(iter(places))) / "schemas" if places else None


def _files(folder: Path | None) -> dict[str, Path]:
    """Map versions to the schemas in a folder."""
    paths = sorted(folder.rglob("datacite-v*.json")) if folder is not None and folder.is_dir() else []
    return {match[1]: path for path in paths if (match := _FILE.fullmatch(path.name))}


def _nearest(version: str, files: Mapping[str, Path]) -> str:
    """Return the next newer version that has a schema, or else the newest."""
    newer = [other for other in sorted(files) if other >= version]
    return newer[0] if newer else max(files)


_XSD = "{http://www.w3.org/2001/XMLSchema}"
_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
_ELEMENT = re.compile(r"^Element '(?:\{[^}]*\})?([^']+)'")


@dataclass(frozen=True, slots=True)
class CheckedXml:
    """The result of validating XML: the schema, the faults, and the `namespace` of the root element."""

    namespace: str
    schema: str
    faults: tuple[Fault, ...]


class XmlSchemas:
    """The XSDs of a folder, each compiled on first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # (namespace, root element): files that declare it
        self._files: dict[tuple[str, str], list[Path]] = {}
        for path in sorted(folder.rglob("*.xsd")):
            for declared in _declared(path):
                self._files.setdefault(declared, []).append(path)
        self._ready: dict[Path, etree.XMLSchema] = {}

    def check(self, record: Record) -> CheckedXml | None:
        """Validate what was sent; None if it is not XML, or the folder has no schema for it."""
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
    """Yield (namespace, name) of the elements that a schema declares. Raises NoSchemas if it is not a schema."""
    try:
        root = etree.parse(path, etree.XMLParser(no_network=True, resolve_entities=False)).getroot()
    except (etree.LxmlError, OSError) as cause:
        raise NoSchemas(f"{path} cannot be read: {cause}") from cause
    for element in root.iterchildren(f"{_XSD}element"):
        yield root.get("targetNamespace", ""), element.get("name", "")


def _alike(path: str, url: str) -> int:
    """Count the last parts of a path and a URL that are equal."""
    pairs = zip(reversed(path.split("/")), reversed(url.split("/")), strict=False)
    return next((n for n, (one, other) in enumerate(pairs) if one != other), min(path.count("/"), url.count("/")))


def _told(error: etree._LogEntry) -> tuple[str, str, str]:
    """Return (place, rule, message) of an error."""
    match = _ELEMENT.match(error.message)
    return match[1] if match else "", error.type_name, re.sub(r"\{[^}]*\}", "", error.message)[:300]
