-- Findings (SQLite), the first of each code, the worst code first: code, severity, count (of the code), run,
-- identifier, message, at.
-- Parameters: limit (examples of each code).
WITH numbered AS (
    SELECT finding, code, severity, run, identifier, message, at,
           count(*) OVER (PARTITION BY code, severity) AS count,
           row_number() OVER (PARTITION BY code, severity ORDER BY finding) AS number
    FROM findings)
SELECT code, severity, count, run, identifier, message, at
FROM numbered
WHERE number <= :limit
ORDER BY CASE severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, count DESC, code, finding;
