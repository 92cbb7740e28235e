"""What is known to go wrong, what Harvester does then, and the test that shows it: makes docs/reliability.md.

    python tests/reliability.py              write docs/reliability.md
    python tests/reliability.py --check      say what is wrong or out of date; 1 when something is
    python tests/reliability.py --counts FILE [--note TEXT]     take over what a nightly run counted

Reads tests/reliability/AREA.toml: `[[fault]]` with fault, seen, does, test and area, `[[limit]]` with limit, reason and
area. `seen` and the others are Markdown, in which owner/repository#1 becomes a link; `test` is a node id of pytest or a
list of them. The numbers are in tests/reliability/results.json; only `make test-nightly` writes it.
"""

import argparse
import ast
import collections
import datetime
import functools
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "reliability"
RESULTS = FOLDER / "results.json"
PAGE = ROOT / "docs" / "reliability.md"
# in the order of the page
AREAS = {
    "providers": "Providers, and the way to them",
    "kills": "Kill, power, disk, clock, damage",
    "input": "Input as an attack",
    "load": "Load",
    "serving": "Serving",
    "supply": "Secrets, permissions, supply chain",
}
FIELDS = {"fault": ("fault", "seen", "does", "test", "area"), "limit": ("limit", "reason", "area")}
INTRODUCTION = """\
# What can go wrong, and what happens then

Each row is a fault that somebody met, or that one who means harm would try: what it is, where it was seen, what
Harvester does, and the test that shows it. A test serves the fault on purpose and compares what is kept with what there
was: nothing is lost in silence, no run ends with 0 on a loss, and no answer makes a run wait or turn for ever. What
cannot be made right stands below its table, with the reason.

`make test` runs each of these tests, those that draw at random in a small number; `make test-hostile` all worlds of
misbehaving providers; `make test-nightly` everything in full. This page is made from `tests/reliability/*.toml` by
`make reliability`, and a test holds it to them.
"""
_ISSUE = re.compile(r"(?<![\w/\[-])([A-Za-z0-9][\w-]*/[\w.-]+)#(\d+)\b(?!\]\()")

Row = Mapping[str, Any]


def read_rows(kind: str, folder: Path = FOLDER) -> list[Row]:
    """The rows of one kind ("fault" or "limit"), by area in the order of the page."""
    rows: list[Row] = []
    for path in sorted(folder.glob("*.toml")):
        rows += tomllib.loads(path.read_text(encoding="utf-8")).get(kind, [])
    order = list(AREAS)
    return sorted(rows, key=lambda row: order.index(row["area"]) if row.get("area") in AREAS else len(order))


def wrong(folder: Path = FOLDER, root: Path = ROOT) -> Iterator[str]:
    """What is not as it must be in the rows, in words."""
    for path in sorted(folder.glob("*.toml")):
        read = tomllib.loads(path.read_text(encoding="utf-8"))
        yield from (f"{path.name}: no such table: {name}" for name in read if name not in FIELDS)
        for kind, rows in read.items():
            for row in rows:
                yield from (f"{path.name}: {error}" for error in _wrong_row(kind, row, path.stem, root))
    for name, count in collections.Counter(row.get("fault") for row in read_rows("fault", folder)).items():
        if count > 1:
            yield f"{count} rows are called {name!r}"


def _wrong_row(kind: str, row: Row, area: str, root: Path) -> Iterator[str]:
    name = row.get(kind, "a row without a name")
    wanted = FIELDS.get(kind, ())
    yield from (f"{name}: {field} is missing or empty" for field in wanted if not row.get(field))
    yield from (f"{name}: nobody reads {field}" for field in row if field not in wanted)
    if row.get("area") not in AREAS or row["area"] != area:
        yield f"{name}: its area is {row.get('area')!r}, its file {area}.toml"
    for test in tests_of(row):
        if not exists(test, root):
            yield f"{name}: there is no test {test}"


def tests_of(row: Row) -> list[str]:
    test = row.get("test", [])
    return [test] if isinstance(test, str) else list(test)


def exists(test: str, root: Path = ROOT) -> bool:
    """Whether a node id names a test function that is there, and, in brackets, something its module spells out."""
    file, _, rest = test.partition("::")
    function, _, parameters = rest.partition("[")
    path = root / file
    if not file.startswith("tests/") or not function.startswith("test_") or not path.is_file():
        return False
    functions, constants = _names(path)
    given = parameters.removesuffix("]")
    return function in functions and (not given or given in constants or set(given.split("-")) <= constants)


@functools.cache
def _names(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """The functions and the constants of a module."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    constants = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    return frozenset(functions), frozenset(constants)


def page(folder: Path = FOLDER, results: Path = RESULTS) -> str:
    """docs/reliability.md as it should be."""
    faults, limits = read_rows("fault", folder), read_rows("limit", folder)
    parts = [INTRODUCTION, _numbers(results, len(faults))]
    for area, title in AREAS.items():
        rows, unmade = ([row for row in rows if row["area"] == area] for rows in (faults, limits))
        if rows or unmade:
            parts.append(f"## {title}\n")
        if rows:
            parts.append(_table(rows))
        if unmade:
            lines = [f"- **{_text(row['limit'])}.** {_text(row['reason'])}\n" for row in unmade]
            parts.append("### Limits\n\n" + "".join(lines))
    return "\n".join(parts)


def _numbers(results: Path, faults: int) -> str:
    read = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    if not read:
        return f"{faults} faults.\n"
    counts = "".join(f"| {what} | {number:,} |\n" for what, number in sorted(read["counts"].items()))
    how = read.get("note", "and nothing failed")
    said = f"{faults} faults. The last nightly run was on {read['date']}, with {read['python']}, {how}:\n"
    return f"{said}\n| tried | times |\n| --- | ---: |\n{counts}"


def _table(rows: Sequence[Row]) -> str:
    lines = ["| Fault | Seen | What Harvester does | Shown by |", "| --- | --- | --- | --- |"]
    for row in rows:
        shown = "<br>".join(map(_shown, tests_of(row)))
        lines.append(f"| {_text(row['fault'])} | {_text(row['seen'])} | {_text(row['does'])} | {shown} |")
    return "\n".join(lines) + "\n"


def _text(words: str) -> str:
    """One line of Markdown that fits into a table, with links to what it names."""
    line = " ".join(words.split()).replace("|", "\\|")
    return _ISSUE.sub(r"[\1#\2](https://github.com/\1/issues/\2)", line)


def _shown(test: str) -> str:
    file, _, name = test.partition("::")
    return f"[{Path(file).stem}](../{file}): `{name}`".replace("|", "\\|")


def count(file: Path, now: datetime.date) -> dict[str, Any]:
    """What a run counted into a file by `amounts.tried`, summed up."""
    counts: collections.Counter[str] = collections.Counter()
    for line in file.read_text(encoding="utf-8").splitlines():
        what, _, number = line.rpartition("\t")
        counts[what] += int(number)
    read = {"date": now.isoformat(), "python": f"Python {sys.version_info.major}.{sys.version_info.minor}"}
    return {**read, "counts": dict(sorted(counts.items()))}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--counts", type=Path)
    parser.add_argument("--note", help="how it was run, where it is not that nothing failed in one run")
    options = parser.parse_args()
    if options.counts:
        read = count(options.counts, datetime.datetime.now(datetime.UTC).date())
        if options.note:
            read["note"] = options.note
        RESULTS.write_text(json.dumps(read, indent=2) + "\n", encoding="utf-8")
        print("\n".join(f"{number:>12,} {what}" for what, number in read["counts"].items()))
    errors = list(wrong())
    if options.check and (not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page()):
        errors.append("docs/reliability.md is not what its rows say: run make reliability")
    if not options.check and not errors:
        PAGE.write_text(page(), encoding="utf-8")
    print("\n".join(errors), end="\n" if errors else "", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
