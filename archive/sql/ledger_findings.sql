-- Findings of the ledger (SQLite) in their order, each with the name of its channel.
SELECT finding, run, code, severity, c.name AS channel, window, identifier, message, expected, found, at
FROM findings LEFT JOIN channels AS c USING (channel)
ORDER BY finding;
