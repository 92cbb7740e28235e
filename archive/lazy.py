"""Import what a package exports when it is first used (PEP 562).

A command starts quickly only if it imports nothing but what it runs. The `__init__.py` of a package lists its exports
in `__all__` and imports them under `if TYPE_CHECKING`, where type checkers see them. `exports` reads the same imports
at run time and follows one when its name is first asked for.
"""

import ast
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def exports(package: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package, which resolves the names imported under its `if TYPE_CHECKING`.

    A resolved name is stored in the package, so each costs one call. Unknown names raise AttributeError.
    """
    homes: dict[str, str] = {}

    def resolve(name: str) -> Any:
        if not homes and not name.startswith("__"):
            homes.update(_read_homes(package))
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if homes[name] == package:
            value: Any = importlib.import_module(f"{package}.{name}")
        else:
            value = getattr(importlib.import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return resolve


def _read_homes(package: str) -> dict[str, str]:
    """Map each exported name to the module that defines it; a submodule has the package itself as its home."""
    source = Path(sys.modules[package].__file__ or "").read_text(encoding="utf-8")
    return {
        alias.name: node.module
        for block in ast.parse(source).body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
