-- The datestamp of one record of a list, counted from the newest, or from the oldest (SQLite): edge.
-- Parameters: window, place (0 for the first), oldest (0 or 1).
SELECT o.datestamp AS edge
FROM windows AS w JOIN requests AS r ON r.window = w.window AND r.attempt = w.attempts
CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
WHERE w.window = :window AND o.datestamp <> ''
ORDER BY iif(:oldest, o.datestamp, NULL), o.datestamp DESC LIMIT 1 OFFSET :place;
