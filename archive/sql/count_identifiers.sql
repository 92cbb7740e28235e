-- How many identifiers the index of a release names. Parameter: path.
SELECT count(DISTINCT identifier) FROM read_parquet($path);
