"""A repository of records with files, on 127.0.0.1, that misbehaves as it is told."""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from serving import serving_application

PIECE = 1 << 16


@dataclass
class File:
    """One file of a record, and what is wrong with it.

    `made` bytes are computed as they are sent, without `content`. `cuts`: the next answers break off after so many
    bytes. `stated`: what the record says of it, over what is right; a None takes the word out of the record.
    """

    content: bytes = b""
    made: int | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    stated: dict[str, Any] = field(default_factory=dict)
    etag: str | None = None
    ranges: bool = True
    chunked: bool = False
    location: str = ""

    @property
    def size(self) -> int:
        return len(self.content) if self.made is None else self.made

    def piece(self, start: int, length: int) -> bytes:
        if self.made is None:
            return self.content[start : start + length]
        return b"".join(n.to_bytes(8, "big") for n in range(start >> 3, (start + length + 7 >> 3) + 1))[
            start & 7 : (start & 7) + min(length, self.made - start)
        ]

    def digest(self, name: str) -> str:
        found = hashlib.new(name)
        for start in range(0, self.size, PIECE):
            found.update(self.piece(start, PIECE))
        return found.hexdigest()


@dataclass
class Filing:
    """Records by id, each with its files by key. `hold(path)` may keep an answer from coming to its end."""

    records: dict[str, dict[str, File]] = field(default_factory=dict)
    lists: dict[str, int] = field(default_factory=dict)  # id -> status: the record has no entries, only a link to them
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

    def downloads(self) -> list[str]:
        """The paths of files that were asked for, in their order."""
        return [path for path in self.asked if path.endswith("/content")]

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
        return {"id": id_, "updated": "2024-01-01T00:00:00+00:00", "metadata": {"title": id_}, "files": files,
                "links": {"self": own, "files": f"{own}/files"}}  # fmt: skip

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        self.asked.append(path)
        self.headers.append(dict(request.headers))
        if (spoilt := self.spoil(len(self.asked), path)) is not None:
            return spoilt
        if path == "/robots.txt":
            return web.Response(text=self.robots) if self.robots else web.Response(status=404)
        if (found := re.fullmatch(r"/api/records/([^/]+)/files/(.+)/content", path)) is not None:
            file = self.records.get(found[1], {}).get(found[2])
            return web.Response(status=404) if file is None else await self._file(request, file)
        if (found := re.fullmatch(r"/api/records/([^/]+)/files", path)) is not None:
            status = self.lists.get(found[1], 200)
            entries = list(self.entries(found[1]).values())
            return web.json_response({"enabled": True, "entries": entries} if status == 200 else {}, status=status)
        id_ = path.rpartition("/")[2]
        return web.json_response(self.record(id_)) if id_ in self.records else web.Response(status=404)

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
