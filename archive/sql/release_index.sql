-- Rows of a release's index in its own order: all columns of IndexRow.
-- Parameters: path; part, first_frame, last_frame (both included): those of some frames, all rows where part is NULL.
SELECT identifier, format, datestamp, deleted, part, frame, "offset", length, position, sha256
FROM read_parquet($path)
WHERE $part IS NULL OR (part = $part AND frame BETWEEN $first_frame AND $last_frame);
