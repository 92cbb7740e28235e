-- The records of a local id, which may belong to several identifiers. Rows as in by_identifier.sql.
-- Parameters: local_id.
SELECT identifier, format, coalesce(datestamp, retrieved) AS given, deleted, sets, shard, frame, position
FROM records
WHERE local_id = $local_id
ORDER BY identifier, format;
