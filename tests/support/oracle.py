"""Compare an archive with the truth of a server: identifiers, datestamps, states, sets and originals.

    python tests/support/oracle.py ARCHIVE TRUTH.jsonl [--live-only] [--format oai_dc] [--poison]

TRUTH has a JSON object a line: identifier, datestamp, status (live or deleted), sets, and dc_sha256, the
SHA-256 over the Dublin Core values. Prints one JSON object; exit 1 when anything differs that the archive's
own ledger does not name.
"""

import argparse
import collections
import hashlib
import json
import re
import sqlite3
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lxml import etree

from archive.store import envelope, shards
from archive.store.layout import Layout
from harvester.oaipmh import datestamps

DC = "{http://purl.org/dc/elements/1.1/}"


def held(folder: Path, format_: str) -> dict[str, envelope.Record]:
    """The record of each identifier in one format with the newest datestamp, read from the shards alone.

    Of several with the same datestamp one counts that is what GetRecord answered last; without such an answer a live
    one before a tombstone; then the one that came last.
    """
    layout = Layout(folder)
    db = sqlite3.connect(layout.ledger)
    records: dict[str, envelope.Record] = {}
    settled = dict(
        db.execute(
            "SELECT o.identifier, o.state = 'deleted' FROM outcomes o JOIN requests r USING (request) JOIN channels c "
            "USING (channel) WHERE c.format = ? AND r.url LIKE '%verb=GetRecord%' AND o.state IN ('read', 'deleted') "
            "ORDER BY o.outcome",
            (format_,),
        ).fetchall()
    )
    for name, state, believed in db.execute("SELECT name, state, bytes FROM shards ORDER BY shard"):
        path = layout.shards / (name if state == "sealed" else name + ".open")
        for frame in shards.iter_frames(path, None if state == "sealed" else believed):
            for text in frame.texts():
                record = envelope.decode(text)
                gone = bool(settled.get(record.identifier))
                if record.format == format_ and not _older(record, records.get(record.identifier), gone):
                    records[record.identifier] = record
    return records


def _older(record: envelope.Record, held: envelope.Record | None, gone: bool) -> bool:
    if held is None or datestamps.parse(record.datestamp) is None or datestamps.parse(held.datestamp) is None:
        return False
    return (record.datestamp, record.deleted == gone) < (held.datestamp, held.deleted == gone)


def states(folder: Path, format_: str) -> dict[str, str]:
    """The last state of each identifier, by the ledger alone."""
    db = sqlite3.connect(Layout(folder).ledger)
    rows = db.execute(
        "SELECT o.identifier, o.state FROM outcomes o JOIN requests r USING (request) JOIN channels c USING (channel) "
        "WHERE c.format = ? AND c.name LIKE 'oaipmh:%' ORDER BY o.outcome",
        (format_,),
    )
    return dict(rows.fetchall())


def dc_sha256(record: envelope.Record) -> str | None:
    if record.original is None:
        return None
    values = collections.defaultdict(list)
    for element in etree.fromstring(record.original.encode(), etree.XMLParser(huge_tree=True)).iter():
        if isinstance(element.tag, str) and element.tag.startswith(DC):
            text = "".join(element.itertext(etree.Element)) if len(element) else element.text or ""
            values[element.tag[len(DC) :]].append(text)
    blob = json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(blob.encode()).hexdigest()


def collapsed(identifier: str) -> str:
    """Return an identifier as XML Schema reads an anyURI: without white space around it, one blank inside."""
    return " ".join(part for part in re.split("[ \t\r\n]+", identifier) if part)


def compare(
    folder: Path, truth: list[dict[str, Any]], format_: str = "oai_dc", live_only: bool = False
) -> dict[str, Any]:
    """Every difference by its kind, as lists of identifiers."""
    records, ends = held(folder, format_), states(folder, format_)
    wanted = {
        collapsed(t["identifier"]): t
        for t in truth
        if t.get("listed", t.get("in_oai", True)) and not (live_only and t["status"] == "deleted")
    }
    out: dict[str, Any] = {
        "held": len(records),
        "wanted": len(wanted),
        "missing": [i for i in wanted if i not in records],
        "unexpected": [i for i in records if i not in wanted],
        "datestamp": [
            i
            for i, t in wanted.items()
            if i in records
            and records[i].datestamp[:20] != t["datestamp"]
            and not t.get("kind", "").startswith("stamp_")
        ],
        "status": [i for i, t in wanted.items() if i in records and records[i].deleted != (t["status"] == "deleted")],
        "sets": [i for i, t in wanted.items() if i in records and sorted(records[i].sets) != sorted(t["sets"])],
        "content": [
            i
            for i, t in wanted.items()
            if format_ == "oai_dc"
            and i in records
            and t.get("dc_sha256")
            and not records[i].deleted
            and t.get("kind") != "no_metadata"
            and dc_sha256(records[i]) != t["dc_sha256"]
        ],
    }
    out["named"] = [i for i in out["missing"] if ends.get(i) in ("refused", "lost", "absent")]
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--live-only", action="store_true")
    parser.add_argument("--format", default="oai_dc")
    options = parser.parse_args()
    truth = [json.loads(line) for line in options.truth.read_text(encoding="utf-8").splitlines()]
    found = compare(options.archive, truth, options.format, options.live_only)
    unnamed = set(found["missing"]) - set(found["named"])
    differs = unnamed or any(found[kind] for kind in ("unexpected", "datestamp", "status", "sets", "content"))
    shown = {
        key: value if isinstance(value, int) else {"count": len(value), "first": value[:3]}
        for key, value in found.items()
    }
    print(json.dumps({**shown, "verdict": "DIFFERS" if differs else "MATCHES"}, ensure_ascii=False))
    return 1 if differs else 0


if __name__ == "__main__":
    sys.exit(main())
