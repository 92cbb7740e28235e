-- What a run has read (SQLite), in the order in which it came: identifier, datestamp ('' where there is none).
-- Parameters: run.
SELECT o.identifier, coalesce(o.datestamp, '')
FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
WHERE r.run = :run AND o.state IN ('read', 'deleted')
ORDER BY o.outcome;
