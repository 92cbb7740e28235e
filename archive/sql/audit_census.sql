-- (SQLite, ledger) What one census listed. Parameters: run.
SELECT substr(c.name, instr(c.name, ':') + 1) AS channel, o.identifier, o.datestamp, o.state = 'deleted' AS deleted,
    o.outcome AS place
FROM requests AS r JOIN outcomes AS o ON o.outcome BETWEEN r.first_outcome AND r.last_outcome
JOIN channels AS c USING (channel) WHERE r.run = :run AND o.state IN ('read', 'deleted') ORDER BY o.outcome;
