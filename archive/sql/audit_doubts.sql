-- Why the list of a census may not be all (SQLite): code, severity, message, identifier, expected, found.
-- Parameters: run.
SELECT code, severity, message, identifier, expected, found
FROM findings
WHERE run = :run AND severity <> 'info' AND code IN ('list-size-differs', 'window-unproven', 'search-window-overflow')
ORDER BY finding;
