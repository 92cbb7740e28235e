-- What is not the same in account_cuts and beside it (DuckDB, index): cut, run, channel, value, listed, counted.
-- Years part the ids of a channel, so that their sum is its account; a window that is closed says how many ids it has,
-- which is at most what its requests named, those of attempts that were given up included.
WITH years AS (
        SELECT channel, sum(listed) AS listed FROM account_cuts WHERE cut = 'year' GROUP BY channel)
SELECT 'year' AS cut, NULL AS run, channel, NULL AS value, a.listed, coalesce(years.listed, 0)::BIGINT AS counted
FROM account AS a LEFT JOIN years USING (channel)
WHERE a.run IS NULL AND channel IS NOT NULL AND a.listed <> counted
UNION ALL
SELECT 'window', w.run, w.channel, w."window"::VARCHAR, w.distinct_ids, coalesce(c.listed, 0) AS counted
FROM windows AS w
LEFT JOIN account_cuts AS c ON c.cut = 'window' AND c.run = w.run AND c.value = w."window"::VARCHAR
WHERE w.state <> 'open' AND w.distinct_ids > coalesce(c.listed, 0)
ORDER BY ALL;
