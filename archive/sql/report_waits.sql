-- Waits of a run (SQLite) in their order: began (UTC, seconds since 1970), seconds.
-- Parameters: run.
SELECT CAST(strftime('%s', began) AS INTEGER) AS began, seconds
FROM waits
WHERE run = :run AND strftime('%s', began) IS NOT NULL
ORDER BY wait;
