-- What lists said of their own length (SQLite): one row a channel of a run: channel, verb, stated, counted (distinct
-- ids that came), silent (lists that said nothing). Only lists that were read to their end and not cut into others, and
-- no second look at what came since, to which a search that ignores the bounds says the size of everything again.
-- Parameters: run (NULL: the last harvest of each channel).
WITH last AS (
        SELECT w.channel, max(w.run) AS run FROM windows AS w JOIN runs USING (run)
        WHERE runs.mode NOT IN ('census', 'retry') GROUP BY w.channel)
SELECT c.name AS channel, iif(w.verb = 'gathered', 'search', w.verb) AS kind, sum(iif(w.verb = 'dump', w.listed, w.stated)) AS stated,
       sum(iif(w.verb = 'dump' OR w.stated IS NOT NULL, w.distinct_ids, 0)) AS counted,
       count(*) FILTER (WHERE w.verb <> 'dump' AND w.stated IS NULL) AS silent
FROM windows AS w JOIN channels AS c USING (channel) LEFT JOIN last ON last.channel = w.channel
WHERE w.run = coalesce(:run, last.run) AND w.state = 'done' AND w.verb IN ('ListRecords', 'ListIdentifiers', 'search', 'gathered', 'dump')
  AND w."end" IS NOT 'bounds ignored' AND NOT EXISTS (SELECT 1 FROM windows AS child WHERE child.parent = w.window)
GROUP BY c.name, kind
ORDER BY c.name;
