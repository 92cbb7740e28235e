-- How the files of each run ended (SQLite), in the order of the runs: run, listed (as their records list them), left_out,
-- then how many are in each state, and the bytes of those read. The state of a file is that of its last row.
WITH ended AS (
    SELECT run, state, bytes, max(file) FROM files GROUP BY run, identifier, key),
counted AS (
    SELECT run, count(*) FILTER (WHERE state = 'read') AS read, count(*) FILTER (WHERE state = 'absent') AS absent,
           count(*) FILTER (WHERE state = 'forbidden') AS forbidden, count(*) FILTER (WHERE state = 'refused') AS refused,
           count(*) FILTER (WHERE state = 'lost') AS lost, count(*) FILTER (WHERE state = 'open') AS open,
           coalesce(sum(bytes) FILTER (WHERE state = 'read'), 0) AS bytes
    FROM ended GROUP BY run),
stated AS (
    SELECT run, sum(listed) AS listed, sum(left_out) AS left_out FROM filelists GROUP BY run)
SELECT runs.run, coalesce(listed, 0), coalesce(left_out, 0), coalesce(read, 0), coalesce(absent, 0),
       coalesce(forbidden, 0), coalesce(refused, 0), coalesce(lost, 0), coalesce(open, 0), coalesce(bytes, 0)
FROM runs LEFT JOIN counted USING (run) LEFT JOIN stated USING (run)
WHERE runs.spider = 'files' OR listed IS NOT NULL OR read IS NOT NULL
ORDER BY runs.run;
