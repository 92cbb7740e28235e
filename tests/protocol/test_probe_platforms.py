"""A probe of sites that answer as each platform does: it finds the platform, and a source file that can be read."""

import json
import tomllib
from typing import Any

import pytest
from support.stub_server import Answering, Reply, answering

from harvester.cli.probe import look
from harvester.errors import Unreachable
from harvester.http.asking import Asker
from harvester.planning import probing
from harvester.planning.probing import Seen
from harvester.planning.template import source_text
from harvester.sources.model import Source

XML = {"Content-Type": "text/xml; charset=UTF-8"}
HTML: Reply = (200, {"Content-Type": "text/html"}, b"<!doctype html><html><body>Home<br></body></html>")


def oai(identifier: str, prefixes: tuple[str, ...], token: str = "", deleted: str = "persistent") -> Any:
    """Replies of an OAI-PMH endpoint, by verb."""

    def reply(target: str) -> Reply:
        verb = target.partition("verb=")[2].partition("&")[0]
        formats = "".join(
            f"<metadataFormat><metadataPrefix>{prefix}</metadataPrefix><schema>s</schema>"
            "<metadataNamespace>n</metadataNamespace></metadataFormat>"
            for prefix in prefixes
        )
        inner = {
            "Identify": "<Identify><repositoryName>A &amp; B</repositoryName><baseURL>http://x/oai</baseURL>"
            "<protocolVersion>2.0</protocolVersion><adminEmail>a@x.example</adminEmail>"
            f"<earliestDatestamp>2000-01-01T00:00:00Z</earliestDatestamp><deletedRecord>{deleted}</deletedRecord>"
            "<granularity>YYYY-MM-DDThh:mm:ssZ</granularity></Identify>",
            "ListMetadataFormats": f"<ListMetadataFormats>{formats}</ListMetadataFormats>",
            "ListSets": "<ListSets><set><setSpec>a</setSpec><setName>A</setName></set>"
            "<resumptionToken>more</resumptionToken></ListSets>",
            "ListRecords": f"<ListRecords><record><header><identifier>{identifier}</identifier>"
            "<datestamp>2020-01-01T00:00:00Z</datestamp></header><metadata><x/></metadata></record>"
            f'<resumptionToken completeListSize="321">{token}</resumptionToken></ListRecords>',
        }.get(verb, '<error code="badVerb">no such verb</error>')
        body = (
            '<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>'
            f"2026-01-01T00:00:00Z</responseDate><request>x</request>{inner}</OAI-PMH>"
        )
        return 200, XML, body.encode()

    return reply


def as_json(value: Any, status: int = 200) -> Reply:
    return status, {"Content-Type": "application/json"}, json.dumps(value).encode()


PLATFORMS: dict[str, dict[str, Any]] = {
    "eprints": {
        "/cgi/oai2": oai("oai:x.example:12", ("oai_dc", "rem_rdf")),
        "/cgi/export/eprint/12/JSON/export.js": as_json({"eprintid": 12, "title": "T"}),
    },
    "dspace": {
        "/server/oai/request": oai("oai:x.example:1721.1/1", ("oai_dc", "xoai"), "oai_dc////100", "transient"),
        "/server/api": as_json({"dspaceVersion": "DSpace 8.0", "_links": {}}),
    },
    "dataverse": {
        "/oai": oai("doi:10.7910/DVN/ABC", ("oai_dc", "oai_ddi"), "MToxfDI6fDM6", "transient"),
        "/api/search": as_json({"status": "OK", "data": {"total_count": 3, "items": [{"global_id": "doi:10.7910/X"}]}}),
    },
    "figshare": {
        "/v2/oai": oai("oai:figshare.com:article/1", ("oai_dc", "cerif")),
        "/v2/articles": as_json([{"id": 1, "url_public_api": "http://x/v2/articles/1"}]),
    },
    "datacite": {"/dois": as_json({"data": [{"id": "10.1/x", "type": "dois"}], "meta": {"total": 9}})},
    "ojs": {"/index.php/index/oai": oai("oai:ojs.x.example:article/5", ("oai_dc", "nlm"))},
}


def probed(server: Answering, path: str = "/") -> Seen:
    with Asker("test", frozenset({f"127.0.0.1:{server.port}"})) as asker:
        return look(asker, server.url + path)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_platform_is_known_by_what_it_answers(platform: str):
    with answering(PLATFORMS[platform]) as server:
        seen = probed(server)
        home = server.url
    verdict = probing.judge(seen, {})
    assert verdict.platform == platform
    assert verdict.sure == ("likely" if platform == "ojs" else "certain")
    source = Source.checked(tomllib.loads(source_text(seen, verdict, "2026-01-02")), "draft")
    assert source.platform == platform
    assert all(part.url.startswith(home) for part in source.parts.values())
    if seen.oai is not None:
        assert seen.oai.listed == (321 if seen.oai.token else 1)
        assert (seen.oai.sets, seen.oai.more_sets, seen.oai.name) == (1, True, "A & B")


def test_a_home_page_at_every_path_is_no_endpoint():
    with answering({}) as server:
        server.replies = dict.fromkeys(
            [*probing.OAI_PATHS, *(q.partition("?")[0] for q in probing.REST_QUESTIONS.values())], HTML
        )
        seen = probed(server)
        asked = len(server.asked)
    assert (seen.oai, seen.rest, seen.eprints_id) == (None, None, None)
    assert asked < 25


def test_a_site_without_an_answer_is_unreachable():
    with answering({}) as server:
        pass
    with pytest.raises(Unreachable):
        probed(server)


def test_the_endpoint_that_was_named_is_asked_first_and_the_forms_of_a_record_are_those_that_are_served():
    def record(target: str) -> Reply:
        return as_json({"status": 406, "message": "Expected one of: application/json, application/marcxml+xml"}, 406)

    hits = {"hits": {"hits": [{"id": "ab1cd-ef2gh"}], "total": 1}}
    replies = {
        "/mine": oai("oai:x:ab1cd-ef2gh", ("oai_dc",)),
        "/api/records": as_json(hits),
        "/api/records/ab1cd-ef2gh": record,
        "/robots.txt": (200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /api\nCrawl-delay: 10\n"),
    }
    with answering(replies) as server:
        seen = probed(server, "/mine")
        first = server.asked[0][0]
    assert first.startswith("/mine?verb=Identify")
    # an endpoint of one's own choice says nothing about where the site's API is
    assert seen.oai is not None
    assert seen.rest is None
    with answering(replies) as server:
        server.replies["/oai2d"] = replies["/mine"]
        seen = probed(server)
        host = server.url
    assert seen.rest is not None
    assert seen.rest.media_types == ("application/json", "application/marcxml+xml")
    assert seen.closed == (
        (f"{host}/api/records", "Disallow: /api"),
        (f"{host}/api/records/ab1cd-ef2gh", "Disallow: /api"),
    )
    assert seen.crawl_delay == 10
