"""A default EPrints by its shipped source: robots.txt closes /cgi/, exports of what is not live want a login."""

import json
import subprocess
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from support import archive_builder, fork_server
from support.harvest_runs import HARVESTER, environment
from support.local_server import serving

from archive.store.accounting import read_account

HOST = "oai:eprints.example:"


class EPrints(BaseHTTPRequestHandler):
    """Five items; 4 is deleted, and its export is answered with `closed`; 5 is missing from exports while `hides`."""

    closed = 401
    hides = False
    asked: ClassVar[list[str]]

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        self.asked.append(self.path)
        if url.path == "/robots.txt":
            self._answer(200, "text/plain", "User-agent: *\nDisallow: /cgi/\n")
        elif url.path == "/cgi/oai2":
            words = {name: values[0] for name, values in parse_qs(url.query).items()}
            self._answer(200, "text/xml", self._protocol(words))
        elif url.path.startswith("/cgi/export/eprint/"):
            self._export(url.path.split("/")[4])
        else:
            self._answer(404, "text/html", "<html><body>404 Not Found</body></html>")

    def log_message(self, *words: object) -> None:
        pass

    def _export(self, item: str) -> None:
        if item == "4":
            self._answer(self.closed, "text/html", "<html><body>login</body></html>")
        elif item not in "1235" or (self.hides and item == "5"):
            self._answer(404, "text/html", f"<html><body>404 Not Found: {item}</body></html>")
        else:
            record = {"eprintid": int(item), "eprint_status": "archive", "title": f"Item {item}", "type": "article"}
            self._answer(200, "application/json; charset=utf-8", json.dumps(record))

    def _answer(self, status: int, media_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _protocol(self, words: dict[str, str]) -> str:
        verb = words["verb"]
        if verb == "Identify":
            inside = (
                "<repositoryName>E</repositoryName><baseURL>x</baseURL><protocolVersion>2.0</protocolVersion>"
                "<earliestDatestamp>2020-01-01T00:00:00Z</earliestDatestamp><deletedRecord>persistent</deletedRecord>"
                "<granularity>YYYY-MM-DDThh:mm:ssZ</granularity>"
            )
        elif verb == "ListMetadataFormats":
            inside = (
                "<metadataFormat><metadataPrefix>oai_dc</metadataPrefix><schema>s</schema>"
                "<metadataNamespace>n</metadataNamespace></metadataFormat>"
            )
        elif verb == "GetRecord":
            inside = self._record(int(words["identifier"].removeprefix(HOST)), verb)
        else:
            found = [n for n in range(1, 6) if self._inside(n, words)]
            inside = "".join(self._record(n, verb) for n in found)
        body = f"<{verb}>{inside}</{verb}>" if inside else '<error code="noRecordsMatch"/>'
        return (
            '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-01-01T00:00:00Z</responseDate>'
            f"<request>x</request>{body}</OAI-PMH>"
        )

    @staticmethod
    def _stamp(number: int) -> str:
        return f"2020-01-0{number}T00:00:00Z"

    def _inside(self, number: int, words: dict[str, str]) -> bool:
        return words.get("from", "") <= self._stamp(number) <= words.get("until", "9")

    def _record(self, number: int, verb: str) -> str:
        gone = ' status="deleted"' if number == 4 else ""
        named = f"<identifier>{HOST}{number}</identifier><datestamp>{self._stamp(number)}</datestamp>"
        header = f"<header{gone}>{named}</header>"
        dc = f'<dc xmlns="http://purl.org/dc/elements/1.1/"><title>Item {number}</title></dc>'
        metadata = "" if gone else f"<metadata>{dc}</metadata>"
        return header if verb == "ListIdentifiers" else f"<record>{header}{metadata}</record>"


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return fork_server.run(
        [HARVESTER, *words], capture_output=True, text=True, check=False, timeout=600, cwd=folder, env=environment()
    )


def states(folder: Path) -> dict[str, str]:
    """The last state of each id of the channel by id."""
    query = (
        "SELECT identifier, o.state FROM outcomes AS o JOIN requests USING (request) JOIN channels USING (channel) "
        "WHERE name LIKE 'idrange:%' AND o.state <> 'open' ORDER BY outcome"
    )
    return dict(archive_builder.rows(folder, query))


@pytest.mark.parametrize("closed", [401, 403])
def test_a_default_eprints_is_harvested_audited_and_repaired_by_its_site(closed: int, tmp_path: Path):
    server = type("Server", (EPrints,), {"closed": closed, "hides": True, "asked": []})
    with serving(server) as site:
        probe = run(tmp_path, "probe", f"{site}/cgi/oai2")
        assert "robots.txt" in probe.stdout + probe.stderr
        here = tmp_path / "archive"
        crawl = (
            "crawl",
            "idrange",
            "-a",
            "source=eprints",
            "-a",
            f"site={site}",
            "-a",
            "archive=archive",
            "-a",
            "ids=census",
            "-a",
            "accept=eprints-json",
            "-s",
            "HARVEST_TRIES=2",
        )
        done = run(tmp_path, *crawl)
        assert done.returncode == 1, done.stdout + done.stderr
        assert states(here) == {"1": "read", "2": "read", "3": "read", "4": "deleted", "5": "absent"}
        assert archive_builder.rows(here, "SELECT count(*) FROM findings WHERE code = 'robots-closed'") != [(0,)]
        archive_builder.check(here)
        assert read_account(here).balanced

        server.hides = False  # type: ignore[attr-defined]
        target = ("--against", "eprints", "-a", f"site={site}")
        audit = run(tmp_path, "audit", "archive", *target, "--json")
        assert audit.returncode == 1, audit.stdout + audit.stderr
        assert json.loads(audit.stdout)["missing"] == 1

        server.asked.clear()  # type: ignore[attr-defined]
        repair = run(tmp_path, "repair", "archive", *target)
        assert repair.returncode == 0, repair.stdout + repair.stderr
        exports = [path for path in server.asked if "/cgi/export/" in path]  # type: ignore[attr-defined]
        assert not any("/eprint/4/" in path for path in exports), "the deleted one is not asked for again"
        assert states(here)["5"] == "read"
        assert states(here)["4"] == "deleted"
        again = run(tmp_path, "audit", "archive", *target)
        assert again.returncode == 0, again.stdout + again.stderr
        archive_builder.check(here)
