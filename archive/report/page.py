"""The report as a page; and an audited migration, an uploader's log, or both, as a page of the same style."""

import base64
import hashlib
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined

from archive.formats import size_text
from archive.report.charts import (
    BAR_PIXELS,
    ROW_PIXELS,
    ceiling,
    map_boxes,
    map_rows,
    period_boxes,
    period_strip,
    request_boxes,
    segments,
    wait_boxes,
)
from archive.report.queries import queries_of
from archive.report.values import Compared, ReportValues, Tally, Timeline
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
from archive.store import STATES

# what is distinguished by a colour is also distinguished by a pattern
_PATTERNS = {
    "s-deleted": "p-hatch",
    "s-moved": "p-dots",
    "s-forbidden": "p-lines",
    "s-refused": "p-back",
    "s-lost": "p-cross",
    "s-open": "p-dots",
    "s-stale": "p-dots",
    "s-missing": "p-back",
    "b-missing": "p-back",
    "b-wait": "p-hatch",
    "c-m4": "p-back",
    "c-all": "p-cut",
    "c-extra": "p-dots",
}
_LEVELS = (
    ("whole", "nothing missing"),
    ("m1", "up to 1 % missing"),
    ("m2", "up to 10 %"),
    ("m3", "up to 50 %"),
    ("m4", "more"),
    ("all", "all missing"),
    ("empty", "no ids"),
    ("extra", "none expected, some here"),
)
_SECTION = {
    "report_months": "time",
    "report_prefixes": "map",
    "report_map": "map",
    "report_gaps": "map",
    "report_ids": "comparison",
    "audit_paired": "comparison",
    "audit_marked": "comparison",
    "audit_counts": "comparison",
    "account_by_month": "states",
    "account_by_set": "states",
    "work_of_runs": "runs",
    "report_timeline": "runs",
    "report_waits": "runs",
    "report_answers": "runs",
    "report_findings": "findings",
}
# counts that are shown even if they are 0
_ALWAYS = ("expected", "held", "same", "stale", "missing", "extra")
_SHORT = 400


def as_html(values: ReportValues) -> str:
    """Render one self-contained page; the same values give the same bytes."""
    compared, style = values.compared, page_style()
    account = values.account.states
    rest = {state: count for state, count in account.items() if state not in ("read", "deleted")}
    small = 0 < sum(rest.values()) < 0.1 * max(1, values.account.listed)
    return (
        page_environment()
        .get_template("page.html.j2")
        .render(
            v=values,
            c=compared,
            complete=is_complete(values),
            balanced=_balanced(values),
            verdict=verdict(values),
            style=style,
            style_hash=hash_of(style),
            sections=_sections(values),
            queries=queries_of(values),
            enlarged=rest if small else None,
            present_states=[state for state in STATES if account[state]],
            shown_states=_shown_states(values),
            timelines=[_chart(line) for line in values.timelines],
            **(_of_comparison(compared) if compared else {}),
        )
    )


# --- helpers


def _sections(values: ReportValues) -> list[tuple[str, str]]:
    compared = [("comparison", "Comparison"), ("time", "Over time"), ("map", "Map of gaps")]
    return [
        ("account", "Account"),
        *(compared if values.compared else []),
        ("states", "Years and sets"),
        ("runs", "Requests and waits"),
        ("findings", "Findings"),
        ("archive", "On disk"),
        ("sql", "SQL"),
    ]


def _of_comparison(compared: Compared) -> dict[str, Any]:
    dated = [period for period in compared.periods if period.label is not None]
    top = ceiling(max((period.tally.expected for period in dated), default=1))
    target = "its ledger" if compared.target == "ledger" else compared.target
    return {
        "target": target,
        "words": [(word, told) for word, told in WORDS if compared.words[word] or word in _ALWAYS],
        "because": [
            (title, sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:60], sum(counts.values()))
            for title, counts in (
                (f"Why {compared.words['missing']:,} are missing", compared.reasons),
                (f"How {compared.words['stale']:,} differ", compared.differences),
            )
            if counts
        ],
        "examples": [
            (mark, f"The first {len(found)} of {compared.words[word]:,} {word}", found)
            for mark, word in EXAMPLES_OF
            if (found := [example for example in compared.examples if example.mark == mark])
        ],
        "dated": dated,
        "undated": next((period for period in compared.periods if period.label is None), None),
        "period_top": top,
        "period_boxes": period_boxes(dated, top),
        "strip_boxes": period_strip(dated),
    }


def _shown_states(values: ReportValues) -> list[str]:
    """List the states that occur in any of the tables; read is always among them."""
    accounts = [values.account.states, *(run.account.states for run in values.runs)]
    cuts = [cut.states for cut in (*values.years, *(values.sets or ()), *values.windows_left)]
    return [state for state in STATES if state == "read" or any(states[state] for states in (*accounts, *cuts))]


def _balanced(values: ReportValues) -> bool:
    return values.account.balanced and all(run.account.balanced for run in values.runs)


def _chart(line: Timeline) -> dict[str, Any]:
    requests = ceiling(max(slot.requests for slot in line.slots))
    waits = ceiling(max(slot.waited_seconds for slot in line.slots))
    return {
        "requests": sum(slot.requests for slot in line.slots),
        "seconds": len(line.slots) * line.slot_seconds,
        "waited": sum(slot.waited_seconds for slot in line.slots),
        "request_top": requests,
        "wait_top": waits,
        "request_boxes": request_boxes(line, requests),
        "wait_boxes": wait_boxes(line, waits),
        "labels": _times(line),
        "start": line.start,
    }


def _times(line: Timeline) -> list[str]:
    """Format when each interval began; of a run of less than two days, the time of day."""
    long = line.slot_seconds * len(line.slots) >= 2 * 86400
    form = "%Y-%m-%d" if long else "%H:%M" if line.slot_seconds % 60 == 0 else "%H:%M:%S"
    return [f"{line.start + timedelta(seconds=line.slot_seconds * slot):{form}}" for slot in range(len(line.slots))]


@lru_cache
def page_style() -> str:
    """Return the style sheet of every page."""
    return resources.files("archive.report").joinpath("templates", "page.css").read_text("utf-8")


def hash_of(style: str) -> str:
    """Return the hash of a style sheet for the content security policy of a page."""
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


@lru_cache
def page_environment() -> Environment:
    """Make a template environment that escapes every value."""
    environment = Environment(
        loader=PackageLoader("archive.report", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.globals |= {
        "pattern_of": _PATTERNS,
        "level_words": _LEVELS,
        "bar_pixels": BAR_PIXELS,
        "row_pixels": ROW_PIXELS,
    }
    environment.filters |= {
        "number": number,
        "share": share,
        "floor": floored,
        "size": size_text,
        "segments": segments,
        "boxes": map_boxes,
        "rows": map_rows,
        "moment": moment,
        "seconds": _seconds,
        "web": _is_web,
        "short": _short,
        "percent": _percent,
        "half": _half,
        "section": lambda query: _SECTION.get(query, "account"),
    }
    return environment


def _is_web(url: str) -> bool:
    """Return whether a URL is safe as a link."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _SHORT else f"{line[:_SHORT]}…"


def _percent(tally: Tally) -> str:
    return f"{floored(100 * tally.held / tally.expected)} %" if tally.expected else ""


def _half(value: float) -> str:
    return f"{value:,.0f}" if value == math.floor(value) else f"{value:,.1f}"


def _seconds(seconds: float) -> str:
    """Format a duration for people, exactly if it is a whole number."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            amount = seconds / size
            return f"{amount:,.0f} {unit}" if amount == int(amount) else f"{amount:,.1f} {unit}"
    return f"{seconds:,.0f} s" if seconds == int(seconds) else f"{seconds:,.1f} s"


Values = Mapping[str, Any]


def migration_page(moved: Values | None, log: Values | None, made: datetime) -> str:
    """Render the page; `moved` and `log` have the keys of `audit --json`, None for an audit that was not requested."""
    style = page_style()
    return (
        page_environment()
        .get_template("migration.html.j2")
        .render(
            m=moved,
            u=log,
            made=made,
            style=style,
            style_hash=hash_of(style),
            title=(moved or log or {})["target"],
            complete=all(one["complete"] for one in (moved, log) if one is not None)
            and not (moved or {}).get("contradictions"),
        )
    )
