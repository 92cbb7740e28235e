-- The ids that a list named in a window (SQLite), in its order.
-- Parameters: window.
SELECT o.identifier
FROM requests AS r JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
WHERE r.window = :window AND r.listed > 0
ORDER BY o.outcome;
