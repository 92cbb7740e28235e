-- Runs by id whose ids were chosen by something else than their numbers: they are no captures. Columns: run, spider, ids
-- (what named them).
SELECT run, spider, arguments ->> '$.ids' AS ids
FROM runs
WHERE NOT regexp_full_match(arguments ->> '$.ids', '[0-9][-0-9,]*')
ORDER BY run;
