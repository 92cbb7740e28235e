-- Items that are there more than once: item, copies, the records they were found as. Parameters: limit.
SELECT item, copies, list_sort(list(target)) AS targets
FROM classed JOIN pairs ON source = item
WHERE copies > 1
GROUP BY ALL
ORDER BY item
LIMIT $limit;
