-- Runs of missing ids (DuckDB), the longest first: channel, first, last (numbers), ids (missing in it), runs (how many
-- there are in all). A run is of ids that follow each other in what the target names, none of them held.
-- Parameters: prefix, limit.
WITH placed AS (
        SELECT name, number, mark, row_number() OVER (PARTITION BY name ORDER BY number) AS place
        FROM report_ids WHERE prefix = $prefix AND mark IN ('=', '*', '+')),
     missing AS (
        SELECT name, number, place - row_number() OVER (PARTITION BY name ORDER BY number) AS run
        FROM placed WHERE mark = '+'),
     gaps AS (
        SELECT name, min(number) AS first, max(number) AS last, count(*) AS ids, count(*) OVER () AS runs
        FROM missing GROUP BY name, run)
SELECT text AS channel, first, last, ids, runs
FROM gaps JOIN names USING (name)
ORDER BY ids DESC, channel, first
LIMIT $limit;
