-- Items by what the log says of them and by class: said (NULL: no line), class, items, uploaded twice, copies too many.
SELECT said, class, count(*), count(*) FILTER (copies > 1), sum(greatest(copies - 1, 0))::BIGINT FROM classed
GROUP BY ALL;
