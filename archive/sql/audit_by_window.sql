-- Marks by the window of the ledger that an id was last asked for in; of one that no window has, by that of the last
-- harvest into which its datestamp there falls: group, mark, ids.
WITH last AS (SELECT name, max(run) AS run FROM windows GROUP BY name),
     of_time AS (
        SELECT name, "window", coalesce(moment_of(from_), TIMESTAMP '0001-01-01') AS since,
            coalesce(moment_of(until), TIMESTAMP '9999-01-01') AS until
        FROM windows SEMI JOIN last USING (name, run)
        WHERE state <> 'split' AND (from_ IS NULL OR moment_of(from_) IS NOT NULL)),
     placed AS (
        SELECT e.name, e.mark, coalesce(r."window",
            CASE WHEN e.moment_there < t.until + INTERVAL 1 DAY THEN t."window" END)
            AS "window"
        FROM (SELECT * FROM every) AS e
        LEFT JOIN (SELECT request, "window" FROM requests WHERE side = 0) AS r USING (request)
        ASOF LEFT JOIN of_time AS t ON t.name = e.name AND e.moment_there >= t.since)
SELECT coalesce('window ' || "window" || ': ' || coalesce(w.from_, '') || '..' || coalesce(w.until, ''), 'no window')
    AS "group", mark, count(*) AS ids
FROM placed LEFT JOIN windows AS w USING ("window")
GROUP BY "group", mark, "window" ORDER BY "window" NULLS LAST, mark;
