"""An audited migration, an uploader's log, or both, as one page in the manner of the report."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from archive.report.page import hash_of, page_environment, page_style

Values = Mapping[str, Any]


def migration_page(moved: Values | None, log: Values | None, made: datetime) -> str:
    """Write the page; `moved` and `log` have the keys of `audit --json`, None for the audit that was not asked for."""
    style = page_style()
    return page_environment().get_template("migration.html.j2").render(
        m=moved, u=log, made=made, style=style, style_hash=hash_of(style),
        title=(moved or log or {})["target"], complete=all(one["complete"] for one in (moved, log) if one is not None)
        and not (moved or {}).get("contradictions"),
    )  # fmt: skip
