-- Ids that ended as absent in a channel of a run by answers that may come from a proxy (SQLite): window, identifier.
-- Parameters: run, channel, reason (how the reason of such an outcome begins, and %).
SELECT window, identifier
FROM (SELECT r.window, o.identifier, o.state, o.reason, max(o.outcome)
      FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
      WHERE r.run = :run AND r.channel = :channel
      GROUP BY o.identifier)
WHERE state = 'absent' AND reason LIKE :reason
ORDER BY window, identifier;
