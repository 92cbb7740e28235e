"""Named queries: each is found, used and explained, and none walks all requests for each outcome."""

import ast
import re
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from support import archive_builder

from archive.queries import Queries
from archive.store.layout import Layout
from archive.store.snapshots import read_only

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = sorted(
    ".".join(path.relative_to(ROOT).parent.parts)
    for top in ("archive", "harvester")
    for path in (ROOT / top).rglob("queries.sql")
)
# in SQLite, and about the outcomes of requests
ASKED = [
    (package, name, sql)
    for package in PACKAGES
    for name, sql in Queries(package).all.items()
    if "o.outcome BETWEEN r.first_outcome" in sql
]


def used() -> Iterator[tuple[str, str]]:
    """Yield (package, name) of each query that code looks up by a literal name or, as `name*`, by a prefix."""
    for top in ("archive", "harvester", "spiders", "pipelines"):
        for path in sorted((ROOT / top).rglob("*.py")):
            tree, own = ast.parse(path.read_bytes()), ".".join(path.relative_to(ROOT).parent.parts)
            named = {
                node.targets[0].id: own
                if ast.unparse(node.value.args[0]) == "__package__"
                else node.value.args[0].value
                for node in tree.body
                if isinstance(node, ast.Assign)
                and isinstance(node.value, ast.Call)
                and ast.unparse(node.value.func) == "Queries"
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.Subscript):
                    package = named.get(ast.unparse(node.value))
                    if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "Queries":
                        package = getattr(node.value.args[0], "value", None)
                    if package is not None and isinstance(node.slice, ast.Constant):
                        yield package, node.slice.value
                    elif package is not None and isinstance(node.slice, ast.JoinedStr):
                        yield package, f"{node.slice.values[0].value}*"
                elif isinstance(node, ast.Call) and isinstance(node.args[0] if node.args else None, ast.JoinedStr):
                    # a method that looks up the name it is given
                    if isinstance(first := node.args[0].values[0], ast.Constant):
                        yield own, f"{first.value}*"
                elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
                    for package in {own, *named.values()} & set(PACKAGES):
                        if node.value in Queries(package).all:
                            yield package, node.value


def test_each_query_is_used_and_each_that_is_used_is_there():
    found = set(used())
    there = {(package, name) for package in PACKAGES for name in Queries(package).all}
    prefixes = [(package, name[:-1]) for package, name in found if name.endswith("*") and len(name) > 4]
    assert {one for one in found if not one[1].endswith("*")} <= there
    unused = there - found
    assert not {
        (package, name)
        for package, name in unused
        if not any(name.startswith(p) for of, p in prefixes if of == package)
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_each_query_says_what_it_answers(package: str):
    assert Queries(package).all
    for name, sql in Queries(package).all.items():
        assert sql.startswith("-- "), f"{package}/queries.sql: {name} has no comment"


def test_a_name_that_is_defined_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "package_with_queries"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "queries.sql").write_text("-- Head.\n\n-- name: one\n-- One.\nSELECT 1;\n\n-- name: one\nSELECT 2;\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match="defines one twice"):
        Queries("package_with_queries")["one"]


def statements() -> list[tuple[str, str]]:
    found = []
    for _, name, sql in ASKED:
        text = re.sub(r"CREATE TEMP TABLE \w+ AS", "", re.sub(r"--.*", "", sql))
        found += [(name, one) for one in text.split(";") if re.match(r"\s*(SELECT|WITH)", one)]
    return found


@pytest.mark.parametrize(("name", "statement"), statements())
def test_outcomes_are_found_by_their_requests_and_not_the_other_way(tmp_path: Path, name: str, statement: str):
    archive_builder.ended(tmp_path / "a", [["oai:x:1"]])
    with closing(read_only(Layout(tmp_path / "a").ledger)) as db:
        db.create_function("local_id", 1, str)
        for table in ("own", "parts"):  # what splits_ids fills for the questions after it
            db.execute(f"CREATE TEMP TABLE {table} (identifier TEXT)")
        db.execute("CREATE TEMP TABLE shown (place INTEGER PRIMARY KEY, identifier TEXT)")
        db.execute("CREATE TEMP TABLE doubtful (channel INTEGER, identifier TEXT)")
        db.execute("CREATE INDEX temp.doubtful_ids ON doubtful (identifier)")
        values = dict.fromkeys(re.findall(r":(\w+)", statement)) or [1] * statement.count("?")
        plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    for before, step in pairwise(plan):
        by_all = re.match(r"(SCAN|SEARCH) o\b", before) and step.startswith("SEARCH r USING AUTOMATIC")
        assert not by_all, f"{name}: {plan}"


# Statements that stay in Python: those in which names of tables or columns are put together, and the tables of the
# ledger, whose text is stored in it.
INLINE = {
    "archive/index/fill.py": 2,
    "archive/index/ledger_copy.py": 1,
    "archive/index/parquet.py": 1,
    "archive/index/renewal.py": 1,
    "archive/integrity/rebuild.py": 3,
    "archive/integrity/salvage.py": 5,
    "archive/migrations/log.py": 1,
    "archive/migrations/match.py": 1,
    "archive/store/ledger.py": 1,
    "archive/store/schema.py": 4,
    "harvester/cli/prompt.py": 1,
    "harvester/demo/demo.py": 3,
}
_STATEMENT = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|WITH|COPY|DROP|REPLACE|ALTER)\b[^|]*"
    r"\b(FROM|INTO|TABLE|INDEX|VIEW|VALUES|SELECT)\b"
)


def test_statements_are_in_sql_files():
    found: dict[str, int] = {}
    for top in ("archive", "harvester", "spiders", "pipelines"):
        for path in sorted((ROOT / top).rglob("*.py")):
            tree = ast.parse(path.read_bytes())
            inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
            docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and id(node) not in inside and id(node) not in docstrings:
                    text = node.value
                elif isinstance(node, ast.JoinedStr):
                    text = "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
                else:
                    continue
                if isinstance(text, str) and _STATEMENT.match(text):
                    name = path.relative_to(ROOT).as_posix()
                    found[name] = found.get(name, 0) + 1
    assert found == INLINE
