"""`harvester sketch`: a small file by which two mirrors name each other's differences."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from archive.audits import (
    CELLS,
    Compared,
    Differences,
    Item,
    Sketch,
    cells_for,
    differences,
    differences_in,
    is_sketch,
    named,
    read_sketch,
    sketch_of,
    write_sketch,
)
from archive.disk import translated
from archive.errors import BadIdFile
from archive.store import Layout, read_description
from harvester.cli.output import cell, counted, print_json, say
from harvester.cli.params import command
from harvester.cli.refresh import refresh
from harvester.errors import UsageError
from harvester.exits import DONE, FINDINGS, UNFINISHED

HASH = re.compile(r"sha256:([0-9a-f]{64})", re.ASCII)
_PATH = click.Path(path_type=Path)


@dataclass(frozen=True, slots=True)
class Difference:
    """An id that the two sides do not have alike. `mark`: + only there, - only here, * in another version."""

    mark: str
    identifier: str
    here: Item | None
    there: Item | None


@command()
@click.argument("first", metavar="DIR|SKETCH", type=_PATH)
@click.argument("second", metavar="[OUT|SKETCH|DIR]", type=_PATH, required=False)
@click.option(
    "--for",
    "expected",
    type=click.IntRange(1, 10_000_000),
    metavar="N",
    help=f"room for N differences in the file; default {differences_in(CELLS):,}, some 300 KB",
)
@click.option("--ids-only", is_flag=True, help="compare ids alone, not their datestamps and deletions")
@click.option("--replace", is_flag=True, help="write OUT anew when it is there")
@click.option(
    "--name",
    "hashes",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="print the ids in DIR that a comparison named as sha256:...; FILE has one a line",
)
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def sketch(
    first: Path,
    second: Path | None,
    expected: int | None,
    ids_only: bool,
    replace: bool,
    hashes: Path | None,
    as_json: bool,
) -> int:
    """Sketch the archive DIR into the file OUT, or compare two sides, each an archive or the sketch of one.

    Two mirrors exchange their files; then each names what it lacks, what only it has, and what is of another version,
    without either list leaving home. The size of a file follows from the number of differences, not of records. With
    more differences than it is made for nothing is named, and it is said how large a file must be.

    An id of more than 47 bytes, which are rare, stands in a file as its SHA-256: who has it names it (--name).

    Exit codes: 0 no difference, 1 differences, 2 usage, 3 too many differences for these files, 4 a file is damaged.
    """
    for side in (first, second):
        if side is not None and side.is_dir():
            refresh(side)
    if hashes is not None:
        return _name(first, hashes, as_json)
    if second is None:
        raise UsageError("name the file to write, or the sketch or archive to compare with")
    if second.is_dir() or (is_sketch(second) and not replace):
        return _compare(first, second, expected, ids_only, as_json)
    if second.exists() and not replace:
        raise UsageError(f"{second} is there and is no sketch; name another file, or --replace it")
    return _write(first, second, expected, "ids" if ids_only else "versions", as_json)


def _write(folder: Path, out: Path, expected: int | None, compares: Compared, as_json: bool) -> int:
    description = read_description(folder)
    made = sketch_of(folder, CELLS if expected is None else cells_for(expected), compares)
    about = {
        "archive": description["id"],
        "source": description["source"]["url"],
        "made": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    size = write_sketch(out, made, about)
    if as_json:
        print_json(
            {"sketch": str(out), "records": made.items, "bytes": size, "differences": differences_in(made.cells)}
        )
    else:
        say(
            f"{out}: {counted(made.items, 'record')} in {counted(size, 'byte')}, enough for "
            f"{counted(differences_in(made.cells), 'difference')}"
        )
    return DONE


# --- comparing


def _compare(first: Path, second: Path, expected: int | None, ids_only: bool, as_json: bool) -> int:
    """Both sides must be made alike: an archive is sketched as the file is that it is compared with."""
    read = [read_sketch(path)[0] if is_sketch(path) else None for path in (first, second)]
    like = next((found for found in read if found is not None), None)
    cells = like.cells if like else CELLS if expected is None else cells_for(expected)
    compares: Compared = like.compares if like else "ids" if ids_only else "versions"
    if like is not None and ids_only and compares != "ids":
        raise UsageError("the sketch is of versions, not of ids only; leave out --ids-only, or have one made with it")
    here, there = (found or sketch_of(path, cells, compares) for found, path in zip(read, (first, second), strict=True))
    if (here.cells, here.compares) != (there.cells, there.compares):
        raise UsageError(
            f"{first} has {here.cells} cells of {here.compares}, {second} {there.cells} of {there.compares}: "
            "make both with the same --for and --ids-only"
        )
    found = differences(here, there)
    if isinstance(found, int):
        return _too_many(found, here, there, as_json)
    return _show(_paired(found, first, second), here, there, as_json)


def _too_many(estimate: int, here: Sketch, there: Sketch, as_json: bool) -> int:
    """Nothing is named; half as many again are reckoned with, for the number is an estimate."""
    enough = max(estimate * 3 // 2, 2 * differences_in(here.cells), 100)
    if as_json:
        print_json({"here": here.items, "there": there.items, "decoded": False, "differences": estimate, "for": enough})
        return UNFINISHED
    say(
        f"about {estimate:,} differences are too many for these files, which are enough for "
        f"{differences_in(here.cells):,}: nothing is named. Make both again: harvester sketch DIR OUT --for {enough}"
    )
    return UNFINISHED


def _paired(found: Differences, first: Path, second: Path) -> list[Difference]:
    """The differences by id; ids that stand as hashes are named where their archive is at hand."""
    here = {item.identifier: item for item in found.here}
    there = {item.identifier: item for item in found.there}
    names = _resolved(first, here) | _resolved(second, there)
    out = []
    for identifier in here.keys() | there.keys():
        mine, its = here.get(identifier), there.get(identifier)
        mark = "+" if mine is None else "-" if its is None else "*"
        out.append(Difference(mark, names.get(identifier, identifier), mine, its))
    return sorted(out, key=lambda one: one.identifier)


def _resolved(side: Path, identifiers: Iterable[str]) -> dict[str, str]:
    hashes = [match[1] for identifier in identifiers if (match := HASH.fullmatch(identifier))]
    if not hashes or not Layout(side).description.exists():
        return {}
    return {f"sha256:{digits}": name for digits, name in named(side, hashes).items()}


def _show(found: list[Difference], here: Sketch, there: Sketch, as_json: bool) -> int:
    counts = {mark: sum(one.mark == mark for one in found) for mark in "+-*"}
    if as_json:
        print_json(
            {
                "here": here.items,
                "there": there.items,
                "decoded": True,
                "compares": here.compares,
                "missing": counts["+"],
                "extra": counts["-"],
                "differ": counts["*"],
                "differences": [
                    {
                        "mark": one.mark,
                        "identifier": one.identifier,
                        "here": _values(one.here, here.compares),
                        "there": _values(one.there, here.compares),
                    }
                    for one in found
                ],
            }
        )
        return FINDINGS if found else DONE
    for one in found:
        sides = [f"{where} {_version(item)}" for where, item in (("here", one.here), ("there", one.there)) if item]
        say(f"{one.mark} {cell(one.identifier)}" + (f"  {', '.join(sides)}" if here.compares != "ids" else ""))
    say(
        f"{here.items:,} records here, {there.items:,} there: {counts['+']:,} missing here, {counts['-']:,} only here, "
        f"{counts['*']:,} of another version"
    )
    return FINDINGS if found else DONE


def _values(item: Item | None, compares: Compared) -> dict[str, Any] | None:
    if item is None or compares == "ids":
        return None if item is None else {}
    return {"datestamp": _stamp(item), "deleted": not item.live}


def _version(item: Item) -> str:
    return f"{_stamp(item) or 'without a datestamp'}{'' if item.live else ' deleted'}"


def _stamp(item: Item) -> str | None:
    """The datestamp; the number itself where it is none of the years 1 to 9999."""
    if item.seconds is None:
        return None
    try:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=item.seconds)
    except OverflowError:
        return str(item.seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


# --- hashes


def _name(folder: Path, path: Path, as_json: bool) -> int:
    with translated(path, "reading"):
        lines = path.read_text(encoding="utf-8", errors="replace").split()
    hashes = [match[1] for line in lines if (match := HASH.fullmatch(line))]
    if not hashes:
        raise BadIdFile(f"{path} has no line of the form sha256: and 64 digits")
    names = named(folder, hashes)
    missing = [digits for digits in dict.fromkeys(hashes) if digits not in names]
    if as_json:
        print_json(
            {
                "named": {f"sha256:{digits}": name for digits, name in names.items()},
                "unknown": [f"sha256:{digits}" for digits in missing],
            }
        )
    else:
        for name in names.values():
            say(name)
        for digits in missing:
            say(f"harvester: sha256:{digits} is of no id here", err=True)
    return FINDINGS if missing else DONE
