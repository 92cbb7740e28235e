-- Some items of one class: item, line, reason. Parameters: class, limit.
SELECT item, line, reason FROM classed WHERE class = $class ORDER BY item LIMIT $limit;
