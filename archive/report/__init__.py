"""The report: what an archive holds and misses, as one page, as Markdown and as JSON.

`gather` reads the values, once; `as_html`, `as_markdown` and `as_json` write them down and read nothing more.
"""

from archive.report.gathering import gather
from archive.report.page import as_html
from archive.report.plain import as_json, as_markdown
from archive.report.values import ReportValues

__all__ = ["ReportValues", "as_html", "as_json", "as_markdown", "gather"]
