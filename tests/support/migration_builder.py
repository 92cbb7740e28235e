"""Migrations made for tests: EPrints items as they were, a community as it became, and logs that lie both ways."""

import csv
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from archive.formats import jsonseq
from archive.index.build import index
from archive.store.envelope import encode_json
from support import archive_builder

STAMP = "2022-11-23T00:00:00Z"
# identifier, JSON (None: deleted), sets
Item = tuple[str, dict[str, Any] | None, tuple[str, ...]]


def text(item: Item, format_: str) -> bytes:
    """The JSON text of a record whose JSON the provider sent."""
    identifier, metadata, sets = item
    if metadata is None:
        return archive_builder.record(identifier, STAMP, deleted=True).replace(b'"oai_dc"', orjson.dumps(format_))
    return encode_json(
        identifier, STAMP, False, sets, format_, "application/json", archive_builder.URL, STAMP, orjson.dumps(metadata)
    )


def archived(folder: Path, items: Sequence[Item], format_: str = "json", *, indexed: bool = True) -> Path:
    """An archive of these records, with its index."""
    made = archive_builder.writer(folder)
    made.begin("idrange", "full", {"url": archive_builder.URL}, archive_builder.SOFTWARE)
    channel = made.ledger.channel(f"idrange:{format_}", format_, None)
    for number in range(0, len(items), 500):
        page = items[number : number + 500]
        framed = b"".join(jsonseq.encode(text(item, format_)) for item in page)
        outcomes = [(name, STAMP, "read" if metadata is not None else "deleted", None) for name, metadata, _ in page]
        made.put(
            archive_builder.answer(
                channel,
                None,
                [name for name, _, _ in page],
                url=f"{archive_builder.URL}/{number}",
                outcomes=outcomes,
                payload=((framed, len(page)),),
            )
        )
        made.commit()
    made.finish("complete")
    made.close()
    if indexed:
        index(folder)
    return folder


def eprint(number: int, **more: Any) -> Item:
    """An item of CEDA's EPrints, as its JSON export has it: a title of several lines, a year that is a number."""
    values: dict[str, Any] = {
        "eprintid": number,
        "uri": f"http://cedadocs.example/id/eprint/{number}",
        "type": "monograph",
        "date": 2012,
        "title": f"Report {number} on\r\nthe weather",
        "abstract": "Rain.",
        "creators": [{"name": {"family": "Gray", "given": "A."}}],
    }
    return f"oai:cedadocs.example:{number}", {**values, **more}, ("reports",)


def rdm(
    number: int, alternate: Iterable[str] = (), *, concept: int | None = None, version: int = 1, **more: Any
) -> Item:
    """A record of a community, in InvenioRDM's own JSON."""
    fields: dict[str, Any] = {
        "title": f"Record {number}",
        "publication_date": "2022-11-23",
        "resource_type": {"id": "publication-report"},
        "identifiers": [{"identifier": name, "scheme": "url"} for name in alternate],
        **more,
    }
    return (
        f"oai:zenodo.example:{number}",
        {
            "id": str(number),
            "pids": {"doi": {"identifier": f"10.5281/zenodo.{number}", "provider": "datacite"}},
            "parent": {"id": str(concept or number - 1)},
            "versions": {"index": version, "is_latest": True},
            "links": {"self_html": f"https://zenodo.example/records/{number}"},
            "metadata": fields,
        },
        ("user-ceda",),
    )


def specimen(number: int, barcode: str, **more: Any) -> Item:
    """A specimen as it was uploaded: its barcode is an alternate identifier and the name of its image."""
    name, metadata, sets = rdm(number, [f"http://www.botanicalcollections.example/specimen/{barcode}"], **more)
    assert metadata is not None
    return name, metadata | {"files": {"entries": {f"{barcode}.jpg": {"key": f"{barcode}.jpg", "size": 10}}}}, sets


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]], delimiter: str = ",") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def write_sqlite(path: Path, table: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    columns = ", ".join(f'"{name}"' for name in header)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f'CREATE TABLE "{table}" ({columns})')
        db.executemany(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(header))})', rows)
        db.commit()
    return path


# --- the examples of docs/migrations.md, each in a folder of its own


def ceda(folder: Path) -> None:
    """1,250 items of EPrints; in the community two are missing, one is there twice, one record is of two items."""
    numbers = [*[n for n in range(8, 1491) if n % 19 not in (1, 7, 13)][:1248], 1491, 1492]
    items = [eprint(n, **({"abstract": "A summary"} if n % 10 else {"abstract": None})) for n in numbers]
    items[10] = eprint(numbers[10], succeeds=numbers[9])
    there = []
    for place, number in enumerate(numbers):
        name, concept, version = 7_000_000 + 10 * number, None, 1
        if place in (9, 10):  # an item and what succeeds it are versions of one record
            concept, version = 6_999_000, place - 8
        if place not in (100, 200, 301):
            named = [f"http://cedadocs.example/{number}/"]
            named += [f"http://cedadocs.example/{numbers[301]}/"] if place == 300 else []
            there.append(rdm(name, named, concept=concept, version=version))
    there.append(rdm(7_999_990, [f"http://cedadocs.example/{numbers[400]}/"]))
    archived(folder / "ceda", items)
    archived(folder / "zenodo-ceda", there)


def icedig(folder: Path) -> None:
    """A hundredth of 281,372 specimens: 107 failed by the log, 7 of those are there; of the others 4 are not."""
    codes = (("404", 53), ("504", 19), ("502", 19), ("500", 15), ("503", 1))
    reasons = [code for code, count in codes for _ in range(count)]
    rows, there = [], []
    for number in range(2814):
        barcode = f"BR{13_000_000 + number}"
        failed = number % 26 == 0 and bool(reasons)
        rows.append(
            [
                barcode,
                "failed" if failed else "done",
                reasons.pop() if failed else "",
                "" if failed else 3_000_000 + 2 * number,
            ]
        )
        is_there = number % 416 == 0 if failed else number not in (77, 777, 1777, 2777)
        if is_there:
            there.append(specimen(3_000_000 + 2 * number, barcode))
        if number in (501, 1501):
            there.append(specimen(3_100_000 + 2 * number, barcode))
    write_csv(folder / "uploads.csv", ["barcode", "status", "error", "recid"], rows)
    archived(folder / "zenodo-herbarium", there)


def platform(folder: Path) -> None:
    """A thousandth of 2.89 million records before and after: 28 are missing, one title and some dates are others."""
    kinds = ("publication", "dataset", "software")
    before, after = [], []
    for number in range(2890):
        kind, name = kinds[number % 7 % 3], f"{1_000_000 + number}"
        titled = f"Title of <i>{name}</i>\r\nand more"
        doi = f"10.5281/zenodo.{name}"
        before.append(
            (
                f"oai:zenodo.example:{name}",
                {
                    "id": int(name),
                    "conceptrecid": f"{999_999 + number}",
                    "doi": doi,
                    "metadata": {
                        "title": titled,
                        "publication_date": "2020-01-05",
                        "resource_type": {"type": kind},
                        "creators": [{"name": "Gray, A."}],
                        "notes": "old" if number % 100 == 0 else None,
                        "relations": {"version": [{"index": 0}]},
                    },
                },
                ("user-a",),
            )
        )
        if number % 104 == 3:
            continue
        date = "2020-01-06" if number % 500 == 0 else "2020-01-05T00:00:00"
        new = f"Title of {name} and more" if number != 1234 else "Untitled"
        identifier, metadata, _ = rdm(
            int(name),
            title=new,
            publication_date=date,
            resource_type={"id": kind},
            creators=[{"person_or_org": {"name": "Gray, A."}}],
        )
        after.append((identifier, metadata, ("user-a",)))
    archived(folder / "before", before)
    archived(folder / "after", after)
