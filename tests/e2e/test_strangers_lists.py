"""A provider that ignores from and until, has a record that breaks its page, and datestamps that tell nothing."""

from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from support import archive_builder
from support.command_runner import Typed
from support.harvest_runs import Harvest
from support.local_server import serving

RECORDS, PAGE = 60, 20
OAI = (
    '<?xml version="1.0" encoding="UTF-8"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
    "<responseDate>2026-01-01T00:00:00Z</responseDate><request>x</request>{}</OAI-PMH>"
)
IDENTIFY = (
    "<Identify><repositoryName>x</repositoryName><protocolVersion>2.0</protocolVersion><deletedRecord>no</deletedRecord>"
    "<earliestDatestamp>{}</earliestDatestamp><granularity>{}</granularity></Identify>"
)
FORMATS = (
    "<ListMetadataFormats><metadataFormat><metadataPrefix>oai_dc</metadataPrefix><schema>x</schema>"
    "<metadataNamespace>x</metadataNamespace></metadataFormat></ListMetadataFormats>"
)


class Provider(BaseHTTPRequestHandler):
    """Lists of all, whatever is asked; `poison` has a character that XML forbids."""

    stamp: ClassVar[str] = ""
    poison: ClassVar[int] = 0
    granularity: ClassVar[str] = ""
    asked: ClassVar[Counter[str]] = Counter()

    def do_GET(self) -> None:
        words = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        verb = words.get("verb", "")
        self.asked[verb] += 1
        body = OAI.format(self.inside(verb, words)).encode() if verb else b""
        self.send_response(200 if verb else 404)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def inside(self, verb: str, words: dict[str, str]) -> str:
        if verb == "Identify":
            return IDENTIFY.format("2000-01-01T00:00:00Z"[: len(self.granularity)], self.granularity)
        if verb == "ListMetadataFormats":
            return FORMATS
        if verb == "GetRecord":
            return f"<GetRecord>{self.record(int(words['identifier'].rpartition(':')[2]))}</GetRecord>"
        first = int(words.get("resumptionToken", 0))
        last = min(RECORDS, first + PAGE)
        show = self.header if verb == "ListIdentifiers" else self.record
        token = f"<resumptionToken>{last}</resumptionToken>" if last < RECORDS else ""
        return f"<{verb}>{''.join(map(show, range(first, last)))}{token}</{verb}>"

    def header(self, number: int) -> str:
        return f"<header><identifier>oai:x:{number}</identifier><datestamp>{self.stamp}</datestamp></header>"

    def record(self, number: int) -> str:
        bad = "\x01" if number == self.poison else ""
        return f"<record>{self.header(number)}<metadata><a xmlns='urn:a'>{number}{bad}</a></metadata></record>"

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Provider, "asked", Counter())
    with serving(Provider) as base:
        yield f"{base}/oai"


@pytest.mark.parametrize(
    ("stamp", "granularity", "poison"),
    [
        ("sometime", "YYYY-MM-DDThh:mm:ssZ", 5),
        ("sometime", "YYYY-MM-DD", 5),
        ("sometime", "YYYY-MM-DDThh:mm:ssZ", 25),
        ("", "YYYY-MM-DDThh:mm:ssZ", 5),
        ("2020-01-01T00:00:00Z", "YYYY-MM-DDThh:mm:ssZ", 5),
    ],
)
def test_a_list_that_cannot_be_cut_is_asked_record_by_record_once_and_it_is_said_what_that_costs(
    provider: str, harvest: Harvest, monkeypatch: pytest.MonkeyPatch, stamp: str, granularity: str, poison: int
):
    for name, value in (("stamp", stamp), ("granularity", granularity), ("poison", poison)):
        monkeypatch.setattr(Provider, name, value)
    harvest.settings = ["HARVEST_TRIES=1"]
    assert harvest.run(provider) == 1, harvest.output
    states = archive_builder.rows(harvest.archive, "SELECT identifier, state FROM outcomes")
    last = dict(states)
    assert Counter(last.values()) == {"read": RECORDS - 1, "refused": 1}
    assert last[f"oai:x:{poison}"] == "refused"
    # for the list, and for what changed while it was listed
    assert Provider.asked["GetRecord"] == 2 * RECORDS
    assert Provider.asked["ListRecords"] < 20
    found = dict(archive_builder.rows(harvest.archive, "SELECT code, found FROM findings"))
    assert {"ranges-ignored", "poison-record"} <= found.keys()
    assert found["asked-singly"] == RECORDS
    archive_builder.check(harvest.archive)


@pytest.mark.parametrize(
    "words", [["bag", "a\udcff", "b"], ["crawl", "oaipmh", "-a", "set=\udcff"], ["status", "\udcff"]]
)
def test_arguments_that_are_not_utf8_are_a_usage_error(typed: Typed, words: list[str]):
    said = typed(*words)
    assert (said.code, said.out) == (2, "")
    assert "UTF-8" in said.err
