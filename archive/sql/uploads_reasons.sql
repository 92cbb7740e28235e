-- Why the log says that items failed, with how many are there all the same: reason, items, false failures.
SELECT coalesce(reason, ''), count(*), count(*) FILTER (class = 'false_failure') FROM classed
WHERE said = 'failed' GROUP BY ALL ORDER BY 2 DESC, 1;
