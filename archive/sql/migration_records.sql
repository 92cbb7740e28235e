-- (index.duckdb) Every record in its latest state: identifier, format, deleted, sets, metadata.
SELECT identifier, format, deleted, sets, metadata::VARCHAR FROM records;
