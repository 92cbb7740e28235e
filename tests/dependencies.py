"""What Harvester is built on, with its licences: makes docs/dependencies.md from the .lock files and what is installed.

    python tests/dependencies.py              write docs/dependencies.md
    python tests/dependencies.py --check      say what is out of date; 1 when something is

The version and hashes of each package are in the .lock files; its licence is what its own metadata says. Of a package
that is not installed here the licence stays as the page has it: the checkers have an interpreter of their own
(.venv/checkers/bin/python), with which this is run as well.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "dependencies.md"
# in the order of the page; a package is named in the first that has it
LOCKS = {
    "requirements.lock": "What a harvest runs on",
    "requirements-dev.lock": "What the tests add",
    "requirements-bench.lock": "What the benchmarks add",
    "requirements-fuzz.lock": "What fuzzing adds",
    "requirements-docs.lock": "The documentation generator, in a folder of its own",
    "requirements-checkers.lock": "Checkers of others, in a folder of their own",
}
INTRODUCTION = """\
# Dependencies and their licences

Each is pinned by version and SHA-256 in a `.lock` file, and installed with `pip --require-hashes`: a file that was
exchanged in a registry is not installed. `make lock` makes those files anew from `pyproject.toml`; this page is made by
`python tests/dependencies.py` from them and from the metadata of what is installed, and a test holds it to them.

Harvester itself is under the Apache License 2.0. Nothing of these packages is copied into it.
"""
# what metadata says in words of its own, as SPDX has it
_SPDX = {
    "MIT License": "MIT", "BSD License": "BSD-3-Clause", "BSD": "BSD-3-Clause", "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0", "Apache License, Version 2.0": "Apache-2.0", "Apache License 2.0": "Apache-2.0",
    "PSFL": "PSF-2.0", "Python Software Foundation License": "PSF-2.0", "Public Domain": "CC-PDDC",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0", "The Unlicense (Unlicense)": "Unlicense",
    "ISC License (ISCL)": "ISC", "3-Clause BSD License": "BSD-3-Clause", "Apache-2": "Apache-2.0",
    "Apache License": "Apache-2.0", "CC0": "CC0-1.0",
}  # fmt: skip
# where the metadata holds the text of the licence, or nothing
_KNOWN = {
    "atheris": "Apache-2.0",
    "pymarc": "BSD-2-Clause",
    "automat": "MIT",
    # the one file under the GPL, an Emacs mode, is not in its wheel
    "docutils": "CC-PDDC AND BSD-2-Clause",
}
UNKNOWN = "not stated"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
_ROW = re.compile(r"^\| ([^ |]+) \| ([^ |]+) \| ([^|]+) \|$", re.MULTILINE)


def pinned(lock: str) -> dict[str, str]:
    """The versions in a .lock file by name."""
    return dict(_PINNED.findall((ROOT / lock).read_text(encoding="utf-8")))


def listed(text: str) -> dict[str, tuple[str, str]]:
    """Versions and licences that a page has."""
    return {name: (version, licence.strip()) for name, version, licence in _ROW.findall(text) if name != "package"}


def licence_of(name: str) -> str | None:
    """What an installed package says of itself, as SPDX has it; None when it is not installed."""
    try:
        found = metadata(name)
    except PackageNotFoundError:
        return None
    if name.lower() in _KNOWN:
        return _KNOWN[name.lower()]
    if expression := found.get("License-Expression"):
        return str(expression)
    short = next(iter((found.get("License") or "").splitlines()), "").strip()
    classes = [line.rpartition(" :: ")[2] for line in found.get_all("Classifier", []) if line.startswith("License ::")]
    names = [short] if short and len(short) < 40 else classes
    return " AND ".join(_SPDX.get(one, one) for one in names) or UNKNOWN


def page(before: str) -> str:
    """The page, of which `before` is the one that is there."""
    known, seen = listed(before), set()
    parts = [INTRODUCTION]
    for lock, title in LOCKS.items():
        rows = []
        for name, version in sorted(pinned(lock).items()):
            if name in seen:
                continue
            seen.add(name)
            licence = licence_of(name) or known.get(name, ("", UNKNOWN))[1]
            rows.append(f"| {name} | {version} | {licence} |")
        if rows:
            parts.append(
                "\n".join([f"## {title} (`{lock}`)", "", "| package | version | licence |", "|---|---|---|", *rows])
            )
    return "\n\n".join(part.strip() for part in parts) + "\n"


def main() -> int:
    before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    after = page(before)
    if "--check" not in sys.argv:
        PAGE.write_text(after, encoding="utf-8")
        return 0
    if before != after:
        print("docs/dependencies.md is out of date: python tests/dependencies.py", file=sys.stderr)
    return int(before != after)


if __name__ == "__main__":
    sys.exit(main())
