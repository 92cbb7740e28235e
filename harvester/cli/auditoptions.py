"""What `harvester audit` was asked for: one value for all the ways in which it compares."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from archive.audits import AuditReport
from harvester.cli.params import pairs
from harvester.cli.refresh import refresh
from harvester.errors import UsageError
from harvester.exits import DONE, FINDINGS, UNFINISHED


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """The options of one audit; None and empty where they were not given.

    `match`, `redirects` and `nginx` are of a migration by a rule, `log` and `columns` (NAME=COLUMN) of an uploader's
    own log, `mapping` of one by fields; `sample`, `seed` and `estimate` of what is too dear to list; `by` of all.
    `arguments` (NAME=VALUE) are of the source that is asked.
    """

    as_json: bool = False
    lines: Path | None = None
    gaps: Path | None = None
    differences: Path | None = None
    duplicates: Path | None = None
    html: Path | None = None
    markdown: Path | None = None
    fail_under: float | None = None
    by: tuple[str, ...] = ()
    stated: tuple[str, ...] = ()
    via: str | None = None
    match: str | None = None
    redirects: Path | None = None
    nginx: Path | None = None
    log: Path | None = None
    columns: tuple[str, ...] = ()
    mapping: Path | None = None
    sample: int | None = None
    seed: int | None = None
    estimate: bool = False
    no_refresh: bool = False
    contact: str | None = None
    settings: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()

    @property
    def words(self) -> dict[str, str]:
        """The arguments of the source by name. Raises UsageError for others than `site` and `hosts`."""
        words = pairs(self.arguments)
        if unknown := sorted(set(words) - {"site", "hosts"}):
            raise UsageError(f"-a {unknown[0]}=: an audit takes site= and hosts=")
        return words


def refresh_sides(folder: Path, target: str, options: AuditOptions) -> None:
    """Make the indexes current that an audit reads. Raises StaleIndex where --no-refresh is given and one is not."""
    if options.match or options.log or options.mapping:
        for side in (folder, Path(target)):
            refresh(side, options.no_refresh)
    elif options.sample or options.estimate or {"year", "type"} & set(options.by):
        refresh(folder, options.no_refresh)
    elif (options.html or options.markdown or options.by) and not options.no_refresh:
        refresh(folder, missing=False)


def code_of(report: AuditReport, fail_under: float | None) -> int:
    """The exit code of a comparison."""
    if not report.finished or report.lost_windows:
        return UNFINISHED
    if not report.balanced or not report.expected:
        return FINDINGS
    if fail_under is not None:
        return FINDINGS if report.completeness < fail_under else DONE
    return DONE if report.complete else FINDINGS


def verdict_of(values: Mapping[str, Any], sums: str = "") -> str:
    """Put completeness and surplus into one sentence; `values` have the keys of `audit --json`, `sums` goes between.

    Where nothing is missing, what differs otherwise is named instead of a percentage that says the contrary.
    """
    between = f", {sums}" if sums else ""
    if values["complete"] or values["missing"] or not values["expected"]:
        word = "complete" if values["complete"] else "not complete"
        return f"{values['completeness']:.4f} % complete{between}; the archive is {word}"
    rest = [f"{values[word]:,} {word}" for word in ("stale", "extra", "unchecked") if values[word]]
    differs = f"the archive and the target differ: {', '.join(rest)}" if rest else "see above for what is not settled"
    return f"nothing that the target names is missing{between}; {differs}"


def other_side(target: str) -> Path:
    """The other side of a migration. Raises UsageError for what holds no records here."""
    if target == "ledger":
        raise UsageError("a migration has two sides: name the other with --against, an archive or a release")
    if urlsplit(target).scheme in ("http", "https"):
        raise UsageError(f"records are matched by what they say: harvest {target} into an archive first, and index it")
    if not (path := Path(target)).is_dir():
        raise UsageError(f"{target} is no archive and no release, whose records could be matched")
    return path
