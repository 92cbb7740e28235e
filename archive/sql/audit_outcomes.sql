-- (SQLite, ledger) Outcomes of all harvests that were no census, with the channel's prefix and set as "PREFIX[:SET]".
SELECT substr(c.name, instr(c.name, ':') + 1) AS channel, o.identifier, o.datestamp, o.state, o.outcome AS place
FROM outcomes AS o JOIN requests AS r USING (request) JOIN runs USING (run) JOIN channels AS c USING (channel)
WHERE runs.mode <> 'census' ORDER BY o.outcome;
