"""Harvests by id from providers whose answers are not what their status says: no id ends without evidence."""

import json
from collections.abc import Callable
from pathlib import Path

from support import archive_builder, fork_server
from support.harvest_runs import HARVESTER, Harvest, environment
from support.stub_server import Answering, Reply, answering

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}
PAGE = (
    b"<html><head><title>404 Not Found</title></head><body><center><h1>404 Not Found</h1></center>nginx</body></html>"
)
OWN: Reply = (404, JSON, b'{"status": 404, "message": "The persistent identifier does not exist."}')
LIVE = ("2", "3", "5", "8")


def record(number: str) -> Reply:
    return 200, JSON, json.dumps({"id": int(number), "metadata": {"title": f"Record {number}"}}).encode()


def provider(missing: Callable[[str], Reply], live: Callable[[str], Reply] = record) -> Callable[[str], Reply]:
    def answer(path: str) -> Reply:
        number = path.rpartition("/")[2]
        return live(number) if number in LIVE else missing(number)

    return answer


class Paths(dict[str, object]):
    """Replies by what a path begins with."""

    def get(self, path: str, default: object = None) -> object:  # type: ignore[override]
        return next((reply for start, reply in self.items() if path.startswith(start)), default)


def serving(server: Answering, **replies: object) -> None:
    server.replies = Paths({f"/{name}/": reply for name, reply in replies.items()})  # type: ignore[assignment]


def states(archive: Path, format_: str = "json") -> dict[str, str]:
    query = (
        "SELECT o.identifier, o.state FROM outcomes AS o JOIN requests USING (request) JOIN channels USING (channel) "
        "WHERE name = ? ORDER BY outcome"
    )
    return dict(archive_builder.rows(archive, query, f"idrange:{format_}"))


def codes(archive: Path) -> list[str]:
    return [row[0] for row in archive_builder.rows(archive, "SELECT code FROM findings ORDER BY finding")]


def asked(server: Answering, path: str = "/api/") -> list[str]:
    return [target.rpartition("/")[2] for target, _ in server.asked if target.startswith(path)]


def test_an_answer_that_an_impossible_id_gets_as_well_is_an_absence(harvest: Harvest):
    def missing(number: str) -> Reply:
        return 200, JSON, json.dumps({"result": f"Nothing found for {number}", "took": len(number)}).encode()

    with answering({}) as server:
        serving(server, api=provider(missing))
        assert harvest.run(f"{server.url}/api/{{id}}", "ids=1-10", spider="idrange") == 0, harvest.output[-2000:]
        found = states(harvest.archive)
        assert {number for number, state in found.items() if state == "read"} == set(LIVE)
        assert {state for number, state in found.items() if number not in LIVE} == {"absent"}
        assert set(found) == {str(number) for number in range(1, 11)}
        assert set(asked(server)) - set(found) == {"2147483629", "2147483619"}
    archive_builder.check(harvest.archive)


def test_a_proxys_404_for_every_id_is_no_absence_and_is_asked_again(harvest: Harvest):
    with answering({}) as server:
        serving(server, api=lambda path: (404, HTML, PAGE))
        url = f"{server.url}/api/{{id}}"
        assert harvest.run(url, "ids=1-10", spider="idrange") == 1
        assert set(states(harvest.archive).values()) == {"refused"}
        assert codes(harvest.archive) == ["absence-unproven"]
        assert len(asked(server)) == 12
        archive_builder.check(harvest.archive)
        serving(server, api=provider(lambda number: OWN))
        assert harvest.run(url, "ids=gaps", spider="idrange") == 0, harvest.output[-2000:]
        assert {n for n, state in states(harvest.archive).items() if state == "read"} == set(LIVE)
        # an outage after that: what is held is not absent by a page of something else
        serving(server, api=lambda path: (404, HTML, PAGE))
        assert harvest.run(url, "ids=1-10", spider="idrange") in (1, 3)
        assert "absent" not in {states(harvest.archive)[number] for number in LIVE}
        assert "absence-changed" in codes(harvest.archive)
    archive_builder.check(harvest.archive)


def test_html_is_the_own_404_of_a_provider_that_shows_records_beside_it(harvest: Harvest):
    with answering({}) as server:
        serving(server, api=provider(lambda number: (404, HTML, PAGE)))
        for _ in range(2):
            assert harvest.run(f"{server.url}/api/{{id}}", "ids=1-40", spider="idrange") == 0, harvest.output[-2000:]
        assert codes(harvest.archive) == []
        assert sorted(set(states(harvest.archive).values())) == ["absent", "read"]


def test_a_404_of_its_own_for_every_id_is_doubted_where_no_record_was_ever_seen(harvest: Harvest):
    with answering({}) as server:
        serving(server, api=lambda path: OWN)
        assert harvest.run(f"{server.url}/api/{{id}}", "ids=1-10", spider="idrange") == 1
    assert codes(harvest.archive) == ["no-record-shown"]


def test_a_record_that_is_read_in_one_form_and_absent_in_another_is_a_finding(harvest: Harvest):
    with answering({}) as server:
        serving(server, api=provider(lambda number: OWN))

        def ris(number: str) -> Reply:
            text = f"TY  - DATA\nT1  - Record {number}\nER  -\n".encode()
            return OWN if number == "5" else (200, {"Content-Type": "application/x-research-info-systems"}, text)

        url = f"{server.url}/api/{{id}}"
        assert harvest.run(url, "ids=1-10", spider="idrange") == 0
        serving(server, api=provider(lambda number: OWN, ris))
        words = ("ids=1-10", "accept=application/x-research-info-systems")
        assert harvest.run(url, *words, spider="idrange") == 1
    ((code, identifier, found),) = archive_builder.rows(harvest.archive, "SELECT code, identifier, found FROM findings")
    assert (code, identifier, found) == ("held-and-absent", "5", 1)


def test_a_type_that_is_not_served_is_recognised_after_a_few_and_reported_once(harvest: Harvest):
    with answering({}) as server:
        serving(server, api=lambda path: (406, JSON, b'{"status": 406, "message": "Not acceptable."}'))
        words = ("ids=1-300", "accept=application/x-invented+xml", "connections=4")
        assert harvest.run(f"{server.url}/api/{{id}}", *words, spider="idrange") == 1, harvest.output[-2000:]
        assert len(asked(server)) <= 8
    found = states(harvest.archive, "invented-xml")
    assert (len(found), set(found.values())) == (300, {"refused"})
    assert codes(harvest.archive) == ["type-not-served"]
    archive_builder.check(harvest.archive)


# --- deletions that OAI-PMH lists

OAI = (
    '<?xml version="1.0"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
    "<responseDate>2026-01-01T00:00:00Z</responseDate><request>x</request>{}</OAI-PMH>"
)
IDENTIFY = (
    "<Identify><repositoryName>x</repositoryName><baseURL>x</baseURL><protocolVersion>2.0</protocolVersion>"
    "<adminEmail>a@x.example</adminEmail><earliestDatestamp>2020-01-01T00:00:00Z</earliestDatestamp>"
    "<deletedRecord>persistent</deletedRecord><granularity>YYYY-MM-DDThh:mm:ssZ</granularity></Identify>"
)
FORMATS = (
    "<ListMetadataFormats><metadataFormat><metadataPrefix>oai_dc</metadataPrefix><schema>x</schema>"
    "<metadataNamespace>x</metadataNamespace></metadataFormat></ListMetadataFormats>"
)


def listing(target: str) -> Reply:
    """OAI-PMH that lists 2, 3 and 5 as live and 4 as deleted."""
    inner = IDENTIFY if "verb=Identify" in target else FORMATS if "Formats" in target else ""
    if "verb=ListIdentifiers" in target:
        header = (
            "<header{}><identifier>oai:x.example:{}</identifier><datestamp>2024-01-0{}T00:00:00Z</datestamp></header>"
        )
        inner = "".join(header.format(' status="deleted"' if n == 4 else "", n, n) for n in (2, 3, 4, 5))
        inner = f"<ListIdentifiers>{inner}</ListIdentifiers>"
    return 200, {"Content-Type": "text/xml"}, OAI.format(inner).encode()


def test_a_deletion_that_a_census_lists_counts_where_the_export_is_closed(harvest: Harvest):
    closed: Reply = (401, HTML, b"<html>Log in</html>")
    with answering({}) as server:
        serving(server, api=provider(lambda number: closed if number == "4" else OWN))
        server.replies["/oai"] = listing
        url, oai = f"{server.url}/api/{{id}}", f"{server.url}/oai"
        assert harvest.run(url, "ids=census", f"oai={oai}", spider="idrange") == 0, harvest.output[-2000:]
        assert states(harvest.archive) == {"2": "read", "3": "read", "4": "deleted", "5": "read"}
        (tombstone,) = [one for *_, one in archive_builder.stored(harvest.archive) if one.deleted]
        assert (tombstone.identifier, tombstone.datestamp) == ("4", "2024-01-04T00:00:00Z")
        archive_builder.check(harvest.archive)
        before = len(asked(server))
        for command in ("audit", "repair"):
            words = [HARVESTER, command, str(harvest.archive), "--against", oai, "--json"]
            done = fork_server.run(words, capture_output=True, text=True, check=False, timeout=300, env=environment())
            assert done.returncode == 0, (command, done.stdout[-500:], done.stderr[-1500:])
        assert len(asked(server)) == before


def test_repair_takes_a_deletion_from_the_list_that_the_audit_read(harvest: Harvest):
    closed: Reply = (401, HTML, b"<html>Log in</html>")
    with answering({}) as server:
        serving(server, api=provider(lambda number: closed if number == "4" else OWN))
        server.replies["/oai"] = listing
        assert harvest.run(f"{server.url}/api/{{id}}", "ids=2-5", spider="idrange") == 0, harvest.output[-2000:]
        assert states(harvest.archive)["4"] == "forbidden"
        words = [HARVESTER, "repair", str(harvest.archive), "--against", f"{server.url}/oai", "--json"]
        done = fork_server.run(words, capture_output=True, text=True, check=False, timeout=300, env=environment())
        assert done.returncode == 0, (done.stdout[-500:], done.stderr[-1500:])
        assert len(json.loads(done.stdout)["rounds"]) == 1
        assert states(harvest.archive)["4"] == "deleted"


def test_records_gone_in_bulk_are_asked_for_once_more_and_lost_only_when_that_is_accepted(harvest: Harvest):
    gone: set[str] = set()

    def live(number: str) -> Reply:
        return OWN if number in gone else record(number)

    with answering({}) as server:
        serving(server, api=provider(lambda _: OWN, live))
        url = f"{server.url}/api/{{id}}"
        assert harvest.run(url, "ids=1-10", spider="idrange") == 0, harvest.output[-2000:]
        gone.update(LIVE[:3])
        assert harvest.run(url, "ids=1-10", spider="idrange") == 3, harvest.output[-2000:]
        assert "loss-in-bulk" in codes(harvest.archive)
        before = len(asked(server))
        assert harvest.run(url, "ids=1-10", spider="idrange") == 3, harvest.output[-2000:]
        again = set(asked(server)[before:])
        assert {number for number in again if len(number) < 3} == set(LIVE[:3])  # beside an id that cannot exist
        assert harvest.run(url, "ids=1-10", "accept-loss=true", spider="idrange") == 1, harvest.output[-2000:]
        assert {"loss-accepted", "held-and-absent"} & set(codes(harvest.archive))
        gone.clear()
        assert harvest.run(url, "ids=1-10", spider="idrange") == 0, harvest.output[-2000:]
    archive_builder.check(harvest.archive)
