-- Every item with its class, the copies it was found as, the line of the log and the records.
SELECT class, item, copies, line, coalesce(list_sort(targets), []) AS targets
FROM classed LEFT JOIN (SELECT source AS item, list(target) AS targets FROM pairs GROUP BY source) USING (item)
ORDER BY item;
