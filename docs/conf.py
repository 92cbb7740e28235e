"""Sphinx configuration of the documentation: `make docs` builds it into build/docs."""

import re

from sphinx.application import Sphinx

project = "Harvester"
copyright = "the Harvester developers"  # noqa: A001
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Harvester"
# headings that pages link to
myst_heading_anchors = 4
# DuckDB has literals that the lexer of SQL does not know
suppress_warnings = ["misc.highlighting_failure"]
# links to tests and to files beside docs/: the site is read without the repository, and shows their names only
_OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./(?:tests/[^)]+|[A-Z]+\.md)\)")


def _without_links_outside(_app: Sphinx, _page: str, source: list[str]) -> None:
    source[0] = _OUTSIDE.sub(r"\1", source[0])


def setup(app: Sphinx) -> None:
    """Register what is done to each page before it is parsed."""
    app.connect("source-read", _without_links_outside)
