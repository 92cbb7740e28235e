-- Lists that were cut and whose parts brought less than they had stated (SQLite): channel, from_, until, stated, counted.
-- Parameters: run (NULL: the last harvest of each channel).
WITH last AS (
        SELECT w.channel, max(w.run) AS run FROM windows AS w JOIN runs USING (run)
        WHERE runs.mode NOT IN ('census', 'retry') GROUP BY w.channel)
SELECT c.name AS channel, w.from_, w.until, f.expected AS stated, f.found AS counted
FROM findings AS f JOIN windows AS w USING (window) JOIN channels AS c ON c.channel = w.channel
     LEFT JOIN last ON last.channel = w.channel
WHERE f.code = 'parts-short' AND f.run = coalesce(:run, last.run)
ORDER BY c.name, w.window;
