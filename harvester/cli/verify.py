"""`harvester verify`: read everything back, and name what is not as it was written."""

from pathlib import Path
from typing import Any

import click

from archive.verify import Problem, VerifyReport
from harvester.cli import DAMAGED, DONE, FINDINGS
from harvester.cli.output import advancing, counted, print_json


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def verify(path: Path, as_json: bool) -> int:
    """Check PATH, an archive or one of its shards, to the last byte.

    Shards are read to their end and compared with the ledger, record by record; the ledger with its digest, its own
    checks and its sums; refused bodies with their digests. All damage is listed: file, frame, record.

    Exit codes: 0 as it was written (files that a killed process left behind are no damage), 1 there are files that
    do not belong there or the index is stale, 4 something is damaged or missing.
    """
    from archive.verify import verify as check

    with advancing("verifying", "bytes") as progress:
        report = check(path, progress)
    if as_json:
        print_json(_as_json(report))
    else:
        _show(report)
    return DAMAGED if report.damaged else DONE if report.whole else FINDINGS


def _as_json(report: VerifyReport) -> dict[str, Any]:
    return {
        "path": str(report.path), "damaged": report.damaged, "shards": report.shards, "frames": report.frames,
        "records": report.records, "bytes": report.bytes, "refused": report.refused,
        "problems": [
            {"kind": p.kind, "file": p.file, "frame": p.frame, "record": p.record, "message": p.message}
            for p in report.problems
        ],
    }  # fmt: skip


def _show(report: VerifyReport) -> None:
    for problem in report.problems:
        click.echo(f"{problem.kind}: {_place(problem)}: {problem.message}")
    read = (
        f"{counted(report.records, 'record')} in {counted(report.frames, 'frame')} of "
        f"{counted(report.shards, 'shard')} ({counted(report.bytes, 'byte')})"
    )
    refused = f", {counted(report.refused, 'refused body', 'refused bodies')}" if report.refused else ""
    click.echo(f"{report.path}: read {read}{refused}: {_verdict(report)}")


def _place(problem: Problem) -> str:
    frame = "" if problem.frame is None else f", frame {problem.frame}"
    record = "" if problem.record is None else f", record {problem.record}"
    return f"{problem.file}{frame}{record}"


def _verdict(report: VerifyReport) -> str:
    if report.damaged:
        wrong = sum(problem.kind in ("damaged", "missing") for problem in report.problems)
        return f"DAMAGED in {counted(wrong, 'place')}"
    if not report.problems:
        return "everything is as it was written"
    return "no damage" if report.whole else "no damage, and something that should be looked at"
