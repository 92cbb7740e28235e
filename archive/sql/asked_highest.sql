-- The highest number that a run asked for and that is in use (SQLite).
-- Parameters: run.
SELECT max(CAST(o.identifier AS INTEGER))
FROM requests AS r CROSS JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
WHERE r.run = :run AND o.state NOT IN ('absent', 'open', 'lost') AND o.identifier NOT GLOB '*[^0-9]*'
  AND length(o.identifier) < 19;
