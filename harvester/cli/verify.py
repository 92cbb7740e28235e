"""`harvester verify`: read everything back, and name what is not as it was written."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from archive.disk import Checked
from archive.findings import Problem, VerifyReport
from harvester import __version__
from harvester.cli.output import advancing, counted, print_json, say
from harvester.cli.params import command
from harvester.cli.second_opinion import opinion_lines
from harvester.errors import UsageError
from harvester.exits import DAMAGED, DONE, FINDINGS

# so many problems of one kind are shown; --json has all of them
_SHOWN_MOST = 1000


@command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--quick", is_flag=True, help="look only at what is there and how long it is: no checksum is taken")
@click.option("--inside", is_flag=True, help="check the archive or release in a bag record by record, too")
@click.option("--profile", type=click.Path(path_type=Path), help="a BagIt profile (JSON) that a bag must conform to")
@click.option("--second-opinion", is_flag=True, help="have bagit-python validate a bag, too, and compare the verdicts")
@click.option("--fresh", is_flag=True, help="read all of it, also what an interrupted check has read already")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def verify(
    path: Path, quick: bool, inside: bool, profile: Path | None, second_opinion: bool, fresh: bool, as_json: bool
) -> int:
    """Check PATH: an archive, a shard, a release, a delta, a part of one, a bag of anybody, or a file of records.

    Every checksum is taken, of every file; this is the default. Shards and parts are read to their end and compared
    with the ledger or the index, record by record. All damage is listed: file, frame, record.

    A check that was interrupted goes on from there within a day: what it had read and found good is kept beside PATH
    (.NAME.verifying) until it is done, and counts only while size, times and inode of a file are the same.

    --second-opinion prints the verdict of bagit-python, the validator of the Library of Congress, beside ours. It reads
    a bag once more. If one of them calls the bag valid and the other does not, the files in question are named.

    Exit codes: 0 as it was written (files that a killed process left behind, and warnings about a bag, are no damage),
    1 there are files that do not belong there, the index is stale, or a bag has holes that are still to be fetched,
    4 something is damaged or missing, or the second opinion disagrees.
    """
    from archive.integrity import detect

    rules = None if profile is None else _read_profile(profile)
    if second_opinion and (kind := detect.recognise(path)) != detect.BAG:
        if path.is_file():
            raise UsageError(f"--second-opinion requires the folder of a bag, and {path} is a file; unpack it first")
        raise UsageError(f"--second-opinion requires a bag, and {path} is not one ({kind}); leave it out")
    opinion = None
    with _going_on(path, quick, inside, fresh) as checked, advancing("verifying", "bytes") as progress:
        report = _check_of_others(path) if path.is_file() else None
        if second_opinion:
            report, opinion = detect.check_bag_twice(path, progress, quick=quick, inside=inside, checked=checked)
        elif report is None:
            report = detect.check(path, progress, quick=quick, inside=inside, checked=checked)
    if rules is not None:
        _check_profile(path, rules, report)
    if as_json:
        print_json(_as_json(report) | ({} if opinion is None else {"second_opinion": asdict(opinion)}))
    else:
        show_report(report)
        if opinion is not None:
            for line in opinion_lines(str(path), opinion):
                say(line)
    return DAMAGED if report.damaged or (opinion and opinion.agrees is False) else DONE if report.whole else FINDINGS


def _check_of_others(path: Path) -> VerifyReport | None:
    """Check a file of records that others made; None for a file of an archive or a release."""
    from harvester.inputs import check_file, is_of_others

    return check_file(path) if is_of_others(path) else None


@contextmanager
def _going_on(path: Path, quick: bool, inside: bool, fresh: bool) -> Iterator[Checked | None]:
    """What an interrupted check of the same path has read; what this one reads is kept if it is interrupted."""
    if quick or not path.is_dir():
        yield None
        return
    checked = Checked(path, f"{__version__} {'inside' if inside else ''}", fresh=fresh)
    if checked.since is not None:
        when = datetime.fromtimestamp(checked.since).astimezone().isoformat(timespec="minutes")
        say(f"going on with the check that was interrupted, begun at {when}; --fresh reads all", err=True)
    try:
        yield checked
    except BaseException:
        checked.flush()
        raise
    checked.done()


def _read_profile(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as cause:
        raise UsageError(f"{path} cannot be read as a BagIt profile: {cause}") from cause
    if not isinstance(found, dict):
        raise UsageError(f"{path} is no BagIt profile: it must be a JSON object")
    return found


def _check_profile(path: Path, profile: dict[str, Any], report: VerifyReport) -> None:
    from archive.bags import check_bag, check_profile

    if report.kind != "bag":
        raise UsageError(f"{path} is no bag, so it has no profile; leave out --profile")
    for found in check_profile(check_bag(path, quick=True), profile).kept:
        kind = "warning" if found.severity == "warning" else "damaged"
        report.problems.append(Problem(kind, found.path or path.name, found.message, code=found.code))


def _as_json(report: VerifyReport) -> dict[str, Any]:
    return {
        "path": str(report.path),
        "kind": report.kind,
        "damaged": report.damaged,
        "whole": report.whole,
        "quick": report.quick,
        "shards": report.shards,
        "frames": report.frames,
        "records": report.records,
        "bytes": report.bytes,
        "refused": report.refused,
        "files": report.files,
        "file_bytes": report.file_bytes,
        "problems": [
            {"kind": p.kind, "file": p.file, "frame": p.frame, "record": p.record, "code": p.code, "message": p.message}
            for p in report.problems
        ],
    }


def show_report(report: VerifyReport) -> None:
    """Print the problems that were found, and the verdict."""
    shown: Counter[str] = Counter()
    for problem in report.problems:
        shown[problem.kind] += 1
        if shown[problem.kind] <= _SHOWN_MOST:
            say(f"{problem.kind}: {_place(problem)}: {problem.message}")
    for kind, count in shown.items():
        if count > _SHOWN_MOST:
            say(f"{kind}: {count - _SHOWN_MOST:,} more; --json has them all")
    say(verdict_line(report))


def verdict_line(report: VerifyReport) -> str:
    """Format what was read and the verdict on it."""
    return f"{report.path}: {', '.join(_read(report))}: {_verdict(report)}"


def _read(report: VerifyReport) -> Iterator[str]:
    """What was read, in words."""
    if report.kind == "file":
        yield f"read {counted(report.records, 'record')} ({counted(report.bytes, 'byte')})"
        return
    how = "looked at, no checksum taken:" if report.quick else "read"
    if report.shards or report.kind not in ("bag", "release", "delta"):
        unit = "part" if report.kind in ("release", "delta", "part") else "shard"
        yield (
            f"{how} {counted(report.records, 'record')} in {counted(report.frames, 'frame')} of "
            f"{counted(report.shards, unit)} ({counted(report.bytes, 'byte')})"
        )
        how = ""
    if report.refused:
        yield counted(report.refused, "refused body", "refused bodies")
    if report.files:
        yield f"{how} {counted(report.files, 'file')} ({counted(report.file_bytes, 'byte')})".strip()


def _place(problem: Problem) -> str:
    frame = "" if problem.frame is None else f", frame {problem.frame}"
    record = "" if problem.record is None else f", record {problem.record}"
    code = "" if problem.code is None else f" [{problem.code}]"
    return f"{problem.file}{frame}{record}{code}"


def _verdict(report: VerifyReport) -> str:
    if report.damaged:
        wrong = sum(problem.kind in ("damaged", "missing") for problem in report.problems)
        return f"DAMAGED in {counted(wrong, 'place')}"
    if report.quick:
        return "nothing is missing" if report.whole else "something should be looked at"
    if report.kind == "file":
        return "it can be read to its end, and nothing says what it was when it was written"
    if report.kind == "bag" and report.whole:
        return "complete and valid"
    if not report.problems:
        return "everything is as it was written"
    return "no damage" if report.whole else "no damage, and something that should be looked at"
