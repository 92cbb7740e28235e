"""`harvester status --by`: the account by window, year, month or set."""

from pathlib import Path

from archive.accounts.account import STATES
from archive.report.breakdown import Cut, read_breakdown
from harvester.cli import DAMAGED, DONE
from harvester.cli.output import cell, print_json, print_table, say, table
from harvester.cli.refreshing import refresh
from harvester.errors import UsageError


def show(folder: Path, by: str, run: int | None, *, as_json: bool) -> int:
    """Print it, after all runs or of one. Returns 0 where every row balances, 4 where one does not."""
    if by == "set":
        refresh(folder, missing=False)
    try:
        cuts = read_breakdown(folder, by, run)
    except KeyError:
        raise UsageError(f"{folder} has no run {run}; harvester status {folder} shows its runs") from None
    if as_json:
        print_json({"archive": str(folder), "by": by, "run": run, "rows": [_as_json(cut, by) for cut in cuts]})
    else:
        _print(cuts, by)
    return DONE if all(cut.balanced for cut in cuts) else DAMAGED


def _as_json(cut: Cut, by: str) -> dict[str, object]:
    about = {"about": cut.about} if by == "window" else {}
    return {"run": cut.run, "channel": cut.channel, by: cut.value, **about, "listed": cut.listed, "states": cut.states,
            "balanced": cut.balanced}  # fmt: skip


def _print(cuts: tuple[Cut, ...], by: str) -> None:
    """A row a cut; where a row is off, it says so."""
    numbers = ("listed", *STATES)
    extra = ("asked for",) if by == "window" else ()
    made = table("run", "channel", by, *extra, *numbers, "balanced", numbers=("run", *numbers))
    for cut in cuts:
        about = (cut.about,) if by == "window" else ()
        counts = (f"{count:,}" for count in (cut.listed, *cut.states.values()))
        run = "all" if cut.run is None else cut.run
        value = "none known" if cut.value is None else cut.value
        made.add_row(*map(cell, (run, cut.channel, value, *about, *counts, "yes" if cut.balanced else "NO")))
    print_table(made)
    if by == "set":
        say("An id in two sets is in two rows.")
