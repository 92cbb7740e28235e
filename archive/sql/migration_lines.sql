-- Every item of the source with its class and what it was matched with, then what nothing of the source claims.
SELECT class, item, coalesce(list_sort(targets), []) AS targets
FROM classed LEFT JOIN (SELECT source AS item, list(target) AS targets FROM pairs GROUP BY source) USING (item)
UNION ALL
SELECT 'unclaimed', target, [] FROM claims WHERE NOT deleted AND claimants = 0
ORDER BY item, class;
