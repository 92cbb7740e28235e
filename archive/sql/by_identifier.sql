-- The records of an identifier. One row a format, by name: identifier, format, given, deleted, sets, shard, frame, position.
-- Parameters: identifier.
SELECT identifier, format, coalesce(datestamp, retrieved) AS given, deleted, sets, shard, frame, position
FROM records
WHERE identifier = $identifier
ORDER BY format;
