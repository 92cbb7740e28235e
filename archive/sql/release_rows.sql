-- Rows of a release's index in its own order: identifier, format, datestamp, deleted, sha256.
-- Parameters: path; parts (names of those whose records are wanted).
SELECT identifier, format, datestamp, deleted, sha256 FROM read_parquet($path) WHERE list_contains($parts, part);
