-- The records that the last requests of a channel before a run brought, the newest first (SQLite): identifier,
-- datestamp, state.
-- Parameters: channel, run.
SELECT o.identifier, o.datestamp, o.state
FROM (SELECT first_outcome, last_outcome FROM requests
      WHERE channel = :channel AND run < :run AND first_outcome IS NOT NULL
      ORDER BY request DESC LIMIT 20) AS r
CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
ORDER BY o.outcome DESC;
