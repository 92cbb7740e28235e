-- Some records of a format, live ones first, the newest first. One row a record: identifier, deleted, shard, frame, position.
-- Parameters: format, limit.
SELECT identifier, deleted, shard, frame, position
FROM records
WHERE format = $format
ORDER BY deleted, datestamp DESC NULLS LAST
LIMIT $limit;
