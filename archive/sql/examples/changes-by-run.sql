-- What each run brought: new records, new versions of known ones, tombstones.
SELECT run, any_value(runs.started) AS started, format, count(*) FILTER (version = 1 AND NOT deleted) AS new,
       count(*) FILTER (version > 1 AND NOT deleted) AS changed, count(*) FILTER (deleted) AS deleted
FROM versions JOIN runs USING (run)
GROUP BY run, format
ORDER BY run, format;
