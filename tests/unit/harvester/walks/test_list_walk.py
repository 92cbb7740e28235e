"""The rules of a walk: what follows each page, failure and record, one row a decision."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from archive.store.ledger import WindowCount, WindowRow
from archive.store.writer import Answer
from harvester.errors import HarvestError, MalformedPage, ProviderError
from harvester.oaipmh import tokens, windows
from harvester.oaipmh.cutting import Traits
from harvester.oaipmh.decode import NOTHING, Asked, DecodedPage, Row
from harvester.oaipmh.windows import GET_RECORD, LIST_IDENTIFIERS, LIST_RECORDS
from harvester.walks import list_walk
from harvester.walks.attempt import Channel, Walk
from harvester.walks.list_walk import Steps, WalkRules
from harvester.walks.outcomes import Keep, KeepFailure, KeepNamed, KeepNoRecord, KeepRecord, KeepStray
from harvester.walks.replies import Reply, Unusable

BASE = "http://provider.example/oai"
AT = "2026-01-01T00:00:00Z"
DAY = "2020-01-01T00:00:00Z", "2020-01-01T23:59:59Z"
POINT = "2020-01-05T00:00:00Z", "2020-01-05T00:00:00Z"
LATER = "2020-06-01T00:00:00Z"
WHOLE = b"<OAI-PMH>?</OAI-PMH>"
NAMES = b"<OAI-PMH><header><identifier>a</identifier><datestamp>2020</datestamp></header></OAI-PMH>"
NO_MATCH = (
    b'<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2020-01-01T00:00:00Z</responseDate>'
    b'<request>x</request><error code="noRecordsMatch">x</error></OAI-PMH>'
)


def rules(**more: Any) -> WalkRules:
    known = {key: more.pop(key) for key in [one.name for one in fields(Traits)] if key in more}
    second, begin, end = timedelta(seconds=1), datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 12, 31, tzinfo=UTC)
    traits = Traits(**{"granule": second, "earliest": begin, "newest": end, "ranges": True, **known})
    return WalkRules(**{"base": BASE, "traits": traits, "granularity": "second", "claimed": "second", **more})


def row(verb: str = LIST_RECORDS, from_: str | None = None, until: str | None = None) -> WindowRow:
    return WindowRow(7, 1, None, verb, from_, until, "open", 0)


def reply(status: int = 200, body: bytes = WHOLE, **more: Any) -> Reply:
    return Reply(f"{BASE}?verb=ListRecords", status, (), body, **more)


def page(*names: str, token: str | None = None, stamp: str = DAY[0], **more: Any) -> DecodedPage:
    rows = tuple(Row(name, stamp, False, ()) for name in names)
    values: dict[str, Any] = {
        "rows": rows,
        "token": token,
        "has_token_element": token is not None,
        "complete_list_size": None,
        "cursor": None,
        "response_date": None,
        "payload": (),
        "digest": "".join(names).encode(),
        **more,
    }
    return DecodedPage(**values)


def said(action: list_walk.Action, answers: list[Answer]) -> str:
    """Describe an action; of what is kept, `answers` takes the answer as it would be stored."""
    match action:
        case list_walk.AskPage(_, number, token):
            return f"ask page {number}" + (f" by {token}" if token is not None else "")
        case list_walk.AskRecord(_, name, tries):
            return f"ask record {name}" + (f" after {tries}" if tries else "")
        case list_walk.Wait(tries):
            return f"wait {tries}"
        case list_walk.Report(found):
            return f"report {found.code}"
        case list_walk.EndWindow(on):
            return f"end {on.end}"
        case list_walk.EndRun(error):
            return f"stop {type(error).__name__}"
        case Keep():
            answers.append(action.answer(AT))
            return f"keep {type(action).__name__.removeprefix('Keep').lower()}"
    return f"{type(action).__name__}?"


@dataclass
class Told:
    """What was decided: actions in words, and the answers that are kept."""

    actions: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)


def run(steps: Steps, replies: dict[str, Any]) -> Told:
    """Run a decision; `replies` has the answers to its questions, or what they do, by name."""
    told, answer = Told(), None
    while True:
        try:
            action = steps.send(answer)
        except StopIteration:
            return told
        told.actions.append(said(action, told.answers))
        answer = replies.get(type(action).__name__)
        if callable(answer):
            answer = answer()


@dataclass
class Case:
    """Something that happened to a walk, and what is to follow.

    `known` are words of the rules and traits, `replies` answers to questions; `before` prepares the walk.
    """

    happened: Any
    follows: list[str]
    number: int = 1
    window: WindowRow = field(default_factory=row)
    known: dict[str, Any] = field(default_factory=dict)
    replies: dict[str, Any] = field(default_factory=dict)
    before: Callable[[Walk], object] = lambda on: None
    set_spec: str | None = None

    def begin(self) -> tuple[WalkRules, Walk]:
        the_rules = rules(**self.known)
        on = the_rules.begin(self.window, Channel(1, "oai_dc", self.set_spec), 1, tail=False)
        self.before(on)
        return the_rules, on


def after_page(token: str = "t", listed: int = 1, **more: Any) -> Callable[[Walk], object]:
    """A walk that has had a page, and goes on with a token."""
    return lambda on: on.chain.take(tokens.PageFacts(listed, token, True, b"first", **more))


def many(count: int) -> list[str]:
    return [f"r{n}" for n in range(count)]


ONE, TWO = page("a", token="t"), page("a")
LIST = row()
YEAR = row(from_="2020-01-01T00:00:00Z", until="2020-12-31T00:00:00Z")
SECOND = row(from_=POINT[0], until=POINT[1])
PAGES = {
    "a list in one response": Case(TWO, ["WhetherForeign?", "keep page", "end list-complete"]),
    "an empty list": Case(NOTHING, ["WhetherForeign?", "keep page", "end no-records"]),
    "a page with a token": Case(ONE, ["WhetherForeign?", "keep page", "ask page 2 by t"]),
    "a page whose successor was asked for ahead": Case(
        ONE, ["WhetherForeign?", "keep page"], before=lambda on: on.asked_ahead.update({2: "t"})
    ),
    "a page whose successor was asked for with another token": Case(
        ONE, ["WhetherForeign?", "keep page", "ask page 2 by t"], before=lambda on: on.asked_ahead.update({2: "s"})
    ),
    "the last page": Case(
        page("b", has_token_element=True), ["WhetherForeign?", "keep page", "end empty-token"], 2, before=after_page()
    ),
    "a token that was sent before": Case(
        page("b", token="t"), ["WhetherForeign?", "keep page", "end token-repeated"], 2, before=after_page()
    ),
    "a page of another list": Case(
        page("b", token="u"), ["WhetherForeign?", "keep stray", "end token-forgets"], 2, before=after_page(),
        replies={"WhetherForeign": True},
    ),
    "a list of several pages, before it is known whether windows can be cut": Case(
        ONE, ["WhetherForeign?", "keep page", "TryRanges?", "ask page 2 by t"], known={"ranges": None}
    ),
    "a list of one page tries nothing": Case(
        TWO, ["WhetherForeign?", "keep page", "end list-complete"], known={"ranges": None}
    ),
    "datestamps that are none": Case(
        page("a", token="t", stamp="x"),
        ["WhetherForeign?", "keep page", "TryApart?", "KnownStamp?", "ask page 2 by t"], known={"ranges": None},
    ),
    "datestamps that are none, but for one": Case(
        page("a", token="t", stamp="x"),
        ["WhetherForeign?", "keep page", "TryApart?", "KnownStamp?", "TryRanges?", "ask page 2 by t"],
        known={"ranges": None}, replies={"KnownStamp": DAY[0]},
    ),
    "more records than a window should hold": Case(
        page("a", token="t", complete_list_size=20_000), ["WhetherForeign?", "keep page", "end too-large"], window=YEAR
    ),
    "more than it should hold, in one second": Case(
        page("a", token="t", stamp=POINT[0], complete_list_size=20_000),
        ["WhetherForeign?", "keep page", "ask page 2 by t"], window=SECOND,
    ),
    "a sample that is full": Case(
        page("a", "b", token="t"), ["WhetherForeign?", "keep page", "end sample-taken"], known={"sample": 2}
    ),
    "a sample that is not": Case(
        page("a", "b", token="t"), ["WhetherForeign?", "keep page", "ask page 2 by t"], known={"sample": 3}
    ),
    "names, to be asked for one by one": Case(
        page("a", "b"), ["WhetherForeign?", "keep page", "ask record a", "ask record b"], window=row(GET_RECORD)
    ),
    "many of them": Case(
        page(*many(21)),
        ["WhetherForeign?", "keep page", "report asked-singly", *(f"ask record {name}" for name in many(21))],
        window=row(GET_RECORD),
    ),
    "no names": Case(
        NOTHING, ["WhetherForeign?", "keep page", "end no-records"], window=row(GET_RECORD)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_what_follows_a_page(name: str):
    case = PAGES[name]
    the_rules, on = case.begin()
    told = run(the_rules.page(on, case.number, reply(), case.happened), case.replies)
    assert told.actions == case.follows


def test_a_page_of_another_list_counts_for_nothing():
    case = PAGES["a page of another list"]
    the_rules, on = case.begin()
    foreign = page("b", token="u", unaccounted=("1 <record>",))
    told = run(the_rules.page(on, 2, reply(), foreign), case.replies)
    (answer,) = told.answers
    assert (answer.state, answer.outcomes, on.unaccounted) == ("refused", (), [])
    assert [note.code for note in answer.notes] == ["record-astray"]
    assert answer.refused is not None


def test_a_record_that_is_older_than_the_earliest_datestamp_is_reported_once_and_widens_the_bounds():
    the_rules = rules()
    the_rules.earliest = "2020-01-01T00:00:00Z"
    old = page("a", stamp="2019-01-01T00:00:00Z")
    for reports in (["report earliest-datestamp-late"], []):
        told = run(
            the_rules.page(the_rules.begin(LIST, Channel(1, "oai_dc", None), 1, tail=False), 1, reply(), old), {}
        )
        assert told.actions == ["WhetherForeign?", "keep page", *reports, "end list-complete"]
    assert the_rules.traits.earliest.year == 2019


@pytest.mark.parametrize(("ranges", "end"), [(True, "end too-large"), (False, "ask page 2 by t")])
def test_a_list_that_is_too_large_is_read_on_where_windows_turn_out_not_to_be_cut(ranges: bool, end: str):
    the_rules = rules(ranges=None)
    on = the_rules.begin(YEAR, Channel(1, "oai_dc", None), 1, tail=False)
    tried = {"TryRanges": lambda: setattr(the_rules.traits, "ranges", ranges)}
    told = run(the_rules.page(on, 1, reply(), page("a", token="t", complete_list_size=20_000)), tried)
    assert told.actions[2] == "TryRanges?"
    assert told.actions[-1] == end
    assert ("report ranges-ignored" in told.actions) is not ranges


def test_lists_that_begin_alike_show_that_bounds_are_ignored():
    the_rules, actions = rules(), []
    for month in range(1, 7):
        window = row(from_=f"2020-{month:02}-01T00:00:00Z", until=f"2020-{month:02}-02T00:00:00Z")
        on = the_rules.begin(window, Channel(1, "oai_dc", None), 1, tail=False)
        actions += run(the_rules.page(on, 1, reply(), page("a", "b")), {}).actions
    assert actions.count("report ranges-ignored") == 1
    assert the_rules.traits.ranges is False


def test_names_that_bring_nothing_are_sought_in_sets_which_are_listed_once():
    the_rules = rules()
    for listed in (["ListSets?"], []):
        on = the_rules.begin(row(GET_RECORD, *POINT), Channel(1, "oai_dc", None), 1, tail=False)
        told = run(the_rules.finish(on, tokens.PAGE_REFUSED), {"ListSets": ("one",)})
        assert told.actions == [*listed, "end page-refused"]
    assert the_rules.traits.sets == ("one",)


# --- failures

SOME = Unusable(tokens.PAGE_REFUSED, "HTTP status 500", 500, reply(500))
NONE = Unusable(tokens.PAGE_LOST, "timed out")
ODD = Unusable(tokens.PAGE_UNREADABLE, "not well-formed", 200, reply())
DEAD = Unusable(tokens.TOKEN_EXPIRED, "badResumptionToken", 200, reply(), "badResumptionToken")


def tried(times: int, *, token: bool = False, listed: int = 1) -> Callable[[Walk], object]:
    def prepare(on: Walk) -> None:
        on.tries = times
        if token:
            after_page(listed=listed)(on)

    return prepare


FAILURES = {
    "a URL that is too long is posted": Case(Unusable(tokens.PAGE_REFUSED, "414", 414, reply(414)), ["ask page 1"]),
    "a first failure": Case(SOME, ["WhetherRefused?", "wait 1", "ask page 1"]),
    "a failure after a token": Case(SOME, ["wait 1", "ask page 2 by t"], 2, before=after_page()),
    "a question that is refused": Case(
        SOME, ["WhetherRefused?", "LookInside?", "keep failure", "end page-refused"],
        replies={"WhetherRefused": True},
    ),
    "the last failure": Case(
        SOME, ["WhetherRefused?", "LookInside?", "keep failure", "end page-refused"], before=tried(4)
    ),
    "the last failure but one": Case(SOME, ["WhetherRefused?", "wait 4", "ask page 1"], before=tried(3)),
    "a token that is gone": Case(DEAD, ["keep failure", "end token-expired"], 2, before=after_page()),
    "a token that misses its prefix": Case(
        Unusable(tokens.PAGE_REFUSED, "badArgument: metadataPrefix is missing", 200, reply(), "badArgument"),
        ["ask page 2 by t"], 2, before=after_page(),
    ),
    "deep in a list": Case(
        SOME, ["wait 1", "ask page 2 by t"], 2, window=YEAR, before=tried(0, token=True, listed=2_000)
    ),
    "deep in a list, twice": Case(
        SOME, ["keep failure", "end page-refused"], 2, window=YEAR, before=tried(1, token=True, listed=2_000)
    ),
    "not so deep in a list, twice": Case(
        SOME, ["wait 2", "ask page 2 by t"], 2, window=YEAR, before=tried(1, token=True, listed=1_999)
    ),
    "one whole answer that cannot be read": Case(ODD, ["WhetherRefused?", "wait 1", "ask page 1"]),
    "the same one again": Case(
        ODD, ["WhetherRefused?", "LookInside?", "keep failure", "end page-unreadable"],
        before=lambda on: on.unreadable.add((1, ODD.reason)),
    ),
    "nobody there": Case(NONE, ["WhetherRefused?", "WhetherThere?", "stop Unreachable"], before=tried(4)),
    "somebody there": Case(
        NONE, ["WhetherRefused?", "WhetherThere?", "LookInside?", "keep failure", "end page-lost"],
        before=tried(4), replies={"WhetherThere": True},
    ),
    "a redirect in place of the first answer": Case(
        Unusable(tokens.PAGE_REFUSED, "leads away", 302, reply(302, not_followed="leads away")),
        ["WhetherRefused?", "stop UsageError"], before=tried(4),
    ),
    "names for records that cannot be listed": Case(
        SOME, ["WhetherRefused?", "LookInside?", "keep named", "keep failure", "end page-refused"],
        before=tried(4), replies={"LookInside": page("a", "b").rows},
    ),
    "a sample keeps no names": Case(
        SOME, ["WhetherRefused?", "LookInside?", "keep failure", "end page-refused"],
        before=tried(4), replies={"LookInside": page("a", "b").rows}, known={"sample": 5},
    ),
    "before a window is cut blindly": Case(
        SOME, ["WhetherRefused?", "TryApart?", "KnownStamp?", "LookInside?", "keep failure", "end page-refused"],
        before=tried(4), window=YEAR, known={"ranges": None},
    ),
    "a census looks at no names": Case(
        SOME, ["WhetherRefused?", "keep failure", "end page-refused"], before=tried(4), window=row(LIST_IDENTIFIERS)
    ),
    "a list of names that still shows whom to ask for": Case(
        Unusable(tokens.PAGE_UNREADABLE, "not well-formed", 200, reply(body=NAMES)),
        ["WhetherRefused?", "keep hinted", "ask record a"], before=tried(4), window=row(GET_RECORD),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_what_follows_a_failure(name: str):
    case = FAILURES[name]
    the_rules, on = case.begin()
    told = run(the_rules.unusable(on, case.number, case.happened), case.replies)
    assert told.actions == case.follows


def test_a_redirect_after_an_answer_ends_a_window_and_not_the_run():
    case = FAILURES["a redirect in place of the first answer"]
    the_rules, on = case.begin()
    first = the_rules.begin(LIST, on.channel, 1, tail=False)
    run(the_rules.page(first, 1, reply(), TWO), {})
    told = run(the_rules.unusable(on, 1, case.happened), {})
    assert told.actions[-2:] == ["keep failure", "end page-refused"]


def test_what_a_token_misses_is_sent_with_it_and_no_longer_where_that_does_not_help():
    case = FAILURES["a token that misses its prefix"]
    the_rules, on = case.begin()
    assert the_rules.page_url(on, "t") == f"{BASE}?verb=ListRecords&resumptionToken=t"
    run(the_rules.unusable(on, 2, case.happened), {})
    assert the_rules.page_url(on, "t") == f"{BASE}?verb=ListRecords&metadataPrefix=oai_dc&resumptionToken=t"
    told = run(the_rules.unusable(on, 2, case.happened), {})
    assert told.actions == ["wait 1", "ask page 2 by t"]
    assert the_rules.page_url(on, "t") == f"{BASE}?verb=ListRecords&resumptionToken=t"


def test_a_failure_is_kept_with_its_body_where_nothing_smaller_is_asked_for():
    for window, kept in ((SECOND, True), (YEAR, False)):
        the_rules = rules()
        on = the_rules.begin(window, Channel(1, "oai_dc", None), 1, tail=False)
        tried(4)(on)
        (answer,) = run(the_rules.unusable(on, 1, SOME), {}).answers
        assert (answer.state, answer.attempts, answer.refused is not None) == ("refused", 5, kept)


def test_the_url_of_a_posted_list_is_kept_without_its_arguments():
    the_rules = rules()
    on = the_rules.begin(LIST, Channel(1, "oai_dc", None), 1, tail=False)
    run(the_rules.unusable(on, 1, Unusable(tokens.PAGE_REFUSED, "414", 414, reply(414))), {})
    assert on.posts
    tried(4)(on)
    (answer,) = run(the_rules.unusable(on, 1, SOME), {}).answers
    assert answer.url == BASE


def test_only_names_that_belong_to_the_window_are_kept():
    the_rules = rules()
    on = the_rules.begin(SECOND, Channel(1, "oai_dc", None), 1, tail=False)
    tried(4)(on)
    inside, outside = page("a", stamp=POINT[0]).rows, page("b", stamp=LATER).rows
    told = run(the_rules.unusable(on, 1, SOME), {"LookInside": [*inside, *outside]})
    assert (told.answers[0].attempt, told.answers[0].outcomes) == (0, [("a", POINT[0], "open", None)])


def test_a_question_that_is_refused_ends_under_that_name():
    the_rules = rules()
    on = the_rules.begin(LIST, Channel(1, "oai_dc", None), 1, tail=False)
    refused = {"WhetherRefused": lambda: the_rules.verdicts.update({7: windows.Done()}) or True}
    told = run(the_rules.unusable(on, 1, SOME), refused)
    assert told.actions == ["WhetherRefused?", "keep failure", "end question-refused"]


def test_two_lists_that_break_off_at_the_same_place_show_a_depth_limit():
    the_rules = rules()
    for _ in range(2):
        on = the_rules.begin(YEAR, Channel(1, "oai_dc", None), 1, tail=False)
        tried(4, token=True, listed=500)(on)
        run(the_rules.unusable(on, 2, SOME), {})
    assert (the_rules.traits.depth, the_rules.traits.target, the_rules.traits.barren) == (500, 250, 2)


# --- single records

GONE = Unusable(tokens.PAGE_REFUSED, "HTTP status 410", 410, reply(410))
ABSENT = Unusable(tokens.PAGE_REFUSED, "idDoesNotExist: x", 200, reply(), "idDoesNotExist")
RECORDS: dict[str, tuple[DecodedPage | Unusable, int, list[str], str]] = {
    "a record": (TWO, 1, ["keep record", "end list-complete"], "read"),
    "no such record": (ABSENT, 1, ["keep norecord", "end list-complete"], "absent"),
    "a record that is gone": (GONE, 1, ["keep norecord", "end list-complete"], "deleted"),
    "a record that is closed": (
        Unusable(tokens.PAGE_REFUSED, "HTTP status 403", 403, reply(403)), 1, ["keep norecord", "end list-complete"],
        "forbidden",
    ),
    "an error": (SOME, 1, ["wait 1", "ask record a after 1"], ""),
    "an error each time": (SOME, 5, ["keep norecord", "end list-complete"], "refused"),
    "no answer": (NONE, 4, ["wait 4", "ask record a after 4"], ""),
    "no answer each time": (NONE, 5, ["keep norecord", "end list-complete"], "lost"),
    "an answer that cannot be read": (ODD, 1, ["wait 1", "ask record a after 1"], ""),
}  # fmt: skip


@pytest.mark.parametrize("name", RECORDS)
def test_what_follows_an_answer_for_one_record(name: str):
    result, times, follows, state = RECORDS[name]
    the_rules = rules()
    on = the_rules.begin(row(GET_RECORD), Channel(1, "oai_dc", None), 1, tail=False)
    on.names, on.end = {"a": None}, tokens.LIST_COMPLETE
    told = run(the_rules.record(on, "a", times, reply(), result), {})
    assert told.actions == follows
    assert [answer.state for answer in told.answers] == ([state] if state else [])


def test_the_window_ends_with_the_last_of_its_records_and_the_same_unreadable_answer_is_asked_for_twice_only():
    the_rules = rules()
    on = the_rules.begin(row(GET_RECORD), Channel(1, "oai_dc", None), 1, tail=False)
    on.names, on.end = {"a": None, "b": None}, tokens.LIST_COMPLETE
    assert run(the_rules.record(on, "a", 1, reply(), ODD), {}).actions == ["wait 1", "ask record a after 1"]
    assert run(the_rules.record(on, "a", 2, reply(), ODD), {}).actions == ["keep norecord"]
    assert run(the_rules.record(on, "b", 1, reply(), TWO), {}).actions == ["keep record", "end list-complete"]


@pytest.mark.parametrize(
    ("unusable", "listed", "codes"),
    [
        (ABSENT, True, ["listed-and-absent"]),
        (ABSENT, False, []),
        (GONE, True, []),
        (SOME, True, ["poison-record"]),
        (NONE, False, ["record-lost"]),
    ],
)
def test_what_is_reported_of_a_record_that_did_not_come(unusable: Unusable, listed: bool, codes: list[str]):
    on = rules().begin(row(GET_RECORD), Channel(1, "oai_dc", None), 1, tail=False)
    answer = KeepNoRecord(on, BASE, "a", 5, unusable, listed).answer(AT)
    assert [note.code for note in answer.notes] == codes
    assert bool(answer.payload) == (answer.state == "deleted") == (not answer.bare)
    assert (answer.refused is not None) == (answer.state == "refused")


# --- what replies mean

NO_TOKEN = ProviderError("badResumptionToken", "x")
JUDGED: dict[str, tuple[int, DecodedPage | HarvestError, Asked, str | None]] = {
    "a page": (200, TWO, Asked(), None),
    "an empty page, with whatever status": (422, NOTHING, Asked(), None),
    "a page in an error": (500, TWO, Asked(), tokens.PAGE_REFUSED),
    "a token in an error": (404, page(token="t"), Asked(), tokens.PAGE_REFUSED),
    "an error of the protocol": (200, ProviderError("badArgument", "x"), Asked(), tokens.PAGE_REFUSED),
    "a token that is gone": (200, NO_TOKEN, Asked(token="t"), tokens.TOKEN_EXPIRED),
    "something else": (200, MalformedPage("x"), Asked(), tokens.PAGE_UNREADABLE),
    "something else from a gateway": (502, MalformedPage("x"), Asked(), tokens.PAGE_LOST),
    "something else with a status": (404, MalformedPage("x"), Asked(), tokens.PAGE_REFUSED),
    "another redirect": (304, MalformedPage("x"), Asked(), tokens.PAGE_REFUSED),
    "the record": (200, TWO, Asked(identifier="a"), None),
    "another record": (200, TWO, Asked(identifier="b"), tokens.PAGE_UNREADABLE),
    "nothing more after a token": (200, NOTHING, Asked(token="t"), None),
}


@pytest.mark.parametrize("name", JUDGED)
def test_what_a_reply_is_taken_for(name: str):
    status, read, asked, end = JUDGED[name]
    result = rules().judge(reply(status), read, asked)
    assert (result.end if isinstance(result, Unusable) else None) == end
    assert isinstance(result, Unusable) or result is read


def test_no_records_in_response_to_a_token_is_a_token_that_died():
    answer = reply(body=NO_MATCH)
    result = rules().judge(answer, NOTHING, Asked(token="t"))
    assert isinstance(result, Unusable)
    assert (result.end, result.code) == (tokens.TOKEN_NO_RECORDS, "noRecordsMatch")
    assert rules().judge(answer, NOTHING, Asked()) is NOTHING


@pytest.mark.parametrize(
    ("code", "window", "asked", "may"),
    [
        ("cannotDisseminateFormat", YEAR, Asked(), True),
        ("badArgument", YEAR, Asked(), False),
        ("cannotDisseminateFormat", LIST, Asked(), False),
        ("cannotDisseminateFormat", YEAR, Asked(identifier="a"), False),
    ],
)
def test_an_error_may_say_that_a_range_is_empty(code: str, window: WindowRow, asked: Asked, may: bool):
    the_rules, error = rules(), ProviderError(code, "x")
    on = the_rules.begin(window, Channel(1, "oai_dc", None), 1, tail=False)
    assert the_rules.may_hold_nothing(error, on, asked) is may
    assert [found.code for found in the_rules.empty_range(error, on)] == ["empty-range-refused"]
    assert not the_rules.empty_range(error, on)  # once a run
    after_page()(on)
    assert not the_rules.may_hold_nothing(error, on, asked)


def test_what_is_unusual_in_pages_is_reported_once_a_run():
    the_rules, odd = rules(), page("a", deviations=("one", "two"))
    assert [found.code for found in the_rules.deviations(odd, b"")] == ["page-deviates", "page-deviates"]
    assert [found.code for found in the_rules.deviations(odd, b"<!-- -->")] == ["text-around-pages"]
    assert not the_rules.deviations(odd, b"<!-- -->")


TOKEN = b"<resumptionToken>t</resumptionToken></ListRecords></OAI-PMH>"


@pytest.mark.parametrize(
    ("number", "status", "body", "known", "pages"),
    [
        (1, 200, TOKEN, {}, []),
        (2, 200, TOKEN, {}, [3]),
        (4, 200, TOKEN, {}, [5]),
        (5, 200, TOKEN, {}, []),
        (2, 500, TOKEN, {}, []),
        (2, 200, b"</OAI-PMH>", {}, []),
        (2, 200, TOKEN, {"sample": 5}, []),
    ],
)
def test_the_next_page_is_asked_for_ahead_of_the_second_and_some_more(
    number: int, status: int, body: bytes, known: dict[str, Any], pages: list[int]
):
    the_rules = rules(**known)
    on = the_rules.begin(LIST, Channel(1, "oai_dc", None), 1, tail=False)
    on.judged = 1
    assert [ask.number for ask in the_rules.ahead(on, number, reply(status, body))] == pages
    assert not list(the_rules.ahead(on, number, reply(status, body)))  # once


@pytest.mark.parametrize(
    ("number", "token", "ended", "due"),
    [(1, None, None, True), (2, "t", None, True), (2, "s", None, False), (2, "t", "page-lost", False)],
)
def test_a_page_of_a_walk_that_went_another_way_does_not_count(
    number: int, token: str | None, ended: str | None, due: bool
):
    on = rules().begin(LIST, Channel(1, "oai_dc", None), 1, tail=False)
    after_page()(on)
    on.end = ended
    assert on.is_due(number, token) is due


# --- windows


@pytest.mark.parametrize(
    ("window", "known", "limit"),
    [
        (YEAR, {}, 10_000),
        (YEAR, {"depth": 300}, 300),
        (YEAR, {"fit_page": True}, 0),
        (SECOND, {}, None),
        (YEAR, {"ranges": False}, None),
        (YEAR, {"sample": 5}, None),
        (row(GET_RECORD, *DAY), {}, None),
        (row("ids"), {}, None),
    ],
)
def test_how_many_records_a_walk_may_bring(window: WindowRow, known: dict[str, Any], limit: int | None):
    assert rules(**known).begin(window, Channel(1, "oai_dc", None), 1, tail=False).chain.limit == limit


def test_what_becomes_of_a_window_that_ended():
    def decided(the_rules: WalkRules, window: WindowRow = YEAR, *, tail: bool = False) -> windows.Decision:
        on = the_rules.begin(window, Channel(1, "oai_dc", None), 1, tail=tail)
        run(the_rules.page(on, 1, reply(), NOTHING), {})
        return the_rules.decide(on.over(), WindowCount(0, 0), tail=tail)

    assert decided(rules()) == windows.Done()
    assert decided(rules(ranges=False)) == windows.Again()  # noRecordsMatch, though bounds are not honoured
    assert decided(rules(ranges=False), tail=True) == windows.Done()
    assert decided(rules(ranges=False, named_only=True)) == windows.Done()
    assert decided(rules(ranges=False), row("ids", *DAY)) == windows.Done()
    refused = rules(verdicts={7: windows.Lost()})
    assert decided(refused) == windows.Lost()
    assert not refused.verdicts  # once


@pytest.mark.parametrize(
    ("rows", "known", "replies", "follows"),
    [
        ([LIST], {"ranges": None}, {}, []),
        ([YEAR], {}, {}, []),
        ([YEAR], {"ranges": None}, {}, ["KnownStamp?"]),
        ([LIST, YEAR], {"ranges": None}, {"KnownStamp": DAY[0]}, ["KnownStamp?", "TryRanges?"]),
    ],
)
def test_whether_until_is_included_is_tried_before_a_window_with_an_end(
    rows: list[WindowRow], known: dict[str, Any], replies: dict[str, Any], follows: list[str]
):
    the_rules = rules(**known)
    assert run(the_rules.try_before(rows, {1: Channel(1, "oai_dc", None)}), replies).actions == follows


@pytest.mark.parametrize(
    ("known", "granularity", "bounds"),
    [
        ({}, "second", DAY),
        ({}, "day", ("2020-01-01", "2020-01-01")),
        ({"until_excluded": True}, "second", (DAY[0], "2020-01-02T00:00:00Z")),
    ],
)
def test_bounds_are_sent_in_the_form_that_the_provider_takes(
    known: dict[str, Any], granularity: str, bounds: tuple[str, str]
):
    the_rules = rules(granularity=granularity, **known)
    on = the_rules.begin(row(LIST_RECORDS, *DAY), Channel(1, "oai_dc", "a b", "a:b"), 1, tail=False)
    assert the_rules.sent_bounds(on.span) == bounds
    sent = the_rules.page_url(on, None)
    assert sent.startswith(f"{BASE}?verb=ListRecords&metadataPrefix=oai_dc&from=2020-01-01")
    assert sent.endswith("set=a:b")


def test_every_kind_of_failure_is_kept_as_lost_or_refused():
    on = rules().begin(LIST, Channel(1, "oai_dc", None), 1, tail=False)
    for unusable, state in ((NONE, "lost"), (SOME, "refused"), (ODD, "refused"), (DEAD, "refused")):
        assert KeepFailure(on, BASE, BASE, unusable, quarantine=False).answer(AT).state == state
    assert KeepNamed(on, BASE, ()).answer(AT).bare


def test_two_moments_that_hold_the_same_show_that_bounds_are_ignored():
    the_rules = rules(ranges=None)
    on = the_rules.begin(YEAR, Channel(1, "oai_dc", None), 1, tail=False)
    tried(4)(on)
    apart = {"TryApart": lambda: setattr(the_rules.traits, "ranges", False)}
    told = run(the_rules.unusable(on, 1, SOME), apart)
    assert told.actions[1:3] == ["TryApart?", "report ranges-ignored"]
    assert told.answers[0].refused is not None  # nothing smaller can be asked for


def test_another_granularity_is_used_for_what_is_sent_and_cut():
    the_rules = rules()
    the_rules.use_form("day")
    assert the_rules.texts(the_rules.begin(YEAR, Channel(1, "oai_dc", None), 1, tail=False).span) == (
        "2020-01-01",
        "2020-12-31",
    )
    assert the_rules.traits.granule == timedelta(days=1)


def test_a_page_astray_names_its_set_and_a_record_alone_what_could_not_be_read():
    on = rules().begin(LIST, Channel(1, "oai_dc", "physics"), 1, tail=False)
    (note,) = KeepStray(on, reply(), TWO).answer(AT).notes
    assert "set physics" in note.message
    answer = KeepRecord(on, BASE, "a", 1, 200, page("a", unaccounted=("1 <about> x",))).answer(AT)
    assert [note.code for note in answer.notes] == ["page-unaccounted"]
    torn = Reply(BASE, 410, (("Content-Encoding", "gzip"),), b"\x1f\x8b torn")
    gone = KeepNoRecord(on, BASE, "a", 1, Unusable(tokens.PAGE_REFUSED, "HTTP status 410", 410, torn), True).answer(AT)
    assert (gone.state, len(gone.payload)) == ("deleted", 1)
