-- Requests of the ledger (SQLite) in the order they ended, each with the name of its channel.
-- Parameters: after (only those behind this one).
SELECT request, run, c.name AS channel, window, attempt, url, state, http_status, reason, attempts, at, listed,
       first_outcome, last_outcome
FROM requests LEFT JOIN channels AS c USING (channel)
WHERE request > :after
ORDER BY request;
