"""How fast an index is made, beside DuckDB alone, which reads the same shards into the same columns.

    .venv/bin/python benchmarks/index.py [-n 100000] [--rounds 3] [--archive DIR] [--folder TMP]

makes an archive of made records (two formats, so twice as many; or takes one), and measures in turns

    index       `harvester index --full`: shards checked (digests, frames, counts, each record against its outcome),
                all tables, the ledger, index.lookup, proofs; on all cores
    bare        one query: `read_csv` with RS and `from_json` on the .zst files, into the columns that an index has of
                these records; of several values it takes the first, and it changes none. Nothing is checked: a shard
                that is cut short is a shorter one
    again       `harvester index` after one more run of a few records: what an index that is kept up costs

`index` is to be at least half as fast as `bare`. Compare ratios, on a machine that does nothing else.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from measuring import Result, in_turns

from archive.index import index
from archive.store import ArchiveWriter, Layout
from harvester.demo.samples import build_archive

HARVESTER = str(Path(sys.executable).with_name("harvester"))
# of a record only what the samples have: DataCite and Dublin Core
BARE = """
CREATE TABLE versions AS
SELECT r.identifier, r.format, try_cast(r.datestamp AS TIMESTAMP) AS datestamp, r.deleted, r.sets,
       split_part(r.identifier, ':', 3) AS local_id, coalesce(m.doi, m.identifier[1]) AS doi,
       coalesce(m.titles[1].title, m.title[1]) AS title,
       coalesce(m.types.resourceTypeGeneral, m."type"[1]) AS resource_type,
       try_cast(coalesce(m.publicationYear, left(m.date[1], 4)) AS INTEGER) AS publication_year,
       coalesce(list_transform(m.creators, lambda one: one.name), m.creator) AS creators,
       coalesce(m.rightsList[1].rightsIdentifier, m.rights[1]) AS license, r.url,
       try_cast(r.retrieved AS TIMESTAMP) AS retrieved, r.sha256, text -> 'metadata' AS metadata,
       m.version AS stated_version, m.alternateIdentifiers, m.identifier AS identifiers, m.creators AS all_creators,
       m.subjects, m.subject, m.relatedIdentifiers, m.relation
FROM (
    SELECT text, r, r.metadata AS m
    FROM (
        SELECT text, from_json(text, '{
            "identifier": "VARCHAR", "datestamp": "VARCHAR", "deleted": "BOOLEAN", "sets": ["VARCHAR"],
            "format": "VARCHAR", "url": "VARCHAR", "retrieved": "VARCHAR", "sha256": "VARCHAR",
            "metadata": {
                "doi": "VARCHAR", "identifier": ["VARCHAR"], "titles": [{"title": "VARCHAR"}], "title": ["VARCHAR"],
                "types": {"resourceTypeGeneral": "VARCHAR"}, "type": ["VARCHAR"], "publicationYear": "VARCHAR",
                "date": ["VARCHAR"], "creator": ["VARCHAR"], "rightsList": [{"rightsIdentifier": "VARCHAR"}],
                "rights": ["VARCHAR"], "version": "VARCHAR", "subject": ["VARCHAR"], "relation": ["VARCHAR"],
                "alternateIdentifiers": [{"alternateIdentifier": "VARCHAR", "alternateIdentifierType": "VARCHAR"}],
                "creators": [{"name": "VARCHAR", "givenName": "VARCHAR", "familyName": "VARCHAR",
                    "nameIdentifiers": [{"nameIdentifier": "VARCHAR"}], "affiliation": [{"name": "VARCHAR"}]}],
                "subjects": [{"subject": "VARCHAR", "subjectScheme": "VARCHAR", "valueUri": "VARCHAR"}],
                "relatedIdentifiers": [{"relatedIdentifier": "VARCHAR", "relationType": "VARCHAR",
                    "relatedIdentifierType": "VARCHAR"}]}}') AS r
        FROM read_csv($shards, delim = chr(30), quote = '', escape = '', header = false, auto_detect = false,
            max_line_size = 1048576, buffer_size = 4194304, columns = {'before': 'VARCHAR', 'text': 'VARCHAR'})));
"""
RUN_BARE = """
import sys, duckdb
query, shards, out = sys.argv[1:]
with duckdb.connect(out, config={"preserve_insertion_order": False, "memory_limit": "4GB"}) as db:
    db.execute(query, {"shards": shards})
    db.execute("CHECKPOINT")
"""
# copies the archive with its index, which is quick and no part of what is measured
RUN_AGAIN = """
import sys
from pathlib import Path
from archive.index.build import index
index(Path(sys.argv[1]))
"""


def bare(archive: Path, out: Path) -> list[str]:
    return [sys.executable, "-c", RUN_BARE, BARE, str(Layout(archive).shards / "*.json-seq.zst"), str(out)]


def grown(archive: Path, folder: Path) -> Path:
    """A copy of an archive that has an index, with another run of some records since."""
    copy = folder / "grown"
    shutil.copytree(archive, copy)
    index(copy)
    other = folder / "few"
    build_archive(other, 10)
    add_run(copy, other)
    return copy


def add_run(archive: Path, other: Path) -> None:
    """Harvest into `archive` what `other` holds, under identifiers of its own."""
    from archive.formats import jsonseq
    from archive.store import Answer, shards

    writer = ArchiveWriter(archive, {"url": "https://few.example", "hosts": ["samples.example"]}, {"name": "benchmark"})
    try:
        writer.begin("samples", "full", {"url": "https://few.example"}, {})
        channel = writer.ledger.channel("oaipmh:oai_dc", "oai_dc", None)
        for path in sorted(Layout(other).shards.glob("*.zst")):
            for frame in shards.iter_frames(path):
                texts = [text.replace(b"oai:samples.example:", b"oai:few.example:") for text in frame.texts()]
                outcomes = [outcome(text) for text in texts]
                payload = ((b"".join(map(jsonseq.encode, texts)), len(texts)),)
                writer.put(
                    Answer(
                        channel,
                        None,
                        1,
                        "https://few.example",
                        "read",
                        200,
                        None,
                        1,
                        writer.now(),
                        len(outcomes),
                        outcomes,
                        payload,
                    )
                )
        writer.finish("complete")
    finally:
        writer.close()


def outcome(text: bytes) -> Any:
    from archive.store import Outcome, decode

    record = decode(text)
    return Outcome(record.identifier, record.datestamp, "deleted" if record.deleted else "read")


def show(results: dict[str, Result], records: int) -> None:
    print(f"\nIndex of {records:,} records, medians")
    print(f"{'':<8}{'records/s':>11}{'CPU s':>9}{'MB mem':>9}")
    for name, found in results.items():
        print(f"{name:<8}{found.rate:>11,.0f}{found.cpu_seconds:>9.1f}{found.peak_mb:>9.0f}")
    ratio = results["index"].rate / results["bare"].rate
    cpu = results["index"].cpu_seconds / results["bare"].cpu_seconds
    print(f"index is {ratio:.2f} of DuckDB alone, for {cpu:.1f} times its CPU time")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--records", type=int, default=100_000, help="records of the made archive, two formats")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--archive", type=Path, help="index this one (it gets the index)")
    parser.add_argument("--folder", type=Path, help="where there is room; default: the system's temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="harvest-bench-", dir=options.folder) as name:
        archive = options.archive or Path(name) / "archive"
        if options.archive is None:
            build_archive(archive, options.records)
        report = index(archive)
        again = grown(archive, Path(name))
        held = Path(name) / "held"
        shutil.copytree(again, held)
        results = in_turns(
            {
                "index": lambda _: [HARVESTER, "index", str(archive), "--full"],
                "bare": lambda out: bare(archive, out),
                "again": lambda out: [sys.executable, "-c", RUN_AGAIN, shutil.copytree(held, out)],
            },
            dict.fromkeys(("index", "bare", "again"), report.harvested),
            options.rounds,
            "records",
        )
        show(results, report.harvested)
    return 0


if __name__ == "__main__":
    sys.exit(main())
