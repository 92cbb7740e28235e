"""Records asked for one by one because their list cannot be read: each answer is an end state, with what was said."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import pytest
from support import archive_builder
from support.harvest_runs import Harvest
from support.local_server import serving

PAGE = (
    '<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
    "<responseDate>2026-01-01T00:00:00Z</responseDate><request>x</request>{}</OAI-PMH>"
)
HEADER = "<header><identifier>{}</identifier><datestamp>2020-01-01T00:00:00Z</datestamp></header>"
IDENTIFY = (
    "<Identify><repositoryName>x</repositoryName><baseURL>x</baseURL><protocolVersion>2.0</protocolVersion>"
    "<earliestDatestamp>2020-01-01T00:00:00Z</earliestDatestamp><deletedRecord>no</deletedRecord>"
    "<granularity>YYYY-MM-DDThh:mm:ssZ</granularity></Identify>"
)
FORMATS = (
    "<ListMetadataFormats><metadataFormat><metadataPrefix>oai_dc</metadataPrefix><schema>x</schema>"
    "<metadataNamespace>x</metadataNamespace></metadataFormat></ListMetadataFormats>"
)
NAMES = ["oai:x:1", "oai:x:gone", "oai:x:2"]


class Provider(BaseHTTPRequestHandler):
    """A list that never parses, the names in it, and a record that is gone."""

    gone_body = b'{"status": 410, "tombstone": {"removal_reason": {"id": "spam"}}}'

    def do_GET(self) -> None:
        words = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        verb, name = words.get("verb"), words.get("identifier", "")
        if verb == "GetRecord" and name == "oai:x:gone":
            return self.answer(410, self.gone_body, "application/json")
        record = f"<record>{HEADER.format(name)}<metadata><a xmlns='urn:a'/></metadata></record>"
        headers = "".join(map(HEADER.format, NAMES))
        text = {
            "Identify": IDENTIFY,
            "ListMetadataFormats": FORMATS,
            "GetRecord": f"<GetRecord>{record}</GetRecord>",
            "ListIdentifiers": f"<ListIdentifiers>{headers}</ListIdentifiers>",
            "ListRecords": "<ListRecords><record>\x0b</record></ListRecords>",
        }.get(verb or "", "")
        return self.answer(200 if text else 404, PAGE.format(text).encode(), "text/xml")

    def answer(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[str]:
    with serving(Provider) as base:
        yield f"{base}/oai"


def test_a_record_that_is_gone_leaves_its_tombstone_and_the_sums_balance(provider: str, harvest: Harvest):
    assert harvest.run(provider) == 0, harvest.output[-2000:]
    archive_builder.check(harvest.archive)
    kept = {record.identifier: record for *_, record in archive_builder.stored(harvest.archive)}
    assert set(kept) == set(NAMES)
    tombstone = kept["oai:x:gone"]
    assert (tombstone.deleted, tombstone.format) == (True, "oai_dc")
    assert tombstone.metadata == {"status": 410, "tombstone": {"removal_reason": {"id": "spam"}}}
