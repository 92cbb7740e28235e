"""`harvester status --by`: the account by window, year, month or set."""

import shlex
from pathlib import Path
from typing import Any

import click

from archive.files import STATES as FILE_STATES
from archive.files import FilesStanding, read_files
from archive.report import CUTS, Cut, RunStanding, Standing, read_breakdown, read_standing
from archive.store import STATES, Account
from harvester.cli.output import cell, counted, print_json, print_table, say, table
from harvester.cli.params import command
from harvester.cli.refresh import refresh
from harvester.errors import UsageError
from harvester.exits import DAMAGED, DONE, FINDINGS, UNFINISHED


def show(folder: Path, by: str, run: int | None, *, as_json: bool) -> int:
    """Print it, after all runs or of one. Returns 0 where every row balances, 4 where one does not."""
    if by == "set":
        refresh(folder, missing=False)
    try:
        cuts = read_breakdown(folder, by, run)
    except KeyError:
        raise UsageError(f"{folder} has no run {run}; harvester status {folder} shows its runs") from None
    if as_json:
        print_json({"archive": str(folder), "by": by, "run": run, "rows": [_cut_as_json(cut, by) for cut in cuts]})
    else:
        _print(cuts, by)
    return DONE if all(cut.balanced for cut in cuts) else DAMAGED


def _cut_as_json(cut: Cut, by: str) -> dict[str, object]:
    about = {"about": cut.about} if by == "window" else {}
    return {
        "run": cut.run,
        "channel": cut.channel,
        by: cut.value,
        **about,
        "listed": cut.listed,
        "states": cut.states,
        "balanced": cut.balanced,
    }


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


CODES = {"complete": DONE, "findings": FINDINGS, "unfinished": UNFINISHED, "damaged": DAMAGED}
_YES_NO = {True: "yes", False: "NO"}


@command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
@click.option("--by", type=click.Choice(CUTS), help="the account by this instead; by set takes a current index")
@click.option("--run", type=int, metavar="N", help="with --by: of this run alone")
def status(folder: Path, as_json: bool, by: str | None, run: int | None) -> int:
    """Say where the archive DIR stands: runs, windows, the account, findings, shards, and what to do next.

    It is read from the ledger, also while a harvest is at work; `harvester verify` reads the shards as well.

    Exit codes: 0 complete, 1 with findings, 3 unfinished, 4 damaged or out of balance.
    """
    if by is not None:
        return show(folder, by, run, as_json=as_json)
    if run is not None:
        raise UsageError("--run goes with --by window, year, month or set; each run has its rows in the whole status")
    standing, files = read_standing(folder), read_files(folder)
    if as_json:
        print_json({**_standing_as_json(standing), "files": _files_json(files) if files is not None else None})
    else:
        _show(standing, files)
    off = files is not None and not all(account.balanced for account in files.runs)
    return DAMAGED if off else CODES[standing.state]


def next_steps(standing: Standing) -> list[str]:
    """What to do next: sentences, each with the command to type."""
    folder = shlex.quote(str(standing.folder))
    if standing.state == "damaged":
        return [f"harvester verify {folder}   names everything that is damaged"]
    unfinished = [run for run in standing.runs if run.newest and run.state in ("open", "unfinished")]
    steps = [f"{command_of(run, standing.folder)}   goes on with run {run.run}" for run in unfinished]
    if not standing.runs:
        url = shlex.quote(str(standing.description["source"].get("url")))
        steps.append(f"harvester crawl oaipmh -a url={url} -a archive={folder}   begins")
    if standing.account.states["refused"]:
        steps.append(f"{folder}/quarantine/   holds what was refused, with its headers")
    if standing.index != "current" and standing.shards.records and not unfinished:
        steps.append(f"harvester index {folder}   makes the index, which is {standing.index}")
    return steps


def command_of(run: RunStanding, folder: Path) -> str:
    """The command that resumes a run: the same words again."""
    words = {**run.arguments, "mode": run.mode} if run.mode != "full" else run.arguments
    pairs = [f"{name}={text}" for name, value in words.items() if (text := _word(name, value))]
    parts = [part for pair in (*pairs, f"archive={folder}") for part in ("-a", pair)]
    return shlex.join(["harvester", "crawl", run.spider, *parts])


def _word(name: str, value: Any) -> str:
    """An argument as it is typed; empty when it was not given."""
    if isinstance(value, list):
        return ("/" if name == "shard" else ",").join(map(str, value))
    return "" if value is None else str(value)


# --- as JSON


def _standing_as_json(standing: Standing) -> dict[str, Any]:
    shards = standing.shards
    return {
        "archive": str(standing.folder),
        "id": standing.description["id"],
        "source": standing.description["source"].get("url"),
        "created": standing.description["created"],
        "state": standing.state,
        **_account_json(standing.account),
        "runs": [_run_json(run) for run in standing.runs],
        "windows": standing.windows,
        "totals": [
            {"name": one.name, "stated": one.stated, "counted": one.counted, "agrees": one.agrees}
            for one in standing.totals
        ],
        "findings": [
            {"code": f.code, "severity": f.severity, "count": f.count, "example": f.example} for f in standing.findings
        ],
        "shards": {
            "shards": shards.shards,
            "records": shards.records,
            "frames": shards.frames,
            "bytes": shards.bytes,
            "content_bytes": shards.content_bytes,
            "wrong": list(shards.wrong),
        },
        "quarantine": {"bodies": standing.refused, "bytes": standing.refused_bytes},
        "index": standing.index,
        "next": next_steps(standing),
    }


def _run_json(run: RunStanding) -> dict[str, Any]:
    return {
        "run": run.run,
        "spider": run.spider,
        "mode": run.mode,
        "arguments": run.arguments,
        "started": run.started,
        "finished": run.finished,
        "state": run.state,
        **_account_json(run.account),
    }


def _files_json(files: FilesStanding) -> dict[str, Any]:
    """The account of each run that asked for files, and what is stored, each content once."""
    return {
        "runs": [
            {
                "run": one.run,
                "listed": one.listed,
                "left_out": one.left_out,
                "states": one.states,
                "bytes": one.bytes,
                "balanced": one.balanced,
                "complete": one.complete,
                "off": list(one.off),
            }
            for one in files.runs
        ],
        "contents": files.contents,
        "bytes": files.bytes,
    }


def _account_json(account: Account) -> dict[str, Any]:
    """The account with its parts: `listed` and `states` are over all channels."""
    return {
        "complete": account.complete,
        "balanced": account.balanced,
        "listed": account.listed,
        "states": account.states,
        "channels": [
            {"channel": c.channel, "listed": c.listed, "states": c.states, "balanced": c.balanced}
            for c in account.channels
        ],
        "off": [{"table": off.table, "row": off.row, "message": off.message} for off in account.off],
    }


# --- for people


def _show(standing: Standing, files: FilesStanding | None) -> None:
    say(f"{standing.folder}: {standing.state}; of {standing.description['source'].get('url')}")
    _show_runs(standing)
    _show_account(standing)
    _show_totals(standing)
    if files is not None:
        _show_files(files)
    _show_findings(standing)
    shards = standing.shards
    # what is stored twice, or was harvested by several runs, is more than the ids of the account
    copies = ", every copy counted" if shards.records > standing.account.listed else ""
    say()
    say(
        f"{counted(shards.records, 'record')}{copies} in {counted(shards.frames, 'frame')} of "
        f"{counted(shards.shards, 'shard')}: {shards.bytes:,} bytes of {shards.content_bytes:,}; quarantine: "
        f"{counted(standing.refused, 'body', 'bodies')}, {standing.refused_bytes:,} bytes; index: {standing.index}"
    )
    for sentence in (*shards.wrong, *(off.message for off in standing.account.off)):
        say(f"damaged: {sentence}")
    if steps := next_steps(standing):
        say()
        say("Next:")
        for step in steps:
            say(f"  {step}")


def _show_runs(standing: Standing) -> None:
    say()
    say("Runs")
    made = table("run", "mode", "state", "started", "finished", "asked for", numbers=("run",))
    for run in standing.runs:
        words = " ".join(f"{name}={text}" for name, value in run.arguments.items() if (text := _word(name, value)))
        made.add_row(*map(cell, (run.run, run.mode, run.state, run.started, run.finished or "", words)))
    print_table(made)
    windows = ", ".join(f"{count:,} {state}" for state, count in standing.windows.items() if count)
    say(f"Windows: {windows or 'none'}")


def _show_account(standing: Standing) -> None:
    """A row a run and channel, then how the ids stand now."""
    say()
    say("Account")
    columns = ("listed", *STATES)
    made = table("run", "channel", *columns, "balanced", numbers=columns)
    accounts = [run.account for run in standing.runs]
    if sum(run.mode != "census" for run in standing.runs) > 1:
        accounts.append(standing.account)
    for account in accounts:
        label = "all" if account.run is None else str(account.run)
        for channel in account.channels:
            numbers = (channel.listed, *channel.states.values())
            made.add_row(label, cell(channel.channel), *_numbers(numbers), _YES_NO[channel.balanced])
    total = standing.account
    made.add_row("all", "total", *_numbers((total.listed, *total.states.values())), _YES_NO[total.balanced])
    print_table(made)
    sums = " + ".join(f"{count:,} {state}" for state, count in total.states.items() if count) or "0"
    sign = "=" if total.listed == sum(total.states.values()) else "≠"
    say(f"{total.listed:,} listed {sign} {sums}; complete: {_YES_NO[total.complete].lower()}")


def _show_totals(standing: Standing) -> None:
    """What the provider states of each channel, beside what was counted of it."""
    if not standing.totals:
        return
    say()
    say("Stated totals")
    made = table("total", "stated", "counted", "agrees", numbers=("stated", "counted"))
    for one in standing.totals:
        made.add_row(cell(one.name), *_numbers((one.stated, one.counted)), _YES_NO[one.agrees])
    print_table(made)


def _show_files(files: FilesStanding) -> None:
    """A row a run that asked for files, then what is stored."""
    say()
    say("Files")
    columns = ("listed", *FILE_STATES, "left out", "bytes read")
    made = table("run", *columns, "balanced", numbers=columns)
    for one in files.runs:
        numbers = (one.listed, *one.states.values(), one.left_out, one.bytes)
        made.add_row(str(one.run), *_numbers(numbers), _YES_NO[one.balanced])
    print_table(made)
    say(f"{counted(files.contents, 'content')} stored once each: {files.bytes:,} bytes")
    for sentence in (sentence for one in files.runs for sentence in one.off):
        say(f"damaged: {sentence}")


def _numbers(counts: tuple[int, ...]) -> list[str]:
    return [f"{count:,}" for count in counts]


def _show_findings(standing: Standing) -> None:
    if not standing.findings:
        return
    say()
    say("Findings")
    made = table("severity", "code", "count", "the first", numbers=("count",))
    for found in standing.findings:
        made.add_row(*map(cell, (found.severity, found.code, found.count, found.example)))
    print_table(made)
