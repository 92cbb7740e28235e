"""Lists that nothing proves: errors in mid-list, foreign pages, overfull seconds, and what a run makes of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from support import archive_builder
from support.faulty_provider import FIRST, PAGE, RECORDS, Provider, error
from support.harvest_runs import Harvest
from support.local_server import serving

from archive.lookup.story import read_story
from archive.store.accounting import read_account


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
    return {int(r.identifier.rpartition(":")[2]) for _, _, r in archive_builder.stored(harvest.archive)}


def codes(harvest: Harvest) -> set[str]:
    return {
        code for (code,) in archive_builder.rows(harvest.archive, "SELECT code FROM findings WHERE severity <> 'info'")
    }


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
    assert not archive_builder.rows(harvest.archive, "SELECT code FROM findings")


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
    archive_builder.check(harvest.archive)
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
    found = archive_builder.rows(harvest.archive, "SELECT count(*) FROM findings WHERE code = 'list-broke-off'")
    assert found != [(0,)]
    archive_builder.check(harvest.archive)
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
    assert archive_builder.rows(harvest.archive, "SELECT count(*) FROM findings WHERE code = 'bounds-refused'") == [
        (1,)
    ]
    archive_builder.check(harvest.archive)
    assert read_account(harvest.archive).balanced
