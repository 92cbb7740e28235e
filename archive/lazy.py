"""Load what a package exports when it is first used (PEP 562).

A command starts in a tenth of a second only if it imports what it runs. The `__init__.py` of a package therefore names its
exports twice: in `__all__`, and as imports under `if TYPE_CHECKING`, which type checkers read. `exports` reads the same
imports and follows one when the name is asked for, so nothing has to be listed a third time.
"""

import ast
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def exports(package: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package: it imports what stands under `if TYPE_CHECKING` in its `__init__.py`.

    A name is resolved once; the package keeps the value.
    """
    homes: dict[str, str] = {}

    def __getattr__(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if not homes:
            homes.update(_homes(package))
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if homes[name] == package:
            value: Any = importlib.import_module(f"{package}.{name}")
        else:
            value = getattr(importlib.import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return __getattr__


def _homes(package: str) -> dict[str, str]:
    """Map each exported name to the module that defines it."""
    source = Path(sys.modules[package].__file__ or "").read_text(encoding="utf-8")
    tree = ast.parse(source)
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    return {
        alias.name: node.module
        for block in blocks
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
