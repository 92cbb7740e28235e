-- Findings (SQLite) that name some ids, in their order: run, code, severity, channel, message, at.
-- Parameters: identifiers (a JSON array).
SELECT run, code, severity, c.name AS channel, message, at
FROM findings LEFT JOIN channels AS c USING (channel)
WHERE identifier IN (SELECT value FROM json_each(:identifiers))
ORDER BY finding;
