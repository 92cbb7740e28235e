"""The index in DuckDB, derived from shards and ledger, and from releases."""
