-- Findings of the old ledger (attached as old) that can be read, without their windows (SQLite).
INSERT OR IGNORE INTO main.findings (run, code, severity, channel, identifier, message, expected, found, at)
SELECT f.run, f.code, f.severity, c.channel, f.identifier, f.message, f.expected, f.found, f.at
FROM old.findings AS f JOIN main.runs AS r ON r.run = f.run LEFT JOIN main.channels AS c ON c.channel = f.channel
WHERE f.severity IN ('info', 'warning', 'error')
ORDER BY f.finding;
