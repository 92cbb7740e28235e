-- Fill temp.latest (SQLite) with the last copy of each record, where it is a live one: outcome, channel.
INSERT INTO latest (outcome, channel)
SELECT outcome, channel
FROM (SELECT max(o.outcome) AS outcome, r.channel, o.state
      FROM runs CROSS JOIN requests AS r CROSS JOIN outcomes AS o JOIN channels AS c ON c.channel = r.channel
      WHERE runs.mode <> 'census' AND r.run = runs.run AND o.outcome BETWEEN r.first_outcome AND r.last_outcome
        AND o.state IN ('read', 'deleted') AND o.reason IS NOT 'not modified'
      GROUP BY c.format, o.identifier)
WHERE state = 'read';
