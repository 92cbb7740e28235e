-- The runs that harvested (SQLite), in the order of their last outcomes: run, started, whole (finished, and over a list
-- that had no bounds).
SELECT run, started,
       mode = 'full' AND spider IN ('oaipmh', 'search') AND state IN ('complete', 'findings')
       AND coalesce(json_extract(arguments, '$.from'), json_extract(arguments, '$.until'),
                    json_extract(arguments, '$.sample'), json_extract(arguments, '$.shard')) IS NULL AS whole
FROM runs
ORDER BY coalesce((SELECT max(r.last_outcome) FROM requests AS r WHERE r.run = runs.run), 0), run;
