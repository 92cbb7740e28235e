"""Pages that are not as the protocol has them: their records are had, or the run is not called complete."""

import gzip
import re

import pytest
from support import archive_builder
from support.deviating_provider import RECORDS, Provider
from support.harvest_runs import Harvest
from support.local_server import serving

NOTICE = b"<br />\n<b>Notice</b>:  Undefined index: creator in <b>/var/www/OaiDc.php</b> on line <b>68</b><br />\n"
# shape: (numbers of the records that cannot be had, exit codes that are right, a finding that is made)
SHAPES: dict[str, tuple[set[int], set[int], str]] = {
    "a token in an attribute": (set(), {0}, "page-deviates"),
    "a token in the request": (set(), {0}, "page-deviates"),
    "records in a wrapper, each in a list of its own": (set(), {0}, "page-deviates"),
    "another namespace, status in capitals": (set(), {0}, "page-deviates"),
    "notices behind each page": (set(), {1}, "text-around-pages"),
    "every third record has no identifier": (set(range(0, RECORDS, 3)), {1}, "page-unaccounted"),
    "records of an unknown name": ({7}, {1}, "page-unaccounted"),
    "an error beside records": (set(), {1}, "page-unaccounted"),
    "gzip that is announced and not applied": (set(), {0}, ""),
    "gzip twice": (set(), {0}, ""),
    "a charset that only the header names": (set(), {0}, ""),
}


class Unusual(Provider):
    """The provider of the deviations, with pages in another shape."""

    shape = ""

    def document(self, text: str) -> str:
        whole = super().document(text)
        if self.shape == "a token in the request" and (found := re.search(r"<resumptionToken[^>]*>([^<\s]+)</", text)):
            whole = whole.replace("<request>", f'<request resumptionToken="{found[1]}">')
        if self.shape == "a token in the request":
            whole = re.sub(r"<resumptionToken.*</resumptionToken>", "", whole)
        if self.shape == "a token in an attribute":
            whole = re.sub(
                r"<resumptionToken([^>]*)>(\S+)</resumptionToken>", r'<resumptionToken\1 token="\2"/>', whole
            )
        if self.shape == "another namespace, status in capitals":
            whole = whole.replace('http://www.openarchives.org/OAI/2.0/"', 'https://www.openarchives.org/OAI/2.0"')
        if "an error beside" in self.shape and "<header>" in text:
            whole = whole.replace("</OAI-PMH>", '<error code="noRecordsMatch">x</error></OAI-PMH>')
        if self.shape == "a charset that only the header names":
            whole = whole.replace(' encoding="UTF-8"', "").replace("Record ", "Récord ")
        return whole

    def answer(self, status: int, body: bytes) -> None:
        kind = "text/xml"
        if self.shape == "notices behind each page" and b"ListRecords>" in body:
            body += NOTICE
        if self.shape == "a charset that only the header names":
            kind, body = "text/xml; charset=ISO-8859-1", body.decode().encode("latin-1")
        if self.shape == "gzip twice":
            body = gzip.compress(gzip.compress(body))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if "gzip" in self.shape:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def header(self, number: int) -> str:
        whole = super().header(number)
        if "no identifier" in self.shape and number % 3 == 0:
            return whole.replace(f"oai:x:{number}", "")
        return whole.replace("<header>", '<header status=" DELETED">') if self.gone(number) else whole

    def gone(self, number: int) -> bool:
        return "status" in self.shape and number % 4 == 0

    def record(self, number: int) -> str:
        whole = super().record(number)
        if self.gone(number):
            return f"<record>{self.header(number)}</record>"
        if self.shape == "records in a wrapper, each in a list of its own":
            return f"</ListRecords><ListRecords><foo>{whole}</foo>"
        if number == 7 and self.shape == "records of an unknown name":
            return whole.replace("record>", "item>")
        return whole


@pytest.mark.parametrize("shape", SHAPES)
def test_unusual_pages_are_read_or_the_run_is_not_complete(harvest: Harvest, shape: str):
    cannot, codes, code = SHAPES[shape]
    harvest.settings = ["HARVEST_TRIES=2"]
    with serving(type("Shaped", (Unusual,), {"shape": shape})) as base:
        assert harvest.run(f"{base}/oai") in codes, harvest.output[-3000:]
    archive_builder.check(harvest.archive)
    held = {record.identifier: record for *_, record in archive_builder.stored(harvest.archive)}
    assert held.keys() == {f"oai:x:{number}" for number in range(RECORDS) if number not in cannot}
    found = {row[0] for row in archive_builder.rows(harvest.archive, "SELECT code FROM findings")}
    assert code in found if code else not found
    deleted = {name for name, record in held.items() if record.deleted}
    assert deleted == ({f"oai:x:{n}" for n in range(0, RECORDS, 4)} if "status" in shape else set())
    if "charset" in shape:
        assert all("Récord" in (record.original or "") for record in held.values())
