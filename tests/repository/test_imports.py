"""Who may import whom, read from the source without running it."""

import ast
import importlib
from collections.abc import Collection, Iterator
from functools import cache
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

# Packages from the lowest to the highest: each imports only those before it, and the modules of the folder above.
ORDER = {
    "archive": (
        "formats", "disk", "crosswalks", "store", "files", "conversions", "releases", "index", "lookup", "bags",
        "profiles", "migrations", "audits", "integrity", "report",
    ),
    "harvester": (
        "ratelimit", "oaipmh", "sources", "sampling", "demo", "http", "inputs", "serving", "rest", "planning", "crawl",
        "walks", "cli", "commands",
    ),
}  # fmt: skip
# Modules beside the packages, without `__init__` and `__main__`.
LOOSE_MODULES_MOST = 5
# These are entered by Scrapy and by click, through their dotted names.
WITHOUT_DOOR = {"harvester.cli", "harvester.commands"}


@cache
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
        tree = ast.parse(path.read_bytes())
        names = imported(tree, name, is_package=path.name == "__init__.py", top_level=False, known=known)
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


def rank(module: str, path: Path) -> int:
    """Return the place of a module's package in ORDER, counted from 1; 0 for a module beside the packages."""
    parts = module.split(".")
    if len(parts) == 1 or (len(parts) == 2 and path.name != "__init__.py"):
        return 0
    return 1 + ORDER[parts[0]].index(parts[1])


@cache
def imports_of(path: Path, module: str, known: frozenset[str] = frozenset()) -> list[str]:
    """List the dotted names that a module imports anywhere, the deepest module that is known of each."""
    tree = ast.parse(path.read_bytes())
    return list(imported(tree, module, is_package=path.name == "__init__.py", top_level=False, known=known))


@pytest.mark.parametrize("top", ORDER)
def test_packages_import_only_those_before_them(top: str):
    known = modules(top)
    assert {name.split(".")[1] for name, path in known.items() if rank(name, path)} == set(ORDER[top])
    wrong = [
        f"{name} imports {target}"
        for name, path in known.items()
        if path.name != "__main__.py"
        for target in imports_of(path, name, frozenset(known))
        if target in known and rank(target, known[target]) > (rank(name, path) or len(ORDER[top]))
    ]
    assert not wrong


@pytest.mark.parametrize("top", ORDER)
def test_few_modules_lie_beside_the_packages(top: str):
    loose = {path.stem for path in (ROOT / top).glob("*.py")} - {"__init__", "__main__"}
    assert len(loose) <= LOOSE_MODULES_MOST, sorted(loose)


@cache
def doors() -> dict[str, Path]:
    """Dotted name -> `__init__.py` of each package below archive/ and harvester/ that is entered by a door."""
    return {
        name: path
        for top in ORDER
        for name, path in modules(top).items()
        if path.name == "__init__.py" and name != top and name not in WITHOUT_DOOR
    }


@cache
def exported(path: Path) -> tuple[str, set[str], set[str]]:
    """Return the docstring of a door, the names in its `__all__`, and the names it imports for type checkers."""
    tree = ast.parse(path.read_bytes())
    listed: set[str] = set()
    typed: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            listed = set(ast.literal_eval(node.value))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            imports = [child for child in node.body if isinstance(child, ast.ImportFrom)]
            typed = {alias.asname or alias.name for child in imports for alias in child.names}
    return ast.get_docstring(tree) or "", listed, typed


def test_packages_are_entered_by_their_doors():
    found = doors()
    known = frozenset(name for top in ALLOWED for name in modules(top))
    wrong = []
    for top in ALLOWED:
        for name, path in modules(top).items():
            for target in imports_of(path, name, known):
                around = [door for door in found if target.startswith(door + ".") and target not in found]
                inside = max(around, key=len, default=None) if target in known else None
                if inside is None or name == inside or name.startswith(inside + "."):
                    continue
                if target.removeprefix(inside + ".") not in exported(found[inside])[1]:
                    wrong.append(f"{name} imports {target}")
    assert not wrong


@pytest.mark.parametrize("door", doors())
def test_a_door_says_its_purpose_and_exports_what_others_use(door: str):
    purpose, listed, typed = exported(doors()[door])
    assert len(purpose.split()) >= 8
    assert listed == typed
    package = importlib.import_module(door)
    for name in listed:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError):
        package.no_such_name  # noqa: B018
    used = {
        target.removeprefix(door + ".")
        for top in ALLOWED
        for name, path in modules(top).items()
        if name != door and not name.startswith(door + ".")
        for target in imports_of(path, name)
        if target.startswith(door + ".")
    }
    assert listed <= used, f"nothing outside uses {sorted(listed - used)}"


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
