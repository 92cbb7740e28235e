"""The report: what an archive holds and misses, as one page, as Markdown and as JSON.

`gather` reads the values, once; `as_html`, `as_markdown` and `as_json` write them down and read nothing more.
"""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "CUTS",
    "Cut",
    "ReportValues",
    "RunStanding",
    "Standing",
    "as_html",
    "as_json",
    "as_markdown",
    "gather",
    "is_complete",
    "migration_page",
    "read_breakdown",
    "read_standing",
]

if TYPE_CHECKING:
    from archive.report.breakdown import CUTS, Cut, read_breakdown
    from archive.report.gathering import gather
    from archive.report.page import as_html, migration_page
    from archive.report.plain import as_json, as_markdown
    from archive.report.standing import RunStanding, Standing, read_standing
    from archive.report.values import ReportValues
    from archive.report.words import is_complete
else:
    __getattr__ = lazy.exports(__name__)
