-- How many different ids a run has met (SQLite): one row, one number.
-- Parameters: run.
SELECT count(DISTINCT o.identifier)
FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
WHERE r.run = :run;
