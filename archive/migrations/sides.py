"""Both sides of a migration as rows: what an archive's index or a release's parts say of each record.

Every record becomes one row with the names by which it may be matched and the values that are compared; nothing else of
its JSON is kept, so that millions of records need little memory.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from archive.crosswalks import Fields, claims_of, index_fields
from archive.errors import OtherArchive
from archive.index import open_index
from archive.migrations.documents import documents_of
from archive.migrations.fields import Field, kept, normalised, take
from archive.migrations.names import (
    alternates_of,
    dois_of,
    key_of,
    known_names,
    own_names,
    related_of,
    url_finder,
    urls_of,
    version_of,
)
from archive.queries import Queries
from archive.releases import BARE, ENVELOPE, is_release, open_contents, read_manifest

_SQL = Queries(__package__)

Json = dict[str, Any]

RULES = ("id", "doi", "alternate", "related[:RELATION,...]", "url:PATTERN", "sql:EXPRESSION")


@dataclass(frozen=True, slots=True)
class SideRecord:
    """The latest state of a record in one format. `text` is its JSON, None without one."""

    identifier: str
    format: str
    deleted: bool
    sets: tuple[str, ...]
    text: str | None

    @property
    def metadata(self) -> Any:
        return None if self.text is None else orjson.loads(self.text)


@dataclass(frozen=True, slots=True)
class Rule:
    """How records are matched: `kind` is one of `RULES`, `argument` what follows its colon."""

    kind: str
    argument: str = ""

    @property
    def text(self) -> str:
        return f"{self.kind}:{self.argument}" if self.argument else self.kind


@dataclass(frozen=True, slots=True)
class Known:
    """The input for the names of a record: its JSON as a value and as text, and its fields in the index."""

    identifier: str
    metadata: Any
    text: str | None
    fields: Fields


Keys = Callable[[Known], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Taking:
    """What is read from the records of one side: names by `keys` and, of records in `format`, the values at some paths.

    `with_text` keeps all of the JSON, for a rule in SQL.
    """

    keys: Keys
    format: str
    fields: tuple[tuple[str, tuple[str, ...]], ...] = ()
    with_text: bool = False


@dataclass(frozen=True, slots=True)
class Stock:
    """The declared size of one side: items, and live records of each format, the most frequent first."""

    items: int
    formats: dict[str, int]

    @property
    def format(self) -> str:
        return next(iter(self.formats), "")


def parse_rule(text: str) -> Rule:
    """Parse a rule. Raises ValueError that lists the rules."""
    kind, colon, argument = text.partition(":")
    if kind in ("id", "doi", "alternate") and not colon:
        return Rule(kind)
    if kind == "related" and (argument.strip() or not colon):
        return Rule(kind, argument.strip())
    if kind == "url":
        url_finder(argument)
        return Rule(kind, argument)
    if kind == "sql" and argument.strip():
        return Rule(kind, argument.strip())
    raise ValueError(f"{text!r} is no rule to match records by; there are {', '.join(RULES)}")


def source_taking(rule: Rule, format_: str, fields: Iterable[Field] = ()) -> Taking:
    """Choose what a rule reads from the records that were to be migrated."""
    keys: dict[str, Keys] = {
        "id": _local,
        "url": _local,
        "sql": _nothing,
        "alternate": _own,
        "related": _own,
        # without the DOI of all versions, by which each version would claim them all
        "doi": lambda known: claims_of(known.metadata).dois,
    }
    return Taking(keys[rule.kind], format_, tuple((field.old, field.how) for field in fields), rule.kind == "sql")


def target_taking(rule: Rule, format_: str, fields: Iterable[Field] = ()) -> Taking:
    """Choose what a rule reads from the records of the target."""
    relations = tuple(name.strip() for name in rule.argument.split(",") if name.strip())
    find = url_finder(rule.argument) if rule.kind == "url" else None
    keys: dict[str, Keys] = {
        "id": _local,
        "sql": _nothing,
        "alternate": lambda known: alternates_of(known.metadata),
        "related": lambda known: related_of(known.metadata, relations),
        "url": lambda known: find(known.text) if find is not None and known.text is not None else (),
        "doi": lambda known: dois_of(known.metadata, known.fields.concept),
    }
    return Taking(keys[rule.kind], format_, tuple((field.new, field.how) for field in fields), rule.kind == "sql")


def log_taking(format_: str) -> Taking:
    """Read all names by which the log of an uploader may know a record."""
    return Taking(lambda known: known_names(known.metadata), format_)


def planned_taking(format_: str) -> Taking:
    """Read what a log may call a record that was to be uploaded; titles and files may be those of many."""
    return Taking(lambda known: (*_local(known), *_own(known), *alternates_of(known.metadata)), format_)


def read_stock(path: Path) -> Stock:
    """Count what an archive or a release holds. Raises as `open_index` and `read_manifest`."""
    if is_release(path):
        content = read_manifest(path).content
        return _stock(content.identifiers, {name: counts["records"] for name, counts in content.by_format.items()})
    with closing(open_index(path)) as db:
        rows = db.execute(_SQL["migration_stock"]).fetchall()
    return _stock(next((identifiers for *_, identifiers in rows), 0), {name: live for name, live, _ in rows})


def iter_side(path: Path) -> Iterator[SideRecord]:
    """Yield every record of an archive or a release, tombstones included; texts of a release are verified by digest.

    Raises as `open_index` and `open_contents`; OtherArchive for a release whose texts are not metadata.
    """
    if is_release(path):
        yield from _of_release(path)
        return
    with closing(open_index(path)) as db:
        rows = db.execute(_SQL["migration_records"])
        while batch := rows.fetchmany(2_000):
            for identifier, format_, deleted, sets, text in batch:
                yield SideRecord(identifier, format_, deleted, tuple(sets), text)


def side_line(record: SideRecord, taking: Taking) -> bytes:
    """Encode a row of one side as a line of JSON: see the query `migration_tables`."""
    metadata = record.metadata
    fields = index_fields(record.identifier, metadata)
    known = Known(record.identifier, metadata, record.text, fields)
    version, urls = version_of(metadata, fields.concept), list(urls_of(metadata))
    values: list[list[str]] | None = None
    if taking.fields and metadata is not None and record.format == taking.format:
        values = [
            [kept(value) for value in normalised(take(path, metadata, fields), how)] for path, how in taking.fields
        ]
    row = {
        "item": record.identifier,
        "format": record.format,
        "deleted": record.deleted,
        "local_id": fields.local_id,
        "title": fields.title,
        "type": fields.resource_type,
        "year": fields.publication_year,
        "sets": record.sets,
        "urls": urls,
        "documents": [asdict(one) for one in documents_of(metadata)],
        "page": urls[0] if urls else f"https://doi.org/{fields.doi}" if fields.doi else None,
        "keys": list(dict.fromkeys(taking.keys(known))),
        "ids": list(dict.fromkeys((fields.local_id, key_of(record.identifier), *dois_of(metadata, fields.concept)))),
        "concept": version.concept,
        "position": version.position,
        "previous": version.previous,
        "values": values,
        "metadata": orjson.Fragment(record.text.encode()) if taking.with_text and record.text else None,
    }
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


def _stock(items: int, formats: dict[str, int]) -> Stock:
    return Stock(items, dict(sorted(formats.items(), key=lambda pair: (-pair[1], pair[0]))))


def _of_release(path: Path) -> Iterator[SideRecord]:
    contents = open_contents(path)
    form = contents.manifest.content.making.form
    if form not in (ENVELOPE, BARE):
        raise OtherArchive(f"{path} holds its records as {form}, which cannot be matched; dump it --form envelope")
    for kind in ("records", "tombstones"):
        for entry in contents.entries(kind):
            sets: tuple[str, ...] = ()
            text: str | None = entry.text.decode()
            if form == ENVELOPE or entry.deleted:
                value = orjson.loads(entry.text)
                sets, metadata = tuple(value["sets"]), value["metadata"]
                text = None if metadata is None else orjson.dumps(metadata).decode()
            yield SideRecord(entry.identifier, entry.format, entry.deleted, sets, text)


def _local(known: Known) -> Iterable[str]:
    return (known.fields.local_id,)


def _own(known: Known) -> Iterable[str]:
    return own_names(known.identifier, known.metadata)


def _nothing(known: Known) -> Iterable[str]:
    return ()
