-- Numbers that are counted by themselves: lines and items of the log, live things in the target (chains of versions
-- count as one), those that an item was found as, and those that several items were found as.
WITH things AS (
    SELECT coalesce(t.concept, t.item) AS thing, count(DISTINCT p.source) AS items
    FROM target AS t LEFT JOIN pairs AS p ON p.target = t.item WHERE NOT t.deleted GROUP BY ALL)
SELECT (SELECT count(*) FROM log_rows), (SELECT count(DISTINCT item) FROM log_rows), count(*),
    count(*) FILTER (items > 0), count(*) FILTER (items > 1) FROM things;
