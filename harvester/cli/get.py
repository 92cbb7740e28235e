"""`harvester get`: one record by its id, of an archive or a release, from disk or over HTTP."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from archive.formats import LF, canonical, jsonseq, reread
from archive.lookup import DESCRIPTION, Answer, Got, Reader, open_reader
from archive.releases import MANIFEST
from archive.store import Files, FolderFiles
from harvester.cli.output import cell, counted, print_json, say
from harvester.cli.params import command
from harvester.errors import UsageError
from harvester.exits import DONE, FINDINGS, USAGE

if TYPE_CHECKING:
    from harvester.http import Exchange


@command()
@click.argument("where", metavar="PATH-or-URL")
@click.argument("asked_for", metavar="ID")
@click.option("--format", "formats", multiple=True, help="only this format (may be given again)")
@click.option("--all", "every", is_flag=True, help="every version that an archive holds, not only the latest")
@click.option("--original", is_flag=True, help="the bytes as the provider sent them, of one record")
@click.option("--seq", is_flag=True, help="a JSON text sequence: RS before each record")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object: records, where they lie, requests made")
@click.option("--contact", default="", help="e-mail address or URL that goes into User-Agent")
@click.option("--token", "variable", default="", help="environment variable that holds a token for the host of the URL")
@click.option("-v", "--verbose", is_flag=True, help="tell each request on stderr")
def get(
    where: str,
    asked_for: str,
    formats: tuple[str, ...],
    every: bool,
    original: bool,
    seq: bool,
    as_json: bool,
    contact: str,
    variable: str,
    verbose: bool,
) -> int:
    """Print the record of one id: the latest version of it, a line of JSON for each format.

    PATH-or-URL is a release, a delta, an archive, a bag of one, or a file of records, which is read to its end. Over
    HTTP the server must know Range requests, and a few kilobytes and the frame that holds the record are read. ID is an
    identifier, its local id (123 of oai:host:123), or a DOI in any spelling. A deleted record is printed as well: its
    tombstone.

    Exit codes: 0 found, 1 there is no such record, 2 usage, or it is there in other formats only, 3 no answer, or an
    index that is out of date, 4 damaged.
    """
    asked_for = asked_for.strip()
    # what the shell passes on that is no UTF-8 has lone surrogates here
    if not asked_for or any("\ud800" <= character <= "\udfff" for character in asked_for):
        raise UsageError(f"{asked_for!r} is no id; name one: harvester get {where} oai:repository.example:123")
    if original and (every or seq or as_json):
        raise UsageError(
            "--original prints the bytes of one record and nothing else: leave out --all, --seq and --json"
        )
    if not _is_url(where) and Path(where).is_file() and Path(where).name not in (MANIFEST, DESCRIPTION):
        from harvester.inputs import is_part

        if not is_part(Path(where)):
            if formats or original:
                raise UsageError("a file of records says no format and keeps no bytes as sent: leave out the option")
            return _get_of_file(Path(where), asked_for, seq, as_json)
    with _files(where, contact, variable, verbose) as (files, requests):
        reader = open_reader(files)
        answer = reader.find(asked_for)
        found = answer.records if every else answer.latest().records
        records = _of_formats(found, formats, reader)
    for note in answer.notes:
        say(f"harvester: {note}", err=True)
    if not records:
        _say_nothing_found(asked_for, answer, formats, files)
        if formats and any(got.format for got in answer.records):
            return USAGE
    if original:
        return _print_original(records, reader) if records else FINDINGS
    if as_json:
        print_json(_described(where, asked_for, answer, records, requests))
    else:
        _print(records, seq)
    return DONE if records else FINDINGS


@contextmanager
def _files(where: str, contact: str, variable: str, verbose: bool) -> Iterator[tuple[Files, list["Exchange"]]]:
    """The files of a folder or below a URL, and the requests that are made for them."""
    if not _is_url(where):
        yield FolderFiles(_folder(Path(where))), []
        return
    from harvester.http import Credentials, RangeFiles, user_agent
    from harvester.sources import checked_url

    url = checked_url(where)
    host = urlsplit(url).netloc
    credentials = Credentials.bearer(variable, host) if variable else Credentials()
    for name in (MANIFEST, DESCRIPTION):
        url = url.removesuffix(f"/{name}")
    with closing(RangeFiles(url, user_agent([host], contact), credentials)) as files:
        try:
            yield files, files.asked
        finally:
            if verbose:
                _tell(files.asked)


def _is_url(where: str) -> bool:
    return where.lower().startswith(("http://", "https://"))


def _get_of_file(path: Path, asked_for: str, seq: bool, as_json: bool) -> int:
    """Print each record of a file that has this id: all of it is read, there is nothing to find it by."""
    from archive.crosswalks import index_doi, local_id, normalise_doi
    from harvester.inputs import iter_records

    doi, found = normalise_doi(asked_for), []
    for item in iter_records(path):
        names = {item.identifier, item.name, local_id(item.identifier) if item.identifier else ""}
        if item.metadata is not None and (asked_for in names or (doi and index_doi(item.metadata) == doi)):
            found.append((item.identifier, canonical.encode(item.metadata)))
    if as_json:
        records = [{"identifier": identifier or None, "record": reread(text)} for identifier, text in found]
        print_json({"where": str(path), "id": asked_for, "searched": "file", "records": records})
    else:
        for _, text in found:
            _write(jsonseq.encode(text) if seq else text + LF)
    if not found:
        say(f"harvester: no record of {cell(asked_for)} in {path}", err=True)
    return DONE if found else FINDINGS


def _folder(path: Path) -> Path:
    """Where the files are: also when one of them is named, or the bag that they are the payload of."""
    if path.name in (MANIFEST, DESCRIPTION) or path.is_file():
        path = path.parent
    return path / "data" if (path / "bagit.txt").exists() else path


def _of_formats(records: Sequence[Got], formats: Sequence[str], reader: Reader) -> list[Got]:
    """Records of some formats, of any when none is named."""
    if not formats or (not reader.enveloped and set(reader.formats) <= set(formats)):
        return list(records)
    if any(got.format is None for got in records):
        raise UsageError(
            f"bare records do not say their format, and this release has {', '.join(reader.formats)}: leave out "
            "--format, or make a release with --form envelope"
        )
    return [got for got in records if got.format in formats]


def _print(records: Sequence[Got], seq: bool) -> None:
    for got in records:
        _write(jsonseq.encode(got.text) if seq else got.text + LF)


def _print_original(records: Sequence[Got], reader: Reader) -> int:
    if len(records) > 1:
        names = ", ".join(f"{got.identifier or 'a record'} in {got.format or 'some format'}" for got in records)
        raise UsageError(f"{cell(names)}: --original prints one of them; name its identifier, and --format")
    try:
        sent = reader.sent(records[0])
    except ValueError as cause:
        raise UsageError(f"its bytes as they were sent are not here: {cause}; ask the archive for them") from cause
    if sent is None:
        say("harvester: nothing was sent of it but its header: it is deleted, or has no metadata", err=True)
        return FINDINGS
    _write(sent)
    return DONE


def _write(body: bytes) -> None:
    """Programs get every byte as it is; on a terminal none steers it."""
    if sys.stdout.isatty():
        say(body.decode("utf-8", "replace"), nl=False, keep="\n\t")
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(body)
    sys.stdout.buffer.flush()


def _say_nothing_found(asked_for: str, answer: Answer, formats: Sequence[str], files: Files) -> None:
    """What there is instead, on stderr."""
    there = sorted({got.format for got in answer.records if got.format})
    wanted = f" in {', '.join(formats)}" if formats else ""
    say(f"harvester: no record of {cell(asked_for)}{wanted} in {files.where}", err=True)
    if there:
        say(f"  it is there in {cell(', '.join(there))}", err=True)
    for identifier in answer.others:
        say(f"  another id with the same local id: {cell(identifier)}", err=True)
    if files.folder is not None and (files.folder / DESCRIPTION).exists() and not there:
        for sentence in _nearest(files.folder, asked_for):
            say(f"  {sentence}", err=True)
        say(f"  what became of it: harvester why {files.where} {cell(asked_for)}", err=True)


def _nearest(folder: Path, asked_for: str) -> list[str]:
    from archive.lookup import read_nearest
    from archive.store import Layout, snapshot
    from harvester.cli.why import range_told

    with snapshot(Layout(folder)) as ledger:
        return [range_told(near) for near in read_nearest(ledger, asked_for)]


def _tell(requests: Sequence["Exchange"]) -> None:
    for asked in requests:
        what = f"{cell(asked.url)} {asked.range_}" if asked.range_ else str(cell(asked.url))
        took = f"{counted(asked.bytes, 'byte')}, {asked.seconds * 1000:.1f} ms"
        say(f"GET {what}: {asked.status}, {took}", err=True)
    total = sum(asked.bytes for asked in requests)
    say(f"{counted(len(requests), 'request')}, {counted(total, 'byte')}", err=True)


def _described(
    where: str, asked_for: str, answer: Answer, records: Sequence[Got], requests: Sequence["Exchange"]
) -> dict[str, Any]:
    return {
        "where": where,
        "id": asked_for,
        "searched": answer.searched,
        "records": [
            {
                "identifier": got.identifier,
                "format": got.format,
                "deleted": got.deleted,
                "file": got.file,
                "offset": got.offset,
                "position": got.position,
                "record": reread(got.text),
            }
            for got in records
        ],
        "others": list(answer.others),
        "notes": list(answer.notes),
        "requests": [
            {"url": r.url, "range": r.range_, "status": r.status, "bytes": r.bytes, "seconds": round(r.seconds, 6)}
            for r in requests
        ],
    }
