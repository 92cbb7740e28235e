"""`harvester convert`: an archive made anew of what was sent, or any file of records in another format."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from archive.crosswalks import MARC, MARCXML, TARGETS, ConversionError, left_out, written
from archive.store import Layout
from harvester.cli.output import advancing, counted, print_json, say
from harvester.cli.params import command
from harvester.errors import UsageError
from harvester.exits import DONE, FINDINGS

_COLLECTION = b'<collection xmlns="http://www.loc.gov/MARC21/slim">\n', b"</collection>\n"


@command()
@click.argument("path", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--to", "target", type=click.Choice(list(TARGETS)), help="write the records in this format to stdout")
@click.option("--seq", is_flag=True, help="with --to: a JSON text sequence (RFC 7464) instead of JSON lines")
@click.option("--all", "everything", is_flag=True, help="an archive: also shards that these converters have made")
@click.option("--json", "as_json", is_flag=True, help="an archive: print one JSON object")
def convert(path: Path, target: str | None, seq: bool, everything: bool, as_json: bool) -> int:
    """Make the JSON of an archive PATH anew of what was sent, or write the records of any PATH in another format.

    Without --to, PATH is an archive. Shards that older converters have made are written anew, each beside the old one,
    which goes once the new one counts; killed at any time, the same command goes on. The index is stale then.

    With --to, PATH is an archive (the latest version of each record; it needs an index), a release, a delta, a bag of
    one of these or of files, a shard or a part of a release, an OAI-PMH response, a record or a collection of records
    as XML or JSON, also packed with gzip, zstd, xz or bzip2 or in a tar or zip archive; - is standard input. Pages of
    APIs, graphs of JSON-LD, lists, JSON lines and texts one after the other are opened completely, or refused. MARC is
    read as XML, JSON and ISO 2709 (MARC-8 or UTF-8), and written as marc-json, marcxml, or marc, which is ISO 2709 in
    UTF-8; index-json is made of any record. What a record has and the format has no place for is under `unmapped` in
    it: XML, or for index-json the place in the record; marcxml and marc have none, and stderr says what they leave out.
    What is not of that format, and MARC that other readers would not accept, is named on stderr.

    Exit codes: 0 all of it is converted, 1 something is not, or there is no record, 3 an archive that is written to, or
    has no index.
    """
    if target is not None:
        if everything or as_json:
            raise UsageError("--all and --json are for an archive in place; leave out --to, or them")
        if seq and target in (MARC, MARCXML):
            raise UsageError(f"--seq is for JSON; {target} is not")
        return _write(path, target, seq)
    if seq:
        raise UsageError("--seq says how --to writes; name a format with --to")
    if not path.is_dir():
        raise UsageError(f"{path} is no archive; say what it is to be written in: --to {'|'.join(TARGETS)}")
    return _in_place(path, everything, as_json)


# --- an archive in place


def _in_place(folder: Path, everything: bool, as_json: bool) -> int:
    from archive.conversions import convert_archive

    with advancing("converting", "bytes") as progress:
        report = convert_archive(folder, everything=everything, progress=progress)
    for sentence in report.torn:
        say(f"harvester: {sentence}", err=True)
    kinds = {name: report.kinds[name] for name in _SAID}
    if as_json:
        print_json(
            {
                "path": str(folder),
                "versions": report.versions,
                "before": report.before,
                "shards": report.shards,
                "changed": report.changed,
                "current": report.current,
                "records": report.records,
                **kinds,
                "examples": [
                    {"kind": one.kind, "identifier": one.identifier, "format": one.format, "reason": one.reason}
                    for one in report.examples
                ],
            }
        )
    else:
        for name, number in kinds.items():
            if number:
                say(f"{number:>12,} {_SAID[name]}")
        for one in report.examples:
            say(f"{one.kind}: {one.identifier} ({one.format}): {one.reason}")
        current = f"; {counted(report.current, 'shard')} left as they are: made by these converters"
        say(
            f"{folder}: {counted(report.records, 'record')} in {counted(report.shards, 'shard')} read, "
            f"{counted(report.changed, 'shard')} written anew{current if report.current else ''}"
        )
    if report.changed and Layout(folder).index.exists():
        say(f"harvester: the index is stale now; make it anew: harvester index {folder}", err=True)
    return FINDINGS if report.kinds["no_longer"] or report.kinds["not"] else DONE


_SAID = {
    "same": "come out as they were",
    "otherwise": "come out otherwise",
    "new": "have JSON now, and had none",
    "no_longer": "no longer convert; the JSON they had stays",
    "not": "do not convert",
    "other": "came without XML, or with XML that no converter is for",
}


# --- a file, or an archive, to stdout


def _write(path: Path, target: str, seq: bool) -> int:
    from harvester.errors import Unreadable
    from harvester.inputs import flattened

    done = missed = deleted = partial = 0
    out = sys.stdout.buffer
    if target == MARCXML:
        out.write(_COLLECTION[0])
    with _items(path) as items:
        try:
            for item in flattened(items):
                text, reason = _text(target, item.identifier, item.metadata, item.reason)
                if text is not None:
                    out.write(text if target == MARC else b"\x1e%s\n" % text if seq else b"%s\n" % text)
                    done += 1
                    for lost in left_out(target, item.metadata or {}):
                        partial += 1
                        say(f"harvester: {path}: {item.name}: {target} has no place for {lost}", err=True)
                elif reason:
                    missed += 1
                    say(f"harvester: {path}: {item.name}: not written as {target}: {reason}", err=True)
                else:
                    deleted += 1
        except Unreadable as error:
            missed += 1
            say(f"harvester: {path}: {error}; {counted(done, 'record')} before that", err=True)
    empty = not (done or missed or deleted or path.is_dir())
    if empty:
        say(f"harvester: {path}: there is no record in it", err=True)
    if target == MARCXML:
        out.write(_COLLECTION[1])
    out.flush()
    tombstones = f", {counted(deleted, 'tombstone')} without metadata" if deleted else ""
    if not (done or missed or deleted):
        say(f"harvester: {path} holds no record: nothing is converted", err=True)
        return FINDINGS
    if missed or deleted:
        say(f"harvester: {counted(done, 'record')} written, {missed:,} not{tombstones}", err=True)
    return FINDINGS if missed or partial or empty else DONE


def _text(target: str, identifier: str, metadata: dict[str, Any] | None, reason: str) -> tuple[bytes | None, str]:
    if metadata is None:
        return None, reason
    try:
        return written(target, identifier, metadata), ""
    except ConversionError as error:
        return None, str(error)


@contextmanager
def _items(path: Path) -> Iterator[Any]:
    from harvester.inputs import iter_records, spooled

    if str(path) == "-":
        with spooled(sys.stdin.buffer) as copy:
            yield iter_records(copy)
    else:
        yield iter_records(path)
