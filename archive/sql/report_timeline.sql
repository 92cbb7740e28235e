-- Requests of a run by time (SQLite): one row an interval that has any: slot (from 0), requests (each try), read
-- (requests that brought what was asked for), ids (outcomes).
-- Parameters: run, start (UTC, seconds since 1970), width (seconds of an interval).
SELECT (CAST(strftime('%s', at) AS INTEGER) - :start) / :width AS slot, sum(max(attempts, 1)) AS requests,
       count(*) FILTER (WHERE state = 'read') AS read, sum(coalesce(last_outcome - first_outcome + 1, 0)) AS ids
FROM requests
WHERE run = :run AND (http_status IS NOT NULL OR reason IS NOT NULL) AND strftime('%s', at) IS NOT NULL
GROUP BY slot
ORDER BY slot;
