-- How many records a list has. One row: count.
-- Parameters: format; first, last_of_all (bounds of the datestamp, both included); set (NULL is no set).
SELECT count(*) AS count
FROM records
WHERE format = $format
  AND coalesce(datestamp, retrieved) BETWEEN $first AND $last_of_all
  AND ($set::VARCHAR IS NULL
       OR len(list_filter(sets, lambda spec: spec = $set OR starts_with(spec, $set || ':'))) > 0);
