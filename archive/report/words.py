"""The sentences and numbers of a report, the same on the page and in Markdown."""

import math
from datetime import datetime

from archive.report.values import Compared, ReportValues

# the counts of a comparison, by the keys of `audit --json`
WORDS = (
    ("expected", "that the target names"),
    ("held", "here, in any version"),
    ("same", "held, and as there"),
    ("stale", "held, and otherwise there"),
    ("missing", "there, not here"),
    ("extra", "live here, not there"),
    ("unchecked", "could not be told"),
    ("forgotten", "tombstones here, nothing there"),
    ("twice_here", "more than once in a run here"),
    ("twice_there", "more than once there"),
)
EXAMPLES_OF = (("+", "missing"), ("*", "stale"), ("-", "extra"), ("!", "unchecked"), ("~", "forgotten"))


def is_complete(values: ReportValues) -> bool:
    """Return whether nothing is missing, by everything that the report knows."""
    sound = values.account.balanced and all(run.account.balanced for run in values.runs) and not values.damaged
    return sound and (values.account.complete if values.compared is None else values.compared.complete)


def verdict(values: ReportValues) -> str:
    """Summarise the status in one or two sentences."""
    balanced = values.account.balanced and all(run.account.balanced for run in values.runs)
    sums = "The sums balance." if balanced else "The sums do NOT balance."
    if is_complete(values):
        return f"Complete. {sums}"
    left = {state: count for state in ("refused", "lost", "open") if (count := values.account.states[state])}
    reasons = [f"{count:,} {state}" for state, count in left.items()]
    if (compared := values.compared) is not None:
        words = ("missing", "stale", "extra", "unchecked")
        reasons = [f"{compared.words[word]:,} {word}" for word in words if compared.words[word]]
        reasons += [f"{off} stated totals that differ"] if (off := _totals_off(compared)) else []
        reasons += [] if compared.finished else ["the target was not listed to its end"]
        reasons += [f"{compared.lost_windows:,} windows not read"] if compared.lost_windows else []
    if values.damaged:
        reasons.append("shards are damaged")
    return f"Not complete{': ' if reasons else ''}{', '.join(reasons)}. {sums}"


def _totals_off(compared: Compared) -> int:
    """Count the totals that differ from the count; one that was declared long ago only informs."""
    return sum(not total.agrees and total.seen is None for total in compared.totals)


def number(value: float) -> str:
    return f"{value:,}"


def share(parts: int) -> str:
    """Format a share in millionths as percent with four digits, so that printed shares also add up to 100."""
    return f"{parts / 10_000:.4f} %"


def floored(percent: float) -> str:
    """Format a percentage, never rounded up."""
    return f"{math.floor(percent * 100 + 1e-9) / 100:.2f}"


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}"


def one_line(text: object) -> str:
    """Make a text one line."""
    return " ".join(str(text).split())
