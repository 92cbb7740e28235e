-- Queries of archive.releases, in alphabetical order. archive/queries.py reads this file.

-- name: compare_counts
-- How many there are of each kind. One row a format and kind: format, kind, records.
SELECT format, kind, count(*) AS records FROM compared GROUP BY ALL ORDER BY ALL;

-- name: compare_first
-- Some of one kind: identifier, format. Parameters: kind, limit.
SELECT identifier, format FROM compared WHERE kind = $kind ORDER BY identifier, format LIMIT $limit;

-- name: compare_lines
-- Every identifier and format with its kind: identifier, format, kind.
SELECT identifier, format, kind FROM compared ORDER BY identifier, format;

-- name: compare_releases
-- One row an identifier and format of either release, with its kind: same, added, changed, revived (a tombstone
-- before), deleted (live before), tombstone_added, tombstone_changed, gone (in neither form any more).
-- Parameters: old, new (paths of their indexes); texts (whether the digests are of the same form of text; if not,
-- only datestamps are compared).
CREATE TABLE compared AS
WITH old AS (SELECT identifier, format, datestamp, deleted, unhex(sha256) AS digest FROM read_parquet($old)),
     new AS (SELECT identifier, format, datestamp, deleted, unhex(sha256) AS digest FROM read_parquet($new)),
     pairs AS (
        SELECT identifier, format, old.deleted AS before, new.deleted AS now,
            old.datestamp IS NOT DISTINCT FROM new.datestamp
                AND (old.digest IS NOT DISTINCT FROM new.digest OR NOT $texts) AS alike
        FROM old FULL JOIN new USING (identifier, format))
SELECT identifier, format,
    CASE WHEN now IS NULL THEN 'gone'
        WHEN before IS NULL THEN CASE WHEN now THEN 'tombstone_added' ELSE 'added' END
        WHEN before AND NOT now THEN 'revived'
        WHEN now AND NOT before THEN 'deleted'
        WHEN alike THEN 'same'
        WHEN now THEN 'tombstone_changed'
        ELSE 'changed' END AS kind
FROM pairs;

-- name: count_identifiers
-- How many identifiers the index of a release names. Parameter: path.
SELECT count(DISTINCT identifier) FROM read_parquet($path);

-- name: release_index
-- Rows of a release's index in its own order: all columns of IndexRow.
-- Parameters: path; part, first_frame, last_frame (both included): those of some frames, all rows where part is NULL.
SELECT identifier, format, datestamp, deleted, part, frame, "offset", length, position, sha256
FROM read_parquet($path)
WHERE $part IS NULL OR (part = $part AND frame BETWEEN $first_frame AND $last_frame);

-- name: release_rows
-- Rows of a release's index in its own order: identifier, format, datestamp, deleted, sha256.
-- Parameters: path; parts (names of those whose records are wanted).
SELECT identifier, format, datestamp, deleted, sha256 FROM read_parquet($path) WHERE list_contains($parts, part);

-- name: sample_of_kept
-- Identifiers of outcomes that have a record (SQLite), one of so many.
-- Parameters: step.
SELECT identifier FROM outcomes WHERE outcome % :step = 0 AND state IN ('read', 'deleted');

-- name: sort_content_bytes
-- Bytes of all records, for choosing the number of buckets.
SELECT coalesce(sum(content_bytes), 0) FROM frames;

-- name: write_release_index
-- The index of a release, from a spool of one JSON object a row, in its order. Parameters: spool, longest (bytes of the
-- longest line), path. What rules the bytes: one thread, groups of so many rows, the compressor and its level.
COPY (
    SELECT * FROM read_json($spool, format = 'newline_delimited', maximum_object_size = $longest,
        columns = {identifier: 'VARCHAR', format: 'VARCHAR', datestamp: 'VARCHAR', deleted: 'BOOLEAN', part: 'VARCHAR',
            frame: 'INTEGER', "offset": 'BIGINT', length: 'BIGINT', position: 'INTEGER', sha256: 'VARCHAR'}))
TO $path (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, ROW_GROUP_SIZE 122880);
