"""What a harvest will cost: requests, seconds and bytes of each channel, and what the channel cannot see.

Pure: a source and the answers to some cheap questions in, numbers out. A channel's strictest budget rules: 30 a
minute are 2 seconds each; 133 a minute and 8,000 an hour are about the same, 0.45 seconds each.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

from harvester.ratelimit import Budget, budget_text, covers
from harvester.sources import MixStep, Search, Source

Number = TypeVar("Number", int, float)
# what is reckoned with where nothing was measured, and said so
ANSWER_SECONDS = 0.5
DOWNLOAD_BYTES_PER_SECOND = 5_000_000
# records of a dump that are read and kept, on two cores
KEPT_A_SECOND = 5_000
# a dump is made once a month
DUMP_DAYS = 31
UNLIMITED = "as fast as it answers"
# an answer that there is no such record
ABSENT_BYTES = 100


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known of a source when it is planned; None is not known.

    `listed` records are in its OAI-PMH lists (all sets, one prefix), `sample` is the identifier of one of them, `tail`
    of them changed since the dump of `dump_made` was made; `found` are what its search finds, `found_least` where it
    may count no further. Sizes are bytes,
    `*_seconds` how long one answer took. `budgets` were read from headers of its answers, `limits` are these headers
    in words, `unanswered` are the questions that brought nothing.
    """

    counted: str = ""
    listed: int | None = None
    page_records: int | None = None
    list_record_bytes: float | None = None
    page_seconds: float | None = None
    deleted_record: str | None = None
    found: int | None = None
    record_bytes: float | None = None
    record_seconds: float | None = None
    dump_bytes: int | None = None
    dump_made: str | None = None
    tail: int | None = None
    sample: str | None = None
    budgets: tuple[Budget, ...] = ()
    limits: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    found_least: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """What a channel, or a step of a mix, takes. None where what is known does not say.

    `pace` says in words which limit rules, `assumed` what was not measured, `blind` what this way cannot see.
    """

    spider: str
    what: str
    records: int | None
    requests: int | None
    seconds: float | None
    bytes: int | None
    pace: str
    blind: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds from one request to the next, and the limit that makes it so."""

    seconds: float
    words: str


@dataclass(slots=True)
class _Reckoning:
    """A source, the answers, and what had to be assumed on the way."""

    source: Source
    answers: Answers
    has_token: bool
    ids: int | None = None
    assumed: list[str] = field(default_factory=list)

    def pace(self, url: str, answer_seconds: float | None, connections: int) -> Pace:
        """The pace on an endpoint: that of its strictest limit, or of its answers where none is stricter."""
        each = (answer_seconds or ANSWER_SECONDS) / connections
        found = pace(self.source, url, each, self.has_token, self.answers.budgets)
        if found.words == UNLIMITED and answer_seconds is None:
            self.assumed.append(f"an answer takes {ANSWER_SECONDS:g} s")
        return found


def channel_costs(
    source: Source, answers: Answers, *, has_token: bool = False, ids: int | None = None
) -> tuple[Cost, ...]:
    """What each way into a source would take alone, in the order of its parts; `ids` is how many to probe."""
    costs = {"oaipmh": _full_list, "idrange": _range, "search": _search, "exporter": _dump}
    return tuple(costs[part](_Reckoning(source, answers, has_token, ids)) for part in source.parts)


def step_cost(source: Source, answers: Answers, step: MixStep, *, has_token: bool = False) -> Cost:
    """What one step of a mix takes: the tail of a list rather than all of it, the ids of a list rather than a range."""
    reckoning = _Reckoning(source, answers, has_token)
    if step.spider == "oaipmh":
        return _tail(reckoning) if step.arguments.get("mode") == "incremental" else _full_list(reckoning)
    if step.spider == "idrange":
        return _census(reckoning, step) if step.arguments.get("ids") == "census" else _range(reckoning)
    return _search(reckoning) if step.spider == "search" else _dump(reckoning)


def from_counts(source: Source) -> Answers:
    """What the source's own file says, with the day when it was so."""
    if (counts := source.counts) is None:
        return Answers()
    return Answers(
        counted=counts.seen,
        listed=counts.listed,
        list_record_bytes=counts.list_record_bytes,
        found=counts.found,
        record_bytes=counts.record_bytes,
        dump_bytes=counts.dump_bytes,
    )


def pace(
    source: Source, url: str, answer_seconds: float, has_token: bool = False, seen: tuple[Budget, ...] = ()
) -> Pace:
    """How fast one endpoint may be asked, by the source's budgets and delay, those seen, and its own speed."""
    parts = urlsplit(url)
    budgets = source.host_budgets(has_token).get(parts.netloc.lower(), ())
    found = [
        Pace(budget.seconds / budget.requests, budget_text(budget))
        for budget in (*budgets, *seen)
        if covers(budget.path, parts.path)
    ]
    if source.delay_seconds:
        found.append(Pace(source.delay_seconds, f"{source.delay_seconds:g} s between requests"))
    found.append(Pace(answer_seconds, UNLIMITED))
    return max(found, key=lambda pace: pace.seconds)


def total(costs: Iterable[Cost]) -> tuple[int | None, float | None, int | None]:
    """(requests, seconds, bytes) of steps taken one after the other; None where one of them is not known."""
    requests, seconds, size = zip(*((cost.requests, cost.seconds, cost.bytes) for cost in costs), strict=True)
    return (
        None if None in requests else sum(requests),
        None if None in seconds else sum(seconds),
        None if None in size else sum(size),
    )


# --- the channels


def _full_list(reckoning: _Reckoning) -> Cost:
    """The whole list over OAI-PMH, in each prefix."""
    prefixes = len(reckoning.source.oaipmh.prefixes) if reckoning.source.oaipmh else 1
    return _list(reckoning, reckoning.answers.listed, prefixes, "the whole list" + _each(prefixes, "prefix"))


def _tail(reckoning: _Reckoning) -> Cost:
    """What changed since the dump was made."""
    answers = reckoning.answers
    records, days = answers.tail, DUMP_DAYS
    if records is None and reckoning.source.counts and reckoning.source.counts.changed_a_day:
        records = reckoning.source.counts.changed_a_day * days
        reckoning.assumed.append(f"a dump that is {days} days old")
    prefixes = len(reckoning.source.oaipmh.prefixes) if reckoning.source.oaipmh else 1
    since = answers.dump_made or ("the dump" if reckoning.source.exporter else "the last complete run")
    return _list(reckoning, records, prefixes, f"what changed since {since}")


def _list(reckoning: _Reckoning, records: int | None, prefixes: int, what: str) -> Cost:
    endpoint, answers = reckoning.source.oaipmh, reckoning.answers
    assert endpoint is not None
    page = answers.page_records or endpoint.page_records
    pace = reckoning.pace(endpoint.url, answers.page_seconds, endpoint.windows)
    requests = None if records is None or page is None else max(1, math.ceil(records / page)) * prefixes
    return Cost(
        spider="oaipmh",
        what=what,
        records=_times(records, prefixes),
        requests=requests,
        seconds=_times(requests, pace.seconds),
        bytes=_bytes(records, answers.list_record_bytes, prefixes),
        pace=pace.words,
        blind=_blind_lists(reckoning),
        assumed=tuple(reckoning.assumed),
    )


def _range(reckoning: _Reckoning) -> Cost:
    """A range of ids, each asked for in one form."""
    endpoint, answers = reckoning.source.idrange, reckoning.answers
    assert endpoint is not None
    whole = None if endpoint.highest is None else endpoint.highest - endpoint.lowest + 1
    ids = reckoning.ids or whole
    pace = reckoning.pace(endpoint.url, answers.record_seconds, endpoint.connections)
    # those that are there are taken to lie as densely in a part of the range as in all of it
    there = None if not ids or not whole or answers.listed is None else min(ids, answers.listed * ids // whole)
    size = _bytes(there, answers.record_bytes)
    forms = f", one of {len(endpoint.channels)} forms" if len(endpoint.channels) > 1 else ""
    return Cost(
        spider="idrange",
        what=(f"{ids:,} ids" if ids else "no range: ids come from a list") + forms,
        records=there,
        requests=ids,
        seconds=_times(ids, pace.seconds),
        bytes=None if size is None or ids is None or there is None else size + (ids - there) * ABSENT_BYTES,
        pace=pace.words,
        blind=_blind_ids(reckoning),
        assumed=tuple(reckoning.assumed),
    )


def _census(reckoning: _Reckoning, step: MixStep) -> Cost:
    """The ids of a list, each asked for in the forms of the step."""
    endpoint, oaipmh, answers = reckoning.source.idrange, reckoning.source.oaipmh, reckoning.answers
    assert endpoint is not None
    forms = len(step.arguments.get("accept", "").split(",")) if "accept" in step.arguments else len(endpoint.channels)
    pace = reckoning.pace(endpoint.url, answers.record_seconds, endpoint.connections)
    page = answers.page_records or (oaipmh.page_records if oaipmh else None)
    ids, asked = answers.listed, _times(answers.listed, forms)
    requests = None if asked is None or ids is None or page is None else asked + max(1, math.ceil(ids / page))
    return Cost(
        spider="idrange",
        what="the ids that OAI-PMH lists" + _each(forms, "form"),
        records=asked,
        requests=requests,
        seconds=_times(requests, pace.seconds),
        bytes=_bytes(ids, answers.record_bytes, forms),
        pace=pace.words,
        blind=("what OAI-PMH does not list",),
        assumed=tuple(reckoning.assumed),
    )


def _search(reckoning: _Reckoning) -> Cost:
    """All that a search finds, in slices that fit under its window."""
    endpoint, answers = reckoning.source.search, reckoning.answers
    assert endpoint is not None
    size = (endpoint.size_with_token if reckoning.has_token else None) or endpoint.size
    pace = reckoning.pace(endpoint.url, answers.page_seconds, 1)
    if answers.found_least:
        reckoning.assumed.append(f"the search has no more than {answers.found:,}, though it may count no further")
    requests = None if answers.found is None else max(1, math.ceil(answers.found / size)) + _slices(endpoint, answers)
    return Cost(
        spider="search",
        what=f"pages of {size:,}",
        records=answers.found,
        requests=requests,
        seconds=_times(requests, pace.seconds),
        bytes=_bytes(answers.found, answers.record_bytes),
        pace=pace.words,
        blind=_blind_search(endpoint),
        assumed=tuple(reckoning.assumed),
    )


def _slices(endpoint: Search, answers: Answers) -> int:
    """Requests that only find out how large a slice is: halving until each is at most the window."""
    window = _window(endpoint)
    if window is None or answers.found is None or answers.found <= window:
        return 0
    return 2 * math.ceil(answers.found / window)


def _window(endpoint: Search) -> int | None:
    """The window of results that a source's file names; None where it names none."""
    return endpoint.window if "window" in endpoint.model_fields_set else None


def _dump(reckoning: _Reckoning) -> Cost:
    """The provider's own dump: a listing and its files."""
    endpoint, answers = reckoning.source.exporter, reckoning.answers
    assert endpoint is not None
    files = [*endpoint.records, *([endpoint.deletions] if endpoint.deletions else [])]
    reckoning.assumed.append(f"a download of {DOWNLOAD_BYTES_PER_SECOND // 10**6} MB a second")
    seconds = None if answers.dump_bytes is None else answers.dump_bytes / DOWNLOAD_BYTES_PER_SECOND
    if seconds is not None and answers.listed is not None:
        reckoning.assumed.append(f"{KEPT_A_SECOND:,} records a second read and kept")
        seconds += answers.listed / KEPT_A_SECOND
    made = f"it was made, {answers.dump_made}" if answers.dump_made else "it was made"
    blind = (f"what changed since {made}", "restricted records")
    return Cost(
        spider="exporter",
        what=" and ".join(files),
        records=answers.listed,
        requests=1 + len(files),
        seconds=seconds,
        bytes=answers.dump_bytes,
        pace="a few large files",
        blind=blind,
        assumed=tuple(reckoning.assumed),
    )


# --- what cannot be seen


def _blind_lists(reckoning: _Reckoning) -> tuple[str, ...]:
    endpoint, answers = reckoning.source.oaipmh, reckoning.answers
    said = answers.deleted_record
    assert endpoint is not None
    if endpoint.deletions is False or (endpoint.deletions is None and said == "no"):
        return ("deletions: deleted and restricted records vanish from the list",)
    if endpoint.deletions is None and said != "persistent":
        return ("deletions, some of them: deletedRecord is transient" if said else "deletions, maybe: not known here",)
    return ()


def _blind_ids(reckoning: _Reckoning) -> tuple[str, ...]:
    endpoint = reckoning.source.idrange
    assert endpoint is not None
    above = (f"what is above {endpoint.highest:,}, unless the range is left open",) if endpoint.highest else ()
    return (*above, "whether an absent id was ever used")


def _blind_search(endpoint: Search) -> tuple[str, ...]:
    window = _window(endpoint)
    return ("deletions", *([f"more than {window:,} hits a query: it is cut in slices"] if window else []))


# --- numbers that may not be known


def _times(number: int | None, by: Number) -> Number | None:
    return None if number is None else number * by


def _bytes(records: int | None, each: float | None, times: int = 1) -> int | None:
    return None if records is None or each is None else round(records * each * times)


def _each(number: int, of: str) -> str:
    return f" in {number} {of}{'es' if of.endswith('x') else 's'}" if number > 1 else ""
