"""`harvester audit --estimate`: how many records no channel saw."""

from collections.abc import Sequence
from math import inf
from pathlib import Path

from archive.audits import Captures, Unseen, read_captures, unseen
from harvester.cli.auditoptions import AuditOptions
from harvester.cli.output import print_json, print_table, say, table
from harvester.errors import UsageError
from harvester.exits import DONE, FINDINGS


def estimate(folder: Path, options: AuditOptions) -> int:
    """Say how many live records no channel of an archive saw, and how sure that is; returns the exit code."""
    captures = read_captures(folder)
    if len(captures.kinds) < 2:
        found = f"only {captures.kinds[0]} has" if captures.kinds else "none has"
        raise UsageError(
            f"--estimate needs two kinds of channel that found ids by themselves; in {folder} {found}. "
            "Ask another way as well: oaipmh, search, exporter, or idrange over a range of ids"
            + "".join(f"; run {number} (ids={ids}) was told its ids" for number, ids in captures.left_out[:3])
        )
    result = unseen(captures.cells, captures.kinds)
    warnings = list(result.warnings)
    if captures.left_out:
        runs = ", ".join(f"{number} (ids={ids[:20]})" for number, ids in captures.left_out[:5])
        warnings.append(f"runs that were told their ids are no captures and were left out: {runs}")
    for number, spider in captures.partial:
        warnings.append(
            f"run {number} asked {spider} only for what is new: channels that were read before it could not show that, "
            "and so more seems unseen than is; read all channels at about one time"
        )
    if result.p_value is not None and result.p_value < 0.05:
        warnings.append(f"independent channels would show such a table in {100 * result.p_value:.2g} of 100 cases")
    if options.as_json:
        _print_estimate(captures, result, warnings)
    else:
        _show_estimate(captures, result, warnings)
    if options.fail_under is not None:
        return FINDINGS if 100 * _completeness(result, result.high) < options.fail_under else DONE
    return FINDINGS if result.low > 0 else DONE


def _completeness(result: Unseen, missing: float) -> float:
    return result.seen / (result.seen + missing) if missing != inf else 0.0


def _print_estimate(captures: Captures, result: Unseen, warnings: Sequence[str]) -> None:
    print_json(
        {
            "channels": list(captures.kinds),
            "seen": result.seen,
            "unseen": round(result.estimate, 1),
            "low": round(result.low, 1),
            "high": None if result.high == inf else round(result.high, 1),
            "completeness": round(100 * result.completeness, 4),
            "method": result.method,
            "p_value": result.p_value,
            "dependent": [[captures.kinds[a], captures.kinds[b]] for a, b in result.dependent],
            "cells": [{"seen": _kinds(captures, cell_), "ids": ids} for cell_, ids in captures.cells.items()],
            "warnings": list(warnings),
        }
    )


def _show_estimate(captures: Captures, result: Unseen, warnings: Sequence[str]) -> None:
    made = table("seen by", "ids", numbers=("ids",))
    for seen, ids in captures.cells.items():
        made.add_row(" + ".join(_kinds(captures, seen)), f"{ids:,}")
    print_table(made)
    most = "any number" if result.high == inf else f"{result.high:,.0f}"
    say(
        f"{result.seen:,} records seen; some {result.estimate:,.0f} that no channel saw (95 % interval "
        f"{result.low:,.0f} to {most}; {result.method}): {100 * result.completeness:.4f} % seen"
    )
    say("about live records that a channel could show; of those that none ever shows nothing can be said")
    for warning in warnings:
        say(f"warning: {warning}")


def _kinds(captures: Captures, seen: Sequence[bool]) -> list[str]:
    return [kind for kind, was in zip(captures.kinds, seen, strict=True) if was]
