"""Audits of migrations: the items of a source matched with the records of a target, and the logs of uploaders."""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "AMBIGUOUS",
    "CLASSES",
    "CONTESTED",
    "GONE",
    "KEPT",
    "MATCHED",
    "MISSING",
    "SAID",
    "UNCLAIMED",
    "UNKEYED",
    "UPLOAD_CLASSES",
    "WITHDRAWN",
    "Mapping",
    "Migration",
    "MigrationReport",
    "Progress",
    "Redirects",
    "Rule",
    "UploadReport",
    "Uploads",
    "Wording",
    "code_points",
    "contradictions",
    "differences",
    "match",
    "migrated",
    "parse_rule",
    "parse_stated",
    "parse_wording",
    "rate_of",
    "read_mapping",
    "uploaded",
    "write_csv",
    "write_nginx",
]

if TYPE_CHECKING:
    from archive.migrations import match
    from archive.migrations.fields import Mapping, code_points, read_mapping
    from archive.migrations.log import Wording, parse_wording
    from archive.migrations.match import (
        AMBIGUOUS,
        CLASSES,
        CONTESTED,
        GONE,
        KEPT,
        MATCHED,
        MISSING,
        UNCLAIMED,
        UNKEYED,
        WITHDRAWN,
        Migration,
        MigrationReport,
        Progress,
        migrated,
    )
    from archive.migrations.outputs import (
        Redirects,
        contradictions,
        differences,
        parse_stated,
        rate_of,
        write_csv,
        write_nginx,
    )
    from archive.migrations.sides import Rule, parse_rule
    from archive.migrations.uploads import SAID, UPLOAD_CLASSES, UploadReport, Uploads, uploaded
else:
    __getattr__ = lazy.exports(__name__)
