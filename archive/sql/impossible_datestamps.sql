-- The records of a run whose datestamps are no dates, each once (SQLite): channel, records, first (identifier).
-- Parameters: run; code (the reason of their outcomes).
SELECT r.channel, count(DISTINCT o.identifier) AS records, min(o.identifier) AS first
FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
WHERE r.run = :run AND o.reason = :code
GROUP BY r.channel
ORDER BY r.channel;
