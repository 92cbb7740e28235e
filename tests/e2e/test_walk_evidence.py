"""Lists that nothing proves: errors in mid-list, foreign pages, overfull seconds, and what a run makes of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

import making
import pytest
from harvests import Harvest
from serving import serving

from archive.lookup.story import read_story
from archive.store.accounting import read_account

RECORDS, PAGE = 24, 5
FIRST = datetime(2020, 1, 1, tzinfo=UTC)


class Provider(BaseHTTPRequestHandler):
    """Records one a day, the even ones in set `a`, the others in `b`; and what `fault` says."""

    fault = "none"
    asked: list[dict[str, str]]

    def do_GET(self) -> None:
        words = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        self.asked.append(words)
        text = getattr(self, "do_" + words.get("verb", ""), lambda _: error("badVerb"))(words)
        head = "<responseDate>2026-01-01T00:00:00Z</responseDate><request>x</request>"
        body = f'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">{head}{text}</OAI-PMH>'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass

    def do_Identify(self, words: dict[str, str]) -> str:
        return (
            "<Identify><repositoryName>x</repositoryName><baseURL>x</baseURL><protocolVersion>2.0</protocolVersion>"
            f"<earliestDatestamp>{self.stamp(0)}</earliestDatestamp><deletedRecord>no</deletedRecord>"
            "<granularity>YYYY-MM-DDThh:mm:ssZ</granularity></Identify>"
        )

    def do_ListMetadataFormats(self, words: dict[str, str]) -> str:
        return (
            "<ListMetadataFormats><metadataFormat><metadataPrefix>oai_dc</metadataPrefix><schema>s</schema>"
            "<metadataNamespace>n</metadataNamespace></metadataFormat></ListMetadataFormats>"
        )

    def do_ListSets(self, words: dict[str, str]) -> str:
        sets = "".join(f"<set><setSpec>{s}</setSpec><setName>{s}</setName></set>" for s in self.sets())
        return f"<ListSets>{sets}</ListSets>" if sets else error("noSetHierarchy")

    def sets(self) -> tuple[str, ...]:
        return tuple(f"s{n}" for n in range(8)) if self.fault == "one second" else ("a", "b")

    def set_of(self, number: int) -> str:
        return f"s{number % 8}" if self.fault == "one second" else "ab"[number % 2]

    def do_GetRecord(self, words: dict[str, str]) -> str:
        return f"<GetRecord>{self.record(int(words['identifier'].rpartition(':')[2]))}</GetRecord>"

    def do_ListIdentifiers(self, words: dict[str, str]) -> str:
        return self.listed("ListIdentifiers", words)

    def do_ListRecords(self, words: dict[str, str]) -> str:
        return self.listed("ListRecords", words)

    def stamp(self, number: int) -> str:
        step = 0 if self.fault == "one second" else number
        return (FIRST + timedelta(days=step)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def header(self, number: int) -> str:
        spec = "" if self.fault.startswith("no set is shown") else f"<setSpec>{self.set_of(number)}</setSpec>"
        return (
            f"<header><identifier>oai:x:{number}</identifier><datestamp>{self.stamp(number)}</datestamp>{spec}</header>"
        )

    def record(self, number: int) -> str:
        return f"<record>{self.header(number)}<metadata><r>{number}</r></metadata></record>"

    def listed(self, verb: str, words: dict[str, str]) -> str:
        at, state = 0, {name: words.get(name, "") for name in ("from", "until", "set")}
        token = words.get("resumptionToken")
        if token is not None:
            if self.fault == "a token wants its prefix" and "metadataPrefix" not in words:
                return error("badArgument", "Missing metadataPrefix parameter")
            if self.fault == "a token is an error of the request":
                return error("badArgument", "no")
            at_text, *values = token.split("!")
            at, state = int(at_text), dict(zip(state, values, strict=True))
            if self.fault == "noRecordsMatch in mid-list" and at >= 15:
                return error("noRecordsMatch")
        elif self.fault == "bounds find half" and (state["from"] or state["until"]):
            state["from"] = max(state["from"], self.stamp(RECORDS // 2))
        found = [n for n in range(RECORDS) if self.inside(n, state)]
        if not found:
            return error("noRecordsMatch")
        shape = self.header if verb == "ListIdentifiers" else self.record
        items = "".join(shape(n) for n in found[at : at + PAGE])
        if "loses its set" in self.fault:
            state["set"] = ""
        onward = f"{at + PAGE}!{'!'.join(state.values())}" if at + PAGE < len(found) else ""
        if self.fault == "one second" and onward:
            onward = f"0!{'!'.join(state.values())}"
        size = "" if "no size" in self.fault else f' completeListSize="{len(found)}"'
        element = f"<resumptionToken{size}>{onward}</resumptionToken>" if onward or at else ""
        return f"<{verb}>{items}{element}</{verb}>"

    def inside(self, number: int, state: dict[str, str]) -> bool:
        stamp = self.stamp(number)
        early = state["from"] and stamp < state["from"]
        late = state["until"] and stamp > state["until"]
        return not (early or late or (state["set"] and state["set"] != self.set_of(number)))


def error(code: str, text: str = "x") -> str:
    return f'<error code="{code}">{text}</error>'


class Undated(Provider):
    """A provider whose last records have no datestamp, so that no list with bounds contains them.

    The list of all records breaks at `breaks_at`; the list of all ids does not.
    """

    breaks_at, undated = 10, 4

    def stamp(self, number: int) -> str:
        return "" if number >= RECORDS - self.undated else super().stamp(number)

    def inside(self, number: int, state: dict[str, str]) -> bool:
        bounded = state["from"] or state["until"]
        return super().inside(number, state) and not (bounded and not self.stamp(number))

    def do_ListRecords(self, words: dict[str, str]) -> str:
        at, _, bounds = words.get("resumptionToken", "").partition("!")
        if at.isdecimal() and int(at) >= self.breaks_at and bounds == "!!":
            return "<ListRecords><record>" if self.fault == "unreadable" else error("badArgument")
        return self.listed("ListRecords", words)


@contextmanager
def provider(fault: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    handler = type("Handler", (Provider,), {"fault": fault, "asked": []})
    with serving(handler) as url:
        yield f"{url}/oai", handler.asked  # type: ignore[attr-defined]


def held(harvest: Harvest) -> set[int]:
    return {int(r.identifier.rpartition(":")[2]) for _, _, r in making.stored(harvest.archive)}


def codes(harvest: Harvest) -> set[str]:
    return {code for (code,) in making.rows(harvest.archive, "SELECT code FROM findings WHERE severity <> 'info'")}


@pytest.mark.parametrize("fault", ["none", "noRecordsMatch in mid-list", "noRecordsMatch in mid-list, no size"])
def test_an_error_that_answers_a_token_is_no_end_of_a_list(fault: str, harvest: Harvest):
    with provider(fault) as (url, _):
        assert harvest.run(url) == 0, harvest.output[-3000:]
    assert held(harvest) == set(range(RECORDS))


def test_a_token_goes_with_its_prefix_where_the_error_names_it(harvest: Harvest):
    with provider("a token wants its prefix") as (url, asked):
        assert harvest.run(url) == 0, harvest.output[-3000:]
    assert held(harvest) == set(range(RECORDS))
    alone = [words for words in asked if "resumptionToken" in words and "metadataPrefix" not in words]
    assert len(alone) == 1


def test_an_error_of_the_request_is_not_repeated_five_times(harvest: Harvest):
    with provider("a token is an error of the request") as (url, asked):
        assert harvest.run(url) == 0, harvest.output[-3000:]
    assert held(harvest) == set(range(RECORDS))
    tokens = [words["resumptionToken"] for words in asked if "resumptionToken" in words]
    assert max(map(tokens.count, tokens)) == 2


@pytest.mark.parametrize(
    "fault",
    [
        "a token loses its set",
        "a token loses its set, no size",
        "no set is shown: a token loses its set",
        "no set is shown: a token loses its set, no size",
    ],
)
def test_pages_of_another_list_leave_account_and_channel(fault: str, harvest: Harvest):
    with provider(fault) as (url, _):
        assert harvest.run(url, "set=a") == 0, harvest.output[-3000:]
    assert held(harvest) == set(range(0, RECORDS, 2))
    (account,) = read_account(harvest.archive).channels
    assert account.listed == RECORDS // 2
    story = read_story(harvest.archive, "oai:x:7")
    assert story.state == "unseen"
    assert [found.code for found in story.findings] == ["record-astray"]


def test_a_set_whose_headers_do_not_show_it_is_its_own_list(harvest: Harvest):
    with provider("no set is shown") as (url, _):
        assert harvest.run(url, "set=a") == 0, harvest.output[-3000:]
    assert held(harvest) == set(range(0, RECORDS, 2))
    assert not making.rows(harvest.archive, "SELECT code FROM findings")


def test_records_of_one_second_are_sought_by_set(harvest: Harvest):
    with provider("one second") as (url, _):
        assert harvest.run(url) == 0, harvest.output[-3000:]
    assert held(harvest) == set(range(RECORDS))


@pytest.mark.parametrize("fault", ["unreadable", "refused"])
def test_records_that_no_bounded_list_contains_are_named_by_the_list_without_bounds(fault: str, harvest: Harvest):
    handler = type("Handler", (Undated,), {"fault": fault, "asked": []})
    with serving(handler) as url:
        code = harvest.run(f"{url}/oai")
    assert held(harvest) == set(range(RECORDS)), harvest.output[-3000:]
    assert "parts-short" not in codes(harvest)
    assert code == (1 if codes(harvest) else 0)
    assert sum(words.get("verb") == "GetRecord" for words in handler.asked) == Undated.undated  # type: ignore[attr-defined]
    making.check(harvest.archive)
    assert read_account(harvest.archive).balanced


class BreakingOff(Provider):
    """A provider of no sizes whose lists end after two pages, in one of three orders."""

    fault, order = "no size", "rises"

    def listed(self, verb: str, words: dict[str, str]) -> str:
        text = super().listed(verb, words)
        at = int(words.get("resumptionToken", "0").partition("!")[0])
        return (
            text[: text.index("<resumptionToken")] + f"</{verb}>" if at >= PAGE and "<resumptionToken" in text else text
        )

    def stamp(self, number: int) -> str:
        places = {"rises": number, "falls": RECORDS - 1 - number, "none": number * 7 % RECORDS}
        return (FIRST + timedelta(days=places[self.order])).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("order", ["rises", "falls", "none"])
def test_a_list_of_no_size_that_breaks_off_is_listed_again_in_parts(order: str, harvest: Harvest):
    handler = type("Handler", (BreakingOff,), {"order": order, "asked": []})
    with serving(handler) as url:
        code = harvest.run(f"{url}/oai")
    assert held(harvest) == set(range(RECORDS)), harvest.output[-3000:]
    assert code == 0, harvest.output[-3000:]
    found = making.rows(harvest.archive, "SELECT count(*) FROM findings WHERE code = 'list-broke-off'")
    assert found != [(0,)]
    making.check(harvest.archive)
    assert read_account(harvest.archive).balanced


class Boundless(Provider):
    """A provider that takes no from, and no until but in a list without from."""

    def listed(self, verb: str, words: dict[str, str]) -> str:
        return error("badArgument", "from is not supported") if "from" in words else super().listed(verb, words)


def test_slices_that_are_refused_are_read_as_one_list(harvest: Harvest):
    handler = type("Handler", (Boundless,), {"asked": []})
    with serving(handler) as url:
        assert harvest.run(f"{url}/oai", "slices=month") == 1, harvest.output[-3000:]
    assert held(harvest) == set(range(RECORDS))
    assert codes(harvest) == {"tail-refused"}
    assert making.rows(harvest.archive, "SELECT count(*) FROM findings WHERE code = 'bounds-refused'") == [(1,)]
    making.check(harvest.archive)
    assert read_account(harvest.archive).balanced
