-- The identifiers of a channel that stand as refused, lost or open after all runs (SQLite), in order.
-- Parameters: channel.
SELECT identifier
FROM (SELECT o.identifier, o.state, max(o.outcome)
      FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
      WHERE r.channel = :channel
      GROUP BY o.identifier)
WHERE state IN ('refused', 'lost', 'open')
ORDER BY identifier;
