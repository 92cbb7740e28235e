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
