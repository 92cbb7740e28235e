"""Searches and dumps for tests: as InvenioRDM, DataCite, Zenodo and others do it, and wrong where a switch says so."""

import base64
import csv
import gzip
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from support.local_server import serving_application

DAY = datetime(2024, 1, 1, tzinfo=UTC)
_BOUNDS = re.compile(r"updated:\[(\S+) TO (\S+)([\]}])")
COLUMNS = [
    "record_id",
    "doi",
    "parent_id",
    "parent_doi",
    "removal_note",
    "removal_reason",
    "removal_date",
    "citation_text",
]


def record(number: int, updated: datetime, *, title: str = "") -> dict[str, Any]:
    """A record in InvenioRDM's own shape."""
    stamp = updated.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
    return {
        "id": str(number),
        "created": stamp,
        "updated": stamp,
        "revision_id": 1,
        "metadata": {"title": title or f"Title \u00e9 {number}", "creators": []},
    }


def records(count: int, step: timedelta = timedelta(hours=1), first: int = 1000) -> list[dict[str, Any]]:
    """Records that were updated one after the other."""
    return [record(first + n, DAY + n * step) for n in range(count)]


@dataclass
class Bulk:
    """What a server has, how it misbehaves, and what it was asked for."""

    records: list[dict[str, Any]] = field(default_factory=list)
    # search
    window: int = 10_000
    size_most: int = 100
    size_refused: bool = False
    ignores_bounds: bool = False
    takes: str = "quoted escaped"
    next_link: str = "right"
    total_drifts: int = 0
    total_lies: int = 0
    cursor_forgets: bool = False
    spoil: Callable[[int, str], web.Response | None] = lambda number, url: None
    shape: Callable[[bytes], bytes] = lambda body: body
    # dumps: key -> (version, content); whatever else is in `listing` wins over what is right
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    made: str = "2024-06-01T06:25:32.054451+00:00"
    listing: dict[str, dict[str, Any]] = field(default_factory=dict)
    break_after: list[int] = field(default_factory=list)
    ranges: bool = True
    # what came
    asked: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    # --- searches

    def invenio(self, request: web.Request) -> web.Response:
        words = request.query
        size, page = int(words.get("size", 25)), int(words.get("page", 1))
        if size > self.size_most:
            if self.size_refused:
                error = {"field": "size", "messages": ["Page size cannot be greater than 25."]}
                return web.json_response({"status": 400, "errors": [error]}, status=400)
            size = self.size_most
        if (page - 1) * size >= self.window:
            return web.json_response({"status": 400, "message": "Invalid querystring parameters."}, status=400)
        found = self._found(words.get("q", ""))
        hits = found[(page - 1) * size : min(page * size, self.window)]
        answer: dict[str, Any] = {"hits": {"hits": hits, "total": self._total(found)}, "links": {}}
        if page * size < min(len(found), self.window) and self.next_link != "missing":
            other = "http://127.0.0.1:9/elsewhere" if self.next_link == "elsewhere" else str(request.url.origin())
            answer["links"]["next"] = f"{other}/api/records?page={page + 1}&size={size}"
        return self._sent(answer, "application/json")

    def single(self, identifier: str) -> web.Response:
        """One record by its id."""
        found = next((one for one in self.records if one["id"] == identifier), None)
        if found is None:
            return web.json_response(
                {"status": 404, "message": "The persistent identifier does not exist."}, status=404
            )
        return self._sent(found, "application/json")

    def datacite(self, request: web.Request) -> web.Response:
        words = request.query
        size = min(int(words.get("page[size]", 25)), 1000)
        found = self._found(words.get("query", ""))
        start = self._place(words["page[cursor]"], found)
        part = found[start : start + size]
        data = [{"id": f"10.5072/{one['id']}", "type": "dois", "attributes": one} for one in part]
        answer: dict[str, Any] = {"data": data, "meta": {"total": self._total(found)}, "links": {}}
        if len(part) == size:
            last = f"{part[-1]['updated']},{part[-1]['id']}"
            cursor = base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")
            answer["links"]["next"] = f"http://elsewhere.example/dois?page[cursor]={cursor}&page[size]={size}"
        return self._sent(answer, "application/vnd.api+json")

    def _place(self, cursor: str, found: Sequence[dict[str, Any]]) -> int:
        """After the cursor; one that cannot be decoded is taken as empty, without an error."""
        if cursor == "1" or self.cursor_forgets:
            return 0
        stamp, _, number = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(",")
        return next((n for n, one in enumerate(found) if (one["updated"], one["id"]) > (stamp, number)), len(found))

    def figshare(self, request: web.Request) -> web.Response:
        words = request.query
        size, page = int(words["page_size"]), int(words["page"])
        if page * size > self.window:
            return web.json_response({"message": "offset too large", "code": "BadRequest"}, status=400)
        since = words.get("published_since", "")
        found = [one for one in self._sorted() if one["updated"][:10] >= since]
        part = found[(page - 1) * size : page * size]
        return self._sent(
            [{"id": int(one["id"]), "published_date": one["updated"]} for one in part], "application/json"
        )

    def dspace(self, request: web.Request) -> web.Response:
        size, page = int(request.query["size"]), int(request.query["page"])
        found = self._sorted()
        objects = [
            {"hitHighlights": {}, "_embedded": {"indexableObject": {"uuid": one["id"], "lastModified": one["updated"]}}}
            for one in found[page * size : (page + 1) * size]
        ]
        result = {"_embedded": {"objects": objects}, "page": {"number": page, "totalElements": len(found)}}
        return self._sent({"_embedded": {"searchResult": result}}, "application/hal+json")

    def dataverse(self, request: web.Request) -> web.Response:
        start, size = int(request.query["start"]), min(int(request.query["per_page"]), 1000)
        found = self._sorted()
        items = [{"global_id": f"doi:10.5072/{one['id']}", "updatedAt": one["updated"]} for one in found]
        data = {"total_count": len(found), "start": start, "items": items[start : start + size]}
        return self._sent({"status": "OK", "data": data}, "application/json")

    def _sorted(self) -> list[dict[str, Any]]:
        return sorted(self.records, key=lambda one: (one["updated"], one["id"]))

    def _found(self, query: str) -> list[dict[str, Any]]:
        bounds = _BOUNDS.search(query)
        found = self._sorted()
        if bounds is None or self.ignores_bounds:
            return found
        low, high = map(self._moment, bounds.groups()[:2])
        moments = [(datetime.fromisoformat(one["updated"]), one) for one in found]
        return [one for moment, one in moments if (low is None or moment >= low) and (high is None or moment < high)]

    def _moment(self, text: str) -> datetime | None:
        """A bound of a range, in quotation marks or with its colons escaped."""
        if text == "*":
            return None
        if ("quoted" if text.startswith('"') else "escaped") not in self.takes:
            raise web.HTTPInternalServerError(text="failed to parse date field")
        return datetime.fromisoformat(text.strip('"').replace("\\:", ":"))

    def _total(self, found: Sequence[Any]) -> int:
        if self.total_drifts and len(found) > 1:
            self.total_drifts -= 1
            return len(found) + self.total_drifts % 2
        return len(found) + self.total_lies

    def _sent(self, answer: Any, media_type: str) -> web.Response:
        body = json.dumps(answer, ensure_ascii=False).encode()
        return web.Response(body=self.shape(body), content_type=media_type)

    # --- dumps

    def exporter(self, request: web.Request) -> web.Response:
        listing = {}
        for key, (version, content) in self.files.items():
            entry = {
                "version_id": version,
                "created": self.made,
                "is_head": True,
                "size": len(content),
                "checksum": f"md5:{hashlib.md5(content).hexdigest()}",
                "links": {"self": f"{self.url}/api/exporter/{key}/{version}"},
            }
            listing[key] = [entry | self.listing.get(key, {})]
        return web.json_response(listing)

    async def download(self, request: web.Request) -> web.StreamResponse:
        key, _, version = request.match_info["name"].rpartition("/")
        if self.files.get(key, ("", b""))[0] != version:
            return web.json_response({"status": 404, "message": "no such version"}, status=404)
        content, start, status = self.files[key][1], 0, 200
        headers = {"Content-Type": "application/gzip"}
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if asked and self.ranges:
            start, status = int(asked[1]), 206
            if start >= len(content):
                return web.Response(status=416, headers={"Content-Range": f"bytes */{len(content)}"})
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        headers["Content-Length"] = str(len(content) - start)
        response = web.StreamResponse(status=status, headers=headers)
        await response.prepare(request)
        left = self.break_after.pop(0) if self.break_after else None
        await response.write(content[start:] if left is None else content[start : start + left])
        if left is not None and request.transport is not None:
            request.transport.abort()
        return response

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        self.headers.append(dict(request.headers))
        if (spoilt := self.spoil(len(self.asked), request.path_qs)) is not None:
            return spoilt
        path = request.path
        if path.startswith("/api/records/"):
            return self.single(path.rpartition("/")[2])
        for begins, answer in (
            ("/api/records", self.invenio),
            ("/dois", self.datacite),
            ("/v2/articles", self.figshare),
            ("/server/api/discover", self.dspace),
            ("/api/search", self.dataverse),
        ):
            if path.startswith(begins):
                return answer(request)
        if path == "/api/exporter":
            return self.exporter(request)
        if path.startswith("/api/exporter/"):
            return await self.download(request)
        return web.Response(status=404, text="nothing here")


@contextmanager
def serving(bulk: Bulk) -> Iterator[Bulk]:
    """Serve on a free port, in a thread of its own, until the block ends."""
    app = web.Application()
    app.router.add_get("/api/exporter/{name:.+}", bulk.handle)
    app.router.add_get("/{tail:.*}", bulk.handle)
    with serving_application(app) as bulk.url:
        yield bulk


# --- files of a dump


def packed_tar(members: Sequence[tuple[str, bytes]], directories: Sequence[str] = ()) -> bytes:
    """A .tar.gz of these members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name in directories:
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE
            tar.addfile(info)
        for name, body in members:
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return gzip.compress(buffer.getvalue(), 1, mtime=0)


def json_dump(found: Sequence[dict[str, Any]]) -> bytes:
    return packed_tar([(f"{one['id']}.json", json.dumps(one, ensure_ascii=False).encode()) for one in found])


def deletions(rows: Sequence[dict[str, str]]) -> bytes:
    """A .csv.gz of deleted records."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return gzip.compress(text.getvalue().encode(), mtime=0)
