-- Outcomes that may be of one id (SQLite), found by the end of their identifiers: outcome, identifier.
-- Parameters: after (only outcomes behind this one); tail (in lower case; empty for all), length (its characters).
SELECT outcome, identifier
FROM outcomes
WHERE outcome > :after AND (:length = 0 OR lower(substr(identifier, -:length)) = :tail)
ORDER BY outcome;
