-- Queries of harvester.serving, in alphabetical order. archive/queries.py reads this file.

-- name: by_identifier
-- The records of an identifier. One row a format, by name: identifier, format, given, deleted, sets, shard, frame, position.
-- Parameters: identifier.
SELECT identifier, format, coalesce(datestamp, retrieved) AS given, deleted, sets, shard, frame, position
FROM records
WHERE identifier = $identifier
ORDER BY format;

-- name: by_local_id
-- The records of a local id, which may belong to several identifiers. Rows as in by_identifier.sql.
-- Parameters: local_id.
SELECT identifier, format, coalesce(datestamp, retrieved) AS given, deleted, sets, shard, frame, position
FROM records
WHERE local_id = $local_id
ORDER BY identifier, format;

-- name: earliest_datestamp
-- The oldest datestamp of all records in some formats. One row: earliest, NULL where there is no record.
-- Parameters: prefixes (a list).
SELECT least(min(datestamp), min(retrieved) FILTER (datestamp IS NULL)) AS earliest
FROM records
WHERE list_contains($prefixes::VARCHAR[], format);

-- name: formats
-- The formats that records are held in. One row a format: format, by name.
SELECT DISTINCT format FROM records ORDER BY format;

-- name: frame_place
-- Where a frame lies. One row: name (of its shard), offset and bytes (in the file).
-- Parameters: shard, frame.
SELECT shards.name, frames."offset", frames.bytes
FROM frames JOIN shards USING (shard)
WHERE frames.shard = $shard AND frames.frame = $frame;

-- name: list_count
-- How many records a list has. One row: count.
-- Parameters: format; first, last_of_all (bounds of the datestamp, both included); set (NULL is no set).
SELECT count(*) AS count
FROM records
WHERE format = $format
  AND coalesce(datestamp, retrieved) BETWEEN $first AND $last_of_all
  AND ($set::VARCHAR IS NULL
       OR len(list_filter(sets, lambda spec: spec = $set OR starts_with(spec, $set || ':'))) > 0);

-- name: list_page
-- A page of a list in its order: identifier, given (its datestamp), deleted, sets, shard, frame, position.
-- Parameters: format; first, last_of_all (bounds of the datestamp, both included); set (NULL is no set; a set holds
-- its children); at, last (datestamp and identifier of the record before the page); limit.
-- A record whose datestamp is no date stands where it was retrieved: one branch each keeps the first on its zone maps.
WITH listed AS (
    SELECT identifier, datestamp AS given, deleted, sets, shard, frame, position
    FROM records
    WHERE format = $format AND datestamp BETWEEN greatest($first, $at) AND $last_of_all
    UNION ALL
    SELECT identifier, retrieved AS given, deleted, sets, shard, frame, position
    FROM records
    WHERE format = $format AND datestamp IS NULL AND retrieved BETWEEN greatest($first, $at) AND $last_of_all)
SELECT identifier, given, deleted, sets, shard, frame, position
FROM listed
WHERE (given > $at OR identifier > $last)
  AND ($set::VARCHAR IS NULL
       OR len(list_filter(sets, lambda spec: spec = $set OR starts_with(spec, $set || ':'))) > 0)
ORDER BY given, identifier
LIMIT $limit;

-- name: sample_of_format
-- Some records of a format, live ones first, the newest first. One row a record: identifier, deleted, shard, frame, position.
-- Parameters: format, limit.
SELECT identifier, deleted, shard, frame, position
FROM records
WHERE format = $format
ORDER BY deleted, datestamp DESC NULLS LAST
LIMIT $limit;

-- name: set_specs
-- The sets that records in some formats name. One row a set: spec.
-- Parameters: prefixes (a list).
SELECT DISTINCT unnest(sets) AS spec
FROM records
WHERE list_contains($prefixes::VARCHAR[], format);
