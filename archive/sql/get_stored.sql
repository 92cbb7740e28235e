-- Those of some outcomes that may have come with a record (SQLite), in order: outcome, identifier.
-- Parameters: outcomes (their numbers, a JSON array).
SELECT o.outcome, o.identifier
FROM json_each(:outcomes) AS wanted JOIN outcomes AS o ON o.outcome = wanted.value
WHERE o.state IN ('read', 'deleted')
ORDER BY o.outcome;
