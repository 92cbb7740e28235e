-- Items of each class, of the source and of the target: side, class, items.
SELECT 'source', class, count(*) FROM classed GROUP BY class
UNION ALL
SELECT 'target', CASE WHEN deleted THEN 'deleted' WHEN claimants > 0 THEN 'claimed' ELSE 'unclaimed' END AS class,
    count(*) FROM claims GROUP BY class;
