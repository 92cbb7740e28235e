"""The repositories that the archives in tests/archives were harvested from, and how.

An archive is bound to the hosts it was harvested from, with their ports. So each repository has an address of its own
within 127.0.0.0/8, where it is served again when an archive is resumed; nothing in the archive is changed for that.
"""

import contextlib
import errno
import hashlib
import json
import re
import shutil
import socket
import subprocess
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from support import bulk_provider
from support.file_provider import File, Filing
from support.harvest_runs import HARVESTER, environment
from support.local_server import serving_application

FOLDER = Path(__file__).parents[1] / "archives"
EXPECTED = FOLDER / "expected.json"
# below the ports that a system hands out, and below those that other tests take
PORT = 18_014
OAIPMH, IDRANGE, EXPORTER, FILES = (f"127.0.14.{n}" for n in range(1, 5))
RELEASED = ("--published", "2026-01-01", "--licence", "CC0-1.0")
COUNTS = """
    SELECT count(*) AS records, count(*) FILTER (WHERE deleted) AS deleted, (SELECT count(*) FROM versions) AS versions
    FROM records
"""
# relative, so that no archive names a folder of the machine it was made on
SOURCE = "idrange.toml"


@dataclass
class Repository:
    """A repository that may break off: from the n-th request that `counts` it answers as `broken` says."""

    counts: str
    broken: Callable[[], web.Response]
    after: int | None = None
    asked: list[str] = field(default_factory=list)
    # bytes of each file
    sent: Counter[str] = field(default_factory=Counter)

    def spoil(self, number: int, path: str) -> web.Response | None:
        self.asked.append(path)
        counted = sum(re.search(self.counts, one) is not None for one in self.asked)
        stops = self.after is not None and counted > self.after and re.search(self.counts, path)
        return self.broken() if stops else None


def tomorrow() -> web.Response:
    """End a run in order, unfinished."""
    return web.Response(status=429, headers={"Retry-After": "86400"})


def soon() -> web.Response:
    """Make a run wait until it is killed."""
    return web.Response(status=429, headers={"Retry-After": "60"})


# --- OAI-PMH


STAMP = "2025-01-{:02d}T00:00:00Z"


@dataclass
class Listing:
    """Records over OAI-PMH, five a page; one of them cannot be read, some are deleted."""

    second: bool
    repository: Repository

    def __post_init__(self) -> None:
        # number: (day, whether it is deleted, title)
        self.records = {n: (1 + n % 9, n % 10 == 0, f"Title \u00e9 {n}") for n in range(1, 41)}
        if self.second:
            self.records |= {n: (20, n == 3, f"Title \u00e9 {n}, again") for n in (2, 3, 4, 41, 42)}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if (spoilt := self.repository.spoil(0, request.path_qs)) is not None:
            return spoilt
        if request.path != "/oai":
            return web.Response(status=404)
        return web.Response(text=self._answer(dict(request.query)), content_type="text/xml")

    def _answer(self, words: dict[str, str]) -> str:
        verb = words.get("verb", "")
        bodies = {"Identify": self._identify, "ListMetadataFormats": _formats, "ListSets": _sets}
        if verb in bodies:
            body = bodies[verb]()
        elif verb == "GetRecord":
            body = self._record(int(words["identifier"].rpartition(":")[2]))
        else:
            body = self._list(verb, words)
        held = f"<{verb}>{body}</{verb}>" if body else '<error code="noRecordsMatch">none</error>'
        day = 28 if self.second else 10
        return (
            '<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>'
            f"{STAMP.format(day)}</responseDate><request>http://{OAIPMH}:{PORT}/oai</request>{held}</OAI-PMH>"
        )

    def _identify(self) -> str:
        return (
            f"<repositoryName>Kept</repositoryName><baseURL>http://{OAIPMH}:{PORT}/oai</baseURL><protocolVersion>2.0"
            f"</protocolVersion><adminEmail>a@x.example</adminEmail><earliestDatestamp>{STAMP.format(1)}"
            "</earliestDatestamp><deletedRecord>persistent</deletedRecord>"
            "<granularity>YYYY-MM-DDThh:mm:ssZ</granularity>"
        )

    def _list(self, verb: str, words: dict[str, str]) -> str:
        """A page; a token is the bounds of its list and where it goes on."""
        token = words.get("resumptionToken", f"{words.get('from', '')}/{words.get('until', '')}/0")
        from_, until, start = token.split("/")
        found = sorted(
            (day, n)
            for n, (day, _, _) in self.records.items()
            if from_ <= STAMP.format(day) <= (until or "9")
        )  # fmt: skip
        if not found:
            return ""
        end = int(start) + 5
        show = self._header if verb == "ListIdentifiers" else self._record
        following = f"{from_}/{until}/{end}" if end < len(found) else ""
        return "".join(show(n) for _, n in found[int(start) : end]) + (
            f'<resumptionToken completeListSize="{len(found)}" cursor="{start}">{following}</resumptionToken>'
        )

    def _header(self, number: int) -> str:
        day, deleted, _ = self.records[number]
        status = ' status="deleted"' if deleted else ""
        return (
            f"<header{status}><identifier>oai:kept.example:{number}</identifier><datestamp>{STAMP.format(day)}"
            f"</datestamp><setSpec>{'odd' if number % 2 else 'even'}</setSpec></header>"
        )

    def _record(self, number: int) -> str:
        _, deleted, title = self.records[number]
        if deleted:
            return f"<record>{self._header(number)}</record>"
        return (
            f"<record>{self._header(number)}<metadata><oai_dc:dc "
            'xmlns:oai_dc="http://www.openarchives.org/OAI/2.0/oai_dc/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<dc:title>{title}{chr(1) if number == 17 else ''}</dc:title><dc:date>{2000 + number % 20}</dc:date>"
            "</oai_dc:dc></metadata></record>"
        )


def _formats() -> str:
    space = "http://www.openarchives.org/OAI/2.0/oai_dc/"
    return (
        f"<metadataFormat><metadataPrefix>oai_dc</metadataPrefix><schema>{space}</schema><metadataNamespace>{space}"
        "</metadataNamespace></metadataFormat>"
    )


def _sets() -> str:
    return "".join(f"<set><setSpec>{name}</setSpec><setName>{name}</setName></set>" for name in ("even", "odd"))


# --- records by id


@dataclass
class ById:
    """Records by id, with ETags: of 1 to 50 some are absent, deleted, forbidden, moved, and one is no JSON."""

    second: bool
    repository: Repository

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if (spoilt := self.repository.spoil(0, request.path_qs)) is not None:
            return spoilt
        if (found := re.fullmatch(r"/api/records/(\d+)", request.path)) is None:
            return web.json_response({"status": 404, "message": "not found"}, status=404)
        return self._record(int(found[1]), request.headers.get("If-None-Match", ""))

    def _record(self, number: int, held: str) -> web.Response:
        if number > 50 or number % 13 == 0:
            message = "The persistent identifier does not exist."
            return web.json_response({"status": 404, "message": message}, status=404)
        if number % 11 == 0 or (self.second and number == 5):
            stone = {"removal_reason": {"id": "retracted"}, "removal_date": STAMP.format(5)}
            return web.json_response({"status": 410, "message": "gone", "tombstone": stone}, status=410)
        if number == 7:
            return web.json_response({"status": 403, "message": "Permission denied."}, status=403)
        if number == 8:
            return web.Response(status=301, headers={"Location": f"http://{IDRANGE}:{PORT}/api/records/9"})
        if number == 10:
            return web.Response(body=b'{"id": "10", "metadata": {', content_type="application/json")
        again = ", again" if self.second and number in (1, 2, 3) else ""
        etag = f'"{number}{again}"'
        if held == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.json_response(
            bulk_provider.record(number, bulk_provider.DAY, title=f"Title {number}{again}"), headers={"ETag": etag}
        )


# --- a dump, and the files of its records


GONE = [
    {"record_id": f"{n}", "doi": f"10.5072/kept.{n}", "removal_reason": "spam", "removal_date": STAMP.format(3)}
    for n in range(9001, 9006)
]  # fmt: skip


def files(repository: Repository) -> Filing:
    """Five records with files, one content in two of them; a file that is not there, and one that is large.

    Where the repository breaks off, so does its first answer for the large one.
    """
    cuts = [80_000] if repository.after is not None else []
    return Filing({
        "1": {"a.csv": File(b"a,b\n1,2\n"), "d/\u00e4 b.txt": File(b"hello")}, "2": {"same.txt": File(b"hello")},
        "3": {"big.bin": File(made=200_000, etag='"1"', cuts=cuts)}, "4": {"gone.pdf": File(b"gone", status=404)},
        "5": {"wrong.txt": File(b"abc", stated={"checksum": "md5:" + "0" * 32})},
    }, spoil=repository.spoil, sent=repository.sent, url=f"http://{FILES}:{PORT}")  # fmt: skip


def dump(second: bool, repository: Repository, filing: Filing) -> bulk_provider.Bulk:
    """What the provider dumps: records with files, others, a member that is no record, and deleted ones."""
    plain = bulk_provider.records(45)
    if second:
        plain = [
            *bulk_provider.records(44),
            bulk_provider.record(1044, bulk_provider.DAY, title="again"),
            bulk_provider.record(2000, bulk_provider.DAY),
        ]
    found = [*(filing.record(id_) for id_ in filing.records), *plain]
    members = [(f"{one['id']}.json", json.dumps(one, ensure_ascii=False).encode()) for one in found]
    version = "2" if second else "1"
    made = f"2024-0{5 + second}-01T00:00:00+00:00"
    return bulk_provider.Bulk(found, spoil=repository.spoil, url=f"http://{EXPORTER}:{PORT}", made=made, files={
        "records-json.tar.gz": (f"{version}-aaaa", bulk_provider.packed_tar([*members, ("77.json", b'{"id": "77"')])),
        "records-deleted.csv.gz": (f"{version}-bbbb", bulk_provider.deletions(GONE[: 5 if second else 4])),
    })  # fmt: skip


# --- the ways


@dataclass(frozen=True)
class Way:
    """A way of harvesting: `words` of the first run, `again` those of the second, and after how many requests of
    which kind the one that is not finished was broken off.
    """

    name: str
    words: tuple[str, ...]
    again: tuple[str, ...]
    counts: str
    after: int
    apps: Callable[[bool, Repository], dict[str, Callable[[web.Request], Any]]]
    record: str
    broken: Callable[[], web.Response] = tomorrow

    def command(self, archive: Path, *words: str) -> list[str]:
        """The words of the first run, or others; to be given in the folder of the archive."""
        shutil.copyfile(FOLDER / SOURCE, archive.parent / SOURCE)
        pairs = [part for word in (f"archive={archive}", *(words or self.words)) for part in ("-a", word)]
        return [HARVESTER, "crawl", self.name, "-s", "HARVEST_TRIES=2", "-s", "HARVEST_PROGRESS=none", *pairs]

    def crawl(self, archive: Path, *words: str) -> int:
        """Harvest to the end; returns the exit code."""
        done = subprocess.run(
            self.command(archive, *words), cwd=archive.parent, env=environment(), capture_output=True, text=True,
            timeout=200, check=False,
        )  # fmt: skip
        print(done.stdout, done.stderr)
        return done.returncode

    @contextmanager
    def served(self, *, second: bool = False, broken: bool = False) -> Iterator[Repository]:
        """Serve the repository at its addresses, as it was at the first run or at the second."""
        repository = Repository(self.counts, self.broken, self.after if broken else None)
        with contextlib.ExitStack() as stack:
            for host, handle in self.apps(second, repository).items():
                stack.enter_context(claimed(host))
                app = web.Application()
                app.router.add_get("/api/exporter/{name:.+}", handle)
                app.router.add_get("/{tail:.*}", handle)
                stack.enter_context(serving_application(app, host, PORT))
            yield repository


def _exported(second: bool, repository: Repository) -> dict[str, Callable[[web.Request], Any]]:
    filing = files(repository)
    return {EXPORTER: dump(second, repository, filing).handle, FILES: filing.handle}


_EXPORTER = (f"url=http://{EXPORTER}:{PORT}/api/exporter", f"hosts={FILES}:{PORT}", "files=true")
_LISTED = (f"url=http://{OAIPMH}:{PORT}/oai",)
_BY_ID = (f"source={SOURCE}", "ids=1-55")
WAYS = {
    way.name: way
    for way in (
        Way("oaipmh", (*_LISTED, "mode=incremental"), (*_LISTED, "mode=incremental"), "ListRecords", 4,
            lambda second, repository: {OAIPMH: Listing(second, repository).handle}, "oai:kept.example:2", soon),
        Way("idrange", _BY_ID, (*_BY_ID, "mode=incremental"), r"records/\d+$", 25,
            lambda second, repository: {IDRANGE: ById(second, repository).handle}, "2"),
        Way("exporter", _EXPORTER, _EXPORTER, "big.bin/content$", 1, _exported, "1044"),
    )
}  # fmt: skip


@contextmanager
def claimed(host: str, seconds: float = 120) -> Iterator[None]:
    """Have an address alone, after any other run of these tests that has it. Skips where the system has none such.

    Whoever is bound to the port below the one that is served has it, so that it comes free when a process dies.
    """
    ends = time.monotonic() + seconds
    with socket.socket() as claim:
        while True:
            try:
                claim.bind((host, PORT - 1))
                break
            except OSError as error:
                if error.errno == errno.EADDRNOTAVAIL:
                    pytest.skip(f"{host} is not an address of this machine")
                if error.errno != errno.EADDRINUSE or time.monotonic() > ends:
                    raise
            time.sleep(0.1)
        yield


# --- the files


def unpack(name: str, folder: Path) -> Path:
    """Unpack what is kept, into a folder `archive` and, of what is finished, `release`; returns `archive`."""
    with tarfile.open(FOLDER / f"{name}.tar.xz") as tar:
        tar.extractall(folder, filter="data")
    return folder / "archive"


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file below a folder, by its name there."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def account(status: dict[str, Any]) -> dict[str, Any]:
    """The part of `harvester status --json` that does not depend on when and where an archive was made."""
    named = ("state", "complete", "balanced", "listed", "states", "channels")
    runs = (status.get("files") or {"runs": []})["runs"]
    return {
        **{name: status[name] for name in named},
        "runs": [[run["spider"], run["mode"], run["state"]] for run in status["runs"]],
        "files": [{name: run[name] for name in ("listed", "states", "balanced")} for run in runs],
    }


def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(EXPECTED.read_text(encoding="utf-8"))
    return found
