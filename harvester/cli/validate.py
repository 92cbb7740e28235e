"""`harvester validate`: records against their schemas, and the representations of one id against each other."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archive.disk import translated
from harvester.cli.output import advancing, counted, print_json, say
from harvester.cli.params import command
from harvester.errors import UsageError
from harvester.exits import DONE, FINDINGS

if TYPE_CHECKING:
    from archive.conversions import ValidateReport, Validation

SHOWN = 20


@command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--schemas",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="schemas to use: JSON schemas of DataCite (datacite-v4.5.json), and XSDs of anything",
)
@click.option(
    "--lines",
    "lines_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="write a line for everything that is wrong: code, id, format, where, what, with tabs",
)
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def validate(folder: Path, schemas: Path | None, lines_file: Path | None, as_json: bool) -> int:
    """Check the latest version of every record of the archive DIR.

    DataCite JSON, made of XML or sent, is checked against the JSON schema of the version that it declares, and XML as
    it was sent against XSDs where a folder has them. Where an id is there in several formats, their DOIs, titles and
    dates are compared; markup, entities, case, white space and how exact a date is make no difference. What a provider
    sends is kept, valid or not: this only says what it is.

    The schemas come with: pip install 'harvester[validate]'

    Exit codes: 0 all is valid and agrees, 1 something is not or does not, 2 usage, or there is no record to check.
    """
    from archive.conversions import validated

    with advancing("validating", "records") as progress, validated(folder, schemas, progress) as validation:
        report = validation.report
        if lines_file is not None:
            _write_lines(validation, lines_file)
    if not report.records:
        raise UsageError(f"{folder} holds no live record, and so nothing was checked")
    if as_json:
        print_json(_values(report))
    else:
        _show(report)
    return FINDINGS if report.invalid or report.disagreeing else DONE


def _write_lines(validation: "Validation", path: Path) -> None:
    with translated(path, "writing"), path.open("w", encoding="utf-8") as file:
        for line in validation.lines():
            parts = (line.code, line.identifier, line.format, line.place, line.message)
            file.write("\t".join(" ".join(part.split()) for part in parts) + "\n")


def _values(report: "ValidateReport") -> dict[str, Any]:
    return {
        "path": str(report.path),
        "records": report.records,
        "invalid": report.invalid,
        "compared": report.compared,
        "disagreeing": report.disagreeing,
        "checked": [
            {
                "format": one.format,
                "declared": one.declared,
                "schema": one.schema,
                "records": one.records,
                "invalid": one.invalid,
            }
            for one in report.checked
        ],
        "findings": [
            {
                "code": one.code,
                "severity": one.severity,
                "message": one.message,
                "identifier": one.identifier,
                "found": one.found,
            }
            for one in report.findings
        ],
    }


def _show(report: "ValidateReport") -> None:
    for one in report.findings[:SHOWN]:
        say(f"{one.severity}: {one.code}: {one.message}")
    if len(report.findings) > SHOWN:
        say(f"and {len(report.findings) - SHOWN:,} more kinds; --json has them all, --lines FILE every record")
    unchecked = sum(one.records for one in report.checked if one.schema is None)
    checked = report.records - unchecked
    say(
        f"{report.path}: {counted(report.records, 'record')}, {checked:,} checked against a schema, "
        f"{report.invalid:,} of them not valid; {counted(report.compared, 'id')} in several formats, "
        f"{report.disagreeing:,} of them disagree"
    )
