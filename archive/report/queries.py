"""The SQL behind the numbers of a report: the title of each query, and where it runs."""

from dataclasses import dataclass

from archive.queries import Queries
from archive.report.values import ReportValues

_PACKAGES = ("archive.store", "archive.index", "archive.audits", "archive.report")

_LEDGER, _INDEX, _AUDIT = "SQLite, ledger.sqlite", "DuckDB, index.duckdb", "DuckDB, within an audit"


@dataclass(frozen=True, slots=True)
class Query:
    """A query of `archive`, from `queries.sql` of `package`; `engine` says where it runs."""

    name: str
    package: str
    title: str
    engine: str
    sql: str


def queries_of(values: ReportValues) -> list[Query]:
    """List the queries behind a report of these values, in the order of the page."""
    named = [
        ("account_of_all", "The account after all harvests", _LEDGER),
        ("account_of_runs", "The account of each run", _LEDGER),
        ("account_sums", "The sums that must be equal", _LEDGER),
    ]
    if values.compared is not None:
        named += [
            ("audit_paired", "Both sides, id by id", _AUDIT),
            ("audit_marked", "What differs, and why", _AUDIT),
            ("audit_counts", "Ids by mark and reason", _AUDIT),
            ("report_ids", "The ids that are counted", _AUDIT),
            ("report_months", "Both sides by month", _AUDIT),
            ("report_prefixes", "What stands before the numbers", _AUDIT),
            ("report_map", "The map of gaps", _AUDIT),
            ("report_gaps", "Runs of missing ids", _AUDIT),
        ]
    named.append(("account_by_month", "The account by month and year", _LEDGER))
    if values.sets is not None:
        named.append(("account_by_set", "The account by set", _INDEX))
    named += [
        ("account_by_window", "The account by window", _LEDGER),
        ("work_of_runs", "What each run took", _LEDGER),
        ("report_timeline", "Requests over a run", _LEDGER),
        ("report_waits", "Waits of a run", _LEDGER),
        ("report_answers", "How the requests of a run were answered", _LEDGER),
        ("report_findings", "Findings by code", _LEDGER),
    ]
    found = []
    for name, title, engine in named:
        package = next(package for package in _PACKAGES if name in Queries(package).all)
        found.append(Query(name, package, title, engine, Queries(package)[name].strip()))
    return found
