-- Queries of harvester.inputs, in alphabetical order. archive/queries.py reads this file.

-- name: load_records
-- The table `records` of what a file holds, made of lines of JSON. metadata is text there, so that numbers stay as they are.
-- Parameters: path; longest (of the lines, in bytes).
CREATE TABLE records AS
SELECT number, identifier, name, deleted, CAST(metadata AS JSON) AS metadata, reason
FROM read_ndjson($path, maximum_object_size = $longest,
                 columns = {number: 'BIGINT', identifier: 'VARCHAR', name: 'VARCHAR', deleted: 'BOOLEAN',
                            metadata: 'VARCHAR', reason: 'VARCHAR'});
