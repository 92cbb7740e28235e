"""`harvester profile`: which fields are filled how often, with what, and what drifted since an earlier release."""

import csv
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict
from fnmatch import fnmatchcase
from pathlib import Path

import click

from archive.disk import write_new
from archive.errors import BadQuery
from archive.profiles import PERCENT, Drift, Field, Profile, as_json, coverage, drifts, read_profile, save_profile
from harvester.cli.output import advancing, cell, counted, print_json, print_table, say, table
from harvester.cli.params import command
from harvester.cli.refresh import no_refresh_option, refresh
from harvester.errors import UsageError
from harvester.exits import DONE, FINDINGS

# values of a field that a table shows, and of how many characters
_SHOWN, _WIDE = 3, 24
# fields that are named where none was found
_NAMED = 40


@command()
@click.argument("path", metavar="PATH", type=click.Path(path_type=Path))
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    metavar="N",
    help="look at about N records, the same ones in every release; without it at all",
)
@click.option("--seed", type=int, default=0, help="for another sample")
@click.option(
    "--fields",
    "globs",
    metavar="GLOB",
    multiple=True,
    help="only fields whose path is like it, as 'creators*'; several times for more",
)
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="EARLIER",
    help="an earlier release, an archive, or a profile that --save has written",
)
@click.option(
    "--fail-on",
    "fail_on",
    metavar="drift[:PERCENT]",
    help=f"end with 1 when something drifted by so many percent ({PERCENT:g})",
)
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="write the profile as JSON, to compare later ones with it",
)
@no_refresh_option
@click.option("--json", "form", flag_value="json", help="print one JSON object")
@click.option("--csv", "form", flag_value="csv", help="print CSV, a line a field")
def profile(
    path: Path,
    sample: int | None,
    seed: int,
    globs: tuple[str, ...],
    against: Path | None,
    fail_on: str | None,
    save: Path | None,
    form: str | None,
    no_refresh: bool,
) -> int:
    """Say which fields the live records of an archive or a release have, how often, and with what in them.

    A field is a path in the metadata, as creators[].name, or a column of the index, which means the same in every
    format. An index that is older than the archive is made current first.

    With --against, what drifted since: fields that are gone or new, coverage, types, the values of fields that have
    kinds rather than names, lengths of texts, numbers of records; only what is more than chance.

    Exit codes: 0 done, 1 --fail-on found a drift, 2 usage, or no field is like a GLOB.
    """
    percent = _threshold(fail_on, against)
    for folder in (path, against):
        if folder is not None:
            refresh(folder, no_refresh)
    now = _read(path, sample, seed)
    found = None if against is None else drifts(_read(against, sample, seed), now, percent)
    if found is not None and globs:
        found = [one for one in found if not one.path or _is_wanted(one.path, globs)]
    fields = [field for field in now.fields if _is_wanted(field.path, globs)]
    _check_globs(globs, {field.path for field in now.fields} | {one.path for one in found or () if one.path})
    if save is not None:
        write_new(save, save_profile(now).encode(), "profile")
    _PRINTERS[form](now, fields, found)
    return FINDINGS if fail_on and any(one.severity != "info" for one in found or ()) else DONE


def _threshold(fail_on: str | None, against: Path | None) -> float:
    if fail_on is None:
        return PERCENT
    name, _, text = fail_on.partition(":")
    try:
        percent = float(text) if text else PERCENT
    except ValueError:
        percent = -1.0
    if name != "drift" or not 0 < percent <= 100:
        raise BadQuery(f"--fail-on {fail_on}: it is drift, or drift:PERCENT as drift:2.5")
    if against is None:
        raise BadQuery("--fail-on drift compares with an earlier one; name it with --against")
    return percent


def _read(path: Path, sample: int | None, seed: int) -> Profile:
    from archive.profiles import profile as make

    if path.is_file():
        return read_profile(path)
    with advancing("profiling", "records") as progress:
        return make(path, sample, seed, progress)


def _check_globs(globs: Sequence[str], paths: Collection[str]) -> None:
    """Raises UsageError for a GLOB that matches no field."""
    for glob in globs:
        if not any(_is_wanted(path, [glob]) for path in paths):
            known = ", ".join(sorted(paths)[:_NAMED]) or "none"
            more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
            raise UsageError(f"--fields {glob}: no field is like it; there are {known}{more}")


def _is_wanted(path: str, globs: Sequence[str]) -> bool:
    # brackets are of lists here, not of a choice of characters
    return not globs or any(fnmatchcase(path, glob.replace("[", "[[]")) for glob in globs)


def _print_json(made: Profile, fields: Sequence[Field], found: list[Drift] | None) -> None:
    wanted = {(field.format, field.kind, field.path) for field in fields}
    values = as_json(made)
    values["fields"] = [one for one in values["fields"] if (one["format"], one["kind"], one["path"]) in wanted]
    print_json(values if found is None else {**values, "drift": [asdict(one) for one in found]})


def _print_csv(made: Profile, fields: Sequence[Field], found: list[Drift] | None) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if found is not None:
        writer.writerow(["code", "severity", "format", "kind", "path", "before", "now", "by", "message"])
        writer.writerows(asdict(one).values() for one in found)
        return
    writer.writerow(
        [
            "format",
            "kind",
            "path",
            "coverage",
            "present",
            "values",
            "distinct",
            "types",
            "shortest",
            "longest",
            "low",
            "high",
            "top",
        ]
    )
    for field in fields:
        writer.writerow(
            [
                field.format,
                field.kind,
                field.path,
                round(coverage(made, field), 4),
                field.present,
                field.values,
                field.distinct,
                _types(field),
                field.shortest,
                field.longest,
                field.low,
                field.high,
                _top(field),
            ]
        )


def _print_tables(made: Profile, fields: Sequence[Field], found: list[Drift] | None) -> None:
    if found is None:
        _print_fields(made, fields)
    else:
        for one in found:
            say(cell(f"{one.severity}: {one.code}: {one.message}").plain)
        warnings = sum(one.severity != "info" for one in found)
        say(f"{counted(warnings, 'drift')}, {counted(len(found) - warnings, 'change')} worth knowing")
    for name, records in made.records.items():
        looked_at = made.looked_at.get(name, 0)
        sampled = "" if looked_at == records else f", {looked_at:,} of them looked at"
        say(f"{cell(name).plain}: {counted(records, 'live record')}{sampled}")


def _print_fields(made: Profile, fields: Sequence[Field]) -> None:
    rows = table(
        "format",
        "field",
        "coverage",
        "types",
        "distinct",
        "from",
        "to",
        "most frequent",
        numbers=("coverage", "distinct", "from", "to"),
    )
    for field in fields:
        name = field.path if field.kind == "metadata" else f"{field.path} ({field.kind})"
        low, high = (field.low, field.high) if field.low is not None else (field.shortest, field.longest)
        rows.add_row(
            *map(
                cell,
                (
                    field.format,
                    name,
                    f"{coverage(made, field):.2f} %",
                    _types(field),
                    f"{field.distinct:,}" if field.values else "",
                    low,
                    high,
                    _top(field),
                ),
            )
        )
    print_table(rows)


def _types(field: Field) -> str:
    return ", ".join(sorted(field.types, key=lambda name: -field.types[name]))


def _top(field: Field) -> str:
    """The most frequent values, unless each is as rare as any other."""
    if not field.top or field.top[0][1] < 2:
        return ""
    return "; ".join(f"{str(value)[:_WIDE]} {count:,}" for value, count in field.top[:_SHOWN])


_PRINTERS = {None: _print_tables, "json": _print_json, "csv": _print_csv}
