-- Some items of one class: item, local_id, title. Parameters: class, limit.
SELECT item, local_id, title FROM classed WHERE class = $class ORDER BY item LIMIT $limit;
