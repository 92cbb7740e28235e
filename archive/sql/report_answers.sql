-- How the requests of a run were answered (SQLite): state, http_status (NULL: no answer), requests.
-- Parameters: run.
SELECT state, http_status, count(*) AS requests
FROM requests
WHERE run = :run AND (http_status IS NOT NULL OR reason IS NOT NULL)
GROUP BY state, http_status
ORDER BY requests DESC, state, http_status;
