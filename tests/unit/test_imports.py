"""Who may import whom, read from the source without running it."""

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# package -> packages of ours that it may import, besides itself
ALLOWED = {
    "archive": frozenset(),
    "harvester": frozenset({"archive"}),
    "spiders": frozenset({"archive", "harvester"}),
    "pipelines": frozenset({"archive", "harvester"}),
}

# The packages of archive/, each above those that it may import; what lies in archive/ itself is below them all.
ORDER = (
    "crosswalks",
    "accounts",
    "files",
    "releases",
    "indexes",
    "bags",
    "lookups",
    "conversions",
    "checks",
    "mending",
    "profiles",
    "migrations",
    "audits",
    "report",
)


def modules(package: str, root: Path = ROOT) -> dict[str, Path]:
    """Dotted name -> file of every module in a package."""
    found = {}
    for path in sorted((root / package).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(
    tree: ast.AST, module: str, *, is_package: bool, top_level: bool, known: Collection[str] = ()
) -> Iterator[str]:
    """Dotted names that a module imports, `from a import b` as both a and a.b, or as a.b alone when that is known.

    With `top_level` only what runs when the module is imported: not inside functions, nor for type checkers only.
    """
    for node in _nodes(tree, top_level):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.split(".")[: len(module.split(".")) - node.level + is_package]
                base = ".".join([*above, *([base] if base else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
            if not all(name in known for name in names):
                yield base
            yield from names


def _nodes(tree: ast.AST, top_level: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        if top_level and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if top_level and isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield child
        yield from _nodes(child, top_level)


def graph(package: str, root: Path = ROOT) -> dict[str, set[str]]:
    """Module -> modules of the same package that it imports, also late, from inside a function."""
    known = modules(package, root)
    edges = {}
    for name, path in known.items():
        names = imported(ast.parse(path.read_bytes()), name, is_package=path.name == "__init__.py", top_level=False)
        # a package's own __init__ runs before its modules; that alone is no circle
        edges[name] = {target for target in names if target in known and target != name}
    return edges


def find_circle(edges: dict[str, set[str]]) -> list[str]:
    """One circle of imports, its first module also last; empty when there is none."""
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        for target in sorted(edges[name]):
            if circle := walk(target, [*way, name]):
                return circle
        done.add(name)
        return []

    return next((circle for name in sorted(edges) if (circle := walk(name, []))), [])


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_go_down_only(package: str):
    wrong = []
    for name, path in modules(package).items():
        tree = ast.parse(path.read_bytes())
        for target in imported(tree, name, is_package=path.name == "__init__.py", top_level=False):
            top = target.split(".")[0]
            if top in ALLOWED and top != package and top not in ALLOWED[package]:
                wrong.append(f"{name} imports {target}")
    assert not wrong


def rank(module: str) -> int:
    """How high a module of archive/ stands: 0 in archive/ itself, then the packages in their order."""
    parts = module.split(".")
    return 1 + ORDER.index(parts[1]) if modules("archive")[module].parent.name != "archive" else 0


def test_packages_of_the_archive_import_only_those_below_them():
    known = modules("archive")
    assert {path.parent.name for path in known.values()} == {"archive", *ORDER}
    ranks = {name: rank(name) for name in known}
    wrong = []
    for name, path in known.items():
        tree = ast.parse(path.read_bytes())
        names = imported(tree, name, is_package=path.name == "__init__.py", top_level=False, known=known)
        wrong += [f"{name} imports {target}" for target in names if target in known and ranks[target] > ranks[name]]
    assert not wrong


@pytest.mark.parametrize("package", ALLOWED)
def test_no_module_imports_itself_by_a_detour(package: str):
    assert not find_circle(graph(package))


def test_no_module_is_called_utils():
    names = {name for package in ALLOWED for name in modules(package)}
    assert not [name for name in names if name.split(".")[-1] in ("utils", "util", "helpers", "common", "misc")]


def test_the_check_itself_finds_a_wrong_import_and_a_circle(tmp_path: Path):
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "one.py").write_text("from . import two\n")
    (folder / "two.py").write_text("def f():\n    import harvester.errors\n")
    two = ast.parse((folder / "two.py").read_bytes())
    assert "harvester.errors" in imported(two, "archive.two", is_package=False, top_level=False)
    assert not list(imported(two, "archive.two", is_package=False, top_level=True))
    assert not find_circle(graph("archive", tmp_path))
    (folder / "two.py").write_text("from archive.one import something\n")
    assert find_circle(graph("archive", tmp_path)) == ["archive.one", "archive.two", "archive.one"]
