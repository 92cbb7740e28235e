"""`harvester diff`: what changed between two releases."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from archive.disk import translated
from archive.releases import INDEX, Comparison, Content, ManifestComparison, Side, Stretch, compare
from archive.store import Layout
from harvester.cli.output import advancing, cell, counted, print_json, print_table, say, table
from harvester.cli.params import command
from harvester.errors import UsageError
from harvester.exits import DONE, FINDINGS

SHOWN = 10
_WORDS = {
    compare.SAME: "in both, text, datestamp and state", compare.ADDED: "live, not in the old release",
    compare.CHANGED: "live in both, with another text or datestamp",
    compare.REVIVED: "live, a tombstone in the old release",
    compare.DELETED: "a tombstone, live in the old release",
    compare.TOMBSTONE_ADDED: "a tombstone of what the old release does not name",
    compare.TOMBSTONE_CHANGED: "a tombstone in both, with another text or datestamp",
    compare.GONE: "in the old release alone",
}  # fmt: skip


@command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option(
    "--lines",
    "lines_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="write a line an id: = same, + added or revived, - deleted or gone, * changed",
)
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def diff(old: Path, new: Path, lines_file: Path | None, as_json: bool) -> int:
    """Compare two releases, OLD and NEW: folders, or their manifest.json alone.

    With index.parquet on both sides every record is compared; parts are not read. With a manifest alone on one side
    it is said what the manifests show, and what they do not. Either may also be an archive: then its records are
    read, and compared as a release of it would be.

    Exit codes: 0 the same records, 1 they differ, or it cannot be told that they do not.
    """
    with ExitStack() as stack:
        return _compare(*_read_sides(old, new, stack), lines_file, as_json)


def _read_sides(old: Path, new: Path, stack: ExitStack) -> tuple[Side, Side]:
    one, other = (None if Layout(path).description.exists() else compare.read_side(path) for path in (old, new))
    like = next((side.manifest.content for side in (one, other) if side is not None), None)
    return one or _digest(old, like, stack), other or _digest(new, like, stack)


def _digest(archive: Path, like: Content | None, stack: ExitStack) -> Side:
    from archive.releases import digested

    with advancing("reading", "records read and digested") as progress:
        return stack.enter_context(digested(archive, like, progress))


def _compare(old: Side, new: Side, lines_file: Path | None, as_json: bool) -> int:
    sides = old, new
    if any(side.index is None for side in sides):
        if lines_file is not None:
            raise UsageError(f"--lines names records: both releases must have their {INDEX}, not a manifest alone")
        return _by_manifests(*sides, as_json)
    with compare.compared(*sides) as comparison:
        if lines_file is not None:
            _write_lines(comparison, lines_file)
        if as_json:
            print_json(
                {
                    **_sides(*sides),
                    "by": "index",
                    "same": comparison.same,
                    "texts": comparison.texts,
                    "counts": comparison.counts,
                    "by_format": comparison.by_format,
                }
            )
        else:
            _show(*sides, comparison)
        return DONE if comparison.same else FINDINGS


def _by_manifests(old: Side, new: Side, as_json: bool) -> int:
    found = compare.compare_manifests(old.manifest, new.manifest)
    if as_json:
        print_json(
            {
                **_sides(old, new),
                "by": "manifest",
                "same": found.same,
                "texts": found.texts,
                "parts_same": found.parts_same,
                "records_same": found.records_same,
                "at_least": found.at_least,
                "stretches": [_stretch(stretch) for stretch in found.stretches],
            }
        )
    else:
        _show_manifests(old, new, found)
    return DONE if found.same else FINDINGS


def _sides(old: Side, new: Side) -> dict[str, Any]:
    return {
        name: {
            "name": side.manifest.name,
            "root": side.manifest.content.root,
            "records": side.manifest.content.records,
            "tombstones": side.manifest.content.tombstones,
        }
        for name, side in (("old", old), ("new", new))
    }


def _stretch(stretch: Stretch) -> dict[str, Any]:
    return {
        "kind": stretch.kind,
        "first": [stretch.first.identifier, stretch.first.format],
        "last": [stretch.last.identifier, stretch.last.format],
    }


def _write_lines(comparison: Comparison, path: Path) -> None:
    several = len(comparison.by_format) > 1
    with translated(path, "writing"), path.open("w", encoding="utf-8") as file:
        for identifier, name, kind in comparison.lines():
            mark = compare.MARKS[kind]
            file.write(f"{mark} {identifier}\t{name}\n" if several else f"{mark} {identifier}\n")


def _show(old: Side, new: Side, comparison: Comparison) -> None:
    made = table("", "records", "", numbers=("records",))
    for kind, count in comparison.counts.items():
        if count or kind in (compare.SAME, compare.ADDED, compare.CHANGED, compare.DELETED):
            made.add_row(kind.replace("_", " "), f"{count:,}", _WORDS[kind])
    say(_title(old, new))
    print_table(made)
    for kind in compare.KINDS[1:]:
        _name_some(comparison, kind)
    if not comparison.texts:
        say(_other_form(old, new) + ": live records were compared by their datestamps alone")
    say("the same records" if comparison.same else "the releases differ")


def _name_some(comparison: Comparison, kind: str) -> None:
    several = len(comparison.by_format) > 1
    for identifier, name in comparison.first(kind, SHOWN):
        say(f"{compare.MARKS[kind]} {cell(identifier)}{f'  {cell(name)}' if several else ''}")
    if (more := comparison.counts[kind] - SHOWN) > 0:
        say(f"  and {more:,} more {kind.replace('_', ' ')}; --lines FILE names them all")


def _show_manifests(old: Side, new: Side, found: ManifestComparison) -> None:
    say(_title(old, new))
    for name, number in found.at_least.items():
        say(f"{cell(name)}: at least {abs(number):,} {'added' if number > 0 else 'gone'}")
    if found.parts_same:
        say(f"{counted(found.parts_same, 'part')} with {counted(found.records_same, 'record')} in both")
    for stretch in found.stretches:
        first, last = cell(stretch.first.identifier), cell(stretch.last.identifier)
        say(f"may differ: {stretch.kind} from {first} to {last}")
    if not found.texts:
        say(_other_form(old, new) + ": their parts and roots cannot be compared")
    words = {
        True: "the same records",
        False: "the releases differ",
        None: "the manifests do not tell whether these are the same records",
    }
    hint = f"; which records those are, {INDEX} of both would tell" if not found.same else ""
    say(words[found.same] + hint)


def _title(old: Side, new: Side) -> str:
    contents = [
        f"{cell(side.manifest.name)} ({counted(side.manifest.content.records, 'record')}, "
        f"{counted(side.manifest.content.tombstones, 'tombstone')})"
        for side in (old, new)
    ]
    return " -> ".join(contents)


def _other_form(old: Side, new: Side) -> str:
    return f"the old release is {old.manifest.content.making.form}, the new one {new.manifest.content.making.form}"
