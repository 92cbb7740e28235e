-- The channels in which the old ledger (attached as old) has an id, the last one first (SQLite): channel.
-- Parameters: 1 identifier.
SELECT r.channel
FROM old.outcomes AS o JOIN old.requests AS r ON r.request = o.request
WHERE o.identifier = ?1 AND r.channel IS NOT NULL
GROUP BY r.channel
ORDER BY max(o.outcome) DESC;
