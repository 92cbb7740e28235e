"""The report as Markdown, and as JSON with stable keys."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from archive.audits import Total
from archive.formats import printable, size_text
from archive.report.breakdown import Cut
from archive.report.charts import shares
from archive.report.values import Compared, GapMap, ReportValues, Tally
from archive.report.words import (
    EXAMPLES_OF,
    WORDS,
    floored,
    is_complete,
    moment,
    number,
    one_line,
    share,
    verdict,
)
from archive.store import STATES, Account

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_URL = re.compile(r"https?://[^\s<>]+")
_TALLY = ("expected", "same", "differ", "missing", "extra", "not told")
# columns of numbers
_RIGHT = frozenset(
    (
        "ids",
        "share",
        "listed",
        *STATES,
        *_TALLY,
        "from",
        "to",
        "ids missing",
        "requests",
        "records",
        "size",
        "count",
        "stated",
        "counted",
    )
)
# how many items of each list Markdown shows; the page and the JSON have more
_NAMED = 10


def as_json(values: ReportValues) -> dict[str, Any]:
    """Convert everything that the page shows to JSON values."""
    return {
        "name": values.name,
        "source": values.source,
        "state": values.state,
        "made": values.made.isoformat(),
        "complete": is_complete(values),
        "verdict": verdict(values),
        **_account(values.account),
        "compared": None if values.compared is None else _compared(values.compared),
        "months": [_cut(cut, "month") for cut in values.months],
        "years": [_cut(cut, "year") for cut in values.years],
        "sets": None if values.sets is None else [_cut(cut, "set") for cut in values.sets],
        "sets_in_all": values.sets_in_all,
        "windows": values.windows,
        "windows_left": [
            {"run": cut.run, "channel": cut.channel, **_cut(cut, "window"), "about": cut.about}
            for cut in values.windows_left
        ],
        "runs": [_run(run) for run in values.runs],
        "runs_in_all": values.runs_in_all,
        "timelines": [{**asdict(line), "start": line.start.isoformat()} for line in values.timelines],
        "findings": [{**asdict(found), "examples": [*map(list, found.examples)]} for found in values.findings],
        "shards": values.shards,
        "damaged": list(values.damaged),
    }


def as_markdown(values: ReportValues) -> str:
    """Render the report as text: the numbers of the page, and some of its examples."""
    parts = [
        f"# {_text(values.name)}",
        f"Records of {_link(values.source)}. Report of {moment(values.made)} UTC.",
        f"**{_text(verdict(values))}**",
        *_off(values),
        *_account_text(values),
        *(_compared_text(values.compared) if values.compared is not None else ()),
        "## States by year",
        _cuts_text("year", values.years),
        "## States by set",
        _sets_text(values),
        "## Runs",
        _runs_text(values),
        "## Findings",
        _findings_text(values),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


# --- JSON


def _account(account: Account) -> dict[str, Any]:
    return {
        "listed": account.listed,
        "states": account.states,
        "balanced": account.balanced,
        "off": [{"table": off.table, "row": off.row, "message": off.message} for off in account.off],
        "channels": [
            {"channel": one.channel, "listed": one.listed, "states": one.states, "balanced": one.balanced}
            for one in account.channels
        ],
    }


def _run(run: Any) -> dict[str, Any]:
    names = ("run", "spider", "mode", "state", "started", "finished", "requests", "records", "content_bytes")
    return {name: getattr(run, name) for name in names} | _account(run.account) | {"complete": run.account.complete}


def _cut(cut: Cut, by: str) -> dict[str, Any]:
    return {by: cut.value, "listed": cut.listed, "states": cut.states, "balanced": cut.balanced}


def _compared(compared: Compared) -> dict[str, Any]:
    return {
        "target": compared.target,
        **compared.words,
        "completeness": round(compared.completeness, 4),
        "complete": compared.complete,
        "balanced": compared.balanced,
        "finished": compared.finished,
        "lost_windows": compared.lost_windows,
        "reasons": compared.reasons,
        "differences": compared.differences,
        "totals": [{**asdict(total), "agrees": total.agrees} for total in compared.totals],
        "by": {
            by: [{"group": one.label, **asdict(one.tally)} for one in groups] for by, groups in compared.groups.items()
        },
        "channels": {channel: asdict(tally) for channel, tally in compared.channels.items()},
        "periods": [{"period": period.label, **asdict(period.tally)} for period in compared.periods],
        "maps": [_map(drawn) for drawn in compared.maps],
        "examples": [asdict(example) for example in compared.examples],
    }


def _map(drawn: GapMap) -> dict[str, Any]:
    return {
        "prefix": drawn.prefix,
        "share": drawn.share,
        "cells": [{"first": cell.first, "last": cell.last, **asdict(cell.tally)} for cell in drawn.cells],
        "runs": [asdict(run) for run in drawn.runs],
        "runs_in_all": drawn.runs_in_all,
    }


# --- Markdown


def _off(values: ReportValues) -> Iterable[str]:
    rows = [*(off.message for off in values.account.off), *values.damaged]
    if rows:
        yield "## What does not add up"
        yield "\n".join(f"- {_text(row)}" for row in rows)


def _account_text(values: ReportValues) -> Iterable[str]:
    account = values.account
    counts = [account.states[state] for state in STATES]
    yield "## The account"
    rows = [
        (state, number(count), share(parts))
        for state, count, parts in zip(STATES, counts, shares(counts), strict=True)
        if count
    ]
    yield _table(
        ("state", "ids", "share"),
        [*rows, ("listed", number(account.listed), share(1_000_000))],
    )
    lines = [(str(run.run), channel) for run in values.runs[:_NAMED] for channel in run.account.channels]
    yield _table(
        ("run", "channel", "listed", *STATES, "balanced"),
        [
            (
                run,
                channel.channel,
                number(channel.listed),
                *(number(channel.states[state]) for state in STATES),
                "yes" if channel.balanced else "NO",
            )
            for run, channel in lines
        ],
    )


def _compared_text(compared: Compared) -> Iterable[str]:
    yield f"## Against {_text(compared.target)}"
    yield f"{floored(compared.completeness)} % of what the target names is held."
    yield _table(("", "ids", ""), [(w, number(compared.words[w]), told) for w, told in WORDS])
    for title, counts in (("Why ids are missing", compared.reasons), ("How ids differ", compared.differences)):
        if counts:
            rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
            yield f"### {title}"
            yield _table(("reason", "ids"), [(reason, number(count)) for reason, count in rows[:60]])
    if compared.totals:
        yield "### Stated totals"
        yield _table(("total", "stated", "counted", "agrees"), [_total(total) for total in compared.totals[:60]])
    for by, groups in compared.groups.items():
        yield f"### By {by}"
        yield _table((by, *_TALLY), [(one.label, *_counts(one.tally)) for one in groups])
    yield "### By datestamp"
    rows_of = [
        (period.label or "none known", *_counts(period.tally)) for period in compared.periods if period.tally.total
    ]
    yield _table(
        ("period", *_TALLY),
        rows_of,
    )
    for drawn in compared.maps:
        yield f"### Gaps of {_text(drawn.prefix) or 'ids that are numbers'}"
        yield from _gaps_text(drawn)
    for mark, word in EXAMPLES_OF:
        if found := [example for example in compared.examples if example.mark == mark][:_NAMED]:
            yield f"### The first of {number(compared.words[word])} {word}"
            yield _table(
                ("id", "reason", "there", "here"),
                [(one.identifier, one.reason or "", one.there or "", one.here or "") for one in found],
            )


def _total(total: Total) -> tuple[str, ...]:
    name = total.name if total.seen is None else f"{total.name}, {total.seen}"
    return name, number(total.stated), number(total.counted), "yes" if total.agrees else "NO"


def _gaps_text(drawn: GapMap) -> Iterable[str]:
    if not drawn.runs:
        yield f"None: {number(drawn.tally.expected)} expected, from {drawn.cells[0].first} to {drawn.cells[-1].last}."
        return
    shown = drawn.runs[:_NAMED]
    yield f"{number(drawn.tally.missing)} missing in {number(drawn.runs_in_all)} runs; the longest:"
    yield _table(("from", "to", "ids missing"), [(str(run.first), str(run.last), number(run.ids)) for run in shown])


def _cuts_text(head: str, cuts: Sequence[Cut]) -> str:
    rows = [
        (
            cut.value or "none known",
            number(cut.listed),
            *(number(cut.states[state]) for state in STATES),
            "yes" if cut.balanced else "NO",
        )
        for cut in cuts
    ]
    return (
        _table(
            (head, "listed", *STATES, "balanced"),
            rows,
        )
        if rows
        else "None."
    )


def _sets_text(values: ReportValues) -> str:
    if values.sets is None:
        return "Sets are known to a current index only: `harvester index` makes it."
    return _cuts_text("set", values.sets)


def _runs_text(values: ReportValues) -> str:
    rows = [
        (
            str(run.run),
            f"{run.spider}, {run.mode}",
            run.state,
            run.started,
            run.finished or "",
            number(run.requests),
            number(run.records),
            size_text(run.content_bytes),
        )
        for run in values.runs
    ]
    return _table(("run", "how", "state", "began", "ended", "requests", "records", "size"), rows) if rows else "None."


def _findings_text(values: ReportValues) -> str:
    rows = [(one.severity, one.code, number(one.count), one.examples[0].message) for one in values.findings]
    return _table(("severity", "code", "count", "the first"), rows) if rows else "None."


def _counts(tally: Tally) -> tuple[str, ...]:
    counts = (tally.expected, tally.same, tally.differs, tally.missing, tally.extra, tally.untold)
    return tuple(map(number, counts))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a table of GitHub's Markdown; columns of numbers are right-aligned."""
    rule = ["---:" if name in _RIGHT else "---" for name in head]
    lines = [[_text(cell) for cell in head], rule, *([_text(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _link(url: str) -> str:
    return f"<{url}>" if _URL.fullmatch(url) else _text(url)


def _text(text: object) -> str:
    """Escape a text as one line that Markdown shows unchanged: no markup, no HTML, no link."""
    line = _SPECIAL.sub(r"\\\1", one_line(text)).replace("://", ":&#47;&#47;").replace("www.", "www&#46;")
    return printable(line)
