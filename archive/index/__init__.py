"""The DuckDB index, derived from shards and ledger or from a release, and the lookup file beside it.

An index is never the source of truth: it is rebuilt or renewed whenever the ledger says something else.
"""

from typing import TYPE_CHECKING

from archive import lazy

__all__ = [
    "Difference",
    "IndexReport",
    "check_current",
    "check_index",
    "check_index_digest",
    "check_index_lookup",
    "check_proofs",
    "check_release_index",
    "copy_ledger",
    "example",
    "examples",
    "index",
    "index_digest",
    "index_lookup",
    "index_release",
    "open_index",
    "open_read_only",
    "release_index",
    "write_parquet",
]

if TYPE_CHECKING:
    from archive.index.build import check_index, index
    from archive.index.compare import Difference
    from archive.index.example_queries import example, examples
    from archive.index.file import (
        IndexReport,
        check_current,
        check_index_digest,
        index_digest,
        open_index,
        open_read_only,
        release_index,
    )
    from archive.index.fill import check_proofs
    from archive.index.ledger_copy import copy_ledger
    from archive.index.lookup import check_index_lookup, index_lookup
    from archive.index.parquet import write_parquet
    from archive.index.release import check_release_index, index_release
else:
    __getattr__ = lazy.exports(__name__)
