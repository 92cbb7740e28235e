"""Providers that answer with nothing: asked otherwise, proven with what is held, or named as not known."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import pytest
from support.harvest_runs import Harvest
from support.local_server import serving

from archive.store.snapshots import read_only

Words = dict[str, str]
NOTHING = '<error code="noRecordsMatch">nothing</error>'
HEAD = '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>{now}</responseDate><request>x</request>'


class Small(BaseHTTPRequestHandler):
    """A provider of `records`: (identifier, datestamp, set, deleted). What `bend` returns is its answer."""

    records: list[tuple[str, str, str, bool]]
    sets: tuple[str, ...]
    bend: Callable[[Words], str | None]
    asked: list[Words]

    def do_GET(self) -> None:
        words = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if words:
            self.asked.append(words)
        text = type(self).bend(words) or self.answer(words)
        body = f"{HEAD.format(now=datetime.now(UTC).strftime('%Y-%m-%dT%H:%M:%SZ'))}{text}</OAI-PMH>".encode()
        self.send_response(200 if words else 404)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass

    def answer(self, words: Words) -> str:
        verb = words.get("verb", "")
        if verb == "Identify":
            return (
                "<Identify><repositoryName>x</repositoryName><baseURL>x</baseURL><protocolVersion>2.0</protocolVersion>"
                "<earliestDatestamp>2020-01-01T00:00:00Z</earliestDatestamp><deletedRecord>transient</deletedRecord>"
                "<granularity>YYYY-MM-DDThh:mm:ssZ</granularity></Identify>"
            )
        if verb == "ListMetadataFormats":
            named = "<schema>x</schema><metadataNamespace>x</metadataNamespace>"
            return f"<{verb}><metadataFormat><metadataPrefix>oai_dc</metadataPrefix>{named}</metadataFormat></{verb}>"
        if verb == "ListSets":
            named = "".join(f"<set><setSpec>{spec}</setSpec><setName>x</setName></set>" for spec in self.sets)
            return f"<{verb}>{named}</{verb}>" if self.sets else '<error code="noSetHierarchy">x</error>'
        if verb == "GetRecord":
            found = [one for one in self.records if one[0] == words["identifier"]]
            return f"<{verb}>{record(*found[0])}</{verb}>" if found else '<error code="idDoesNotExist">x</error>'
        from_, until, spec = words.get("from", ""), words.get("until", "9"), words.get("set")
        found = [one for one in self.records if from_ <= one[1] <= until and spec in (None, one[2])]
        make = record if verb == "ListRecords" else header
        return f"<{verb}>{''.join(make(*one) for one in found)}</{verb}>" if found else NOTHING


def header(identifier: str, stamp: str, spec: str, deleted: bool) -> str:
    status = ' status="deleted"' if deleted else ""
    named = f"<setSpec>{spec}</setSpec>" if spec else ""
    return f"<header{status}><identifier>{identifier}</identifier><datestamp>{stamp}</datestamp>{named}</header>"


def record(identifier: str, stamp: str, spec: str, deleted: bool) -> str:
    metadata = "" if deleted else "<metadata><x xmlns='urn:x'>y</x></metadata>"
    return f"<record>{header(identifier, stamp, spec, deleted)}{metadata}</record>"


def provider(
    records: list[tuple[str, str, str, bool]],
    bend: Callable[[Words], str | None] = lambda words: None,
    sets: tuple[str, ...] = (),
) -> type[Small]:
    return type("One", (Small,), {"records": records, "bend": staticmethod(bend), "sets": sets, "asked": []})


def some(count: int, spec: str = "", form: str = "%Y-%m-%dT%H:%M:%SZ") -> list[tuple[str, str, str, bool]]:
    first = datetime(2024, 1, 1, 12, tzinfo=UTC)
    return [(f"oai:r:{spec}{n}", (first + timedelta(days=n)).strftime(form), spec, False) for n in range(count)]


def codes(harvest: Harvest) -> set[str]:
    ledger = read_only(harvest.archive / "ledger.sqlite")
    newest = "SELECT code FROM findings WHERE run = (SELECT max(run) FROM runs)"
    return {code for (code,) in ledger.execute(newest)}


def held(harvest: Harvest) -> int:
    ledger = read_only(harvest.archive / "ledger.sqlite")
    return int(ledger.execute("SELECT count(DISTINCT identifier) FROM outcomes WHERE state = 'read'").fetchone()[0])


def lists(words: Words) -> bool:
    return words.get("verb", "") in ("ListRecords", "ListIdentifiers")


def test_a_list_that_wants_a_set_or_a_bound_is_harvested_that_way_also_incrementally(harvest: Harvest):
    def by_set(words: Words) -> str | None:
        return NOTHING if lists(words) and "set" not in words else None

    one = provider(some(4, "a") + some(3, "b"), by_set, ("a", "b", "void"))
    with serving(one) as url:
        assert harvest.run(url) == 1, harvest.output
        assert (held(harvest), codes(harvest)) == (7, {"listed-by-set"})
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        one.records.extend([("oai:r:new", now, "b", False), ("oai:r:c", "2021-01-01T00:00:00Z", "c", False)])
        one.sets = ("a", "b", "void", "c")
        assert harvest.run(url, "mode=incremental") == 1, harvest.output
        assert held(harvest) == 9


def test_a_list_that_wants_a_bound_is_harvested_with_one(harvest: Harvest):
    def by_date(words: Words) -> str | None:
        return NOTHING if lists(words) and not {"from", "until"} & set(words) else None

    with serving(provider(some(5), by_date)) as url:
        assert harvest.run(url) == 1, harvest.output
        assert (held(harvest), codes(harvest)) == (5, {"listed-with-bounds"})


def test_an_empty_list_of_an_old_repository_is_not_complete(harvest: Harvest):
    with serving(provider([])) as url:
        assert harvest.run(url) == 1, harvest.output
        assert codes(harvest) == {"empty-list"}


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S"])
def test_changes_are_asked_for_by_day_where_text_is_compared_and_stamps_are_no_seconds(harvest: Harvest, form: str):
    one = provider(some(5, form=form))
    with serving(one) as url:
        assert harvest.run(url) == 0, harvest.output
        one.records.append(("oai:r:new", datetime.now(UTC).strftime(form), "", False))
        assert harvest.run(url, "mode=incremental") == 0, harvest.output
        assert held(harvest) == 6


def test_an_empty_increment_costs_one_question_and_counts_only_when_it_is_proven(harvest: Harvest):
    broken = False

    def bend(words: Words) -> str | None:
        return NOTHING if broken and lists(words) and "from" in words else None

    one = provider(some(5), bend)
    with serving(one) as url:
        assert harvest.run(url) == 0, harvest.output
        one.asked.clear()
        assert harvest.run(url, "mode=incremental") == 0, harvest.output
        assert sum(words["verb"] == "ListIdentifiers" for words in one.asked) == 1
        broken = True
        assert harvest.run(url, "mode=incremental") == 1, harvest.output
        assert codes(harvest) == {"increments-unproven"}
        assert "mode=full" in harvest.output


def test_a_provider_that_refuses_every_from_ends_soon_with_the_way_that_works(harvest: Harvest):
    refuses = False

    def bend(words: Words) -> str | None:
        return '<error code="badArgument">from</error>' if refuses and "from" in words else None

    one = provider(some(5), bend)
    with serving(one) as url:
        assert harvest.run(url) == 0, harvest.output
        refuses = True
        one.asked.clear()
        assert harvest.run(url, "mode=incremental") == 1, harvest.output
        assert (codes(harvest), len(one.asked) < 10) == ({"increments-refused"}, True)
        assert "mode=full" in harvest.output


def test_deletions_in_bulk_leave_a_run_unfinished_until_they_are_taken_back_or_accepted(harvest: Harvest):
    one = provider(some(10))
    live = list(one.records)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with serving(one) as url:
        assert harvest.run(url) == 0, harvest.output
        one.records[:4] = [(name, now, "", True) for name, *_ in live[:4]]
        for _ in range(2):
            assert harvest.run(url, "mode=incremental") == 3, harvest.output
            assert codes(harvest) == {"loss-in-bulk"}
        assert "accept-loss=true" in harvest.output
        assert harvest.run(url, "mode=incremental", "accept-loss=true") == 0, harvest.output
        one.records[:] = live[:9]
        assert harvest.run(url) == 1, harvest.output
        # the records that were deleted are back under the datestamps that they had before
        assert codes(harvest) == {"vanished", "datestamps-went-back"}
