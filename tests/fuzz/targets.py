"""What reads bytes of strangers, each as a function of bytes that raises nothing but what its reader promises to."""

import io
import json
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import orjson

from archive.audits.idfiles import iter_ids
from archive.audits.sketch import read_sketch
from archive.bags import tagfiles
from archive.bags.codes import BagFindings
from archive.bags.files import read_path
from archive.disk.checkpoints import read_lines
from archive.errors import ArchiveError
from archive.files.lists import NotAList
from archive.files.metadata import parse_file_list
from archive.formats import jsonseq
from archive.integrity.fixity_log import parse_history
from archive.releases import codecs
from archive.releases import manifest as release
from archive.store import envelope, frames, seektable
from archive.store.envelope import parsed_original
from archive.store.frames import Broken
from archive.store.layout import parse_description
from archive.store.lookup_file import check_lookup
from harvester.cli.statements import cut
from harvester.crawl.arguments import files as filearguments
from harvester.errors import HarvestError, UsageError
from harvester.http import mediatypes, robots
from harvester.http.encoding import NotPacked, inflated
from harvester.http.redirects import IdUrls
from harvester.oaipmh import datestamps, hints, protocol
from harvester.oaipmh.decode import decode_get_record, decode_list_identifiers, decode_list_records
from harvester.oaipmh.slicing import slice_records
from harvester.ratelimit import headers as budgets
from harvester.ratelimit import limiter
from harvester.rest import answers, hits
from harvester.rest.answers import Received, Unusable
from harvester.rest.idranges import IdRanges
from harvester.rest.tar import gunzip, iter_members
from harvester.serving import http
from harvester.serving.tokens import read_token
from harvester.sources.model import Source

Target = Callable[[bytes], None]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TARGETS: dict[str, Target] = {}
URLS = IdUrls("https://x.example/api/{id}", "[0-9]+", frozenset({"x.example"}))


def target(function: Target) -> Target:
    TARGETS[function.__name__] = function
    return function


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


@target
def oai_page(data: bytes) -> None:
    for decode in (
        lambda: decode_list_records(data, "u", "f", "t"),
        lambda: decode_get_record(data, "u", "f", "t"),
        lambda: decode_list_identifiers(data),
        lambda: protocol.parse_identify(data),
        lambda: protocol.parse_list_metadata_formats(data),
        lambda: protocol.parse_list_sets(data),
    ):
        with suppress(HarvestError):
            decode()
    protocol.peek_token(data)
    hints.scan_headers(data)
    slice_records(data, None)


@target
def body(data: bytes) -> None:
    """One answer to a request by id, in every form."""
    for accept in ("application/json", "application/xml", "text/x-bibliography"):
        for status in (200, 410):
            received = Received("1", "u", status, accept, "", "", data)
            _, text = answers.settle(received, "x", accept, "2026-01-01T00:00:00Z")
            if text is not None:
                record = envelope.decode(text)
                assert envelope.sent_bytes(text) == data
                parsed_original(record)
    with suppress(NotAList):
        parse_file_list(data, "https://x.example/files")
    with suppress(HarvestError):
        page = hits.parse_page(data)
        hits.cut_hits(data, page, ("hits", "hits"))


@target
def packed(data: bytes) -> None:
    for wbits in (31, 15, -15):
        with suppress(NotPacked):
            inflated(data, wbits, 1 << 20)
    for encoding in ("gzip", "deflate", _text(data[:10])):
        with suppress(Unusable):
            answers.unpacked(data, encoding, 1 << 20)
    with suppress(HarvestError):
        for _ in gunzip([data]):
            pass


@target
def tar(data: bytes) -> None:
    with suppress(HarvestError):
        for _ in iter_members([data[n : n + 700] for n in range(0, len(data), 700)], 4096):
            pass


@target
def headers(data: bytes) -> None:
    text = _text(data)
    for name in (
        "ratelimit",
        "ratelimit-policy",
        "x-ratelimit-limit",
        "x-ratelimit-reset",
        "ratelimit-reset",
        "retry-after",
    ):
        budgets.parse_limits({name: text, "x-ratelimit-remaining": "1", "ratelimit-limit": text}, NOW)
    budgets.parse_reset(text, NOW)
    budgets.parse_said(data)
    seconds = limiter.parse_retry_after(text, NOW)
    assert seconds is None or seconds >= 0
    mediatypes.essence(text)
    mediatypes.parameters(text)
    mediatypes.short_name(text)
    http.accepted_form(text)
    http.takes_gzip(text)
    found = URLS.redirect("1", "https://x.example/api/1", text, 0)
    assert found.kind != "follow" or found.target.startswith("https://x.example/")


@target
def robots_txt(data: bytes) -> None:
    file = robots.parse_robots("x.example", robots.Said(200, "text/plain", data))
    robots.closing_line(file.text, "https://x.example/oai")


@target
def words(data: bytes) -> None:
    """What a person types: ranges of ids, filters of files, datestamps, SQL."""
    text = _text(data)
    with suppress(HarvestError):
        ranges = IdRanges.parse(text)
        ranges.chunk_after(None, 10)
    with suppress(UsageError):
        filearguments.parse_filter(text)
    datestamps.parse(text)
    cut(text)


@target
def source_file(data: bytes) -> None:
    with suppress(HarvestError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        Source.checked(tomllib.loads(data.decode()), "x")


@target
def sequence(data: bytes) -> None:
    for item in jsonseq.parse([data]):
        if isinstance(item, jsonseq.Text):
            orjson.loads(item.text)
    with suppress(ValueError, KeyError, TypeError):
        envelope.decode(data)


@target
def seek_table(data: bytes) -> None:
    for read in (seektable.decode, seektable.decode_digest, seektable.table_bytes):
        with suppress(ValueError):
            read(data)


@target
def frame(data: bytes) -> None:
    with suppress(Broken):
        raw = frames.read_frame_bytes(io.BytesIO(data), len(data))
        if len(raw) < 1 << 16:
            frames.unpack(raw)
    for compression in ("xz", "gzip"):
        with suppress(Broken):
            codecs.unpack(compression, data)


@target
def manifest(data: bytes) -> None:
    """A release's manifest and an archive's description, their digests put right: who forges one does that."""
    for text in (data, _sealed(data)):
        with suppress(ArchiveError):
            release.parse_manifest(text, "x")
        with suppress(ArchiveError):
            parse_description(text, "x")


def _sealed(data: bytes) -> bytes:
    try:
        described = orjson.loads(data)
    except ValueError:
        return data
    if not isinstance(described, dict):
        return data
    described = {"format": release.FORMAT, "format_version": 1, **described}
    described.pop("sha256", None)
    described["sha256"] = release._digest(described)
    return (json.dumps(described, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "replace")


@target
def bag(data: bytes) -> None:
    findings = BagFindings()
    declared = tagfiles.parse_declaration(data[:200], findings)

    def lines() -> Iterator[tuple[int, str]]:
        return tagfiles.iter_lines(io.BytesIO(data), "x", declared, findings)

    for line in tagfiles.parse_manifest(lines(), "x", 64, findings):
        path = read_path(line.path, percent=True)
        assert path is None or not path.name.startswith("/")
        assert path is None or ".." not in path.name.replace("\\", "/").split("/")
    list(tagfiles.parse_fetch(lines(), "x", findings))
    tagfiles.parse_info(lines(), "x", declared, findings)


@target
def fixity_log(data: bytes) -> None:
    """Lines as they are, and with their checksums put right."""
    from hashlib import sha256

    sealed = b"".join(line + b"\t" + sha256(line).hexdigest()[:16].encode() + b"\n" for line in data.split(b"\n"))
    for text in (data, sealed):
        read_lines(text)
        parse_history(text)


@target
def token(data: bytes) -> None:
    with suppress(HarvestError):
        read_token(b"key", "ListRecords", _text(data))


@target
def files(data: bytes) -> None:
    """Files of ids, lookups and sketches."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.txt", "a.csv", "a.tsv", "a.jsonl"):
            path = Path(folder) / name
            path.write_bytes(data)
            with suppress(ArchiveError):
                list(iter_ids(path))
        with suppress(ArchiveError):
            check_lookup(path)
        with suppress(ArchiveError):
            read_sketch(path)
