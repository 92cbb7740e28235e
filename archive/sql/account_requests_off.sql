-- Requests whose outcomes are not as many as they say (SQLite): request, run, channel, said, found.
-- A list says how many headers it had; every request says which outcomes are its own.
-- Parameters: run (NULL is each of them), limit.
WITH counted AS (
    SELECT r.request, r.run, r.channel,
           iif(r.listed > 0 OR r.url LIKE '%verb=List%', r.listed, coalesce(r.last_outcome - r.first_outcome + 1, 0))
               AS said,
           coalesce(r.last_outcome - r.first_outcome + 1, 0) AS span,
           (SELECT count(*) FROM outcomes AS o
            WHERE o.outcome BETWEEN r.first_outcome AND r.last_outcome AND o.request = r.request) AS found
    FROM requests AS r
    WHERE :run IS NULL OR r.run = :run)
SELECT request, run, c.name AS channel, said, found
FROM counted LEFT JOIN channels AS c USING (channel)
WHERE said <> found OR span <> found
ORDER BY request
LIMIT :limit;
