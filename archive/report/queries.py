"""The SQL behind the numbers of a report: the title of each query, and where it runs."""

from dataclasses import dataclass

from archive.queries import Queries
from archive.report.values import ReportValues

_STORE, _AUDITS, _REPORT = "archive.store", "archive.audits", "archive.report"
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
        (_STORE, "account_of_all", "The account after all harvests", _LEDGER),
        (_STORE, "account_of_runs", "The account of each run", _LEDGER),
        (_STORE, "account_sums", "The sums that must be equal", _LEDGER),
    ]
    if values.compared is not None:
        named += [
            (_AUDITS, "audit_paired", "Both sides, id by id", _AUDIT),
            (_AUDITS, "audit_marked", "What differs, and why", _AUDIT),
            (_AUDITS, "audit_counts", "Ids by mark and reason", _AUDIT),
            (_REPORT, "report_ids", "The ids that are counted", _AUDIT),
            (_REPORT, "report_months", "Both sides by month", _AUDIT),
            (_REPORT, "report_prefixes", "What stands before the numbers", _AUDIT),
            (_REPORT, "report_map", "The map of gaps", _AUDIT),
            (_REPORT, "report_gaps", "Runs of missing ids", _AUDIT),
        ]
    named.append((_REPORT, "account_by_month", "The account by month and year", _LEDGER))
    if values.sets is not None:
        named.append((_REPORT, "account_by_set", "The account by set", _INDEX))
    named += [
        (_REPORT, "account_by_window", "The account by window", _LEDGER),
        (_STORE, "work_of_runs", "What each run took", _LEDGER),
        (_REPORT, "report_timeline", "Requests over a run", _LEDGER),
        (_REPORT, "report_waits", "Waits of a run", _LEDGER),
        (_REPORT, "report_answers", "How the requests of a run were answered", _LEDGER),
        (_REPORT, "report_findings", "Findings by code", _LEDGER),
    ]
    return [
        Query(name, package, title, engine, Queries(package)[name].strip()) for package, name, title, engine in named
    ]
