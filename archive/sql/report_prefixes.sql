-- What stands before the numbers of ids, the most common first (DuckDB): prefix, ids, first, last (numbers), and share
-- of all ids of the audit.
-- Parameters: limit.
SELECT prefix, count(*) AS ids, min(number) AS first, max(number) AS last,
       count(*) / (SELECT count(*) FROM report_ids) AS share
FROM report_ids
WHERE number IS NOT NULL
GROUP BY prefix
ORDER BY ids DESC, prefix
LIMIT $limit;
