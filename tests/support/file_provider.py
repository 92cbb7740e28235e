"""A repository of records with files, on 127.0.0.1, that misbehaves as it is told.

Its records can be had one by one, by a search of InvenioRDM, and over OAI-PMH in forms of which some name files.
"""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from aiohttp import web

from support.local_server import serving_application

PIECE = 1 << 16
_FILLER = bytes(range(256)) * (PIECE // 256 - 1) + bytes(248)
STAMP = "2024-01-01T00:00:00Z"
# metadata prefix: its namespace
PREFIXES = {
    "oai_dc": "http://www.openarchives.org/OAI/2.0/oai_dc/",
    "marcxml": "http://www.loc.gov/MARC21/slim",
    "oai_datacite": "http://datacite.org/schema/kernel-4",
}
# where a file is: in the records' JSON, and in their MARC
_FILE = re.compile(r"/(?:api/)?records/([^/]+)/files/(.+?)(?:/content)?")


@dataclass
class File:
    """One file of a record, and what is wrong with it.

    `made` bytes are computed as they are sent, without `content`. `cuts`: the next answers break off after so many
    bytes. `stall`: nothing comes from this byte on for as long as it is set. `stated`: what the record says of it, over
    what is right; a None takes the word out of the record.
    """

    content: bytes = b""
    made: int | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    stall: int | None = None
    stated: dict[str, Any] = field(default_factory=dict)
    etag: str | None = None
    ranges: bool = True
    chunked: bool = False
    location: str = ""

    @property
    def size(self) -> int:
        return len(self.content) if self.made is None else self.made

    def piece(self, start: int, length: int) -> bytes:
        return self.content[start : start + length] if self.made is None else made_bytes(start, length, self.made)

    def digest(self, name: str) -> str:
        if self.made is not None:
            return made_digest(name, self.made)
        return hashlib.new(name, self.content).hexdigest()


def made_bytes(start: int, length: int, size: int) -> bytes:
    """A part of a file that nobody keeps: each piece of it begins with its number, and no two are the same."""
    end = min(start + length, size)
    numbers = range(start // PIECE, -(-end // PIECE))
    return b"".join(n.to_bytes(8, "big") + _FILLER for n in numbers)[start % PIECE :][: max(0, end - start)]


@cache
def made_digest(name: str, size: int) -> str:
    found = hashlib.new(name)
    for start in range(0, size, PIECE):
        found.update(made_bytes(start, PIECE, size))
    return found.hexdigest()


@dataclass
class Filing:
    """Records by id, each with its files by key; what it was asked for is in `asked`."""

    records: dict[str, dict[str, File]] = field(default_factory=dict)
    lists: dict[str, int] = field(default_factory=dict)  # id -> status: the record has no entries, only a link to them
    sets: dict[str, list[str]] = field(default_factory=dict)  # id -> setSpecs, over OAI-PMH
    communities: bool = False  # the JSON of records names those behind sets called user-SLUG
    robots: str = ""
    spoil: Callable[[int, str], web.Response | None] = lambda number, path: None
    pause_seconds: float = 0.0
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    most_at_once: int = 0
    url: str = ""
    _now: int = 0

    @property
    def ids(self) -> str:
        return ",".join(self.records)

    @property
    def records_url(self) -> str:
        return f"{self.url}/api/records/{{id}}"

    @property
    def oai_url(self) -> str:
        return f"{self.url}/oai"

    @property
    def search_url(self) -> str:
        return f"{self.url}/api/records"

    def downloads(self) -> list[str]:
        """The paths of files that were asked for, in their order."""
        return [path for path in self.asked if _FILE.fullmatch(path)]

    def entries(self, id_: str) -> dict[str, Any]:
        return {key: self._entry(key, file) for key, file in self.records[id_].items()}

    def _entry(self, key: str, file: File) -> dict[str, Any]:
        right = {"key": key, "size": file.size, "mimetype": "application/octet-stream"}
        if "checksum" not in file.stated:
            right["checksum"] = f"md5:{file.digest('md5')}"
        return {name: value for name, value in {**right, **file.stated}.items() if value is not None}

    def record(self, id_: str) -> dict[str, Any]:
        own = f"{self.url}/api/records/{id_}"
        files: dict[str, Any] = {"enabled": bool(self.records[id_])}
        if id_ not in self.lists:
            files |= {"count": len(self.records[id_]), "entries": self.entries(id_)}
        slugs = [spec.removeprefix("user-") for spec in self.sets.get(id_, ())] if self.communities else []
        parent = {"communities": {"entries": [{"id": "0f7b", "slug": slug} for slug in slugs]}}
        return {
            "id": id_,
            "updated": "2024-01-01T00:00:00+00:00",
            "metadata": {"title": id_},
            "files": files,
            "parent": parent,
            "links": {"self": own, "files": f"{own}/files"},
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        self.asked.append(path)
        self.headers.append(dict(request.headers))
        if (spoilt := self.spoil(len(self.asked), path)) is not None:
            return spoilt
        if path == "/robots.txt":
            return web.Response(text=self.robots) if self.robots else web.Response(status=404)
        if path == "/oai":
            return web.Response(body=self._oai(request.query).encode(), content_type="text/xml")
        if path == "/api/records":
            return self._search(int(request.query.get("page", 1)), int(request.query.get("size", 25)))
        if (found := _FILE.fullmatch(path)) is not None:
            file = self.records.get(found[1], {}).get(found[2])
            return web.Response(status=404) if file is None else await self._file(request, file)
        if (found := re.fullmatch(r"/api/records/([^/]+)/files", path)) is not None:
            status = self.lists.get(found[1], 200)
            entries = list(self.entries(found[1]).values())
            return web.json_response({"enabled": True, "entries": entries} if status == 200 else {}, status=status)
        id_ = path.rpartition("/")[2]
        return web.json_response(self.record(id_)) if id_ in self.records else web.Response(status=404)

    # --- lists of records

    def _search(self, page: int, size: int) -> web.Response:
        """A page of hits, whose files have no entries, as InvenioRDM's have not; all of one time."""
        hits = [self.record(id_) for id_ in sorted(self.records)[(page - 1) * size : page * size]]
        for hit in hits:
            hit["files"].pop("entries", None)
        return web.json_response({"hits": {"hits": hits, "total": len(self.records)}, "links": {}})

    def _oai(self, words: Mapping[str, str]) -> str:
        """One answer: every list is a single page."""
        verb, prefix = words.get("verb", ""), words.get("metadataPrefix", "oai_dc")
        if verb == "Identify":
            body = (
                f"<repositoryName>Files</repositoryName><baseURL>{self.oai_url}</baseURL><protocolVersion>2.0"
                f"</protocolVersion><adminEmail>a@x.example</adminEmail><earliestDatestamp>{STAMP}</earliestDatestamp>"
                "<deletedRecord>persistent</deletedRecord><granularity>YYYY-MM-DDThh:mm:ssZ</granularity>"
            )
        elif verb == "ListMetadataFormats":
            body = "".join(
                f"<metadataFormat><metadataPrefix>{name}</metadataPrefix><schema>{namespace}</schema>"
                f"<metadataNamespace>{namespace}</metadataNamespace></metadataFormat>"
                for name, namespace in PREFIXES.items()
            )
        elif verb == "ListSets":
            specs = sorted({spec for specs in self.sets.values() for spec in specs})
            body = "".join(f"<set><setSpec>{spec}</setSpec><setName>{spec}</setName></set>" for spec in specs)
        else:
            wanted = words.get("set")
            ids = [id_ for id_ in self.records if wanted is None or wanted in self.sets.get(id_, ())]
            in_time = words.get("from", "") <= STAMP[:10] and words.get("until", "9") >= STAMP[:10]
            body = "".join(self._listed(id_, prefix, verb) for id_ in ids if in_time)
        held = f"<{verb}>{body}</{verb}>" if body else '<error code="noRecordsMatch">none</error>'
        return (
            '<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>'
            f'2025-01-01T00:00:00Z</responseDate><request verb="{verb}">{self.oai_url}</request>{held}</OAI-PMH>'
        )

    def _listed(self, id_: str, prefix: str, verb: str) -> str:
        specs = "".join(f"<setSpec>{spec}</setSpec>" for spec in self.sets.get(id_, ()))
        header = f"<header><identifier>oai:x:{id_}</identifier><datestamp>{STAMP}</datestamp>{specs}</header>"
        if verb == "ListIdentifiers":
            return header
        return f"<record>{header}<metadata>{self._metadata(id_, prefix)}</metadata></record>"

    def _metadata(self, id_: str, prefix: str) -> str:
        namespace = PREFIXES[prefix]
        if prefix == "oai_dc":
            return (
                f'<d:dc xmlns:d="{namespace}" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{id_}</dc:title>'
                f"<dc:identifier>{self.url}/records/{id_}</dc:identifier></d:dc>"
            )
        if prefix == "oai_datacite":
            return (
                f'<resource xmlns="{namespace}"><identifier identifierType="DOI">10.5072/{id_}</identifier>'
                f"<titles><title>{id_}</title></titles></resource>"
            )
        return f'<record xmlns="{namespace}"><leader>00000nam a2200000uu 4500</leader>{self._marc(id_)}</record>'

    def _marc(self, id_: str) -> str:
        """Each file in an 856, as InvenioRDM writes it."""
        fields = []
        for key, file in self.records[id_].items():
            entry = self._entry(key, file)
            parts = {"s": entry.get("size"), "u": f"{self.url}/records/{id_}/files/{key}", "z": entry.get("checksum")}
            subfields = [
                f'<subfield code="{code}">{escape(str(value))}</subfield>'
                for code, value in parts.items()
                if value is not None
            ]
            fields.append(f'<datafield tag="856" ind1="4" ind2=" ">{"".join(subfields)}</datafield>')
        return "".join(fields)

    # --- one file

    async def _file(self, request: web.Request, file: File) -> web.StreamResponse:
        if file.location:
            return web.Response(status=302, headers={"Location": file.location})
        if file.status != 200:
            return web.Response(status=file.status, headers=file.headers, text="not here")
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            return await self._send(request, file)
        finally:
            self._now -= 1

    async def _send(self, request: web.Request, file: File) -> web.StreamResponse:
        start, status, headers = 0, 200, {"Content-Type": "application/octet-stream", **file.headers}
        if file.etag is not None:
            headers["ETag"] = file.etag
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if asked and file.ranges and request.headers.get("If-Range", file.etag) == file.etag:
            start, status = int(asked[1]), 206
            if start >= file.size:
                return web.Response(status=416, headers={"Content-Range": f"bytes */{file.size}"})
            headers["Content-Range"] = f"bytes {start}-{file.size - 1}/{file.size}"
        response = web.StreamResponse(status=status, headers=headers)
        if file.chunked:
            response.enable_chunked_encoding()
        else:
            response.content_length = file.size - start
        await response.prepare(request)
        left = file.cuts.pop(0) if file.cuts else file.size
        end = min(file.size, start + left)
        while start < end:
            while file.stall is not None and start >= file.stall:
                if request.transport is None or request.transport.is_closing():
                    return response
                await asyncio.sleep(0.01)
            piece = file.piece(start, min(PIECE, end - start))
            await response.write(piece)
            self.sent[request.path] += len(piece)
            start += len(piece)
            if self.pause_seconds:
                await asyncio.sleep(self.pause_seconds)
        if end < file.size and request.transport is not None:
            request.transport.abort()
        return response


@contextmanager
def serving(filing: Filing) -> Iterator[Filing]:
    """Serve on a free port, in a thread of its own, until the block ends."""
    app = web.Application()
    app.router.add_get("/{tail:.*}", filing.handle)
    with serving_application(app) as filing.url:
        yield filing
