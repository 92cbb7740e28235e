-- Ids that others moved to in a channel and that this run has not asked for in it (SQLite).
-- Parameters: run, channel, most.
WITH asked AS (
    SELECT o.identifier, o.state, o.reason
    FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
    WHERE r.run = :run AND r.channel = :channel)
SELECT DISTINCT substr(reason, 4) AS target
FROM asked
WHERE state = 'moved' AND reason LIKE 'to %' AND substr(reason, 4) NOT IN (SELECT identifier FROM asked)
ORDER BY target
LIMIT :most;
