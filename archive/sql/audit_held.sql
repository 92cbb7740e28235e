-- (SQLite, ledger) The records an archive holds, as a target for another: each copy, in order.
SELECT substr(c.name, instr(c.name, ':') + 1) AS channel, o.identifier, o.datestamp, o.state = 'deleted' AS deleted,
    o.outcome AS place
FROM outcomes AS o JOIN requests AS r USING (request) JOIN runs USING (run) JOIN channels AS c USING (channel)
WHERE runs.mode <> 'census' AND o.state IN ('read', 'deleted') ORDER BY o.outcome;
